"""One trouble is one finding, with the remedy for its cause."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from opskit.config import Engine
from opskit.doctor.catalogue import PROVISION
from opskit.doctor.diagnosis import diagnose
from opskit.doctor.facts import Dump, Facts, FileState, Holder, Refusal, Refused, Role, Unit, Volume
from opskit.doctor.findings import Finding
from tests.unit.doctor.world import CLUSTER, DATA, ENV, GIB, VOLUME, WELL, facts, target

APPLICATION = Holder(4711, "node server.js", "crewai.service")
OTHER = Holder(4714, "node other.js", "other.service")
SHELL = Holder(4712, "sqlite3 main.db", "")
STANDBY = Holder(4713, "opskit standby run", "opskit-standby.service")


def with_every_database(found: Facts, **changes: Any) -> Facts:
    return replace(found, databases=tuple(replace(one, **changes) for one in found.databases))


def with_main(found: Facts, **changes: Any) -> Facts:
    first, *others = found.databases
    return replace(found, databases=(replace(first, **changes), *others))


def with_sqlite(found: Facts, **changes: Any) -> Facts:
    return with_main(found, sqlite=replace(found.databases[0].sqlite, **changes))


def refused(refusal: Refusal, **changes: Any) -> Facts:
    return with_every_database(facts(), answer=Refused(refusal, "words of libpq"), **changes)


def only(found: Facts) -> Finding:
    (finding,) = diagnose(found)
    return finding


def test_a_host_on_which_all_is_well_has_no_findings() -> None:
    assert diagnose(facts()) == ()


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (Refusal.HOST_UNKNOWN, "host_unknown"),
        (Refusal.UNREACHABLE, "server_unreachable"),
        (Refusal.REFUSED, "port_refused"),
        (Refusal.SOCKET_DENIED, "socket_denied"),
        (Refusal.SILENT, "server_silent"),
        (Refusal.SSL_REFUSED, "wrong_ssl"),
        (Refusal.SSL_REQUIRED, "wrong_ssl"),
        (Refusal.STARTING, "server_starting"),
        (Refusal.FULL, "too_many_connections"),
        (Refusal.NO_RULE, "access_rule_missing"),
        (Refusal.AUTHENTICATION, "authentication_failed"),
        (Refusal.ROLE, "authentication_failed"),
        (Refusal.NO_PASSWORD, "authentication_failed"),
        (Refusal.OTHER, "connection_failed"),
    ],
)
def test_what_concerns_the_server_or_the_role_is_told_once_for_both_databases(
    refusal: Refusal, code: str
) -> None:
    finding = only(refused(refusal))
    assert (finding.code, finding.database) == (code, None)


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (Refusal.NO_DATABASE, "database_missing"),
        (Refusal.NO_CONNECT, "permission_denied"),
    ],
)
def test_what_concerns_one_database_names_it(refusal: Refusal, code: str) -> None:
    finding = only(with_main(facts(), answer=Refused(refusal)))
    assert (finding.code, finding.database, finding.remedy) == (code, "main", PROVISION)
    assert "crewai_main" in finding.what


def test_every_refusal_has_a_meaning() -> None:
    for refusal in Refusal:
        assert diagnose(refused(refusal))


def test_a_stopped_cluster_is_started_by_its_own_unit() -> None:
    stopped = replace(facts().host, clusters=(replace(CLUSTER, running=False),))
    finding = only(replace(refused(Refusal.REFUSED), host=stopped))
    assert (finding.code, finding.remedy) == ("server_down", "systemctl start postgresql@15-main")
    assert finding.fixable


def test_a_host_without_a_cluster_is_provisioned_by_its_operator() -> None:
    bare = replace(facts().host, clusters=())
    finding = only(replace(refused(Refusal.REFUSED), host=bare, drift=("there is no cluster 15/main",)))
    assert (finding.code, finding.remedy, finding.fixable) == ("server_missing", PROVISION, False)


def test_a_server_at_another_port_is_named() -> None:
    finding = only(refused(Refusal.REFUSED, target=target(port="5433")))
    assert finding.code == "port_refused"
    assert "15/main is at port 5432" in finding.what


def test_a_server_of_another_host_is_not_looked_for_here() -> None:
    finding = only(refused(Refusal.REFUSED, target=target(host="db.example")))
    assert finding.remedy == "pg_isready --host=db.example --port=5432"


@pytest.mark.parametrize(
    ("role", "code"),
    [
        (Role(exists=False, may_log_in=False, expired=False), "role_missing"),
        (Role(exists=True, may_log_in=False, expired=False), "role_locked"),
        (Role(exists=True, may_log_in=True, expired=True), "password_expired"),
        (Role(exists=True, may_log_in=True, expired=False), "authentication_failed"),
    ],
)
def test_the_administrator_sees_why_a_role_is_not_let_in(role: Role, code: str) -> None:
    finding = only(refused(Refusal.AUTHENTICATION, role=role))
    assert (finding.code, finding.where) == (code, "role crewai_user at localhost:5432")


def test_where_env_leads_astray_provision_sets_it_right() -> None:
    found = refused(Refusal.HOST_UNKNOWN)
    misled = replace(found.environment, misleading={"POSTGRES_HOST": "localhost"})
    finding = only(replace(found, environment=misled, drift=("POSTGRES_HOST is 'x', shall be 'localhost'",)))
    assert (finding.code, finding.remedy, finding.fixable) == ("host_unknown", PROVISION, True)
    assert f"in {ENV} POSTGRES_HOST shall be localhost" in finding.what


def test_keys_missing_in_env_are_told_and_not_what_follows_from_them() -> None:
    found = refused(Refusal.NO_PASSWORD)
    finding = only(replace(found, environment=replace(found.environment, missing=("POSTGRES_PASSWORD",))))
    assert (finding.code, finding.where) == ("env_incomplete", str(ENV))


def test_a_stopped_server_is_told_beside_missing_keys() -> None:
    found = refused(Refusal.REFUSED)
    lacking = replace(found.environment, missing=("POSTGRES_PASSWORD",))
    codes = [one.code for one in diagnose(replace(found, environment=lacking))]
    assert codes == ["env_incomplete", "port_refused"]


def test_words_of_a_remedy_are_quoted_as_the_shell_needs_it() -> None:
    spaced = with_sqlite(facts(), file=Path("/srv/my data/main.db"), wal_bytes=1, holders=())
    assert only(spaced).remedy == "sqlite3 '/srv/my data/main.db' 'PRAGMA wal_checkpoint(TRUNCATE)'"


def test_a_missing_env_is_told_and_not_what_follows_from_it() -> None:
    found = refused(Refusal.AUTHENTICATION)
    assert only(replace(found, environment=replace(found.environment, exists=False))).code == "env_missing"


def test_a_unit_that_sets_keys_of_env_is_told_with_the_files_to_look_in() -> None:
    found = refused(Refusal.AUTHENTICATION)
    drop_in = Path("/etc/systemd/system/crewai.service.d/db.conf")
    unit = Unit("crewai.service", True, {"POSTGRES_PASSWORD": "x"}, (drop_in,))
    given = replace(found.environment, overridden=("POSTGRES_PASSWORD",), contradicted=True)
    finding = only(replace(found, environment=given, unit=unit))
    assert (finding.code, finding.remedy) == ("env_overridden", "systemctl edit --full crewai.service")
    assert str(drop_in) in finding.what
    assert not finding.fixable


def test_a_unit_that_does_not_exist_is_told() -> None:
    assert only(replace(facts(), unit=Unit("crewai.service", False, {}))).code == "unit_missing"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema_usage": False, "schema_create": False}, "may not use the schema public"),
        ({"schema_create": False}, "may not CREATE in the schema public"),
        ({"denied": ("users",)}, "may not read and write users"),
        ({"denied": ("users", "deals", "agents")}, "may not read and write users and 2 more"),
    ],
)
def test_a_right_that_the_role_lacks_is_named(changes: dict[str, Any], words: str) -> None:
    finding = only(with_main(facts(), answer=replace(WELL, **changes)))
    assert (finding.code, finding.database) == ("permission_denied", "main")
    assert words in finding.what


def test_a_schema_that_is_not_there_is_no_matter_of_rights() -> None:
    lacking = replace(WELL, schema_exists=False, schema_usage=False, schema_create=False)
    assert only(with_main(facts(), answer=lacking)).code == "schema_missing"


def test_a_database_closed_for_writing_is_trouble_once_the_application_uses_it() -> None:
    closed = with_main(facts(), answer=replace(WELL, read_only="the server is a standby"))
    assert diagnose(closed) == ()
    assert only(replace(closed, engine=Engine.POSTGRESQL)).code == "read_only"


@pytest.mark.parametrize(("seconds", "words"), [(7.0, "7 s ahead of"), (-90.0, "90 s behind")])
def test_a_clock_that_differs_is_told_once(seconds: float, words: str) -> None:
    finding = only(with_every_database(facts(), answer=replace(WELL, clock_ahead=seconds)))
    assert (finding.code, finding.database) == ("clock_skew", None)
    assert words in finding.what


def test_a_second_between_clocks_is_nothing() -> None:
    assert diagnose(with_every_database(facts(), answer=replace(WELL, clock_ahead=1.5))) == ()


def test_a_clock_that_nobody_keeps_is_told_and_an_unknown_one_is_not() -> None:
    host = facts().host
    unsynchronised = replace(facts(), host=replace(host, clock_synchronised=False))
    assert only(unsynchronised).code == "clock_unsynchronised"
    assert diagnose(replace(facts(), host=replace(host, clock_synchronised=None))) == ()


@pytest.mark.parametrize(
    ("volume", "full"),
    [
        (replace(VOLUME, free=4 * GIB), True),
        (replace(VOLUME, free=6 * GIB), False),
        (replace(VOLUME, total=10_000 * GIB, free=20 * GIB), False),
        (replace(VOLUME, inodes_free=10), True),
        (replace(VOLUME, inodes=0, inodes_free=0), False),
    ],
)
def test_a_disk_is_short_below_a_twentieth_and_ten_gigabytes(volume: Volume, full: bool) -> None:
    codes = [one.code for one in diagnose(replace(facts(), host=replace(facts().host, volumes=(volume,))))]
    assert codes == (["disk_space"] if full else [])


def test_a_server_that_a_full_disk_has_stopped_is_not_told_beside_the_disk() -> None:
    host = replace(facts().host, volumes=(Volume((DATA,), 100 * GIB, 4096, 0, 0),))
    stopped = replace(host, clusters=(replace(CLUSTER, running=False),))
    found = replace(refused(Refusal.REFUSED), host=stopped, drift=("cluster 15/main does not run",))
    assert only(found).code == "disk_space"


def test_a_missing_file_is_trouble_while_the_application_uses_it() -> None:
    missing = with_sqlite(facts(), state=FileState.MISSING)
    finding = only(missing)
    assert finding.code == "sqlite_missing"
    assert finding.remedy == "correct databases.main.sqlite in the configuration"
    assert only(with_main(missing, backup="main-1")).remedy == "opskit backup restore main-1"
    assert diagnose(replace(missing, engine=Engine.POSTGRESQL)) == ()


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (FileState.CORRUPT, "sqlite_corrupt"),
        (FileState.NOT_A_DATABASE, "sqlite_corrupt"),
        (FileState.UNREADABLE, "sqlite_unreadable"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_whoever_uses_it(state: FileState, code: str) -> None:
    found = with_sqlite(facts(), state=state, detail="row 7 missing")
    for engine in Engine:
        assert only(replace(found, engine=engine)).code == code


def test_what_the_applications_account_may_not_write_is_given_to_it() -> None:
    closed = Path("/srv/crewai/data/main.db-wal")
    found = replace(with_sqlite(facts(), closed=closed), unit=Unit("crewai.service", True, {}, user="crewai"))
    finding = only(found)
    assert (finding.code, finding.remedy) == ("sqlite_unwritable", f"chown crewai: {closed}")
    assert diagnose(replace(found, engine=Engine.POSTGRESQL)) == ()


@pytest.mark.parametrize(
    ("holder", "command"),
    [
        (APPLICATION, "systemctl restart crewai.service"),
        (OTHER, "systemctl stop other.service"),
        (SHELL, "kill 4712"),
    ],
)
def test_who_locks_a_file_is_named_and_ended_as_it_was_begun(holder: Holder, command: str) -> None:
    found = replace(facts(), unit=Unit("crewai.service", True, {}))
    finding = only(with_sqlite(found, locked=True, writer=holder.pid, holders=(APPLICATION, OTHER, SHELL)))
    assert (finding.code, finding.remedy, finding.fixable) == ("sqlite_locked", command, False)
    assert holder.command in finding.what


def test_a_locked_file_is_told_also_when_nobody_may_see_by_whom() -> None:
    finding = only(with_sqlite(facts(), locked=True, writer=99, holders=None))
    assert (finding.code, finding.remedy) == ("sqlite_locked", "kill 99")


def test_who_holds_a_file_is_trouble_once_the_application_uses_postgresql() -> None:
    held = with_sqlite(facts(), holders=(STANDBY, APPLICATION), wal_bytes=4096)
    assert diagnose(held) == ()
    unit = Unit("crewai.service", True, {})
    finding = only(replace(held, engine=Engine.POSTGRESQL, unit=unit))
    assert (finding.code, finding.remedy) == ("sqlite_held", "systemctl restart crewai.service")
    assert "4711" in finding.what


def test_opskits_own_standby_may_hold_the_file() -> None:
    held = with_sqlite(facts(), holders=(STANDBY,))
    assert diagnose(replace(held, engine=Engine.POSTGRESQL)) == ()


def test_a_wal_that_nobody_holds_is_stale_and_one_that_nobody_may_look_at_is_not() -> None:
    finding = only(with_sqlite(facts(), wal_bytes=8192, holders=()))
    assert finding.code == "stale_wal"
    assert finding.remedy == "sqlite3 /srv/crewai/data/main.db 'PRAGMA wal_checkpoint(TRUNCATE)'"
    assert diagnose(with_sqlite(facts(), wal_bytes=8192, holders=None)) == ()


def test_drift_is_told_with_every_item() -> None:
    finding = only(replace(facts(), drift=("role a may log in: is no, shall be yes", "work_mem is 4MB")))
    assert (finding.code, finding.remedy, finding.fixable) == ("drift", PROVISION, True)
    assert "work_mem is 4MB" in finding.what


def test_drift_that_is_the_cause_of_another_finding_is_not_told_again() -> None:
    found = replace(refused(Refusal.NO_DATABASE), drift=("there is no database crewai_main",))
    assert {one.code for one in diagnose(found)} == {"database_missing"}


def test_drift_beside_what_provision_cannot_mend_is_told() -> None:
    found = replace(with_sqlite(facts(), state=FileState.CORRUPT), drift=("work_mem is 4MB",))
    assert [one.code for one in diagnose(found)] == ["sqlite_corrupt", "drift"]


@pytest.mark.parametrize(
    ("dump", "told"),
    [(None, False), (Dump(600, GIB), False), (Dump(4000, GIB), True), (Dump(600, 200 * GIB), True)],
)
def test_a_dump_that_takes_too_long_or_is_too_large_is_told_once_postgresql_is_in_use(
    dump: Dump | None, told: bool
) -> None:
    grown = replace(with_every_database(facts(), dump=dump), engine=Engine.POSTGRESQL)
    assert ("dump_outgrown" in {one.code for one in diagnose(grown)}) is told
    assert "dump_outgrown" not in {one.code for one in diagnose(replace(grown, engine=Engine.SQLITE))}
    assert "dump_outgrown" not in {one.code for one in diagnose(replace(grown, pgbackrest=True))}
