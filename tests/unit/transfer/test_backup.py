"""A backup is complete or not there at all, and one file whatever the source's journal mode."""

import hashlib
from pathlib import Path

import apsw
import pytest

from opskit.schema.sqlite_file import open_read_only, rows
from opskit.transfer.backup import back_up
from tests.support import make_sqlite


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_backup_holds_what_the_source_holds_and_is_one_file(
    sqlite_file: Path, tmp_path: Path, mode: str
) -> None:
    make_sqlite(
        sqlite_file, f"PRAGMA journal_mode = {mode}; CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)"
    )
    source = open_read_only(sqlite_file)
    copy = back_up(source, tmp_path / "new" / "copy.db")
    source.close()
    assert copy.sha256 == hashlib.sha256(copy.file.read_bytes()).hexdigest()
    assert copy.size == copy.file.stat().st_size
    assert copy.file.stat().st_mode & 0o777 == 0o600
    reader = open_read_only(copy.file)
    assert rows(reader, "SELECT * FROM t") == [(1,), (2,)]
    assert rows(reader, "PRAGMA journal_mode") == [("delete",)]
    reader.close()
    assert [path.name for path in copy.file.parent.iterdir()] == ["copy.db"]


def test_inside_a_transaction_the_copy_is_its_snapshot(sqlite_file: Path, tmp_path: Path) -> None:
    make_sqlite(sqlite_file, "PRAGMA journal_mode = wal; CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    source, writer = open_read_only(sqlite_file), apsw.Connection(str(sqlite_file))
    rows(source, "BEGIN")
    rows(source, "SELECT * FROM t")
    writer.execute("INSERT INTO t VALUES (2)")
    copy = back_up(source, tmp_path / "copy.db")
    source.close()
    writer.close()
    reader = open_read_only(copy.file)
    assert rows(reader, "SELECT * FROM t") == [(1,)]
    reader.close()


def test_a_backup_that_cannot_be_finished_leaves_nothing(sqlite_file: Path, tmp_path: Path) -> None:
    source = open_read_only(make_sqlite(sqlite_file, "CREATE TABLE t (a); INSERT INTO t VALUES (1)"))
    sqlite_file.write_bytes(b"x" * sqlite_file.stat().st_size)
    with pytest.raises(apsw.Error):
        back_up(source, tmp_path / "new" / "copy.db")
    source.close()
    assert list((tmp_path / "new").iterdir()) == []


def test_what_an_earlier_attempt_left_half_done_is_replaced(sqlite_file: Path, tmp_path: Path) -> None:
    source = open_read_only(make_sqlite(sqlite_file, "CREATE TABLE t (a)"))
    (tmp_path / ".copy.db.partial").write_bytes(b"half")
    back_up(source, tmp_path / "copy.db")
    source.close()
    assert not (tmp_path / ".copy.db.partial").exists()
