"""SQLite's file layouts, read from files that SQLite made."""

from contextlib import closing
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.exporter.sqlite_files import parse_header, parse_wal_index


@pytest.mark.parametrize(("size", "mode"), [(512, "delete"), (4096, "wal"), (65536, "wal")])
def test_a_header_says_page_size_mode_version_and_library(tmp_path: Path, size: int, mode: str) -> None:
    file = tmp_path / "a.db"
    with closing(apsw.Connection(str(file))) as connection:
        connection.execute(f"PRAGMA page_size={size}")
        connection.execute(f"PRAGMA journal_mode={mode}").fetchall()
        connection.execute("PRAGMA user_version=-5; CREATE TABLE t (a)")
    header = parse_header(file.read_bytes())
    assert header is not None
    assert (header.page_size, header.wal, header.user_version) == (size, mode == "wal", -5)
    assert header.library == ".".join(apsw.sqlite_lib_version().split(".")[:3])


def test_a_wal_index_says_frames_and_how_many_were_copied_back(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    with closing(apsw.Connection(str(file))) as connection:
        connection.execute("PRAGMA journal_mode=wal").fetchall()
        connection.execute("CREATE TABLE t (a)")
        before = parse_wal_index((tmp_path / "a.db-shm").read_bytes())
        _, frames, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()[0]
        after = parse_wal_index((tmp_path / "a.db-shm").read_bytes())
    assert before is not None
    assert after is not None
    assert (before.frames, before.backfilled) == (frames, 0)
    assert (after.frames, after.backfilled) == (frames, copied)


@given(st.binary(max_size=200))
def test_other_bytes_are_neither(data: bytes) -> None:
    assert parse_header(data) is None
    assert parse_wal_index(data[:-1]) is None or len(data) > 136


def test_a_torn_wal_index_is_not_believed() -> None:
    assert parse_wal_index(bytes([1] * 48) + bytes([2] * 88)) is None
