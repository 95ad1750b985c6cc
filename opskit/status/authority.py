"""Which side is authoritative, as the fences say, and what contradicts that. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from opskit.config import Engine
from opskit.runs.engine_record import Record
from opskit.runs.journal import UnfinishedRun
from opskit.switch.facts import SideFacts


class Authority(Enum):
    """Who takes the application's writes."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
    NOBODY = "nobody"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Judged:
    """What is, and what is wrong with it.

    Attributes:
        authority: database → who takes its writes.
        problems: one sentence each, with the remedy.
    """

    authority: dict[str, Authority]
    problems: tuple[str, ...]


def judge(
    facts: Sequence[SideFacts], engine: Engine, record: Record | None, open_runs: Sequence[UnfinishedRun]
) -> Judged:
    """What the facts come to.

    Args:
        engine: what the application's `.env` says.
    """
    authority = {one.name: _authority(one, switched=record is not None) for one in facts}
    return Judged(authority, tuple(_problems(facts, authority, engine, record, open_runs)))


def _authority(one: SideFacts, *, switched: bool) -> Authority:
    if one.sqlite_open:
        return Authority.BOTH if one.postgresql_open and switched else Authority.SQLITE
    if one.postgresql_open or (one.unreachable and one.sqlite is not None):
        return Authority.POSTGRESQL
    return Authority.NOBODY


def _problems(
    facts: Sequence[SideFacts],
    authority: dict[str, Authority],
    engine: Engine,
    record: Record | None,
    open_runs: Sequence[UnfinishedRun],
) -> Iterator[str]:
    for run in open_runs:
        yield (
            f"{run.command} {run.run} did not come to its end:"
            f" opskit {run.command} --resume goes on, --abort goes back"
        )
    for one in facts:
        yield from _of_side(one, authority[one.name])
        if authority[one.name] in (Authority.SQLITE, Authority.POSTGRESQL):
            yield from _against(one.name, authority[one.name], engine, record)


def _of_side(one: SideFacts, authority: Authority) -> Iterator[str]:
    if one.unreadable:
        yield f"{one.name}: {one.unreadable}"
    if one.unreachable:
        yield f"{one.name}: whether PostgreSQL is open is not known: {one.unreachable}"
    if one.sqlite is not None and one.sqlite.gaps:
        yield f"{one.name}: the fence of SQLite does not cover {', '.join(one.sqlite.gaps)}"
    if authority is Authority.BOTH:
        yield f"{one.name}: both sides can be written: opskit rollback closes PostgreSQL"
    if authority is Authority.NOBODY and not one.unreadable:
        yield f"{one.name}: neither side can be written"


def _against(name: str, authority: Authority, engine: Engine, record: Record | None) -> Iterator[str]:
    if engine.value != authority.value:
        yield f"{name}: {authority.value} is authoritative, and the .env says {engine.value}"
    if record is not None and record.engine.value != authority.value:
        yield f"{name}: {authority.value} is authoritative, and engine.json says {record.engine.value}"
