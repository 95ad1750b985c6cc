"""kill -9 at any moment of a migration: the same command again does it all, and nothing is left over."""

import json
from pathlib import Path

import pytest

from tests.conftest import TestDatabase
from tests.integration.migrate.kills import begun, journals, kill_when, left_behind
from tests.support import Opskit, make_sqlite, query, relations

ROWS = 200_000


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sqlite(
        tmp_path_factory.mktemp("killed") / "app.db",
        "CREATE TABLE kinds (id INTEGER PRIMARY KEY, name TEXT UNIQUE);"
        "INSERT INTO kinds VALUES (0, 'a'), (1, 'b');"
        "CREATE TABLE events (id INTEGER PRIMARY KEY, kind REFERENCES kinds, body TEXT, at TIMESTAMP);"
        "CREATE INDEX events_body ON events (body);"
        "CREATE VIEW latest AS SELECT id, body FROM events WHERE id > 199990;"
        f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})"
        " INSERT INTO events SELECT i, i % 2, 'event number ' || i, '2025-08-14 12:33:01' FROM n",
    )


MOMENTS = [
    "back up",
    "make the staging schema",
    "create table events",
    f"copy {ROWS} rows into events",
    "build the index of primary key events_pkey",
    "build index events_body",
    "validate foreign key",
    "verify every row of events",
    "create view latest",
]
"""Words of the steps in whose middle the process is killed."""


def kill_in(opskit: Opskit, source: Path, target: str, moment: str) -> None:
    """Starts a migration and kills it when it has begun a step."""
    assert kill_when(opskit.start("migrate", source, target), begun(opskit, moment)), moment


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed(opskit: Opskit, source: Path, database: TestDatabase, moment: str) -> None:
    before = source.read_bytes()
    kill_in(opskit, source, database.url, moment)
    assert left_behind(opskit, database, backups=1)

    again = opskit("migrate", source, database.url, "-o", "json")
    assert again.code == 0, again
    assert again.document["result"]["rows"] == ROWS + 2
    assert relations(database) == [
        "public.events",
        "public.events_body",
        "public.events_id_seq",
        "public.events_pkey",
        "public.kinds",
        "public.kinds_id_seq",
        "public.kinds_name_key",
        "public.kinds_pkey",
        "public.latest",
    ]
    assert left_behind(opskit, database, backups=1) == []
    assert source.read_bytes() == before


def test_killed_twice(opskit: Opskit, source: Path, database: TestDatabase) -> None:
    kill_in(opskit, source, database.url, "copy")
    plan = opskit("migrate", source, database.url, "--plan", "-o", "json")
    steps = [step["title"] for step in plan.document["result"]["plan"]["steps"]]
    assert any("removing what an interrupted migration left there" in title for title in steps)
    kill_in(opskit, source, database.url, "build index")
    assert opskit("migrate", source, database.url).code == 0
    assert left_behind(opskit, database, backups=1) == []
    events = [json.loads(file.read_text().splitlines()[-1])["event"] for file in journals(opskit)]
    assert events == ["abandoned", "abandoned", "finished"]
    assert query(database, "SELECT count(*) FROM events") == [(ROWS,)]


def test_killed_after_publishing_the_next_run_says_what_to_do_and_resume_does_it(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    source = make_sqlite(
        tmp_path / "app.db", "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)"
    )
    assert opskit("migrate", source, database.url).code == 0
    (journal,) = journals(opskit)
    *lines, last = journal.read_text().splitlines(keepends=True)
    assert "finished" in last
    journal.write_text("".join(lines))  # what a kill leaves between the last step and the last line
    again = opskit("migrate", source, database.url, "-o", "json")
    assert (again.code, again.error["code"]) == (6, "target_not_empty")
    assert "a run that was killed had published app: the same command with --resume" in again.error["hint"]
    assert opskit("migrate", source, database.url, "--resume").code == 0
    assert opskit("verify", source, database.url).code == 0
    assert left_behind(opskit, database, backups=1) == []
