"""Parsing SQLite's SQL. sqlglot supplies the tree only: it knows no meaning that we rely on."""

from collections.abc import Iterator
from typing import cast

import sqlglot
from sqlglot import exp
from sqlglot.dialects.sqlite import SQLite
from sqlglot.errors import SqlglotError

from opskit.schema.model import ascii_fold
from opskit.schema.translation.result import Unsupported

Node = exp.Expr
_OPENING = "( , = == <> != < > <= >= + - * / % || & | SELECT WHERE AND OR NOT ON BY WHEN THEN ELSE CASE IN IS"
_BEFORE_OPERANDS = {*_OPENING.split(" "), "BETWEEN", "LIKE", "HAVING", "DISTINCT", "GROUP BY", "ORDER BY"}


class PlainSQLite(SQLite):
    """SQLite in which every function stays a name with arguments, instead of a guess at its meaning."""

    class Parser(SQLite.Parser):
        """The parser; only CAST and CASE have a syntax of their own."""

        # sqlglot configures by class attributes whose types it leaves open
        FUNCTIONS = {}  # noqa: RUF012 # pyright: ignore[reportUnknownVariableType]
        FUNCTION_PARSERS = {  # noqa: RUF012 # pyright: ignore[reportUnknownVariableType]
            "CAST": SQLite.Parser.FUNCTION_PARSERS["CAST"]  # pyright: ignore[reportUnknownMemberType]
        }
        NO_PAREN_FUNCTION_PARSERS = {  # noqa: RUF012 # pyright: ignore[reportUnknownVariableType]
            "CASE": SQLite.Parser.NO_PAREN_FUNCTION_PARSERS["CASE"]  # pyright: ignore[reportUnknownMemberType]
        }


def parse_expression(sql: str) -> Node:
    """The tree of one expression.

    Raises:
        Unsupported: it cannot be parsed.
    """
    (expression,) = children(parse_statement(f"SELECT {sql}\n"), "expressions")
    return expression.this if isinstance(expression, exp.Alias) else expression


def parse_statement(sql: str) -> Node:
    """The tree of one statement.

    Raises:
        Unsupported: it cannot be parsed.
    """
    try:
        _refuse_unary_plus(sql)
        statements = sqlglot.parse(sql, dialect=PlainSQLite)
    except (SqlglotError, RecursionError, ValueError):  # it raises ValueError for an empty name
        raise Unsupported("its SQL could not be parsed") from None
    found = [one for one in statements if one is not None]
    if len(found) != 1:
        raise Unsupported("its SQL could not be parsed")
    return found[0]


def _refuse_unary_plus(sql: str) -> None:
    """sqlglot drops it, but in SQLite it takes away the affinity that comparisons go by."""
    tokens = sqlglot.tokenize(sql, dialect=PlainSQLite)
    for before, plus, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        opened = before.text.upper() in _BEFORE_OPERANDS
        if plus.text == "+" and opened and not after.text[:1].isdigit():
            raise Unsupported("the unary + is not translated")


def child(node: Node, key: str) -> Node | None:
    """The one node under that key, if there is one."""
    found = cast("object", node.args.get(key))
    return found if isinstance(found, Node) else None


def required(node: Node, key: str) -> Node:
    """The node under that key.

    Raises:
        Unsupported: there is none.
    """
    found = child(node, key)
    if found is None:
        raise Unsupported(f"{original(node)} is not understood")
    return found


def children(node: Node, key: str) -> list[Node]:
    """The nodes in the list under that key."""
    found = cast("object", node.args.get(key))
    if not isinstance(found, list):
        return []
    return [one for one in cast("list[object]", found) if isinstance(one, Node)]


def flag(node: Node, key: str) -> bool:
    """Whether something is set under that key."""
    return bool(cast("object", node.args.get(key)))


def word(node: Node, key: str = "this") -> str:
    """The string under that key, upper-case keywords and names included; empty when absent."""
    found = cast("object", node.args.get(key))
    if isinstance(found, exp.Identifier | exp.Literal | exp.Var):
        return str(cast("object", found.args.get("this")))
    return found if isinstance(found, str) else ""


def function_name(node: Node) -> str | None:
    """The folded name of a function call, None for anything else."""
    return ascii_fold(word(node)) if isinstance(node, exp.Anonymous) else None


def walk(node: Node) -> Iterator[Node]:
    """The node and everything under it."""
    return node.walk()


def stated_collation(node: Node) -> str:
    """The collation that COLLATE states somewhere in an expression, which then is the whole expression's.

    Empty without any: what stands in a subquery stays there.
    """
    if isinstance(node, exp.Collate):
        return word(node, "expression").upper()
    if isinstance(node, exp.Query):
        return ""
    return next((found for one in node.iter_expressions() if (found := stated_collation(one))), "")


def original(node: Node) -> str:
    """The node's SQL as SQLite writes it, cut to a readable length."""
    sql = node.sql(dialect=PlainSQLite)
    return sql if len(sql) <= 80 else f"{sql[:77]}..."
