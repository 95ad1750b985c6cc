"""What a migration will do, decided from facts alone, or every reason why it will not."""

from dataclasses import replace
from pathlib import Path

import pytest

from opskit.config import Misfits, TypesProfile
from opskit.errors import Refused
from opskit.migrate.facts import Job, Part, SourceFacts, TableProfile, TargetFacts, TextScan, UnfitText
from opskit.migrate.plan import fitting_workers, plan_migration
from opskit.migrate.steps import (
    CopyTable,
    Prepare,
    Publish,
    SetGenerator,
    Step,
)
from opskit.migrate.undertaking import undertake
from opskit.runs.plan import Plan
from opskit.schema.model import Affinity, Column, Index, IndexTerm, Schema, Storage, Table, View
from opskit.schema.types import ColumnProfile, TypeChoice
from opskit.transfer.tables import Span

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
            table.name: TableProfile(
                7 if table is USERS else 1,
                {one.name: nothing for one in table.columns},
                (Part(7, 70) if table is USERS else Part(1, 10),),
            )
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
        [
            undertake(job, facts or source(), target, Path(f"/backups/{job.name}.db"))
            for job in jobs or (JOB,)
        ],
        workers=2,
    )


def refusals(facts: SourceFacts | None = None, target: TargetFacts = TARGET, job: Job = JOB) -> list[str]:
    with pytest.raises(Refused) as caught:
        plan(job, facts=facts, target=target)
    assert all(fault.hint for fault in caught.value.faults)
    return [fault.code for fault in caught.value.faults]


def test_the_stages_in_their_order_and_what_is_done_side_by_side() -> None:
    stages = [(stage.at_once, [type(step).__name__ for step in stage.steps]) for stage in plan().stages]
    assert stages == [
        (1, ["Prepare"]),
        (1, ["CreateTable", "CreateTable"]),
        (3, ["BackUp", "CopyTable", "CopyTable"]),
        (1, ["SetAside"]),
        (2, ["BuildIndex", "BuildIndex"]),
        (1, ["AddRule"]),
        (2, ["VerifyTable", "VerifyTable", "AnalyzeTable", "AnalyzeTable"]),
        (1, ["SetGenerator"]),
        (1, ["AddView"]),
        (1, ["Publish"]),
    ]


def test_the_largest_table_is_copied_first_and_in_parts() -> None:
    halves = (Part(4, 400, Span("rowid", -5, 3)), Part(3, 300, Span("rowid", 4, 9)))
    facts = source()
    profiles = {
        "log": replace(facts.profiles["log"], parts=(Part(1, 10),)),
        "users": replace(facts.profiles["users"], parts=halves),
    }
    steps = plan(facts=replace(facts, profiles=profiles)).steps
    assert [(step.title, step.source.span) for step in steps if isinstance(step, CopyTable)] == [
        ("main: copy 4 rows into users (part 1 of 2)", halves[0].span),
        ("main: copy 3 rows into users (part 2 of 2)", halves[1].span),
        ("main: copy 1 rows into log", None),
    ]


@pytest.mark.parametrize(
    ("size", "cores", "workers"), [(4096, 8, 1), (10**9, 2, 2), (10**9, 64, 4), (10**9, 1, 1)]
)
def test_processes_are_started_only_where_they_pay(size: int, cores: int, workers: int) -> None:
    facts = replace(source(), size=size)
    assert fitting_workers([undertake(JOB, facts, TARGET, Path("/backups/main.db"))], cores) == workers


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
    job = replace(JOB, overrides={"users.nothing": "text"}, misfits=Misfits.REFUSE)
    assert refusals(source(log=unfit), target, job) == [
        "target_encoding",
        "target_not_empty",
        "unfit_text",
        "override",
    ]


def test_a_file_without_tables_is_refused() -> None:
    assert refusals(source(Schema(()))) == ["nothing_to_migrate"]


@pytest.mark.parametrize(
    ("misfits", "policy", "codes"),
    [
        (3, Misfits.SET_ASIDE, []),
        (3, Misfits.REFUSE, ["override"]),
        (4, Misfits.SET_ASIDE, ["override"]),
    ],
)
def test_an_override_that_most_values_do_not_fit_is_a_mistake(
    misfits: int, policy: Misfits, codes: list[str]
) -> None:
    facts = source()
    held = ColumnProfile({Storage.TEXT: 7}, {"date": misfits})
    users = replace(facts.profiles["users"], columns={**facts.profiles["users"].columns, "name": held})
    choices = {**facts.choices["users"], "name": TypeChoice("date", "as configured", configured=True)}
    facts = replace(
        facts,
        profiles={**facts.profiles, "users": users},
        choices={**facts.choices, "users": choices},
    )
    job = replace(JOB, misfits=policy, overrides={"users.name": "date"})
    if codes:
        assert refusals(facts, job=job) == codes
    else:
        plan(job, facts=facts)


@pytest.mark.parametrize(("zone", "told"), [("America/New_York", True), ("Etc/UTC", False)])
def test_moments_in_a_server_that_is_not_at_utc_are_told(zone: str, told: bool) -> None:
    facts = source()
    moments = TypeChoice("timestamp with time zone", "")
    facts = replace(facts, choices={**facts.choices, "log": {"name": moments}})
    found = plan(facts=facts, target=replace(TARGET, zone=zone)).told
    assert any("sessions begin in time zone America/New_York" in one for one in found) is told
