"""The tree of an expression, node by node. A node that is not listed is refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from opskit.schema.model import ascii_fold
from opskit.schema.translation.aggregates import AGGREGATES, WINDOWS, Call, is_aggregate, order_term
from opskit.schema.translation.convert import as_condition
from opskit.schema.translation.json_items import JSON_FUNCTIONS
from opskit.schema.translation.moments import DATE_FUNCTIONS
from opskit.schema.translation.numbers import NUMBER_FUNCTIONS, RANDOM
from opskit.schema.translation.operators import OPERATORS
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.scope import Scope
from opskit.schema.translation.sqlite import folded
from opskit.schema.translation.subqueries import Query
from opskit.schema.translation.syntax import (
    Node,
    children,
    flag,
    function_name,
    original,
    required,
    stated_collation,
    word,
)
from opskit.schema.translation.texts import TEXT_FUNCTIONS
from opskit.schema.translation.values import Value, constant
from opskit.schema.translation.windows import over

_PLAIN = {**TEXT_FUNCTIONS, **NUMBER_FUNCTIONS, **JSON_FUNCTIONS}
_CLOCK: Mapping[type[Node], str] = {
    exp.CurrentTimestamp: "datetime",
    exp.CurrentDate: "date",
    exp.CurrentTime: "time",
}


@dataclass(frozen=True, slots=True)
class Expressions:
    """Translates expressions in one scope.

    Attributes:
        immutable: the result must depend on nothing but its columns.
        aliases: folded result aliases that may be used as columns.
        query: translates a query that stands in an expression.
    """

    scope: Scope
    query: Callable[[Node, Scope], Query]
    immutable: bool = False
    aliases: Mapping[str, Node] = field(default_factory=dict[str, Node])

    def value(self, node: Node) -> Value:
        """The expression's value.

        Raises:
            Unsupported: it cannot be translated exactly.
        """
        literal = folded(node)
        if literal is not None:
            return literal
        if type(node) in _CLOCK:
            return DATE_FUNCTIONS[_CLOCK[type(node)]]([], self.immutable)
        translate = _NODES.get(type(node))
        if translate is None:
            raise Unsupported(f"{original(node)} is not translated")
        found, collation = translate(self, node), stated_collation(node)
        return replace(found, collation=collation, explicit_collation=True) if collation else found

    def condition(self, node: Node) -> str:
        """SQL of the expression's truth."""
        return as_condition(self.value(node))

    def subquery(self, node: Node) -> Query:
        """A query that stands in the expression."""
        return self.query(node, self.scope)

    def column(self, node: Node) -> Value:
        """A name: a column, an alias of the result, or a string in double quotes."""
        name, qualifier = word(node), word(node, "table")
        found = self.scope.local(name, qualifier)
        alias = self.aliases.get(ascii_fold(name)) if not qualifier else None
        if found is None and alias is not None:
            others = {key: one for key, one in self.aliases.items() if key != ascii_fold(name)}
            return replace(self, aliases=others).value(alias)
        found = found or self.scope.column(name, qualifier)
        if found is not None:
            return found
        identifier = required(node, "this")
        if not qualifier and flag(identifier, "quoted"):
            return constant(name)
        raise Unsupported(f"there is no column {original(node)}")

    def call(self, node: Node) -> Value:
        """A function call."""
        name, arguments = function_name(node) or "", children(node, "expressions")
        if is_aggregate(name, len(arguments)):
            return self.aggregate(node)
        try:
            if name in _PLAIN:
                return _PLAIN[name]([self.value(one) for one in arguments])
            if name in DATE_FUNCTIONS:
                return DATE_FUNCTIONS[name]([self.value(one) for one in arguments], self.immutable)
            if name in RANDOM and not self.immutable:
                return RANDOM[name]([self.value(one) for one in arguments])
        except (ValueError, IndexError):
            raise Unsupported(f"{original(node)} has an unexpected number of arguments") from None
        raise Unsupported(f"the function {name}() is not translated")

    def aggregate(self, node: Node, suffix: str = "") -> Value:
        """An aggregate call, with what stands behind its closing parenthesis."""
        name, arguments = function_name(node) or "", children(node, "expressions")
        distinct, order = "", ""
        if arguments and isinstance(arguments[0], exp.Distinct):
            distinct, arguments = "DISTINCT ", children(arguments[0], "expressions") + arguments[1:]
        if arguments and isinstance(arguments[-1], exp.Order):
            order = f" ORDER BY {self.order(arguments[-1])}"
            arguments[-1] = required(arguments[-1], "this")
        values = [self.value(one) for one in arguments if not isinstance(one, exp.Star)]
        return AGGREGATES[name](values, Call(distinct, order, suffix))

    def order(self, order: Node) -> str:
        """The terms of an ORDER BY."""
        return ", ".join(self.order_term(one) for one in children(order, "expressions"))

    def order_term(self, ordered: Node) -> str:
        """One term of an ORDER BY."""
        return order_term(
            self.value(required(ordered, "this")),
            descending=flag(ordered, "desc"),
            nulls_first=flag(ordered, "nulls_first"),
        )


def _filter(self: Expressions, node: Node) -> Value:
    condition = self.condition(required(required(node, "expression"), "this"))
    return self.aggregate(required(node, "this"), f" FILTER (WHERE {condition})")


def _window(self: Expressions, node: Node) -> Value:
    function = required(node, "this")
    suffix = ""
    if isinstance(function, exp.Filter):
        suffix = f" FILTER (WHERE {self.condition(required(required(function, 'expression'), 'this'))})"
        function = required(function, "this")
    name, arguments = function_name(function) or "", children(function, "expressions")
    frame = over(node, self.value, self.order)
    if name in WINDOWS:
        return WINDOWS[name]([self.value(one) for one in arguments], Call(suffix=frame))
    if is_aggregate(name, len(arguments)):
        return self.aggregate(function, suffix + frame)
    raise Unsupported(f"the window function {name}() is not translated")


_NODES: Mapping[type[Node], Callable[[Expressions, Node], Value]] = {
    **OPERATORS,
    exp.Column: Expressions.column,
    exp.Anonymous: Expressions.call,
    exp.Filter: _filter,
    exp.Window: _window,
}
