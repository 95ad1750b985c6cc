"""The tree of an expression, node by node. A node that is not listed is refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from opskit.schema.model import ascii_fold
from opskit.schema.translation.aggregates import AGGREGATES, WINDOWS, Call, is_aggregate, order_term
from opskit.schema.translation.compare import compare, one_of
from opskit.schema.translation.convert import as_condition, as_integer
from opskit.schema.translation.json_items import JSON_FUNCTIONS, item_at, json_at
from opskit.schema.translation.moments import DATE_FUNCTIONS
from opskit.schema.translation.numbers import (
    NUMBER_FUNCTIONS,
    RANDOM,
    arithmetic,
    bitwise,
    cast,
    chosen,
    negated,
)
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.scope import Scope
from opskit.schema.translation.sqlite import folded
from opskit.schema.translation.subqueries import Query, in_query, scalar
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
from opskit.schema.translation.texts import TEXT_FUNCTIONS, concatenate, glob, like
from opskit.schema.translation.values import Value, boolean, constant, integer
from opskit.schema.translation.windows import over

_PLAIN = {**TEXT_FUNCTIONS, **NUMBER_FUNCTIONS, **JSON_FUNCTIONS}
_COMPARISONS: Mapping[type[Node], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "IS",
    exp.NullSafeNEQ: "IS NOT",
}
_ARITHMETIC: Mapping[type[Node], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
_BITWISE: Mapping[type[Node], str] = {exp.BitwiseAnd: "&", exp.BitwiseOr: "|"}
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
        if type(node) in _COMPARISONS:
            return compare(_COMPARISONS[type(node)], self._left(node), self._right(node))
        if type(node) in _ARITHMETIC:
            return arithmetic(_ARITHMETIC[type(node)], self._left(node), self._right(node))
        if type(node) in _BITWISE:
            return bitwise(_BITWISE[type(node)], self._left(node), self._right(node))
        if type(node) in _CLOCK:
            return DATE_FUNCTIONS[_CLOCK[type(node)]]([], self.immutable)
        translate = _NODES.get(type(node))
        if translate is None:
            raise Unsupported(f"{original(node)} is not translated")
        return translate(self, node)

    def condition(self, node: Node) -> str:
        """SQL of the expression's truth."""
        return as_condition(self.value(node))

    def _left(self, node: Node) -> Value:
        return self.value(required(node, "this"))

    def _right(self, node: Node) -> Value:
        return self.value(required(node, "expression"))

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


def _paren(self: Expressions, node: Node) -> Value:
    return self.value(required(node, "this"))


def _boolean_operator(word: str) -> Callable[[Expressions, Node], Value]:
    def translate(self: Expressions, node: Node) -> Value:
        left, right = self.condition(required(node, "this")), self.condition(required(node, "expression"))
        return boolean(f"({left} {word} {right})")

    return translate


def _not(self: Expressions, node: Node) -> Value:
    return boolean(f"(NOT {self.condition(required(node, 'this'))})")


def _is(self: Expressions, node: Node) -> Value:
    other = required(node, "expression")
    if isinstance(other, exp.Boolean):
        word = "TRUE" if flag(other, "this") else "FALSE"
        return boolean(f"({self.condition(required(node, 'this'))} IS {word})")
    return compare("IS", self.value(required(node, "this")), self.value(other))


def _between(self: Expressions, node: Node) -> Value:
    value = self.value(required(node, "this"))
    low = compare(">=", value, self.value(required(node, "low")))
    high = compare("<=", value, self.value(required(node, "high")))
    return _negated(node, boolean(f"({low.sql} AND {high.sql})"))


def _negated(node: Node, value: Value) -> Value:
    return boolean(f"(NOT {value.sql})") if flag(node, "negate") else value


def _in(self: Expressions, node: Node) -> Value:
    value, query = self.value(required(node, "this")), child(node, "query")
    if query is not None:
        return in_query(value, self.query(query, self.scope))
    if flag(node, "field"):
        raise Unsupported(f"{original(node)} is not translated")
    return one_of(value, [self.value(one) for one in children(node, "expressions")])


def _like(self: Expressions, node: Node, escape: Node | None = None) -> Value:
    text, pattern = self.value(required(node, "this")), self.value(required(node, "expression"))
    return _negated(node, like(text, pattern, self.value(escape) if escape is not None else None))


def _escape(self: Expressions, node: Node) -> Value:
    inner = required(node, "this")
    if isinstance(inner, exp.Not):
        return boolean(f"(NOT {_like(self, required(inner, 'this'), required(node, 'expression')).sql})")
    return _like(self, inner, required(node, "expression"))


def _glob(self: Expressions, node: Node) -> Value:
    found = glob(self.value(required(node, "this")), self.value(required(node, "expression")))
    return _negated(node, found)


def _concatenation(self: Expressions, node: Node) -> Value:
    return concatenate(self.value(required(node, "this")), self.value(required(node, "expression")))


def _negation(self: Expressions, node: Node) -> Value:
    return negated(self.value(required(node, "this")))


def _inversion(self: Expressions, node: Node) -> Value:
    return integer(f"(~ {as_integer(self.value(required(node, 'this')))})")


def _case(self: Expressions, node: Node) -> Value:
    subject, branches, default = child(node, "this"), children(node, "ifs"), child(node, "default")
    tests = [required(branch, "this") for branch in branches]
    if subject is None:
        conditions = [self.condition(test) for test in tests]
    else:
        value = self.value(subject)
        conditions = [compare("=", value, self.value(test)).sql for test in tests]
    results = [self.value(required(branch, "true")) for branch in branches]
    return chosen(conditions, [*results, self.value(default) if default is not None else constant(None)])


def _cast(self: Expressions, node: Node) -> Value:
    return cast(self.value(required(node, "this")), required(node, "to").sql())


def _collate(self: Expressions, node: Node) -> Value:
    return replace(
        self.value(required(node, "this")),
        collation=word(node, "expression").upper(),
        explicit_collation=True,
    )


def _exists(self: Expressions, node: Node) -> Value:
    return boolean(f"EXISTS ({self.query(required(node, 'this'), self.scope).sql})")


def _subquery(self: Expressions, node: Node) -> Value:
    return scalar(self.query(required(node, "this"), self.scope))


def _json_arrow(self: Expressions, node: Node) -> Value:
    steps = [
        word(one) or str(one.args.get("this"))
        for one in children(required(node, "expression"), "expressions")[1:]
    ]
    reach = item_at if isinstance(node, exp.JSONExtractScalar) else json_at
    return reach(self.value(required(node, "this")), steps)


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
    exp.Column: Expressions.column,
    exp.Anonymous: Expressions.call,
    exp.Paren: _paren,
    exp.And: _boolean_operator("AND"),
    exp.Or: _boolean_operator("OR"),
    exp.Not: _not,
    exp.Is: _is,
    exp.Between: _between,
    exp.In: _in,
    exp.Like: _like,
    exp.Escape: _escape,
    exp.Glob: _glob,
    exp.DPipe: _concatenation,
    exp.Neg: _negation,
    exp.BitwiseNot: _inversion,
    exp.Case: _case,
    exp.Cast: _cast,
    exp.Collate: _collate,
    exp.Exists: _exists,
    exp.Subquery: _subquery,
    exp.JSONExtractScalar: _json_arrow,
    exp.JSONExtract: _json_arrow,
    exp.Filter: _filter,
    exp.Window: _window,
}
