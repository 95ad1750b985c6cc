"""Asking SQLite itself: what an expression without columns is worth, and what a column makes of it."""

import apsw
from sqlglot import exp

from opskit.schema.model import Affinity
from opskit.schema.names import literal
from opskit.schema.sqlite_file import scalar
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.syntax import Node, PlainSQLite, children, function_name, walk, word
from opskit.schema.translation.values import Constant, Value, constant

VOLATILE = frozenset(
    {
        "random",
        "randomblob",
        "changes",
        "last_insert_rowid",
        "total_changes",
        "sqlite_version",
        "sqlite_source_id",
        "load_extension",
        "readfile",
        "writefile",
        "raise",
        "sqlite_offset",
    }
)
CLOCK = frozenset({"date", "time", "datetime", "julianday", "unixepoch", "strftime", "timediff"})
AGGREGATES = frozenset(
    {"count", "sum", "avg", "total", "group_concat", "string_agg", "json_group_array", "json_group_object"}
)
_FOLDABLE = (
    exp.Literal,
    exp.HexString,
    exp.Neg,
    exp.Paren,
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Div,
    exp.Mod,
    exp.DPipe,
    exp.BitwiseAnd,
    exp.BitwiseOr,
    exp.BitwiseNot,
    exp.BitwiseLeftShift,
    exp.BitwiseRightShift,
    exp.Boolean,
    exp.Null,
    exp.Anonymous,
)


def folded(node: Node) -> Value | None:
    """The value of an expression of literals and deterministic functions, None for any other."""
    if not all(_foldable(one) for one in walk(node)):
        return None
    return constant(evaluate(node.sql(dialect=PlainSQLite)))


def _foldable(node: Node) -> bool:
    if not isinstance(node, _FOLDABLE):
        return False
    name = function_name(node)
    if name in {"min", "max"}:
        return len(children(node, "expressions")) > 1
    return name not in AGGREGATES and not is_volatile(node)


def is_volatile(node: Node) -> bool:
    """Whether this node by itself gives another value at another time or on another host."""
    if isinstance(node, exp.CurrentTimestamp | exp.CurrentDate | exp.CurrentTime):
        return True
    name = function_name(node)
    return name in VOLATILE or (name in CLOCK and not _fixed_date(node))


def _fixed_date(node: Node) -> bool:
    """A date function whose value does not depend on the clock or the time zone of the host."""
    words = {word(one).strip().lower() for one in walk(node) if isinstance(one, exp.Literal)}
    arguments = len(children(node, "expressions")) - (function_name(node) == "strftime")
    return arguments > 0 and not words & {"now", "localtime", "utc"}


def evaluate(sql: str) -> Constant:
    """The value of an SQL expression in an empty database.

    Raises:
        Unsupported: SQLite refuses it.
    """
    return _run(f"SELECT {sql}\n")


def stored(sql: str, affinity: Affinity) -> Constant:
    """What a column of that affinity holds when this is its DEFAULT.

    Raises:
        Unsupported: SQLite refuses it.
    """
    try:
        return _inserted(f"({sql}\n)", affinity)
    except Unsupported:
        return _inserted(sql, affinity)  # a bare word is a string, but only outside of parentheses


def with_affinity(value: Value, affinity: Affinity) -> Value:
    """A number or text literal as SQLite sees it after a comparison has applied that affinity."""
    if isinstance(value.literal, str):
        return constant(stored(literal(value.literal), affinity))
    return constant(stored(repr(value.literal), affinity))


def _inserted(default: str, affinity: Affinity) -> Constant:
    return _run(
        f"CREATE TABLE t(c {affinity.value} DEFAULT {default}, x);"
        "INSERT INTO t(x) VALUES (1); SELECT c FROM t"
    )


def _run(sql: str) -> Constant:
    connection = apsw.Connection(":memory:")
    try:
        value = scalar(connection, sql)
    except apsw.Error as error:
        raise Unsupported(f"SQLite itself refuses it: {error}") from None
    except UnicodeDecodeError:
        raise Unsupported(f"{sql} is a text that is not valid UTF-8") from None
    finally:
        connection.close()
    if isinstance(value, str) and "\0" in value:
        raise Unsupported(f"{sql} is a text that holds a NUL character")
    return value
