"""Views: there, and with the same rows on both sides."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import apsw
import psycopg

from opskit.schema.model import Schema, View, ascii_fold
from opskit.schema.names import NameMap, quote
from opskit.schema.sqlite_ddl import Token, tokens
from opskit.schema.sqlite_file import scalar
from opskit.schema.target_schema import TargetSchema
from opskit.transfer.refusals import is_refusal
from opskit.transfer.target import Connection, server_words
from opskit.transfer.views import differing_rows, source_rows
from opskit.verify.findings import Difference, Finding


@dataclass(frozen=True, slots=True)
class Views:
    """The views of both sides while they are compared, inside one snapshot on each.

    Attributes:
        expected: what `migrate` would have made; None when that could not be found out.
        incomplete: folded names of tables whose rows do not all stand in the target.
    """

    reader: apsw.Connection
    connection: Connection
    source: Schema
    target: TargetSchema
    expected: TargetSchema | None
    names: NameMap
    incomplete: frozenset[str]

    def different(self) -> Iterator[Difference]:
        """Views that return other rows than in SQLite, or none at all.

        Raises:
            psycopg.Error: the server went away.
        """
        for view in self.source.views:
            name = self.names.relation(view.name)
            if name in self.target.views:
                message = self._difference(view, f"{quote(self.target.name)}.{quote(name)}")
                if message:
                    finding = Finding("view_rows", f"view {name}", message)
                    yield Difference(finding, fault=not may_differ(self.source, view, self.incomplete))

    def missing(self) -> Iterator[Difference]:
        """Views that `migrate` would have made. One whose rows are not SQLite's it has left out: no fault.

        Raises:
            psycopg.Error: the server went away.
        """
        for view in self.source.views:
            name = self.names.relation(view.name)
            if name in self.target.views:
                continue
            finding = Finding("view_missing", f"view {name}", "is missing in the target")
            if self.expected is None:
                yield Difference(finding, fault=False)
            elif name in self.expected.views:
                query = self.expected.views[name].definition.rstrip().removesuffix(";")
                yield Difference(finding, fault=not self._difference(view, f"({query}) AS {quote(name)}"))

    def _difference(self, view: View, relation: str) -> str:
        """How the rows of what stands in FROM differ from those of a view in SQLite; empty when they do not.

        Its search column, if it has one, is PostgreSQL's own.
        """
        columns = (quote(self.names.column(view.name, one)) for one in view.columns)
        query = f"SELECT {', '.join(columns)} FROM {relation}"
        try:
            source = source_rows(self.reader, view.name, view.columns)
        except apsw.SQLError:  # broken in SQLite itself
            return ""
        try:
            # rolled back, because that brings the session's search_path back
            with self.connection.transaction(force_rollback=True):
                self.connection.execute(
                    "SELECT set_config('search_path', quote_ident(%s), true)", (self.target.name,)
                )
                if source is not None:
                    differing = differing_rows(source, self.connection.execute(query.encode()).fetchall())
                    return f"returns {differing} rows that differ" if differing else ""
                found = self.connection.execute(f"SELECT count(*) FROM ({query}) rows".encode()).fetchall()
        except psycopg.Error as error:
            if not is_refusal(error):
                raise
            return f"cannot be queried: {server_words(error)}"
        counted = scalar(self.reader, f"SELECT count(*) FROM {quote(view.name)}")
        return "" if found == [(counted,)] else "returns another number of rows"


def may_differ(schema: Schema, view: View, incomplete: frozenset[str]) -> bool:
    """May its rows differ for good reason: they tell the time or are random, or come from incomplete tables?

    Args:
        incomplete: folded names of tables whose rows do not all stand in the target.
    """
    words = list(_words(schema, view))
    return any(_is_volatile(word) or ascii_fold(word.name()) in incomplete for word in words)


def _words(schema: Schema, view: View) -> Iterator[Token]:
    """The words of a view, and of the views that it names."""
    others = {ascii_fold(one.name): one for one in schema.views if one is not view}
    words = list(tokens(view.sql))
    yield from words
    rest = replace(schema, views=tuple(others.values()))
    for name in {ascii_fold(word.name()) for word in words} & others.keys():
        yield from _words(rest, others[name])


def _is_volatile(word: Token) -> bool:
    if word.kind == "string":
        return word.name().lower() in {"now", "localtime"}
    return word.is_word("CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "RANDOM", "RANDOMBLOB")
