"""What is backed up and restored, in which steps, and when it is refused."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opskit.backup.create_plan import (
    CheckCopy,
    Compress,
    CopyFile,
    Dump,
    Encrypt,
    Seal,
    TakeDigests,
    jobs,
    plan_create,
)
from opskit.backup.restore_plan import CheckFiles, Clear, Compare, Facts, Fill, Swap, There, plan_restore
from opskit.config import Configuration, Database, Engine
from opskit.errors import Refused
from tests.unit.backup.test_manifest import POSTGRESQL, SQLITE, manifest

AT = datetime(2026, 11, 23, 5, 15, 4, tzinfo=UTC)
SHARED = Configuration(
    databases={
        "main": Database(Path("/srv/main.db"), "app"),
        "walmart": Database(Path("/srv/walmart.db"), "app", schema="walmart"),
        "other": Database(Path("/srv/other.db"), "other"),
    }
)
NOBODY = There(exists=True, users=())


def test_each_sqlite_file_has_a_backup_of_its_own() -> None:
    found = jobs(SHARED, Engine.SQLITE, ["main", "walmart"], AT, frozenset())
    assert [(one.database, one.source) for one in found] == [
        ("main", "/srv/main.db"),
        ("walmart", "/srv/walmart.db"),
    ]
    steps = plan_create(found[0], SHARED).steps
    assert steps == (
        CopyFile("main", Path("/srv/main.db")),
        Compress("main"),
        CheckCopy("main"),
        TakeDigests("main"),
        Seal("main", "main-20261123T051504Z"),
    )


@pytest.mark.parametrize("engine", Engine)
def test_what_is_to_be_encrypted_is_so_before_it_stands_among_the_backups(engine: Engine) -> None:
    (job,) = jobs(SHARED, engine, ["main"], AT, frozenset())
    assert plan_create(job, SHARED, ("age1first", "age1second")).steps[-2:] == (
        Encrypt("main", ("age1first", "age1second")),
        Seal("main", job.id),
    )


@pytest.mark.parametrize("names", [["walmart"], ["main", "walmart"]])
def test_databases_in_one_postgresql_database_have_one_backup(names: list[str]) -> None:
    (found,) = jobs(SHARED, Engine.POSTGRESQL, names, AT, frozenset())
    assert (found.database, found.also, found.source) == ("main", ("walmart",), "localhost:5432/app")
    plan = plan_create(found, SHARED)
    assert plan.steps[0] == Dump("main", "localhost:5432/app", 2)
    assert plan.told == ("it also holds walmart: they are in the same PostgreSQL database",)


def facts(
    engine: Engine, there: There = NOBODY, *, in_place: bool = True, in_use: Engine | None = None
) -> Facts:
    is_file = engine is Engine.SQLITE
    target = "/srv/app.db" if is_file else "app"
    return Facts(manifest(SQLITE if is_file else POSTGRESQL), target, in_place, in_use or engine, there)


def refusals(found: Facts) -> list[str]:
    with pytest.raises(Refused) as refused:
        plan_restore(found, 2, AT)
    return [fault.code for fault in refused.value.faults]


def test_everything_is_restored_and_compared_aside_before_the_swap() -> None:
    plan = plan_restore(facts(Engine.POSTGRESQL), 2, AT)
    assert plan.steps == (
        CheckFiles("main-20261123T051504Z"),
        Fill("a new database opskit_restoring_app", 2),
        Compare(1),
        Swap("app", "app_before_20261123t051504000000z"),
    )


def test_what_a_killed_restore_has_left_is_removed_first() -> None:
    plan = plan_restore(facts(Engine.POSTGRESQL, replace(NOBODY, leftover=True)), 2, AT)
    assert plan.steps[1] == Clear("opskit_restoring_app")


def test_where_nothing_was_nothing_is_kept() -> None:
    plan = plan_restore(facts(Engine.SQLITE, There(exists=False, users=())), 2, AT)
    assert plan.steps[-1] == Swap("/srv/app.db", None)


def test_every_reason_against_it_is_told() -> None:
    used = There(exists=True, users=("CrewAI-Main",), missing_roles=("app",))
    assert refusals(facts(Engine.POSTGRESQL, used, in_use=Engine.SQLITE)) == [
        "engine_not_in_use",
        "target_in_use",
        "roles_missing",
    ]
    assert refusals(facts(Engine.SQLITE, in_place=False)) == ["target_exists"]
