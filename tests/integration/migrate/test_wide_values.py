"""Values of any size arrive, are proven, and never take more memory than others."""

import subprocess
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import apsw
import psycopg
import pytest

from opskit.schema.model import Table
from opskit.schema.sqlite_file import Value, cursor
from opskit.schema.sqlite_reader import read_schema
from opskit.transfer.compare import Kind
from opskit.transfer.copied import Copied
from opskit.transfer.functions import register
from opskit.transfer.proof import differences, digest_source, digest_target
from opskit.transfer.tables import Pair, SourceColumn, SourceTable, Span, TargetTable
from opskit.transfer.target import Connection, connect
from opskit.transfer.tasks import CopyRows
from opskit.transfer.wide import hashed, wide_columns
from opskit.transfer.wide_source import measured_limit, read_wide_rows
from opskit.transfer.wide_target import insert_wide
from opskit.transfer.workers import Ends
from tests.conftest import TestDatabase
from tests.integration.migrate.kills import begun, journals, kill_when, left_behind
from tests.support import Opskit, make_sqlite, query

MB = 1_000_000
MOST = 200 * MB
"""Resident bytes of all processes together."""

ROOM = 1000
"""Bytes of a line in tests of the data path, so that small values stand for large ones."""

TYPES = {"id": "bigint", "body": "text", "data": "bytea", "at": "timestamp with time zone", "rest": "text"}

ROWS: Sequence[Sequence[Value]] = [
    (1, "short", b"\x00", "2025-08-14 12:33:01", "\\N"),
    (2, "é\t\n\\" * 500, b"\x00\xff\\" * 700, "2025-08-14T12:33:01.5Z", "tab\there"),
    (3, None, b"\x01" * 5000, None, None),
    (4, "x" * 2000, None, None, ""),
    (5, "x" * 400, "text among bytes" * 90, None, "\x1f"),
    (6, "ß" * 330, b"", None, "y" * 950),
]

TABLES = [
    "CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT, data, at DATETIME, rest TEXT)",
    "CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT, data, at DATETIME, rest TEXT) WITHOUT ROWID",
    "CREATE TABLE t (id INTEGER, body TEXT, data, at DATETIME, rest TEXT, more AS (id + 1))",
]


@pytest.fixture(params=["UTF-8", "UTF-16le"])
def ends(request: pytest.FixtureRequest, database: TestDatabase) -> Iterator[Ends]:
    reader = apsw.Connection(":memory:")
    cursor(reader, f"PRAGMA encoding = '{request.param}'")
    register(reader)
    ends = Ends(reader, connect(database.conninfo, "test"))
    ends.writer.execute(
        "CREATE TABLE public.t (id bigint GENERATED ALWAYS AS IDENTITY, body text NOT NULL DEFAULT 'none',"
        " data bytea, at timestamptz, rest text)"
    )
    ends.writer.execute("ALTER TABLE public.t ALTER body DROP NOT NULL")
    yield ends
    ends.close()


def pair_of(reader: apsw.Connection, span: Span | None = None) -> Pair:
    table: Table = read_schema(reader).table("t")
    (found,) = cursor(reader, f"SELECT {', '.join(f'max(octet_length({name}))' for name in TYPES)} FROM t")
    widths = {name: width if isinstance(width, int) else 0 for name, width in zip(TYPES, found, strict=True)}
    able = {name: widths[name] for name in ("body", "data", "rest")}
    wide = wide_columns(table, TYPES, widths, measured_limit(reader, "t", able, ROOM))
    columns = tuple(SourceColumn(name, kind, wide=wide.get(name)) for name, kind in TYPES.items())
    source = SourceTable("t", columns, escaped=True, span=span)
    return Pair(source, TargetTable("public", "t", tuple(TYPES), hashed(source, tuple(TYPES))), ("id",))


def fill(reader: apsw.Connection, create: str, rows: Sequence[Sequence[Value]] = ROWS) -> None:
    cursor(reader, create)
    for row in rows:
        cursor(reader, f"INSERT INTO t ({', '.join(TYPES)}) VALUES (?, ?, ?, ?, ?)", row)


def copied(ends: Ends, pair: Pair) -> Copied:
    return CopyRows(pair.source, pair.target).run(ends, lambda _: None)


def stored(writer: Connection) -> list[tuple[object, ...]]:
    return writer.execute("SELECT id, body, data, at::text, rest FROM public.t ORDER BY id").fetchall()


def as_bytes(value: Value) -> Value:
    return value.encode() if isinstance(value, str) else value


@pytest.mark.parametrize("create", TABLES)
def test_large_values_arrive_beside_small_ones_and_both_sides_have_one_digest(
    ends: Ends, create: str
) -> None:
    fill(ends.reader, create)
    pair = pair_of(ends.reader)
    assert [column.name for column in pair.source.columns if column.wide] == ["body", "data", "rest"]
    copy = copied(ends, pair)
    moments = ["2025-08-14 12:33:01+00", "2025-08-14 12:33:01.5+00", None, None, None, None]
    assert stored(ends.writer) == [
        (number, body, as_bytes(data), moment, rest)
        for (number, body, data, _, rest), moment in zip(ROWS, moments, strict=True)
    ]
    assert copy.taken == copy.digest.rows == len(ROWS)
    assert digest_source(ends.reader, pair.source, lambda _: None) == copy.digest
    assert digest_target(ends.writer, pair.target, lambda _: None) == copy.digest
    assert differences(ends.reader, ends.writer, pair).rows == ()


def test_parts_of_a_table_make_up_the_whole(ends: Ends) -> None:
    fill(ends.reader, TABLES[0])
    parts = [copied(ends, pair_of(ends.reader, Span("rowid", *part))) for part in ((1, 3), (4, 6))]
    assert [part.digest.rows for part in parts] == [3, 3]
    whole = pair_of(ends.reader)
    assert digest_target(ends.writer, whole.target, lambda _: None) == parts[0].digest + parts[1].digest


def test_rows_with_large_values_that_do_not_fit_are_set_aside(ends: Ends) -> None:
    fill(
        ends.reader,
        TABLES[0],
        [*ROWS, (7, b"\x01" * 3000, None, None, ""), (8, "", b"\x01" * 3000, "no", "")],
    )
    copy = copied(ends, pair_of(ends.reader))
    assert (copy.taken, copy.set_aside) == (len(ROWS), 2)


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ("data = set_byte(data, 1234, 7) WHERE id = 3", "data"),
        ("body = overlay(body PLACING 'y' FROM 1234) WHERE id = 4", "body"),
        ("data = data || data WHERE id = 3", "data"),
        ("body = 'short' WHERE id = 4", "body"),
    ],
)
def test_a_large_value_that_differs_is_named_by_its_row_and_column(
    ends: Ends, change: str, column: str
) -> None:
    fill(ends.reader, TABLES[0])
    pair = pair_of(ends.reader)
    copied(ends, pair)
    ends.writer.execute(f"UPDATE public.t SET {change}".encode())
    (found,) = differences(ends.reader, ends.writer, pair).rows
    assert (found.kind, found.columns) == (Kind.CHANGED, (column,))


def test_nothing_is_left_in_the_target_when_a_row_is_refused(ends: Ends) -> None:
    fill(ends.reader, TABLES[0])
    ends.writer.execute("ALTER TABLE public.t ADD CHECK (length(body) < 1500)")
    pair = pair_of(ends.reader)
    with pytest.raises(psycopg.errors.CheckViolation):
        insert_wide(ends.writer, pair.target, read_wide_rows(ends.reader, pair.source))
    assert stored(ends.writer) == []
    temporary = "SELECT relname FROM pg_class WHERE relpersistence = 't'"
    assert ends.writer.execute(temporary).fetchall() == []


def peak(process: "subprocess.Popen[str]") -> int:
    """The most that each process of a tree ever had resident, together, in bytes."""
    highest: dict[int, int] = {}
    while process.poll() is None:
        for pid in _tree(process.pid):
            highest[pid] = _highest(pid) or highest.get(pid, 0)
    process.communicate()
    return sum(highest.values())


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:  # it has ended
            continue
        for child in children:
            yield from _tree(int(child))


def _highest(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = (line.split() for line in status.splitlines() if line.startswith("VmHWM"))
    return next((int(kilobytes) * 1024 for _, kilobytes, _ in found), 0)


def test_a_blob_and_a_text_of_300_megabytes_arrive_in_bounded_memory(
    opskit: Opskit, sqlite_file: Path, database: TestDatabase
) -> None:
    make_sqlite(
        sqlite_file,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB, body TEXT, note TEXT);"
        f"INSERT INTO t VALUES (1, zeroblob({300 * MB}), NULL, 'a');"
        f"INSERT INTO t VALUES (2, NULL, replace(CAST(zeroblob({MB}) AS TEXT), char(0), ''), 'b');"
        f"UPDATE t SET body = printf('%.*c', {300 * MB}, 'x') WHERE id = 2",
    )
    assert peak(opskit.start("migrate", sqlite_file, database.url, "--jobs", "2")) < MOST
    found = "SELECT id, octet_length(data), encode(sha256(data), 'hex'), octet_length(body), note FROM t"
    digest = sha256(bytes(300 * MB)).hexdigest()
    assert query(database, f"{found} ORDER BY id") == [
        (1, 300 * MB, digest, None, "a"),
        (2, None, None, 300 * MB, "b"),
    ]
    process = opskit.start("verify", sqlite_file, database.url, "--level", "rows")
    assert peak(process) < MOST
    assert process.returncode == 0


def test_killed_while_a_large_value_travels_nothing_is_left_behind(
    opskit: Opskit, sqlite_file: Path, database: TestDatabase
) -> None:
    make_sqlite(
        sqlite_file,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB);"
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12)"
        f" INSERT INTO t SELECT i, randomblob({4 * MB}) FROM n",
    )
    killed = opskit.start("migrate", sqlite_file, database.url, "--jobs", "2")
    assert kill_when(killed, begun(opskit, "rows into t"))
    assert opskit("migrate", sqlite_file, database.url, "--resume").code == 0
    assert query(database, "SELECT count(*), sum(octet_length(data)) FROM t") == [(12, 48 * MB)]
    assert query(database, "SELECT count(*) FROM pg_largeobject_metadata") == [(0,)]
    assert left_behind(opskit, database, backups=1) == []
    assert len(journals(opskit)) == 2
    assert opskit("verify", sqlite_file, database.url, "--level", "rows").code == 0


def test_a_large_value_that_does_not_fit_is_named_by_its_size_among_the_rejects(
    opskit: Opskit, sqlite_file: Path, database: TestDatabase
) -> None:
    make_sqlite(
        sqlite_file,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT, data BLOB);"
        f"INSERT INTO t VALUES (1, CAST(zeroblob({5 * MB}) AS TEXT), zeroblob({4 * MB}));"
        "INSERT INTO t VALUES (2, 'fits', x'00')",
    )
    moved = opskit("migrate", sqlite_file, database.url, "-o", "json")
    assert moved.code == 0, moved
    assert query(database, "SELECT id FROM t") == [(2,)]
    assert query(database, "SELECT row FROM t_rejects") == [
        ({"id": 1, "body": {"bytes": 5 * MB}, "data": {"bytes": 4 * MB}},)
    ]
    assert opskit("verify", sqlite_file, database.url, "--level", "rows").code == 0


def test_verify_names_the_row_whose_large_value_differs(
    opskit: Opskit, sqlite_file: Path, database: TestDatabase
) -> None:
    make_sqlite(
        sqlite_file,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB);"
        f"INSERT INTO t VALUES (1, randomblob({5 * MB})), (2, randomblob({5 * MB}))",
    )
    assert opskit("migrate", sqlite_file, database.url).code == 0
    query(
        database, f"UPDATE t SET data = set_byte(data, {4 * MB}, 255 - get_byte(data, {4 * MB})) WHERE id = 2"
    )
    result = opskit("verify", sqlite_file, database.url, "--level", "rows", "-o", "json")
    assert result.code == 3
    assert "id=2 (data)" in result.stdout


def test_large_documents_are_kept_as_text_and_views_that_show_them_are_not_fetched(
    opskit: Opskit, sqlite_file: Path, database: TestDatabase
) -> None:
    make_sqlite(
        sqlite_file,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, doc JSON, data BLOB);"
        f"INSERT INTO t VALUES (1, json_array(printf('%.*c', {3 * MB}, 'x')), zeroblob({9 * MB}));"
        "CREATE VIEW everything AS SELECT * FROM t",
    )
    moved = opskit("migrate", sqlite_file, database.url, "-o", "json")
    assert moved.code == 0, moved
    assert query(database, "SELECT pg_typeof(doc)::text, octet_length(doc) FROM t") == [("text", 3 * MB + 4)]
    told = moved.document["result"]["databases"][0]["told"]
    assert [one for one in told if "everything" in one] == [
        "view everything was compared by its number of rows only (1)"
    ]
    assert opskit("verify", sqlite_file, database.url).code == 0


@pytest.mark.parametrize("decided", [None, "pglz"], ids=["as the server comes", "as somebody decided"])
def test_large_values_are_compressed_by_lz4_unless_somebody_decided_otherwise(
    opskit: Opskit, tmp_path: Path, database: TestDatabase, decided: str | None
) -> None:
    if decided:
        query(database, f'ALTER DATABASE "{database.name}" SET default_toast_compression = {decided}')
    source = make_sqlite(
        tmp_path / "app.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT);"
        "INSERT INTO t VALUES (1, replace(hex(zeroblob(5000)), '00', 'words and '))",
    )
    assert opskit("migrate", source, database.url, "--yes").code == 0
    assert query(database, "SELECT pg_column_compression(body) FROM t") == [(decided or "lz4",)]
