"""Who may come in, and how."""

from pathlib import Path

import pytest

from opskit.provision.access.databases import Duties
from opskit.provision.access.managed_block import with_block
from opskit.provision.access.rules import (
    AccessFacts,
    File,
    FileFacts,
    ReloadAccess,
    Rule,
    WriteAccess,
    access_faults,
    access_steps,
    access_told,
    wanted_access,
)

DUTIES = Duties("owner", "app", "monitor", "standby", "backup")
WANTED = wanted_access(("shop", "mail"), DUTIES)
FOREIGN = b"local all postgres peer\nlocal all all peer\n"


def facts(hba: bytes, ident: bytes, *rules: Rule, stale: tuple[File, ...] = ()) -> AccessFacts:
    """Both files, and pg_hba.conf's rules."""
    return AccessFacts(
        FileFacts(Path("/etc/pg_hba.conf"), hba), FileFacts(Path("/etc/pg_ident.conf"), ident), rules, stale
    )


def written(*rules: Rule, stale: tuple[File, ...] = (), above: bytes = b"") -> AccessFacts:
    """The files as opskit has written them, below some lines."""
    return facts(above + with_block(FOREIGN, WANTED.hba), with_block(b"", WANTED.ident), *rules, stale=stale)


def test_the_owner_and_the_services_come_in_by_the_socket_alone_and_the_application_by_password() -> None:
    assert WANTED.hba == (
        'local "shop","mail" "owner","monitor","standby","backup" peer map=opskit',
        'local all "owner","monitor","standby","backup" reject',
        'host all "owner","monitor","standby","backup" all reject',
        'local "shop","mail" "app" scram-sha-256',
        'host "shop","mail" "app" 127.0.0.1/32 scram-sha-256',
        'host "shop","mail" "app" ::1/128 scram-sha-256',
    )


def test_root_may_be_all_of_opskits_roles_and_the_exporter_only_one() -> None:
    assert 'opskit root "backup"' in WANTED.ident
    assert [line for line in WANTED.ident if "exporter" in line] == ['opskit opskit-exporter "monitor"']
    assert not [line for line in WANTED.ident if '"app"' in line]


def test_nothing_is_done_about_files_that_are_as_they_shall_be() -> None:
    assert not list(access_steps(WANTED, written()))


def test_missing_lines_are_put_at_the_top_and_read_once() -> None:
    steps = list(access_steps(WANTED, facts(FOREIGN, b"")))
    assert steps == [
        WriteAccess(File.IDENT, WANTED.ident, ("pg_ident.conf: opskit's lines are missing",)),
        WriteAccess(File.HBA, WANTED.hba, ("pg_hba.conf: opskit's lines are missing",)),
        ReloadAccess(("pg_ident.conf is written anew", "pg_hba.conf is written anew")),
    ]


def test_a_changed_line_is_named() -> None:
    lines = (*WANTED.hba[:-1], 'host "shop","mail" "app" ::1/128 trust')
    drifted = facts(with_block(FOREIGN, lines), with_block(b"", WANTED.ident))
    write, _ = access_steps(WANTED, drifted)
    assert write.why == (
        f"pg_hba.conf: “{WANTED.hba[-1]}” is missing",
        'pg_hba.conf: “host "shop","mail" "app" ::1/128 trust” is not opskit\'s',
    )


@pytest.mark.parametrize(
    ("databases", "users"),
    [
        (("all",), ("all",)),
        (("shop",), ("app",)),
        (("all",), ("backup",)),
        (("other", "mail"), ("all",)),
        (("sameuser",), ("all",)),
        (("all",), ("+staff",)),
    ],
)
def test_a_line_above_that_reaches_ours_is_drift(databases: tuple[str, ...], users: tuple[str, ...]) -> None:
    above = Rule(1, "host", databases, users, "10.0.0.0/8", "trust")
    write, _ = access_steps(WANTED, written(above, above=b"host ...\n"))
    (why,) = write.why
    assert why.startswith("pg_hba.conf: line 1 stands above opskit's: “host ")


@pytest.mark.parametrize(
    ("databases", "users"),
    [(("all",), ("postgres",)), (("other",), ("all",)), (("replication",), ("all",))],
)
def test_a_line_above_about_others_is_none(databases: tuple[str, ...], users: tuple[str, ...]) -> None:
    above = Rule(1, "local", databases, users, None, "peer")
    assert not list(access_steps(WANTED, written(above, above=b"local ...\n")))


def test_files_that_the_server_has_not_read_are_read() -> None:
    (step,) = access_steps(WANTED, written(stale=(File.HBA,)))
    assert step == ReloadAccess(("pg_hba.conf was written after the server last read it",))


def test_a_line_of_others_that_asks_for_no_password_is_told() -> None:
    wide = Rule(9, "host", ("all",), ("all",), "0.0.0.0/0", "trust")
    here = Rule(10, "host", ("all",), ("all",), "127.0.0.1/32", "trust")
    assert list(access_told(WANTED, written(wide, here))) == [
        "pg_hba.conf: line 9 lets others in without a password: “host all all 0.0.0.0/0 trust”"
    ]


def test_a_file_that_the_server_cannot_read_stops_everything() -> None:
    broken = AccessFacts(FileFacts(Path("/etc/pg_hba.conf"), FOREIGN, ("line 2: end-of-line before role",)))
    (fault,) = access_faults(broken)
    assert fault.message == "/etc/pg_hba.conf: line 2: end-of-line before role"
