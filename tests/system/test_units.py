"""The shipped units on a provisioned host: shut off from what they do not need, and doing their work."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.system.debian import Debian
from tests.system.provisioned import psql

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
EXPORTER = "opskit-exporter.service"
STANDBY = "opskit-standby.service"
REHEARSAL = "opskit-rehearse.service"
REUSE_SECONDS = 1.1
METRICS = "http://127.0.0.1:9188/metrics"
BOTH = {"main", "walmart"}
TENTHS_OF_EXPOSURE = 3
TENTHS_OF_EXPOSURE_BY_TCP = 12
TENTHS_OF_EXPOSURE_OF_A_CLUSTER = 26
"""What becomes the server's account, and reaches repositories over the network."""

RESIDENT_KILOBYTES = 35_000
WATCHDOG_SECONDS = 3
SECRET = "a-secret-of-this-test"


@pytest.fixture(scope="module")
def provisioned(host: Debian) -> Debian:
    """A host whose application keeps its files to itself and its group."""
    host.run(["chmod", "0640", "/srv/crewai/.env"])
    host.run(["chmod", "0750", "/srv/crewai", "/srv/crewai/data"])
    host.run(["sh", "-c", "chmod 0660 /srv/crewai/data/*"])
    host.run(["opskit", "provision", "--yes"])
    return host


def test_systemd_finds_nothing_to_say_about_the_units(provisioned: Debian) -> None:
    units = [unit.name for unit in (ROOT / "systemd").iterdir()]
    done = provisioned.run(["systemd-analyze", "verify", *units])
    assert (done.stdout, done.stderr) == ("", "")


def test_no_service_is_exposed(provisioned: Debian) -> None:
    for unit in (ROOT / "systemd").glob("*.service"):
        name = unit.name.replace("@.", "@readable.")
        is_cluster = name.startswith("opskit-pgbackrest")
        most = TENTHS_OF_EXPOSURE_OF_A_CLUSTER if is_cluster else TENTHS_OF_EXPOSURE
        provisioned.run(["systemd-analyze", "security", f"--threshold={most}", name])


def test_the_exporter_reads_both_engines_as_a_peer_without_a_network(provisioned: Debian) -> None:
    for engine, collector in (("sqlite", "pages"), ("postgresql", "statements")):
        use(provisioned, engine)
        samples = scraped(provisioned)
        assert labels(samples, "opskit_database_engine", engine=engine) == BOTH
        assert labels(samples, "opskit_database_up") == BOTH
        assert labels(samples, "opskit_collector_success", collector=collector) == BOTH
        assert 0 not in samples["opskit_collector_success"].values()
    sessions = "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'opskit-exporter'"
    assert psql(provisioned, "postgres", sessions).stdout == "opskit_monitor\n"
    spaces = ["readlink", "/proc/1/ns/net", f"/proc/{show(provisioned, 'MainPID')}/ns/net"]
    assert len(set(provisioned.run(spaces).stdout.split())) == 2


def test_root_sees_what_costs_and_who_waits_on_both_engines(provisioned: Debian) -> None:
    for engine in ("sqlite", "postgresql"):
        use(provisioned, engine)
        views = json.loads(provisioned.run(["opskit", "top", "-o", "json"]).stdout)["result"]["databases"]
        assert [(view["engine"], view["failure"]) for view in views] == [(engine, "")] * 2
        assert all(view["statements"] and not view["notes"] for view in views) or engine == "sqlite"


def test_a_reload_reads_the_configuration_in_the_same_process_which_stays_small(provisioned: Debian) -> None:
    use(provisioned, "postgresql")
    scraped(provisioned)
    before = show(provisioned, "MainPID")
    with edited(provisioned, "/etc/opskit/opskit.yaml", lambda text: f"{text}\nunknown: key\n"):
        provisioned.run(["systemctl", "reload", EXPORTER])
        wait_for_reload(provisioned, 0.0)
    provisioned.run(["systemctl", "reload", EXPORTER])
    wait_for_reload(provisioned, 1.0)
    assert show(provisioned, "MainPID") == before
    resident = provisioned.run(
        ["sed", "-n", "s/^VmRSS:[^0-9]*\\([0-9]*\\) kB/\\1/p", f"/proc/{before}/status"]
    )
    assert int(resident.stdout) < RESIDENT_KILOBYTES


def wait_for_reload(debian: Debian, successful: float) -> None:
    """Until the exporter has taken a configuration over, or refused it."""
    until = time.monotonic() + 20
    while set(scraped(debian)["opskit_exporter_config_last_reload_successful"].values()) != {successful}:
        assert time.monotonic() < until


def test_a_database_that_goes_down_is_a_warning_in_the_journal(provisioned: Debian) -> None:
    use(provisioned, "postgresql")
    scraped(provisioned)
    provisioned.run(["systemctl", "stop", "postgresql@15-main"])
    down = scraped(provisioned)
    provisioned.run(["systemctl", "start", "postgresql@15-main"])
    assert labels(down, "opskit_database_up") == set()
    assert labels(scraped(provisioned), "opskit_database_up") == BOTH
    journal = ["journalctl", "--unit", EXPORTER, "--output=cat", "--priority"]
    warnings = provisioned.run([*journal, "4"]).stdout
    assert "main: down on postgresql (not_running)" in warnings
    assert "main: up on postgresql" not in warnings
    assert "main: up on postgresql" in provisioned.run([*journal, "6"]).stdout


def test_a_hung_exporter_is_restarted_and_no_scrape_is_refused_meanwhile(provisioned: Debian) -> None:
    with drop_in(provisioned, EXPORTER, f"[Service]\nWatchdogSec={WATCHDOG_SECONDS}\n"):
        time.sleep(2 * WATCHDOG_SECONDS)
        assert show(provisioned, "NRestarts") == "0"
        provisioned.run(["systemctl", "kill", "--signal=STOP", "--kill-whom=main", EXPORTER])
        assert labels(scraped(provisioned), "opskit_database_up") == BOTH
        assert show(provisioned, "NRestarts") == "1"
    provisioned.run(["systemctl", "stop", EXPORTER])
    assert show(provisioned, "Result") == "success"
    assert labels(scraped(provisioned), "opskit_database_up") == BOTH  # its socket starts it


@pytest.mark.parametrize("service", [EXPORTER, STANDBY])
def test_a_service_that_is_stopped_while_it_starts_has_not_failed(provisioned: Debian, service: str) -> None:
    for twentieths in range(2, 24):
        provisioned.run(["systemctl", "reset-failed"])  # which forgets how often it was started
        provisioned.run(["systemctl", "start", "--no-block", service])
        time.sleep(twentieths / 20)
        provisioned.run(["systemctl", "stop", service])
        assert show(provisioned, "Result", service) == "success", twentieths / 20


def test_by_tcp_it_has_a_network_and_a_password_that_is_shown_nowhere(provisioned: Debian) -> None:
    use(provisioned, "postgresql")
    psql(provisioned, "postgres", f"ALTER ROLE opskit_monitor PASSWORD '{SECRET}'")
    provisioned.write("/etc/opskit/exporter-password", f"{SECRET}\n")
    provisioned.run(["chmod", "0600", "/etc/opskit/exporter-password"])
    rule = "host all opskit_monitor 127.0.0.1/32 scram-sha-256"
    with (
        edited(provisioned, "/etc/postgresql/15/main/pg_hba.conf", lambda text: f"{rule}\n{text}"),
        edited(provisioned, "/etc/opskit/opskit.yaml", by_tcp),
        drop_in(provisioned, EXPORTER, documented("tcp.conf")),
    ):
        psql(provisioned, "postgres", "SELECT pg_reload_conf()")
        assert labels(scraped(provisioned), "opskit_database_up") == BOTH
        exposure = f"--threshold={TENTHS_OF_EXPOSURE_BY_TCP}"
        provisioned.run(["systemd-analyze", "security", exposure, EXPORTER])
        shown = provisioned.run(["systemctl", "show", EXPORTER]).stdout
        journal = provisioned.run(["journalctl", "--unit", EXPORTER]).stdout
    assert SECRET not in shown + journal


def test_files_below_home_are_read_with_the_documented_drop_in(provisioned: Debian) -> None:
    use(provisioned, "sqlite")
    provisioned.run(["mkdir", "-p", "/home/crewai"])
    provisioned.run(["cp", "--archive", "/srv/crewai", "/home/crewai/app"])
    moved = lambda text: text.replace("/srv/crewai", "/home/crewai/app")  # noqa: E731
    with edited(provisioned, "/etc/opskit/opskit.yaml", moved):
        provisioned.run(["systemctl", "restart", EXPORTER])
        assert labels(scraped(provisioned), "opskit_database_up") == set()
        with drop_in(provisioned, EXPORTER, documented("home.conf")):
            assert labels(scraped(provisioned), "opskit_database_up") == BOTH


@pytest.fixture(scope="module")
def migrated(provisioned: Debian) -> Debian:
    """The same with its rows in both engines."""
    use(provisioned, "sqlite")
    provisioned.run(["opskit", "migrate"])
    return provisioned


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_backups_are_made_checked_and_drilled_by_their_units(migrated: Debian, engine: str) -> None:
    use(migrated, engine)
    for unit in ("opskit-backup", "opskit-backup-verify@readable", "opskit-backup-verify@drill"):
        migrated.run(["systemctl", "start", f"{unit}.service"])
        assert show(migrated, "Result", f"{unit}.service") == "success"
    manifests = ["find", "/var/backups/opskit", "-name", "manifest.json", "-printf", "%u %m\n"]
    assert set(migrated.run(manifests).stdout.splitlines()) == {"opskit 600"}
    samples = scraped(migrated)
    assert labels(samples, "opskit_backup_last_attempt_success") == BOTH
    for level in ("readable", "drill"):
        assert labels(samples, "opskit_backup_last_check_success", level=level) == BOTH


def test_the_standby_follows_postgresql_and_stops_when_told(migrated: Debian) -> None:
    use(migrated, "postgresql")
    migrated.run(["systemctl", "start", STANDBY])
    migrated.run(["opskit", "standby", "status"])
    assert labels(scraped(migrated), "opskit_rollback_ready") == BOTH
    assert show(migrated, "NRestarts", STANDBY) == "0"
    migrated.run(["systemctl", "stop", STANDBY])
    assert show(migrated, "Result", STANDBY) == "success"


def test_a_rollback_is_rehearsed_by_its_unit_and_others_are_told(migrated: Debian) -> None:
    use(migrated, "postgresql")
    migrated.run(["systemctl", "start", REHEARSAL])
    assert show(migrated, "Result", REHEARSAL) == "success"
    samples = scraped(migrated)
    assert labels(samples, "opskit_rollback_rehearsal_success") == BOTH
    assert len(samples["opskit_rollback_rehearsal_duration_seconds"]) == len(BOTH)
    use(migrated, "sqlite")
    migrated.run(["systemctl", "start", REHEARSAL])
    assert show(migrated, "Result", REHEARSAL) == "success"
    assert "opskit_rollback_rehearsal_success" not in scraped(migrated)


def use(host: Debian, engine: str) -> None:
    """What a cutover or rollback does to the application's environment."""
    host.run(["sed", "-i", f"s/^DATABASE_TYPE=.*/DATABASE_TYPE={engine}/", "/srv/crewai/.env"])
    host.run(["grep", "-qx", f"DATABASE_TYPE={engine}", "/srv/crewai/.env"])


def scraped(host: Debian) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
    """Name → labels → value, of a scrape that looks anew."""
    time.sleep(REUSE_SECONDS)
    body = host.run(["curl", "--silent", "--show-error", "--fail", "--max-time", "30", METRICS]).stdout
    found: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
    for family in text_string_to_metric_families(body):
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return found


def labels(samples: dict[str, dict[frozenset[tuple[str, str]], float]], name: str, **wanted: str) -> set[str]:
    """The databases of which a series with these labels is 1."""
    return {
        dict(labels)["database"]
        for labels, value in samples.get(name, {}).items()
        if value == 1 and wanted.items() <= set(labels)
    }


def show(host: Debian, name: str, unit: str = EXPORTER) -> str:
    """A property of a unit."""
    return host.run(["systemctl", "show", f"--property={name}", "--value", unit]).stdout.strip()


def documented(name: str) -> str:
    """A drop-in as docs/exporter.md has it."""
    text = (ROOT / "docs" / "exporter.md").read_text(encoding="utf-8")
    found = re.search(rf"```ini\n# \S+/{re.escape(name)}\n(.*?)```", text, re.DOTALL)
    assert found
    return found[1]


def by_tcp(text: str) -> str:
    """The configuration of an exporter that reaches the server by TCP."""
    own = "host: 127.0.0.1\n  password: {credential: postgresql}\n  user: opskit_monitor"
    return text.replace("user: opskit_monitor", own)


@contextmanager
def drop_in(host: Debian, unit: str, text: str) -> Iterator[None]:
    """The unit runs with a further drop-in."""
    file = f"/etc/systemd/system/{unit}.d/test.conf"
    host.write(file, text)
    host.run(["systemctl", "daemon-reload"])
    host.run(["systemctl", "restart", unit])
    yield
    host.run(["rm", file])
    host.run(["systemctl", "daemon-reload"])
    host.run(["systemctl", "restart", unit])


@contextmanager
def edited(host: Debian, file: str, edit: Callable[[str], str]) -> Iterator[None]:
    """A file with another text; the old one comes back in place, with its access."""
    path = host.root / file.removeprefix("/")
    before = path.read_text(encoding="utf-8")
    assert edit(before) != before
    path.write_text(edit(before), encoding="utf-8")
    yield
    path.write_text(before, encoding="utf-8")
