"""What a fence needs: that the owner alone can shut the application out, at once, and open again."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.provision.world import Connection, World

FENCE = (
    "COMMENT ON SCHEMA public IS 'opskit: fenced, the data is in SQLite again'",
    "REVOKE CONNECT ON DATABASE crewai_main FROM crewai_user",
    "REVOKE USAGE, CREATE ON SCHEMA public FROM crewai_user",
)

SHUT = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.UndefinedTable,
    psycopg.errors.InvalidSchemaName,
)


@pytest.fixture
def session(world: World) -> Iterator[Connection]:
    """An open session of the application's, with a table of its own and one that was handed to it."""
    world.provision()
    with world.by_peer("crewai_main", "opskit_owner") as owner:
        owner.execute("CREATE TABLE migrated (id int PRIMARY KEY)")
    world.provision()
    with world.application("crewai_main") as connection:
        connection.execute("CREATE TABLE own (id int REFERENCES migrated)")
        connection.prepare_threshold = 0
        connection.execute("INSERT INTO migrated VALUES (%s)", (1,))  # prepared in the server
        yield connection


def shut(world: World) -> None:
    """Fences as the owner, who is no superuser, in one transaction."""
    with world.by_peer("crewai_main", "opskit_owner") as owner, owner.transaction():
        for statement in FENCE:
            owner.execute(statement)


def test_an_open_session_writes_nothing_more_whoever_owns_the_table(
    world: World, session: Connection
) -> None:
    shut(world)
    for statement, parameters in (
        ("INSERT INTO migrated VALUES (%s)", (2,)),  # the very statement that is prepared
        ("INSERT INTO own VALUES (1)", ()),
        ("CREATE TABLE another (a int)", ()),
        ("DROP TABLE own", ()),
        ("GRANT USAGE ON SCHEMA public TO crewai_user", ()),
    ):
        with pytest.raises(SHUT):
            session.execute(statement, parameters)
    with world.admin("crewai_main") as admin:
        assert admin.execute("SELECT id FROM migrated").fetchall() == [(1,)]


def test_nobody_of_the_application_comes_in_any_more_and_its_sessions_can_be_ended(
    world: World, session: Connection
) -> None:
    shut(world)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        world.application("crewai_main")
    with world.by_peer("crewai_main", "opskit_owner") as owner:
        ended = owner.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'crewai_user'"
        ).fetchall()
    assert ended == [(True,)]
    with pytest.raises(psycopg.OperationalError):
        session.execute("SELECT 1")


def test_the_standby_still_reads(world: World, session: Connection) -> None:
    shut(world)
    with world.acting_as("crewai_main", "opskit_standby") as standby:
        assert standby.execute("SELECT id FROM migrated").fetchall() == [(1,)]


def test_the_owner_changes_referenced_rows_only_when_the_schema_is_open_and_the_door_still_shut(
    world: World, session: Connection
) -> None:
    """The server looks after foreign keys as the tables' owner, which is the application."""
    shut(world)
    with world.by_peer("crewai_main", "opskit_owner") as owner:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute("UPDATE migrated SET id = 3")
        session.close()
        owner.execute("GRANT USAGE ON SCHEMA public TO crewai_user")
        owner.execute("UPDATE migrated SET id = 3")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        world.application("crewai_main")


def test_provision_leaves_a_fence_as_it_is_and_says_so(world: World, session: Connection) -> None:
    shut(world)
    with world.admin("postgres") as admin:
        admin.execute("ALTER ROLE crewai_user NOLOGIN")
    assert not world.drift()
    assert world.decided().told == (
        "crewai_main: schema public is fenced: what crewai_user may there is left as it is",
    )


def test_when_the_fence_is_down_provision_repairs_what_is_left_of_it(
    world: World, session: Connection
) -> None:
    shut(world)
    with world.by_peer("crewai_main", "opskit_owner") as owner:
        owner.execute("COMMENT ON SCHEMA public IS NULL")
    assert len(world.drift()) == 3
    world.provision()
    with world.application("crewai_main") as connection:
        connection.execute("INSERT INTO own VALUES (1)")
