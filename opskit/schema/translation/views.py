"""Views: one SELECT each, which may use other views."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from opskit.schema.model import Schema, View, ascii_fold
from opskit.schema.names import NameMap, quote
from opskit.schema.translation.moments import LOCAL_TIME, reads_local_time
from opskit.schema.translation.result import (
    OBSTACLES,
    ColumnTypes,
    Translation,
    Unsupported,
    Untranslatable,
    untranslatable,
)
from opskit.schema.translation.scope import Relation, of_table
from opskit.schema.translation.selects import Selects
from opskit.schema.translation.subqueries import Query
from opskit.schema.translation.syntax import parse_statement, required, walk, word


def translate_view(
    view: View, schema: Schema, types: ColumnTypes, names: NameMap
) -> Translation | Untranslatable:
    """The view's query, whose columns bear the names that SQLite gives them."""
    try:
        sql = _Views(schema, types, names).query(view, ()).sql
        return Translation(sql, (LOCAL_TIME,) if reads_local_time(parse_statement(view.sql)) else ())
    except OBSTACLES as obstacle:
        return untranslatable(obstacle)


def relations_of(schema: Schema, types: ColumnTypes, names: NameMap) -> Callable[[str], Relation]:
    """What finds a table or view by its name.

    It raises Unsupported for what PostgreSQL does not have.
    """
    return _Views(schema, types, names).relation


def order_views(schema: Schema) -> tuple[View, ...]:
    """The views, each behind those it uses."""
    views = {ascii_fold(view.name): view for view in schema.views}
    done: dict[str, View] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in views and name not in done and name not in path:
            for used in _tables_in(views[name]):
                visit(used, (*path, name))
            done[name] = views[name]

    for name in views:
        visit(name, ())
    return tuple(done.values())


def _tables_in(view: View) -> list[str]:
    try:
        tree = parse_statement(view.sql)
    except Unsupported:
        return []
    return [ascii_fold(word(one)) for one in walk(tree) if isinstance(one, exp.Table)]


@dataclass(frozen=True, slots=True)
class _Views:
    schema: Schema
    types: ColumnTypes
    names: NameMap

    def query(self, view: View, path: Sequence[str]) -> Query:
        if not view.columns:
            raise Unsupported("SQLite itself cannot run it")
        if ascii_fold(view.name) in path:
            raise Unsupported("it uses itself")
        inner = (*path, ascii_fold(view.name))
        body = required(parse_statement(view.sql), "expression")
        return Selects(lambda name: self.relation(name, inner)).query(body, None, view.columns)

    def relation(self, name: str, path: Sequence[str] = ()) -> Relation:
        folded = ascii_fold(name)
        qualifier = quote(self.names.relation(name))
        for table in self.schema.tables:
            if ascii_fold(table.name) == folded:
                return of_table(table, self.types.get(folded, {}), self.names, qualifier=qualifier)
        for view in self.schema.views:
            if ascii_fold(view.name) == folded:
                return Relation(view.name, qualifier, self._fields_of(view, path))
        for virtual in self.schema.virtual_tables:
            if ascii_fold(virtual.name) == folded:
                raise Unsupported(
                    f"{virtual.name} is a virtual table ({virtual.module}), which PostgreSQL does not have"
                )
        if folded.startswith(("sqlite_", "pragma_")):
            raise Unsupported(f"it reads {name}, SQLite's own catalogue")
        raise Unsupported(f"there is no table {name} on PostgreSQL")

    def _fields_of(self, view: View, path: Sequence[str]):
        try:
            fields = self.query(view, path).fields
        except Unsupported as problem:
            raise Unsupported(f"it uses the view {view.name}, which is left out: {problem}") from None
        return tuple(replace(one, target=self.names.column(view.name, one.name)) for one in fields)
