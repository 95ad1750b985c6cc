"""Queries: SELECT, compounds, VALUES and common table expressions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from opskit.schema.model import ascii_fold
from opskit.schema.names import fit_column, quote
from opskit.schema.translation.aggregates import groupable, order_term
from opskit.schema.translation.convert import align
from opskit.schema.translation.expressions import Expressions
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.scope import Field, Relation, Scope
from opskit.schema.translation.select import Shape, limit, read_select
from opskit.schema.translation.subqueries import Query, detached
from opskit.schema.translation.syntax import Node, child, children, flag, original, required, walk, word
from opskit.schema.translation.values import Value

_OPERATORS: Mapping[type[Node], str] = {exp.Union: "UNION", exp.Intersect: "INTERSECT", exp.Except: "EXCEPT"}


@dataclass(frozen=True, slots=True)
class Plan:
    """A query whose column types are still open.

    Attributes:
        columns: for each result column, the value of every branch.
        render: SQL in the shape that was chosen.
    """

    names: tuple[str, ...]
    columns: tuple[tuple[Value, ...], ...]
    render: Callable[[Shape], str]


@dataclass(frozen=True, slots=True)
class Selects:
    """Translates queries over the relations that `lookup` knows and the common table expressions in reach.

    Attributes:
        base: what even a subquery in FROM sees: NEW and OLD in a trigger.
    """

    lookup: Callable[[str], Relation]
    tables: Mapping[str, Relation] = field(default_factory=dict[str, Relation])
    base: Scope | None = None

    def query(
        self, node: Node, outer: Scope | None = None, names: Sequence[str] = (), *, casts: bool = False
    ) -> Query:
        """The query, with its columns under the given names where there are any.

        Raises:
            Unsupported: it cannot be translated exactly.
        """
        while isinstance(node, exp.Subquery) and child(node, "with_") is None:
            node = required(node, "this")
        outer = outer or self.base
        prefix, inner = self._with(node, outer)
        plan = inner.plan(node, outer)
        if names and len(names) != len(plan.names):
            raise Unsupported(f"it has {len(plan.names)} columns, not {len(names)}")
        fields = _fields(replace(plan, names=tuple(names) or plan.names))
        shape = Shape(tuple(one.target for one in fields), tuple(one.value.kind for one in fields), casts)
        sql = plan.render(shape)
        return Query(f"{prefix}{inner.ordered(node, sql, plan, fields)}", fields)

    def plan(self, node: Node, outer: Scope | None) -> Plan:
        """The query before its types are decided, without a compound's ORDER BY."""
        if isinstance(node, exp.Subquery):
            return self.plan(required(node, "this"), outer)
        if type(node) in _OPERATORS:
            return self._compound(node, outer)
        if isinstance(node, exp.Values):
            return self._values(node, outer)
        if isinstance(node, exp.Select):
            branch = read_select(node, outer, self._lookup, self.query)
            return Plan(branch.names, tuple((one,) for one in branch.values), branch.render)
        raise Unsupported(f"{original(node)} is not a query that is translated")

    def _lookup(self, name: str) -> Relation:
        return self.tables.get(ascii_fold(name)) or self.lookup(name)

    def _compound(self, node: Node, outer: Scope | None) -> Plan:
        left, right = self.plan(required(node, "this"), outer), self.plan(required(node, "expression"), outer)
        if len(left.columns) != len(right.columns):
            raise Unsupported("its parts differ in their number of columns")
        distinct = not isinstance(node, exp.Union) or flag(node, "distinct")
        columns = tuple((*one, *other) for one, other in zip(left.columns, right.columns, strict=True))
        for value in (value for column in columns for value in column if distinct):
            groupable(value)
        word = f"{_OPERATORS[type(node)]}{'' if distinct else ' ALL'}"

        def render(shape: Shape) -> str:
            return f"({left.render(shape)}) {word} ({right.render(shape)})"

        return Plan(left.names, columns, render)

    def _values(self, node: Node, outer: Scope | None) -> Plan:
        expressions = Expressions(Scope((), outer), self.query)
        rows = [
            [expressions.value(one) for one in children(row, "expressions")]
            for row in children(node, "expressions")
        ]

        def render(shape: Shape) -> str:
            listed = ", ".join(f"({', '.join(shape.columns(row))})" for row in rows)
            names = ", ".join(quote(name) for name in shape.names)
            return f"SELECT * FROM (VALUES {listed}) AS {quote('rows')} ({names})"

        names = tuple(f"column{number}" for number in range(1, len(rows[0]) + 1))
        return Plan(names, tuple(zip(*rows, strict=True)), render)

    def _with(self, node: Node, outer: Scope | None) -> "tuple[str, Selects]":
        """SQL of WITH, and the translator that knows what it defines."""
        clause = child(node, "with_")
        if clause is None:
            return "", self
        inner, terms = self, list[str]()
        for cte in children(clause, "expressions"):
            alias = required(cte, "alias")
            name, columns = word(alias), [word(one) for one in children(alias, "columns")]
            query = inner._defined(name, columns, required(cte, "this"), outer)
            terms.append(
                f"{quote(name)} ({', '.join(quote(one.target) for one in query.fields)}) AS ({query.sql})"
            )
            inner = inner._knowing(name, query.fields)
        return f"WITH {'RECURSIVE ' if flag(clause, 'recursive') else ''}{', '.join(terms)} ", inner

    def _defined(self, name: str, columns: Sequence[str], body: Node, outer: Scope | None) -> Query:
        if not any(
            isinstance(one, exp.Table) and ascii_fold(word(one)) == ascii_fold(name) for one in walk(body)
        ):
            return self.query(body, outer, columns)
        if not isinstance(body, exp.Union):
            raise Unsupported(f"the recursive {name} is not a UNION")
        known = self.query(required(body, "this"), outer, columns).fields
        return self._knowing(name, known).query(body, outer, columns, casts=True)

    def _knowing(self, name: str, fields: tuple[Field, ...]) -> "Selects":
        return replace(self, tables={**self.tables, ascii_fold(name): Relation(name, quote(name), fields)})

    def ordered(self, node: Node, sql: str, plan: Plan, fields: tuple[Field, ...]) -> str:
        """ORDER BY and LIMIT around a compound or DISTINCT, which PostgreSQL orders by columns only."""
        if isinstance(node, exp.Select) and not flag(node, "distinct"):
            return sql
        order, cut = child(node, "order"), limit(node)
        if order is None and not cut:
            return sql
        relation = Relation("", quote("ordered"), fields)
        terms = [
            _output_term(one, node, plan, relation)
            for one in (children(order, "expressions") if order else [])
        ]
        suffix = f" ORDER BY {', '.join(terms)}" if terms else ""
        return f"SELECT * FROM ({sql}) AS {quote('ordered')}{suffix}{cut}"


def _output_term(ordered: Node, node: Node, plan: Plan, relation: Relation) -> str:
    term = required(ordered, "this")
    collation = None
    while isinstance(term, exp.Paren | exp.Collate):
        collation = word(term, "expression").upper() if isinstance(term, exp.Collate) else collation
        term = required(term, "this")
    number = _output_number(term, node, plan)
    value = relation.qualified(relation.fields[number])
    value = replace(value, collation=collation) if collation else value
    return order_term(value, descending=flag(ordered, "desc"), nulls_first=flag(ordered, "nulls_first"))


def _output_number(term: Node, node: Node, plan: Plan) -> int:
    number = word(term) if isinstance(term, exp.Literal) and not term.is_string else ""
    if number.isdigit() and 0 < int(number) <= len(plan.names):
        return int(number) - 1
    outputs = [one.this if isinstance(one, exp.Alias) else one for one in children(node, "expressions")]
    if term in outputs and not any(isinstance(one, exp.Star) for one in outputs):
        return outputs.index(term)
    names = [ascii_fold(name) for name in plan.names]
    if isinstance(term, exp.Column) and ascii_fold(word(term)) in names:
        return names.index(ascii_fold(word(term)))
    raise Unsupported(f"ORDER BY {original(term)} is not one of the columns")


def _fields(plan: Plan) -> tuple[Field, ...]:
    """The result's columns, with names that PostgreSQL can hold and tell apart."""
    fields: list[Field] = []
    for name, column in zip(plan.names, plan.columns, strict=True):
        target, number = fit_column(name), 1
        while target in {one.target for one in fields}:
            target, number = fit_column(f"{name}:{number}"), number + 1
        if len(column) == 1:
            fields.append(Field(name, target, detached(column[0])))
        else:
            _, pattern = align(column)
            affinities = {one.affinity for one in column}
            affinity = affinities.pop() if len(affinities) == 1 else None
            fields.append(Field(name, target, replace(detached(pattern), affinity=affinity)))
    return tuple(fields)
