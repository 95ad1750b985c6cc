"""A source is read as of one moment, in every state it may be in, and nothing of it or beside it changes."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from opskit.errors import Refused
from opskit.schema import sqlite_source
from opskit.schema.sqlite_file import open_read_only, rows
from opskit.schema.sqlite_source import copy_source
from tests.sqlite_states import (
    FILL,
    ROWS,
    STATES,
    beside,
    closed_wal,
    crashed_wal,
    crashed_wal_without_index,
    fingerprint,
    hot_journal,
    in_use,
    nobody,
    rollback,
)
from tests.support import make_sqlite

CHECKPOINTS = """
import sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.execute("UPDATE t SET body = 'changed'").fetchall()
connection.execute("PRAGMA wal_checkpoint(truncate)").fetchall()
connection.close()
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the application keeps its database."""
    made = tmp_path / "application"
    made.mkdir()
    return made


def counted(copy: Path) -> int:
    """The rows of a whole copy; -1 when there is no table."""
    reader = open_read_only(copy)
    try:
        assert rows(reader, "PRAGMA integrity_check") == [("ok",)]
        assert rows(reader, "PRAGMA journal_mode") == [("delete",)]
        if not rows(reader, "SELECT 1 FROM sqlite_schema"):
            return -1
        assert not rows(reader, "SELECT * FROM t WHERE body = 'never committed'")
        return len(rows(reader, "SELECT id FROM t"))
    finally:
        reader.close()


@pytest.mark.parametrize("make", STATES)
def test_a_source_is_read_whole_and_without_a_trace(
    make: Callable[[Path], int], directory: Path, tmp_path: Path
) -> None:
    count = make(directory / "app.db")
    before = fingerprint(directory)
    copy_source(directory / "app.db", tmp_path / "copy.db")
    assert counted(tmp_path / "copy.db") == count
    assert fingerprint(directory) == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["application", "copy.db"]
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("make", STATES)
def test_a_directory_and_files_that_may_not_be_written_will_do(make: Callable[[Path], int]) -> None:
    with tempfile.TemporaryDirectory() as place:  # pytest's own directories are not open to others
        directory, copies = Path(place) / "application", Path(place) / "copies"
        directory.mkdir()
        copies.mkdir()
        Path(place).chmod(0o755)
        count = make(directory / "app.db")
        for one in directory.iterdir():
            one.chmod(0o444)
        directory.chmod(0o555)
        before = fingerprint(directory)
        with nobody(copies):
            copy_source(directory / "app.db", copies / "copy.db")
            assert counted(copies / "copy.db") == count
        assert fingerprint(directory) == before
        directory.chmod(0o755)


@pytest.mark.parametrize("name", ["with space.db", "50%.db", "what?.db", "a#b.db", "%2e.db", "ü'\".db"])
@pytest.mark.parametrize("make", [closed_wal, crashed_wal])
def test_a_file_may_have_any_name(
    make: Callable[[Path], int], name: str, directory: Path, tmp_path: Path
) -> None:
    count = make(directory / name)
    before = fingerprint(directory)
    copy_source(directory / name, tmp_path / "copy.db")
    assert counted(tmp_path / "copy.db") == count
    assert fingerprint(directory) == before


@pytest.mark.parametrize("make", [hot_journal, closed_wal, crashed_wal, crashed_wal_without_index])
def test_through_a_symbolic_link_the_wal_beside_the_file_itself_is_read(
    make: Callable[[Path], int], directory: Path, tmp_path: Path
) -> None:
    count = make(directory / "app.db")
    before = fingerprint(directory)
    link = tmp_path / "link.db"
    link.symlink_to(directory / "app.db")
    copy_source(link, tmp_path / "copy.db")
    assert counted(tmp_path / "copy.db") == count
    assert fingerprint(directory) == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["application", "copy.db", "link.db"]


def test_the_wal_of_a_running_application_is_read_and_left_to_it(directory: Path, tmp_path: Path) -> None:
    file = directory / "app.db"
    closed_wal(file)
    with in_use(file):
        before = fingerprint(directory)
        copy_source(file, tmp_path / "copy.db")
        assert fingerprint(directory) == before
    assert counted(tmp_path / "copy.db") == 2 * ROWS
    assert beside(file) == set()  # the application, the last to close it, has folded the WAL in


@pytest.mark.parametrize("size", [9000, (1 << 20) - 9000, 1 << 20])
def test_a_file_that_ends_in_zeros_is_copied_to_its_end(directory: Path, tmp_path: Path, size: int) -> None:
    file = make_sqlite(
        directory / "app.db", f"CREATE TABLE t (body); INSERT INTO t VALUES (zeroblob({size}))"
    )
    assert file.read_bytes().endswith(bytes(100))
    copy_source(file, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_bytes() == file.read_bytes()


def test_what_is_not_committed_yet_is_not_read(directory: Path, tmp_path: Path) -> None:
    file = directory / "app.db"
    rollback(file)
    application = apsw.Connection(str(file))
    rows(application, "BEGIN; UPDATE t SET body = 'never committed'")
    assert beside(file) == {"-journal"}
    copy_source(file, tmp_path / "copy.db")
    assert counted(tmp_path / "copy.db") == ROWS
    rows(application, "COMMIT")  # nobody is in its way
    application.close()


@pytest.mark.parametrize(
    ("mode", "begun"),
    [
        ("delete", "BEGIN EXCLUSIVE"),  # in WAL mode this keeps out writers only
        ("delete", "PRAGMA locking_mode = exclusive; INSERT INTO t VALUES (-1, '')"),
        ("wal", "PRAGMA locking_mode = exclusive; INSERT INTO t VALUES (-1, '')"),
    ],
)
def test_a_file_that_an_application_keeps_for_itself_is_refused_as_locked(
    mode: str, begun: str, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_source, "BUSY_TIMEOUT", 50)
    file = make_sqlite(directory / "app.db", f"PRAGMA journal_mode = {mode}; {FILL.format(rows=9)}")
    application = apsw.Connection(str(file))
    rows(application, begun)
    with pytest.raises(Refused) as refused:
        copy_source(file, tmp_path / "copy.db")
    application.close()
    (fault,) = refused.value.faults
    assert fault.code == "sqlite_locked"
    assert str(file) in fault.message
    assert "fuser" in fault.hint


def test_an_application_that_writes_and_ends_during_the_copy_costs_a_second_one(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It checkpoints what it wrote, into pages that are copied already and pages that are not."""
    file = directory / "app.db"
    make_sqlite(file, "PRAGMA journal_mode = wal;" + FILL.format(rows=20_000))
    monkeypatch.setattr(sqlite_source, "_CHUNK", 4096)

    class Disturbed(apsw.VFSFile):
        def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802  as apsw calls it
            if offset == 100 * 4096:
                subprocess.run([sys.executable, "-c", CHECKPOINTS, file], check=True)
            return super().xRead(amount, offset)

    monkeypatch.setattr(apsw, "VFSFile", Disturbed)
    copy_source(file, tmp_path / "copy.db")
    reader = open_read_only(tmp_path / "copy.db")
    assert rows(reader, "SELECT body, count(*) FROM t GROUP BY 1") == [("changed", 20_000)]
    reader.close()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "sqlite_missing"),
        (b"this is a text file, not a database\n" * 100, "sqlite_not_a_database"),
        (os.urandom(8192), "sqlite_not_a_database"),
        (b"SQLite format 3\0" + bytes(100), "sqlite_not_a_database"),
    ],
)
def test_what_is_no_database_is_refused_by_name(
    content: bytes | None, code: str, directory: Path, tmp_path: Path
) -> None:
    file = directory / "app.db"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Refused) as refused:
        copy_source(file, tmp_path / "copy.db")
    (fault,) = refused.value.faults
    assert fault.code == code
    assert str(file) in fault.message


def test_a_path_that_leads_nowhere_is_refused_by_name(directory: Path, tmp_path: Path) -> None:
    (directory / "loop").symlink_to(directory / "loop")
    (directory / "\udcff.db").touch()
    for name, words in (
        ("", "is not a file"),
        ("no/app.db", "does not exist"),
        ("loop", "cannot be reached"),
        ("\udcff.db", r"\udcff.db has a name that is not UTF-8"),
    ):
        with pytest.raises(Refused) as refused:
            copy_source(directory / name, tmp_path / "copy.db")
        assert words in str(refused.value)


def test_a_copy_that_finds_no_room_is_refused_before_it_is_begun(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed_wal(directory / "app.db")
    almost_full = shutil.disk_usage(tmp_path)._replace(free=4096)

    def disk_usage(_place: Path) -> object:
        return almost_full

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    with pytest.raises(Refused) as refused:
        copy_source(directory / "app.db", tmp_path / "copy.db")
    (fault,) = refused.value.faults
    assert fault.code == "no_copy"
    assert not (tmp_path / "copy.db").exists()
