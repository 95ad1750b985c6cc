"""The order of a switch, which is what keeps one side at most open."""

from itertools import pairwise

from opskit.config import Engine
from opskit.runs.plan import Plan
from opskit.switch.machine import point_of
from opskit.switch.plan import Wanted, closing_plan, cutover_plan, rollback_plan
from opskit.switch.steps import (
    BringBack,
    CatchUp,
    ClosePostgresql,
    DrainLast,
    FenceSqlite,
    OpenPostgresql,
    OpenWayBack,
    StageFile,
    StartApplication,
    Step,
    StopApplication,
    SwapFile,
    SwitchEnvironment,
)

WANTED = Wanted(("main", "walmart"), "crewai_user", "crewai.service")


def places(plan: Plan[Step], kind: type[Step]) -> list[int]:
    return [at for at, one in enumerate(plan.steps) if isinstance(one, kind)]


def assert_before(plan: Plan[Step], *kinds: type[Step]) -> None:
    """Every step of a kind comes before every one of the next kind."""
    for one, other in pairwise(kinds):
        assert max(places(plan, one)) < min(places(plan, other)), (one, other)


def test_a_cutover_opens_postgresql_after_everything_that_can_fail() -> None:
    plan = cutover_plan(WANTED)
    assert_before(
        plan,
        ClosePostgresql,
        OpenWayBack,
        CatchUp,
        StopApplication,
        FenceSqlite,
        DrainLast,
        SwitchEnvironment,
        OpenPostgresql,
        StartApplication,
    )
    assert point_of(plan) == min(places(plan, OpenPostgresql))


def test_a_rollback_opens_sqlite_after_everything_that_can_fail() -> None:
    plan = rollback_plan(WANTED, reachable=True)
    assert_before(
        plan, StopApplication, ClosePostgresql, StageFile, SwitchEnvironment, SwapFile, StartApplication
    )
    assert_before(plan, CatchUp, StopApplication, ClosePostgresql, BringBack, StageFile)
    assert point_of(plan) == min(places(plan, SwapFile))


def test_both_databases_switch_in_one_plan() -> None:
    for plan in (cutover_plan(WANTED), rollback_plan(WANTED, reachable=True)):
        of = [one.database for one in plan.steps if isinstance(one, OpenPostgresql | SwapFile)]
        assert of == ["main", "walmart"]
        assert len([one for one in plan.steps if isinstance(one, SwitchEnvironment)]) == 1


def test_the_plan_names_the_step_from_which_the_new_side_may_hold_writes() -> None:
    assert "until step 17, PostgreSQL holds no new writes" in cutover_plan(WANTED).told[0]


def test_what_the_fence_cannot_refuse_is_told() -> None:
    assert cutover_plan(WANTED, ("main: notes",)).told[-1] == "main: notes"


def test_without_postgresql_the_files_are_taken_as_they_are_and_the_loss_is_told() -> None:
    plan = rollback_plan(WANTED, reachable=False, told=("main: writes after … do not come back",))
    assert not places(plan, BringBack)
    assert not places(plan, ClosePostgresql)
    assert places(plan, SwapFile)
    assert plan.told[-1] == "main: writes after … do not come back"
    assert SwitchEnvironment(Engine.SQLITE) in plan.steps


def test_what_a_rollback_without_postgresql_left_open_is_closed_later() -> None:
    steps = closing_plan(WANTED).steps
    assert steps[:2] == (ClosePostgresql("main", "crewai_user"), ClosePostgresql("walmart", "crewai_user"))
