"""DEFAULT clauses. What does not change from row to row is computed by SQLite itself."""

from opskit.schema.model import Column
from opskit.schema.translation.expressions import Expressions
from opskit.schema.translation.moments import LOCAL_TIME, reads_local_time
from opskit.schema.translation.result import (
    OBSTACLES,
    Translation,
    Unsupported,
    Untranslatable,
    untranslatable,
)
from opskit.schema.translation.scope import Scope
from opskit.schema.translation.sqlite import is_volatile, stored
from opskit.schema.translation.storing import literal_as, stored_as
from opskit.schema.translation.subqueries import Query
from opskit.schema.translation.syntax import Node, original, parse_expression, walk


def translate_default(column: Column, pg_type: str) -> Translation | Untranslatable | None:
    """The column's DEFAULT as an expression of its PostgreSQL type, None when it has none.

    Args:
        column: the column as SQLite declares it.
        pg_type: the type of its target column as `format_type()` spells it.
    """
    if column.default is None:
        return None
    try:
        tree = _volatile(column.default)
        if tree is None:
            return Translation(literal_as(stored(column.default, column.affinity), pg_type))
        value = Expressions(Scope(), _no_query).value(tree)
        return Translation(stored_as(value, pg_type), (LOCAL_TIME,) if reads_local_time(tree) else ())
    except OBSTACLES as obstacle:
        return untranslatable(obstacle)


def _volatile(sql: str) -> Node | None:
    """The tree of an expression whose value changes, None for a constant (a bare word is a string)."""
    try:
        tree = parse_expression(sql)
    except Unsupported:
        return None
    return tree if any(is_volatile(one) for one in walk(tree)) else None


def _no_query(node: Node, _: Scope | None) -> Query:
    raise Unsupported(f"{original(node)} is a query")
