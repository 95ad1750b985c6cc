"""What the steps of a switch do to the world, and how it is seen whether they are done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import assert_never

from opskit.capture.following import forget
from opskit.capture.watch import end_watch
from opskit.config import Configuration, Engine
from opskit.runs.engine_record import read_record, write_record
from opskit.runs.progress import Progress
from opskit.switch.application import Control, await_nobody
from opskit.switch.bridge import Bridge, catch_up
from opskit.switch.environment import environment_engine, switch_environment
from opskit.switch.gate import await_health
from opskit.switch.postgresql_fence import close, read_fence, reopen, session
from opskit.switch.sides import Side
from opskit.switch.sqlite_fence import fence, unfence
from opskit.switch.sqlite_fence import read_fence as read_sqlite_fence
from opskit.switch.steps import (
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
from opskit.switch.swap import stage, swap, unstage
from opskit.switch.way_back import (
    Compared,
    disarm,
    discard,
    is_armed,
    restart_service,
    start_service,
    stop_service,
)


@dataclass(frozen=True, slots=True)
class World:
    """What a switch works on.

    Attributes:
        moment: when the switch was begun, also by a run that was killed; `run` is that run.
    """

    configuration: Configuration
    sides: Mapping[str, Side]
    env_file: Path
    control: Control
    state_dir: Path
    moment: datetime
    run: str

    @property
    def files(self) -> tuple[Path, ...]:
        """The application's SQLite files."""
        return tuple(side.file for side in self.sides.values())


class SwitchEffects:
    """The effects; see `machine.Effects`. To be closed at the end.

    Attributes:
        compared: database → what of it was compared when, as soon as that is known.
    """

    def __init__(self, world: World, progress: Progress) -> None:
        self._world = world
        self._progress = progress
        self.compared: dict[str, Compared] = {}
        self._bridges = {name: Bridge(side) for name, side in world.sides.items()}

    def close(self) -> None:
        """Lets go what is open."""
        for one in self._bridges.values():
            one.close()

    def is_so(self, step: Step) -> bool:
        """Is what the step does done already? False where only doing it again tells."""
        world = self._world
        match step:
            case CompareAll():
                return self._fenced(step.database)
            case OpenWayBack():
                return is_armed(world.sides[step.database].window, world.moment)
            case OpenPostgresql():
                return self._fenced(step.database) and not self._closed(world.sides[step.database])
            case SwitchEnvironment():
                return environment_engine(world.configuration) is step.engine
            case RecordEngine():
                record = read_record(world.state_dir)
                return record is not None and record.run == world.run and record.engine is step.engine
            case CatchUp():
                back = step.engine is Engine.SQLITE
                return all(
                    self._is_back(BringBack(one)) if back else self._fenced(one) for one in world.sides
                )
            case BringBack() | StageFile() | SwapFile():
                return self._is_back(step)
            case _:
                return False

    def perform(self, step: Step) -> None:
        """Makes it so."""
        self._progress.stage(step.title)
        match step:
            case StopApplication() | StartApplication() | AwaitHealth() | SwitchEnvironment():
                self._perform_application(step)
            case RecordEngine():
                write_record(self._world.state_dir, step.engine, self._world.run)
            case StopStandby():
                stop_service(self._world.configuration, self._world.state_dir)
            case StartStandby():
                start_service()
            case CatchUp():
                catch_up(tuple(self._bridges.values()), step.engine)
            case BringBack() | StageFile() | SwapFile() | EndWayBack():
                self._perform_back(step, self._world.sides[step.database])
            case _:
                self._perform_over(step, self._world.sides[step.database])

    def revert(self, step: Step) -> None:
        """Puts it back, also when it was performed only in part or not at all."""
        world = self._world
        match step:
            case CompareAll():
                discard(world.sides[step.database].window)
            case OpenWayBack():
                self._bridges[step.database].close()
                disarm(world.sides[step.database].window)
            case StopApplication():
                world.control.start_anew(self._progress)
            case FenceSqlite():
                unfence(world.sides[step.database].file)
            case SwitchEnvironment():
                switch_environment(world.env_file, _other(step.engine))
            case StopStandby():
                restart_service()
            case StageFile():
                side = world.sides[step.database]
                unstage(side.window.file, side.staged)
            case ClosePostgresql():
                self._reopen(world.sides[step.database])
            case _:  # nothing is left of it, or it comes after the point
                pass

    def _perform_application(
        self, step: StopApplication | StartApplication | AwaitHealth | SwitchEnvironment
    ) -> None:
        world = self._world
        match step:
            case StopApplication():
                world.control.stop(self._progress)
                await_nobody(world.files, world.control.patience)
            case StartApplication():
                world.control.start(self._progress)
            case AwaitHealth():
                await_health(tuple(world.sides.values()), world.control, step.engine)
            case SwitchEnvironment():
                switch_environment(world.env_file, step.engine)
            case _:
                assert_never(step)

    def _perform_over(
        self,
        step: ClosePostgresql
        | CompareAll
        | OpenWayBack
        | FenceSqlite
        | DrainLast
        | LevelWayBack
        | OpenPostgresql
        | EndFollowing,
        side: Side,
    ) -> None:
        match step:
            case ClosePostgresql():
                self._close(side)
            case CompareAll():
                self._bridges[side.name].compare()
            case OpenWayBack():
                self._bridges[side.name].arm()
            case FenceSqlite():
                since = f"{self._world.moment:%Y-%m-%d %H:%M:%S} UTC"
                fence(side.file, f"opskit: the data is in PostgreSQL database {side.target} since {since}")
            case DrainLast():
                self._bridges[side.name].drain()
            case LevelWayBack():
                self.compared[side.name] = self._bridges[side.name].bring_back(last=True)
            case OpenPostgresql():
                with session(side.window.owner, side.name) as connection:
                    reopen(connection, side.shut)
            case EndFollowing():
                self._bridges[side.name].close()
                end_watch(side.file)
                with session(side.window.owner, side.name) as connection:
                    forget(connection, side.shut.schema)
            case _:
                assert_never(step)

    def _perform_back(self, step: BringBack | StageFile | SwapFile | EndWayBack, side: Side) -> None:
        match step:
            case BringBack():
                self.compared[side.name] = self._bridges[side.name].bring_back(last=True)
            case StageFile():
                self._bridges[side.name].close()
                stage(side.window.file, side.staged)
            case SwapFile():
                swap(side.staged, side.file, side.kept(f"{self._world.moment:%Y%m%dT%H%M%S}"))
            case EndWayBack():
                disarm(side.window)
            case _:
                assert_never(step)

    def _fenced(self, database: str) -> bool:
        return read_sqlite_fence(self._world.sides[database].file) is not None

    def _is_back(self, step: BringBack | StageFile | SwapFile) -> bool:
        """The standby's file is taken only when it is level, and has no fence when it takes its place."""
        side = self._world.sides[step.database]
        is_taken = not isinstance(step, SwapFile) and side.staged.exists()
        return is_taken or not self._fenced(side.name)

    def _closed(self, side: Side) -> bool:
        with session(side.window.owner, side.name) as connection:
            found = read_fence(connection, side.shut)
        return found is None or not found.may_connect

    def _close(self, side: Side) -> None:
        says = f"since {self._world.moment:%Y-%m-%d %H:%M:%S} UTC: the data is in SQLite, {side.file}"
        with session(side.window.owner, side.name) as connection:
            close(connection, side.shut, says, self._world.control.patience)

    def _reopen(self, side: Side) -> None:
        """Only where PostgreSQL is authoritative, which is where SQLite is fenced."""
        if self._fenced(side.name):
            with session(side.window.owner, side.name) as connection:
                reopen(connection, side.shut)


def _other(engine: Engine) -> Engine:
    return Engine.SQLITE if engine is Engine.POSTGRESQL else Engine.POSTGRESQL


def by_name(sides: Sequence[Side]) -> Mapping[str, Side]:
    """The databases by their configured names."""
    return {side.name: side for side in sides}
