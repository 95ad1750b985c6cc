"""The transaction that moves staged rows: what it waits for, and what has changed since the plan was made."""

from collections.abc import Iterator

import psycopg
import pytest

from opskit.errors import QueryFailed
from opskit.migrate import existing_fill
from opskit.migrate.existing_fill import check_not_committed, commit, fill, take_back
from opskit.migrate.existing_steps import Fill, FilledTable
from opskit.transfer.target import Connection, connect
from tests.conftest import TestDatabase
from tests.support import query

STEP = Fill("shop", "opskit_staging", "public", (FilledTable("T", "t", ("id",), 2, 0, ()),), ())


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[Connection]:
    """A session in a database with an empty table and two rows staged for it."""
    query(database, "CREATE TABLE t (id int PRIMARY KEY); CREATE SCHEMA opskit_staging")
    query(database, "CREATE TABLE opskit_staging.t AS SELECT id FROM generate_series(1, 2) id")
    connection = connect(database.conninfo, "test")
    yield connection
    connection.close()


def test_nobody_sees_the_rows_before_the_commit(connection: Connection, database: TestDatabase) -> None:
    fill(connection, STEP)
    assert query(database, "SELECT FROM t") == []
    commit(connection)
    assert query(database, "SELECT id FROM t ORDER BY 1") == [(1,), (2,)]
    assert query(database, "SELECT FROM pg_namespace WHERE nspname = 'opskit_staging'") == []


def test_taken_back_everything_is_as_before(connection: Connection, database: TestDatabase) -> None:
    fill(connection, STEP)
    take_back(connection)
    assert query(database, "SELECT FROM t") == []
    assert query(database, "SELECT count(*) FROM opskit_staging.t") == [(2,)]


def test_a_row_that_came_since_the_plan_was_made_stops_it(
    connection: Connection, database: TestDatabase
) -> None:
    query(database, "INSERT INTO t VALUES (9)")
    with pytest.raises(QueryFailed, match="table t has got other rows since the plan was made"):
        fill(connection, STEP)
    take_back(connection)
    assert query(database, "SELECT id FROM t") == [(9,)]


def test_a_table_in_use_is_waited_for_and_not_for_ever(
    connection: Connection, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(existing_fill, "LOCK_WAIT", "50ms")
    with psycopg.connect(database.conninfo) as other:
        other.execute("LOCK TABLE t IN ROW EXCLUSIVE MODE")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            fill(connection, STEP)
        take_back(connection)


def test_whether_a_commit_has_happened_is_found_out(connection: Connection) -> None:
    fill(connection, STEP)
    check_not_committed(connection, STEP.staging)  # takes back what is still open
    fill(connection, STEP)
    commit(connection)
    with pytest.raises(QueryFailed, match="moved in, whole and proven"):
        check_not_committed(connection, STEP.staging)
