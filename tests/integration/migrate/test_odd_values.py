"""Values that are not what their column declares arrive exactly, in a type that holds all, and are told."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import inf
from pathlib import Path

import pytest

from opskit.host.private_cluster import PrivateCluster
from tests.conftest import TestDatabase
from tests.support import Opskit, Result, make_sqlite, query


@dataclass(frozen=True, slots=True)
class Odd:
    """A column, what stands in it, and what has become of both; `told` is part of the sentence about it."""

    declared: str
    values: str
    pg_type: str
    held: Sequence[object]
    told: str = "not fit"


ODD = {
    "text in an integer column": Odd("INTEGER", "(1), ('n/a'), ('7 pcs')", "text", ["1", "n/a", "7 pcs"]),
    "a fraction in an integer column": Odd("INT", "(1), (2.5)", "double precision", [1.0, 2.5]),
    "a large integer beside a fraction": Odd(
        "INT", "(9007199254740993), (0.5)", "numeric", [Decimal(9007199254740993), Decimal("0.5")]
    ),
    "a number too large for any integer": Odd(
        "BIGINT", "(1), (9223372036854775808)", "double precision", [1.0, 2.0**63]
    ),
    "text in a real column": Odd("REAL", "(0.1), ('unknown')", "text", ["0.1", "unknown"]),
    "a blob in a text column": Odd("TEXT", "('é'), (x'00ff')", "bytea", ["é".encode(), b"\0\xff"]),
    "a text in a blob column": Odd(
        "BLOB", "(x'00ff'), ('é')", "bytea", [b"\0\xff", "é".encode()], "read back as bytes"
    ),
    "every class in a column without a type": Odd(
        "", "(1), (0.5), ('a'), (x'ff')", "bytea", [b"1", b"0.5", b"a", b"\xff"]
    ),
    "numbers and text in a column without a type": Odd("", "(1), ('a'), ('1')", "text", ["1", "a", "1"]),
    "a boolean that is 2": Odd("BOOLEAN", "(0), (1), (2)", "bigint", [0, 1, 2]),
    "a boolean that is a word": Odd("BOOLEAN", "(0), ('true'), ('')", "text", ["0", "true", ""]),
    "a decimal with more digits than declared": Odd(
        "DECIMAL(5,2)", "(1.25), (1234567.891)", "numeric", [Decimal("1.25"), Decimal("1234567.891")]
    ),
    "an infinite decimal": Odd("DECIMAL(5,2)", "(1.25), (9e999)", "numeric", [Decimal("1.25"), Decimal(inf)]),
    "a decimal with a comma": Odd("DECIMAL(5,2)", "(1.25), ('1,25')", "text", ["1.25", "1,25"]),
    "a date that does not exist": Odd(
        "DATE", "('2024-02-29'), ('2023-02-29')", "text", ["2024-02-29", "2023-02-29"]
    ),
    "a moment in two spellings and a word": Odd(
        "DATETIME",
        "('2024-01-01 10:00:00'), ('2024-01-01T10:00:00Z'), ('soon')",
        "text",
        ["2024-01-01 10:00:00", "2024-01-01T10:00:00Z", "soon"],
    ),
    "seconds of 1970 among moments": Odd(
        "TIMESTAMP", "('2024-01-01 10:00:00'), (1704103200)", "text", ["2024-01-01 10:00:00", "1704103200"]
    ),
    "JSON that is none": Odd("JSON", "('{\"a\": 1}'), ('{a: 1}'), ('')", "text", ['{"a": 1}', "{a: 1}", ""]),
}
"""What is odd → the column and its values."""

NOT_ODD = {
    "numbers longer than VARCHAR(3) allows": Odd("VARCHAR(3)", "('abcdef'), ('ü')", "text", ["abcdef", "ü"]),
    "text that looks like a number": Odd("TEXT", "('007'), (7), ('1e3')", "text", ["007", "7", "1e3"]),
    "empty text is not NULL": Odd("TEXT", "(''), (NULL), (' ')", "text", ["", None, " "]),
    "what COPY writes for NULL and for an end": Odd(
        "TEXT", r"('\N'), ('\.'), ('\'), (char(9) || '\t')", "text", ["\\N", "\\.", "\\", "\t\\t"]
    ),
    "an empty blob is not NULL": Odd("BLOB", "(x''), (NULL), (x'00')", "bytea", [b"", None, b"\0"]),
    "infinities and the smallest double": Odd(
        "REAL", "(9e999), (-9e999), (5e-324)", "double precision", [inf, -inf, 5e-324]
    ),
}
"""What looks odd and is not: nothing is said about it."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """One database with a table for each of the cases, migrated and compared."""

    database: TestDatabase
    result: Result
    verified: Result

    def told(self, name: str) -> list[str]:
        return [one for one in self.result.document["warnings"] if f"column value of table {name}" in one]


@pytest.fixture(scope="module")
def migrated(postgresql: PrivateCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Migrated]:
    room: Path = tmp_path_factory.mktemp("odd")
    script = [
        f'CREATE TABLE "{name}" (id INTEGER PRIMARY KEY, value {odd.declared});'
        f'INSERT INTO "{name}" (value) VALUES {odd.values};'
        for name, odd in (ODD | NOT_ODD).items()
    ]
    source = make_sqlite(room / "odd.db", "".join(script))
    postgresql.create_database("odd_values")
    database = TestDatabase("odd_values", postgresql.conninfo("odd_values"), "")
    opskit = Opskit(room / "state")
    result = opskit("migrate", source, database.conninfo, "-o", "json")
    assert result.code == 0, result
    yield Migrated(database, result, opskit("verify", source, database.conninfo, "-o", "json"))
    opskit.kill()


def held(database: TestDatabase, name: str) -> tuple[str, list[object]]:
    """The type of the column, and its values."""
    ((pg_type,),) = query(
        database,
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
        f" WHERE attrelid = '\"{name}\"'::regclass AND attname = 'value'",
    )
    return pg_type, [value for (value,) in query(database, f'SELECT value FROM "{name}" ORDER BY id')]


@pytest.mark.parametrize("name", ODD)
def test_an_odd_value_widens_its_column_and_is_told(migrated: Migrated, name: str) -> None:
    odd = ODD[name]
    assert held(migrated.database, name) == (odd.pg_type, odd.held)
    (sentence,) = migrated.told(name)
    assert odd.told in sentence


@pytest.mark.parametrize("name", NOT_ODD)
def test_what_fits_is_not_talked_about(migrated: Migrated, name: str) -> None:
    fine = NOT_ODD[name]
    assert held(migrated.database, name) == (fine.pg_type, fine.held)
    assert migrated.told(name) == []


def test_verify_finds_every_odd_value_again(migrated: Migrated) -> None:
    assert migrated.verified.code == 0, migrated.verified
