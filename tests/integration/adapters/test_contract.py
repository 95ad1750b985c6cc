"""What every adapter does, whichever engine is below it."""

import math
import threading
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from opskit import (
    Connection,
    ConnectionFailed,
    Connections,
    Database,
    DatabaseError,
    Engine,
    Json,
    Parameter,
    QueryFailed,
    TransactionFailed,
    Value,
)
from tests.integration.adapters.conftest import Opener

Create = Callable[[str], None]


@dataclass(frozen=True)
class Item:
    id: int
    name: str
    price: Decimal | None = None


def code(caught: pytest.ExceptionInfo[DatabaseError]) -> str:
    return caught.value.faults[0].code


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def counts(db: Database) -> Connections:
    return db.metrics().connections


class TestRows:
    pytestmark = pytest.mark.usefixtures("items")

    def test_are_mappings(self, db: Database) -> None:
        db.execute("INSERT INTO items (name, price) VALUES (?, ?)", ["tea", Decimal("2.50")])
        assert db.query("SELECT id, name, price FROM items") == [
            {"id": 1, "name": "tea", "price": Decimal("2.50")}
        ]

    def test_become_instances_of_a_dataclass(self, db: Database) -> None:
        db.execute("INSERT INTO items (name) VALUES (?)", ["tea"])
        assert db.query("SELECT * FROM items", row_type=Item) == [Item(1, "tea", None)]
        assert db.query_one("SELECT id, name FROM items", row_type=Item) == Item(1, "tea")

    def test_query_one_gives_the_first_row_or_none(self, db: Database) -> None:
        assert db.query_one("SELECT * FROM items") is None
        db.execute_many("INSERT INTO items (name) VALUES (?)", [["tea"], ["rye"]])
        assert db.query_one("SELECT name FROM items ORDER BY name") == {"name": "rye"}

    def test_that_do_not_fit_the_dataclass_name_every_misfit(self, db: Database) -> None:
        db.execute("INSERT INTO items (name) VALUES (?)", ["tea"])
        with pytest.raises(QueryFailed, match="no column for id; no field for title, size") as caught:
            db.query("SELECT name, name AS title, 1 AS size FROM items", row_type=Item)
        assert code(caught) == "row_type"

    def test_need_a_dataclass(self, db: Database) -> None:
        db.execute("INSERT INTO items (name) VALUES (?)", ["tea"])
        with pytest.raises(QueryFailed, match="not a dataclass"):
            db.query("SELECT name FROM items", row_type=str)

    def test_with_two_columns_of_one_name_are_refused(self, db: Database) -> None:
        db.execute("INSERT INTO items (name) VALUES (?)", ["tea"])
        with pytest.raises(QueryFailed, match="more than one column called name"):
            db.query("SELECT name, name FROM items")


NOON = datetime(2025, 8, 14, 12, 33, 1, tzinfo=UTC)


class TestValues:
    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("TEXT", "plain"),
            ("TEXT", ""),
            ("TEXT", "line\nbreak 'quotes' \"double\" back\\slash 🥦 % ? :name $1"),
            ("TEXT", None),
            ("BIGINT", 2**63 - 1),
            ("BIGINT", -(2**63)),
            ("{float}", 0.1),
            ("{float}", 1e300),
            ("{float}", math.inf),
            ("{float}", -math.inf),
            ("BOOLEAN", True),
            ("BOOLEAN", False),
            ("BOOLEAN", None),
            ("DECIMAL(10,2)", Decimal("12.50")),
            ("DECIMAL(10,2)", Decimal("-0.01")),
            ("DECIMAL(10,2)", Decimal("99999999.99")),
            ("NUMERIC", Decimal("1234567890.12345")),
            ("NUMERIC", Decimal(2**62)),
            ("{timestamp}", NOON),
            ("{timestamp}", NOON.replace(microsecond=123456)),
            ("{timestamp}", NOON.replace(year=7)),
            ("TIMESTAMP", NOON),
            ("DATE", date(2025, 8, 14)),
            ("{bytes}", b"\x00\xff' bytes"),
            ("{bytes}", b""),
            ("{json}", Json({"a": [1, 2.5, None, True, "ü"], "b": {"c": {}}})),
            ("{json}", Json([])),
            ("{json}", Json("text")),
        ],
    )
    def test_come_back_as_they_went(
        self, db: Database, create: Create, column: str, value: Parameter
    ) -> None:
        create(f"CREATE TABLE one (v {column})")
        db.execute("INSERT INTO one VALUES (?)", [value])
        (row,) = db.query("SELECT v FROM one")
        expected = value.data if isinstance(value, Json) else value
        assert row["v"] == expected
        assert type(row["v"]) is type(expected)

    def test_decimals_have_the_scale_of_their_column(self, db: Database, create: Create) -> None:
        create("CREATE TABLE one (v DECIMAL(10,2))")
        db.execute_many("INSERT INTO one VALUES (?)", [[12], [1.5], [Decimal("2.5")]])
        assert [str(row["v"]) for row in db.query("SELECT v FROM one ORDER BY v")] == [
            "1.50",
            "2.50",
            "12.00",
        ]

    def test_times_are_kept_in_utc(self, db: Database, create: Create) -> None:
        create("CREATE TABLE one (v {timestamp})")
        berlin = timezone(timedelta(hours=2))
        for value in (NOON.replace(tzinfo=None), NOON.astimezone(berlin)):
            db.execute("INSERT INTO one VALUES (?)", [value])
        values = [row["v"] for row in db.query("SELECT v FROM one")]
        assert values == [NOON, NOON]
        assert all(isinstance(one, datetime) and one.utcoffset() == timedelta(0) for one in values)

    def test_json_text_in_a_text_column_stays_text(self, db: Database, create: Create) -> None:
        create("CREATE TABLE one (v TEXT)")
        db.execute("INSERT INTO one VALUES (?)", [Json({"a": 1})])
        assert db.query_one("SELECT v FROM one") == {"v": '{"a":1}'}

    @pytest.mark.parametrize("value", [object(), [1], {"a": 1}, timedelta(1)])
    def test_of_other_types_are_refused(self, db: Database, value: Parameter) -> None:
        with pytest.raises(QueryFailed, match="a placeholder takes no") as caught:
            db.query("SELECT ?", [value])
        assert code(caught) == "parameter_value"

    @pytest.mark.parametrize("data", [math.nan, {"a": object()}])
    def test_that_json_cannot_hold_are_refused(self, db: Database, data: Value) -> None:
        with pytest.raises(QueryFailed, match="not JSON"):
            db.query("SELECT ?", [Json(data)])

    def test_text_that_is_not_unicode_is_refused(self, db: Database) -> None:
        with pytest.raises(QueryFailed):
            db.query("SELECT ?", ["\ud800"])

    def test_too_large_integers_are_refused(self, db: Database, create: Create) -> None:
        create("CREATE TABLE one (v BIGINT)")
        with pytest.raises(QueryFailed):
            db.execute("INSERT INTO one VALUES (?)", [2**63])


class TestPlaceholders:
    pytestmark = pytest.mark.usefixtures("items")

    def test_are_positional_numbered_or_named(self, db: Database) -> None:
        db.execute("INSERT INTO items (name) VALUES (?)", ["tea"])
        assert db.query("SELECT id FROM items WHERE name = ?2 AND id = ?1", [1, "tea"]) == [{"id": 1}]
        assert db.query("SELECT id FROM items WHERE name = :n OR name = :n", {"n": "tea"}) == [{"id": 1}]

    def test_are_not_seen_in_literals_comments_and_names(self, db: Database) -> None:
        row = db.query_one(
            """SELECT 'it''s 100% ? :no' AS "a?:b", -- ? :no
               name /* ? :no */ FROM items WHERE name LIKE 't%' AND name = ?""",
            ["tea"],
        )
        assert row is None
        db.execute("INSERT INTO items (name) VALUES ('tea')")
        assert db.query_one("SELECT '100% ? :no' AS \"a?:b\" FROM items WHERE name = ?", ["tea"]) == {
            "a?:b": "100% ? :no"
        }

    @pytest.mark.parametrize(
        ("sql", "params", "message"),
        [
            ("SELECT ?", [], "takes 1 parameters and was given 0"),
            ("SELECT ?", [1, 2], "takes 1 parameters and was given 2"),
            ("SELECT :a", [1], "named placeholders"),
            ("SELECT :a", {"b": 1}, "no value for :a"),
            ("SELECT ?", {"a": 1}, "has \\? placeholders"),
            ("SELECT ?", "a", "single text"),
            ("SELECT $1", [1], "one engine only"),
            ("SELECT ?0", [], "count from|not a placeholder"),
        ],
    )
    def test_that_do_not_fit_their_values_are_explained(
        self, db: Database, sql: str, params: list[Parameter], message: str
    ) -> None:
        with pytest.raises(QueryFailed, match=message) as caught:
            db.query(sql, params)
        assert code(caught) == "placeholders"


class TestExecute:
    pytestmark = pytest.mark.usefixtures("items")

    def test_tells_changes_and_the_new_key(self, db: Database) -> None:
        one = db.execute("INSERT INTO items (name) VALUES (?);", ["tea"])
        assert (one.changes, one.last_insert_rowid) == (1, 1)
        many = db.execute("INSERT INTO items (name) VALUES ('rye'), ('oat') -- two\n;")
        assert (many.changes, many.last_insert_rowid) == (2, 3)

    def test_tells_changes_of_updates_and_deletes_and_no_key(self, db: Database) -> None:
        db.execute("INSERT INTO items (name) VALUES ('rye'), ('oat')")
        updated = db.execute("UPDATE items SET price = ?", [Decimal(1)])
        assert (updated.changes, updated.last_insert_rowid) == (2, None)
        assert db.execute("DELETE FROM items WHERE name = :n", {"n": "rye"}).changes == 1
        assert db.execute("DELETE FROM items WHERE name = :n", {"n": "rye"}).changes == 0

    def test_tells_no_changes_of_other_statements(self, db: Database) -> None:
        db.execute("INSERT INTO items (name) VALUES ('rye')")
        assert db.execute("SELECT * FROM items").changes == 0
        assert db.execute("CREATE TABLE other (a TEXT)").changes == 0

    def test_tells_no_key_when_nothing_was_inserted(self, db: Database) -> None:
        db.execute("INSERT INTO items (name) VALUES ('rye')")
        again = db.execute("INSERT INTO items (name) VALUES ('rye') ON CONFLICT DO NOTHING")
        assert (again.changes, again.last_insert_rowid) == (0, None)
        upsert = "INSERT INTO items (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET price = 1"
        assert db.execute(upsert, ["rye"]).last_insert_rowid is None
        assert isinstance(db.execute(upsert, ["oat"]).last_insert_rowid, int)

    def test_tells_no_key_that_the_engine_did_not_give(self, db: Database, create: Create) -> None:
        create("CREATE TABLE named (id TEXT PRIMARY KEY)")
        create("CREATE TABLE pairs (a BIGINT, b BIGINT, PRIMARY KEY (a, b))")
        create("CREATE TABLE bare (a BIGINT)")
        assert db.execute("INSERT INTO named VALUES ('x')").last_insert_rowid is None
        assert db.execute("INSERT INTO pairs VALUES (1, 2)").last_insert_rowid is None
        assert db.execute("INSERT INTO bare VALUES (1)").last_insert_rowid is None

    def test_finds_the_key_of_quoted_and_remade_tables(self, db: Database, create: Create) -> None:
        create('CREATE TABLE "odd ""name" (id {key}, a TEXT)')
        assert db.execute('INSERT INTO "odd ""name" (a) VALUES (?)', ["x"]).last_insert_rowid == 1
        db.execute('DROP TABLE "odd ""name"')
        create('CREATE TABLE "odd ""name" (nr {key}, a TEXT)')
        assert db.execute('INSERT INTO "odd ""name" (a) VALUES (?)', ["x"]).last_insert_rowid == 1

    def test_returning_is_a_query(self, db: Database) -> None:
        assert db.query("INSERT INTO items (name) VALUES ('rye') RETURNING id, name") == [
            {"id": 1, "name": "rye"}
        ]

    def test_runs_a_script_wholly_or_not_at_all(self, db: Database) -> None:
        db.execute("INSERT INTO items (name) VALUES ('a'); INSERT INTO items (name) VALUES ('b;')")
        with pytest.raises(QueryFailed):
            db.execute("INSERT INTO items (name) VALUES ('c'); INSERT INTO items (name) VALUES ('a');")
        assert [row["name"] for row in db.query("SELECT name FROM items ORDER BY 1")] == ["a", "b;"]

    def test_takes_no_parameters_for_a_script(self, db: Database) -> None:
        with pytest.raises(QueryFailed, match="several statements take no parameters"):
            db.execute("DELETE FROM items WHERE id = ?; DELETE FROM items", [1])

    @pytest.mark.parametrize("sql", ["BEGIN", "COMMIT", "rollback", "SAVEPOINT a"])
    def test_leaves_transactions_to_transaction(self, db: Database, sql: str) -> None:
        with pytest.raises(QueryFailed, match="unknown state"):
            db.execute(sql)

    def test_many_is_all_or_nothing(self, db: Database) -> None:
        assert db.execute_many("INSERT INTO items (name) VALUES (?)", [["a"], ["b"]]).changes == 2
        with pytest.raises(QueryFailed):
            db.execute_many("INSERT INTO items (name) VALUES (:n)", ({"n": n} for n in "cda"))
        assert len(db.query("SELECT * FROM items")) == 2


class TestErrors:
    pytestmark = pytest.mark.usefixtures("items")

    @pytest.mark.parametrize(
        ("sql", "expected"),
        [
            ("INSERT INTO items (id, name) VALUES (1, 'x')", "unique_violation"),
            ("INSERT INTO items (name) VALUES ('tea')", "unique_violation"),
            ("INSERT INTO items (name) VALUES (NULL)", "not_null_violation"),
            ("INSERT INTO parts VALUES (99, 1)", "foreign_key_violation"),
            ("INSERT INTO parts VALUES (1, -1)", "check_violation"),
            ("SELECT * FROM nowhere", "query_failed"),
            ("CHOOSE 1", "query_failed"),
        ],
    )
    def test_are_told_by_the_same_codes(self, db: Database, create: Create, sql: str, expected: str) -> None:
        create("CREATE TABLE parts (item BIGINT REFERENCES items (id), n BIGINT CHECK (n > 0))")
        db.execute("INSERT INTO items (name) VALUES ('tea')")
        with pytest.raises(QueryFailed, match=r"\[SQL") as caught:
            db.execute(sql)
        assert code(caught) == expected


class TestTransactions:
    pytestmark = pytest.mark.usefixtures("items")

    def names(self, db: Database) -> list[Value]:
        return [row["name"] for row in db.query("SELECT name FROM items ORDER BY name")]

    def test_are_seen_by_others_after_commit_only(self, db: Database) -> None:
        with db.transaction() as tx:
            tx.execute("INSERT INTO items (name) VALUES ('a')")
            assert self.names(db) == []
        assert self.names(db) == ["a"]

    def test_are_rolled_back_by_an_exception(self, db: Database) -> None:
        def work() -> None:
            with db.transaction() as tx:
                tx.execute("INSERT INTO items (name) VALUES ('a')")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            work()
        assert self.names(db) == []

    def test_nest_as_savepoints(self, db: Database) -> None:
        def fails(tx: Connection) -> None:
            with tx.transaction() as inner:
                inner.execute("INSERT INTO items (name) VALUES ('b')")
                with inner.transaction() as innermost:
                    innermost.execute("INSERT INTO items (name) VALUES ('a')")

        with db.transaction() as tx:
            tx.execute("INSERT INTO items (name) VALUES ('a')")
            with pytest.raises(QueryFailed):
                fails(tx)
            with tx.transaction() as inner:
                inner.execute("INSERT INTO items (name) VALUES ('c')")
        assert self.names(db) == ["a", "c"]

    def test_are_spoiled_by_a_failed_statement(self, db: Database) -> None:
        def work() -> None:
            with db.transaction() as tx:
                tx.execute("INSERT INTO items (name) VALUES ('a')")
                with pytest.raises(QueryFailed):
                    tx.execute("INSERT INTO items (name) VALUES ('a')")
                with pytest.raises(TransactionFailed):
                    tx.query("SELECT 1")

        with pytest.raises(TransactionFailed) as caught:
            work()
        assert code(caught) == "transaction_spoiled"
        assert self.names(db) == []

    def test_fail_at_commit_with_a_deferred_constraint(self, db: Database, create: Create) -> None:
        create("CREATE TABLE parts (item BIGINT REFERENCES items (id) DEFERRABLE INITIALLY DEFERRED)")
        with pytest.raises(TransactionFailed) as caught, db.transaction() as tx:
            tx.execute("INSERT INTO parts VALUES (99)")
        assert code(caught) == "foreign_key_violation"
        assert db.query("SELECT * FROM parts") == []

    def test_end_with_their_block(self, db: Database) -> None:
        with db.transaction() as tx:
            pass
        with pytest.raises(ConnectionFailed) as caught:
            tx.query("SELECT 1")
        assert code(caught) == "connection_returned"

    def test_leave_the_pool_clean(self, opener: Opener) -> None:
        db = opener(connections=1)
        with pytest.raises(QueryFailed), db.transaction() as tx:
            tx.query("SELECT * FROM nowhere")
        assert db.query_one("SELECT 1 AS one") == {"one": 1}
        assert db.metrics().connections.active == 0


class TestPrepared:
    @pytest.mark.usefixtures("items")
    def test_statements_run_again_and_again(self, db: Database) -> None:
        insert = db.prepare("INSERT INTO items (name) VALUES (:name)")
        assert [insert.execute({"name": name}).last_insert_rowid for name in "abc"] == [1, 2, 3]
        select = db.prepare("SELECT id, name FROM items WHERE name = ?")
        assert [select.query_one([name], row_type=Item) for name in "ab"] == [Item(1, "a"), Item(2, "b")]
        with db.transaction() as tx:
            assert len(tx.prepare("SELECT * FROM items").query()) == 3


class TestStreams:
    def numbers(self, count: int) -> str:
        return (
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
            "SELECT i, 'row ' || i AS name FROM n"
        )

    def test_hold_one_batch_in_memory(self, db: Database) -> None:
        total = 0
        tracemalloc.start()
        for row in db.stream(self.numbers(200_000), batch=1000):
            assert isinstance(row["i"], int)
            total += row["i"]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert total == 200_000 * 200_001 // 2
        assert peak < 4_000_000

    def test_count_as_one_query(self, db: Database) -> None:
        before = db.metrics().total_queries
        assert len(list(db.stream(self.numbers(100), batch=7))) == 100
        assert db.metrics().total_queries == before + 1

    def test_may_end_early_and_give_the_connection_back(self, opener: Opener) -> None:
        db = opener(connections=1)
        rows = db.stream(self.numbers(10_000), batch=10)
        assert next(rows)["i"] == 1
        rows.close()
        assert db.query_one("SELECT 1 AS one") == {"one": 1}

    @pytest.mark.usefixtures("items")
    def test_take_parameters_and_dataclasses_and_join_a_transaction(self, db: Database) -> None:
        with db.transaction() as tx:
            tx.execute_many("INSERT INTO items (name) VALUES (?)", [[str(n)] for n in range(7)])
            found = tx.stream(
                "SELECT id, name FROM items WHERE id > ? ORDER BY id", [2], row_type=Item, batch=2
            )
            assert [item.id for item in found] == [3, 4, 5, 6, 7]
            tx.execute("DELETE FROM items")
        assert db.query("SELECT * FROM items") == []

    @pytest.mark.usefixtures("items")
    def test_refuse_what_writes(self, db: Database) -> None:
        with pytest.raises(QueryFailed, match="single reading statement"):
            list(db.stream("INSERT INTO items (name) VALUES ('a') RETURNING id"))

    def test_tell_errors(self, db: Database) -> None:
        with pytest.raises(QueryFailed):
            list(db.stream("SELECT * FROM nowhere"))


class TestPools:
    def test_grow_to_their_limit_and_then_tell(self, opener: Opener) -> None:
        db = opener(connections=2, wait_seconds=0.1)
        with db.connection() as one, db.connection() as two:
            assert one.query_one("SELECT 1 AS v") == two.query_one("SELECT 1 AS v")
            with pytest.raises(ConnectionFailed, match="all 2 connections were in use") as caught:
                db.query("SELECT 1")
            assert db.metrics().connections.total == 2
        assert code(caught) == "pool_exhausted"
        assert db.query_one("SELECT 1 AS v") == {"v": 1}

    @pytest.mark.usefixtures("items")
    def test_serve_those_who_wait(self, opener: Opener) -> None:
        db = opener(connections=2)

        def work(number: int) -> None:
            for turn in range(20):
                db.execute("INSERT INTO items (name) VALUES (?)", [f"{number}.{turn}"])

        threads = [threading.Thread(target=work, args=[number]) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert db.query_one("SELECT count(*) AS n FROM items") == {"n": 240}
        found = counts(db)
        assert (found.active, found.waiting) == (0, 0)
        assert found.total == found.idle <= 2  # whether one was enough is the scheduler's business

    def test_count_who_waits(self, opener: Opener) -> None:
        db = opener(connections=1)
        with db.connection():
            waiting = threading.Thread(target=db.query, args=["SELECT 1"])
            waiting.start()
            until(lambda: counts(db).waiting == 1)
            assert (counts(db).total, counts(db).active, counts(db).idle) == (1, 1, 0)
        waiting.join()
        assert counts(db).waiting == 0


SLOW = {
    Engine.SQLITE: """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)
                      SELECT count(*) AS n FROM n""",
    Engine.POSTGRESQL: "SELECT pg_sleep(60)",
}


class TestInterruption:
    def test_stops_the_running_statement(self, db: Database, engine: Engine) -> None:
        with db.connection() as connection:
            timer = threading.Timer(0.2, connection.interrupt)
            timer.start()
            with pytest.raises(QueryFailed) as caught:
                connection.query(SLOW[engine])
            timer.join()
            assert code(caught) == "cancelled"
            assert connection.query_one("SELECT 1 AS v") == {"v": 1}

    def test_comes_by_itself_after_the_statement_timeout(self, opener: Opener, engine: Engine) -> None:
        db = opener(statement_timeout_seconds=0.2)
        with pytest.raises(QueryFailed) as caught:
            db.query(SLOW[engine])
        assert code(caught) == "cancelled"
        assert db.query_one("SELECT 1 AS v") == {"v": 1}


class TestClosing:
    @pytest.mark.usefixtures("items")
    def test_waits_for_running_work(self, opener: Opener) -> None:
        db = opener()
        inside, done = threading.Event(), threading.Event()

        def work() -> None:
            with db.transaction() as tx:
                inside.set()
                time.sleep(0.2)
                tx.execute("INSERT INTO items (name) VALUES ('late')")
            done.set()

        thread = threading.Thread(target=work)
        thread.start()
        inside.wait()
        db.close()
        assert done.is_set() or not thread.join(5)
        assert opener().query("SELECT name FROM items") == [{"name": "late"}]

    def test_interrupts_what_does_not_end(self, opener: Opener, engine: Engine) -> None:
        db = opener()
        failures: list[DatabaseError] = []
        started = threading.Event()

        def work() -> None:
            with db.connection() as connection:
                started.set()
                try:
                    connection.query(SLOW[engine])
                except DatabaseError as error:
                    failures.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        started.wait()
        db.close(timeout_seconds=0.3)
        thread.join(10)
        assert [error.faults[0].code for error in failures] == ["cancelled"]

    def test_may_be_repeated_and_refuses_new_work(self, db: Database) -> None:
        db.query("SELECT 1")
        db.close()
        db.close()
        with pytest.raises(ConnectionFailed) as caught:
            db.query("SELECT 1")
        assert code(caught) == "closed"
        assert db.metrics().connections.total == 0


class TestHealthAndMetrics:
    def test_health_is_told(self, db: Database) -> None:
        health = db.health_check()
        assert health.healthy
        assert health.last_error is None
        assert health.latency_seconds > 0
        assert health.timestamp.utcoffset() == timedelta(0)
        assert (health.connections.total, health.connections.idle) == (1, 1)

    def test_a_closed_database_is_not_healthy(self, db: Database) -> None:
        db.close()
        health = db.health_check()
        assert not health.healthy
        assert "closed" in str(health.last_error)

    @pytest.mark.usefixtures("items")
    def test_queries_and_errors_are_counted(self, db: Database) -> None:
        before = db.metrics()
        db.query("SELECT * FROM items")
        with pytest.raises(QueryFailed):
            db.query("SELECT * FROM nowhere")
        after = db.metrics()
        assert after.total_queries - before.total_queries == 2
        assert after.error_count - before.error_count == 1
        assert after.average_query_seconds > 0
        assert "nowhere" in str(db.health_check().last_error)

    @pytest.mark.usefixtures("items")
    def test_the_cache_hit_rate_is_a_share(self, db: Database) -> None:
        db.query("SELECT * FROM items")
        rate = db.metrics().cache_hit_rate
        assert rate is not None
        assert 0 <= rate <= 1

    def test_the_last_hundred_slow_queries_are_kept_without_values(
        self, opener: Opener, caplog: pytest.LogCaptureFixture
    ) -> None:
        db = opener(slow_query_seconds=0.0)
        for number in range(105):
            db.query(f"SELECT {number} AS n WHERE ? = ''", ["secret value"])
        slow = db.metrics().slow_queries
        assert len(slow) == 100
        assert "SELECT 104" in slow[-1].sql
        assert slow[-1].seconds > 0
        assert "secret value" not in repr(slow) + caplog.text
        assert "slow query on main" in caplog.text
