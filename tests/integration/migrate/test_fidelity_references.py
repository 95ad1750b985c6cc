"""Foreign keys are made wherever PostgreSQL can hold them; what it cannot hold is told with its reason."""

from collections.abc import Iterator

import psycopg
import pytest

from opskit.host.private_cluster import PrivateCluster
from tests.conftest import TestDatabase
from tests.integration.migrate.moved import Moved, about, migrated, moved_database
from tests.support import Opskit, query

KEYS = """
CREATE TABLE number (id INTEGER PRIMARY KEY, code TEXT UNIQUE, price DECIMAL(8,2) UNIQUE, day DATE UNIQUE,
    a, b, UNIQUE (b, a));
CREATE TABLE plain (a TEXT, b INTEGER); CREATE INDEX plain_a ON plain (a);
CREATE TABLE partly (a INTEGER, b TEXT UNIQUE, c TEXT);
CREATE UNIQUE INDEX partly_a ON partly (a) WHERE a > 0;
CREATE UNIQUE INDEX partly_c ON partly (lower(c));
CREATE TABLE keyless (a INTEGER);
CREATE VIEW seen AS SELECT id FROM number;
INSERT INTO number VALUES (1, '7', 1.5, '2024-01-01', 1, 2), (2, '8', 2, '2024-01-02', 3, 4);
"""

MADE = {
    "id INTEGER REFERENCES number": ("1", "bigint"),
    "id REFERENCES number": ("1", "bigint"),
    "id TEXT REFERENCES number": ("NULL", "bigint"),
    "id REAL REFERENCES number ON DELETE SET NULL ON UPDATE CASCADE": ("NULL", "bigint"),
    "id NUMERIC REFERENCES number": ("2", "bigint"),
    "id BOOLEAN REFERENCES number": ("1", "bigint"),
    "id BIGINT REFERENCES number (price) MATCH FULL": ("2", "bigint"),
    "code INTEGER REFERENCES number (code)": ("'7'", "text"),
    "code BLOB REFERENCES number (code) ON DELETE RESTRICT": ("NULL", "text"),
    "id INT DEFAULT 2 REFERENCES number ON DELETE SET DEFAULT DEFERRABLE INITIALLY DEFERRED": ("1", "bigint"),
    "id INT REFERENCES number DEFERRABLE INITIALLY IMMEDIATE": ("1", "bigint"),
    "id INT REFERENCES NUMBER (ID) NOT DEFERRABLE INITIALLY DEFERRED": ("1", "bigint"),
}
"""Column → a value, and the type that it then has."""

LEFT_OUT = {
    "code TEXT REFERENCES number": ("'1'", "id of its parent table number is bigint"),
    "day DATETIME REFERENCES number (day)": ("'2024-01-01'", "day of its parent table number is date"),
    "id INT REFERENCES nowhere": ("1", "its parent table nowhere is missing"),
    "id INT REFERENCES seen (id)": ("1", "its parent table seen is missing"),
    "id INT REFERENCES number (absent)": ("1", "its parent table number has no column absent"),
    "id INT REFERENCES keyless": ("1", "its parent table keyless has no primary key of 1 column"),
    "id INT REFERENCES number (b)": ("2", "(b) is not unique in its parent table number"),
    "a TEXT REFERENCES plain (a)": ("NULL", "(a) is not unique in its parent table plain"),
    "a INT REFERENCES partly (a)": ("NULL", "(a) is not unique in its parent table partly"),
    "c TEXT REFERENCES partly (c)": ("NULL", "(c) is not unique in its parent table partly"),
}
"""Column → a value, and why its foreign key cannot be made."""


CHILDREN = {column: f"child{number}" for number, column in enumerate((*MADE, *LEFT_OUT))}


@pytest.fixture(scope="module")
def moved(postgresql: PrivateCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    """A migrated database in which each of the columns stands in a table of its own."""
    values = {column: value for column, (value, _) in (*MADE.items(), *LEFT_OUT.items())}
    children = "".join(
        f"CREATE TABLE {table} ({column}); INSERT INTO {table} VALUES ({values[column]});"
        for column, table in CHILDREN.items()
    )
    with moved_database(postgresql, tmp_path_factory, KEYS + children) as moved:
        yield moved


@pytest.mark.parametrize("column", MADE)
def test_a_foreign_key_is_made(column: str, moved: Moved) -> None:
    table, name, pg_type = CHILDREN[column], column.partition(" ")[0], MADE[column][1]
    kinds = query(
        moved.database,
        "SELECT a.atttypid::regtype::text FROM pg_constraint JOIN pg_attribute a ON attrelid = conrelid"
        f" AND attnum = conkey[1] WHERE contype = 'f' AND convalidated AND conrelid = '{table}'::regclass",
    )
    assert kinds == [(pg_type,)]
    assert not [one for one in moved.told if f"of table {table} " in one and "foreign key" in one]
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        query(moved.database, f"INSERT INTO {table} ({name}) VALUES ('99')")


@pytest.mark.parametrize("column", LEFT_OUT)
def test_a_foreign_key_that_cannot_be_made_is_told(column: str, moved: Moved) -> None:
    table, name, reason = CHILDREN[column], column.partition(" ")[0], LEFT_OUT[column][1]
    assert reason in about(moved.told, f"foreign key {table}_{name}_fkey of table {table} was left out")
    assert query(moved.database, f"SELECT count(*) FROM {table}") == [(1,)]


def test_actions_and_deferral_stay_as_they_were(opskit: Opskit, database: TestDatabase) -> None:
    actions = ("SET NULL", "CASCADE", "RESTRICT", "NO ACTION", "SET DEFAULT")
    columns = ", ".join(
        f"c{n} INT DEFAULT 1 REFERENCES p ON DELETE {one} ON UPDATE {actions[-n - 1]}"
        f"{' DEFERRABLE INITIALLY DEFERRED' if n % 2 else ''}"
        for n, one in enumerate(actions)
    )
    migrated(opskit, database, f"CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c ({columns})")
    assert query(
        database,
        "SELECT confdeltype, confupdtype, condeferred FROM pg_constraint"
        " WHERE contype = 'f' ORDER BY conname",
    ) == [
        ("n", "d", False),
        ("c", "a", True),
        ("r", "r", False),
        ("a", "c", True),
        ("d", "n", False),
    ]


def test_chains_cycles_and_composite_keys_take_the_types_of_their_parents(
    opskit: Opskit, database: TestDatabase
) -> None:
    told = migrated(
        opskit,
        database,
        "CREATE TABLE country (code TEXT PRIMARY KEY, capital REFERENCES city (number));"
        "CREATE TABLE city (number INTEGER UNIQUE, country TEXT REFERENCES country,"
        " PRIMARY KEY (country, number));"
        "CREATE TABLE street (name TEXT, city NUMERIC, country, PRIMARY KEY (name, country, city),"
        " FOREIGN KEY (country, city) REFERENCES city, FOREIGN KEY (country) REFERENCES country);"
        "CREATE TABLE house (street, city REAL, country, beside INT REFERENCES house (id),"
        " id INTEGER PRIMARY KEY,"
        " FOREIGN KEY (street, city, country) REFERENCES street (name, city, country));"
        "INSERT INTO country VALUES ('de', 1); INSERT INTO city VALUES (1, 'de');"
        "INSERT INTO street VALUES ('a', 1, 'de'); INSERT INTO house (id, beside) VALUES (1, 1);",
    )
    assert query(database, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated") == [
        (6,)
    ]
    assert query(
        database,
        "SELECT attname, atttypid::regtype::text FROM pg_attribute"
        " WHERE attrelid = 'house'::regclass AND attnum > 0 ORDER BY attnum LIMIT 3",
    ) == [("street", "text"), ("city", "bigint"), ("country", "text")]
    assert "refers to street.city" in about(told, "column city of table house became bigint")


def test_two_foreign_keys_of_one_column_both_stand(opskit: Opskit, database: TestDatabase) -> None:
    migrated(
        opskit,
        database,
        "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY);"
        "CREATE TABLE c (id INT REFERENCES a, FOREIGN KEY (id) REFERENCES b,"
        " CONSTRAINT c_id_fkey CHECK (id > 0))",
    )
    assert query(
        database, "SELECT confrelid::regclass::text FROM pg_constraint WHERE contype = 'f' ORDER BY 1"
    ) == [("a",), ("b",)]
