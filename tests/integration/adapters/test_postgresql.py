"""What only PostgreSQL can do to an adapter: servers that restart, killed sessions, its own types."""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest
from psycopg import sql

from opskit import (
    ConnectionFailed,
    Database,
    Engine,
    Json,
    Limits,
    QueryFailed,
    TransactionFailed,
    open_postgresql,
)
from opskit.host.private_cluster import PrivateCluster, private_cluster
from tests.conftest import TestDatabase
from tests.integration.adapters.conftest import ENGINES, parameters

pytestmark = pytest.mark.skipif(Engine.POSTGRESQL not in ENGINES, reason="DATABASE_TYPE names the other one")


@pytest.fixture
def db(database: TestDatabase) -> Iterator[Database]:
    with open_postgresql(parameters(database.conninfo), name="main") as db:
        yield db


@pytest.fixture
def other(database: TestDatabase) -> Iterator[psycopg.Connection]:
    """A connection beside the adapter's."""
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        yield connection


def kill(other: psycopg.Connection) -> None:
    other.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


class TestLostConnections:
    def test_a_killed_idle_session_is_replaced_unnoticed(
        self, db: Database, other: psycopg.Connection
    ) -> None:
        db.query("SELECT 1")
        kill(other)
        assert db.query_one("SELECT 2 AS v") == {"v": 2}
        assert db.metrics().connections.total == 1

    def test_a_session_killed_at_work_fails_and_the_next_one_works(
        self, db: Database, other: psycopg.Connection
    ) -> None:
        def work() -> None:
            with db.transaction() as tx:
                tx.query("SELECT 1")
                kill(other)
                tx.query("SELECT 2")

        with pytest.raises(ConnectionFailed) as caught:
            work()
        assert caught.value.faults[0].code == "connection_lost"
        assert db.query_one("SELECT 3 AS v") == {"v": 3}
        assert db.metrics().connections.total == 1

    def test_a_restarted_server_is_found_again_by_a_full_pool(self) -> None:
        with private_cluster() as cluster:
            words = parameters(cluster.conninfo("postgres"))
            with open_postgresql(words, limits=Limits(connections=5)) as db:
                leases = [db.connection() for _ in range(5)]
                for lease in leases:
                    lease.__enter__()
                for lease in leases:
                    lease.__exit__(None, None, None)
                assert db.metrics().connections.idle == 5
                cluster.stop()
                with pytest.raises(ConnectionFailed) as caught:
                    db.query("SELECT 1")
                assert caught.value.faults[0].code == "connection_refused"
                assert not db.health_check().healthy
                cluster.start()
                assert db.query_one("SELECT 1 AS v") == {"v": 1}
                assert db.health_check().healthy

    def test_a_notification_is_not_taken_for_a_lost_connection(
        self, db: Database, other: psycopg.Connection
    ) -> None:
        with db.connection() as connection:
            connection.execute("LISTEN news")
            pid = connection.query_one("SELECT pg_backend_pid() AS pid")
        other.execute("NOTIFY news")
        assert db.query_one("SELECT pg_backend_pid() AS pid") == pid


class TestRefusedConnections:
    SECRET = "s3cret'\"-pass word%25"

    @pytest.fixture
    def role(self, postgresql: PrivateCluster) -> Iterator[str]:
        with psycopg.connect(postgresql.conninfo("postgres"), autocommit=True) as connection:
            connection.execute("CREATE ROLE adapters_user LOGIN PASSWORD 'the right one'")
            yield "adapters_user"
            connection.execute("DROP ROLE adapters_user")

    def failure(self, **words: str | int) -> ConnectionFailed:
        with open_postgresql({"connect_timeout": 2, **words}, name="main") as db:
            with pytest.raises(ConnectionFailed) as caught:
                db.query("SELECT 1")
            health = db.health_check()
        assert not health.healthy
        told = [str(caught.value), repr(caught.value.faults), str(health.last_error)]
        told.append(str(caught.value.__cause__) + str(caught.value.__context__))
        assert not any(self.SECRET in text for text in told)
        return caught.value

    def test_a_wrong_password_is_told_and_not_shown(self, postgresql: PrivateCluster, role: str) -> None:
        error = self.failure(
            host="127.0.0.1", port=postgresql.port, user=role, dbname="postgres", password=self.SECRET
        )
        assert error.faults[0].code == "authentication_failed"

    def test_a_missing_password_is_told(self, postgresql: PrivateCluster, role: str) -> None:
        error = self.failure(host="127.0.0.1", port=postgresql.port, user=role, dbname="postgres")
        assert error.faults[0].code == "authentication_failed"

    def test_a_missing_database_is_told(self, postgresql: PrivateCluster) -> None:
        words = parameters(postgresql.conninfo("nowhere"))
        assert self.failure(**words).faults[0].code == "database_missing"

    def test_a_missing_role_is_told(self, postgresql: PrivateCluster) -> None:
        words = parameters(postgresql.conninfo("postgres", "nobody_here"))
        assert self.failure(**words).faults[0].code == "role_missing"

    def test_a_closed_port_is_told(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            error = self.failure(
                host="127.0.0.1", port=unused.getsockname()[1], user="x", dbname="x", password=self.SECRET
            )
        assert error.faults[0].code == "connection_refused"

    def test_a_missing_socket_is_told(self, tmp_path: object) -> None:
        assert self.failure(host=str(tmp_path), dbname="x").faults[0].code == "connection_refused"

    def test_a_server_that_never_answers_is_given_up(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            error = self.failure(
                host="127.0.0.1", port=silent.getsockname()[1], dbname="x", password=self.SECRET
            )
        assert error.faults[0].code == "connection_timeout"

    def test_wrong_parameters_are_told_and_show_no_password(self) -> None:
        self.failure(host="127.0.0.1", sslmode=self.SECRET, password=self.SECRET)
        self.failure(host="127.0.0.1", port="none", password=self.SECRET)
        self.failure(no_such_parameter="x", password=self.SECRET)


class TestSessions:
    def test_carry_the_application_name_and_work_in_utc(
        self, database: TestDatabase, other: psycopg.Connection
    ) -> None:
        words = {**parameters(database.conninfo), "application_name": "CrewAI-Main"}
        with open_postgresql(words) as db:
            assert db.query_one("SHOW TimeZone") == {"TimeZone": "UTC"}
            found = other.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'CrewAI-Main'"
            ).fetchone()
        assert found == (1,)

    def test_deadlocks_are_transaction_failures(self, db: Database) -> None:
        db.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
        db.execute("INSERT INTO t VALUES (1, 0), (2, 0)")
        barrier = threading.Barrier(2)
        failures: list[TransactionFailed] = []

        def work(first: int, second: int) -> None:
            try:
                with db.transaction() as tx:
                    tx.execute("UPDATE t SET v = v + 1 WHERE id = ?", [first])
                    barrier.wait()
                    tx.execute("UPDATE t SET v = v + 1 WHERE id = ?", [second])
            except TransactionFailed as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=pair) for pair in ((1, 2), (2, 1))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [error.faults[0].code for error in failures] == ["deadlock"]

    def test_a_prepared_statement_survives_a_change_of_its_table(self, db: Database) -> None:
        db.execute("CREATE TABLE t (a int)")
        db.execute("INSERT INTO t VALUES (1)")
        prepared = db.prepare("SELECT * FROM t WHERE a = ?")
        for _ in range(3):
            prepared.query([1])
        assert db.query_one("SELECT count(*) AS n FROM pg_prepared_statements") == {"n": 1}
        db.execute("ALTER TABLE t ADD COLUMN b int")
        assert prepared.query([1]) == [{"a": 1, "b": None}]
        assert prepared.query([1]) == [{"a": 1, "b": None}]

    def test_stay_usable_for_roles_that_may_only_insert(self, database: TestDatabase, db: Database) -> None:
        db.execute("CREATE TABLE t (id bigserial PRIMARY KEY, a text)")
        db.execute("CREATE ROLE only_insert LOGIN")
        try:
            db.execute("GRANT INSERT ON t TO only_insert; GRANT USAGE ON t_id_seq TO only_insert")
            with open_postgresql({**parameters(database.conninfo), "user": "only_insert"}) as restricted:
                done = restricted.execute("INSERT INTO t (a) VALUES (?)", ["x"])
            assert (done.changes, done.last_insert_rowid) == (1, None)
        finally:
            db.execute("DROP OWNED BY only_insert; DROP ROLE only_insert")


SAMPLES = {
    **dict.fromkeys(["bool", "bit", "int2", "int4", "int8", "oid", "regclass"], "1"),
    **dict.fromkeys(["float4", "float8", "numeric", "money"], "1.5"),
    **dict.fromkeys(["text", "varchar", "bpchar", "name", "bytea", "tsvector", "tsquery"], "a"),
    **dict.fromkeys(["date", "timestamp", "timestamptz"], "2020-01-01"),
    **dict.fromkeys(["time", "timetz", "interval"], "12:00"),
    **dict.fromkeys(["json", "jsonb", "int4range", "datemultirange"], "{}"),
    "int4range": "[1,2)",
    "tstzrange": "[2020-01-01,2021-01-01)",
    "uuid": "9a9c1d4e-0000-4000-8000-000000000000",
    "inet": "127.0.0.1",
    "cidr": "10.0.0.0/8",
    "macaddr": "08:00:2b:01:02:03",
    "point": "(1,2)",
    "xml": "<a/>",
    "pg_lsn": "0/1",
}


class TestTypes:
    def test_jsonb_operators_work_with_placeholders(self, db: Database) -> None:
        db.execute("CREATE TABLE t (tags jsonb, many int[])")
        db.execute("INSERT INTO t VALUES (?, '{1,2,3}')", [Json({"new": 1, "paid": 2})])
        row = db.query_one(
            "SELECT tags ? :tag AS one, tags ?| array[:tag, 'x'] AS some, tags ?& array[:tag, 'x'] AS every,"
            " many[1:2] AS part, '100%' AS text, tags @> :part::jsonb AS contains FROM t",
            {"tag": "new", "part": Json({"new": 1})},
        )
        assert row == {
            "one": True,
            "some": True,
            "every": False,
            "part": [1, 2],
            "text": "100%",
            "contains": True,
        }

    def test_serial_keys_are_told_too(self, db: Database) -> None:
        db.execute('CREATE SCHEMA odd; CREATE TABLE odd."T" (id serial PRIMARY KEY, a text)')
        assert db.execute('INSERT INTO odd."T" (a) VALUES (?)', ["x"]).last_insert_rowid == 1

    def test_infinite_times_are_refused_clearly(self, db: Database) -> None:
        with pytest.raises(QueryFailed, match="infinity"):
            db.query("SELECT 'infinity'::timestamptz")

    def test_every_builtin_type_comes_back_as_a_value(self, db: Database, other: psycopg.Connection) -> None:
        allowed = (str, int, float, bool, bytes, datetime, date, Decimal, list, dict)
        for name, sample in SAMPLES.items():
            statement = sql.SQL("SELECT {}::{} AS v, ARRAY[{}::{}] AS vs").format(
                sql.Literal(sample), sql.SQL(name), sql.Literal(sample), sql.SQL(name)
            )
            row = db.query_one(statement.as_string(other))
            assert row is not None
            assert type(row["v"]) in allowed, name
            assert isinstance(row["vs"], list)
            assert type(row["vs"][0]) in allowed, name
        assert db.query_one("SELECT ROW(1, 'a') AS v") == {"v": "(1,a)"}
        assert db.query_one("SELECT '2020-01-01'::timestamp AS v") == {"v": datetime(2020, 1, 1, tzinfo=UTC)}
