"""SQLite files in every state in which an application may have left them, or in which it uses them."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.support import make_sqlite

ROWS = 500
FILL = (
    "CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT);"
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
    " INSERT INTO t SELECT i, printf('%.100c', 'x') FROM n"
)

WAL_KILLED = """
import os, sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.execute("PRAGMA wal_autocheckpoint = 0").fetchall()
connection.execute("INSERT INTO t SELECT id + 1000, 'in the WAL' FROM t").fetchall()
os._exit(9)
"""

HOT_JOURNAL = """
import os, sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.execute("PRAGMA cache_size = 5").fetchall()
connection.execute("BEGIN; UPDATE t SET body = 'never committed'").fetchall()
os._exit(9)
"""


STAYS = """
import sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.execute("PRAGMA wal_autocheckpoint = 0").fetchall()
connection.execute("INSERT INTO t SELECT id + 1000, 'in the WAL' FROM t").fetchall()
print("written", flush=True)
sys.stdin.read()
connection.close()
"""


def rollback(file: Path) -> int:
    make_sqlite(file, FILL.format(rows=ROWS))
    return ROWS


def journal_kept(file: Path) -> int:
    make_sqlite(file, "PRAGMA journal_mode = persist;" + FILL.format(rows=ROWS))
    assert beside(file) == {"-journal"}
    return ROWS


def hot_journal(file: Path) -> int:
    rollback(file)
    die(HOT_JOURNAL, file)
    assert beside(file) == {"-journal"}
    return ROWS


def closed_wal(file: Path) -> int:
    make_sqlite(file, "PRAGMA journal_mode = wal;" + FILL.format(rows=ROWS))
    assert beside(file) == set()
    return ROWS


def crashed_wal(file: Path) -> int:
    closed_wal(file)
    die(WAL_KILLED, file)
    assert beside(file) == {"-wal", "-shm"}
    return 2 * ROWS


def crashed_wal_without_index(file: Path) -> int:
    count = crashed_wal(file)
    file.with_name(file.name + "-shm").unlink()
    return count


def index_of_no_wal(file: Path) -> int:
    count = closed_wal(file)
    file.with_name(file.name + "-shm").write_bytes(bytes(32768))
    return count


def empty_wal(file: Path) -> int:
    count = closed_wal(file)
    file.with_name(file.name + "-wal").touch()
    return count


def never_written(file: Path) -> int:
    file.touch()
    return -1


STATES = [
    rollback,
    journal_kept,
    hot_journal,
    closed_wal,
    crashed_wal,
    crashed_wal_without_index,
    index_of_no_wal,
    empty_wal,
    never_written,
]


@contextmanager
def in_use(file: Path) -> Generator[None]:
    """An application has the closed WAL database open, and as many rows more in the WAL; it ends orderly."""
    command = [sys.executable, "-c", STAYS, file]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as application:
        assert application.stdout
        assert application.stdout.readline() == "written\n"
        yield


def die(script: str, file: Path) -> None:
    assert subprocess.run([sys.executable, "-c", script, file], check=False).returncode == 9


def beside(file: Path) -> set[str]:
    return {one.name.removeprefix(file.name) for one in file.parent.iterdir()} - {""}


def fingerprint(directory: Path) -> dict[str, tuple[str, int, int]]:
    """Of everything in the directory and of itself: content, time of the last change, mode."""
    found = {one.name: one for one in (directory, *directory.iterdir())}
    return {name: (_hash(one), one.stat().st_mtime_ns, one.stat().st_mode) for name, one in found.items()}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


@contextmanager
def nobody(*places: Path) -> Generator[None]:
    """Without root's right to write everywhere; the places belong to nobody's user."""
    if os.geteuid():
        yield
        return
    for place in places:
        os.chown(place, 65534, 65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
