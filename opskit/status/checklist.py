"""What is done of a migration, from the bare host to the closed way back. Pure: facts in, items out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from opskit.config import Engine
from opskit.runs.backup_status import Attempt
from opskit.runs.standby_state import Phase, is_stale
from opskit.status.authority import Authority, Judged
from opskit.status.facts import DatabaseFacts, Facts

DRILL = "drill"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do.

    Attributes:
        detail: since when, or what is missing; may be empty.
        command: what does it, empty when it is done.
    """

    title: str
    done: bool
    detail: str = ""
    command: str = ""


def checklist(facts: Facts, judged: Judged, now: datetime) -> tuple[Item, ...]:
    """The items, in the order in which they are done."""
    moved = all(one is Authority.POSTGRESQL for one in judged.authority.values())
    return (
        _each(facts, "provisioned", _not_provisioned, "opskit provision"),
        _each(facts, "backup taken", _no_backup, "opskit backup create", _backed_up),
        _each(facts, "drill passed", _no_drill, f"opskit backup verify --level {DRILL}", _drilled),
        _each(facts, "migrated", _not_migrated, "opskit migrate --follow", _migrated),
        _following(facts, moved=moved),
        _compared(facts),
        _exporter(facts),
        _cutover(facts, moved=moved),
        *_way_back(facts, now, moved=moved),
    )


def _each(
    facts: Facts,
    title: str,
    missing: Callable[[DatabaseFacts], str],
    command: str,
    since: Callable[[DatabaseFacts], datetime | None] = lambda _: None,
) -> Item:
    """Done when nothing is missing for any database; the oldest moment counts."""
    gaps = [f"{one.name}: {gap}" for one in facts.databases if (gap := missing(one))]
    if gaps:
        return Item(title, False, "; ".join(gaps), command)
    return Item(title, True, _oldest([at for one in facts.databases if (at := since(one))]))


def _not_provisioned(one: DatabaseFacts) -> str:
    if one.side.unreachable:
        return one.side.unreachable
    return "" if one.side.postgresql else "there is no such role or schema"


def _no_backup(one: DatabaseFacts) -> str:
    if one.backups is None:
        return "what is told of the backups cannot be read"
    if one.backups.last_good is None:
        return "none"
    tried = one.backups.create
    return f"the last one failed ({_moment(tried.at)})" if tried and not tried.ok else ""


def _no_drill(one: DatabaseFacts) -> str:
    found = _drill(one)
    if found is None:
        return "none"
    return "" if found.ok else f"the last one failed ({_moment(found.at)})"


def _drill(one: DatabaseFacts) -> Attempt | None:
    return one.backups.checks.get(DRILL) if one.backups else None


def _backed_up(one: DatabaseFacts) -> datetime | None:
    made = one.backups.last_good if one.backups else None
    return made and made.at


def _drilled(one: DatabaseFacts) -> datetime | None:
    found = _drill(one)
    return found and found.at


def _not_migrated(one: DatabaseFacts) -> str:
    if one.contents is None:
        return "PostgreSQL does not answer"
    return "" if one.contents.tables else "PostgreSQL has no tables"


def _migrated(one: DatabaseFacts) -> datetime | None:
    return one.migrated


def _following(facts: Facts, *, moved: bool) -> Item:
    title = "PostgreSQL follows SQLite"
    if moved:
        return Item(title, True, "until the cutover")
    item = _each(facts, title, lambda one: "" if one.following else "no", "opskit migrate --follow")
    waiting = sum(one.following.waiting or 0 for one in facts.databases if one.following)
    return Item(title, True, f"{waiting:,} changes wait for --follow") if item.done and waiting else item


def _compared(facts: Facts) -> Item:
    """A migration ends with a comparison of every row, and the standby compares every table once a day."""
    return _each(
        facts,
        "compared row by row",
        lambda one: "" if _verified(one) else "never",
        "opskit verify",
        _verified,
    )


def _verified(one: DatabaseFacts) -> datetime | None:
    by_standby = datetime.fromisoformat(one.standby.verified) if one.standby.verified else None
    return max(filter(None, (by_standby, one.migrated)), default=None)


def _exporter(facts: Facts) -> Item:
    command = "systemctl enable --now opskit-exporter.socket opskit-exporter.service"
    title = f"exporter answers at {facts.exporter}"
    return Item(title, False, facts.silent, command) if facts.silent else Item(title, True)


def _cutover(facts: Facts, *, moved: bool) -> Item:
    since = f"since {facts.record.since[:16].replace('T', ' ')} UTC" if facts.record else ""
    if moved:
        return Item("cutover done", True, since)
    came_back = facts.record is not None and facts.record.engine is Engine.SQLITE
    return Item("cutover done", False, f"back on SQLite {since}" if came_back else "", "opskit cutover")


def _way_back(facts: Facts, now: datetime, *, moved: bool) -> Iterator[Item]:
    if moved and all(one.standby.phase is Phase.ENDED for one in facts.databases):
        yield Item("way back closed", True)
        return
    after = "" if moved else "after the cutover"
    open_, command = "way back open, without loss", "opskit standby status"
    yield (
        _each(facts, open_, lambda one: _not_ready(one, now), command) if moved else Item(open_, False, after)
    )
    rehearsed, command = "way back rehearsed", "opskit rollback --rehearse"
    yield (
        _each(facts, rehearsed, _not_rehearsed, command, _rehearsed)
        if moved
        else Item(rehearsed, False, after)
    )
    ends = {one.standby.deadline for one in facts.databases if one.standby.deadline}
    told = f"its window ends {_moment(datetime.fromisoformat(min(ends)))}" if moved and ends else after
    yield Item("way back closed", False, told, "opskit standby close" if moved else "")


def _not_ready(one: DatabaseFacts, now: datetime) -> str:
    state = one.standby
    if state.phase in {Phase.CLOSED, Phase.ENDED} or is_stale(state, now):
        return "nobody follows"
    return "" if state.ready else next(iter(state.reasons), "not ready")


def _not_rehearsed(one: DatabaseFacts) -> str:
    if one.rehearsal is None:
        return "never"
    return one.rehearsal.failure


def _rehearsed(one: DatabaseFacts) -> datetime | None:
    return one.rehearsal and one.rehearsal.at


def _oldest(moments: Sequence[datetime]) -> str:
    return _moment(min(moments)) if moments else ""


def _moment(at: datetime) -> str:
    """A moment for people.

    >>> _moment(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    '2026-01-02 03:04 UTC'
    """
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
