"""SQLite's arithmetic, and its functions on numbers and on values of any kind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from opskit.schema.model import Affinity
from opskit.schema.translation.compare import compare
from opskit.schema.translation.convert import (
    align,
    as_condition,
    as_integer,
    as_number,
    as_real,
    as_text,
    both_whole,
    whole_sql,
)
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.values import Kind, Value, Whole, constant, integer, plain_text, real

_TYPES = {
    Kind.INTEGER: "integer",
    Kind.BOOLEAN: "integer",
    Kind.TEXT: "text",
    Kind.BLOB: "blob",
    Kind.TIMESTAMP: "text",
    Kind.DATE: "text",
    Kind.JSON: "text",
}


def arithmetic(operator: str, left: Value, right: Value) -> Value:
    """left + - * / % right; what SQLite computes in floating point is computed so."""
    left, right = as_number(left), as_number(right)
    if left.kind is Kind.INTEGER and right.kind is Kind.INTEGER:
        return integer(f"({left.sql} {operator} {_divisor(operator, right, right.sql)})")
    if operator == "%":
        raise Unsupported(
            f"{left.sql} % {right.sql}: the remainder of numbers with a fraction is not translated"
        )
    first, second = as_real(left), as_real(right)
    whole = both_whole(left, right)
    term = f"({first} {operator} {_divisor(operator, right, second)})"
    if operator == "/" and whole is Whole.UNKNOWN:
        raise Unsupported(f"{left.sql} / {right.sql} is an integer division or not, row by row")
    if operator == "/" and isinstance(whole, str):
        term = f"(CASE WHEN {whole} THEN trunc{term} ELSE {term} END)"
    return replace(real(term), whole=whole)


def _divisor(operator: str, divisor: Value, sql: str) -> str:
    """Division by zero is NULL in SQLite."""
    if operator not in {"/", "%"} or (divisor.constant and divisor.literal):
        return sql
    return f"NULLIF({sql}, 0)"


def negated(value: Value) -> Value:
    """-x."""
    number = as_number(value)
    return replace(number, sql=f"(- {number.sql})", affinity=None, constant=False, literal=None)


def bitwise(operator: str, left: Value, right: Value) -> Value:
    """left & | right, on integers."""
    if not {left.kind, right.kind} <= {Kind.INTEGER, Kind.BOOLEAN}:
        raise Unsupported(f"{operator} on what are not integers is not translated")
    return integer(f"({as_integer(left)} {operator} {as_integer(right)})")


def absolute(arguments: Sequence[Value]) -> Value:
    """abs(x)."""
    number = as_number(arguments[0])
    return replace(number, sql=f"abs({number.sql})", affinity=None, constant=False, literal=None)


def rounded(arguments: Sequence[Value]) -> Value:
    """round(x, places): half away from zero, in decimal. SQLite's result is always REAL."""
    value, *rest = arguments
    places = rest[0].literal if rest else 0
    if not isinstance(places, int):
        raise Unsupported("round to a number of places that is not a literal is not translated")
    exact = value.sql if value.kind is Kind.NUMERIC else f"{as_number(value).sql}::numeric"
    return real(f"round({exact}, {max(places, 0)})::double precision")


def coalesced(arguments: Sequence[Value]) -> Value:
    """coalesce(…) and ifnull(x, y)."""
    terms, pattern = align(arguments)
    result = replace(pattern, sql=f"COALESCE({', '.join(terms)})")
    return replace(result, collation=arguments[0].collation)


def null_if(arguments: Sequence[Value]) -> Value:
    """nullif(x, y)."""
    left, right = arguments
    if {left.collation, right.collation} != {"BINARY"}:
        raise Unsupported("nullif of texts with a collation is not translated")
    equal = compare("=", replace(left, affinity=None), replace(right, affinity=None))
    return replace(
        left,
        sql=f"(CASE WHEN {equal.sql} THEN NULL ELSE {left.sql} END)",
        affinity=None,
        constant=False,
        literal=None,
        moment=None,
        integer=None,
        item=None,
    )


def chosen(conditions: Sequence[str], results: Sequence[Value]) -> Value:
    """CASE WHEN conditions THEN results; the last result, beyond the conditions, is ELSE."""
    terms, pattern = align(results)
    branches = " ".join(f"WHEN {when} THEN {then}" for when, then in zip(conditions, terms, strict=False))
    otherwise = f" ELSE {terms[-1]}" if len(terms) > len(conditions) else ""
    whole = pattern.whole
    if whole is Whole.UNKNOWN and pattern.kind in {Kind.REAL, Kind.NUMERIC}:
        whole = _chosen_whole(conditions, results)
    return replace(pattern, sql=f"(CASE {branches}{otherwise} END)", whole=whole)


def _chosen_whole(conditions: Sequence[str], results: Sequence[Value]) -> Whole | str:
    rules = [whole_sql(one) if one.kind is not Kind.NULL else Whole.NEVER for one in results]
    spelt = {Whole.ALWAYS: "TRUE", Whole.NEVER: "FALSE"}
    if Whole.UNKNOWN in rules:
        return Whole.UNKNOWN
    words = [rule if isinstance(rule, str) else spelt[rule] for rule in rules]
    branches = " ".join(f"WHEN {when} THEN {word}" for when, word in zip(conditions, words, strict=False))
    return f"(CASE {branches} ELSE {words[-1] if len(words) > len(conditions) else 'FALSE'} END)"


def if_else(arguments: Sequence[Value]) -> Value:
    """iif(x, y, z)."""
    condition, *results = arguments
    if len(results) not in {1, 2}:
        raise Unsupported("iif with many branches is not translated")
    return chosen([as_condition(condition)], [*results, constant(None)][:2])


def extreme(operator: str) -> Callable[[Sequence[Value]], Value]:
    """min (<) or max (>) of several arguments: NULL when any is NULL, unlike LEAST and GREATEST."""

    def translate(arguments: Sequence[Value]) -> Value:
        terms, pattern = align(arguments)
        if not pattern.certain or pattern.kind in {Kind.BLOB, Kind.JSON, Kind.JSON_ITEM, Kind.OTHER}:
            raise Unsupported("min or max of what PostgreSQL orders unlike SQLite is not translated")
        if pattern.kind is Kind.TEXT and any(one.collation != "BINARY" for one in arguments):
            raise Unsupported("min and max of texts with a collation are not translated")
        function = "LEAST" if operator == "<" else "GREATEST"
        collated = [f'{term} COLLATE "C"' if pattern.kind is Kind.TEXT else term for term in terms]
        missing = " OR ".join(f"{one.sql} IS NULL" for one in arguments if one.literal is None) or "FALSE"
        return replace(pattern, sql=f"(CASE WHEN NOT ({missing}) THEN {function}({', '.join(collated)}) END)")

    return translate


def type_of(arguments: Sequence[Value]) -> Value:
    """typeof(x), where PostgreSQL's type tells it."""
    (value,) = arguments
    if value.kind in _TYPES and value.certain:
        return plain_text(f"(CASE WHEN {value.sql} IS NULL THEN 'null' ELSE '{_TYPES[value.kind]}' END)")
    whole = whole_sql(value)
    if value.kind in {Kind.REAL, Kind.NUMERIC} and whole is not Whole.UNKNOWN:
        test = whole if isinstance(whole, str) else str(whole is Whole.ALWAYS).upper()
        return plain_text(
            f"(CASE WHEN {value.sql} IS NULL THEN 'null' WHEN {test} THEN 'integer' ELSE 'real' END)"
        )
    raise Unsupported(f"typeof({value.sql}) differs from row to row")


def cast(value: Value, type_name: str) -> Value:
    """CAST(value AS type)."""
    if value.kind is Kind.NULL:
        return value
    affinity = affinity_of(type_name)
    if affinity is Affinity.INTEGER:
        return replace(integer(as_integer(value)), affinity=affinity)
    if affinity is Affinity.TEXT:
        return replace(plain_text(as_text(value)), affinity=affinity, collation=value.collation)
    if affinity is Affinity.REAL:
        return replace(real(as_real(value)), affinity=affinity)
    if affinity is Affinity.NUMERIC and value.kind in {Kind.INTEGER, Kind.REAL, Kind.NUMERIC, Kind.BOOLEAN}:
        return replace(value, affinity=affinity, constant=False, literal=None)
    raise Unsupported(f"CAST({value.sql} AS {type_name}) is not translated")


def affinity_of(declared: str) -> Affinity:
    """The affinity of a type name (https://sqlite.org/datatype3.html, section 3.1)."""
    name = declared.upper()
    if "INT" in name:
        return Affinity.INTEGER
    if any(word in name for word in ("CHAR", "CLOB", "TEXT")):
        return Affinity.TEXT
    if not name or "BLOB" in name or "BINARY" in name:
        return Affinity.BLOB
    return Affinity.REAL if any(word in name for word in ("REAL", "FLOA", "DOUB")) else Affinity.NUMERIC


def random_integer(_: Sequence[Value]) -> Value:
    """random(): 64 random bits. A version 4 UUID has random bits in its first 48 and its last 62."""
    return integer("('x' || substr(md5(gen_random_uuid()::text), 1, 16))::bit(64)::bigint")


def random_blob(arguments: Sequence[Value]) -> Value:
    """randomblob(n)."""
    size = arguments[0].literal
    if not isinstance(size, int) or size > 1024:
        raise Unsupported("randomblob with such a size is not translated")
    size = max(size, 1)
    digests = " || ".join(["md5(gen_random_uuid()::text)"] * -(-size // 16))
    whole = f"decode({digests}, 'hex')"
    return Value(whole if size % 16 == 0 else f"substring({whole} from 1 for {size})", Kind.BLOB)


NUMBER_FUNCTIONS: Mapping[str, Callable[[Sequence[Value]], Value]] = {
    "abs": absolute,
    "round": rounded,
    "coalesce": coalesced,
    "ifnull": coalesced,
    "nullif": null_if,
    "iif": if_else,
    "if": if_else,
    "min": extreme("<"),
    "max": extreme(">"),
    "typeof": type_of,
    "likely": lambda one: one[0],
    "unlikely": lambda one: one[0],
    "likelihood": lambda one: one[0],
}
RANDOM: Mapping[str, Callable[[Sequence[Value]], Value]] = {
    "random": random_integer,
    "randomblob": random_blob,
}
