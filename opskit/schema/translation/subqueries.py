"""A translated query, and what it is worth inside an expression."""

from dataclasses import dataclass, replace

from opskit.schema.names import quote
from opskit.schema.translation.collations import collated
from opskit.schema.translation.compare import common_collation
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.scope import Field
from opskit.schema.translation.values import NUMBERS, Kind, Value, Whole, boolean


@dataclass(frozen=True, slots=True)
class Query:
    """A query's SQL and the columns it returns."""

    sql: str
    fields: tuple[Field, ...]


def detached(value: Value) -> Value:
    """The value outside of the query that computed it: what refers to the inside is forgotten."""
    whole = Whole.UNKNOWN if isinstance(value.whole, str) else value.whole
    outside = replace(
        value, sql="", whole=whole, constant=False, literal=None, moment=None, integer=None, item=None
    )
    if value.kind is Kind.JSON_ITEM:
        return replace(outside, kind=Kind.TEXT, certain=False)
    return replace(outside, kind=Kind.TEXT) if value.kind is Kind.NULL else outside


def scalar(query: Query) -> Value:
    """(SELECT …) as a value."""
    return replace(_only(query), sql=f"({query.sql})")


def in_query(value: Value, query: Query) -> Value:
    """value IN (SELECT …), where both sides compare alike in both engines."""
    other = _only(query)
    kinds = {value.kind, other.kind}
    alike = len(kinds) == 1 or kinds <= NUMBERS - {Kind.BOOLEAN}
    if not alike or kinds & {Kind.JSON, Kind.JSON_ITEM, Kind.OTHER}:
        raise Unsupported(f"{value.sql} IN (SELECT …) compares {value.cast_type} with {other.cast_type}")
    collation = common_collation(value, other)
    if value.kind is not Kind.TEXT or collation == "BINARY":
        return boolean(f"({value.sql} IN ({query.sql}))")
    column = collated(quote(query.fields[0].target), collation)
    found = f"SELECT {column} FROM ({query.sql}) AS {quote('found')}"
    return boolean(f"({collated(value.sql, collation)} IN ({found}))")


def _only(query: Query) -> Value:
    if len(query.fields) != 1:
        raise Unsupported("a query of several columns as one value is not translated")
    return query.fields[0].value
