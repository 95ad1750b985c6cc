"""SQLite's aggregate and window functions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from opskit.schema.translation.collations import collated, ordered
from opskit.schema.translation.convert import align, as_number, as_real, as_text, whole_sql
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.values import Kind, Value, Whole, integer, plain_text, real

Translate: TypeAlias = "Callable[[Sequence[Value], Call], Value]"


@dataclass(frozen=True, slots=True)
class Call:
    """What stands around the arguments: DISTINCT, an ORDER BY, and FILTER or OVER behind the parenthesis."""

    distinct: str = ""
    order: str = ""
    suffix: str = ""

    def __call__(self, function: str, arguments: str = "") -> str:
        """SQL of the call."""
        return f"{function}({self.distinct}{arguments}{self.order}){self.suffix}"


def is_aggregate(name: str | None, arguments: int) -> bool:
    """Whether a call with so many arguments is an aggregate, as min and max are with one."""
    return name in AGGREGATES and (name not in {"min", "max"} or arguments == 1)


def count(arguments: Sequence[Value], call: Call) -> Value:
    """count(*) and count(x)."""
    if not arguments:
        return integer(call("count", "*"))
    (value,) = arguments
    if call.distinct and value.kind is Kind.TEXT:
        return integer(call("count", collated(value.sql, value.collation)))
    if call.distinct:
        groupable(value)
    return integer(call("count", value.sql))


def total_of_integers(arguments: Sequence[Value], call: Call) -> Value:
    """sum(x): INTEGER of integers, which PostgreSQL would make numeric."""
    (value,) = arguments
    if value.kind is Kind.NUMERIC:
        whole = whole_sql(value)
        result = replace(real(call("sum", value.sql)), kind=Kind.NUMERIC)
        return replace(result, whole=call("bool_and", whole) if isinstance(whole, str) else whole)
    if value.kind is Kind.TEXT and value.integer is None:
        return replace(real(call("sum", as_real(value))), whole=Whole.UNKNOWN)
    number = as_number(value)
    if number.kind is Kind.INTEGER:
        return integer(f"{call('sum', number.sql)}::bigint")
    known = value.kind is Kind.REAL and number.whole is not Whole.UNKNOWN
    whole = call("bool_and", number.whole) if known and isinstance(number.whole, str) else number.whole
    return replace(real(call("sum", number.sql)), whole=whole if known else Whole.UNKNOWN)


def average(arguments: Sequence[Value], call: Call) -> Value:
    """avg(x), in floating point."""
    return real(call("avg", as_real(arguments[0])))


def total(arguments: Sequence[Value], call: Call) -> Value:
    """total(x): REAL, and 0.0 of nothing."""
    return real(f"COALESCE({call('sum', as_real(arguments[0]))}, 0)")


def extreme(function: str, of_booleans: str) -> Translate:
    """min(x) or max(x)."""

    def translate(arguments: Sequence[Value], call: Call) -> Value:
        (value,) = arguments
        if value.kind is Kind.BOOLEAN:
            return replace(value, sql=call(of_booleans, value.sql), affinity=None)
        if value.kind in {Kind.BLOB, Kind.JSON, Kind.JSON_ITEM, Kind.OTHER, Kind.NULL} or not value.certain:
            raise Unsupported(f"{function}({value.sql}) orders what PostgreSQL does not order as SQLite")
        groupable(value)
        term = f'{value.sql} COLLATE "C"' if value.kind is Kind.TEXT else value.sql
        result = replace(value, sql=call(function, term), affinity=None, moment=None, integer=None)
        result = replace(result, constant=False, literal=None)
        if isinstance(value.whole, str):
            result = replace(result, whole=Whole.UNKNOWN)
        return result

    return translate


def concatenation(arguments: Sequence[Value], call: Call) -> Value:
    """group_concat(x, separator). SQLite promises no order, so none is kept unless the call names one."""
    value, *separator = arguments
    mark = as_text(separator[0]) if separator else "','"
    return plain_text(call("string_agg", f"{as_text(value)}, {mark}"))


def groupable(value: Value) -> None:
    """Refuses what SQLite and PostgreSQL hold equal by different rules.

    Raises:
        Unsupported: it is such a value.
    """
    if value.kind in {Kind.JSON, Kind.JSON_ITEM, Kind.OTHER}:
        raise Unsupported(
            f"{value.sql} is compared, and two spellings of one JSON value differ in SQLite only"
        )
    if value.kind is Kind.TEXT and value.collation != "BINARY":
        raise Unsupported(
            f"{value.sql} is grouped without regard to case or spaces: which spelling remains is undefined"
        )


def order_term(value: Value, *, descending: bool, nulls_first: bool) -> str:
    """One term of ORDER BY; NULLs stand where SQLite puts them."""
    suffix = f"{' DESC' if descending else ''} NULLS {'FIRST' if nulls_first else 'LAST'}"
    if value.kind in {Kind.JSON, Kind.JSON_ITEM, Kind.OTHER} or not value.certain:
        raise Unsupported(f"PostgreSQL orders {value.sql} unlike SQLite")
    if value.kind is not Kind.TEXT:
        return f"{value.sql}{suffix}"
    return f"{ordered(value.sql, value.collation)}{suffix}"


def position(function: str) -> Translate:
    """A window function that counts rows."""
    return lambda arguments, call: integer(
        call(function, ", ".join(f"{one.sql}::integer" for one in arguments))
    )


def share(function: str) -> Translate:
    """A window function that gives a share of one."""
    return lambda _, call: real(call(function))


def neighbour(function: str) -> Translate:
    """lag or lead (x, offset, default)."""

    def translate(arguments: Sequence[Value], call: Call) -> Value:
        value, *rest = arguments
        terms, pattern = align([value, *rest[1:]])
        offset = [f"{rest[0].sql}::integer"] if rest else []
        return replace(pattern, sql=call(function, ", ".join([terms[0], *offset, *terms[1:]])))

    return translate


def nth(function: str) -> Translate:
    """first_value, last_value or nth_value."""

    def translate(arguments: Sequence[Value], call: Call) -> Value:
        (term,), pattern = align(arguments[:1])
        rest = [f"{one.sql}::integer" for one in arguments[1:]]
        return replace(pattern, sql=call(function, ", ".join([term, *rest])))

    return translate


AGGREGATES: Mapping[str, Translate] = {
    "count": count,
    "sum": total_of_integers,
    "avg": average,
    "total": total,
    "min": extreme("min", "bool_and"),
    "max": extreme("max", "bool_or"),
    "group_concat": concatenation,
    "string_agg": concatenation,
}
WINDOWS: Mapping[str, Translate] = {
    "row_number": position("row_number"),
    "rank": position("rank"),
    "dense_rank": position("dense_rank"),
    "ntile": position("ntile"),
    "percent_rank": share("percent_rank"),
    "cume_dist": share("cume_dist"),
    "lag": neighbour("lag"),
    "lead": neighbour("lead"),
    "first_value": nth("first_value"),
    "last_value": nth("last_value"),
    "nth_value": nth("nth_value"),
}
