"""Full-text indexes over tables: which the application's triggers keep; those do not fire here."""

from collections.abc import Iterator
from dataclasses import dataclass

import apsw

from opskit.schema.full_text import read_full_text
from opskit.schema.model import Schema, ascii_fold
from opskit.schema.names import quote
from opskit.schema.sqlite_file import rows


@dataclass(frozen=True, slots=True)
class SearchIndex:
    """A full-text index of what stands elsewhere.

    Attributes:
        content: the table that holds the text; empty when it is a view: then any table may be behind it.
        by_row: single rows can be taken out and put in; otherwise it is built anew.
    """

    name: str
    columns: tuple[str, ...]
    content: str
    rowid: str
    by_row: bool

    def serves(self, table: str) -> bool:
        """Does it stand on this table and no other?"""
        return ascii_fold(self.content) == ascii_fold(table)


def search_indexes(schema: Schema) -> Iterator[SearchIndex]:
    """The indexes of a file."""
    tables = {ascii_fold(table.name) for table in schema.tables}
    for virtual in schema.virtual_tables:
        text = read_full_text(virtual)
        if text is not None and text.content:
            is_table = ascii_fold(text.content) in tables
            content = text.content if is_table else ""
            by_row = is_table and virtual.module == "fts5"
            yield SearchIndex(text.name, text.columns, content, text.content_rowid, by_row)


def forget(file: apsw.Connection, index: SearchIndex, condition: str) -> None:
    """Takes rows out of the index, before they change (https://sqlite.org/fts5.html#external_content_tables).

    Raises:
        apsw.Error: the file cannot be written.
    """
    name, columns = quote(index.name), ", ".join(map(quote, index.columns))
    rows(
        file,
        f"INSERT INTO {name} ({name}, rowid, {columns}) SELECT 'delete', {quote(index.rowid)}, {columns}"
        f" FROM {quote(index.content)} WHERE {condition}",
    )


def learn(file: apsw.Connection, index: SearchIndex, condition: str) -> None:
    """Puts rows into the index.

    Raises:
        apsw.Error: the file cannot be written.
    """
    columns = ", ".join(map(quote, index.columns))
    rows(
        file,
        f"INSERT INTO {quote(index.name)} (rowid, {columns}) SELECT {quote(index.rowid)}, {columns}"
        f" FROM {quote(index.content)} WHERE {condition}",
    )


def rebuild(file: apsw.Connection, index: SearchIndex) -> None:
    """Builds the index anew.

    Raises:
        apsw.Error: the file cannot be written.
    """
    name = quote(index.name)
    rows(file, f"INSERT INTO {name} ({name}) VALUES ('rebuild')")
