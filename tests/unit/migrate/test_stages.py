"""What a database's stages hold, and what is left of them when a killed run is gone on with."""

from dataclasses import replace
from pathlib import Path

from opskit.migrate.facts import TextScan, UnfitText
from opskit.migrate.plan import plan_migration
from opskit.migrate.resume import Kept
from opskit.migrate.steps import (
    AddRule,
    BackUp,
    BuildIndex,
    CopyTable,
    CreateTable,
    Prepare,
    Publish,
    SetAside,
)
from opskit.migrate.undertaking import Undertaking, undertake
from opskit.transfer.copied import Copied
from opskit.transfer.digest import Digest
from tests.unit.migrate.test_plan import JOB, TARGET, source

USERS = {"users": (Copied(Digest(7, 1), 70, 0, 7, 0.1),)}
BAD = TextScan(
    unfit=(UnfitText("log", "name", "rowid=1", "the text holds a NUL character"),),
    unfit_rows=1,
    columns=frozenset({"name"}),
)


def undertaking(name: str = "main", kept: Kept | None = None) -> Undertaking:
    made = undertake(replace(JOB, name=name), source(), TARGET, Path(f"/backups/{name}.db"))
    return made if kept is None else replace(made, kept=kept)


def titles(*undertakings: Undertaking, kind: type[object]) -> list[str]:
    return [step.title for step in plan_migration(undertakings, 1).steps if isinstance(step, kind)]


def test_all_sources_are_backed_up_before_a_second_database_is_begun() -> None:
    steps = plan_migration([undertaking("one"), undertaking("two")], 1).steps
    kinds = [type(step) for step in steps]
    backups = [number for number, kind in enumerate(kinds) if kind is BackUp]
    second = next(n for n, step in enumerate(steps) if isinstance(step, Prepare) and step.database == "two")
    assert len(backups) == 2
    assert max(backups) < second


def test_no_row_is_copied_of_tables_that_are_kept() -> None:
    kept = undertaking(kept=Kept(USERS, run="1"))
    assert titles(kept, kind=BackUp) == []
    assert titles(kept, kind=CreateTable) == ["main: create table log (1 columns)"]
    assert titles(kept, kind=CopyTable) == ["main: copy 1 rows into log"]


def test_indexes_and_keys_that_are_kept_are_not_made_again() -> None:
    everything = undertaking()
    assert titles(everything, kind=BuildIndex) == [
        "main: build the index of primary key users_pkey of table users",
        "main: build index users_name of table users",
    ]
    assert titles(everything, kind=AddRule) == ["main: add primary key users_pkey of table users"]
    kept = undertaking(
        kept=Kept(USERS, frozenset({"users_name", "users_pkey"}), frozenset({"users_pkey"}), run="1")
    )
    assert titles(kept, kind=BuildIndex) == []
    assert titles(kept, kind=AddRule) == []
    index_only = undertaking(kept=Kept(USERS, frozenset({"users_name", "users_pkey"}), run="1"))
    assert titles(index_only, kind=AddRule) == ["main: add primary key users_pkey of table users"]


def test_a_database_that_is_published_is_left_alone_and_the_other_goes_on() -> None:
    published = undertaking("one", Kept(published=True, run="1"))
    steps = plan_migration([published, undertaking("two", Kept(run="1"))], 1).steps
    assert {step.database for step in steps} == {"two"}
    assert sum(isinstance(step, Publish) for step in steps) == 1


def test_tables_with_values_that_do_not_fit_are_named() -> None:
    made = undertake(JOB, source(log=BAD), TARGET, Path("/backups/main.db"))
    (title,) = titles(made, kind=SetAside)
    assert "keep the rows that log cannot hold" in title
