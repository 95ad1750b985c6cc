"""What a killed migration leaves that holds: decided from its journal and from what stands in staging."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from opskit.migrate.facts import Part, Staged
from opskit.migrate.plan import matter, plan_migration
from opskit.migrate.resume import Kept, backup_of, keep, resumable
from opskit.migrate.stages import copies, publication
from opskit.migrate.steps import BackUp, CopyTable, Prepare
from opskit.migrate.undertaking import Undertaking, undertake
from opskit.runs.journal import UnfinishedRun
from opskit.runs.plan import JsonValue
from opskit.schema.target_schema import PgColumn, PgIndex, PgKey, PgTable, TargetSchema
from opskit.transfer.copied import Copied
from opskit.transfer.digest import Digest
from opskit.transfer.tables import Span
from tests.unit.migrate.test_plan import JOB, TARGET, source

BACKUP = Path("/backups/main-1.db")
MADE = f"main: back up /srv/app.db to {BACKUP}"
SIZE: Mapping[str, JsonValue] = {"size": 4096, "sha256": "5f"}


def killed(*done: str, leaves: tuple[Path, ...] = (BACKUP,), name: str = "1") -> UnfinishedRun:
    found = {title: SIZE if "back up" in title else None for title in done}
    return UnfinishedRun(name, "migrate", "main", done, Path(f"/runs/{name}.jsonl"), leaves, found)


def test_a_run_with_all_its_backups_is_gone_on_with() -> None:
    run = resumable([killed(MADE)], {BACKUP})
    assert run is not None
    backup = backup_of(run, BACKUP)
    assert backup is not None
    assert (backup.file, backup.size, backup.sha256) == (BACKUP, 4096, "5f")


@pytest.mark.parametrize(
    "run",
    [
        killed(),
        killed(MADE, leaves=(BACKUP, Path("/backups/second-1.db"))),
        replace(killed(), begun=(MADE,)),
    ],
    ids=["none made", "one of two made", "one begun"],
)
def test_a_run_without_all_its_backups_is_not(run: UnfinishedRun) -> None:
    assert resumable([run], set(run.leaves)) is None


def test_a_run_whose_backup_is_gone_is_not() -> None:
    assert resumable([killed(MADE)], ()) is None


def test_the_latest_run_counts() -> None:
    other = Path("/backups/main-2.db")
    later = killed(f"main: back up /srv/app.db to {other}", leaves=(other,), name="2")
    run = resumable([killed(MADE), later], {BACKUP, other})
    assert run is not None
    assert run.run == "2"


def test_runs_that_went_on_with_it_have_done_more_of_it() -> None:
    run = resumable([killed(MADE, "a"), killed("b", name="2"), killed("c", name="3")], {BACKUP})
    assert run is not None
    assert (run.run, run.begun, set(run.done)) == ("1", (MADE, "a", "b", "c"), {MADE, "a", "b", "c"})


def test_runs_about_another_source_target_or_schema_are_other_runs() -> None:
    others = [
        replace(JOB, source=Path("/srv/other/app.db")),
        replace(JOB, target_name="db2:5432/app"),
        replace(JOB, schema="shop"),
        replace(JOB, into_existing=True),
    ]
    assert len({matter([job]) for job in (JOB, *others)}) == 5
    assert "hunter2" not in matter([JOB])


def one() -> Undertaking:
    """`log`, and `users` in two parts."""
    facts = source()
    halves = (Part(4, 40, Span("rowid", -5, 3)), Part(3, 30, Span("rowid", 4, 9)))
    profiles = {**facts.profiles, "users": replace(facts.profiles["users"], parts=halves)}
    return undertake(JOB, replace(facts, profiles=profiles), TARGET, BACKUP)


def done(*titles: str) -> UnfinishedRun:
    """A run that has copied what these steps copy."""
    found: dict[str, JsonValue] = {MADE: SIZE}
    for step in copies(one()):
        if step.title in titles:
            found[step.title] = Copied(Digest(step.rows, 1), 10, 0, step.rows, 0.1).to_json()
    return UnfinishedRun("1", "migrate", "", tuple(found), Path("/runs/1.jsonl"), (BACKUP,), found)


ALL = tuple(step.title for step in copies(one()))
USERS_KEY = PgKey("users_pkey", ("id",), primary=True)
USERS = PgTable(
    "users",
    columns=(PgColumn("id", "bigint"), PgColumn("name", "text")),
    primary_key=USERS_KEY,
)
LOG = PgTable("log", columns=(PgColumn("name", "text"),))


def staged(rows: Mapping[str, int], *tables: PgTable, target: frozenset[str] = frozenset()) -> Staged:
    return Staged(TargetSchema("opskit_staging", {table.name: table for table in tables}), rows, target)


def kept(found: Staged, run: UnfinishedRun) -> Kept:
    undertaking = one()
    return keep(undertaking.design, [*copies(undertaking)], publication(undertaking), found, run)


WHOLE = staged({"users": 7, "log": 1}, USERS, LOG)


def test_whole_tables_are_kept_with_their_indexes_and_keys() -> None:
    index = PgIndex(
        "users_name", "", "", ("name",), unique=False, predicate=None, valid=True, constraint=None
    )
    found = kept(staged({"users": 7, "log": 1}, replace(USERS, indexes=(index,)), LOG), done(*ALL))
    assert set(found.tables) == {"users", "log"}
    assert [part.digest.rows for part in found.tables["users"]] == [4, 3]
    assert (found.indexes, found.keys) == ({"users_name"}, {"users_pkey"})
    assert found.run == "1"


@pytest.mark.parametrize(
    ("found", "run"),
    [
        (WHOLE, done(*(title for title in ALL if "part 2" not in title))),
        (staged({"users": 6, "log": 1}, USERS, LOG), done(*ALL)),
        (staged({"log": 1}, LOG), done(*ALL)),
        (staged({"users": 7, "log": 1}, replace(USERS, columns=USERS.columns[:1]), LOG), done(*ALL)),
        (staged({"users": 7, "log": 1}, replace(USERS, columns=USERS.columns[::-1]), LOG), done(*ALL)),
        (
            staged({"users": 7, "log": 1}, replace(USERS, primary_key=None, unique=(USERS_KEY,)), LOG),
            done(*ALL),
        ),
    ],
    ids=["a part missing", "a row missing", "gone", "a column missing", "other columns", "a lesser key"],
)
def test_a_table_that_is_not_whole_is_not(found: Staged, run: UnfinishedRun) -> None:
    assert set(kept(found, run).tables) == {"log"}


def test_the_journal_of_another_version_keeps_nothing() -> None:
    run = done(*ALL)
    older = {title: found if title == MADE else {"rows": 7} for title, found in run.done.items()}
    assert kept(WHOLE, replace(run, done=older)).tables == {}


def test_what_is_kept_is_not_done_again_and_that_is_said() -> None:
    undertaking = replace(one(), kept=kept(WHOLE, done(*ALL)))
    plan = plan_migration([undertaking], 1)
    assert plan.steps[0].title.endswith(
        "go on in the staging schema opskit_staging with 2 tables that stand there whole"
    )
    assert isinstance(plan.steps[0], Prepare)
    assert not [step for step in plan.steps if isinstance(step, CopyTable | BackUp)]
    assert any("what was written to the source since then is not migrated" in one for one in plan.told)


def published() -> UnfinishedRun:
    title = publication(one()).title
    run = done(*ALL)
    return replace(run, begun=(*run.begun, title))


def test_what_was_published_needs_nothing_more() -> None:
    found = kept(staged({}, target=frozenset({"users", "log"})), published())
    assert found.published
    undertaking = replace(one(), kept=found, target=replace(TARGET, occupied=("users", "log")))
    assert plan_migration([undertaking], 1).steps == ()


@pytest.mark.parametrize("target", [frozenset[str](), frozenset({"log"})], ids=["nothing", "a part"])
def test_without_its_tables_in_the_target_nothing_was_published(target: frozenset[str]) -> None:
    assert not kept(staged({}, target=target), published()).published
