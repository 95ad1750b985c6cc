"""A migrated database is broken in every way we could think of, and verification names what was broken."""

from pathlib import Path

import psycopg
import pytest

from opskit.host.private_cluster import PrivateCluster
from opskit.runs.progress import Silence
from opskit.verify.run import Sides, Verdict, verify
from opskit.verify.tables import Level
from tests.conftest import TestDatabase
from tests.support import Opskit, make_sqlite, query

SCHEMA = """
CREATE TABLE teams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, lead INTEGER);
CREATE TABLE people (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    team INTEGER REFERENCES teams (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    note TEXT DEFAULT 'none',
    active BOOLEAN DEFAULT 1,
    age INTEGER CHECK (age >= 0),
    height REAL,
    price DECIMAL(10,2),
    exact NUMERIC,
    born DATE,
    seen TIMESTAMP,
    photo BLOB,
    settings JSON,
    doubled INTEGER GENERATED ALWAYS AS (age * 2) STORED
);
CREATE INDEX people_by_name ON people (name, age DESC);
CREATE UNIQUE INDEX people_by_birth ON people (born) WHERE active = 1;
CREATE INDEX people_by_lower_name ON people (lower(name));
CREATE TABLE pairs (a INTEGER, b TEXT, v TEXT, PRIMARY KEY (a, b));
CREATE TABLE log (at TEXT, what TEXT);
CREATE TABLE vacant (x);
CREATE VIEW adults AS SELECT id, name FROM people WHERE age >= 18;
CREATE VIEW nobody AS SELECT id FROM people WHERE age < 0;
CREATE TRIGGER people_logged AFTER UPDATE ON people BEGIN
    INSERT INTO log VALUES (NEW.born, NEW.name);
END;
INSERT INTO teams VALUES (1, 'red', 2), (2, 'blue', 1), (3, 'green', NULL);
INSERT INTO pairs VALUES (1, 'x', 'first'), (1, 'y', 'second'), (2, 'x', NULL);
INSERT INTO log VALUES ('t', 'twice'), ('t', 'twice'), (NULL, 'once'), ('', '');
"""

PEOPLE = [
    (n, n % 3 + 1, f"Name {n}", ["", None, "note", "padded "][n % 4], n % 2, n, n / 7, n / 4, n * 10**16 + 1,
     f"19{n:02}-03-04", f"2024-01-{n:02} 10:00:00.000001", bytes([n, 255]), f'{{"a": {n}, "b": [1, null]}}')
    for n in range(1, 29)
]  # fmt: skip

INSERT = f"""INSERT INTO people (id, team, name, note, active, age, height, price, exact, born, seen, photo,
settings) VALUES ({", ".join("?" * 13)})"""


@pytest.fixture(scope="module")
def migrated(postgresql: PrivateCluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file; its target is a template for the tests' own. Keys to 40 were given out."""
    directory = tmp_path_factory.mktemp("mutations")
    file = make_sqlite(directory / "app.db", SCHEMA, (INSERT, PEOPLE))
    make_sqlite(file, "UPDATE sqlite_sequence SET seq = 40")
    postgresql.create_database("unbroken")
    result = Opskit(directory / "state")("migrate", file, postgresql.conninfo("unbroken"), "-o", "json")
    (about_the_zone,) = result.document["warnings"]
    assert result.code == 0
    assert "sessions begin in time zone" in about_the_zone
    return file


@pytest.fixture
def target(migrated: Path, database: TestDatabase, postgresql: PrivateCluster) -> TestDatabase:
    """A copy of the migrated database, to be broken."""
    with psycopg.connect(postgresql.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {database.name}".encode())
        connection.execute(f"CREATE DATABASE {database.name} TEMPLATE unbroken".encode())
    return database


def compare(migrated: Path, target: TestDatabase, directory: Path, level: Level = Level.ROWS) -> Verdict:
    return verify(Sides("app", migrated, target.conninfo), level, directory / "state", Silence())


def said(verdict: Verdict) -> list[str]:
    """Every difference as a line, as it is shown."""
    rows = [f"table {table.table}: {one}" for table in verdict.tables for one in table.differences]
    return sorted([*map(str, verdict.faults), *rows])


@pytest.mark.parametrize("level", Level)
def test_an_undisturbed_database_is_not_commented(
    migrated: Path, target: TestDatabase, tmp_path: Path, level: Level
) -> None:
    verdict = compare(migrated, target, tmp_path, level)
    assert (said(verdict), verdict.notes, verdict.equal()) == ([], (), True)


def changed(column: str, key: int = 8) -> list[str]:
    return [f"table people: changed: id={key} ({column})"]


VALUES = {
    "an integer by one": ("UPDATE people SET age = age + 1 WHERE id = 8", changed("age, doubled")),
    "an integer by its highest bit": ("UPDATE people SET exact = -exact WHERE id = 8", changed("exact")),
    "a number beyond the precision of a double": (
        "UPDATE people SET exact = exact + 1 WHERE id = 8",
        changed("exact"),
    ),
    "a double by its last bit": (
        "UPDATE people SET height = 1.142857142857143 WHERE id = 8",
        changed("height"),
    ),
    "a decimal by a hundredth": ("UPDATE people SET price = price + 0.01 WHERE id = 8", changed("price")),
    "a boolean": ("UPDATE people SET active = NOT active WHERE id = 8", changed("active")),
    "a boolean to NULL": ("UPDATE people SET active = NULL WHERE id = 8", changed("active")),
    "a text by a bit": ("UPDATE people SET name = 'Name 9' WHERE id = 8", changed("name")),
    "the case of a letter": ("UPDATE people SET name = 'name 8' WHERE id = 8", changed("name")),
    "a trailing space": ("UPDATE people SET note = 'padded' WHERE id = 3", changed("note", 3)),
    "an empty text to NULL": ("UPDATE people SET note = NULL WHERE id = 8", changed("note")),
    "NULL to an empty text": ("UPDATE people SET note = '' WHERE id = 1", changed("note", 1)),
    "NULL to the word": ("UPDATE people SET note = 'NULL' WHERE id = 1", changed("note", 1)),
    "a letter to one that looks alike": (
        "UPDATE people SET name = U&'N\\0430me 8' WHERE id = 8",
        changed("name"),
    ),
    "a date by a day": ("UPDATE people SET born = born + 1 WHERE id = 8", changed("born")),
    "a moment by a microsecond": (
        "UPDATE people SET seen = seen + interval '1 microsecond' WHERE id = 8",
        changed("seen"),
    ),
    "a moment by its zone": (
        "UPDATE people SET seen = seen AT TIME ZONE 'Asia/Tokyo' WHERE id = 8",
        changed("seen"),
    ),
    "a byte by a bit": ("UPDATE people SET photo = set_bit(photo, 0, 1) WHERE id = 8", changed("photo")),
    "a byte more": ("UPDATE people SET photo = photo || '\\x00'::bytea WHERE id = 8", changed("photo")),
    "a key of an object": (
        """UPDATE people SET settings = '{"A": 8, "b": [1, null]}' WHERE id = 8""",
        changed("settings"),
    ),
    "null within an object": (
        """UPDATE people SET settings = '{"a": 8, "b": [1]}' WHERE id = 8""",
        changed("settings"),
    ),
    "two values of a column swapped": (
        "UPDATE people SET name = CASE id WHEN 8 THEN 'Name 9' ELSE 'Name 8' END WHERE id IN (8, 9)",
        [*changed("name"), *changed("name", 9)],
    ),
    "two columns of a row swapped": (
        "UPDATE teams SET id = 9, lead = 3 WHERE id = 3",
        ["table teams: extra in target: id=9", "table teams: missing in target: id=3"],
    ),
    "the keys of two rows swapped": (
        """UPDATE pairs SET b = '-' WHERE v = 'first';
            UPDATE pairs SET b = 'x' WHERE v = 'second';
            UPDATE pairs SET b = 'y' WHERE v = 'first'""",
        ["table pairs: changed: a=1, b=x (v)", "table pairs: changed: a=1, b=y (v)"],
    ),
    "a row of a table without a key": (
        "UPDATE log SET at = NULL WHERE at = ''",
        ["table log: extra in target: at=NULL, what=", "table log: missing in target: at=, what="],
    ),
}

ROWS = {
    "deleted": ("DELETE FROM people WHERE id = 8", ["table people: missing in target: id=8"]),
    "inserted": (
        "INSERT INTO people (id, name) OVERRIDING SYSTEM VALUE VALUES (35, '')",
        ["table people: extra in target: id=35"],
    ),
    "duplicated in a table without a key": (
        "INSERT INTO log VALUES ('t', 'twice')",
        ["table log: extra in target: at=t, what=twice"],
    ),
    "one of two equal ones deleted": (
        "DELETE FROM log WHERE ctid = (SELECT min(ctid) FROM log WHERE at = 't')",
        ["table log: missing in target: at=t, what=twice"],
    ),
    "all gone": (
        "TRUNCATE pairs",
        [f"table pairs: missing in target: {key}" for key in ("a=1, b=x", "a=1, b=y", "a=2, b=x")],
    ),
    "put into an empty table": (
        "INSERT INTO vacant VALUES (NULL)",
        ["table vacant: extra in target: x=NULL"],
    ),
}

COLUMNS = {
    "dropped": (
        "ALTER TABLE people DROP COLUMN photo",
        ["column photo of table people is missing in the target"],
    ),
    "renamed": (
        "ALTER TABLE people RENAME note TO remark",
        ["column note of table people is missing in the target"],
    ),
    "of a type that loses a fraction": (
        "ALTER TABLE people ALTER price TYPE numeric(10,1)",
        [
            "table people: does not fit: id=1 (column price: the value does not fit numeric(10,1))",
            "table people: extra in target: id=1",
        ],
    ),
    "of a type that loses digits": (
        "ALTER TABLE people ALTER height TYPE real",
        ["table people: does not fit: id=1 (column height: the value does not fit real)"],
    ),
    "of a type that loses the time": (
        "DROP TRIGGER people_logged ON people; ALTER TABLE people ALTER seen TYPE date",
        [
            "table people: does not fit: id=1 (column seen: the value does not fit date)",
            "trigger people_logged of table people is missing",
        ],
    ),
    "with another collation": (
        'ALTER TABLE people ALTER note TYPE text COLLATE "POSIX"',
        ["column note of table people sorts by collation POSIX"],
    ),
    "without NOT NULL": (
        "ALTER TABLE people ALTER name DROP NOT NULL",
        ["column name of table people may be NULL"],
    ),
    "with another default": (
        "ALTER TABLE people ALTER note SET DEFAULT 'nothing'",
        ["column note of table people has the default 'nothing'::text instead of 'none'::text"],
    ),
    "without its default": (
        "ALTER TABLE people ALTER active DROP DEFAULT",
        ["column active of table people no longer has the default true"],
    ),
    "no longer computed": (
        "ALTER TABLE people ALTER doubled DROP EXPRESSION",
        ["column doubled of table people no longer is computed (age * 2)"],
    ),
    "computed otherwise": (
        "ALTER TABLE people DROP COLUMN doubled, ADD doubled bigint GENERATED ALWAYS AS (age + age) STORED",
        ["column doubled of table people is computed (age + age) instead of (age * 2)"],
    ),
    "generating keys that are there": (
        "SELECT setval('people_id_seq', 5)",
        ["column id of table people would hand out 6 next, and keys up to 28 are there"],
    ),
    "generating keys that were there": (
        "SELECT setval('people_id_seq', 28)",
        ["column id of table people would hand out 29 next, and SQLite has given out keys up to 40"],
    ),
    "generating no keys": (
        "ALTER TABLE teams ALTER id DROP IDENTITY",
        ["column id of table teams generates no keys"],
    ),
}

RULES = {
    "a primary key dropped": (
        "ALTER TABLE pairs DROP CONSTRAINT pairs_pkey",
        ["table pairs has no primary key (a, b)"],
    ),
    "a primary key of other columns": (
        "ALTER TABLE pairs DROP CONSTRAINT pairs_pkey, ADD PRIMARY KEY (b, a)",
        ["table pairs has the primary key (b, a) instead of (a, b)"],
    ),
    "a unique constraint dropped": (
        "ALTER TABLE teams DROP CONSTRAINT teams_name_key",
        ["unique constraint teams_name_key of table teams is missing"],
    ),
    "an index dropped": ("DROP INDEX people_by_name", ["index people_by_name of table people is missing"]),
    "an index in another order": (
        "DROP INDEX people_by_name; CREATE INDEX people_by_name ON people (name, age)",
        ["index people_by_name of table people is USING btree (name, age) instead of USING btree (name,"],
    ),
    "an index no longer unique": (
        "DROP INDEX people_by_birth; CREATE INDEX people_by_birth ON people (born) WHERE active",
        ["unique index people_by_birth of table people is not unique and USING btree (born) WHERE active"],
    ),
    "a partial index of all rows": (
        "DROP INDEX people_by_birth; CREATE UNIQUE INDEX people_by_birth ON people (born)",
        ["unique index people_by_birth of table people is USING btree (born) instead of"],
    ),
    "an expression index dropped": (
        "DROP INDEX people_by_lower_name",
        ["index people_by_lower_name of table people is missing"],
    ),
    "an index of another expression": (
        "DROP INDEX people_by_lower_name; CREATE INDEX people_by_lower_name ON people (upper(name))",
        ["index people_by_lower_name of table people is USING btree (upper(name)"],
    ),
    "an index that is not valid": (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'people_by_name'::regclass",
        ["index people_by_name of table people is not valid"],
    ),
    "a foreign key dropped": (
        "ALTER TABLE people DROP CONSTRAINT people_team_fkey",
        ["foreign key people_team_fkey of table people to table teams is missing"],
    ),
    "a foreign key with another action": (
        """ALTER TABLE people DROP CONSTRAINT people_team_fkey,
            ADD CONSTRAINT people_team_fkey FOREIGN KEY (team) REFERENCES teams (id) ON DELETE SET NULL""",
        ["foreign key people_team_fkey of table people says ON DELETE SET NULL instead of CASCADE"],
    ),
    "a foreign key checked later": (
        "ALTER TABLE people ALTER CONSTRAINT people_team_fkey DEFERRABLE INITIALLY DEFERRED",
        ["foreign key people_team_fkey of table people says checked at commit instead of at once"],
    ),
    "a foreign key to another table": (
        """ALTER TABLE people DROP CONSTRAINT people_team_fkey,
            ADD CONSTRAINT people_team_fkey FOREIGN KEY (id) REFERENCES people (id)""",
        ["foreign key people_team_fkey of table people to table teams is missing"],
    ),
    "a foreign key that does not work": (
        "ALTER TABLE people DISABLE TRIGGER ALL; ALTER TABLE people ENABLE TRIGGER people_logged",
        ["foreign key people_team_fkey of table people is not enforced"],
    ),
    "a check dropped": (
        "ALTER TABLE people DROP CONSTRAINT people_check1",
        ["check people_check1 of table people is missing: (age >= 0)"],
    ),
    "a check loosened": (
        "ALTER TABLE people DROP CONSTRAINT people_check1, ADD CONSTRAINT people_check1 CHECK (age >= -1)",
        ["check people_check1 of table people is (age >= '-1'::integer) instead of (age >= 0)"],
    ),
}

OBJECTS = {
    "a table dropped": ("DROP TABLE pairs", ["table pairs is missing in the target"]),
    "a table renamed": ("ALTER TABLE pairs RENAME TO pair", ["table pairs is missing in the target"]),
    "a table in another schema": (
        "CREATE SCHEMA away; ALTER TABLE pairs SET SCHEMA away",
        ["table pairs is missing in the target"],
    ),
    "a view dropped": ("DROP VIEW adults", ["view adults is missing in the target"]),
    "a view with other rows": (
        "CREATE OR REPLACE VIEW adults AS SELECT id, name FROM people WHERE age > 18",
        ["view adults returns 1 rows that differ"],
    ),
    "a view that is now a table": (
        "CREATE TABLE kept AS SELECT * FROM adults; DROP VIEW adults; ALTER TABLE kept RENAME TO adults",
        ["view adults is missing in the target"],
    ),
    "a view that fails": (
        'CREATE OR REPLACE VIEW adults AS SELECT id, (name::int)::text COLLATE "C" AS name FROM people',
        ["view adults cannot be queried: invalid input syntax for type integer"],
    ),
    "a trigger disabled": (
        "ALTER TABLE people DISABLE TRIGGER people_logged",
        ["trigger people_logged of table people is disabled"],
    ),
    "a trigger dropped": (
        "DROP TRIGGER people_logged ON people",
        ["trigger people_logged of table people is missing"],
    ),
    "a trigger that fires at another time": (
        """CREATE OR REPLACE TRIGGER people_logged BEFORE UPDATE ON people FOR EACH ROW
            EXECUTE FUNCTION trigger_people_logged()""",
        ["trigger people_logged of table people is CREATE TRIGGER people_logged BEFORE UPDATE"],
    ),
    "a trigger's function replaced": (
        """CREATE OR REPLACE FUNCTION trigger_people_logged() RETURNS trigger AS 'BEGIN RETURN NEW; END'
            LANGUAGE plpgsql""",
        ["function trigger_people_logged does something else"],
    ),
}

MUTATIONS = {
    f"{family}: {name}": mutation
    for family, mutations in (
        ("value", VALUES),
        ("row", ROWS),
        ("column", COLUMNS),
        ("rule", RULES),
        ("object", OBJECTS),
    )
    for name, mutation in mutations.items()
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_what_was_broken_is_named(
    migrated: Path, target: TestDatabase, tmp_path: Path, mutation: str
) -> None:
    statement, expected = MUTATIONS[mutation]
    query(target, f"SET session_replication_role = replica; {statement}")
    verdict = compare(migrated, target, tmp_path)
    assert not verdict.equal()
    found = said(verdict)
    assert [line for line in expected if not any(one.startswith(line) for one in found)] == [], found


NOTES = {
    "an extra table": ("CREATE TABLE theirs (a int)", "table theirs is only in the target"),
    "an extra view": ("CREATE VIEW theirs AS SELECT 1", "view theirs is only in the target"),
    "an extra column": (
        "ALTER TABLE people ADD more int",
        "column more of table people is only in the target",
    ),
    "another type that holds the values": (
        "ALTER TABLE pairs ALTER a TYPE integer",
        "column a of table pairs is integer; migrate would try bigint first",
    ),
    "an extra NOT NULL": ("ALTER TABLE pairs ALTER a SET NOT NULL", ""),
    "a NOT NULL that SQLite has not": (
        "ALTER TABLE people ALTER age SET NOT NULL",
        "column age of table people may not be NULL",
    ),
    "an extra unique index": (
        "CREATE UNIQUE INDEX one ON people (age)",
        "unique index one of table people is only in the target",
    ),
    "an extra check": (
        "ALTER TABLE people ADD CONSTRAINT tall CHECK (height < 3000)",
        "check tall of table people is only in the target",
    ),
    "an unchecked foreign key": (
        """ALTER TABLE people DROP CONSTRAINT people_team_fkey,
            ADD CONSTRAINT people_team_fkey FOREIGN KEY (team) REFERENCES teams (id) ON DELETE CASCADE
            NOT VALID""",
        "foreign key people_team_fkey of table people is NOT VALID",
    ),
    "a table that a crash empties": ("ALTER TABLE log SET UNLOGGED", "table log is UNLOGGED"),
    "a view with the same rows": (
        "CREATE OR REPLACE VIEW nobody AS SELECT id FROM people WHERE age < -1",
        "view nobody is defined differently",
    ),
    "an index of another name": ("ALTER INDEX people_by_name RENAME TO other", ""),
}


@pytest.mark.parametrize("change", NOTES)
def test_what_an_operator_may_change_is_no_difference_but_said(
    migrated: Path, target: TestDatabase, tmp_path: Path, change: str
) -> None:
    statement, note = NOTES[change]
    query(target, statement)
    verdict = compare(migrated, target, tmp_path)
    assert said(verdict) == []
    assert [str(one).startswith(note) for one in verdict.notes] == ([True] if note else [])


def test_a_role_that_may_only_read_compares_what_it_can_and_says_so(
    migrated: Path, target: TestDatabase, tmp_path: Path
) -> None:
    query(target, "ALTER TABLE people ALTER name DROP NOT NULL; ALTER TABLE log DROP COLUMN what")
    query(target, "DROP ROLE IF EXISTS reader; CREATE ROLE reader; GRANT pg_read_all_data TO reader")
    sides = Sides("app", migrated, f"{target.conninfo} options='-crole=reader'")
    verdict = verify(sides, Level.ROWS, tmp_path / "state", Silence())
    assert said(verdict) == ["column what of table log is missing in the target"]
    (note,) = verdict.notes
    assert str(note).startswith(
        "schema public was compared by its tables and columns only: permission denied"
    )


def test_counting_compares_the_schema_too(migrated: Path, target: TestDatabase, tmp_path: Path) -> None:
    query(target, "DROP VIEW adults; DROP INDEX people_by_name; UPDATE pairs SET v = 'other'")
    assert said(compare(migrated, target, tmp_path, Level.COUNTS)) == [
        "index people_by_name of table people is missing",
        "view adults is missing in the target",
    ]


def test_verification_leaves_nothing_behind(migrated: Path, target: TestDatabase, tmp_path: Path) -> None:
    catalogue = (
        "SELECT count(*), max(oid) FROM pg_class UNION ALL SELECT count(*), max(oid) FROM pg_namespace"
    )
    before = query(target, catalogue)
    compare(migrated, target, tmp_path)
    assert query(target, catalogue) == before
    assert list((tmp_path / "state").iterdir()) == []
