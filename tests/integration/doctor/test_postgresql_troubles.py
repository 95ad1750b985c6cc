"""Each trouble with PostgreSQL, planted on a real server, is named as what it is, once."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest

from opskit.doctor.catalogue import PROVISION
from opskit.host.commands import run
from tests.integration.doctor.world import World


def test_where_all_is_well_nothing_is_found(world: World) -> None:
    assert world.findings() == ()


def test_a_host_without_clusters_whose_port_is_refused(world: World) -> None:
    world.server.stop()
    finding = world.only()
    assert (finding.code, finding.remedy, finding.fixable) == ("server_missing", PROVISION, False)


def test_a_port_at_which_nobody_listens(world: World) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        world.set(POSTGRES_PORT=str(free.getsockname()[1]))
    finding = world.only()
    assert finding.code == "server_missing"
    assert f"in {world.env} POSTGRES_PORT shall be {world.server.port}" in finding.what
    assert (finding.remedy, finding.fixable) == (PROVISION, True)


def test_a_port_that_is_no_number(world: World) -> None:
    world.set(POSTGRES_PORT="five")
    finding = world.only()
    assert (finding.code, finding.fixable) == ("connection_failed", True)
    assert f"POSTGRES_PORT shall be {world.server.port}" in finding.what


def test_a_parameter_that_libpq_does_not_know(world: World) -> None:
    configuration = world.directory / "opskit.yaml"
    configuration.write_text(
        configuration.read_text().replace("user: crewai_user}", "parameters: {nonsense: x}}")
    )
    world.env.unlink()
    found = {finding.code: finding for finding in world.findings()}
    assert set(found) == {"env_missing", "connection_failed"}
    assert "nonsense" in found["connection_failed"].what


def test_a_wrong_password(world: World) -> None:
    world.set(POSTGRES_PASSWORD="something-else")
    finding = world.only()
    assert (finding.code, finding.remedy, finding.database) == ("authentication_failed", PROVISION, None)
    assert finding.where == f"role crewai_user at 127.0.0.1:{world.server.port}"


def test_a_role_that_does_not_exist_though_the_server_says_the_same(world: World) -> None:
    world.run("ALTER ROLE crewai_user RENAME TO crewai_other")
    try:
        finding = world.only()
    finally:
        world.run("ALTER ROLE crewai_other RENAME TO crewai_user")
    assert (finding.code, finding.what) == ("role_missing", "there is no role crewai_user")


@pytest.mark.parametrize(
    ("change", "code"), [("NOLOGIN", "role_locked"), ("VALID UNTIL '2001-01-01'", "password_expired")]
)
def test_a_role_that_is_not_let_in_any_more(world: World, change: str, code: str) -> None:
    world.run(f"ALTER ROLE crewai_user {change}")
    assert world.only().code == code


def test_a_database_that_does_not_exist(world: World) -> None:
    world.run("DROP DATABASE crewai_walmart")
    finding = world.only()
    assert (finding.code, finding.database, finding.remedy) == ("database_missing", "walmart", PROVISION)


def test_a_database_misspelt_in_env(world: World) -> None:
    world.set(POSTGRES_DB="crewai_mian")
    finding = world.only()
    assert (finding.code, finding.database) == ("database_missing", "main")
    assert "POSTGRES_DB shall be crewai_main" in finding.what


def test_no_right_to_connect(world: World) -> None:
    world.run("REVOKE CONNECT ON DATABASE crewai_main FROM public")
    finding = world.only()
    assert (finding.code, finding.database) == ("permission_denied", "main")
    assert finding.what == "crewai_user may not connect to crewai_main"


def test_no_right_to_create_in_schema_public(world: World) -> None:
    world.run("REVOKE CREATE ON SCHEMA public FROM crewai_user", database="crewai_walmart")
    finding = world.only()
    assert (finding.code, finding.database) == ("permission_denied", "walmart")
    assert finding.what == "crewai_user may not CREATE in the schema public"


def test_no_right_to_a_table(world: World) -> None:
    world.run("CREATE TABLE deals (id int); CREATE TABLE agents (id int)", database="crewai_main")
    finding = world.only()
    assert finding.what == "crewai_user may not read and write agents and 1 more"


def test_no_line_in_the_access_rules(world: World) -> None:
    with world.access_rules("host crewai_main all all scram-sha-256"):
        finding = world.only()
    assert (finding.code, finding.database, finding.remedy) == ("access_rule_missing", "walmart", PROVISION)


def test_ssl_asked_of_a_server_that_has_none(world: World) -> None:
    world.set(POSTGRES_SSL="true")
    finding = world.only()
    assert (finding.code, finding.remedy, finding.fixable) == ("wrong_ssl", PROVISION, True)
    assert "POSTGRES_SSL shall be false" in finding.what


def test_ssl_not_asked_of_a_server_that_insists_on_it(world: World) -> None:
    with encrypted(world), world.access_rules("hostssl all all all scram-sha-256"):
        finding = world.only()
    assert (finding.code, finding.fixable) == ("wrong_ssl", False)
    assert finding.remedy == f"set POSTGRES_SSL=true in {world.env}, then restart the application"


@contextmanager
def encrypted(world: World) -> Iterator[None]:
    """The server has a certificate for the block."""
    data = world.hba.parent
    certificate, key = data / "server.crt", data / "server.key"
    made = ["-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    run(["openssl", "req", *made, "-keyout", key, "-out", certificate])
    for file in (certificate, key):
        os.chown(file, data.stat().st_uid, data.stat().st_gid)
    world.run("ALTER SYSTEM SET ssl = on")
    world.reload()
    try:
        yield
    finally:
        world.run("ALTER SYSTEM RESET ssl")
        world.reload()


def test_a_name_without_an_address(world: World) -> None:
    world.set(POSTGRES_HOST="database.invalid")
    finding = world.only()
    assert (finding.code, finding.fixable) == ("host_unknown", True)


def test_all_connections_taken(world: World) -> None:
    with ExitStack() as stack:
        for _ in range(17):  # three of twenty are kept for superusers
            stack.enter_context(psycopg.connect(world.server.conninfo("crewai_main")))
        assert world.only().code == "too_many_connections"


def test_a_server_that_takes_connections_and_does_not_answer(world: World) -> None:
    os.kill(world.server.pid, signal.SIGSTOP)
    try:
        assert world.only().code == "server_silent"
    finally:
        os.kill(world.server.pid, signal.SIGCONT)


def test_a_database_closed_for_writing_once_it_is_in_use(world: World) -> None:
    world.run("ALTER DATABASE crewai_main SET default_transaction_read_only = on")
    world.set(DATABASE_TYPE="postgresql")
    finding = world.only()
    assert (finding.code, finding.database) == ("read_only", "main")


def test_keys_that_env_lacks(world: World) -> None:
    lines = world.env.read_text().splitlines(keepends=True)
    world.env.write_text("".join(line for line in lines if "PASSWORD" not in line))
    finding = world.only()
    assert (finding.code, finding.what) == ("env_incomplete", f"{world.env} does not set POSTGRES_PASSWORD")


def test_an_env_that_is_not_there(world: World) -> None:
    world.env.unlink()
    finding = world.only()
    assert (finding.code, finding.where) == ("env_missing", str(world.env))


def test_a_server_whose_clock_is_an_hour_ahead(world: World) -> None:
    """Here a function of that name stands before the server's own: what the role sees is that clock."""
    world.run(
        "CREATE SCHEMA ahead",
        "GRANT USAGE ON SCHEMA ahead TO crewai_user",
        "CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz"
        " LANGUAGE sql RETURN now() + interval '1h'",
        "ALTER ROLE crewai_user SET search_path = ahead, pg_catalog, public",
        database="crewai_main",
    )
    finding = world.only()
    assert (finding.code, finding.remedy) == ("clock_skew", "timedatectl set-ntp true")
    assert finding.what == "the server's clock is 3600 s ahead of this host's"
