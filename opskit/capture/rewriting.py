"""Single rows made what they are in a snapshot, touching no more of the file than what differs.

A value that is written in place costs a page; a row that is removed and stored again costs one for each
index, at its old place and at its new one, and all of them are written and synced beside the application's.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress

import apsw

from opskit.capture.counterpart import Counterpart
from opskit.capture.pgoutput import Key
from opskit.capture.restore import row_of
from opskit.capture.sqlite_side import executemany, insertion
from opskit.schema.model import Affinity, Table, ascii_fold
from opskit.schema.names import quote
from opskit.schema.sqlite_file import Value, rows


class Rewriting:
    """Writes rows of one table, each over what stands there by its key.

    While some changes are still to come, a value that must be unique may stand in another row: see `store`.
    """

    def __init__(self, file: apsw.Connection, table: Counterpart) -> None:
        self._file = file
        self._table = table
        self._key = [one.position for one in table.key]
        self._free = [at for at in range(len(table.columns)) if at not in self._key]
        self._unique = _unique(table)
        self._same = _same(table, self._free)
        self._insert = insertion(table)
        self._delete = f"DELETE FROM {quote(table.name)} WHERE {_found(table, range(1, len(self._key) + 1))}"
        self._updates: dict[tuple[int, ...], str] = {}

    def store(self, line: bytes) -> tuple[Key, bool]:
        """Writes a row of the snapshot; returns its key, and whether it could be.

        It could not when a value that must be unique stands in another row, which has not changed yet; then
        no row has the key any more, and it can be inserted when all others are done.

        Raises:
            apsw.Error: the file cannot be written, or a column refuses its value.
        """
        row = row_of(line, self._table.columns)
        key = tuple(row[at] for at in self._key)
        found = rows(self._file, self._same, row)
        if found:
            changed = tuple(compress(self._free, (not same for same in found[0])))
            if len(found) == 1 and self._unique.isdisjoint(changed):
                self._update(row, key, changed)
                return _printed(key), True
            rows(self._file, self._delete, key)
        try:
            rows(self._file, self._insert, row)
        except apsw.ConstraintError:
            return _printed(key), False
        return _printed(key), True

    def remove(self, keys: Iterable[Key]) -> None:
        """Removes rows that the snapshot does not hold.

        Raises:
            apsw.Error: the file cannot be written.
        """
        executemany(self._file, self._delete, keys)

    def _update(self, row: Sequence[Value], key: tuple[Value, ...], changed: tuple[int, ...]) -> None:
        if not changed:
            return
        if changed not in self._updates:
            self._updates[changed] = _update(self._table, changed)
        rows(self._file, self._updates[changed], (*(row[at] for at in changed), *key))


def _printed(key: Iterable[Value]) -> Key:
    """A key as the log tells it: whole numbers and texts are printed alike on both sides."""
    return tuple(map(str, key))


def _found(table: Counterpart, numbers: Iterable[int]) -> str:
    """The SQL that holds for the row with a key; in SQLite, other spellings may equal it."""
    names = [quote(one.source) for one in table.key]
    return " AND ".join(
        f"{name} = ?{number} AND {name} COLLATE BINARY = ?{number}"
        for name, number in zip(names, numbers, strict=True)
    )


def _value(table: Counterpart, at: int, number: int) -> str:
    return table.columns[at].sql.format(f"?{number}")


def _same(table: Counterpart, free: Sequence[int]) -> str:
    """The query that tells of each column beside the key whether it holds already what it shall."""
    terms = [_is_same(table, at) for at in free] or ["1"]
    key = _found(table, (one.position + 1 for one in table.key))
    return f"SELECT {', '.join(terms)} FROM {quote(table.name)} WHERE {key}"


def _is_same(table: Counterpart, at: int) -> str:
    name, value = table.source.columns[at].name, _value(table, at, at + 1)
    same = f"{quote(name)} COLLATE BINARY IS ({value})"
    # without an affinity 1 and 1.0 are equal, but not the same
    bare = table.model.column(name).affinity is Affinity.BLOB
    return f"{same} AND typeof({quote(name)}) = typeof({value})" if bare else same


def _update(table: Counterpart, changed: Sequence[int]) -> str:
    assigned = ", ".join(
        f"{quote(table.source.columns[at].name)} = {_value(table, at, number)}"
        for number, at in enumerate(changed, 1)
    )
    key = _found(table, range(len(changed) + 1, len(changed) + 1 + len(table.key)))
    return f"UPDATE OR ABORT {quote(table.name)} SET {assigned} WHERE {key}"


def _unique(table: Counterpart) -> frozenset[int]:
    """The columns on which it depends whether an index refuses a row; all of them where that is not plain."""
    names = {ascii_fold(name) for name in _unique_terms(table.model)}
    columns = [ascii_fold(column.name) for column in table.source.columns]
    plain = names <= set(columns)
    return frozenset(at for at, name in enumerate(columns) if name in names or not plain)


def _unique_terms(table: Table) -> Iterator[str]:
    """The columns in keys and unique indexes; something that is no column's name for an expression."""
    yield from table.primary_key
    for index in table.indexes:
        if index.unique:
            yield from (term.column or "" for term in index.terms)
            if index.predicate is not None:
                yield ""
