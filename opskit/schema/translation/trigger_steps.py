"""What every statement in a trigger's body is translated with, and UPDATE and DELETE."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from opskit.schema.model import Column, Schema, Table, ascii_fold
from opskit.schema.names import NameMap, quote
from opskit.schema.translation.expressions import Expressions
from opskit.schema.translation.result import ColumnTypes, Unsupported
from opskit.schema.translation.scope import ROWID, Relation, Scope
from opskit.schema.translation.selects import Selects
from opskit.schema.translation.storing import stored_as
from opskit.schema.translation.syntax import (
    Node,
    child,
    children,
    original,
    required,
    walk,
    word,
)


@dataclass(frozen=True, slots=True)
class Target:
    """A table that a step writes.

    Attributes:
        relation: its columns, for expressions over the row that is there.
    """

    table: Table
    relation: Relation
    types: dict[str, str]
    names: NameMap

    def column(self, name: str) -> Column:
        """The column of that name, which may be a name of the rowid.

        Raises:
            Unsupported: it has none, or PostgreSQL computes it.
        """
        found = next((one for one in self.table.columns if ascii_fold(one.name) == ascii_fold(name)), None)
        if found is None and ascii_fold(name) in ROWID and self.table.rowid_alias is not None:
            return self.table.column(self.table.rowid_alias)
        if found is None or ascii_fold(name) not in self.types:
            raise Unsupported(f"the table {self.table.name} has no column {name} on PostgreSQL")
        if found.generated is not None:
            raise Unsupported(f"it writes the generated column {name}")
        return found

    def refuse_conflicts(self) -> None:
        """Refuses to write where SQLite would not simply fail.

        Raises:
            Unsupported: a constraint of the table has an ON CONFLICT clause of its own.
        """
        for conflict in self.table.conflicts:
            clause = f"{conflict.constraint} ON CONFLICT {conflict.resolution}"
            raise Unsupported(f"it writes {self.table.name}, which has {clause}")

    def type(self, column: Column) -> str:
        """The column's type on PostgreSQL."""
        return self.types[ascii_fold(column.name)]

    def quoted(self, column: Column | str) -> str:
        """The column's quoted name on PostgreSQL."""
        name = column if isinstance(column, str) else column.name
        return quote(self.names.column(self.table.name, name))


@dataclass(frozen=True, slots=True)
class Body:
    """What the steps of one trigger are translated with.

    Attributes:
        rows: the scope that offers NEW and OLD.
        skip: what RAISE(IGNORE) becomes; empty where it cannot take a row back that is there already.
    """

    schema: Schema
    types: ColumnTypes
    names: NameMap
    selects: Selects
    rows: Scope
    skip: str

    def target(self, node: Node) -> Target:
        """The table that a step writes.

        Raises:
            Unsupported: it is not a table on PostgreSQL.
        """
        name = word(node)
        if child(node, "alias") is not None:
            raise Unsupported(f"{original(node)} is not translated")
        relation = self.selects.lookup(name)
        try:
            table = self.schema.table(name)
        except KeyError:
            raise Unsupported(f"it writes the view {name}") from None
        return Target(table, relation, dict(self.types.get(ascii_fold(name), {})), self.names)

    def expressions(self, *relations: Relation) -> Expressions:
        """The translator of expressions over these relations, NEW and OLD."""
        scope = Scope(relations, self.rows) if relations else self.rows
        return Expressions(scope, self.selects.query)

    def assignments(self, nodes: Sequence[Node], target: Target, expressions: Expressions) -> str:
        """The terms behind SET."""
        terms: list[str] = []
        for node in nodes:
            name = child(node, "this")
            if not isinstance(node, exp.EQ) or not isinstance(name, exp.Column):
                raise Unsupported(f"{original(node)} is not translated")
            column = target.column(word(name))
            value = expressions.value(required(node, "expression"))
            terms.append(f"{target.quoted(column)} = {stored_as(value, target.type(column))}")
        return ", ".join(terms)

    def where(self, node: Node, expressions: Expressions) -> str:
        """SQL of the step's WHERE with the word before it, empty when there is none."""
        clause = child(node, "where")
        return f" WHERE {expressions.condition(required(clause, 'this'))}" if clause is not None else ""


def update(node: Node, body: Body) -> list[str]:
    """UPDATE … SET … WHERE."""
    if child(node, "from_") is not None:
        raise Unsupported("UPDATE … FROM is not translated")
    target = body.target(required(node, "this"))
    target.refuse_conflicts()
    expressions = body.expressions(target.relation)
    terms = children(node, "expressions")
    if any(_reads(term, target.table) for term in terms) and not pins_a_row(node, target.table):
        raise Unsupported(f"it sets columns of {target.table.name} from other rows of the same table")
    assigned = body.assignments(terms, target, expressions)
    return [f"UPDATE {target.relation.qualifier} SET {assigned}{body.where(node, expressions)};"]


def delete(node: Node, body: Body) -> list[str]:
    """DELETE FROM … WHERE."""
    target = body.target(required(node, "this"))
    return [f"DELETE FROM {target.relation.qualifier}{body.where(node, body.expressions(target.relation))};"]


def _reads(node: Node, table: Table) -> bool:
    folded = ascii_fold(table.name)
    return any(isinstance(one, exp.Table) and ascii_fold(word(one)) == folded for one in walk(node))


def pins_a_row(node: Node, table: Table, *, own: bool = False) -> bool:
    """Whether WHERE equates the whole primary key with columns of NEW or OLD; `own`: with the same ones."""
    clause = child(node, "where")
    if clause is None:
        return False
    tests = _conjuncts(required(clause, "this"))
    pinned = {column for one in tests for column in _equated(one, own=own)}
    alias = {ascii_fold(table.rowid_alias)} if table.rowid_alias is not None else set[str]()
    if alias and pinned & ROWID:
        pinned |= alias
    return bool(table.primary_key) and {ascii_fold(one) for one in table.primary_key} <= pinned


def _conjuncts(node: Node) -> Iterator[Node]:
    if isinstance(node, exp.Paren):
        yield from _conjuncts(required(node, "this"))
    elif isinstance(node, exp.And):
        yield from _conjuncts(required(node, "this"))
        yield from _conjuncts(required(node, "expression"))
    else:
        yield node


def _equated(node: Node, *, own: bool) -> Iterator[str]:
    sides = [child(node, "this"), child(node, "expression")] if isinstance(node, exp.EQ) else []
    for one, other in (sides, sides[::-1]) if sides else ():
        if (
            isinstance(one, exp.Column)
            and isinstance(other, exp.Column)
            and not _is_row(one)
            and _is_row(other)
        ):
            names = ascii_fold(word(one)), ascii_fold(word(other))
            if not own or names[0] == names[1] or set(names) & ROWID:
                yield names[0]


def _is_row(node: Node) -> bool:
    return ascii_fold(word(node, "table")) in {"new", "old"}
