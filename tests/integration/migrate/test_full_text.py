"""Full-text tables move with their rows, and what SQLite found by its words PostgreSQL finds by them too."""

from collections.abc import Sequence
from pathlib import Path

import apsw
import psycopg
import pytest

from tests.conftest import TestDatabase
from tests.support import Opskit, make_sqlite, query

TEXTS = (
    "The quick brown fox jumps over the lazy dog",
    "read and/or write, snake_case and kebab-case",
    "mail john@example.com or see http://www.example.org/path/page.html?q=1",
    "version v1.2.3 of 2024-05-06 costs 3.14 or -5",
    "<b>bold</b> &amp; it's [done]; C++ {50%} #tag",
    "Crème brûlée au café, naïve “quoted” text — a dash…",
    "cafe without an accent",
    "Ärger über Straßen",
    "Привет, мир",
    "日本語 text",
    "/usr/local/bin",
    "running runs runner",
    "",
    "tab\tand\nnewline\\backslash",
)
WORDS = (
    *("fox", "FOX", "or", "and", "write", "snake", "case", "kebab", "john", "example", "com", "org", "page"),
    *("html", "v1", "2024", "05", "14", "5", "bold", "b", "amp", "s", "done", "c", "50", "tag", "creme"),
    *("brulee", "cafe", "naive", "quoted", "dash", "über", "strassen", "straßen", "привет", "日本語"),
    *("local", "bin", "runs", "newline", "backslash", "absent"),
)


def migrate(opskit: Opskit, file: Path, database: TestDatabase) -> list[str]:
    """What the operator is told."""
    result = opskit("migrate", file, database.url, "-o", "json")
    assert result.code == 0, result.stdout
    (report,) = result.document["result"]["databases"]
    return report["told"]


def told_about(told: Sequence[str], what: str) -> str:
    (sentence,) = (one for one in told if one.startswith(f"{what} "))
    return sentence


def matches(file: Path, table: str, words: Sequence[str]) -> dict[str, list[int]]:
    """What SQLite finds: word → row numbers."""
    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        statement = f"SELECT rowid FROM {table} WHERE {table} MATCH ? ORDER BY rowid"
        return {
            word: [number for (number,) in connection.execute(statement, (f'"{word}"',))] for word in words
        }
    finally:
        connection.close()


def found(
    database: TestDatabase,
    table: str,
    words: Sequence[str],
    key: str = "rowid",
    configuration: str = "simple",
) -> dict[str, list[int]]:
    """What PostgreSQL finds the way the operator is told to ask: word → row numbers."""
    asked = (
        f"SELECT {key} FROM {table} WHERE tsv @@ websearch_to_tsquery('{configuration}', %s) ORDER BY {key}"
    )
    with psycopg.connect(database.conninfo) as connection:
        return {
            word: [number for (number,) in connection.execute(asked.encode(), (word,)).fetchall()]
            for word in words
        }


@pytest.mark.parametrize(
    ("declaration", "key"),
    [
        ("fts5(head, body)", "rowid"),
        ("fts5(head, body, tokenize=\"unicode61 remove_diacritics 2\", prefix='2 3')", "rowid"),
        ("fts4(head, body TEXT, tokenize=unicode61)", "docid"),
    ],
)
def test_each_word_finds_the_same_rows_on_both_engines(
    declaration: str, key: str, opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    insert = "INSERT INTO notes (rowid, head, body) VALUES (?, ?, ?)"
    texts = [(3 * number, None if number % 2 else "odd", text) for number, text in enumerate(TEXTS, 1)]
    file = make_sqlite(tmp_path / "a.db", f"CREATE VIRTUAL TABLE notes USING {declaration}", (insert, texts))
    told = migrate(opskit, file, database)
    assert "websearch_to_tsquery('simple', 'words')" in told_about(told, "virtual table notes")
    assert query(database, f"SELECT {key}, head, body FROM notes ORDER BY 1") == texts
    assert found(database, "notes", WORDS, key) == matches(file, "notes", WORDS)


def test_rows_that_the_application_adds_are_found(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    file = make_sqlite(
        tmp_path / "a.db",
        "CREATE VIRTUAL TABLE notes USING fts5(head, body, tag UNINDEXED);"
        "INSERT INTO notes (rowid, head, body, tag) VALUES (41, 'one', 'first note', 'secret')",
    )
    migrate(opskit, file, database)
    query(database, "INSERT INTO notes VALUES ('two', 'second note', 'hidden')")
    query(database, "UPDATE notes SET body = 'changed' WHERE rowid = 41")
    assert found(database, "notes", ["note", "first", "changed", "secret", "hidden"]) == {
        "note": [42],
        "first": [],
        "changed": [41],
        "secret": [],
        "hidden": [],
    }


def test_stems_are_found_in_english(opskit: Opskit, tmp_path: Path, database: TestDatabase) -> None:
    words = ["run", "running", "runs", "jumping", "dogs", "lazy", "version", "cost"]
    file = make_sqlite(
        tmp_path / "a.db",
        "CREATE VIRTUAL TABLE notes USING fts5(body, tokenize='porter unicode61')",
        ("INSERT INTO notes VALUES (?)", [(text,) for text in TEXTS]),
    )
    told = told_about(migrate(opskit, file, database), "virtual table notes")
    assert "websearch_to_tsquery('english', 'words')" in told
    assert "stop words" in told
    assert found(database, "notes", words, configuration="english") == matches(file, "notes", words)


EXTERNAL = """
CREATE TABLE doc (id INTEGER PRIMARY KEY, title TEXT, body TEXT, size INTEGER);
CREATE VIRTUAL TABLE doc_fts USING fts5(title, body, content='doc', content_rowid='id');
CREATE TRIGGER doc_ai AFTER INSERT ON doc BEGIN
  INSERT INTO doc_fts(rowid, title, body) VALUES (new.id, new.title, new.body);
END;
CREATE TRIGGER doc_ad AFTER DELETE ON doc BEGIN
  INSERT INTO doc_fts(doc_fts, rowid, title, body) VALUES ('delete', old.id, old.title, old.body);
END;
CREATE TRIGGER doc_au AFTER UPDATE ON doc BEGIN
  INSERT INTO doc_fts(doc_fts, rowid, title, body) VALUES ('delete', old.id, old.title, old.body);
  INSERT INTO doc_fts(rowid, title, body) VALUES (new.id, new.title, new.body);
END;
CREATE VIEW titles AS SELECT rowid, title FROM doc_fts WHERE title <> '';
CREATE VIEW foxes AS SELECT rowid FROM doc_fts WHERE doc_fts MATCH 'fox';
"""
INSERT_DOC = "INSERT INTO doc (id, title, body) VALUES (?, ?, ?)"
DOCS = [(number, f"title {number}", text) for number, text in enumerate(TEXTS, 1)]


def test_text_in_another_table_is_searched_there_through_a_view(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    file = make_sqlite(tmp_path / "a.db", EXTERNAL, (INSERT_DOC, DOCS))
    told = migrate(opskit, file, database)
    told_about(told, "virtual table doc_fts")
    assert query(database, "SELECT rowid, title, body FROM doc_fts ORDER BY 1") == DOCS
    assert found(database, "doc_fts", WORDS) == matches(file, "doc_fts", WORDS)
    assert query(database, "SELECT count(*) FROM titles") == [(len(DOCS),)]
    assert "MATCH" in told_about(told, "view foxes")
    with psycopg.connect(database.conninfo) as connection:
        connection.execute("SET enable_seqscan = off")
        asked = "EXPLAIN SELECT rowid FROM doc_fts WHERE tsv @@ websearch_to_tsquery('simple', 'fox')"
        assert "doc_fts_search" in str(connection.execute(asked.encode()).fetchall())


def test_triggers_that_kept_the_index_in_step_are_named_and_not_needed(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    file = make_sqlite(tmp_path / "a.db", EXTERNAL, (INSERT_DOC, DOCS))
    told = migrate(opskit, file, database)
    for name in ("doc_ai", "doc_ad", "doc_au"):
        assert "not needed" in told_about(told, f"trigger {name} of table doc")
    query(database, "INSERT INTO doc (title, body) VALUES ('new', 'arrived')")
    query(database, "UPDATE doc SET body = 'hare' WHERE id = 1")
    query(database, "DELETE FROM doc WHERE id = 2")
    expected = {"arrived": [len(DOCS) + 1], "fox": [], "hare": [1], "kebab": []}
    assert found(database, "doc_fts", list(expected)) == expected


@pytest.mark.parametrize(
    ("options", "selected"),
    [((), '"Name" FROM "DocText"'), (("--fold",), "name FROM doctext")],
)
def test_names_change_in_the_view_as_they_do_in_the_table(
    options: Sequence[str], selected: str, opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    script = """
        CREATE TABLE "Doc" (Id INTEGER PRIMARY KEY, "Name" TEXT, "xmin" TEXT);
        INSERT INTO "Doc" VALUES (1, 'A', 'fox'), (2, 'B', 'hare');
        CREATE VIRTUAL TABLE "DocText" USING fts5("Name", "xmin", content="Doc", content_rowid=Id);
    """
    file = make_sqlite(tmp_path / "a.db", script)
    assert opskit("migrate", file, database.url, *options).code == 0
    asked = f"SELECT {selected} WHERE tsv @@ websearch_to_tsquery('simple', 'fox')"
    assert query(database, asked) == [("A",)]


def test_what_else_such_a_trigger_does_goes_on(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    script = """
        CREATE TABLE log (doc INTEGER);
        CREATE TRIGGER doc_both AFTER INSERT ON doc WHEN new.id > 0 BEGIN
          INSERT INTO doc_fts(rowid, title, body) VALUES (new.id, new.title, new.body);
          INSERT INTO log VALUES (new.id);
        END;
    """
    file = make_sqlite(tmp_path / "a.db", EXTERNAL + script)
    told = migrate(opskit, file, database)
    assert "lost the statements" in told_about(told, "trigger doc_both of table doc")
    query(database, "INSERT INTO doc (title) VALUES ('new')")
    assert query(database, "SELECT doc FROM log") == [(1,)]


def test_an_index_out_of_step_with_its_text_is_no_damage(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    script = (
        "CREATE TABLE doc (id INTEGER PRIMARY KEY, body TEXT); INSERT INTO doc VALUES (1, 'old');"
        "CREATE VIRTUAL TABLE doc_fts USING fts4(content='doc', body);"
        "INSERT INTO doc_fts (doc_fts) VALUES ('rebuild'); UPDATE doc SET body = 'new'"
    )
    migrate(opskit, make_sqlite(tmp_path / "a.db", script), database)
    assert found(database, "doc_fts", ["old", "new"], key="docid") == {"old": [], "new": [1]}


def test_triggers_that_fill_a_full_text_table_go_on(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    script = """
        CREATE TABLE message (id INTEGER PRIMARY KEY, body TEXT);
        CREATE VIRTUAL TABLE message_fts USING fts5(body);
        CREATE TRIGGER message_ai AFTER INSERT ON message BEGIN
          INSERT INTO message_fts (rowid, body) VALUES (new.id, new.body);
        END;
        CREATE VIRTUAL TABLE heard USING fts5(body);
        CREATE TRIGGER message_heard AFTER INSERT ON message BEGIN INSERT INTO heard VALUES (new.body); END;
        CREATE TRIGGER message_ad AFTER DELETE ON message BEGIN
          DELETE FROM message_fts WHERE rowid = old.id;
        END;
        CREATE TRIGGER message_au AFTER UPDATE ON message BEGIN
          UPDATE message_fts SET body = new.body WHERE rowid = old.id;
        END;
        CREATE VIEW everything AS SELECT * FROM message_fts;
        INSERT INTO message (body) VALUES ('first'), ('second');
    """
    migrate(opskit, make_sqlite(tmp_path / "a.db", script), database)
    assert query(database, "SELECT * FROM everything") == [("first",), ("second",)]
    query(database, "INSERT INTO message (body) VALUES ('third')")
    query(database, "UPDATE message SET body = 'changed' WHERE id = 2")
    query(database, "DELETE FROM message WHERE id = 1")
    expected = {"first": [], "second": [], "changed": [2], "third": [3]}
    assert found(database, "message_fts", list(expected)) == expected
    heard = {"first": [1], "second": [2], "third": [3]}
    assert found(database, "heard", list(heard)) == heard


def test_parts_of_words_are_found_by_trigrams(opskit: Opskit, tmp_path: Path, database: TestDatabase) -> None:
    file = make_sqlite(
        tmp_path / "a.db",
        "CREATE VIRTUAL TABLE part USING fts5(body, tokenize='trigram')",
        ("INSERT INTO part VALUES (?)", [(text,) for text in TEXTS]),
    )
    assert "ILIKE '%part%'" in told_about(migrate(opskit, file, database), "virtual table part")
    words = ["uick", "XAMPLE", "and/or", "本語 t"]
    asked = "SELECT rowid FROM part WHERE body ILIKE '%{}%' ORDER BY 1"
    there = {word: [n for (n,) in query(database, asked.format(word))] for word in words}
    assert there == matches(file, "part", words)
    assert query(database, "SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%gin_trgm_ops%'") == [(1,)]


def test_what_holds_no_text_or_cannot_be_read_is_named_and_nothing_of_it_arrives(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    script = """
        CREATE TABLE kept (id INTEGER PRIMARY KEY);
        CREATE VIRTUAL TABLE bare USING fts5(body, content='');
        INSERT INTO bare (rowid, body) VALUES (1, 'words only');
        CREATE VIRTUAL TABLE bare_words USING fts5vocab(bare, 'row');
        CREATE VIRTUAL TABLE shapes USING geopoly(name);
        PRAGMA writable_schema = on;
        INSERT INTO sqlite_schema VALUES ('table', 'vec', 'vec', 0, 'CREATE VIRTUAL TABLE vec USING vec0(a)');
    """
    told = migrate(opskit, make_sqlite(tmp_path / "a.db", script), database)
    assert "it keeps no text" in told_about(told, "virtual table bare")
    assert "(fts5vocab) was not migrated" in told_about(told, "virtual table bare_words")
    assert "(geopoly) was not migrated" in told_about(told, "virtual table shapes")
    assert "no such module: vec0" in told_about(told, "virtual table vec")
    assert query(database, "SELECT relname FROM pg_stat_user_tables") == [("kept",)]


def test_text_too_long_for_a_search_index_arrives_without_one(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    long = " ".join(f"word{number:07}" for number in range(120_000))
    file = make_sqlite(
        tmp_path / "a.db",
        "CREATE VIRTUAL TABLE notes USING fts5(body)",
        ("INSERT INTO notes VALUES (?)", [(long,), ("short",)]),
    )
    told = migrate(opskit, file, database)
    assert "too long for tsvector" in told_about(told, "index notes_search of table notes")
    assert query(database, "SELECT length(body) FROM notes ORDER BY 1") == [(5,), (len(long),)]


def test_verify_compares_full_text_tables_like_others(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    file = make_sqlite(tmp_path / "a.db", EXTERNAL, (INSERT_DOC, DOCS))
    make_sqlite(file, "CREATE VIRTUAL TABLE own USING fts5(a); INSERT INTO own VALUES ('x'), ('y')")
    migrate(opskit, file, database)
    assert opskit("verify", file, database.url).code == 0
    query(database, "UPDATE own SET a = 'z' WHERE rowid = 2")
    result = opskit("verify", file, database.url, "--level", "rows", "-o", "json")
    assert result.code == 3
    assert "rowid=2 (a)" in result.stdout


def test_an_rtree_is_a_table_with_an_index_of_its_boxes(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    boxes = [(n, n / 10, n / 10 + 1, -n, n / 3, f"box {n}") for n in range(1, 30)]
    file = make_sqlite(
        tmp_path / "a.db",
        "CREATE VIRTUAL TABLE place USING rtree(id, x0, x1, y0, y1, +label TEXT);"
        "CREATE VIRTUAL TABLE span USING rtree_i32(id, t0, t1); INSERT INTO span VALUES (7, 1, 2)",
        ("INSERT INTO place VALUES (?, ?, ?, ?, ?, ?)", boxes),
    )
    told = migrate(opskit, file, database)
    assert "box(" in told_about(told, "virtual table place")
    assert "without a spatial index" in told_about(told, "virtual table span")
    connection = apsw.Connection(str(file))
    stored = connection.execute("SELECT * FROM place ORDER BY id").fetchall()
    connection.close()
    assert query(database, "SELECT * FROM place ORDER BY id") == stored
    assert query(database, "SELECT * FROM span") == [(7, 1, 2)]
    inside = "box(point(x0, y0), point(x1, y1)) && box(point(0, 0), point(0.5, 1))"
    assert query(database, f"SELECT id FROM place WHERE {inside} ORDER BY 1") == [(n,) for n in range(1, 6)]
    with psycopg.connect(database.conninfo) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("INSERT INTO place VALUES (50, 2, 1, 0, 0)")
