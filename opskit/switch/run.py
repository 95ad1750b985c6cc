"""The flow of a switch: facts → plan → forward, and what killed runs have left."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from opskit.config import Configuration
from opskit.errors import ConfigurationError, Fault, NeedsAttention, OpskitError, Refused, Reverted
from opskit.runs.engine_record import read_record
from opskit.runs.journal import Journal, UnfinishedRun, abandon, unfinished
from opskit.runs.plan import Plan
from opskit.runs.progress import Progress
from opskit.switch.application import Control
from opskit.switch.effects import SwitchEffects, World, by_name
from opskit.switch.facts import SideFacts, read_facts, unfit, unfit_for_cutover
from opskit.switch.machine import backward, begun_in, forward, has_passed, point_of
from opskit.switch.plan import CUTOVER, ROLLBACK, Wanted, closing_plan, cutover_plan, rollback_plan
from opskit.switch.sides import Side, sides
from opskit.switch.steps import BringBack, StageFile, StartApplication, Step, StopApplication
from opskit.switch.way_back import Compared

LOG = "application.log"


@dataclass(frozen=True, slots=True)
class Survey:
    """What is to be switched, as it was found.

    Attributes:
        killed: runs of the same command that never came to an end, oldest first.
        superseded: runs of the other command that this one takes the place of.
    """

    configuration: Configuration
    state_dir: Path
    sides: tuple[Side, ...]
    facts: tuple[SideFacts, ...]
    plan: Plan[Step]
    killed: tuple[UnfinishedRun, ...]
    superseded: tuple[UnfinishedRun, ...] = ()


def survey_cutover(configuration: Configuration, state_dir: Path, *, resumed: bool = False) -> Survey:
    """Looks at both sides and plans; changes nothing.

    Args:
        resumed: a killed run goes on, or back: the world is as that has left it.

    Raises:
        Refused: a check says no, or a killed run stands in the way.
    """
    found = _look(configuration, state_dir)
    wanted = _wanted(configuration, found)
    killed = _killed(state_dir, CUTOVER, wanted.subject, resumed=resumed)
    _refuse_others(state_dir, ROLLBACK, wanted.subject)
    facts = tuple(map(read_facts, found))
    plan = cutover_plan(wanted, tuple(_left_open(facts)))
    if not resumed:
        _refuse(tuple(unfit_for_cutover(configuration, facts)))
    return Survey(configuration, state_dir, found, facts, plan, killed)


def _left_open(facts: Sequence[SideFacts]) -> Iterator[str]:
    for one in facts:
        if one.unfenceable:
            names = ", ".join(one.unfenceable)
            yield f"{one.name}: SQLite cannot refuse writes to {names}: nothing may write there any more"


def survey_rollback(configuration: Configuration, state_dir: Path, *, resumed: bool = False) -> Survey:
    """Looks at both sides and plans; changes nothing. PostgreSQL may be down.

    Raises:
        Refused: a check says no, or a killed run stands in the way.
    """
    found = _look(configuration, state_dir)
    wanted = _wanted(configuration, found)
    killed = _killed(state_dir, ROLLBACK, wanted.subject, resumed=resumed)
    facts = tuple(map(read_facts, found))
    superseded = tuple(unfinished(state_dir / "runs", CUTOVER, wanted.subject))
    if not resumed and not any(one.sqlite and (one.postgresql_open or one.unreachable) for one in facts):
        _refuse_others(state_dir, CUTOVER, wanted.subject)  # it has not opened PostgreSQL: --abort is the way
    plan = _back(wanted, facts, found, resumed=resumed, switched=read_record(state_dir) is not None)
    return Survey(configuration, state_dir, found, facts, plan, killed, superseded)


def _back(
    wanted: Wanted, facts: Sequence[SideFacts], found: Sequence[Side], *, resumed: bool, switched: bool
) -> Plan[Step]:
    down = [one for one in facts if one.unreachable]
    if not resumed:
        _refuse(tuple(Fault("sqlite_unreadable", one.unreadable) for one in facts if one.unreadable))
        if all(one.sqlite_open for one in facts):
            if switched and any(one.postgresql_open for one in facts):
                return closing_plan(wanted)
            raise Refused.of("on_sqlite", "SQLite is authoritative already", hint="see opskit status")
        _refuse(tuple(_without_file(facts, down)))
    told = tuple(_lost(one) for one in facts) if down else ()
    for one in found:
        if not resumed and one.staged.exists():
            message = f"{one.staged} is in the way"
            raise Refused.of("staged", message, hint="move it elsewhere", where=str(one.staged))
    return rollback_plan(wanted, reachable=not down, told=told)


def _without_file(facts: Sequence[SideFacts], down: Sequence[SideFacts]) -> list[Fault]:
    if not down:
        return []
    hint = "make PostgreSQL answer, then run again"
    return [
        Fault("no_file", f"{one.name}: PostgreSQL does not answer, and no file has followed", hint, one.name)
        for one in facts
        if one.at is None
    ]


def _lost(one: SideFacts) -> str:
    moment = f"{one.at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC" if one.at else "no moment"
    why = one.unreachable or "the other database's server does not answer"
    return f"{one.name}: writes after {moment} do not come back: {why}"


@dataclass(frozen=True, slots=True)
class Done:
    """A switch that came to its end.

    Attributes:
        pause: seconds between the application's end and its start, in which nobody could write.
        away: the same with its end and its start.
        seconds: of each step, by its title.
        compared: database → what of it was compared when; only for databases that were.
    """

    plan: Plan[Step]
    pause: float
    away: float
    seconds: Mapping[str, float]
    compared: Mapping[str, Compared]


def switch(found: Survey, progress: Progress) -> Done:
    """Performs the plan; the caller holds the state directory.

    Raises:
        Reverted: a step failed, and everything was put back.
        NeedsAttention: one failed that cannot be put back.
    """
    with _running(found, progress) as (effects, journal):
        took = forward(found.plan, effects, journal)
    return _done(found.plan, took, effects.compared)


def resume(found: Survey, progress: Progress) -> Done:
    """Continues what was killed; what it tells of times is of what it did itself.

    Raises:
        Refused: nothing was, or PostgreSQL answers again that was given up.
        Reverted: a step failed, and everything was put back.
        NeedsAttention: one failed that cannot be put back.
    """
    begun = begun_in(_some(found))
    with _running(found, progress) as (effects, journal):
        passed = has_passed(found.plan, effects, begun)
        if not passed:
            _refuse_fresher(found, begun)
        begin = point_of(found.plan) if passed else 0
        took = forward(found.plan, effects, journal, begun, begin=begin)
    return _done(found.plan, took, effects.compared)


def abort(found: Survey, progress: Progress) -> None:
    """Walks back what was killed.

    Raises:
        Refused: nothing was, or the point is passed.
        NeedsAttention: something cannot be put back.
    """
    begun = begun_in(_some(found))
    with _running(replace(found, superseded=()), progress) as (effects, journal):
        backward(found.plan, effects, journal, begun)


def _done(plan: Plan[Step], took: Mapping[str, float], compared: Mapping[str, Compared]) -> Done:
    titles = [one.title for one in plan.steps]
    ends = [one.title for one in plan.steps if isinstance(one, StopApplication | StartApplication)]
    if len(ends) < 2:
        return Done(plan, 0.0, 0.0, took, compared)
    away = titles[titles.index(ends[0]) : titles.index(ends[1]) + 1]
    seconds = [took.get(title, 0.0) for title in away]
    return Done(plan, sum(seconds[1:-1]), sum(seconds), took, compared)


def _refuse_fresher(found: Survey, begun: frozenset[str]) -> None:
    """A file that was taken without PostgreSQL is not what PostgreSQL holds, when that is back."""
    titles = {type(one): one.title for one in found.plan.steps}
    last = [one.title for one in found.plan.steps if isinstance(one, BringBack)]
    if StageFile in titles and last and titles[StageFile] in begun and last[-1] not in begun:
        raise Refused.of(
            "answers_again",
            "PostgreSQL answers again, and holds more than the files that were taken without it",
            hint="opskit rollback --abort, then opskit rollback",
        )


@contextmanager
def _running(found: Survey, progress: Progress) -> Generator[tuple[SwitchEffects, Journal]]:
    """A run, under the name of the first that was killed; with its end, those are over too."""
    with Journal(found.state_dir / "runs", found.plan.command, found.plan.subject) as journal:
        first = found.killed[0].run if found.killed else journal.run
        try:
            with closing(SwitchEffects(_world(found, first), progress)) as effects:
                yield effects, journal
        except Reverted:
            _over(found.killed)
            raise
        except NeedsAttention:
            raise
        except OpskitError:
            journal.write("reverted", faults=[])  # nothing was begun; what was killed stays open
            raise
    _over((*found.killed, *found.superseded))


def _over(runs: Iterable[UnfinishedRun]) -> None:
    for one in runs:
        abandon(one)


def _world(found: Survey, run: str) -> World:
    configuration = found.configuration
    env_file = configuration.application.env_file
    if env_file is None:
        raise ConfigurationError.of("env_file_missing", "application.env_file is not set")
    moment = datetime.strptime(run.split("-", maxsplit=1)[0], "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
    control = _control(configuration, found.state_dir)
    return World(configuration, by_name(found.sides), env_file, control, found.state_dir, moment, run)


def _control(configuration: Configuration, state_dir: Path) -> Control:
    application = configuration.application
    return Control(application, state_dir / LOG, application.patience)


def _look(configuration: Configuration, state_dir: Path) -> tuple[Side, ...]:
    _refuse(tuple(unfit(configuration)))
    return tuple(sides(configuration, state_dir))


def _wanted(configuration: Configuration, found: Sequence[Side]) -> Wanted:
    how = _control(configuration, Path()).how
    return Wanted(tuple(one.name for one in found), configuration.postgresql.user or "", how)


def _killed(state_dir: Path, command: str, subject: str, *, resumed: bool) -> tuple[UnfinishedRun, ...]:
    killed = tuple(unfinished(state_dir / "runs", command, subject))
    if killed and not resumed:
        _refuse_others(state_dir, command, subject)
    return killed


def _refuse_others(state_dir: Path, command: str, subject: str) -> None:
    for one in unfinished(state_dir / "runs", command, subject):
        raise Refused.of(
            "run_open",
            f"{command} {one.run} did not come to its end",
            hint=f"opskit {command} --resume continues it, --abort puts everything back",
            where=str(one.file),
        )


def _some(found: Survey) -> tuple[UnfinishedRun, ...]:
    if not found.killed:
        message = f"no {found.plan.command} was interrupted"
        raise Refused.of("nothing_open", message, hint="see opskit status")
    return found.killed


def _refuse(faults: tuple[Fault, ...]) -> None:
    if faults:
        raise Refused(*faults)
