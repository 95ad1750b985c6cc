"""kill -9 while data goes into an existing schema: it is as it was, and the next run fills it."""

from pathlib import Path

import pytest

from tests.conftest import TestDatabase
from tests.integration.migrate.kills import begun, journals, kill_when, left_behind
from tests.support import Opskit, make_sqlite, query

ROWS = 100_000


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sqlite(
        tmp_path_factory.mktemp("killed") / "app.db",
        "CREATE TABLE kinds (id INTEGER PRIMARY KEY, name TEXT);"
        "INSERT INTO kinds VALUES (0, 'a'), (1, 'b');"
        "CREATE TABLE events (id INTEGER PRIMARY KEY, kind INTEGER, body TEXT);"
        f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})"
        " INSERT INTO events SELECT i, i % 2, 'event number ' || i FROM n",
    )


@pytest.fixture
def made(database: TestDatabase) -> TestDatabase:
    """The application's schema, with a row that its migrations put there and a trigger."""
    query(database, "CREATE TABLE kinds (id int PRIMARY KEY, name text); INSERT INTO kinds VALUES (0, 'old')")
    query(database, "CREATE TABLE events (id serial PRIMARY KEY, kind int REFERENCES kinds, body text)")
    query(database, "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    query(database, "CREATE TRIGGER t BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION f()")
    return database


STATE = """
SELECT (SELECT count(*) FROM events), (SELECT array_agg(name ORDER BY id) FROM kinds),
       (SELECT last_value FROM events_id_seq), (SELECT tgenabled::text FROM pg_trigger WHERE tgname = 't')
"""

UNTOUCHED = [(0, ["old"], 1, "O")]
FILLED = [(ROWS, ["a", "b"], ROWS + 1, "O")]


@pytest.mark.parametrize("resume", [False, True], ids=["run again", "resumed"])
@pytest.mark.parametrize("moment", ["copy", "verify every row of events", f"move {ROWS + 2} rows"])
def test_killed(opskit: Opskit, source: Path, made: TestDatabase, moment: str, *, resume: bool) -> None:
    process = opskit.start("migrate", source, made.url, "--into-existing")
    assert kill_when(process, begun(opskit, moment)), moment
    assert query(made, STATE) == UNTOUCHED
    again = opskit("migrate", source, made.url, "--into-existing", *(["--resume"] if resume else []))
    assert again.code == 0, again
    assert query(made, STATE) == FILLED
    assert left_behind(opskit, made, backups=1) == []


@pytest.mark.parametrize("resume", [False, True], ids=["run again", "resumed"])
def test_killed_after_the_commit(opskit: Opskit, source: Path, made: TestDatabase, *, resume: bool) -> None:
    assert opskit("migrate", source, made.url, "--into-existing").code == 0
    (journal,) = journals(opskit)
    *lines, last = journal.read_text().splitlines(keepends=True)
    assert "finished" in last
    journal.write_text("".join(lines))  # what a kill leaves between the last step and the last line
    again = opskit(
        "migrate", source, made.url, "--into-existing", *(["--resume"] if resume else []), "-o", "json"
    )
    assert (again.code, query(made, STATE)) == ((0, FILLED) if resume else (6, FILLED)), again.stdout
    if not resume:
        assert "table events holds" in again.error["message"]
