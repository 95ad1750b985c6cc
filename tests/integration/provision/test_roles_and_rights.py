"""Who may what, on a server that provision has worked on."""

import psycopg
import pytest

from tests.integration.provision.world import DATABASES, PASSWORD, ROLES, World

DENIED = psycopg.errors.InsufficientPrivilege
REFUSED = psycopg.OperationalError


@pytest.fixture
def provisioned(world: World) -> World:
    """The server as provision leaves it."""
    world.provision()
    return world


def test_a_second_run_has_nothing_to_do(provisioned: World) -> None:
    assert not provisioned.drift()


@pytest.mark.parametrize("database", DATABASES)
def test_the_application_makes_tables_and_uses_them(provisioned: World, database: str) -> None:
    with provisioned.application(database) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (id bigserial PRIMARY KEY, text text)")
        connection.execute("INSERT INTO notes (text) VALUES ('one')")
        assert connection.execute("SELECT id, text FROM notes").fetchall() == [(1, "one")]
        connection.execute("ALTER TABLE notes ADD COLUMN more text")
        connection.execute("CREATE TEMPORARY TABLE scratch AS SELECT 1")
    assert not provisioned.drift()


def test_nobody_comes_in_over_tcp_without_a_password(provisioned: World) -> None:
    for role in ROLES:
        with pytest.raises(REFUSED):
            provisioned.over_tcp("crewai_main", role, None)
    with pytest.raises(REFUSED):
        provisioned.over_tcp("crewai_main", "crewai_user", "wrong")


def test_opskits_own_roles_do_not_come_in_over_tcp_at_all(provisioned: World) -> None:
    with pytest.raises(REFUSED, match="rejects connection"):
        provisioned.over_tcp("crewai_main", "opskit_backup", PASSWORD)


def test_the_account_of_the_owner_is_let_in_as_the_owner_and_as_nobody_else(provisioned: World) -> None:
    with provisioned.by_peer("crewai_main", "opskit_owner") as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("opskit_owner",)
    with pytest.raises(REFUSED):
        provisioned.by_peer("crewai_main", "crewai_user")


def test_the_application_reaches_nothing_above_its_tables(provisioned: World) -> None:
    with provisioned.application("crewai_main") as connection:
        for statement in (
            "SELECT * FROM pg_authid",
            "ALTER ROLE crewai_user SUPERUSER",
            "CREATE ROLE other",
            "CREATE DATABASE other",
            "CREATE SCHEMA other",
            "DROP SCHEMA public CASCADE",
            "SET ROLE opskit_owner",
            "SET SESSION AUTHORIZATION postgres",
            "ALTER DATABASE crewai_main SET work_mem = '1GB'",
            "COPY (SELECT 1) TO '/tmp/x'",
            "COPY (SELECT 1) TO PROGRAM 'true'",
            "SELECT pg_read_file('postgresql.conf')",
        ):
            with pytest.raises(DENIED):
                connection.execute(statement)


def test_the_application_does_not_come_into_databases_that_are_not_its_own(world: World) -> None:
    with world.admin("postgres") as connection:
        connection.execute("CREATE ROLE shop LOGIN")
        connection.execute("CREATE DATABASE shop OWNER shop")
        connection.execute("REVOKE CONNECT ON DATABASE shop FROM PUBLIC")
    world.provision()
    with pytest.raises(REFUSED, match="permission denied for database"):
        world.application("shop")


def test_the_rights_of_one_application_do_not_reach_the_next(provisioned: World) -> None:
    with provisioned.admin("postgres") as connection:
        connection.execute("CREATE ROLE shop LOGIN PASSWORD 'x'")
    for database in DATABASES:
        with pytest.raises(REFUSED, match="permission denied for database"):
            provisioned.over_tcp(database, "shop", "x")


@pytest.mark.parametrize("reader", ["opskit_standby", "opskit_backup"])
@pytest.mark.parametrize("maker", ["crewai_user", "opskit_owner"])
def test_readers_read_what_is_made_later_and_change_nothing(
    provisioned: World, reader: str, maker: str
) -> None:
    with provisioned.acting_as("crewai_main", maker) as connection:
        connection.execute("CREATE TABLE later (id bigint GENERATED ALWAYS AS IDENTITY, text text)")
        connection.execute("INSERT INTO later (text) VALUES ('x')")
        connection.execute("CREATE VIEW later_view AS SELECT text FROM later")
    with provisioned.acting_as("crewai_main", reader) as connection:
        assert connection.execute("SELECT * FROM later").fetchall() == [(1, "x")]
        assert connection.execute("SELECT * FROM later_view").fetchall() == [("x",)]
        assert connection.execute("SELECT last_value FROM later_id_seq").fetchone() == (1,)
        for statement in (
            "INSERT INTO later (text) VALUES ('y')",
            "DELETE FROM later",
            "TRUNCATE later",
            "CREATE TABLE own (a int)",
            "SELECT nextval('later_id_seq')",
        ):
            with pytest.raises(DENIED):
                connection.execute(statement)


def test_the_application_uses_what_the_owner_makes(provisioned: World) -> None:
    with provisioned.by_peer("crewai_main", "opskit_owner") as connection:
        connection.execute("CREATE TABLE made (id bigserial, text text)")
    with provisioned.application("crewai_main") as connection:
        connection.execute("INSERT INTO made (text) VALUES ('x')")
        assert connection.execute("UPDATE made SET text = 'y' WHERE id = 1").rowcount == 1


def test_what_the_owner_made_is_handed_to_the_application_which_may_alter_it_then(provisioned: World) -> None:
    with provisioned.by_peer("crewai_main", "opskit_owner") as connection:
        connection.execute("CREATE TABLE emails (id bigserial PRIMARY KEY, text text)")
        connection.execute("CREATE TYPE mood AS ENUM ('good')")
        connection.execute("CREATE FUNCTION seen() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        connection.execute("CREATE VIEW mails AS SELECT * FROM emails")
    assert provisioned.drift() == [
        "crewai_main: owner of public.seen(): is opskit_owner, shall be crewai_user",
        "crewai_main: owner of public.emails: is opskit_owner, shall be crewai_user",
        "crewai_main: owner of public.mails: is opskit_owner, shall be crewai_user",
        "crewai_main: owner of public.mood: is opskit_owner, shall be crewai_user",
    ]
    provisioned.provision()
    assert not provisioned.drift()
    with provisioned.application("crewai_main") as connection:
        connection.execute("ALTER TABLE emails ADD COLUMN more text")
        connection.execute("CREATE OR REPLACE FUNCTION seen() RETURNS int LANGUAGE sql AS 'SELECT 2'")
        connection.execute("ALTER TYPE mood ADD VALUE 'better'")
        connection.execute("DROP VIEW mails")


def test_monitoring_sees_statistics_and_no_data(provisioned: World) -> None:
    with provisioned.application("crewai_main") as connection:
        connection.execute("CREATE TABLE secrets AS SELECT 'x' AS text")
        connection.execute("CREATE SEQUENCE keys; SELECT nextval('keys')")
    with provisioned.acting_as("crewai_main", "opskit_monitor") as connection:
        assert connection.execute("SELECT pg_sequence_last_value('keys')").fetchone() == (1,)
        assert connection.execute("SELECT count(*) > 0 FROM pg_stat_statements").fetchone() == (True,)
        assert connection.execute("SELECT pg_database_size('crewai_main') > 0").fetchone() == (True,)
        assert connection.execute("SELECT relname FROM pg_stat_user_tables").fetchall() == [("secrets",)]
        for statement in (
            "SELECT * FROM secrets",
            "SELECT nextval('keys')",
            "CREATE TABLE own (a int)",
            "SELECT * FROM pg_authid",
        ):
            with pytest.raises(DENIED):
                connection.execute(statement)


def test_several_files_of_an_application_may_share_a_database_each_in_a_schema(world: World) -> None:
    shared = world.sharing("crewai_main", ("main", "walmart"))
    shared.provision()
    assert not shared.drift()
    with shared.application("crewai_main") as connection:
        connection.execute("CREATE TABLE walmart.products (a int)")
        with pytest.raises(DENIED):
            connection.execute("CREATE TABLE public.products (a int)")
    with shared.acting_as("crewai_main", "opskit_backup") as connection:
        assert not connection.execute("SELECT * FROM walmart.products").fetchall()
