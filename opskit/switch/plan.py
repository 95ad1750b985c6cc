"""The plans of a cutover and of a rollback. Pure.

In both, the order makes sure that one side at most takes writes: the old side is fenced before the new one is
opened, and everything that can fail comes before the point from which the new side may hold new writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from opskit.config import Engine
from opskit.runs.plan import Plan, Stage
from opskit.switch.steps import (
    POINTS,
    AwaitHealth,
    BringBack,
    CatchUp,
    ClosePostgresql,
    CompareAll,
    DrainLast,
    EndFollowing,
    EndWayBack,
    FenceSqlite,
    LevelWayBack,
    OpenPostgresql,
    OpenWayBack,
    RecordEngine,
    StageFile,
    StartApplication,
    StartStandby,
    Step,
    StopApplication,
    StopStandby,
    SwapFile,
    SwitchEnvironment,
)

CUTOVER = "cutover"
ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is switched.

    Attributes:
        databases: their configured names; all switch together or none does.
        role: the application's in PostgreSQL.
        how: by what the application is stopped and started.
    """

    databases: tuple[str, ...]
    role: str
    how: str

    @property
    def subject(self) -> str:
        """The databases, as one name."""
        return ", ".join(self.databases)


def cutover_plan(wanted: Wanted, told: tuple[str, ...] = ()) -> Plan[Step]:
    """From SQLite to PostgreSQL.

    Args:
        told: what else the operator must know.
    """
    names = wanted.databases
    return _plan(
        CUTOVER,
        wanted,
        (
            StopStandby(),
            *(ClosePostgresql(one, wanted.role) for one in names),
            *(CompareAll(one) for one in names),
            *(OpenWayBack(one) for one in names),
            CatchUp(Engine.POSTGRESQL),
            StopApplication(wanted.how),
            *(FenceSqlite(one) for one in names),
            *(DrainLast(one) for one in names),
            *(LevelWayBack(one) for one in names),
            SwitchEnvironment(Engine.POSTGRESQL),
            *(OpenPostgresql(one, wanted.role) for one in names),
            RecordEngine(Engine.POSTGRESQL),
            StartApplication(wanted.how),
            AwaitHealth(Engine.POSTGRESQL),
            *(EndFollowing(one) for one in names),
            StartStandby(),
        ),
        told,
    )


def rollback_plan(wanted: Wanted, *, reachable: bool, told: tuple[str, ...] = ()) -> Plan[Step]:
    """From PostgreSQL back to SQLite.

    Args:
        reachable: PostgreSQL answers; without it, the files are taken as they are.
        told: what else the operator must know.
    """
    names = wanted.databases
    drained: tuple[Step, ...] = (
        CatchUp(Engine.SQLITE),
        StopApplication(wanted.how),
        *(ClosePostgresql(one, wanted.role) for one in names),
        *(BringBack(one) for one in names),
    )
    ended: tuple[Step, ...] = (*(EndWayBack(one) for one in names), StartStandby())
    return _plan(
        ROLLBACK,
        wanted,
        (
            StopStandby(),
            *(drained if reachable else (StopApplication(wanted.how),)),
            *(StageFile(one) for one in names),
            SwitchEnvironment(Engine.SQLITE),
            *(SwapFile(one) for one in names),
            RecordEngine(Engine.SQLITE),
            StartApplication(wanted.how),
            AwaitHealth(Engine.SQLITE),
            *(ended if reachable else (StartStandby(),)),
        ),
        told,
    )


def closing_plan(wanted: Wanted) -> Plan[Step]:
    """What a rollback left to do because PostgreSQL was down."""
    closed = (ClosePostgresql(one, wanted.role) for one in wanted.databases)
    ended = (EndWayBack(one) for one in wanted.databases)
    steps: tuple[Step, ...] = (*closed, *ended)
    return Plan(ROLLBACK, wanted.subject, tuple(Stage((step,)) for step in steps))


def _plan(command: str, wanted: Wanted, steps: Sequence[Step], told: tuple[str, ...] = ()) -> Plan[Step]:
    stages = tuple(Stage((step,)) for step in steps)
    number, point = next((at, one) for at, one in enumerate(steps, 1) if isinstance(one, POINTS))
    side = "PostgreSQL" if isinstance(point, OpenPostgresql) else "SQLite"
    ahead = f"until step {number}, {side} holds no new writes and a failure puts everything back"
    return Plan(command, wanted.subject, stages, (ahead, *told))
