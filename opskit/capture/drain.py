"""From the log to the file: which keys changed up to a moment, and those rows as they are at that moment.

After a drain the tables that the log covers are what they are in the snapshot, all of them of one moment.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import apsw

from opskit.capture.counterpart import Counterpart
from opskit.capture.pgoutput import Begin, Change, Commit, Key, Marker, Message, Relation, Truncate
from opskit.capture.reconcile import Alive, reconcile
from opskit.capture.rewriting import Rewriting
from opskit.capture.search import SearchIndex, forget, learn
from opskit.capture.slot import PREFIX
from opskit.capture.snapshot import Snapshot, rows_with
from opskit.capture.sqlite_side import ChangedKeys, insert_lines
from opskit.transfer.target import Connection

_BATCH = 5_000
"""Rows that are read by their keys at once."""

_OFTEN = 10_000


@dataclass(frozen=True, slots=True)
class Drained:
    """What the log held.

    Attributes:
        position: everything before this place in the log is in the snapshot.
        changes: rows that were written, as often as they were.
        marks: the contents of our messages.
    """

    position: int
    changes: int
    marks: tuple[str, ...]


class Gathering:
    """Notes the keys that a log tells, for the tables that are followed.

    Args:
        position: what ended before this place in the log is known already.
    """

    def __init__(self, moment: Snapshot, position: int, keys: Mapping[str, ChangedKeys]) -> None:
        self._moment = moment
        self._position = position
        self._keys = keys
        self._places: dict[Relation, tuple[int, ...]] = {}
        self._seen = False
        self._behind = False
        self._marks: list[str] = []
        self._changes = 0

    def gather(self, messages: Iterable[Message], alive: Alive) -> Drained:
        """Reads the log to its end."""
        for number, message in enumerate(messages):
            self._take(message)
            if not number % _OFTEN:
                alive(_OFTEN)
        # nothing unseen came before: whatever has its place in the log before the moment's is in it
        position = self._position if self._behind else max(self._position, self._moment.lsn)
        return Drained(position, self._changes, tuple(self._marks))

    def _take(self, message: Message) -> None:
        match message:
            case Begin():
                sees = self._moment.sees(message.xid)
                self._seen = sees and message.commit >= self._position
                self._behind = self._behind or not sees
            case Commit():
                if not self._behind:
                    self._position = max(self._position, message.end)
            case Relation():
                self._describe(message)
            case Change() | Truncate() | Marker():
                if self._seen:
                    self._note(message)

    def _describe(self, relation: Relation) -> None:
        keys = self._keys.get(relation.name)
        if keys is not None:
            told = [relation.columns[position] for position in relation.key]
            wanted = [one.target for one in keys.table.key]
            known = all(name in told for name in wanted)
            self._places[relation] = tuple(map(told.index, wanted)) if known else ()

    def _note(self, message: Change | Truncate | Marker) -> None:
        match message:
            case Change():
                self._change(message)
            case Truncate():
                for table in message.tables:
                    if table.name in self._keys:
                        self._keys[table.name].everything = True
            case Marker():
                if message.prefix == PREFIX:
                    self._marks.append(message.content.decode())

    def _change(self, change: Change) -> None:
        keys = self._keys.get(change.table.name)
        if keys is None:
            return
        self._changes += 1
        places = self._places[change.table]
        if places:
            keys.add(tuple(key[place] for place in places) for key in change.keys)
        else:  # the table has got another key
            keys.everything = True


def refresh(
    file: apsw.Connection,
    snapshot: Connection,
    changed: ChangedKeys,
    indexes: Sequence[SearchIndex],
    alive: Alive,
) -> None:
    """Makes the rows with the changed keys what they are in the snapshot; inside a transaction of the file.

    What an index refuses because of a row that has not changed yet comes last: values may have changed places
    in a unique column.

    Args:
        indexes: those on this table that are kept by row.

    Raises:
        apsw.Error: the file cannot be written, or an index of it refuses a row.
        psycopg.Error: the server refused or went away.
    """
    table = changed.table
    if changed.everything:
        reconcile(file, snapshot, table, alive)
        return
    condition = changed.condition()
    for index in indexes:
        forget(file, index, condition)
    rewriting, late = Rewriting(file, table), changed.others()
    for batch in changed.batches(_BATCH):
        late.add(_rewrite(rewriting, snapshot, table, batch))
        alive(len(batch))
    if late:
        for batch in late.batches(_BATCH):
            insert_lines(file, table, (line for some in rows_with(snapshot, table, batch) for line in some))
            alive(len(batch))
        late.drop()
    for index in indexes:
        learn(file, index, condition)


def _rewrite(
    rewriting: Rewriting, snapshot: Connection, table: Counterpart, keys: Sequence[Key]
) -> Iterator[Key]:
    """Rewrites the rows with some keys; yields those of rows that cannot be stored yet."""
    gone = set(keys)
    for some in rows_with(snapshot, table, keys):
        for line in some:
            key, stored = rewriting.store(line)
            gone.discard(key)
            if not stored:
                yield key
    rewriting.remove(gone)
