"""Triggers that note which rows of a SQLite database change: keys only, about 1 µs each. Pure.

Every row that is written or removed leaves its address in one table, in the transaction that changes it. One
that REPLACE removes fires no delete trigger (`recursive_triggers` is off unless an application turns it on),
and neither does one that UPDATE OR REPLACE removes. So before each insert and update, the rows that are equal
in a unique index are noted as well: more keys than needed do no harm, because rows are read anew by them.

Not seen by triggers, and told by `PRAGMA schema_version` instead: tables that come, go or change their
columns, and VACUUM, which may number rows anew that have no key.
Source: https://www.sqlite.org/lang_createtrigger.html, https://www.sqlite.org/lang_conflict.html.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from opskit.schema.model import Affinity, Column, Index, IndexTerm, Table, ascii_fold
from opskit.schema.names import quote
from opskit.schema.own import BEGINNING, CHANGES, WATCH
from opskit.transfer.wide import rowid_name

NOTHING = -1
"""What the first note is about: it only gives the others their place."""

_ROWID = ("rowid", "oid", "_rowid_")

_SPELLED_ONCE = frozenset({Affinity.TEXT, Affinity.INTEGER})
"""Affinities under which values that are equal are the same: with the others, 1 equals 1.0."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A table whose rows are noted when they change.

    Attributes:
        number: stands for the table in the notes.
        address: what finds a row: its key, or a name of the rowid.
        stable: the address stays the row's own through VACUUM.
    """

    number: int
    table: Table
    address: tuple[str, ...]
    stable: bool


def watched(tables: Iterable[Table]) -> tuple[Watched, ...]:
    """The tables with the addresses of their rows."""
    return tuple(watched_as(number, table) for number, table in enumerate(tables))


def watched_as(number: int, table: Table) -> Watched:
    """A table with the address of its rows."""
    if table.rowid_alias is not None:
        return Watched(number, table, (table.rowid_alias,), stable=True)
    if table.primary_key:
        return Watched(number, table, table.primary_key, stable=True)
    rowid = rowid_name(table)
    # columns may have taken all three names of the rowid; then a row is addressed by all that it holds
    columns = tuple(column.name for column in table.columns if column.generated is None)
    return Watched(number, table, columns if rowid is None else (rowid,), stable=rowid is None)


def installed(tables: Sequence[Watched], first: int) -> Iterator[str]:
    """The statements that begin the watch, to be executed in one transaction.

    Args:
        first: the number of the first note; by a number of its own, one watch is told from another.
    """
    # a column without a type keeps each value as it is
    more = "".join(f", k{position}" for position in range(1, width(tables)))
    yield f"{BEGINNING}{more})"
    yield f"INSERT INTO {CHANGES} (number, relation) VALUES ({first}, {NOTHING})"
    for one in tables:
        yield from triggers(one).values()


def width(tables: Iterable[Watched]) -> int:
    """How many values an address has at most."""
    return max((len(one.address) for one in tables), default=1)


def note_whole(number: int) -> str:
    """The statement that notes that any row of a table may have changed."""
    return f"INSERT INTO {CHANGES} (relation) VALUES ({whole(number)})"


def whole(number: int) -> int:
    """What stands in the notes for all rows of a table; it is its own inverse.

    >>> whole(0), whole(whole(7))
    (-2, 7)
    """
    return -2 - number


def removed(names: Iterable[str], *, table: bool) -> Iterator[str]:
    """The statements that end the watch and leave nothing of it.

    Args:
        names: those of all triggers that the database has now; tables may have taken theirs with them.
        table: the table of the notes is there.
    """
    yield from (f"DROP TRIGGER {quote(name)}" for name in names if name.startswith(WATCH))
    if table:
        yield f"DROP TABLE {CHANGES}"


def triggers(one: Watched) -> dict[str, str]:
    """The triggers of a watched table, by name; one that is missing or different has let changes pass."""
    table = quote(one.table.name)
    return {
        name: f"CREATE TRIGGER {quote(name)} {moment} ON {table} BEGIN {body}; END"
        for moment, body in _bodies(one)
        for name in (_name(one, moment),)
    }


def _name(one: Watched, moment: str) -> str:
    when, what, *of = moment.lower().split()
    moved = "_moved" if of and when == "after" else ""
    return f"{WATCH}{one.number}_{when}_{what}{moved}"


def _bodies(one: Watched) -> Iterator[tuple[str, str]]:
    """When something is noted, and the statements that note it."""
    yield "AFTER INSERT", _note(one, "NEW")
    yield "AFTER DELETE", _note(one, "OLD")
    yield "AFTER UPDATE", _note(one, "OLD")
    yield f"AFTER UPDATE OF {', '.join(map(quote, _assigned(one)))}", _note(one, "NEW")
    rivals = [index for index in _unique(one.table) if _may_collide(one, index)]
    if rivals:
        yield "BEFORE INSERT", "; ".join(_note_rivals(one, index) for index in rivals)
        others = f"NOT ({_same(one.address, 'OLD')})"
        noted = (f"{_note_rivals(one, index)} AND {others}" for index in rivals)
        yield f"BEFORE UPDATE{_of(rivals)}", "; ".join(noted)


def _note(one: Watched, row: str) -> str:
    values = ", ".join(f"{row}.{quote(name)}" for name in one.address)
    return f"INSERT INTO {CHANGES} ({_columns(one)}) VALUES ({_relation(one, f'{row}.')}, {values})"


def _relation(one: Watched, row: str) -> str:
    """The table's number; that of all its rows for one whose address has a NULL, as many rows may have it.

    SQLite takes NULL in a primary key that is not declared NOT NULL, many times over.
    """
    empty = " OR ".join(
        f"{row}{quote(name)} IS NULL" for name in one.address if _may_be_null(one.table, name)
    )
    return f"CASE WHEN {empty} THEN {whole(one.number)} ELSE {one.number} END" if empty else str(one.number)


def _may_be_null(table: Table, name: str) -> bool:
    if table.without_rowid or name == table.rowid_alias:
        return False
    return any(one.name == name and not one.not_null for one in table.columns)


def _columns(one: Watched) -> str:
    return ", ".join(["relation", *(f"k{position}" for position in range(len(one.address)))])


def _assigned(one: Watched) -> tuple[str, ...]:
    """What an UPDATE assigns that gives a row another address: the rowid goes by several names.

    SQLite compares these names with those that the statement assigns; they need not be columns.
    """
    return one.address if one.table.without_rowid else tuple(dict.fromkeys((*one.address, *_ROWID)))


def _same(address: Iterable[str], row: str) -> str:
    return " AND ".join(f"{quote(name)} IS {row}.{quote(name)} COLLATE BINARY" for name in address)


def _unique(table: Table) -> Iterator[Index]:
    """Everything that lets REPLACE remove a row, but for the rowid, which the new row takes over."""
    yield from (index for index in table.indexes if index.unique)
    if table.primary_key and table.rowid_alias is None:
        collations = table.key_collations or ("BINARY",) * len(table.primary_key)
        terms = zip(table.primary_key, collations, strict=True)
        yield Index("", table.name, tuple(IndexTerm(name, collation=one) for name, one in terms), unique=True)


def _may_collide(one: Watched, index: Index) -> bool:
    """Can a row with another address stand in the way of one in this index?"""
    compared = {ascii_fold(term.column): term.collation for term in index.terms if term.column}
    return not all(
        compared.get(ascii_fold(name)) == "BINARY" and _is_spelled_once(one.table, name)
        for name in one.address
    )


def _is_spelled_once(table: Table, name: str) -> bool:
    columns = {ascii_fold(column.name): column for column in table.columns}
    column = columns.get(ascii_fold(name))
    return column is None or column.affinity in _SPELLED_ONCE  # the rowid itself is an integer


def _note_rivals(one: Watched, index: Index) -> str:
    """Notes the rows that are equal to the new one in an index."""
    names = ", ".join(map(quote, one.address))
    equal = [_equal(one.table, term) for term in index.terms]
    if index.predicate is not None:
        equal.append(f"({index.predicate})")  # without which SQLite would not use the index
    return (
        f"INSERT INTO {CHANGES} ({_columns(one)}) SELECT {_relation(one, '')}, {names}"
        f" FROM {quote(one.table.name)} WHERE {' AND '.join(equal)}"
    )


def _equal(table: Table, term: IndexTerm) -> str:
    if term.column is None:
        return (
            f"({term.expression}) COLLATE {quote(term.collation)} = ({_of_new(table, str(term.expression))})"
        )
    column = table.column(term.column)
    return f"{quote(column.name)} COLLATE {quote(term.collation)} = {_arriving(column)}"


def _arriving(column: Column) -> str:
    """The value that the row will have: REPLACE also puts the default where NULL must not stand."""
    new = f"NEW.{quote(column.name)}"
    return f"ifnull({new}, {column.default})" if column.not_null and column.default is not None else new


def _of_new(table: Table, expression: str) -> str:
    """An expression over a table's columns, of the new row."""
    values = ", ".join(f"{_arriving(column)} AS {quote(column.name)}" for column in table.columns)
    return f"SELECT {expression} FROM (SELECT {values}) AS {quote(table.name)}"


def _of(indexes: Sequence[Index]) -> str:
    """The columns whose assignment can make a row collide; none named, when an expression is concerned."""
    columns = dict.fromkeys(term.column for index in indexes for term in index.terms)
    if any(index.predicate is not None for index in indexes):
        return ""
    named = [quote(column) for column in columns if column is not None]
    return f" OF {', '.join(named)}" if len(named) == len(columns) else ""
