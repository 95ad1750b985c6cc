"""Comparisons: SQLite's affinities, classes and collations, said to PostgreSQL."""

import re
from collections.abc import Sequence
from dataclasses import replace

from opskit.schema.model import Affinity
from opskit.schema.translation.collations import BYTES, operand
from opskit.schema.translation.convert import as_number, as_text
from opskit.schema.translation.dates import moment
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.sqlite import with_affinity
from opskit.schema.translation.values import NUMBERS, Kind, Moment, Value, boolean, constant

_NUMERIC = {Affinity.INTEGER, Affinity.REAL, Affinity.NUMERIC}
_NULL_SAFE = {"IS": "IS NOT DISTINCT FROM", "IS NOT": "IS DISTINCT FROM"}
_SWAPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_OF_PREFIX = {">": ">=", ">=": ">=", "<": "<", "<=": "<"}
"""A text against a shorter one that it may begin with: never equal, and then the longer one is greater."""


def compare(operator: str, left: Value, right: Value) -> Value:
    """A comparison: = <> < <= > >= IS or IS NOT.

    Raises:
        Unsupported: PostgreSQL's types do not tell what SQLite would answer.
    """
    if Kind.NULL in {left.kind, right.kind}:
        return _with_null(operator, left, right)
    left, right = _apply_affinity(left, right)
    kinds = {left.kind, right.kind}
    alike = _KINDS.get(frozenset(kinds)) if len(kinds) == 1 else None
    if kinds <= NUMBERS or alike is not None:
        return (alike or _numbers)(operator, left, right)
    if kinds & {Kind.TIMESTAMP, Kind.DATE}:
        return _dates(operator, left, right)
    if Kind.JSON_ITEM in kinds:
        return _json_item(operator, left, right)
    if Kind.TEXT in kinds and kinds & NUMBERS:
        return _number_and_text(operator, left, right)
    if Kind.JSON in kinds and "" in {left.literal, right.literal}:
        return _decided(operator, left, right, less=right.literal != "")
    raise Unsupported(f"{left.sql} {operator} {right.sql} compares {left.cast_type} with {right.cast_type}")


def one_of(value: Value, others: Sequence[Value]) -> Value:
    """value IN (others), whose own affinities and collations do not count."""
    plain = [replace(other, affinity=None, collation="BINARY", explicit_collation=False) for other in others]
    tests = [compare("=", value, other).sql for other in plain]
    start = f"({value.sql} = "
    if tests and all(test.startswith(start) for test in tests):
        return boolean(f"({value.sql} IN ({', '.join(test[len(start) : -1] for test in tests)}))")
    return boolean(f"({' OR '.join(tests) or 'FALSE'})")


def _with_null(operator: str, left: Value, right: Value) -> Value:
    other = right if left.kind is Kind.NULL else left
    if operator in _NULL_SAFE:
        return boolean(f"({other.sql} {operator} NULL)")
    return boolean("NULL::boolean")


def _apply_affinity(left: Value, right: Value) -> tuple[Value, Value]:
    """SQLite's rule (https://sqlite.org/datatype3.html section 4.2), for literals and numbers beside text."""
    return _given(left, right), _given(right, left)


def _given(value: Value, other: Value) -> Value:
    if value.constant and other.affinity in _NUMERIC and value.affinity not in _NUMERIC:
        number = with_affinity(value, Affinity.NUMERIC) if isinstance(value.literal, str) else value
        return number if other.certain else _as_mixed(number)
    if other.affinity is Affinity.TEXT and value.affinity is None and value.kind in NUMBERS:
        return with_affinity(value, Affinity.TEXT) if value.constant else _as_text_value(value)
    return value


def _as_text_value(value: Value) -> Value:
    return replace(value, sql=as_text(value), kind=Kind.TEXT)


def _as_mixed(value: Value) -> Value:
    """A literal beside a column of numbers and texts, all texts on PostgreSQL: integers have one spelling."""
    if isinstance(value.literal, float):
        raise Unsupported(f"{value.sql} is compared with a column that holds numbers and texts")
    return constant(str(value.literal)) if isinstance(value.literal, int) else value


def _numbers(operator: str, left: Value, right: Value) -> Value:
    booleans = [one for one in (left, right) if one.kind is Kind.BOOLEAN]
    if len(booleans) == 1:
        if {left.literal, right.literal} & {0, 1} - {None}:
            return _plain(operator, _as_boolean(left), _as_boolean(right))
        left, right = as_number(left), as_number(right)
    return _plain(operator, left.sql, right.sql)


def _as_boolean(value: Value) -> str:
    return value.sql if value.kind is Kind.BOOLEAN else ("TRUE" if value.literal else "FALSE")


def _texts(operator: str, left: Value, right: Value) -> Value:
    collation = common_collation(left, right)
    is_ordered = operator in _SWAPPED
    if not (left.certain and right.certain) and (is_ordered or not _same_spelling(left, right)):
        raise Unsupported(
            f"{left.sql} {operator} {right.sql} depends on which values are numbers and which are texts"
        )
    first, second = operand(left, collation), operand(right, collation)
    return _plain(operator, f"{first} {BYTES}" if is_ordered else first, second)


def _same_spelling(left: Value, right: Value) -> bool:
    """Whether equal values of a column of numbers and texts are equal as texts too."""
    if left.certain or right.certain:
        mixed, other = (right, left) if left.certain else (left, right)
        return other.constant and mixed.affinity in _NUMERIC
    return left.affinity is right.affinity


def common_collation(left: Value, right: Value) -> str:
    """The collation of a comparison: an explicit one, else the left column's, else the right column's."""
    if left.explicit_collation or right.explicit_collation:
        return left.collation if left.explicit_collation else right.collation
    return left.collation if left.affinity is not None else right.collation


def _plain(operator: str, left: str, right: str) -> Value:
    return boolean(f"({left} {_NULL_SAFE.get(operator, operator)} {right})")


def _number_and_text(operator: str, left: Value, right: Value) -> Value:
    """A number is less than any text, unless an affinity would first make a number of the text."""
    text, number = (left, right) if left.kind is Kind.TEXT else (right, left)
    if not text.certain or (number.affinity in _NUMERIC and not text.constant):
        raise Unsupported(f"{left.sql} {operator} {right.sql} compares a number with a text")
    return _decided(operator, left, right, less=left is number)


def _decided(operator: str, left: Value, right: Value, *, less: bool) -> Value:
    """A comparison whose answer depends on NULLs only, because one side is always less than the other."""
    answer = (
        "TRUE"
        if operator in ({"<>", "IS NOT", "<", "<="} if less else {"<>", "IS NOT", ">", ">="})
        else "FALSE"
    )
    if operator in _NULL_SAFE:
        both = " AND ".join(f"{one.sql} IS NULL" for one in (left, right))
        return boolean(f"({'NOT ' if operator == 'IS NOT' else ''}({both}))")
    return boolean(f"(CASE WHEN {left.sql} IS NOT NULL AND {right.sql} IS NOT NULL THEN {answer} END)")


def _dates(operator: str, left: Value, right: Value) -> Value:
    number = next((one for one in (left, right) if one.constant and one.kind in NUMBERS), None)
    if number is not None:
        return _decided(operator, left, right, less=left is number)
    if left.kind is right.kind:
        return _plain(operator, left.sql, right.sql)
    if left.kind is Kind.TIMESTAMP or (left.kind is Kind.DATE and right.kind is not Kind.TIMESTAMP):
        return _date_and_text(operator, left, right)
    return _date_and_text(_SWAPPED.get(operator, operator), right, left)


def _date_and_text(operator: str, date: Value, text: Value) -> Value:
    if text.literal == "":
        return _decided(operator, date, text, less=False)
    found = moment(text)
    if found is None or text.kind not in {Kind.TEXT, Kind.DATE}:
        raise Unsupported(
            f"{date.sql} {operator} {text.sql} compares a date with what is not known to be one"
        )
    if date.kind is Kind.TIMESTAMP:
        return _by_length(
            operator, date, text, found, f"({found.sql} AT TIME ZONE 'UTC')", longer=found.length < 11
        )
    if found.length == 10:
        return _plain(operator, date.sql, f"({found.sql})::date")
    return _by_length(operator, date, text, found, f"({found.sql})::date", longer=found.length < 10)


def _by_length(operator: str, date: Value, text: Value, found: Moment, other: str, *, longer: bool) -> Value:
    """A date column against a text of another length than its own: then they are never equal."""
    if found.length >= 16 and date.kind is Kind.TIMESTAMP:
        return _plain(operator, date.sql, other)
    if operator not in _SWAPPED:
        return _decided(operator, date, text, less=not longer)
    if longer:
        return _plain(_OF_PREFIX[operator], date.sql, other)
    return _plain({">": ">", ">=": ">", "<": "<=", "<=": "<="}[operator], date.sql, other)


def _json_item(operator: str, left: Value, right: Value) -> Value:
    if left.kind is not Kind.JSON_ITEM:
        return _json_item(_SWAPPED.get(operator, operator), right, left)
    if (
        isinstance(right.literal, str)
        and operator not in _SWAPPED
        and re.fullmatch(r"(?![\[{])[^0-9.+-]+.*|", right.literal)
    ):
        return _plain(operator, left.sql, right.sql)
    if isinstance(right.literal, int | float) and operator not in _NULL_SAFE and left.item is not None:
        return boolean(_json_number(operator, left.sql, left.item, right.sql))
    raise Unsupported(f"{left.sql} {operator} {right.sql} depends on the type of a JSON item")


def _json_number(operator: str, text: str, item: str, number: str) -> str:
    others = "TRUE" if operator in {">", ">=", "<>"} else "FALSE"
    return (
        f"(CASE json_typeof({item}) WHEN 'number' THEN ({item})::text::numeric {operator} {number} "
        f"WHEN 'boolean' THEN ({text})::integer {operator} {number} WHEN 'null' THEN NULL "
        f"ELSE CASE WHEN {text} IS NOT NULL THEN {others} END END)"
    )


def _blobs(operator: str, left: Value, right: Value) -> Value:
    return _plain(operator, left.sql, right.sql)


_KINDS = {frozenset({Kind.TEXT}): _texts, frozenset({Kind.BLOB}): _blobs}
