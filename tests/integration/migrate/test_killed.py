"""kill -9 at any moment of a migration: the same command again does it all, and nothing is left over."""

import json
import time
from pathlib import Path

import pytest

from opskit.runs.journal import unfinished
from tests.conftest import TestDatabase
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
    "add primary key events_pkey",
    "add index events_body",
    "verify every row of events",
    "create view latest",
]
"""Words of the steps in whose middle the process is killed."""


def kill_in(opskit: Opskit, source: Path, target: str, moment: str, delay: float) -> None:
    """Starts a migration and kills it a moment after it has begun a step."""
    process = opskit.start("migrate", source, target)
    runs = opskit.state_dir / "runs"
    while not any(moment in file.read_text() for file in runs.glob("*.jsonl")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.001)
    time.sleep(delay)
    process.kill()
    process.communicate()


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed(opskit: Opskit, source: Path, database: TestDatabase, moment: str) -> None:
    before = source.read_bytes()
    kill_in(opskit, source, database.url, moment, delay=0.05 if "copy" in moment else 0.0)
    assert len(list(unfinished(opskit.state_dir / "runs", "migrate", "app"))) == 1

    again = opskit("migrate", source, database.url, "-o", "json")
    assert again.code == 0, again
    assert again.document["result"]["rows"] == ROWS + 2
    assert opskit("verify", source, database.url).code == 0
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
    assert len(opskit.files()) == 1
    assert not list(unfinished(opskit.state_dir / "runs", "migrate", "app"))
    assert source.read_bytes() == before


def test_killed_twice(opskit: Opskit, source: Path, database: TestDatabase) -> None:
    kill_in(opskit, source, database.url, MOMENTS[3], delay=0.05)
    plan = opskit("migrate", source, database.url, "--plan", "-o", "json")
    steps = [step["title"] for step in plan.document["result"]["plan"]["steps"]]
    assert any("removing what an interrupted migration left there" in title for title in steps)
    kill_in(opskit, source, database.url, MOMENTS[5], delay=0.0)
    assert opskit("migrate", source, database.url).code == 0
    assert len(opskit.files()) == 1
    events = [
        json.loads(file.read_text().splitlines()[-1])["event"]
        for file in sorted((opskit.state_dir / "runs").iterdir())
    ]
    assert events == ["abandoned", "abandoned", "finished"]
    assert query(database, "SELECT count(*) FROM events") == [(ROWS,)]


def test_killed_after_publishing_the_next_run_says_what_to_do(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    source = make_sqlite(
        tmp_path / "app.db", "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)"
    )
    assert opskit("migrate", source, database.url).code == 0
    (journal,) = (opskit.state_dir / "runs").glob("*.jsonl")
    *lines, last = journal.read_text().splitlines(keepends=True)
    assert "finished" in last
    journal.write_text("".join(lines))  # what a kill leaves between the last step and the last line
    again = opskit("migrate", source, database.url, "-o", "json")
    assert again.code == 6
    assert again.error["code"] == "target_not_empty"
    assert "had published app: `opskit verify` shows whether it is whole" in again.error["hint"]
    assert opskit("verify", source, database.url).code == 0
