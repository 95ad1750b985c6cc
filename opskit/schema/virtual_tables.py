"""Virtual tables whose rows PostgreSQL can hold, as the tables and views that they are to their readers.

- A full-text table that holds its text itself is a table; one that reads it elsewhere is a view of that.
- An R*Tree is a table.
"""

from dataclasses import replace

from opskit.schema.full_text import FullText, read_full_text
from opskit.schema.model import Affinity, Check, Column, Schema, Table, View, VirtualTable, ascii_fold
from opskit.schema.names import quote
from opskit.schema.translation.scope import ROWID
from opskit.schema.virtual_ddl import read_virtual

RTREES = {
    "rtree": Column("", "REAL", Affinity.REAL, not_null=True),
    "rtree_i32": Column("", "INTEGER", Affinity.INTEGER, not_null=True),
}
"""Module → what its coordinates are like. R*Trees store 32 bits of each and return what they stored."""


def as_table(virtual: VirtualTable) -> Table | None:
    """The table that holds the same rows, None when the module has none of its own."""
    if virtual.module in RTREES and virtual.columns:
        return _rtree(virtual)
    full_text = read_full_text(virtual)
    if full_text is None or full_text.content is not None:
        return None
    # a column that is searched may get any text; what others hold is told by their values
    columns = (
        Column(one, "TEXT", Affinity.TEXT) if one in full_text.indexed else Column(one, "", Affinity.BLOB)
        for one in full_text.columns
    )
    key = _key(virtual)
    languages = read_virtual(virtual.sql).option("languageid") or ()  # FTS4 counts them
    numbers = (Column(one, "INTEGER", Affinity.INTEGER, hidden=True) for one in (*languages, key))
    return Table(
        virtual.name,
        (*columns, *numbers),  # last, for INSERT without names
        primary_key=(key,),
        rowid_alias=key,
    )


def _rtree(virtual: VirtualTable) -> Table:
    key, *others = virtual.columns
    coordinates = {name for extent in extents(virtual) for name in extent}
    columns = (
        replace(RTREES[virtual.module], name=one) if one in coordinates else Column(one, "", Affinity.BLOB)
        for one in others
    )
    return Table(
        virtual.name,
        (Column(key, "INTEGER", Affinity.INTEGER), *columns),
        primary_key=(key,),
        rowid_alias=key,
        checks=tuple(Check(f"{quote(least)} <= {quote(greatest)}") for least, greatest in extents(virtual)),
    )


def extents(virtual: VirtualTable) -> tuple[tuple[str, str], ...]:
    """The columns of an R*Tree that hold the least and the greatest coordinate, a pair for each dimension."""
    arguments = read_virtual(virtual.sql).arguments
    plain = [
        name
        for name, argument in zip(virtual.columns, arguments, strict=True)
        if not argument.name.startswith("+")
    ]
    return tuple(zip(plain[1::2], plain[2::2], strict=True))


def as_view(virtual: VirtualTable, schema: Schema) -> View | None:
    """The view of what a full-text table reads elsewhere, None for one that does not.

    It has the row's number too, where the table that holds the text has a name for it.
    """
    full_text = read_full_text(virtual)
    if full_text is None or not full_text.content:
        return None
    key = _key_of_content(full_text, schema)
    columns = [quote(one) for one in full_text.columns]
    numbered = () if key is None else (_key(virtual),)
    listed = ", ".join([*columns, *(f"{quote(key or '')} AS {quote(one)}" for one in numbered)])
    sql = f"CREATE VIEW {quote(virtual.name)} AS SELECT {listed} FROM {quote(full_text.content)}"
    return View(virtual.name, sql, (*full_text.columns, *numbered))


def _key_of_content(full_text: FullText, schema: Schema) -> str | None:
    """The column that identifies the rows of the table or view that holds the text."""
    wanted, content = ascii_fold(full_text.content_rowid), ascii_fold(full_text.content or "")
    for table in schema.tables:
        if ascii_fold(table.name) == content:
            found = next((one.name for one in table.columns if ascii_fold(one.name) == wanted), None)
            return found or (table.rowid_alias if wanted in ROWID else None)
    views = (one for view in schema.views if ascii_fold(view.name) == content for one in view.columns)
    return next((one for one in views if ascii_fold(one) == wanted), None)


def _key(virtual: VirtualTable) -> str:
    """What a row's number is called: as in the module's own documentation, unless a column is called so."""
    taken = {ascii_fold(one) for one in virtual.columns}
    names = ("rowid", "docid", "oid") if virtual.module == "fts5" else ("docid", "rowid", "oid")
    return next(one for one in (*names, "_rowid_") if one not in taken)
