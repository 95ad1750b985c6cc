"""From one kind of value to another, exactly as SQLite converts, or not at all."""

from collections.abc import Sequence
from dataclasses import replace

from opskit.schema.model import Affinity
from opskit.schema.names import literal
from opskit.schema.translation.dates import date_text, moment
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.sqlite import evaluate, with_affinity
from opskit.schema.translation.values import (
    NUMBERS,
    Kind,
    Value,
    Whole,
    constant,
    integer,
    real,
)

_NUMBER_PREFIX = "'^[[:space:]]*([-+]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][-+]?[0-9]+)?)'"
_INTEGER_PREFIX = "'^[[:space:]]*([-+]?[0-9]+)'"


def as_text(value: Value) -> str:
    """SQL of the text SQLite makes of the value.

    Raises:
        Unsupported: PostgreSQL's value does not tell how SQLite would write it.
    """
    if value.kind is Kind.NULL:
        return "NULL::text"
    if value.constant:
        return value.sql if value.kind is Kind.TEXT else with_affinity(value, Affinity.TEXT).sql
    if value.kind in {Kind.TEXT, Kind.JSON_ITEM}:
        return value.sql
    if value.kind is Kind.BOOLEAN:
        return f"{value.sql}::integer::text"
    if value.kind is Kind.INTEGER:
        return f"{value.sql}::text"
    if value.kind is Kind.DATE and value.moment is not None:
        return date_text(value.moment.sql, "%Y-%m-%d")
    if value.kind is Kind.NUMERIC and value.whole is Whole.IF_INTEGRAL and value.places is not None:
        return f"trim_scale({value.sql})::text"
    raise Unsupported(
        f"{value.sql} is used as text, and PostgreSQL's {value.cast_type} does not keep how SQLite writes it"
    )


def as_number(value: Value) -> Value:
    """The value as an operand of arithmetic: INTEGER or REAL.

    Raises:
        Unsupported: it is a date, a blob or of a type of its own.
    """
    if value.kind is Kind.NULL:
        return replace(value, sql="NULL::bigint")
    if value.kind is Kind.BOOLEAN:
        return integer(f"{value.sql}::integer")
    if value.kind in {Kind.INTEGER, Kind.REAL}:
        return replace(value, whole=whole_sql(value))
    if value.kind is Kind.NUMERIC:
        return replace(value, sql=f"{value.sql}::double precision", kind=Kind.REAL, whole=whole_sql(value))
    if value.integer is not None:
        return integer(value.integer)
    if value.kind in {Kind.TEXT, Kind.JSON_ITEM} and value.certain:
        return _number_of_text(value)
    raise Unsupported(f"{value.sql} is used as a number")


def _number_of_text(value: Value) -> Value:
    if isinstance(value.literal, str):
        return constant(evaluate(f"{literal(value.literal)} + 0"))
    prefix = f'substring({value.sql} COLLATE "C" from {_NUMBER_PREFIX})'
    number = f"CASE WHEN {value.sql} IS NOT NULL THEN COALESCE({prefix}::double precision, 0) END"
    return replace(real(f"({number})"), whole=f"COALESCE({prefix} !~ '[.eE]', TRUE)")


def as_real(value: Value) -> str:
    """SQL of the value as double precision, for what SQLite computes in floating point."""
    number = as_number(value)
    return (
        number.sql if number.kind is Kind.REAL and not number.constant else f"{number.sql}::double precision"
    )


def as_integer(value: Value) -> str:
    """SQL of CAST(value AS INTEGER)."""
    if value.kind in {Kind.TEXT, Kind.JSON_ITEM} and value.integer is None and value.certain:
        digits = f'substring({value.sql} COLLATE "C" from {_INTEGER_PREFIX})::numeric'
        clamped = f"GREATEST(LEAST(COALESCE({digits}, 0), {2**63 - 1}), -{2**63})"
        return f"(CASE WHEN {value.sql} IS NOT NULL THEN {clamped}::bigint END)"
    if value.kind is Kind.NUMERIC:
        return f"trunc({value.sql})::bigint"
    number = as_number(value)
    return f"trunc({number.sql})::bigint" if number.kind is Kind.REAL else f"{number.sql}::bigint"


def as_condition(value: Value) -> str:
    """SQL of the value's truth."""
    if value.kind is Kind.NULL:
        return "NULL::boolean"
    if value.kind is Kind.BOOLEAN:
        return value.sql
    number = as_number(value)
    if isinstance(number.literal, int | float):
        return "TRUE" if number.literal else "FALSE"
    return f"({number.sql} <> 0)"


def whole_sql(value: Value) -> Whole | str:
    """When the value is INTEGER in SQLite, with the rule of NUMERIC columns spelt out."""
    return f"({value.sql} = trunc({value.sql}))" if value.whole is Whole.IF_INTEGRAL else value.whole


def both_whole(left: Value, right: Value) -> Whole | str:
    """When the result of arithmetic on two numbers is INTEGER: whenever both operands are."""
    rules = {left.whole, right.whole}
    if Whole.NEVER in rules:
        return Whole.NEVER
    if Whole.UNKNOWN in rules:
        return Whole.UNKNOWN
    conditions = [rule for rule in (left.whole, right.whole) if isinstance(rule, str)]
    return " AND ".join(conditions) if conditions else Whole.ALWAYS


def align(values: Sequence[Value]) -> tuple[list[str], Value]:
    """Several values that become one column: their SQL in a common type, and what the column is like.

    The second is a pattern: its own `sql` means nothing.

    Raises:
        Unsupported: no PostgreSQL type holds them all as SQLite does.
    """
    kinds = {value.kind for value in values} - {Kind.NULL}
    kind = _common(kinds, values)
    known = [value for value in values if value.kind is not Kind.NULL]
    pattern = replace(
        known[0] if known else constant(None),
        constant=False,
        literal=None,
        moment=None,
        integer=None,
        item=None,
    )
    pattern = replace(
        pattern,
        kind=kind,
        sql="",
        affinity=None,
        whole=_common_whole(known),
        certain=all(value.certain for value in values),
    )
    if kind is Kind.TIMESTAMP:
        pattern = replace(pattern, moment=None)
    return [as_kind(value, kind) for value in values], pattern


def _common_whole(values: Sequence[Value]) -> Whole | str:
    rules = {value.whole for value in values}
    if len(rules) == 1 and not isinstance(next(iter(rules)), str):
        return rules.pop()
    return Whole.IF_INTEGRAL if rules == {Whole.ALWAYS, Whole.IF_INTEGRAL} else Whole.UNKNOWN


def _common(kinds: set[Kind], values: Sequence[Value]) -> Kind:
    if len(kinds) == 1:
        return kinds.pop()
    if not kinds:
        return Kind.NULL
    if kinds <= NUMBERS:
        return _common_number(kinds, values)
    if kinds <= {Kind.TEXT, Kind.DATE, Kind.JSON_ITEM}:
        return Kind.TEXT
    if Kind.TIMESTAMP in kinds and all(_is_timestamp(value) for value in values):
        return Kind.TIMESTAMP
    raise Unsupported(f"one column would hold {' and '.join(sorted(kind.value for kind in kinds))}")


def _is_timestamp(value: Value) -> bool:
    """Whether its text names a moment as fully as a timestamp's does."""
    found = moment(value)
    return value.kind in {Kind.NULL, Kind.TIMESTAMP} or (found is not None and found.length > 10)


def _common_number(kinds: set[Kind], values: Sequence[Value]) -> Kind:
    others = [value for value in values if value.kind not in {Kind.BOOLEAN, Kind.NULL}]
    if Kind.BOOLEAN in kinds and all(
        isinstance(value.literal, int) and value.literal in {0, 1} for value in others
    ):
        return Kind.BOOLEAN
    return next(kind for kind in (Kind.REAL, Kind.NUMERIC, Kind.INTEGER) if kind in kinds)


def as_kind(value: Value, kind: Kind) -> str:
    """SQL of the value in that kind, which `align` found to fit."""
    if value.kind is Kind.NULL:
        return "NULL" if kind in {Kind.NULL, Kind.OTHER} else f"NULL::{replace(value, kind=kind).cast_type}"
    if kind is Kind.BOOLEAN and value.kind is not Kind.BOOLEAN:
        return "TRUE" if value.literal else "FALSE"
    if kind is Kind.TEXT:
        return as_text(value)
    if kind is Kind.TIMESTAMP and value.kind is not Kind.TIMESTAMP:
        found = moment(value)
        return f"({found.sql} AT TIME ZONE 'UTC')" if found else value.sql
    if kind in NUMBERS and (value.kind is not kind or value.constant):
        return (
            f"{as_number(value).sql}::{kind.value}"
            if value.kind is not Kind.NUMERIC
            else f"{value.sql}::{kind.value}"
        )
    return value.sql
