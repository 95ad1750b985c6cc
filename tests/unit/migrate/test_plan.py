"""What a migration will do, decided from facts alone, or every reason why it will not."""

from dataclasses import replace
from pathlib import Path

import pytest

from opskit.config import TypesProfile
from opskit.errors import Refused
from opskit.migrate.facts import Job, SourceFacts, TableProfile, TargetFacts, TextScan, UnfitText
from opskit.migrate.plan import plan_migration, undertake
from opskit.migrate.steps import (
    BackUp,
    CopyTable,
    Prepare,
    Publish,
    SetGenerator,
    Step,
)
from opskit.runs.plan import Plan
from opskit.schema.model import Affinity, Column, Index, IndexTerm, Schema, Table, View
from opskit.schema.types import ColumnProfile, TypeChoice

SECRET = "hunter2"
JOB = Job(
    "main",
    Path("/srv/app.db"),
    {"host": "db1", "password": SECRET},
    "db1:5432/app",
    TypesProfile.NATIVE,
    {},
)
USERS = Table(
    "users",
    (Column("id", "INTEGER", Affinity.INTEGER), Column("name", "TEXT", Affinity.TEXT)),
    primary_key=("id",),
    rowid_alias="id",
    last_key=7,
    indexes=(Index("users_name", "users", (IndexTerm("name"),)),),
)
LOG = Table("log", (Column("name", "TEXT", Affinity.TEXT),))
SCHEMA = Schema((LOG, USERS), (View("names", "CREATE VIEW names AS SELECT name FROM users", ("name",)),))
TARGET = TargetFacts(150018, "UTF8", may_create=True, occupied=(), leftover=False)


def source(schema: Schema = SCHEMA, **scans: TextScan) -> SourceFacts:
    """Facts of a source in which `users` has 7 rows and every other table one."""
    nothing = ColumnProfile({}, {})
    return SourceFacts(
        schema,
        {
            table.name: TableProfile(7 if table is USERS else 1, {one.name: nothing for one in table.columns})
            for table in schema.tables
        },
        {
            table.name: {
                one.name: TypeChoice("bigint" if one.name == "id" else "text", "") for one in table.columns
            }
            for table in schema.tables
        },
        {table.name: scans.get(table.name, TextScan()) for table in schema.tables},
        4096,
    )


def plan(*jobs: Job, facts: SourceFacts | None = None, target: TargetFacts = TARGET) -> Plan[Step]:
    return plan_migration(
        [undertake(job, facts or source(), target, Path(f"/backups/{job.name}.db")) for job in jobs or (JOB,)]
    )


def refusals(facts: SourceFacts | None = None, target: TargetFacts = TARGET, job: Job = JOB) -> list[str]:
    with pytest.raises(Refused) as caught:
        plan(job, facts=facts, target=target)
    assert all(fault.hint for fault in caught.value.faults)
    return [fault.code for fault in caught.value.faults]


def test_the_steps_in_their_order() -> None:
    steps = plan().steps
    assert isinstance(steps[0], BackUp)
    assert isinstance(steps[1], Prepare)
    assert [type(step).__name__ for step in steps[2:]] == [
        "CreateTable",
        "CreateTable",
        "CopyTable",
        "CopyTable",
        "AddRule",
        "AddRule",
        "SetGenerator",
        "Analyze",
        "VerifyTable",
        "VerifyTable",
        "AddView",
        "Publish",
    ]


def test_the_largest_table_is_copied_first() -> None:
    assert [step.rows for step in plan().steps if isinstance(step, CopyTable)] == [7, 1]


def test_tables_with_framing_characters_are_read_escaped() -> None:
    facts = source(log=TextScan(framing=True))
    copies = [step for step in plan(facts=facts).steps if isinstance(step, CopyTable)]
    assert {step.source.name: step.source.escaped for step in copies} == {"users": False, "log": True}


def test_nothing_is_published_before_all_databases_are_built_and_verified() -> None:
    steps = plan(JOB, replace(JOB, name="walmart")).steps
    assert [type(step) for step in steps[-2:]] == [Publish, Publish]
    assert sum(isinstance(step, Publish) for step in steps) == 2


def test_a_key_that_was_never_given_out_needs_no_generator_to_be_set() -> None:
    facts = source(Schema((replace(USERS, last_key=0),)))
    assert not [step for step in plan(facts=facts).steps if isinstance(step, SetGenerator)]


def test_what_a_killed_migration_left_is_removed_and_said() -> None:
    (prepare,) = [
        step for step in plan(target=replace(TARGET, leftover=True)).steps if isinstance(step, Prepare)
    ]
    assert "removing what an interrupted migration left there" in prepare.title


def test_a_plan_never_holds_the_password() -> None:
    found = plan()
    assert SECRET not in found.to_text() + str(found.to_json()) + repr(found)


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (replace(TARGET, version=140011), "server_version"),
        (replace(TARGET, encoding="LATIN1"), "target_encoding"),
        (replace(TARGET, may_create=False), "permission_denied"),
        (replace(TARGET, occupied=("users",)), "target_not_empty"),
    ],
)
def test_a_target_that_will_not_do(target: TargetFacts, code: str) -> None:
    assert refusals(target=target) == [code]


def test_all_reasons_are_told_at_once() -> None:
    unfit = TextScan(
        unfit=(UnfitText("log", "name", "rowid=1", "the text holds a NUL character"),), unfit_rows=1
    )
    target = replace(TARGET, encoding="LATIN1", occupied=("users",))
    job = replace(JOB, overrides={"users.nothing": "text"})
    assert refusals(source(log=unfit), target, job) == [
        "target_encoding",
        "target_not_empty",
        "unfit_text",
        "override",
    ]


def test_a_file_without_tables_is_refused() -> None:
    assert refusals(source(Schema(()))) == ["nothing_to_migrate"]


def test_a_table_wider_than_postgresql_holds_is_refused() -> None:
    wide = Table("wide", tuple(Column(f"c{n}", "TEXT", Affinity.TEXT) for n in range(1601)))
    assert refusals(source(Schema((wide,)))) == ["too_many_columns"]
