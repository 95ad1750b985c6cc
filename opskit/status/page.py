"""The page as text, and the same for programs. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from opskit.runs.backup_status import Attempt
from opskit.runs.plan import JsonValue, to_json
from opskit.runs.rehearsal import Rehearsal
from opskit.runs.standby_state import State, is_open, is_stale
from opskit.status.authority import Judged
from opskit.status.checklist import DRILL, Item
from opskit.status.facts import DatabaseFacts, Facts

_MEGABYTE = 2**20


def as_json(facts: Facts, judged: Judged, items: Sequence[Item]) -> Mapping[str, JsonValue]:
    """For programs."""
    return {
        "environment": facts.engine.value,
        "record": to_json(facts.record),
        "databases": [_database(one, judged) for one in facts.databases],
        "exporter": {"listen": facts.exporter, "silent": facts.silent},
        "runs": [{"command": run.command, "run": run.run, "begun": list(run.begun)} for run in facts.runs],
        "problems": list(judged.problems),
        "checklist": to_json(items),
    }


def _database(one: DatabaseFacts, judged: Judged) -> Mapping[str, JsonValue]:
    side, contents = one.side, one.contents
    return {
        "database": one.name,
        "authoritative": judged.authority[one.name].value,
        "sqlite": {
            "fence": to_json(side.sqlite),
            "unfenceable": list(side.unfenceable),
            "unreadable": side.unreadable,
            "bytes": one.sqlite_bytes,
        },
        "postgresql": {
            "fenced": None if side.postgresql is None else not side.postgresql.may_connect,
            "sessions": None if side.postgresql is None else side.postgresql.sessions,
            "unreachable": side.unreachable,
            "follows": side.followed,
            "bytes": contents and contents.size,
            "tables": contents and contents.tables,
        },
        "migration": {
            "finished": _iso(one.migrated),
            "waiting": one.following and one.following.waiting,
        },
        "standby": one.standby.to_json(),
        "slot": to_json(one.slot),
        "rehearsal": one.rehearsal and one.rehearsal.to_json(),
        "backups": _backups(one),
    }


def _backups(one: DatabaseFacts) -> JsonValue:
    if one.backups is None:
        return None
    checks = {level: _attempt(found) for level, found in one.backups.checks.items()}
    return {
        "last": _attempt(one.backups.create),
        "last_good": _attempt(one.backups.last_good),
        "checks": checks,
    }


def _attempt(one: Attempt | None) -> JsonValue:
    return one and {"at": _iso(one.at), "ok": one.ok, "seconds": one.seconds, "bytes": one.size}


def _iso(at: datetime | None) -> str | None:
    return at and at.isoformat(timespec="seconds")


def as_text(facts: Facts, judged: Judged, items: Sequence[Item], now: datetime) -> str:
    """For people."""
    return "\n".join(_lines(facts, judged, items, now))


def _lines(facts: Facts, judged: Judged, items: Sequence[Item], now: datetime) -> Iterator[str]:
    for one in facts.databases:
        yield f"{one.name}: {judged.authority[one.name].value} is authoritative"
        yield f"  SQLite      {_sqlite(one)}"
        yield f"  PostgreSQL  {_postgresql(one)}"
        yield f"  migration   {_migration(one)}"
        yield f"  way back    {_way_back(one, now)}"
        if one.rehearsal:
            yield f"  rehearsal   {_rehearsal(one.rehearsal)}"
        yield f"  backup      {_backup(one)}"
    yield from (f"problem: {problem}" for problem in judged.problems)
    yield "checklist:"
    yield from map(_item, items)


def _sqlite(one: DatabaseFacts) -> str:
    if one.side.unreadable:
        return one.side.unreadable
    fence, open_ = one.side.sqlite, ", ".join(one.side.unfenceable)
    if fence is None:
        return f"open{_sized(one.sqlite_bytes)}"
    but = f" (but for {open_})" if open_ else ""
    return f"fenced{but}: {fence.says}{_sized(one.sqlite_bytes)}"


def _postgresql(one: DatabaseFacts) -> str:
    found = one.side.postgresql
    if found is None:
        return one.side.unreachable or "there is no such role or schema"
    state = "open" if found.may_connect else "closed to the application"
    size = one.contents and one.contents.size
    return f"{state}, {found.sessions} sessions of the application{_sized(size)}"


def _migration(one: DatabaseFacts) -> str:
    if one.contents is None:
        return "not known"
    if not one.contents.tables:
        return "not yet: PostgreSQL has no tables"
    finished = f"finished {_minute(one.migrated)}" if one.migrated else "finished, not by this host's opskit"
    if one.following is None:
        return finished
    waiting = "" if one.following.waiting is None else f", {one.following.waiting:,} changes wait"
    return f"{finished}; follows {one.following.source}{waiting}"


def _way_back(one: DatabaseFacts, now: datetime) -> str:
    state, slot = one.standby, one.slot
    if slot is None:
        return _standby(state, now)
    if slot.lost:
        return f"{_standby(state, now)}; the log for it is lost (max_slot_wal_keep_size)"
    safe = "" if slot.safe is None else f", {_megabytes(slot.safe)} more are safe"
    return f"{_standby(state, now)}; the server keeps {_megabytes(slot.retained)} of log for it{safe}"


def _standby(state: State, now: datetime) -> str:
    if not is_open(state):
        return state.phase.value
    if is_stale(state, now):
        return f"nobody follows (last at {state.at or 'never'}): opskit standby run"
    if state.ready:
        return f"ready, {state.lag_seconds} s behind"
    return f"not ready: {'; '.join(state.reasons)}"


def _rehearsal(last: Rehearsal) -> str:
    ended = f"would stop writes for {last.seconds} s" if last.ok else f"failed: {last.failure}"
    return f"{ended} ({_minute(last.at)})"


def _backup(one: DatabaseFacts) -> str:
    told = one.backups
    if told is None:
        return "not known: what is told of the backups cannot be read"
    if told.create is None:
        return "none"
    made = told.last_good
    last = f"made {_minute(made.at)}{_sized(made.size)}" if made else "none that is good"
    failed = "" if told.create.ok else f"; the last one failed {_minute(told.create.at)}"
    drill = told.checks.get(DRILL)
    drilled = f"drill {'passed' if drill.ok else 'FAILED'} {_minute(drill.at)}" if drill else "no drill yet"
    return f"{last}{failed}; {drilled}"


def _item(one: Item) -> str:
    return " ".join(
        filter(
            None,
            (
                f"  [{'x' if one.done else ' '}] {one.title}",
                one.detail and f"({one.detail})",
                one.command and f"-> {one.command}",
            ),
        )
    )


def _sized(size: int | None) -> str:
    return "" if size is None else f", {_megabytes(size)}"


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:,.1f} MB"


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
