"""Values reach columns of the types that applications choose, as the server itself would spell them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.conftest import TestDatabase
from tests.support import Opskit, Result, make_sqlite, query

UUID = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"

FITTING: dict[str, list[tuple[object, str]]] = {
    "varchar(4)": [("abcd", "abcd"), ("äöü🐘", "äöü🐘"), ("a\tb", "a\tb"), ("", ""), (12, "12")],
    "varchar": [("x" * 5000, "x" * 5000)],
    "char(4)": [("ab", "ab  "), ("ä", "ä   "), ("", "    ")],
    "mood": [("it's (ok)", "it's (ok)"), ("bad", "bad")],
    "short": [("abc", "abc")],
    "real": [(0.1, "0.1"), (1e6, "1e+06"), (7, "7"), (-2.5e-7, "-2.5e-07")],
    "double precision": [(0.1, "0.1"), (1e300, "1e+300"), (7, "7")],
    "smallint": [(-32768, "-32768"), (7.0, "7")],
    "numeric(6,2)": [(12.5, "12.50"), (-9999.99, "-9999.99")],
    "boolean": [(1, "true"), (0, "false")],
    "date": [("2024-02-29", "2024-02-29")],
    "time": [("09:30", "09:30:00"), ("23:59:59.250", "23:59:59.25")],
    "timestamp": [
        ("2024-02-29T12:00:00+02:00", "2024-02-29 10:00:00"),
        ("2024-02-29", "2024-02-29 00:00:00"),
    ],
    "timestamp(3)": [("2024-02-29 12:00:00.125", "2024-02-29 12:00:00.125")],
    "timestamptz": [("2024-02-29 12:00:00.123456", "2024-02-29 12:00:00.123456+00")],
    "uuid": [
        (UUID, UUID),
        (UUID.upper(), UUID),
        (UUID.replace("-", ""), UUID),
        (bytes.fromhex(UUID.replace("-", "")), UUID),
    ],
    "bytea": [(b"\x00\xff", "\\x00ff"), ("é", "\\xc3a9")],
    "interval": [(90_061_000_000, "1 day 01:01:01"), (-1_500_000, "-00:00:01.5"), (0, "00:00:00")],
    "inet": [("10.0.0.1", "10.0.0.1"), ("2001:DB8::1", "2001:db8::1"), ("::ffff:1.2.3.4", "::ffff:1.2.3.4")],
    "json": [('{"b": 1, "b": 2}', '{"b": 1, "b": 2}')],
    "jsonb": [('{"b":1,"a":[]}', '{"a": [], "b": 1}')],
}

MISFITS: dict[str, list[object]] = {
    "varchar(4)": ["abcde", b"ab"],
    "char(4)": ["abcde"],
    "mood": ["IT'S (OK)", "", 1],
    "real": [0.12345678901, 1e39, 16777217, "x"],
    "smallint": [32768, 1.5, "7x"],
    "numeric(6,2)": [12.345, 10000],
    "boolean": [2, "yes"],
    "date": ["2023-02-29", "soon"],
    "time": ["25:00", "9:30"],
    "timestamp(0)": ["2024-02-29 12:00:00.5"],
    "timestamp(3)": ["2024-02-29 12:00:00.1234"],
    "uuid": ["6ba7b810", b"\x00"],
    "jsonb": ['{"a": 1, "a": 2}', "{"],
    "interval": ["1 day", 1.5],
    "inet": ["10.0.0", "example.org"],
}


def into(
    opskit: Opskit, file: Path, database: TestDatabase, values: Mapping[str, Sequence[object]]
) -> Result:
    """A table for each type, its values in order."""
    query(database, "CREATE TYPE mood AS ENUM ('it''s (ok)', 'bad')")
    query(database, "CREATE DOMAIN short AS varchar(3) CHECK (value <> '')")
    for kind in values:
        query(database, f'CREATE TABLE "a {kind}" (id int PRIMARY KEY, v {kind})')
    script = "".join(f'CREATE TABLE "a {kind}" (id INTEGER PRIMARY KEY, v BLOB);' for kind in values)
    inserts = (
        (f'INSERT INTO "a {kind}" (v) VALUES (?)', [(one,) for one in values[kind]]) for kind in values
    )
    return opskit(
        "migrate", make_sqlite(file, script, *inserts), database.url, "--into-existing", "-o", "json"
    )


def test_values_that_fit_arrive(opskit: Opskit, sqlite_file: Path, database: TestDatabase) -> None:
    values = {kind: [*(value for value, _ in pairs), None] for kind, pairs in FITTING.items()}
    result = into(opskit, sqlite_file, database, values)
    assert result.code == 0, result.stdout
    query(database, f"ALTER DATABASE {database.name} SET timezone = 'UTC'")
    for kind, pairs in FITTING.items():
        # a cast to text would take char's spaces away
        arrived = query(database, f"""SELECT format('%s', v), v IS NULL FROM "a {kind}" ORDER BY id""")
        assert arrived == [*((shown(text), False) for _, text in pairs), ("", True)], kind
    verified = opskit("verify", sqlite_file, database.url, "--into-existing")
    assert verified.code == 0, verified.stdout


def shown(text: str) -> str:
    """As format() shows it: a boolean by its letter."""
    return {"true": "t", "false": "f"}.get(text, text)


def test_values_that_do_not_fit_are_counted_and_refused(
    opskit: Opskit, sqlite_file: Path, database: TestDatabase
) -> None:
    result = into(opskit, sqlite_file, database, MISFITS)
    assert result.code == 6
    faults = {error["where"]: error for error in result.document["errors"]}
    assert faults.keys() == {f"a {kind}.v" for kind in MISFITS}
    for kind, values in MISFITS.items():
        assert faults[f"a {kind}.v"]["code"] == "misfit"
        assert faults[f"a {kind}.v"]["message"].startswith(f"a {kind}.v: {len(values)} of ")
    assert all(query(database, f'SELECT FROM "a {kind}"') == [] for kind in MISFITS)


def test_numbers_that_count_time_become_moments_when_the_target_keeps_all_their_digits(
    opskit: Opskit, sqlite_file: Path, database: TestDatabase
) -> None:
    script = "CREATE TABLE t (id INTEGER PRIMARY KEY, ms DATETIME, s DATETIME);"
    rows = "INSERT INTO t VALUES (1, 1709208000125, 1709208000), (2, NULL, NULL)"
    make_sqlite(sqlite_file, script + rows)
    query(database, "CREATE TABLE t (id int PRIMARY KEY, ms timestamp(0), s timestamp(0))")
    refused = opskit("migrate", sqlite_file, database.url, "--into-existing", "-o", "json")
    assert (refused.code, refused.error["where"]) == (6, "t.ms")
    query(database, "ALTER TABLE t ALTER ms TYPE timestamp(3)")
    assert opskit("migrate", sqlite_file, database.url, "--into-existing").code == 0
    assert query(database, "SELECT ms::text, s::text FROM t WHERE id = 1") == [
        ("2024-02-29 12:00:00.125", "2024-02-29 12:00:00")
    ]
    assert opskit("verify", sqlite_file, database.url, "--into-existing").code == 0
