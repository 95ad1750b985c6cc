"""OVER clauses."""

from collections.abc import Callable, Sequence

from sqlglot import exp

from opskit.schema.names import quote
from opskit.schema.translation.aggregates import groupable
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.syntax import Node, child, children, flag, word
from opskit.schema.translation.values import Value

_UNITS = {"ROWS", "RANGE", "GROUPS"}
_EDGES = {"CURRENT ROW", "UNBOUNDED"}


def over(window: Node, value: Callable[[Node], Value], order: Callable[[Node], str]) -> str:
    """SQL of OVER, by name or in full."""
    alias = child(window, "alias")
    return (
        f" OVER {quote(word(alias))}" if alias is not None else f" OVER ({definition(window, value, order)})"
    )


def definition(window: Node, value: Callable[[Node], Value], order: Callable[[Node], str]) -> str:
    """SQL of what stands in the parentheses of OVER."""
    base = child(window, "first")
    if base is not None:
        raise Unsupported("a window that extends another window is not translated")
    parts: list[str] = []
    partition = [value(one) for one in children(window, "partition_by")]
    if partition:
        parts.append(f"PARTITION BY {_grouped(partition)}")
    terms, spec = child(window, "order"), child(window, "spec")
    if terms is not None:
        parts.append(f"ORDER BY {order(terms)}")
    if spec is not None:
        parts.append(_frame(spec))
    return " ".join(parts)


def _grouped(values: Sequence[Value]) -> str:
    for one in values:
        groupable(one)
    return ", ".join(one.sql for one in values)


def _frame(spec: Node) -> str:
    unit = word(spec, "kind").upper()
    if unit not in _UNITS or flag(spec, "exclude"):
        raise Unsupported("this window frame is not translated")
    start, end = _edge(spec, "start"), _edge(spec, "end")
    return f"{unit} BETWEEN {start} AND {end}"


def _edge(spec: Node, key: str) -> str:
    side = word(spec, f"{key}_side").upper()
    bound = child(spec, key)
    if isinstance(bound, exp.Literal) and not bound.is_string:
        return f"{word(bound)} {side}"
    edge = word(spec, key).upper()
    if edge not in _EDGES | {""}:
        raise Unsupported("this window frame is not translated")
    return f"{edge or 'CURRENT ROW'} {side}".strip()
