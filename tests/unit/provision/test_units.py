"""Services: which start at boot, which run, and what this host needs in their drop-ins."""

from dataclasses import replace
from pathlib import Path

import pytest

from opskit.config import Backup, Configuration, Database, Encrypt, Exporter, Postgresql
from opskit.provision.host.units import (
    CHECKS,
    EXPORTER,
    FILES_CHECK,
    POSTGRESQL,
    SOCKET,
    UnitFacts,
    UnitWanted,
    decide_unit,
    drop_in,
    wanted_units,
)

HERE = Configuration({"main": Database(Path("a.db"), "a")}, postgresql=Postgresql(host="/run/postgresql"))
UP = UnitFacts(installed=True, at_boot="enabled", state="active", drop_in="")
STARTED = UnitWanted(EXPORTER, at_boot=True, runs=True, reads=True)


def titles(wanted: UnitWanted, facts: UnitFacts, groups: tuple[str, ...] = ()) -> list[str]:
    return [step.title for step in decide_unit(wanted, facts, groups).steps]


def named(configuration: Configuration, name: str) -> UnitWanted | None:
    return next((one for one in wanted_units(configuration) if one.name == name), None)


def test_a_unit_that_is_enabled_and_runs_needs_nothing() -> None:
    assert titles(STARTED, UP) == []


@pytest.mark.parametrize(
    ("at_boot", "state", "expected"),
    [
        ("disabled", "inactive", [f"let {EXPORTER} start at boot", f"start {EXPORTER}"]),
        ("disabled", "active", [f"let {EXPORTER} start at boot"]),
        ("enabled-runtime", "active", [f"let {EXPORTER} start at boot"]),
        ("enabled", "failed", [f"start {EXPORTER}"]),
        ("enabled", "activating", []),
    ],
)
def test_what_is_off_is_turned_on(at_boot: str, state: str, expected: list[str]) -> None:
    assert titles(STARTED, replace(UP, at_boot=at_boot, state=state)) == expected


def test_a_masked_unit_is_the_operators_will_and_told() -> None:
    decided = decide_unit(STARTED, replace(UP, at_boot="masked", state="inactive"), ())
    assert decided.steps == ()
    assert decided.told == (f"{EXPORTER} is masked and left alone: systemctl unmask {EXPORTER}",)


def test_what_is_not_installed_is_told_but_postgresql_comes_with_its_package() -> None:
    absent = replace(UP, installed=False)
    assert "scripts/install" in decide_unit(STARTED, absent, ()).told[0]
    assert decide_unit(UnitWanted(POSTGRESQL, at_boot=True), absent, ()).told == ()


def test_postgresqls_unit_is_wanted_only_where_the_server_is() -> None:
    assert named(HERE, POSTGRESQL) is not None
    assert named(replace(HERE, postgresql=Postgresql(host="db1.example")), POSTGRESQL) is None


def test_a_service_that_reads_the_applications_files_is_in_their_groups() -> None:
    steps = decide_unit(STARTED, UP, ("crewai",)).steps
    assert [step.title for step in steps] == [f"write /etc/systemd/system/{EXPORTER}.d/opskit.conf"]
    assert "\nSupplementaryGroups=crewai\n" in drop_in(STARTED, ("crewai",))
    assert titles(STARTED, replace(UP, drop_in=drop_in(STARTED, ("crewai",))), ("crewai",)) == []


def test_a_drop_in_that_nothing_needs_goes() -> None:
    assert titles(STARTED, replace(UP, drop_in="[Service]\n")) == [
        f"remove /etc/systemd/system/{EXPORTER}.d/opskit.conf"
    ]


def test_another_address_of_the_exporter_is_the_sockets() -> None:
    assert named(HERE, SOCKET) == UnitWanted(SOCKET, at_boot=True, runs=True)
    elsewhere = named(replace(HERE, exporter=Exporter(listen="192.0.2.1:9188")), SOCKET)
    assert elsewhere is not None
    assert drop_in(elsewhere, ()).endswith("ListenStream=\nListenStream=192.0.2.1:9188\n")


def test_a_host_without_the_key_to_its_backups_checks_their_files() -> None:
    for identity, expected in ((None, FILES_CHECK), (Path("/etc/opskit/backup.key"), "")):
        encrypt = Encrypt(Path("/etc/opskit/backup.recipients"), identity)
        timers = [named(replace(HERE, backup=Backup(encrypt=encrypt)), name) for name in CHECKS]
        assert [one and one.starts for one in timers] == [expected] * len(CHECKS)
