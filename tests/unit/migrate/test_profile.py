"""What a profile finds out about the values of a table."""

from collections.abc import Iterator
from typing import Any

import apsw
import pytest

from opskit.config import TypesProfile
from opskit.migrate.facts import TableProfile, TextScan
from opskit.migrate.profile import profile_table
from opskit.migrate.text_scan import UNFIT_SHOWN, scan_text
from opskit.schema.choice import choose
from opskit.schema.model import Storage
from opskit.schema.sqlite_reader import read_schema
from opskit.schema.types import Example
from opskit.transfer.functions import register


@pytest.fixture
def connection() -> Iterator[apsw.Connection]:
    connection = apsw.Connection(":memory:")
    register(connection)
    yield connection
    connection.close()


def fill(connection: apsw.Connection, create: str, *rows: tuple[Any, ...]) -> None:
    connection.execute(create)
    connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(rows[0]))})", rows)


def profile(connection: apsw.Connection, **overrides: str) -> TableProfile:
    (table,) = read_schema(connection).tables
    return profile_table(connection, table, TypesProfile.NATIVE, overrides)


def scan(connection: apsw.Connection, *columns: str) -> TextScan:
    (table,) = read_schema(connection).tables
    held = profile(connection).columns
    return scan_text(connection, table, {name: held[name] for name in columns})


def test_storage_classes_are_counted(connection: apsw.Connection) -> None:
    fill(connection, "CREATE TABLE t (v)", (1,), (2.5,), ("x",), (b"y",), (None,), ("z",))
    found = profile(connection)
    assert found.rows == 6
    assert found.columns["v"].storage == {
        Storage.NULL: 1,
        Storage.INTEGER: 1,
        Storage.REAL: 1,
        Storage.TEXT: 2,
        Storage.BLOB: 1,
    }
    assert found.columns["v"].filled() == 5


def test_the_longest_text_or_blob_is_measured_in_bytes(connection: apsw.Connection) -> None:
    fill(connection, "CREATE TABLE t (a TEXT, b BLOB, c INTEGER)", ("é🐘", b"\0\1", 12345678901))
    found = profile(connection)
    assert {name: column.widest for name, column in found.columns.items()} == {"a": 6, "b": 2, "c": 0}
    connection.execute("INSERT INTO t VALUES (1, 'long text', 'abc'), (NULL, NULL, NULL)")
    found = profile(connection)
    assert {name: column.widest for name, column in found.columns.items()} == {"a": 6, "b": 9, "c": 3}


def test_misfits_are_counted_for_every_candidate(connection: apsw.Connection) -> None:
    fill(
        connection, "CREATE TABLE t (v DATETIME)", ("2025-08-14 12:33:01",), ("soon",), (17,), (2.5,), (b"",)
    )
    assert profile(connection).columns["v"].misfits == {
        "timestamp with time zone": 4,
        "bigint": 4,
        "double precision": 3,
        "numeric": 3,
        "text": 1,
        "bytea": 0,
    }


def test_an_override_is_the_only_candidate(connection: apsw.Connection) -> None:
    fill(connection, "CREATE TABLE t (v TEXT)", ("[1]",), ("{",))
    assert profile(connection, v="jsonb").columns["v"].misfits == {"jsonb": 1}


def test_misfits_come_with_the_first_of_them_and_their_keys(connection: apsw.Connection) -> None:
    values: list[Any] = [1, "n/a", 2, b"\xff\0", "x" * 100, "é\n\0", ""]
    fill(connection, "CREATE TABLE t (sku TEXT PRIMARY KEY, v INTEGER)", *enumerate(values))
    assert list(map(str, profile(connection).columns["v"].examples["bigint"])) == [
        "sku=1: 'n/a'",
        "sku=3: x'ff00'",
        f"sku=4: '{'x' * 40}…'",
    ]
    connection.execute("DELETE FROM t WHERE sku IN ('1', '3', '4')")
    examples = profile(connection).columns["v"].examples["bigint"]
    assert list(map(str, examples)) == [r"sku=5: 'é\n\x00'", "sku=6: ''"]


@pytest.mark.parametrize(
    ("create", "key"),
    [
        ("CREATE TABLE t (a, b, v INTEGER)", "rowid=1"),
        ("CREATE TABLE t (a, rowid, v INTEGER)", "_rowid_=1"),
        ("CREATE TABLE t (a, b, v INTEGER, PRIMARY KEY (b, a)) WITHOUT ROWID", "b=2, a=1"),
        ("CREATE TABLE t (rowid, _rowid_, oid INTEGER)", "a row"),
    ],
)
def test_examples_are_named_by_what_identifies_their_row(
    connection: apsw.Connection, create: str, key: str
) -> None:
    fill(connection, create, (1, 2, "x"))
    *_, last = profile(connection).columns.values()
    assert last.examples["bigint"] == (Example(key, "'x'"),)


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le"])
def test_examples_show_bytes_that_are_no_text(connection: apsw.Connection, encoding: str) -> None:
    connection.execute(f"PRAGMA encoding = '{encoding}'")
    connection.execute("CREATE TABLE t (v DATETIME); INSERT INTO t VALUES (CAST(x'ffd8' AS TEXT)), ('soon')")
    found = profile(connection).columns["v"]
    assert found.misfits["timestamp with time zone"] == 2
    assert str(found.examples["timestamp with time zone"][1]) == "rowid=2: 'soon'"


@pytest.mark.parametrize(
    ("declared", "rest", "chosen"),
    [
        ("DATETIME", ["2024-05-06 07:08:09"], "timestamp with time zone"),
        ("DOUBLE", [0.5, 1.5], "double precision"),
        ("INTEGER", [1, 2], "bigint"),
        ("INTEGER", [1, "n/a"], "text"),
        ("INTEGER", [1, b"x"], "bytea"),
        ("TEXT", ["x"], "text"),
        ("", [], "text"),
        ("INTEGER", [], "bigint"),
    ],
)
def test_a_text_that_cannot_be_stored_widens_nothing(
    connection: apsw.Connection, declared: str, rest: list[Any], chosen: str
) -> None:
    fill(connection, f"CREATE TABLE t (v {declared})", *((value,) for value in ("a\0b", *rest)))
    (table,) = read_schema(connection).tables
    held = profile(connection).columns["v"]
    assert choose(table.columns[0], held, TypesProfile.NATIVE).pg_type == chosen


def test_numbers_that_may_count_time_are_measured(connection: apsw.Connection) -> None:
    fill(
        connection,
        "CREATE TABLE t (created_at INTEGER, d DATETIME, mixed DATETIME, n INTEGER)",
        (1_700_000_000, 2460310.5, 1, 1),
        (1_800_000_000, 2460311.5, "soon", 2),
        (None, None, None, None),
    )
    found = {name: column.numbers for name, column in profile(connection).columns.items()}
    assert found == {
        "created_at": (1_700_000_000, 1_800_000_000),
        "d": (2460310.5, 2460311.5),
        "mixed": None,
        "n": None,
    }


def test_an_override_to_a_moment_takes_the_unit_that_all_numbers_are_in(connection: apsw.Connection) -> None:
    fill(connection, "CREATE TABLE t (v INTEGER)", (1_700_000_000,), (1_700_000_001,))
    assert profile(connection, v="date").columns["v"].misfits == {"date(epoch)": 2}


@pytest.mark.parametrize(
    ("value", "misfits"), [(1_700_000_000_123, 0), (1_700_000_000_123.5, 1), ("2024-05-06 07:08:09.25", 0)]
)
def test_a_type_of_limited_precision_holds_no_finer_fractions(
    connection: apsw.Connection, value: Any, misfits: int
) -> None:
    fill(connection, "CREATE TABLE t (v DATETIME)", (value,))
    wanted = "timestamp(3) without time zone(epoch_ms)"
    assert profile(connection, v=wanted).columns["v"].misfits == {wanted: misfits}


@pytest.mark.parametrize(
    ("values", "misfits", "shortest"),
    [
        (["2024-05-06 07:08:09"], 0, 19),
        ([], 0, None),
        (["2024-05-06T07:08:09"], 0, 19),
        (["2024-05-06 07:08:09", "2024-05-06"], 0, 10),
        (["2024-05-06 07:08:09", "0000-05-06 07:08:09"], 1, 19),
        (["2024-05-06 07:08:09", 2460310.5], 1, None),
        (["2024-05-06 07:08:09", b"2024-05-06 07:08:09"], 1, None),
    ],
)
@pytest.mark.parametrize("declared", ["DATETIME", "TIMESTAMP TEXT"])
def test_moments_as_sqlite_writes_them_need_one_look(
    connection: apsw.Connection, declared: str, values: list[Any], misfits: int, shortest: int | None
) -> None:
    fill(connection, f"CREATE TABLE t (v {declared})", *((value,) for value in [*values, None]))
    found = profile(connection).columns["v"]
    assert found.misfits["timestamp with time zone"] == misfits
    assert (found.storage[Storage.NULL], found.filled()) == (1, len(values))
    if declared == "DATETIME":  # where numbers stay numbers
        assert found.shortest == shortest


def test_moments_of_many_kinds_are_counted_by_kind(connection: apsw.Connection) -> None:
    texts = [
        "2024-05-06 07:08:09",
        "2024-05-06 07:08:10",
        "2024-05-06T07:08:09.25Z",
        "2024-05-06T07:08:09.5Z",
    ]
    values = [*texts, 1_700_000_000, 1_700_000_000_000, 7, "07:08", b"x", "soon", "later"]
    fill(connection, "CREATE TABLE t (v DATETIME)", *((value,) for value in values))
    found = profile(connection).columns["v"].spellings
    assert {(one.title, one.count) for one in found[:3]} == {("ISO texts", 2), ("other texts", 2)}
    assert (len(found), sum(one.count for one in found)) == (7, len(values))
    assert found[-1].title == "others"


def test_offsets_from_utc_are_noticed(connection: apsw.Connection) -> None:
    rows = [("2024-05-06 07:08:09.25",), ("2024-05-06T07:08:09+00:00",), ("2024-05-06T07:08:09-07:00",)]
    fill(connection, "CREATE TABLE t (v DATETIME)", *rows)
    assert str(profile(connection).columns["v"].offset) == "rowid=3: '2024-05-06T07:08:09-07:00'"
    connection.execute("DELETE FROM t WHERE rowid = 3")
    assert profile(connection).columns["v"].offset is None


def test_the_binary_json_of_sqlite_is_noticed(connection: apsw.Connection) -> None:
    connection.execute("CREATE TABLE t (v JSONB); INSERT INTO t VALUES (jsonb('[1]')), ('[2]'), (x'ff')")
    (found,) = profile(connection).columns["v"].spellings
    assert str(found) == "1 values in SQLite's binary JSON, e.g. rowid=1: x'2b1331'"


def test_tables_without_rows_and_with_very_many_columns(connection: apsw.Connection) -> None:
    connection.execute(f"CREATE TABLE t ({', '.join(f'c{n} BOOLEAN' for n in range(1999))})")
    found = profile(connection)
    assert (found.rows, len(found.columns)) == (0, 1999)
    assert found.columns["c1998"].misfits["boolean"] == 0


def test_clean_text_needs_nothing(connection: apsw.Connection) -> None:
    fill(connection, "CREATE TABLE t (a TEXT, b TEXT)", ("Größe 🐘\n\\", None), ("", "\x01"))
    assert scan(connection, "a", "b") == TextScan()
    assert scan(connection) == TextScan(clean=True)


def test_text_that_copy_would_not_escape_is_clean(connection: apsw.Connection) -> None:
    fill(connection, "CREATE TABLE t (a TEXT, b TEXT)", *[("Größe 🐘", "\x01")] * 50, (None, ""))
    assert scan(connection, "a", "b") == TextScan(clean=True)
    connection.execute("INSERT INTO t VALUES ('a', 'tab\there')")
    assert scan(connection, "a", "b") == TextScan()
    assert scan(connection, "a") == TextScan(clean=True)


@pytest.mark.parametrize("mark", ["\x1e", "\x1f"])
def test_framing_characters_are_found_in_any_column(connection: apsw.Connection, mark: str) -> None:
    fill(connection, "CREATE TABLE t (a TEXT, b TEXT)", *[("x", "y")] * 100, ("x", f"y{mark}"))
    assert scan(connection, "a", "b").framing
    assert not scan(connection, "a").framing


@pytest.mark.parametrize("last", [-(2**63), 0, 12_000, 2**63 - 1])
@pytest.mark.parametrize("text", ["a\0b", "\x1e"])
def test_one_row_among_many_is_not_overlooked(connection: apsw.Connection, last: int, text: str) -> None:
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
    connection.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 11000)"
        " INSERT INTO t SELECT i * 3 - 5, 'text ' || i FROM n"
    )
    assert scan(connection, "v") == TextScan(clean=True)
    connection.execute("INSERT OR REPLACE INTO t VALUES (?, ?)", (last, text))
    found = scan(connection, "v")
    assert (found.framing, found.unfit_rows) == (text == "\x1e", int("\0" in text))


def test_every_row_with_unfit_text_is_counted_and_the_first_are_named(connection: apsw.Connection) -> None:
    rows = [(f"k{n}", "a\0b" if n % 2 else "fine") for n in range(1000)]
    fill(connection, "CREATE TABLE t (id TEXT PRIMARY KEY, v TEXT)", *rows)
    found = scan(connection, "id", "v")
    assert found.unfit_rows == 500
    assert len(found.unfit) == UNFIT_SHOWN
    assert str(found.unfit[0]) == "table t, column v, row id=k1: the text holds a NUL character"


def test_rows_are_named_by_their_whole_key_or_their_rowid(connection: apsw.Connection) -> None:
    fill(connection, "CREATE TABLE t (a, b, v TEXT, PRIMARY KEY (b, a)) WITHOUT ROWID", (1, "x", "\0"))
    assert scan(connection, "v").unfit[0].key == "b=x, a=1"
    connection.execute("DROP TABLE t")
    fill(connection, "CREATE TABLE t (v TEXT)", ("fine",), ("\0",))
    assert scan(connection, "v").unfit[0].key == "rowid=2"


def test_rows_are_found_again_when_an_index_holds_their_text_in_another_order(
    connection: apsw.Connection,
) -> None:
    rows = [(f"k{number}", f"{9 - number}" if number else "0\0") for number in range(9)]
    fill(connection, "CREATE TABLE t (id TEXT PRIMARY KEY, v TEXT); CREATE INDEX i ON t (v)", *rows[::-1])
    assert [one.key for one in scan(connection, "v").unfit] == ["id=k0"]


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_unfit_text_is_named_in_every_encoding(connection: apsw.Connection, encoding: str) -> None:
    connection.execute(f"PRAGMA encoding = '{encoding}'; CREATE TABLE t (id TEXT PRIMARY KEY, v TEXT)")
    connection.execute("INSERT INTO t VALUES ('é', 'fine'), ('k', 'a' || char(0))")
    register(connection)
    assert list(map(str, scan(connection, "id", "v").unfit)) == [
        "table t, column v, row id=k: the text holds a NUL character"
    ]


def test_invalid_utf8_is_named_with_its_place(connection: apsw.Connection) -> None:
    connection.execute("CREATE TABLE t (v TEXT); INSERT INTO t VALUES (CAST(x'6162ff' AS TEXT))")
    assert scan(connection, "v").unfit[0].reason == "the text is not valid UTF-8 at byte 2"
