"""The value of an expression: its SQL on PostgreSQL and all we know of what it is on SQLite."""

from dataclasses import dataclass
from enum import Enum

from opskit.schema.model import Affinity
from opskit.schema.names import literal

Constant = int | float | str | bytes | None


class Kind(Enum):
    """PostgreSQL's types, as far as translation treats them differently."""

    NULL = "unknown"
    BOOLEAN = "boolean"
    INTEGER = "bigint"
    REAL = "double precision"
    NUMERIC = "numeric"
    TEXT = "text"
    BLOB = "bytea"
    TIMESTAMP = "timestamp with time zone"
    DATE = "date"
    JSON = "jsonb"
    JSON_ITEM = "an item of a JSON text"
    OTHER = "another type"


NUMBERS = frozenset({Kind.BOOLEAN, Kind.INTEGER, Kind.REAL, Kind.NUMERIC})


class Whole(Enum):
    """Which numbers SQLite stores as INTEGER: it decides what `/` and text conversion do."""

    ALWAYS = "always"
    NEVER = "never"
    IF_INTEGRAL = "a value of a NUMERIC column: whenever it has no fraction"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Moment:
    """A date in text: the same as a PostgreSQL `timestamp` in UTC, and how many characters the text has."""

    sql: str
    length: int


@dataclass(frozen=True, slots=True)
class Value:
    """A translated expression.

    Attributes:
        sql: a PostgreSQL term that can stand beside any operator.
        affinity: the affinity SQLite gives it in comparisons; None for most expressions.
        collation: the collation SQLite compares it with.
        whole: when SQLite holds it as INTEGER; an SQL condition where it is known row by row.
        constant: it was a literal, whose value is `literal`.
        moment: for a date in text.
        integer: SQL of the same value as a number, for a text that consists of digits.
        item: SQL of the `json` value, for a JSON item.
        places: decimal places of a `numeric(p,s)`, None when unlimited.
        certain: its SQLite values are all of the class that the PostgreSQL type tells.
    """

    sql: str
    kind: Kind
    affinity: Affinity | None = None
    collation: str = "BINARY"
    explicit_collation: bool = False
    whole: Whole | str = Whole.UNKNOWN
    constant: bool = False
    literal: Constant = None
    moment: Moment | None = None
    integer: str | None = None
    item: str | None = None
    places: int | None = None
    certain: bool = True

    @property
    def cast_type(self) -> str:
        """The PostgreSQL type to cast to so that the value has it in every position."""
        return Kind.TEXT.value if self.kind in {Kind.NULL, Kind.JSON_ITEM} else self.kind.value


def boolean(sql: str) -> Value:
    """A condition; SQLite's 0 or 1."""
    return Value(sql, Kind.BOOLEAN, whole=Whole.ALWAYS)


def integer(sql: str) -> Value:
    """A number that SQLite holds as INTEGER."""
    return Value(sql, Kind.INTEGER, whole=Whole.ALWAYS)


def real(sql: str) -> Value:
    """A number that SQLite holds as REAL."""
    return Value(sql, Kind.REAL, whole=Whole.NEVER)


def plain_text(sql: str) -> Value:
    """A text."""
    return Value(sql, Kind.TEXT)


def constant(value: Constant) -> Value:
    """A literal of that value."""
    if value is None:
        return Value("NULL", Kind.NULL, constant=True)
    if isinstance(value, int):
        return Value(_integer(value), Kind.INTEGER, whole=Whole.ALWAYS, constant=True, literal=value)
    if isinstance(value, float):
        return Value(_real(value), Kind.REAL, whole=Whole.NEVER, constant=True, literal=value)
    if isinstance(value, str):
        return Value(quoted(value), Kind.TEXT, constant=True, literal=value)
    return Value(f"'\\x{value.hex()}'::bytea", Kind.BLOB, constant=True, literal=value)


def _integer(value: int) -> str:
    if value <= -(2**63):
        return f"'{value}'::bigint"
    return str(value) if value >= 0 else f"({value})"


def _real(value: float) -> str:
    if value in {float("inf"), float("-inf")}:
        return f"'{'-' if value < 0 else ''}Infinity'::double precision"
    return f"({value!r})" if repr(value).startswith("-") else repr(value)


def quoted(value: str) -> str:
    """The text as a PostgreSQL literal, right under any setting of standard_conforming_strings."""
    return f"E{literal(value)}".replace("\\", "\\\\") if "\\" in value else literal(value)
