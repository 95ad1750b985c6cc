"""One SELECT."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from opskit.schema.model import ascii_fold
from opskit.schema.names import quote
from opskit.schema.translation.aggregates import groupable, is_aggregate, order_term
from opskit.schema.translation.collations import BYTES
from opskit.schema.translation.convert import as_kind
from opskit.schema.translation.expressions import Expressions
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.scope import Relation, Scope
from opskit.schema.translation.sources import From, read_from
from opskit.schema.translation.sqlite import folded
from opskit.schema.translation.subqueries import Query
from opskit.schema.translation.syntax import (
    Node,
    child,
    children,
    flag,
    function_name,
    original,
    required,
    word,
)
from opskit.schema.translation.values import Kind, Value
from opskit.schema.translation.windows import definition

_NAME = '"(?:[^"]|"")*"'
_PLAIN_COLUMN = re.compile(rf"(?:{_NAME}\.)?{_NAME}")


@dataclass(frozen=True, slots=True)
class Shape:
    """What the columns of a query are to be: their names and kinds, and whether each is cast explicitly."""

    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    casts: bool

    def columns(self, values: Sequence[Value]) -> list[str]:
        """SQL of the values in this shape, without names."""
        return [self._column(value, kind) for value, kind in zip(values, self.kinds, strict=True)]

    def _column(self, value: Value, kind: Kind) -> str:
        """A text that is computed sorts as SQLite's columns do, and as the columns that it stands beside."""
        term = as_kind(value, kind)
        if self.casts:
            term = f"{term}::{replace(value, kind=kind).cast_type}"
        return f"{term} {BYTES}" if kind is Kind.TEXT and not _PLAIN_COLUMN.fullmatch(term) else term


@dataclass(frozen=True, slots=True)
class Branch:
    """A SELECT whose column types are still open: a compound may ask for wider ones."""

    names: tuple[str, ...]
    values: tuple[Value, ...]
    distinct: bool
    tail: str

    def render(self, shape: Shape) -> str:
        """SQL with the columns in that shape."""
        columns = zip(shape.columns(self.values), shape.names, strict=True)
        listed = ", ".join(f"{term} AS {quote(name)}" for term, name in columns)
        return f"SELECT {'DISTINCT ' if self.distinct else ''}{listed}{self.tail}"


Derive = Callable[[Node, "Scope | None"], Query]


def read_select(node: Node, outer: Scope | None, lookup: Callable[[str], Relation], query: Derive) -> Branch:
    """The SELECT.

    Raises:
        Unsupported: it cannot be translated exactly.
    """
    start = child(node, "from_")

    def derive(subquery: Node) -> Query:
        return query(subquery, None)  # a subquery in FROM sees nothing outside of it

    joins = children(node, "joins")
    source = read_from(required(start, "this"), joins, lookup, derive) if start else From((), ())
    scope = Scope(source.relations, outer)
    outputs = list(_outputs(children(node, "expressions"), scope))
    aliases = {ascii_fold(word(one, "alias")): one.this for _, one in outputs if isinstance(one, exp.Alias)}
    expressions = Expressions(scope, query, aliases=aliases)
    return _Select(node, source, expressions, tuple(outputs)).branch()


def _outputs(nodes: Iterable[Node], scope: Scope) -> Iterable[tuple[str, "Node | Value"]]:
    """The result columns by name, with * spelt out."""
    for node in nodes:
        inner = node.this if isinstance(node, exp.Column) else node
        if isinstance(inner, exp.Star):
            qualifier = word(node, "table")
            relations = [
                one
                for one in scope.relations
                if ascii_fold(one.name) == ascii_fold(qualifier) or not qualifier
            ]
            if not relations:
                raise Unsupported(f"{original(node)} names no relation")
            for relation in relations:
                for field in relation.fields if qualifier else relation.visible():
                    yield field.name, relation.qualified(field)
        else:
            yield word(node, "alias") or word(node) or original(node), node


@dataclass(frozen=True, slots=True)
class _Select:
    node: Node
    source: From
    expressions: Expressions
    outputs: tuple[tuple[str, "Node | Value"], ...]

    def branch(self) -> Branch:
        values = tuple(
            one if isinstance(one, Value) else self.expressions.value(_unaliased(one))
            for _, one in self.outputs
        )
        distinct = flag(self.node, "distinct")
        for value in values if distinct else ():
            groupable(value)
        keys = self._group_keys()
        self._refuse_bare_columns([key.sql for key in keys])
        group = f" GROUP BY {', '.join(key.sql for key in keys)}" if keys else ""
        tail = [
            self._from(),
            self._where("where", "WHERE"),
            group,
            self._where("having", "HAVING"),
            self._windows(),
        ]
        order = "" if distinct else self._order(keys)
        return Branch(tuple(name for name, _ in self.outputs), values, distinct, "".join([*tail, order]))

    def _from(self) -> str:
        plain = replace(self.expressions, aliases={})
        return f" FROM {self.source.sql(plain.condition)}" if self.source.joins else ""

    def _where(self, key: str, word: str) -> str:
        clause = child(self.node, key)
        return f" {word} {self.expressions.condition(required(clause, 'this'))}" if clause is not None else ""

    def _windows(self) -> str:
        terms = [
            f"{quote(word(one))} AS ({definition(one, self.expressions.value, self.expressions.order)})"
            for one in children(self.node, "windows")
        ]
        return f" WINDOW {', '.join(terms)}" if terms else ""

    def _group_keys(self) -> list[Value]:
        clause = child(self.node, "group")
        keys = [self._term(one) for one in children(clause, "expressions")] if clause is not None else []
        for key in keys:
            groupable(key)
        return keys

    def _term(self, node: Node) -> Value:
        """A term of GROUP BY or ORDER BY: the number of a result column, or an expression."""
        number = word(node)
        if (
            isinstance(node, exp.Literal)
            and not node.is_string
            and number.isdigit()
            and 0 < int(number) <= len(self.outputs)
        ):
            output = self.outputs[int(number) - 1][1]
            return output if isinstance(output, Value) else self.expressions.value(_unaliased(output))
        return self.expressions.value(node)

    def _order_value(self, node: Node) -> Value:
        """In ORDER BY a name means the result's alias before it means a column."""
        alias = self.expressions.aliases.get(ascii_fold(word(node))) if isinstance(node, exp.Column) else None
        return self._term(alias if alias is not None and not word(node, "table") else node)

    def _order(self, keys: Sequence[Value]) -> str:
        order, cut = child(self.node, "order"), limit(self.node)
        listed = children(order, "expressions") if order is not None else []
        terms = [
            order_term(
                self._order_value(required(one, "this")),
                descending=flag(one, "desc"),
                nulls_first=flag(one, "nulls_first"),
            )
            for one in listed
        ]
        ties = self._ties(keys, [flag(one, "desc") for one in listed]) if cut else []
        found = ", ".join([*terms, *ties])
        return f"{f' ORDER BY {found}' if found else ''}{cut}"

    def _ties(self, keys: Sequence[Value], descending: Sequence[bool]) -> list[str]:
        """What decides among equals when only the first rows are taken: the order SQLite reads them in.

        It sorts for GROUP BY in the directions of ORDER BY when both have as many terms.
        """
        relations = self.source.relations
        if not keys and len(relations) == 1 and relations[0].rowid is not None and not self._aggregated():
            row = relations[0].find(relations[0].rowid)
            return [order_term(row, descending=False, nulls_first=True)] if row is not None else []
        directions = descending if len(descending) == len(keys) else [False] * len(keys)
        return [
            order_term(key, descending=down, nulls_first=not down)
            for key, down in zip(keys, directions, strict=True)
        ]

    def _aggregated(self) -> bool:
        nodes = [one for _, one in self.outputs if not isinstance(one, Value)]
        having = child(self.node, "having")
        return having is not None or any(_has_aggregate(one) for one in nodes)

    def _refuse_bare_columns(self, keys: Sequence[str]) -> None:
        """SQLite takes a column that is neither grouped nor aggregated from some row of the group."""
        if not keys and not self._aggregated():
            return
        for _, output in self.outputs:
            if isinstance(output, Value):
                if output.sql not in keys:
                    raise Unsupported(f"{output.sql} is neither grouped nor aggregated")
            else:
                self._check(_unaliased(output), keys)
        having = child(self.node, "having")
        if having is not None:
            self._check(required(having, "this"), keys)

    def _check(self, node: Node, keys: Sequence[str]) -> None:
        if isinstance(node, exp.Subquery | exp.Exists | exp.Window | exp.Identifier) or _is_aggregate(node):
            return
        if isinstance(node, exp.Column):
            self._check_column(node, keys)
        elif not (
            keys and isinstance(node, exp.Anonymous | exp.Binary) and self.expressions.value(node).sql in keys
        ):
            for one in node.iter_expressions():
                self._check(one, keys)

    def _check_column(self, node: Node, keys: Sequence[str]) -> None:
        value = self.expressions.scope.local(word(node), word(node, "table"))
        alias = self.expressions.aliases.get(ascii_fold(word(node)))
        if value is None and alias is not None:
            self._check(alias, keys)
        elif value is not None and value.sql not in keys and not self._depends(value, keys):
            raise Unsupported(
                f"{original(node)} is neither grouped nor aggregated: SQLite takes it from some row"
            )

    def _depends(self, value: Value, keys: Sequence[str]) -> bool:
        """Whether the column's whole primary key is grouped by."""
        for relation in self.source.relations:
            if relation.key and any(relation.qualified(field).sql == value.sql for field in relation.fields):
                found = [relation.find(name) for name in relation.key]
                return all(one is not None and one.sql in keys for one in found)
        return False


def _is_aggregate(node: Node) -> bool:
    if isinstance(node, exp.Filter):
        return True
    return is_aggregate(function_name(node), len(children(node, "expressions")))


def _has_aggregate(node: Node) -> bool:
    if isinstance(node, exp.Subquery | exp.Exists | exp.Window):
        return False
    return _is_aggregate(node) or any(_has_aggregate(one) for one in node.iter_expressions())


def _unaliased(node: Node) -> Node:
    return required(node, "this") if isinstance(node, exp.Alias) else node


def limit(node: Node) -> str:
    """SQL of LIMIT and OFFSET; a negative limit is none.

    Raises:
        Unsupported: one of them is not a literal.
    """
    count, skip = _amount(node, "limit"), _amount(node, "offset")
    taken = f" LIMIT {count}" if count is not None and count >= 0 else ""
    return f"{taken} OFFSET {skip}" if skip and skip > 0 else taken


def _amount(node: Node, key: str) -> int | None:
    clause = child(node, key)
    if clause is None:
        return None
    value = folded(required(clause, "expression"))
    if value is None or not isinstance(value.literal, int):
        raise Unsupported(f"{key.upper()} with what is not a number is not translated")
    return value.literal
