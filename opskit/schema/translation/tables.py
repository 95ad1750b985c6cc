"""Expressions that belong to one table: checks, index terms and predicates, generated columns."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlglot import exp

from opskit.schema.model import Check, Column, Table, ascii_fold
from opskit.schema.names import NameMap
from opskit.schema.translation.collations import collated
from opskit.schema.translation.expressions import Expressions
from opskit.schema.translation.result import (
    OBSTACLES,
    Translation,
    Unsupported,
    Untranslatable,
    untranslatable,
)
from opskit.schema.translation.scope import Scope, of_table
from opskit.schema.translation.storing import stored_as
from opskit.schema.translation.subqueries import Query
from opskit.schema.translation.syntax import (
    Node,
    children,
    function_name,
    original,
    parse_expression,
    required,
)
from opskit.schema.translation.values import Kind, Value


def translate_check(
    check: Check, table: Table, types: Mapping[str, str], names: NameMap
) -> Translation | Untranslatable:
    """The condition of a CHECK."""

    def translate(expressions: Expressions) -> str:
        return _assertion(expressions, parse_expression(check.expression))

    return _translated(table, types, names, translate)


def translate_predicate(
    sql: str, table: Table, types: Mapping[str, str], names: NameMap
) -> Translation | Untranslatable:
    """The WHERE of a partial index."""
    return _translated(table, types, names, lambda expressions: expressions.condition(parse_expression(sql)))


def translate_index_expression(
    sql: str, table: Table, types: Mapping[str, str], names: NameMap
) -> Translation | Untranslatable:
    """A term of an index, to stand in parentheses. A column with COLLATE NOCASE is a term too."""
    return _translated(
        table, types, names, lambda expressions: _term(expressions.value(parse_expression(sql)))
    )


def translate_generated(
    column: Column, table: Table, types: Mapping[str, str], names: NameMap
) -> Translation | Untranslatable:
    """The expression of a stored generated column, in the column's own type.

    PostgreSQL lets no generated column use another, so the other's expression takes its place.
    """

    def translate(expressions: Expressions) -> str:
        others = {
            ascii_fold(one.name): _expression(one)
            for one in table.columns
            if one.expression and one is not column
        }
        value = replace(expressions, aliases=others).value(_expression(column))
        return stored_as(value, types[ascii_fold(column.name)])

    plain = replace(table, columns=tuple(one for one in table.columns if one.generated is None))
    return _translated(plain, types, names, translate)


def _expression(column: Column) -> Node:
    return parse_expression(column.expression or "NULL")


def _assertion(expressions: Expressions, node: Node) -> str:
    """A condition that need only stop bad rows: what is no JSON may be stopped by the cast's own error."""
    while isinstance(node, exp.Paren):
        node = required(node, "this")
    if isinstance(node, exp.And):
        parts = (_assertion(expressions, required(node, key)) for key in ("this", "expression"))
        return f"({' AND '.join(parts)})"
    if function_name(node) == "json_valid":
        values = [expressions.value(one) for one in children(node, "expressions")]
        if len(values) == 1 and values[0].kind is Kind.TEXT:
            return f"({values[0].sql} IS NULL OR {values[0].sql}::json IS NOT NULL)"
    return expressions.condition(node)


def _term(value: Value) -> str:
    if value.moment is not None and value.moment.length in {10, 19} and value.kind is Kind.TEXT:
        return f"({value.moment.sql})::date" if value.moment.length == 10 else value.moment.sql
    return collated(value.sql, value.collation) if value.kind is Kind.TEXT else value.sql


def _translated(
    table: Table, types: Mapping[str, str], names: NameMap, translate: Callable[[Expressions], str]
) -> Translation | Untranslatable:
    try:
        scope = Scope((of_table(table, types, names),))
        return Translation(translate(Expressions(scope, _no_query, immutable=True)))
    except OBSTACLES as obstacle:
        return untranslatable(obstacle)


def _no_query(node: Node, _: Scope | None) -> Query:
    raise Unsupported(f"{original(node)} is a query")
