"""What only SQLite can do to an adapter: files that are missing, damaged or moved; one writer at a time."""

import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from opskit import ConnectionFailed, Database, Engine, Limits, QueryFailed, TransactionFailed, open_sqlite
from tests.integration.adapters.conftest import ENGINES

pytestmark = pytest.mark.skipif(Engine.SQLITE not in ENGINES, reason="DATABASE_TYPE names the other one")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "main.db"


@pytest.fixture
def db(file: Path) -> Iterator[Database]:
    with open_sqlite(file, name="main", create=True, busy_timeout_seconds=0.2) as db:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)")
        yield db


class TestFiles:
    def test_a_missing_file_is_not_made(self, file: Path) -> None:
        with open_sqlite(file) as db, pytest.raises(ConnectionFailed, match="there is no SQLite file"):
            db.query("SELECT 1")
        assert not file.exists()

    def test_a_file_of_another_kind_is_told(self, file: Path) -> None:
        file.write_text("not a database, though it is long enough to be looked at" * 50)
        with open_sqlite(file) as db, pytest.raises(ConnectionFailed) as caught:
            db.query("SELECT 1")
        assert caught.value.faults[0].code == "not_a_database"

    def test_a_directory_is_told(self, tmp_path: Path) -> None:
        with open_sqlite(tmp_path) as db, pytest.raises(ConnectionFailed):
            db.query("SELECT 1")

    def test_a_file_put_in_its_place_is_found(self, db: Database, file: Path) -> None:
        db.execute("INSERT INTO t VALUES (1, 1)")
        restored = file.with_name("restored.db")
        with open_sqlite(restored, create=True) as other:
            other.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)")
        for leftover in file.parent.glob("main.db-*"):
            leftover.unlink()
        restored.rename(file)
        assert db.query("SELECT * FROM t") == []

    def test_a_file_moved_away_is_missed_and_not_made_anew(self, db: Database, file: Path) -> None:
        db.query("SELECT 1")
        file.rename(file.with_name("moved.db"))
        with pytest.raises(ConnectionFailed, match="there is no SQLite file"):
            open_sqlite(file).query("SELECT 1")
        health = open_sqlite(file).health_check()
        assert not health.healthy


class TestSettings:
    def test_are_those_of_the_application(self, db: Database) -> None:
        assert db.query_one("PRAGMA journal_mode") == {"journal_mode": "wal"}
        assert db.query_one("PRAGMA synchronous") == {"synchronous": 1}
        assert db.query_one("PRAGMA foreign_keys") == {"foreign_keys": 1}
        assert db.query_one("PRAGMA busy_timeout") == {"timeout": 200}

    def test_wait_five_seconds_by_default(self, file: Path) -> None:
        with open_sqlite(file, create=True) as db:
            assert db.query_one("PRAGMA busy_timeout") == {"timeout": 5000}


class TestWriters:
    def test_of_one_process_take_turns(self, file: Path) -> None:
        with open_sqlite(file, create=True, limits=Limits(connections=8)) as db:
            db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)")
            db.execute("INSERT INTO t VALUES (1, 0)")

            def work() -> None:
                for _ in range(25):
                    with db.transaction() as tx:
                        row = tx.query_one("SELECT v FROM t WHERE id = 1")
                        assert row is not None
                        tx.execute("UPDATE t SET v = ? WHERE id = 1", [int(str(row["v"])) + 1])
                    db.execute("INSERT INTO t (v) VALUES (0)")

            threads = [threading.Thread(target=work) for _ in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert db.query_one("SELECT v FROM t WHERE id = 1") == {"v": 400}
            assert db.query_one("SELECT count(*) AS n FROM t") == {"n": 401}
            assert db.metrics().error_count == 0

    def test_do_not_keep_readers_waiting(self, db: Database) -> None:
        with db.transaction() as tx:
            tx.execute("INSERT INTO t VALUES (1, 1)")
            assert db.query("SELECT * FROM t") == []
        assert db.query("SELECT id FROM t") == [{"id": 1}]

    def test_wait_for_another_process_and_then_tell(self, db: Database, file: Path) -> None:
        other = apsw.Connection(str(file))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TransactionFailed, match="SQLITE_BUSY") as caught:
            db.execute("INSERT INTO t VALUES (1, 1)")
        assert caught.value.faults[0].code == "database_busy"
        with pytest.raises(TransactionFailed), db.transaction():
            pass
        other.execute("ROLLBACK")
        other.close()
        db.execute("INSERT INTO t VALUES (1, 1)")

    def test_inside_a_transaction_that_go_past_it_are_told_why(self, db: Database) -> None:
        with db.transaction(), pytest.raises(TransactionFailed) as caught:
            db.execute("INSERT INTO t VALUES (1, 1)")
        assert "use the object that its block received" in caught.value.faults[0].hint
        db.execute("INSERT INTO t VALUES (1, 1)")

    def test_that_end_badly_let_the_next_one_on(self, db: Database) -> None:
        for _ in range(3):
            with pytest.raises(QueryFailed):
                db.execute("INSERT INTO nowhere VALUES (1)")
            with pytest.raises(QueryFailed), db.transaction() as tx:
                tx.execute("INSERT INTO nowhere VALUES (1)")
        assert db.execute("INSERT INTO t (v) VALUES (1)").changes == 1


class TestKeys:
    @pytest.mark.parametrize(
        ("ddl", "key"),
        [
            ("id INTEGER PRIMARY KEY AUTOINCREMENT, v", 1),
            ("id INTEGER, v, PRIMARY KEY (id)", 1),
            ("id INT PRIMARY KEY, v", None),
            ("id INTEGER PRIMARY KEY DESC, v", None),
            ("v", None),
        ],
    )
    def test_are_told_where_the_rowid_has_a_column(self, db: Database, ddl: str, key: int | None) -> None:
        db.execute(f"CREATE TABLE k ({ddl})")
        assert db.execute("INSERT INTO k (v) VALUES (1)").last_insert_rowid == key

    def test_of_a_replaced_row_are_told(self, db: Database) -> None:
        db.execute("INSERT INTO t VALUES (7, 1)")
        assert db.execute("INSERT OR REPLACE INTO main.[t] VALUES (7, 2)").last_insert_rowid == 7
        assert db.execute("REPLACE INTO `t` VALUES (7, 3)").changes == 1

    def test_are_not_those_of_a_trigger(self, db: Database) -> None:
        db.execute("CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, v)")
        db.execute("INSERT INTO log VALUES (500, 1)")
        db.execute("CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log (v) VALUES (1); END;")
        assert db.execute("INSERT INTO t (v) VALUES (1)").last_insert_rowid == 1
