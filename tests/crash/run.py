"""A scenario, performed: what strikes, what an operator then does, and what must hold after each phase."""

import signal
import time
from collections.abc import Sequence

from opskit.config import Engine
from opskit.errors import ExitCode
from tests.crash.checker import given_twice, lost, refusals, two_sided, wrong_words
from tests.crash.rows import unsound
from tests.crash.scenario import DATABASES, Fault, Kind, Phase, Then
from tests.crash.world import STRAYS, WRITERS, World
from tests.support import Result

KILLED = -9
STRUCK = (KILLED, *(ExitCode.FAILED, ExitCode.USAGE, ExitCode.REFUSED, ExitCode.REVERTED, ExitCode.ATTENTION))
"""How opskit may end when something strikes: never as if it were a mistake of its own."""

_TRIES = {
    Then.RESUME: ("--resume", "", "--abort", ""),
    Then.AGAIN: ("", "--resume", "--abort", ""),
    Then.ABORT: ("--abort", "", "--resume", ""),
}
"""What an operator tries, one after the other, as long as opskit refuses it and says why."""

_SKIPPED = 32
"""PostgreSQL's log is so many keys ahead (SEQ_LOG_VALS): after a crash it goes on behind them."""

_MOMENT = 1.0
_PATIENCE = 60.0


def perform(world: World) -> None:
    """Performs a world's scenario from beginning to end."""
    world.start()
    for phase, fault in world.scenario.faults.items():
        world.tell(phase.value)
        match phase:
            case Phase.FOLLOW | Phase.FOLLOW_AGAIN:
                _follow(world, fault)
                _check(world, Engine.SQLITE)
            case Phase.CUTOVER | Phase.CUTOVER_AGAIN:
                _switch(world, "cutover", fault, Engine.POSTGRESQL)
                _check(world, Engine.POSTGRESQL)
            case Phase.LIVE:
                _live(world, fault)
            case Phase.ROLLBACK:
                _switch(world, "rollback", fault, Engine.SQLITE)
                _check(world, Engine.SQLITE)
    _check_history(world)


def _follow(world: World, fault: Fault) -> None:
    world.empty_postgresql()
    begin = ("migrate", "--follow", "--yes")
    result = world.struck(fault, fault.entries[0], *begin)
    resume, unfollow = (*begin, "--resume"), ("migrate", "--unfollow", "--yes")
    if result.code == KILLED and fault.then is Then.RESUME:
        result = world.struck(fault, fault.entries[1], *resume)
    if result.code == 0:
        return
    assert result.code in STRUCK, result
    tries: dict[Then, Sequence[tuple[str, ...]]] = {
        Then.RESUME: (resume, begin, unfollow, begin),
        Then.AGAIN: (begin, resume, unfollow, begin),
        Then.ABORT: (unfollow, begin),
    }
    for one in tries[fault.then]:
        if one == unfollow:
            _succeeds(world.run(*unfollow))
            world.empty_postgresql()
            continue
        result = world.run(*one)
        assert result.code in (0, ExitCode.REFUSED), result
        if result.code == 0:
            return
    raise AssertionError(result)


def _switch(world: World, command: str, fault: Fault, engine: Engine) -> None:
    """Forward, whatever strikes; the other side is where it is put back to."""
    world.begin_window(engine)
    result = world.struck(fault, fault.entries[0], command, "--yes")
    for entry in fault.entries[1:]:
        if result.code == KILLED and fault.then is not Then.ABORT:
            result = world.struck(fault, entry, command, "--resume", "--yes")
    if result.code == 0:
        return
    assert result.code in STRUCK, result
    if result.code == ExitCode.REVERTED:
        _is_settled(world, _other(engine))
    _go_on(world, command, fault.then, engine)


def _go_on(world: World, command: str, then: Then, engine: Engine) -> None:
    for flag in _TRIES[then]:
        world.begin_window(engine)
        result = world.run(command, "--yes", *filter(None, (flag,)))
        assert result.code in (0, ExitCode.REFUSED), result
        if result.code == 0 and flag == "--abort":
            _is_settled(world, _other(engine))
        elif result.code == 0 or _had_ended(world, result, engine):
            return
    raise AssertionError(f"{command} does not come to its end")


def _had_ended(world: World, result: Result, engine: Engine) -> bool:
    """Whether it was killed behind its end: there is nothing to go on with, and the engine is in charge."""
    if [one["code"] for one in result.document["errors"]] != ["nothing_open"]:
        return False
    return {one["authoritative"] for one in world.status()["databases"]} == {engine.value}


def _live(world: World, fault: Fault) -> None:
    standby = world.start_opskit("standby", "run")
    try:
        begun = world.acknowledged()
        for entry in fault.entries:
            _await_writes(world, begun + entry)
            world.strike(fault, standby)
            if fault.kind is Kind.KILL_OPSKIT:
                world.ended(standby, "standby run")
                standby = world.start_opskit("standby", "run")
            else:
                time.sleep(_MOMENT if fault.lasts is None else fault.lasts)
                world.mend(fault)
        _await_writes(world, world.acknowledged() + 5)
        _await_readiness(world)
    finally:
        standby.signal(signal.SIGTERM)
        world.ended(standby, "standby run")


def _await_writes(world: World, count: int) -> None:
    until = time.monotonic() + _PATIENCE
    while world.acknowledged() < count:
        assert time.monotonic() < until, "writers do not come on"
        time.sleep(0.05)


def _await_readiness(world: World) -> None:
    until = time.monotonic() + _PATIENCE
    while (result := world.run("standby", "status")).code:
        assert time.monotonic() < until, result
        time.sleep(0.3)


def _is_settled(world: World, engine: Engine) -> None:
    """`opskit status` is of one mind with the world, and the application writes there."""
    status = world.status()
    assert status["problems"] == []
    assert {one["authoritative"] for one in status["databases"]} == {engine.value}
    _await_writes(world, world.acknowledged() + 2)


def _check(world: World, engine: Engine) -> None:
    """Each acknowledged write is there, once, on that side."""
    _is_settled(world, engine)
    world.stop()
    notes = world.notes()
    for name in DATABASES:
        found = world.found(name, engine)
        wrong = list(lost(world.scenario.seed, name, (*WRITERS, *STRAYS), notes, found))
        skipped = _SKIPPED if engine is Engine.SQLITE else 0
        wrong += given_twice(found, world.found(name, _other(engine)), skipped=skipped)
        if engine is Engine.SQLITE:
            wrong += unsound(world.file(name))
        assert not wrong, "\n".join([f"{name} on {engine.value}:", *wrong])
    world.start()


def _check_history(world: World) -> None:
    notes = world.notes()
    wrong = [*two_sided(notes, world.windows), *wrong_words(notes)]
    assert not wrong, "\n".join(wrong)
    told = refusals((one for one in notes if one.writer == "s0"), Engine.SQLITE)
    assert any("the data is in PostgreSQL database" in one for one in told), told


def _other(engine: Engine) -> Engine:
    return Engine.SQLITE if engine is Engine.POSTGRESQL else Engine.POSTGRESQL


def _succeeds(result: Result) -> None:
    assert result.code == 0, result
