"""Reads what a SQLite file declares into the neutral model. The file is the truth, never a schema script."""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import apsw

from opskit.schema.model import (
    Affinity,
    Column,
    ForeignKey,
    Generated,
    Index,
    IndexTerm,
    Schema,
    Table,
    Trigger,
    View,
    VirtualTable,
    ascii_fold,
)
from opskit.schema.names import quote
from opskit.schema.own import is_own
from opskit.schema.sqlite_ddl import TableText, read_index, read_table
from opskit.schema.sqlite_file import Row, rows, scalar
from opskit.schema.virtual_ddl import read_virtual
from opskit.schema.virtual_tables import as_table, as_view

_OBJECTS = """
SELECT type, name, tbl_name, sql FROM sqlite_schema
WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND sql IS NOT NULL ORDER BY rowid
"""


def read_schema(connection: apsw.Connection) -> Schema:
    """The schema of database `main` of a connection.

    Raises:
        apsw.Error: the file cannot be read.
    """
    kinds = {
        str(name): (str(kind), bool(without_rowid), bool(strict))
        for schema, name, kind, _, without_rowid, strict in rows(connection, "PRAGMA table_list")
        if schema == "main"
    }
    tables: list[Table] = []
    views: list[View] = []
    triggers: list[Trigger] = []
    virtual: list[VirtualTable] = []
    for kind, name, table, sql in cast("list[tuple[str, str, str, str]]", rows(connection, _OBJECTS)):
        if is_own(kind, name, sql):
            continue
        if kind == "view":
            views.append(View(name, sql, _view_columns(connection, name)))
        elif kind == "trigger":
            triggers.append(Trigger(name, table, sql))
        elif kind == "table":
            listed, without_rowid, strict = kinds[name]
            if listed == "virtual":
                virtual.append(_virtual(connection, name, sql))
                tables.extend(_carried(connection, virtual[-1]))
            elif listed == "table":
                tables.append(_table(connection, name, sql, without_rowid=without_rowid, strict=strict))
    schema = Schema(tuple(tables), tuple(views), tuple(triggers), tuple(virtual))
    shown = (view for one in virtual if (view := as_view(one, schema)) is not None)
    return _with_parent_keys(replace(schema, views=(*views, *shown)))


def affinity(declared: str) -> Affinity:
    """The affinity of a declared type (https://sqlite.org/datatype3.html section 3.1).

    >>> affinity("VARCHAR(20)").value, affinity("POINT").value, affinity("BOOLEAN").value
    ('TEXT', 'INTEGER', 'NUMERIC')
    """
    upper = declared.upper()
    rules = (
        (Affinity.INTEGER, ("INT",)),
        (Affinity.TEXT, ("CHAR", "CLOB", "TEXT")),
        (Affinity.BLOB, ("BLOB",)),
        (Affinity.REAL, ("REAL", "FLOA", "DOUB")),
    )
    for result, parts in rules:
        if any(part in upper for part in parts):
            return result
    return Affinity.NUMERIC if upper.strip() else Affinity.BLOB


def _table(connection: apsw.Connection, name: str, sql: str, *, without_rowid: bool, strict: bool) -> Table:
    text = read_table(sql)
    xinfo = [row for row in rows(connection, f"PRAGMA table_xinfo({quote(name)})") if row[6] != 1]
    columns = tuple(_column(connection, name, row, text) for row in xinfo)
    keys = sorted((cast("int", row[5]), str(row[1])) for row in xinfo if row[5])
    primary_key = tuple(column for _, column in keys)
    listed = rows(connection, f"PRAGMA index_list({quote(name)})")
    alias = _rowid_alias(columns, primary_key, listed, without_rowid=without_rowid)
    return Table(
        name=name,
        columns=columns,
        primary_key=primary_key,
        key_collations=_key_collations(connection, listed),
        rowid_alias=alias,
        autoincrement=text.autoincrement,
        last_key=last_key(connection, name, alias, autoincrement=text.autoincrement),
        without_rowid=without_rowid,
        strict=strict,
        indexes=tuple(_index(connection, name, row) for row in reversed(listed) if row[3] != "pk"),
        foreign_keys=tuple(_foreign_keys(connection, name, text)),
        checks=text.checks,
        conflicts=text.conflicts,
    )


def _column(connection: apsw.Connection, table: str, row: Row, text: TableText) -> Column:
    _, name, declared, not_null, default, _, hidden = row
    generated = {2: Generated.VIRTUAL, 3: Generated.STORED}.get(cast("int", hidden))
    kind = str(declared or "")
    if generated:  # table_xinfo appends the words of the clause to the type
        kind = kind.removesuffix("GENERATED ALWAYS").strip()
    return Column(
        name=str(name),
        declared=kind,
        affinity=affinity(kind),
        not_null=bool(not_null),
        default=None if default is None else str(default),
        collation=str(connection.column_metadata("main", table, str(name))[1]).upper(),
        generated=generated,
        expression=text.generated.get(ascii_fold(str(name))) if generated else None,
    )


def _rowid_alias(
    columns: tuple[Column, ...], primary_key: tuple[str, ...], listed: list[Row], *, without_rowid: bool
) -> str | None:
    """An INTEGER PRIMARY KEY without an index of its own is the rowid (https://sqlite.org/lang_createtable.html)."""
    if len(primary_key) != 1 or without_rowid or any(row[3] == "pk" for row in listed):
        return None
    declared = next(column.declared for column in columns if column.name == primary_key[0])
    return primary_key[0] if declared.upper() == "INTEGER" else None


def _key_collations(connection: apsw.Connection, listed: list[Row]) -> tuple[str, ...]:
    names = [str(row[1]) for row in listed if row[3] == "pk"]
    xinfo = (entry for name in names for entry in rows(connection, f"PRAGMA index_xinfo({quote(name)})"))
    return tuple(str(entry[4]).upper() for entry in xinfo if entry[5])


def last_key(
    connection: apsw.Connection, table: str, alias: str | None, *, autoincrement: bool
) -> int | None:
    """The highest key that a table has ever given out, None for one that gives out none.

    Args:
        alias: the column that is the rowid.

    Raises:
        apsw.Error: the file cannot be read.
    """
    if alias is None:
        return None
    highest = cast("int | None", scalar(connection, f"SELECT max({quote(alias)}) FROM {quote(table)}"))
    given = 0
    if autoincrement:
        statement = "SELECT seq FROM sqlite_sequence WHERE name = ? COLLATE NOCASE"
        found = rows(connection, statement, (table,))
        given = found[0][0] if found and isinstance(found[0][0], int) else 0
    return max(highest or 0, given)


def _index(connection: apsw.Connection, table: str, row: Row) -> Index:
    name, unique, origin = str(row[1]), bool(row[2]), row[3]
    statement = "SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = ?"
    sql = scalar(connection, statement, (name,))
    text = read_index(str(sql)) if sql else None
    xinfo = [entry for entry in rows(connection, f"PRAGMA index_xinfo({quote(name)})") if entry[5]]
    terms = tuple(
        IndexTerm(
            None if column is None else str(column),
            text.terms[position] if text and column is None else None,
            bool(descending),
            str(collation).upper(),
        )
        for position, (_, _, column, descending, collation, _) in enumerate(xinfo)
    )
    return Index(
        name, table, terms, unique, constraint=origin == "u", predicate=text.predicate if text else None
    )


def _foreign_keys(connection: apsw.Connection, table: str, text: TableText) -> Iterator[ForeignKey]:
    """In order of declaration; SQLite lists them with the last declared first."""
    grouped: dict[int, list[Row]] = {}
    for row in rows(connection, f"PRAGMA foreign_key_list({quote(table)})"):
        grouped.setdefault(cast("int", row[0]), []).append(row)
    deferred = text.deferred if len(text.deferred) == len(grouped) else (False,) * len(grouped)
    for late, (_, members) in zip(deferred, sorted(grouped.items(), reverse=True), strict=True):
        yield ForeignKey(
            columns=tuple(str(row[3]) for row in members),
            parent=str(members[0][2]),
            parent_columns=tuple(str(row[4]) for row in members if row[4] is not None),
            on_update=str(members[0][5]),
            on_delete=str(members[0][6]),
            deferred=late,
        )


def _with_parent_keys(schema: Schema) -> Schema:
    """Foreign keys that name no parent columns mean the parent's primary key."""
    keys = {ascii_fold(table.name): table.primary_key for table in schema.tables}

    def resolved(key: ForeignKey) -> ForeignKey:
        return (
            key if key.parent_columns else replace(key, parent_columns=keys.get(ascii_fold(key.parent), ()))
        )

    tables = tuple(
        replace(table, foreign_keys=tuple(resolved(key) for key in table.foreign_keys))
        for table in schema.tables
    )
    return replace(schema, tables=tables)


def _view_columns(connection: apsw.Connection, view: str) -> tuple[str, ...]:
    try:
        return tuple(str(row[1]) for row in rows(connection, f"PRAGMA table_xinfo({quote(view)})"))
    except apsw.SQLError:  # the view names something that is gone: broken in SQLite itself
        return ()


def _virtual(connection: apsw.Connection, name: str, sql: str) -> VirtualTable:
    """A virtual table, with its columns when a row can be read: all that it needs is there."""
    module = read_virtual(sql).module
    try:
        listed = rows(connection, f"PRAGMA table_xinfo({quote(name)})")
        rows(connection, f"SELECT * FROM {quote(name)} LIMIT 1")
    except apsw.SQLError as error:
        return VirtualTable(name, module, sql, problem=str(error))
    return VirtualTable(name, module, sql, tuple(str(row[1]) for row in listed if not row[6]))


def _carried(connection: apsw.Connection, virtual: VirtualTable) -> Iterator[Table]:
    table = as_table(virtual)
    if table is not None:
        highest = last_key(connection, table.name, table.rowid_alias, autoincrement=False)
        yield replace(table, last_key=highest)
