"""SQLite files missing, locked, replaced, damaged or left behind; and none of them touched by looking."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import pytest

from opskit.exporter.sqlite import SqliteReader
from opskit.transfer.deadline import Deadline
from tests.integration.exporter.world import Exporter, World, make_sqlite

Traces = dict[str, tuple[int, int, str]]


def traces(directory: Path) -> Traces:
    """Name, modification time, size and content of every file of the databases."""
    return {
        file.name: (
            file.stat().st_mtime_ns,
            file.stat().st_size,
            hashlib.sha256(file.read_bytes()).hexdigest(),
        )
        for file in directory.glob("*.db*")
    }


@contextmanager
def opened(file: Path) -> Generator[apsw.Connection]:
    with closing(apsw.Connection(str(file))) as connection:
        yield connection


def fill(connection: apsw.Connection, rows: int = 1000) -> None:
    connection.execute(
        "INSERT INTO users (name)"
        " WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " SELECT hex(randomblob(50)) FROM n",
        (rows,),
    )


def test_a_missing_file_is_down_and_is_not_made(world: World, exporter: Exporter) -> None:
    world.sqlite("main").unlink()
    scrape = exporter.scrape()
    assert scrape.value("opskit_database_up", database="main") == 0
    assert (
        scrape.value("opskit_probe_failures_total", database="main", probe="connect", reason="missing") == 1
    )
    assert not scrape.all("opskit_sqlite_file_bytes", database="main")
    assert scrape.value("opskit_database_up", database="walmart") == 1
    assert not world.sqlite("main").exists()


def test_a_missing_directory_is_down_and_is_not_made(world: World, exporter: Exporter) -> None:
    shutil.move(world.sqlite("main"), world.directory / "elsewhere.db")
    world.sqlite("main").mkdir()
    scrape = exporter.scrape()
    assert scrape.value("opskit_database_up", database="main") == 0
    assert scrape.all("opskit_probe_failures_total", database="main", reason="not_a_file")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"this is not a database, but text" * 10, "not_a_database"),
        (b"SQLite format 3\x00" + b"\xff" * 4080, ""),
    ],
)
def test_what_is_no_database_is_down(world: World, exporter: Exporter, content: bytes, reason: str) -> None:
    world.sqlite("main").write_bytes(content)
    scrape = exporter.scrape()
    assert scrape.value("opskit_database_up", database="main") == 0
    failures = scrape.all("opskit_probe_failures_total", database="main")
    assert not reason or reason in {dict(labels)["reason"] for labels in failures}
    assert scrape.value("opskit_database_up", database="walmart") == 1


def test_an_empty_file_is_an_empty_database(world: World, exporter: Exporter) -> None:
    """So SQLite sees it: it is what the application makes when its file was moved away."""
    world.sqlite("main").write_bytes(b"")
    scrape = exporter.scrape()
    assert scrape.value("opskit_database_up", database="main") == 1
    assert scrape.value("opskit_database_tables", database="main") == 0
    assert scrape.value("opskit_sqlite_page_size_bytes", database="main") is None


def test_a_replaced_file_is_seen_at_the_next_scrape(world: World, exporter: Exporter) -> None:
    assert exporter.scrape().value("opskit_database_tables", database="main") == 1
    other = world.directory / "other.db"
    make_sqlite(other)
    with opened(other) as connection:
        connection.execute("CREATE TABLE more (a)")
    other.rename(world.sqlite("main"))
    scrape = exporter.scrape()
    assert scrape.value("opskit_database_tables", database="main") == 2
    assert scrape.value("opskit_sqlite_write_lock_held", database="main") == 0


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_held_write_lock_is_seen_and_the_database_is_up(
    world: World, exporter: Exporter, mode: str
) -> None:
    world.sqlite("main").unlink()
    make_sqlite(world.sqlite("main"), mode)
    with opened(world.sqlite("main")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        held = exporter.scrape()
        writer.execute("COMMIT")
        assert exporter.scrape().value("opskit_sqlite_write_lock_held", database="main") == 0
    assert held.value("opskit_database_up", database="main") == 1
    assert held.value("opskit_sqlite_write_lock_held", database="main") == 1
    assert held.value("opskit_sqlite_hot_journal", database="main") == 0
    assert held.value("opskit_database_tables", database="main") == 1
    assert held.value("opskit_sqlite_write_lock_held", database="walmart") == 0


def test_how_long_a_writer_commits_nothing_is_seen(world: World, exporter: Exporter) -> None:
    with opened(world.sqlite("main")) as writer:
        writer.execute("BEGIN IMMEDIATE; INSERT INTO users (name) VALUES ('c')")
        first = exporter.scrape().value("opskit_sqlite_write_lock_held_seconds", database="main")
        second = exporter.scrape().value("opskit_sqlite_write_lock_held_seconds", database="main")
        writer.execute("COMMIT; BEGIN IMMEDIATE")
        committed = exporter.scrape().value("opskit_sqlite_write_lock_held_seconds", database="main")
        writer.execute("ROLLBACK")
        free = exporter.scrape().value("opskit_sqlite_write_lock_held_seconds", database="main")
    assert first == 0 < second
    assert (committed, free) == (0, 0)


def test_a_reader_that_keeps_the_log_from_being_copied_back_is_seen(world: World, exporter: Exporter) -> None:
    name = "opskit_sqlite_oldest_reader_frame_lag"
    with opened(world.sqlite("main")) as reader, opened(world.sqlite("main")) as writer:
        fill(writer)
        reader.execute("BEGIN; SELECT count(*) FROM users").fetchall()
        assert exporter.scrape().value(name, database="main") == 0
        fill(writer)
        assert exporter.scrape().value(name, database="main") > 0
        reader.execute("ROLLBACK")
        assert exporter.scrape().value(name, database="main") == 0


def test_readers_locked_out_is_not_down_but_what_they_would_read_is_absent(
    world: World, exporter: Exporter
) -> None:
    world.sqlite("main").unlink()
    make_sqlite(world.sqlite("main"), "delete")
    with opened(world.sqlite("main")) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        scrape = exporter.scrape()
        writer.execute("ROLLBACK")
    assert scrape.value("opskit_database_up", database="main") == 1
    assert scrape.value("opskit_sqlite_write_lock_held", database="main") == 1
    assert scrape.value("opskit_probe_failures_total", database="main", probe="read", reason="locked") == 1
    assert scrape.value("opskit_database_tables", database="main") is None
    assert scrape.value("opskit_database_size_bytes", database="main") > 0


def test_looking_does_not_drop_the_locks_of_a_transaction(world: World, exporter: Exporter) -> None:
    with opened(world.sqlite("main")) as writer, opened(world.sqlite("main")) as other:
        writer.execute("BEGIN IMMEDIATE")
        exporter.scrape()
        with pytest.raises(apsw.BusyError):
            other.execute("BEGIN IMMEDIATE")
        writer.execute("COMMIT")


def test_the_write_ahead_logs_backlog_is_seen(world: World, exporter: Exporter) -> None:
    with opened(world.sqlite("main")) as writer, opened(world.sqlite("main")) as reader:
        writer.execute("PRAGMA wal_autocheckpoint=0")
        reader.execute("BEGIN; SELECT count(*) FROM users")
        fill(writer)
        _, frames, done = writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        scrape = exporter.scrape()
        assert scrape.value("opskit_sqlite_wal_frames", database="main") == frames > 10
        assert scrape.value("opskit_sqlite_wal_frames_pending", database="main") == frames - done > 10
        reader.execute("COMMIT")
        writer.execute("PRAGMA wal_checkpoint(PASSIVE)")
        assert exporter.scrape().value("opskit_sqlite_wal_frames_pending", database="main") == 0


def test_what_stands_only_in_the_write_ahead_log_counts(world: World, exporter: Exporter) -> None:
    with opened(world.sqlite("main")) as writer:
        writer.execute("CREATE TABLE more (a)")
        fill(writer)
        writer.execute("DELETE FROM users")
        pages = writer.execute("PRAGMA page_count").fetchone()[0]
        free = writer.execute("PRAGMA freelist_count").fetchone()[0]
        scrape = exporter.scrape()
    assert scrape.value("opskit_database_tables", database="main") == 2
    assert scrape.value("opskit_sqlite_pages", database="main") == pages
    assert scrape.value("opskit_sqlite_freelist_pages", database="main") == free > 0


def test_a_journal_left_by_a_crash_is_hot(world: World, exporter: Exporter, tmp_path: Path) -> None:
    crashing = tmp_path / "crashing.db"
    make_sqlite(crashing, "delete")
    with opened(crashing) as writer:
        fill(writer)
        writer.execute("PRAGMA cache_size=2; BEGIN; UPDATE users SET name = 'lost'")
        for suffix in ("", "-journal"):
            shutil.copy(f"{crashing}{suffix}", f"{world.sqlite('main')}{suffix}")
        writer.execute("ROLLBACK")
    scrape = exporter.scrape()
    assert scrape.value("opskit_sqlite_hot_journal", database="main") == 1
    assert scrape.value("opskit_sqlite_write_lock_held", database="main") == 0
    assert scrape.value("opskit_database_up", database="main") == 1
    assert scrape.value("opskit_database_tables", database="main") is None


def test_shadow_tables_of_a_full_text_index_are_not_the_applications(
    world: World, exporter: Exporter
) -> None:
    with opened(world.sqlite("main")) as connection:
        connection.execute("CREATE VIRTUAL TABLE mails USING fts5(subject); CREATE TABLE mail_box (a)")
    assert exporter.scrape().value("opskit_database_tables", database="main") == 3


COMES_AND_GOES = """
import sys, apsw
while True:
    for names in (range(60), range(0)):
        connection = apsw.Connection(sys.argv[1])
        connection.execute("BEGIN")
        there = connection.execute("SELECT name FROM sqlite_schema WHERE name LIKE 'more%'").fetchall()
        for (name,) in there:
            connection.execute(f"DROP TABLE {name}")
        for name in names:
            connection.execute(f"CREATE TABLE more{name} (a, {', '.join(f'c{i}' for i in range(99))})")
        connection.execute("COMMIT")
        connection.close()
        print("closed", flush=True)
"""


def test_an_application_that_opens_and_closes_the_file_all_the_while_is_never_read_halfway(
    world: World,
) -> None:
    """Without a -wal the file is read as one that never changes, which it may do at that very moment."""
    command = [sys.executable, "-c", COMES_AND_GOES, str(world.sqlite("main"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as application:
        try:
            assert application.stdout
            application.stdout.readline()
            reader = SqliteReader("main", world.sqlite("main"))
            readings = [reader.read(Deadline.after(2)) for _ in range(400)]
        finally:
            application.kill()
    outcomes = [one for reading in readings for one in (*reading.probes, *reading.collectors)]
    assert {one.failure for one in outcomes} <= {None, "locked"}
    tables = {row["tables"] for one in outcomes if one.name == "tables" for row in one.rows}
    assert tables == {1, 61}


def quiet(_world: World) -> None:
    """Closed by everybody: no -wal, no -shm."""


def rollback_mode(world: World) -> None:
    world.sqlite("main").unlink()
    make_sqlite(world.sqlite("main"), "delete")


def killed(world: World) -> None:
    """As a killed application leaves it: with a -wal and a -shm that nobody holds."""
    living = world.directory / "living"
    living.mkdir()
    make_sqlite(living / "main.db")
    with opened(living / "main.db") as writer:
        fill(writer)
        for file in living.iterdir():
            shutil.copy(file, world.directory / file.name)


def without_shm(world: World) -> None:
    """As a careless copy looks: a -wal with content, but no -shm."""
    killed(world)
    (world.directory / "main.db-shm").unlink()


@pytest.mark.parametrize("prepare", [quiet, rollback_mode, killed, without_shm])
def test_looking_leaves_no_trace(world: World, exporter: Exporter, prepare: Callable[[World], None]) -> None:
    prepare(world)
    before = traces(world.directory)
    for _ in range(3):
        scrape = exporter.scrape()
    assert traces(world.directory) == before
    assert scrape.value("opskit_database_up", database="main") == 1


def test_looking_leaves_no_trace_beside_an_open_application(world: World, exporter: Exporter) -> None:
    with opened(world.sqlite("main")) as writer:
        fill(writer)
        before = traces(world.directory)
        for _ in range(3):
            exporter.scrape()
        assert traces(world.directory) == before


def test_the_log_of_a_killed_application_is_read(world: World, exporter: Exporter) -> None:
    killed(world)
    scrape = exporter.scrape()
    assert scrape.value("opskit_database_tables", database="main") == 1
    assert scrape.value("opskit_sqlite_wal_frames_pending", database="main") > 10
