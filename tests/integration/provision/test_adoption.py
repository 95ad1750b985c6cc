"""A server that was there before, with other people's things and with the application's."""

import psycopg
import pytest
from psycopg import sql

from opskit.provision.access.planning import decide_sql
from opskit.provision.access.reader import read_sql
from tests.integration.provision.world import World


@pytest.fixture
def busy(world: World) -> World:
    """Others' databases, roles and rights, and an application set up as the guide has it."""
    with world.admin("postgres") as connection:
        for statement in (
            "CREATE ROLE alice LOGIN PASSWORD 'alice'",
            "CREATE ROLE reporting LOGIN PASSWORD 'reporting'",
            "CREATE ROLE staff",
            "CREATE DATABASE payroll OWNER alice",
            "CREATE ROLE crewai_user LOGIN SUPERUSER PASSWORD 'guide' IN ROLE staff",
            "CREATE DATABASE crewai_main TEMPLATE template0 LOCALE 'C'",
            "GRANT ALL PRIVILEGES ON DATABASE crewai_main TO crewai_user",
        ):
            connection.execute(statement.encode())
    with world.admin("crewai_main") as connection:
        for statement in (
            "CREATE TABLE emails (id bigserial PRIMARY KEY, text text)",
            "INSERT INTO emails (text) VALUES ('kept')",
            "CREATE TABLE sums (a int)",
            "ALTER TABLE sums OWNER TO alice",
            "GRANT SELECT ON emails TO reporting",
        ):
            connection.execute(statement.encode())
    return world


def foreign(world: World) -> list[tuple[object, ...]]:
    """What is others' in the server."""
    with world.admin("postgres") as connection:
        roles = connection.execute(
            "SELECT rolname, rolcanlogin, rolsuper, rolpassword FROM pg_authid"
            " WHERE rolname IN ('alice', 'reporting', 'staff', 'postgres') ORDER BY 1"
        ).fetchall()
        databases = connection.execute(
            "SELECT datname, datdba::regrole::text, datacl::text FROM pg_database"
            " WHERE datname IN ('payroll', 'postgres', 'template1') ORDER BY 1"
        ).fetchall()
    return [*roles, *databases]


def test_what_is_others_stays_as_it_is(busy: World) -> None:
    before = foreign(busy)
    busy.provision()
    assert foreign(busy) == before
    assert not busy.drift()
    with busy.over_tcp("payroll", "alice", "alice") as connection:
        connection.execute("CREATE SCHEMA hers")


def test_who_had_rights_inside_still_comes_in(busy: World) -> None:
    busy.provision()
    with busy.over_tcp("crewai_main", "reporting", "reporting") as connection:
        assert connection.execute("SELECT text FROM emails").fetchall() == [("kept",)]
    with busy.over_tcp("crewai_main", "alice", "alice") as connection:
        connection.execute("INSERT INTO sums VALUES (1)")


def test_a_former_owner_of_the_database_still_comes_in(busy: World) -> None:
    with busy.admin("postgres") as connection:
        connection.execute("CREATE ROLE bob LOGIN PASSWORD 'bob'")
        connection.execute("ALTER DATABASE crewai_main OWNER TO bob")
    busy.provision()
    assert not busy.drift()
    busy.over_tcp("crewai_main", "bob", "bob").close()


def test_the_application_keeps_its_data_and_loses_what_it_does_not_need(busy: World) -> None:
    busy.provision()
    with busy.application("crewai_main") as connection:
        assert connection.execute("SELECT text FROM emails").fetchall() == [("kept",)]
        connection.execute("ALTER TABLE emails ADD COLUMN more text")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM pg_authid")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE SCHEMA own")
        groups = connection.execute(
            "SELECT pg_has_role('staff', 'member'), pg_has_role('opskit_owner', 'member')"
        ).fetchone()
        assert groups == (True, False)


def test_backups_see_the_tables_of_others_too(busy: World) -> None:
    busy.provision()
    with busy.acting_as("crewai_main", "opskit_backup") as connection:
        assert not connection.execute("SELECT * FROM sums").fetchall()


def test_what_only_a_new_database_could_have_otherwise_is_told(busy: World) -> None:
    assert busy.decided().told == (
        "database crewai_main sorts by C: only a new one can sort by C.UTF-8, as SQLite does",
        "crewai_main: what belongs to alice stays theirs; the application cannot alter it",
    )


def test_settings_that_decide_what_the_application_meets_are_told(busy: World) -> None:
    busy.provision()
    with busy.admin("postgres") as connection:
        connection.execute("ALTER ROLE crewai_user SET search_path = other")
        connection.execute("ALTER ROLE crewai_user SET work_mem = '8MB'")
        connection.execute("ALTER DATABASE crewai_main SET default_transaction_read_only = on")
    told = busy.decided().told
    assert [line.partition(" for the")[0] for line in told if " sets " in line] == [
        "role crewai_user sets search_path to 'other'",
        "database crewai_main sets default_transaction_read_only to 'on'",
    ]
    assert not busy.drift()


def test_a_database_that_lets_nobody_in_is_refused_with_the_remedy(busy: World) -> None:
    busy.provision()
    with busy.admin("postgres") as connection:
        connection.execute("ALTER DATABASE crewai_main ALLOW_CONNECTIONS false")
    (fault,) = decide_sql(busy.wanted, read_sql(busy.door, busy.wanted)).faults
    assert fault.message == "database crewai_main lets nobody in: its ALLOW_CONNECTIONS is false"
    assert fault.hint.endswith('ALTER DATABASE "crewai_main" ALLOW_CONNECTIONS true')


@pytest.mark.parametrize("name", ['Main "db"', "a,b", "all", "ünïcode", "with space", "back\\slash"])
def test_odd_names_are_names(world: World, name: str) -> None:
    odd = world.sharing(name, ("public", 'Sche"ma'))
    odd.provision()
    assert not odd.drift()
    with odd.application(name) as connection:
        connection.execute(sql.SQL("CREATE TABLE {} (a int)").format(sql.Identifier('Sche"ma', 'T"1')))
    assert not odd.drift()
    with odd.by_peer(name, "opskit_owner") as connection:
        assert connection.execute("SELECT current_database()").fetchone() == (name,)
