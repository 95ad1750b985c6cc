"""From a seed follows what is done, and what strikes it. Pure.

What strikes, where and what follows is drawn; which kind strikes in which phase, and at which entry of a
journal opskit is killed, is dealt in turn, so that the first seeds together leave none out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from random import Random

from opskit.switch.plan import Wanted, cutover_plan, rollback_plan

DATABASES = ("main", "walmart")
RUNS = 60
"""How many seeds come together to everything."""


class Phase(Enum):
    """What is done, in this order; the last two are left out now and then."""

    FOLLOW = "migrate --follow"
    CUTOVER = "cutover"
    LIVE = "life on PostgreSQL"
    ROLLBACK = "rollback"
    FOLLOW_AGAIN = "migrate --follow after a rollback"
    CUTOVER_AGAIN = "cutover after a rollback"


class Kind(Enum):
    """What strikes."""

    KILL_OPSKIT = "kill opskit"
    KILL_WRITERS = "kill the writers"
    KILL_SERVER = "kill PostgreSQL"
    STOP_SERVER = "suspend PostgreSQL"
    CUT_SESSIONS = "end all sessions of PostgreSQL"
    FILL_HOST = "fill the disk of the files and the state directory"
    FILL_SERVER = "fill the disk of PostgreSQL"


class Then(Enum):
    """What an operator does about a run that did not come to its end."""

    RESUME = "resume"
    ABORT = "abort"
    AGAIN = "the same command"


@dataclass(frozen=True, slots=True)
class Fault:
    """What strikes a phase.

    Attributes:
        entries: behind which entry of its journal opskit is when it strikes; with several, opskit is resumed
            and struck again. In life on PostgreSQL: acknowledged writes since the phase began.
        delay: seconds that opskit goes on meanwhile; 0: it is held at the entry.
        lasts: seconds until it is mended; None: until opskit has ended.
    """

    kind: Kind
    entries: tuple[int, ...]
    delay: float
    lasts: float | None
    then: Then


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run.

    Attributes:
        by_log: the standby reads PostgreSQL's log; otherwise it compares.
        with_node: one of the writers is a Node program, the others use the adapters.
        faults: what strikes in each phase, in the order of phases.
    """

    seed: int
    by_log: bool
    with_node: bool
    faults: dict[Phase, Fault]

    def __str__(self) -> str:
        method = "by log" if self.by_log else "by comparing"
        others = ", a writer in Node" if self.with_node else ""
        lines = (f"  {phase.value}: {_told(fault)}" for phase, fault in self.faults.items())
        return "\n".join([f"seed {self.seed}, the standby follows {method}{others}", *lines])


_WANTED = Wanted(DATABASES, "application", "application.stop and application.start")
_TURNS = (
    *(Kind.KILL_OPSKIT, Kind.CUT_SESSIONS, Kind.KILL_OPSKIT, Kind.KILL_SERVER, Kind.KILL_OPSKIT),
    *(Kind.KILL_WRITERS, Kind.FILL_HOST, Kind.KILL_OPSKIT, Kind.STOP_SERVER, Kind.FILL_SERVER),
)
_LASTS = (0.3, 0.3, None)
_LONG = 5.0
"""Seconds of silence after which opskit gives up here; it need not be the first to end."""

_STRIDE = 37
"""From one kill to the next of a phase; a prime, so that they come to all entries, and far apart at first."""

_RARE = 3
"""One in so many runs moves a second time, another one has a writer in Node."""

ENTRIES = {
    Phase.FOLLOW: 220,
    Phase.CUTOVER: 2 * len(cutover_plan(_WANTED).steps),
    Phase.LIVE: 120,
    Phase.ROLLBACK: 2 * len(rollback_plan(_WANTED, reachable=True).steps),
}
"""How many entries the journals of a phase have: the intent and the end of each step, or about as many."""

_AS: dict[Phase, Phase] = {Phase.FOLLOW_AGAIN: Phase.FOLLOW, Phase.CUTOVER_AGAIN: Phase.CUTOVER}


def scenario(seed: int) -> Scenario:
    """The run of a seed.

    >>> scenario(7) == scenario(7)
    True
    """
    chance = Random(seed)
    return Scenario(seed, chance.random() < 0.5, seed % _RARE == 1, dict(_faults(seed, chance)))


def entries_of(phase: Phase) -> int:
    """How many entries there are at which a phase can be struck."""
    return ENTRIES[_AS.get(phase, phase)]


def _faults(seed: int, chance: Random) -> Iterator[tuple[Phase, Fault]]:
    for phase in Phase:
        if phase not in _AS:
            yield phase, _fault(phase, seed, chance)
        elif seed % _RARE == 0:
            yield phase, _fault(phase, seed // _RARE, chance)


def _fault(phase: Phase, turn: int, chance: Random) -> Fault:
    kind, count = _kind(phase, turn), entries_of(phase)
    if kind is Kind.KILL_OPSKIT:
        half = -(-count // 2)
        first = 1 + _STRIDE * sum(_kind(phase, one) is kind for one in range(turn)) % half
        entries, delay = (first, first + half), chance.choice((0.0, 0.0, 0.0, chance.uniform(0, 0.2)))
    else:
        entries, delay = (chance.randint(1, count),), chance.choice((0.0, chance.uniform(0, 0.3)))
    lasts = chance.choice(_LASTS)
    if kind is Kind.STOP_SERVER and lasts is None:
        lasts = _LONG
    return Fault(kind, entries, round(delay, 3), lasts, chance.choice(tuple(Then)))


def _kind(phase: Phase, turn: int) -> Kind:
    return _TURNS[(turn + 3 * tuple(Phase).index(phase)) % len(_TURNS)]


def _told(fault: Fault) -> str:
    when = ", ".join(map(str, fault.entries))
    later = f" and {fault.delay:.3f} s" if fault.delay else ""
    lasts = "until opskit ends" if fault.lasts is None else f"for {fault.lasts} s"
    return f"{fault.kind.value} at entry {when}{later}, {lasts}, then {fault.then.value}"
