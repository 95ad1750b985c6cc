"""`opskit status`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from opskit.cli.command import Invocation, common_options
from opskit.cli.output import Outcome
from opskit.errors import ExitCode
from opskit.runs.engine_record import read_record
from opskit.runs.journal import UnfinishedRun, unfinished
from opskit.runs.plan import JsonValue, to_json
from opskit.runs.rehearsal import Rehearsal, read_rehearsals
from opskit.runs.standby_state import State, is_open, is_stale, read_state
from opskit.switch.environment import environment_engine
from opskit.switch.facts import SideFacts, read_facts
from opskit.switch.plan import CUTOVER, ROLLBACK
from opskit.switch.sides import sides
from opskit.switch.status import Status, judge


@click.command()
@common_options
def status(invocation: Invocation) -> Outcome:
    """Say which side is authoritative, and what contradicts that; exit 3 when something does.

    For each database: who takes its writes, both fences, whether PostgreSQL follows SQLite, the standby, and
    runs that did not come to their end.
    """
    loaded = invocation.configuration()
    state_dir = loaded.state_dir()
    found = tuple(sides(loaded.configuration, state_dir))
    facts = tuple(map(read_facts, found))
    engine, record = environment_engine(loaded.configuration), read_record(state_dir)
    runs = tuple(_open_runs(state_dir, ", ".join(one.name for one in found)))
    judged = judge(facts, engine, record, runs)
    standbys = {one.name: read_state(one.window.status, one.name) for one in found}
    rehearsed = read_rehearsals(state_dir)
    result: dict[str, JsonValue] = {
        "environment": engine.value,
        "record": to_json(record),
        "databases": [_as_json(one, judged, standbys[one.name], rehearsed.get(one.name)) for one in facts],
        "runs": [{"command": run.command, "run": run.run, "begun": list(run.begun)} for run in runs],
        "problems": list(judged.problems),
    }
    code = ExitCode.DIFFERENCES if judged.problems else ExitCode.DONE
    return Outcome("\n".join(_lines(facts, judged, standbys, rehearsed)), result, code)


def _open_runs(state_dir: Path, subject: str) -> Iterator[UnfinishedRun]:
    for command in (CUTOVER, ROLLBACK):
        yield from unfinished(state_dir / "runs", command, subject)


def _as_json(
    one: SideFacts, judged: Status, standby: State, rehearsed: Rehearsal | None
) -> Mapping[str, JsonValue]:
    return {
        "database": one.name,
        "authoritative": judged.authority[one.name].value,
        "sqlite": {"fence": to_json(one.sqlite), "unreadable": one.unreadable},
        "postgresql": {
            "fenced": None if one.postgresql is None else not one.postgresql.may_connect,
            "sessions": None if one.postgresql is None else one.postgresql.sessions,
            "unreachable": one.unreachable,
            "follows": one.followed,
        },
        "standby": standby.to_json(),
        "rehearsal": rehearsed and rehearsed.to_json(),
    }


def _lines(
    facts: Sequence[SideFacts],
    judged: Status,
    standbys: Mapping[str, State],
    rehearsed: Mapping[str, Rehearsal],
) -> Iterator[str]:
    for one in facts:
        yield f"{one.name}: {judged.authority[one.name].value} is authoritative"
        yield f"  SQLite      {_sqlite(one)}"
        yield f"  PostgreSQL  {_postgresql(one)}"
        yield f"  way back    {_standby(standbys[one.name])}"
        if one.name in rehearsed:
            yield f"  rehearsal   {_rehearsal(rehearsed[one.name])}"
    yield from (f"problem: {problem}" for problem in judged.problems)


def _sqlite(one: SideFacts) -> str:
    if one.unreadable:
        return one.unreadable
    return "open" if one.sqlite is None else f"fenced: {one.sqlite.says}"


def _postgresql(one: SideFacts) -> str:
    if one.postgresql is None:
        return one.unreachable or "there is no such role or schema"
    state = "open" if one.postgresql.may_connect else "closed to the application"
    followed = f", follows {one.followed}" if one.followed else ""
    return f"{state}, {one.postgresql.sessions} sessions of the application{followed}"


def _standby(state: State) -> str:
    if not is_open(state):
        return state.phase.value
    if is_stale(state, datetime.now(UTC)):
        return f"nobody follows (last at {state.at or 'never'}): opskit standby run"
    return f"ready, {state.lag_seconds} s behind" if state.ready else f"not ready: {'; '.join(state.reasons)}"


def _rehearsal(last: Rehearsal) -> str:
    ended = f"would stop writes for {last.seconds} s" if last.ok else f"failed: {last.failure}"
    return f"{ended} (at {last.at:%Y-%m-%d %H:%M} UTC)"
