"""One step of following: a snapshot of PostgreSQL, and the file made equal to it in one transaction."""

import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import apsw

from opskit.capture.counterpart import Counterpart
from opskit.capture.drain import Drained, Gathering, refresh
from opskit.capture.reconcile import Alive, is_equal, reconcile
from opskit.capture.search import rebuild
from opskit.capture.slot import Slot, advance, flushed, peeked, published, read_slot, remake_slot
from opskit.capture.snapshot import Snapshot, snapshot
from opskit.capture.sqlite_side import ChangedKeys, transaction
from opskit.standby.decide import Method, must_verify, why_whole
from opskit.standby.pairs import Pairs, pair, read_fingerprint, set_generators
from opskit.standby.place import Place, write_place
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
        compared_seconds: how long tables were compared.
        slot: the slot before it was advanced.
    """

    moment: Snapshot
    changes: int
    marks: tuple[str, ...]
    whole: str
    compared_seconds: float
    slot: Slot | None


def cycle(session: Session, alive: Alive) -> Cycle:
    """Brings the file to a moment of PostgreSQL that is not before the call.

    A kill at any moment leaves the file at the moment before: rows and place are one transaction, and the log
    is let go afterwards.

    Args:
        alive: called now and then.

    Raises:
        psycopg.Error: the server refused or went away; the session is of no more use.
        apsw.Error: the file cannot be written, or an index of it refuses a row; likewise.
    """
    slot = read_slot(session.log, session.window.slot) if session.method is Method.LOG else None
    gap = why_whole(session.place, slot) if session.method is Method.LOG else "no log is followed"
    if session.method is Method.LOG and (slot is None or slot.lost):
        slot = remake_slot(session.log, session.window.slot)
    with snapshot(session.reader, session.window.schema) as moment, transaction(session.file):
        step = _Step(session, moment, alive)
        done = step.run(slot, gap)
    session.place = step.place
    if slot is not None:
        advance(session.log, slot.name, step.place.position)
    return done


class _Step:
    """A step while it is taken: inside a snapshot of one side and a transaction of the other."""

    def __init__(self, session: Session, moment: Snapshot, alive: Alive) -> None:
        self._session = session
        self._moment = moment
        self._alive = alive
        self._rewritten: set[str] = set()
        self._refreshed: set[str] = set()
        self.place = session.place or Place(0, moment.at, moment.at)

    def run(self, slot: Slot | None, gap: str) -> Cycle:
        session, moment = self._session, self._moment
        changed = self._why_whole()
        whole = gap or changed
        followed = self._followed(slot)
        by_log = followed.intersection(self.place.followed) if not gap else frozenset[str]()
        if slot is None:
            drained = Drained(self.place.position, 0, ())
        elif gap:  # the log is read from its beginning next time
            drained = Drained(max(self.place.position, slot.confirmed), 0, ())
        else:
            drained = self._drain(slot, by_log)
        begun = time.monotonic()
        compared = [one for one in self._pairs.tables if whole or one.name not in by_log]
        differing = tuple(sentence for table in compared for sentence in self._compare(table))
        seconds = time.monotonic() - begun
        self._build_indexes()
        set_generators(session.file, session.reader, self._pairs.generators)
        verified = moment.at if whole else self.place.verified
        place = replace(self.place, position=drained.position, at=moment.at, verified=verified)
        self.place = replace(place, followed=tuple(sorted(followed)))
        write_place(session.file, self.place)
        if whole or differing:
            session.differing = differing
        return Cycle(moment, drained.changes, drained.marks, whole, seconds, slot)

    @property
    def _pairs(self) -> Pairs:
        if self._session.pairs is None:
            self._session.pairs = pair(self._session.file, self._session.reader, self._session.window)
        return self._session.pairs

    def _why_whole(self) -> str:
        """Why both sides are compared whole although a log is followed; pairs them anew if need be."""
        known = self._session.pairs
        fingerprint = read_fingerprint(self._session.reader, self._session.window.schema)
        if known is not None and known.fingerprint != fingerprint:
            self._session.pairs = None
            return "the schema has changed"
        is_due = must_verify(self.place, self._moment.at)
        return "both sides have not been compared for an hour" if is_due else ""

    def _drain(self, slot: Slot, by_log: frozenset[str]) -> Drained:
        session = self._session
        tables = {one.target.name: one for one in self._pairs.tables if one.name in by_log}
        with _keys(session.file, tables) as keys:
            flushed(session.log, self._moment.lsn)
            with peeked(session.log, slot.name, session.window.publication) as messages:
                drained = Gathering(self._moment, self.place.position, keys).gather(messages, self._alive)
            for changed in keys.values():
                indexes = [
                    one for one in self._pairs.indexes if one.by_row and one.serves(changed.table.name)
                ]
                refresh(session.file, session.reader, changed, indexes, self._alive)
                names = self._rewritten if changed.everything else self._refreshed
                names.add(changed.table.name)
        return drained

    def _compare(self, table: Counterpart) -> Iterator[str]:
        """Makes a table equal, and tells when it cannot be."""
        file, reader = self._session.file, self._session.reader
        if is_equal(file, reader, table, self._alive):
            return
        if reconcile(file, reader, table, self._alive):
            self._rewritten.add(table.name)
        if not is_equal(file, reader, table, self._alive):
            pair = Pair(replace(table.source, escaped=True), table.target, table.model.primary_key)
            found = differences(file, reader, pair)  # two spellings of one double are none
            if found.rows:
                yield f"table {table.name} holds what SQLite cannot: {found.rows[0]}"

    def _build_indexes(self) -> None:
        for index in self._pairs.indexes:
            changed = self._rewritten if index.by_row else self._rewritten | self._refreshed
            if any(index.serves(name) for name in changed) or (changed and not index.content):
                rebuild(self._session.file, index)

    def _followed(self, slot: Slot | None) -> frozenset[str]:
        """The tables whose changes the log tells from now on, by keys that can be looked up."""
        if slot is None:
            return frozenset()
        window = self._session.window
        told = published(self._session.reader, window.publication, window.schema)
        return frozenset(one.name for one in self._pairs.tables if one.key and one.target.name in told)


@contextmanager
def _keys(file: apsw.Connection, tables: Mapping[str, Counterpart]) -> Generator[Mapping[str, ChangedKeys]]:
    keys = {name: ChangedKeys(file, one, number) for number, (name, one) in enumerate(tables.items())}
    yield keys
    for one in keys.values():
        one.drop()
