"""The operators of SQL, as nodes of the tree."""

from collections.abc import Callable, Mapping
from typing import Protocol

from sqlglot import exp

from opskit.schema.translation.compare import compare, one_of
from opskit.schema.translation.convert import as_integer
from opskit.schema.translation.json_items import item_at, json_at
from opskit.schema.translation.numbers import arithmetic, bitwise, cast, chosen, negated
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.subqueries import Query, in_query, scalar
from opskit.schema.translation.syntax import Node, child, children, flag, original, required, word
from opskit.schema.translation.texts import concatenate, glob, like
from opskit.schema.translation.values import Value, boolean, constant, integer


class Translator(Protocol):
    """What an operator needs of the translation around it."""

    def value(self, node: Node) -> Value:
        """The value of an operand."""
        ...

    def condition(self, node: Node) -> str:
        """SQL of the truth of an operand."""
        ...

    def subquery(self, node: Node) -> Query:
        """A query that stands in the expression."""
        ...


Translate = Callable[[Translator, Node], Value]


def _binary(operate: Callable[[str, Value, Value], Value], operator: str) -> Translate:
    def translate(self: Translator, node: Node) -> Value:
        return operate(operator, self.value(required(node, "this")), self.value(required(node, "expression")))

    return translate


def _paren(self: Translator, node: Node) -> Value:
    return self.value(required(node, "this"))


def _boolean_operator(word: str) -> Callable[[Translator, Node], Value]:
    def translate(self: Translator, node: Node) -> Value:
        left, right = self.condition(required(node, "this")), self.condition(required(node, "expression"))
        return boolean(f"({left} {word} {right})")

    return translate


def _not(self: Translator, node: Node) -> Value:
    return boolean(f"(NOT {self.condition(required(node, 'this'))})")


def _is(self: Translator, node: Node) -> Value:
    other = required(node, "expression")
    if isinstance(other, exp.Boolean):
        word = "TRUE" if flag(other, "this") else "FALSE"
        return boolean(f"({self.condition(required(node, 'this'))} IS {word})")
    return compare("IS", self.value(required(node, "this")), self.value(other))


def _between(self: Translator, node: Node) -> Value:
    value = self.value(required(node, "this"))
    low = compare(">=", value, self.value(required(node, "low")))
    high = compare("<=", value, self.value(required(node, "high")))
    return _negated(node, boolean(f"({low.sql} AND {high.sql})"))


def _negated(node: Node, value: Value) -> Value:
    return boolean(f"(NOT {value.sql})") if flag(node, "negate") else value


def _in(self: Translator, node: Node) -> Value:
    value, query = self.value(required(node, "this")), child(node, "query")
    if query is not None:
        return in_query(value, self.subquery(query))
    if flag(node, "field"):
        raise Unsupported(f"{original(node)} is not translated")
    return one_of(value, [self.value(one) for one in children(node, "expressions")])


def _like(self: Translator, node: Node, escape: Node | None = None) -> Value:
    text, pattern = self.value(required(node, "this")), self.value(required(node, "expression"))
    return _negated(node, like(text, pattern, self.value(escape) if escape is not None else None))


def _escape(self: Translator, node: Node) -> Value:
    inner = required(node, "this")
    if isinstance(inner, exp.Not):
        return boolean(f"(NOT {_like(self, required(inner, 'this'), required(node, 'expression')).sql})")
    return _like(self, inner, required(node, "expression"))


def _glob(self: Translator, node: Node) -> Value:
    found = glob(self.value(required(node, "this")), self.value(required(node, "expression")))
    return _negated(node, found)


def _concatenation(self: Translator, node: Node) -> Value:
    return concatenate(self.value(required(node, "this")), self.value(required(node, "expression")))


def _negation(self: Translator, node: Node) -> Value:
    return negated(self.value(required(node, "this")))


def _inversion(self: Translator, node: Node) -> Value:
    return integer(f"(~ {as_integer(self.value(required(node, 'this')))})")


def _case(self: Translator, node: Node) -> Value:
    subject, branches, default = child(node, "this"), children(node, "ifs"), child(node, "default")
    tests = [required(branch, "this") for branch in branches]
    if subject is None:
        conditions = [self.condition(test) for test in tests]
    else:
        value = self.value(subject)
        conditions = [compare("=", value, self.value(test)).sql for test in tests]
    results = [self.value(required(branch, "true")) for branch in branches]
    return chosen(conditions, [*results, self.value(default) if default is not None else constant(None)])


def _cast(self: Translator, node: Node) -> Value:
    return cast(self.value(required(node, "this")), required(node, "to").sql())


def _collate(self: Translator, node: Node) -> Value:
    return self.value(required(node, "this"))  # the collation counts for all that it stands in


def _exists(self: Translator, node: Node) -> Value:
    return boolean(f"EXISTS ({self.subquery(required(node, 'this')).sql})")


def _subquery(self: Translator, node: Node) -> Value:
    return scalar(self.subquery(required(node, "this")))


def _json_arrow(self: Translator, node: Node) -> Value:
    steps = [
        word(one) or str(one.args.get("this"))
        for one in children(required(node, "expression"), "expressions")[1:]
    ]
    reach = item_at if isinstance(node, exp.JSONExtractScalar) else json_at
    return reach(self.value(required(node, "this")), steps)


OPERATORS: Mapping[type[Node], Translate] = {
    exp.EQ: _binary(compare, "="), exp.NEQ: _binary(compare, "<>"), exp.LT: _binary(compare, "<"),
    exp.LTE: _binary(compare, "<="), exp.GT: _binary(compare, ">"), exp.GTE: _binary(compare, ">="),
    exp.NullSafeEQ: _binary(compare, "IS"), exp.NullSafeNEQ: _binary(compare, "IS NOT"),
    exp.Add: _binary(arithmetic, "+"), exp.Sub: _binary(arithmetic, "-"), exp.Mul: _binary(arithmetic, "*"),
    exp.Div: _binary(arithmetic, "/"), exp.Mod: _binary(arithmetic, "%"),
    exp.BitwiseAnd: _binary(bitwise, "&"), exp.BitwiseOr: _binary(bitwise, "|"), exp.BitwiseNot: _inversion,
    exp.And: _boolean_operator("AND"), exp.Or: _boolean_operator("OR"), exp.Not: _not, exp.Is: _is,
    exp.Between: _between, exp.In: _in, exp.Like: _like, exp.Escape: _escape, exp.Glob: _glob,
    exp.DPipe: _concatenation, exp.Neg: _negation, exp.Paren: _paren, exp.Case: _case, exp.Cast: _cast,
    exp.Collate: _collate, exp.Exists: _exists, exp.Subquery: _subquery, exp.JSONExtractScalar: _json_arrow,
    exp.JSONExtract: _json_arrow,
}  # fmt: skip
