"""What `migrate` has left out, changed or set aside, and told, is no difference afterwards."""

from pathlib import Path

import pytest

from opskit.runs.progress import Silence
from opskit.verify.run import Sides, Verdict, verify
from opskit.verify.tables import Level
from tests.conftest import TestDatabase
from tests.support import Opskit, make_sqlite, query

LEFT_OUT = {
    "a primary key that holds NULL": (
        """CREATE TABLE t (a TEXT, b INT, PRIMARY KEY (a, b)); INSERT INTO t VALUES (NULL, 1), ('x', 2);
        CREATE TABLE u (a TEXT, b INT, FOREIGN KEY (a, b) REFERENCES t (a, b));
        INSERT INTO u VALUES ('x', 2)""",
        "table t has no primary key (a, b)",
    ),
    "a key of values that are too long": (
        """CREATE TABLE t (a TEXT UNIQUE);
        INSERT INTO t VALUES (hex(randomblob(9000)))""",
        "unique constraint t_a_key of table t is missing",
    ),
    "an index of values that are too long": (
        """CREATE TABLE t (a TEXT, n INT); CREATE INDEX i ON t (n, a) WHERE n > 0;
        INSERT INTO t VALUES (hex(randomblob(9000)), 1)""",
        "index i of table t is missing",
    ),
    "a unique constraint on values that become the same": (
        "CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES ('1'), (1), ('x')",
        "unique constraint t_a_key of table t is missing",
    ),
    "a foreign key that rows violate": (
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (p REFERENCES p); INSERT INTO t VALUES (5)",
        "foreign key t_p_fkey of table t is NOT VALID",
    ),
    "a foreign key to nothing": ("CREATE TABLE t (a INT REFERENCES nowhere (id))", ""),
    "a foreign key to a column that is no key": (
        "CREATE TABLE p (a INT); CREATE TABLE t (a INT REFERENCES p (a))",
        "",
    ),
    "a check that rows violate": (
        """CREATE TABLE t (a INT CHECK (a > 0));
        PRAGMA ignore_check_constraints = 1; INSERT INTO t VALUES (-1)""",
        "check t_check1 of table t is NOT VALID",
    ),
    "a view that cannot be translated": (
        "CREATE TABLE t (a); CREATE VIEW v AS SELECT printf('%s', a), last_insert_rowid() FROM t",
        "",
    ),
    "a view that is broken": ("CREATE TABLE t (a); CREATE VIEW v AS SELECT * FROM gone", ""),
    "a view that tells the time": (
        """CREATE TABLE t (a);
        INSERT INTO t VALUES (1); CREATE VIEW v AS SELECT strftime('%s', 'now') s FROM t""",
        None,
    ),
    "a trigger that cannot be translated": (
        "CREATE TABLE t (a); CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT randomblob(a) FROM t; END",
        None,
    ),
    "a column that is not generated in PostgreSQL": (
        "CREATE TABLE t (a TEXT, b TEXT AS (printf('%5d', a))); INSERT INTO t (a) VALUES ('1')",
        "",
    ),
    "names that PostgreSQL cannot hold": (
        f'CREATE TABLE "{"x" * 80}" (xmin INTEGER PRIMARY KEY, "{"y" * 80}" TEXT UNIQUE)',
        "",
    ),
    "a table of too many columns": (
        f"CREATE TABLE t ({', '.join(f'c{number}' for number in range(1700))}); CREATE TABLE u (a)",
        "",
    ),
    "another order of text": (
        """CREATE TABLE t (a TEXT COLLATE NOCASE UNIQUE, b TEXT COLLATE RTRIM);
        INSERT INTO t VALUES ('a', 'b ')""",
        "",
    ),
}


def compare(file: Path, database: TestDatabase, directory: Path, level: Level = Level.ROWS) -> Verdict:
    return verify(Sides("app", file, database.conninfo), level, directory / "state", Silence())


def said(verdict: Verdict) -> list[str]:
    rows = [f"table {table.table}: {one}" for table in verdict.tables for one in table.differences]
    return [*map(str, verdict.faults), *rows]


@pytest.mark.parametrize("case", LEFT_OUT)
def test_what_was_left_out_is_at_most_a_note(
    opskit: Opskit, tmp_path: Path, database: TestDatabase, case: str
) -> None:
    script, note = LEFT_OUT[case]
    file = make_sqlite(tmp_path / "app.db", script)
    assert opskit("migrate", file, database.url).code == 0
    verdict = compare(file, database, tmp_path)
    assert said(verdict) == []
    if note is not None:
        found = [str(one) for one in verdict.notes]
        assert any(one.startswith(note) for one in found) if note else found == [], found


REJECTED = """
CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, f REAL, data BLOB);
INSERT INTO notes VALUES (1, 'fine', 1.5, x'00ff'), (2, CAST(x'610062' AS TEXT), 1e999, NULL),
    (3, CAST(x'ff41' AS TEXT), 2.5, x''), (4, CAST(x'00' AS TEXT), -0.0, x'01'), (5, 'ünïcode', NULL, NULL);
CREATE TABLE lines (a TEXT, b TEXT, c TEXT AS (a || '!') STORED);
INSERT INTO lines VALUES (CAST(x'ff' AS TEXT), 'same'), (CAST(x'ff' AS TEXT), 'same'), ('good', 'same');
CREATE VIEW counted AS SELECT count(*) AS n FROM lines;
CREATE VIEW doubled AS SELECT n * 2 AS n FROM counted;
"""


@pytest.fixture
def rejected(opskit: Opskit, tmp_path: Path, database: TestDatabase) -> Path:
    """A migrated file some of whose rows PostgreSQL cannot hold."""
    file = make_sqlite(tmp_path / "app.db", REJECTED)
    assert opskit("migrate", file, database.url).code == 0
    return file


@pytest.mark.parametrize("level", Level)
def test_rows_among_the_rejects_are_a_note(
    rejected: Path, tmp_path: Path, database: TestDatabase, level: Level
) -> None:
    verdict = compare(rejected, database, tmp_path, level)
    assert said(verdict) == []
    assert verdict.equal()
    assert [(table.source_rows, table.target_rows, table.set_aside) for table in verdict.tables] == [
        (5, 2, 3),
        (3, 1, 2),
    ]
    views = ["view counted returns 2 rows that differ", "view doubled returns 2 rows that differ"]
    assert [str(one) for one in verdict.notes] == [
        *(views if level is not Level.COUNTS else []),
        "table notes does not hold 3 rows: they are kept in notes_rejects",
        "table lines does not hold 2 rows: they are kept in lines_rejects",
    ]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            "DELETE FROM notes_rejects WHERE key = 'id=3'",
            "table notes: not in notes_rejects: id=3 (column body: the text is not valid UTF-8 at byte 0)",
        ),
        (
            """UPDATE notes_rejects SET row = jsonb_set(row, '{f}', '2.25') WHERE key = 'id=3'""",
            "table notes: extra in notes_rejects: id=3",
        ),
        (
            "DELETE FROM lines_rejects WHERE ctid = (SELECT min(ctid) FROM lines_rejects)",
            "table lines: not in lines_rejects: a=x'ff', b=same (column a: the text is not valid UTF-8",
        ),
        (
            "INSERT INTO notes_rejects VALUES ('id=9', 'why not', '{}')",
            "table notes: extra in notes_rejects: id=9",
        ),
        ("DROP TABLE notes_rejects", "table notes: missing in target: id=3"),
        ("DELETE FROM notes WHERE id = 1", "table notes: missing in target: id=1"),
    ],
)
def test_rejects_that_were_changed_are_named(
    rejected: Path, tmp_path: Path, database: TestDatabase, statement: str, found: str
) -> None:
    query(database, statement)
    verdict = compare(rejected, database, tmp_path)
    assert not verdict.equal()
    assert any(line.startswith(found) for line in said(verdict))


def test_a_row_that_the_application_mended_must_leave_the_rejects(
    rejected: Path, tmp_path: Path, database: TestDatabase
) -> None:
    make_sqlite(rejected, "UPDATE notes SET body = 'mended' WHERE id = 3")
    found = said(compare(rejected, database, tmp_path))
    assert found == ["table notes: missing in target: id=3", "table notes: extra in notes_rejects: id=3"]


def test_numbers_that_an_override_made_moments_are_compared_as_such(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    file = make_sqlite(
        tmp_path / "app.db", "CREATE TABLE t (at INTEGER); INSERT INTO t VALUES (1700000000), (1700000001)"
    )
    query(database, "CREATE TABLE t (at timestamptz)")
    query(database, "INSERT INTO t VALUES (to_timestamp(1700000000)), (to_timestamp(1700000001))")
    assert said(compare(file, database, tmp_path)) == []
    query(database, "UPDATE t SET at = at + interval '1 second'")
    assert len(said(compare(file, database, tmp_path))) == 2
