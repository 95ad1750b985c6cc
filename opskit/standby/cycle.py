"""One step of following: a snapshot of PostgreSQL, and the file made equal to it in one transaction."""

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import apsw

from opskit.capture.counterpart import Counterpart
from opskit.capture.drain import Drained, Gathering, refresh
from opskit.capture.position import Slot
from opskit.capture.reconcile import Alive, is_equal, reconcile
from opskit.capture.search import rebuild
from opskit.capture.slot import (
    LogUnreadable,
    advance,
    flushed,
    peeked,
    published,
    read_server,
    read_slot,
    remake_slot,
)
from opskit.capture.snapshot import Snapshot, snapshot
from opskit.capture.sqlite_side import ChangedKeys, savepoint, transaction
from opskit.standby.decide import Method, by_log, due, why_whole
from opskit.standby.pairs import Pairs, pair, read_fingerprints, set_generators
from opskit.standby.place import Followed, Place
from opskit.standby.place_table import write_place
from opskit.standby.session import Session
from opskit.transfer.proof import differences
from opskit.transfer.tables import Pair


@dataclass(frozen=True, slots=True)
class Cycle:
    """What a step did.

    Attributes:
        moment: what the file now shows.
        changes: rows that were written or removed in PostgreSQL, as often as they were.
        marks: the contents of our messages in the log.
        whole: why both sides were compared whole; empty when they were not.
        compared: the tables that were compared.
        seconds: how long tables were compared.
        slot: the slot before it was advanced.
    """

    moment: Snapshot
    changes: int
    marks: tuple[str, ...]
    whole: str
    compared: tuple[str, ...]
    seconds: float
    slot: Slot | None


def cycle(session: Session, alive: Alive, *, looks_back: bool) -> Cycle:
    """Brings the file to a moment of PostgreSQL that is not before the call.

    A kill at any moment leaves the file at the moment before: rows and place are one transaction, and the log
    is let go afterwards. A log that the server cannot read is begun anew.

    Args:
        alive: called now and then.
        looks_back: a table is compared, too, whose last comparison is long ago, however large it is.

    Raises:
        psycopg.Error: the server refused or went away; the session is of no more use.
        apsw.Error: the file cannot be written, or an index of it refuses a row; likewise.
    """
    try:
        return _cycle(session, alive, looks_back=looks_back)
    except LogUnreadable as error:
        return _cycle(session, alive, looks_back=looks_back, unreadable=str(error))


def _cycle(session: Session, alive: Alive, *, looks_back: bool, unreadable: str = "") -> Cycle:
    server, slot, gap = "", None, "no log is followed"
    if session.method is Method.LOG:
        (server, end), slot = read_server(session.log), read_slot(session.log, session.window.slot)
        gap = session.gap = unreadable or why_whole(session.place, slot, server, end)
        if slot is None or slot.lost or unreadable:
            slot = remake_slot(session.log, session.window.slot)
    with snapshot(session.reader, session.window.schema) as moment, transaction(session.file):
        session.pairs = _paired(session)
        place = replace(session.place or Place(server, 0, moment.at, moment.at), server=server)
        step = _Step(session, session.pairs, place, moment, alive)
        done = step.run(slot, gap, looks_back=looks_back)
    session.place = step.place
    if slot is not None:
        advance(session.log, slot.name, step.place.position)
    session.gap = ""
    return done


def _paired(session: Session) -> Pairs:
    """Both sides' tables, paired anew when PostgreSQL's schema is not what it was."""
    fingerprints = read_fingerprints(session.reader, session.window.schema)
    if session.pairs is not None and session.pairs.fingerprints == fingerprints:
        return session.pairs
    return pair(session.file, session.reader, session.window, fingerprints)


class _Step:
    """A step while it is taken: inside a snapshot of one side and a transaction of the other."""

    def __init__(self, session: Session, pairs: Pairs, place: Place, moment: Snapshot, alive: Alive) -> None:
        self._session = session
        self._pairs = pairs
        self._moment = moment
        self._alive = alive
        self._rewritten: set[str] = set()
        self._refreshed: set[str] = set()
        self._refused: set[str] = set()
        self.place = place

    def run(self, slot: Slot | None, gap: str, *, looks_back: bool) -> Cycle:
        session, moment = self._session, self._moment
        followable = self._followable() if slot else frozenset[str]()
        told = frozenset[str]() if gap else by_log(self.place, followable, self._pairs.fingerprints)
        if slot is None:
            drained = Drained(self.place.position, 0, ())
        elif gap:  # the log is read from its beginning next time
            drained = Drained(slot.confirmed, 0, ())
        else:
            drained = self._drain(slot, told)
        begun = time.monotonic()
        sure = told - {due(self.place, told, moment.at) if looks_back else None}
        compared = [one for one in self._pairs.tables if one.target.name not in sure]
        for table in compared:
            with self._or_noted(table):
                self._compare(table)
        seconds = time.monotonic() - begun
        self._build_indexes()
        set_generators(session.file, session.reader, self._pairs.generators)
        followed = {
            name: self._followed(name, is_compared=name not in sure)
            for name in sorted(followable - self._refused)
        }
        self.place = replace(self.place, position=drained.position, at=moment.at, followed=followed)
        write_place(session.file, self.place)
        names = tuple(one.name for one in compared)
        return Cycle(moment, drained.changes, drained.marks, gap, names, seconds, slot)

    def _drain(self, slot: Slot, told: frozenset[str]) -> Drained:
        session = self._session
        tables = {one.target.name: one for one in self._pairs.tables if one.target.name in told}
        with _keys(session.file, tables) as keys:
            flushed(session.log, self._moment.lsn)
            with peeked(session.log, slot.name, session.window.publication) as messages:
                drained = Gathering(self._moment, self.place.position, keys).gather(messages, self._alive)
            for changed in filter(None, keys.values()):
                with self._or_noted(changed.table):
                    self._refresh(changed)
        return drained

    def _refresh(self, changed: ChangedKeys) -> None:
        name = changed.table.name
        indexes = [one for one in self._pairs.indexes if one.by_row and one.serves(name)]
        refresh(self._session.file, self._session.reader, changed, indexes, self._alive)
        (self._rewritten if changed.everything else self._refreshed).add(name)

    @contextmanager
    def _or_noted(self, table: Counterpart) -> Generator[None]:
        """Takes back what an index of the file refuses, and notes that the table is not equal."""
        try:
            with savepoint(self._session.file):
                yield
        except apsw.ConstraintError as error:
            self._session.differing[table.name] = f"table {table.name} cannot be made equal: {error}"
            self._refused.add(table.target.name)

    def _compare(self, table: Counterpart) -> None:
        """Makes a table equal, and notes when it cannot be."""
        file, reader, differing = self._session.file, self._session.reader, self._session.differing
        differing.pop(table.name, None)
        if is_equal(file, reader, table, self._alive):
            return
        if reconcile(file, reader, table, self._alive):
            self._rewritten.add(table.name)
        if not is_equal(file, reader, table, self._alive):
            both = Pair(replace(table.source, escaped=True), table.target, table.model.primary_key)
            found = differences(file, reader, both)  # two spellings of one double are none
            if found.rows:
                differing[table.name] = f"table {table.name} holds what SQLite cannot: {found.rows[0]}"

    def _build_indexes(self) -> None:
        for index in self._pairs.indexes:
            changed = self._rewritten if index.by_row else self._rewritten | self._refreshed
            if any(index.serves(name) for name in changed) or (changed and not index.content):
                rebuild(self._session.file, index)

    def _followable(self) -> frozenset[str]:
        """PostgreSQL's tables that are in the log and have a key that can be looked up."""
        window = self._session.window
        told = published(self._session.reader, window.publication, window.schema)
        return frozenset(one.target.name for one in self._pairs.tables if one.key and one.target.name in told)

    def _followed(self, name: str, *, is_compared: bool) -> Followed:
        fingerprint = self._pairs.fingerprints[name]
        if is_compared:
            return Followed(fingerprint, self._moment.at)
        return replace(self.place.followed[name], fingerprint=fingerprint)


@contextmanager
def _keys(file: apsw.Connection, tables: Mapping[str, Counterpart]) -> Generator[Mapping[str, ChangedKeys]]:
    keys = {name: ChangedKeys(file, one, number) for number, (name, one) in enumerate(tables.items())}
    yield keys
    for one in keys.values():
        one.drop()
