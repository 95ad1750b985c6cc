"""FROM: tables, views, subqueries and their joins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from opskit.schema.model import ascii_fold
from opskit.schema.names import quote
from opskit.schema.translation.compare import compare
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.scope import Relation
from opskit.schema.translation.subqueries import Query
from opskit.schema.translation.syntax import Node, child, children, original, required, word


@dataclass(frozen=True, slots=True)
class Join:
    """One step of FROM: how it is joined, its SQL, and the condition, which may name later relations too."""

    keyword: str
    sql: str
    condition: Node | None = None
    merged: str = ""


@dataclass(frozen=True, slots=True)
class From:
    """A FROM clause before its conditions are translated."""

    relations: tuple[Relation, ...]
    joins: tuple[Join, ...]

    def sql(self, condition: Callable[[Node], str]) -> str:
        """SQL of everything behind FROM."""
        return " ".join(_joined(join, condition) for join in self.joins)


Lookup = Callable[[str], Relation]
Derive = Callable[[Node], Query]


def read_from(start: Node, joins: Sequence[Node], lookup: Lookup, derive: Derive) -> From:
    """The relations of a FROM clause.

    Raises:
        Unsupported: a table function, an unknown table, or a join that cannot be said exactly.
    """
    relation, sql = _source(start, lookup, derive)
    relations, steps = [relation], [Join("", sql)]
    for join in joins:
        relation, sql = _source(required(join, "this"), lookup, derive)
        merged = _merged_columns(join, relations, relation)
        keyword = _keyword(join, conditional=bool(merged) or child(join, "on") is not None)
        steps.append(Join(keyword, sql, child(join, "on"), _equalities(merged, relations, relation)))
        relations.append(replace(relation, hidden=frozenset(merged)))
    return From(tuple(relations), tuple(steps))


def _joined(join: Join, condition: Callable[[Node], str]) -> str:
    test = join.merged or (condition(join.condition) if join.condition is not None else "")
    return f"{join.keyword} {join.sql}{f' ON {test}' if test else ''}".strip()


def _source(node: Node, lookup: Lookup, derive: Derive) -> tuple[Relation, str]:
    alias_node = child(node, "alias")
    alias = word(alias_node) if alias_node is not None else ""
    if isinstance(node, exp.Subquery | exp.Values):
        query = derive(node)
        name = alias or "subquery"
        return Relation(alias, quote(name), query.fields), f"({query.sql}) AS {quote(name)}"
    if not isinstance(node, exp.Table) or not isinstance(child(node, "this"), exp.Identifier):
        raise Unsupported(f"{original(node)} is not a table that PostgreSQL has")
    if children(node, "joins"):
        raise Unsupported("a join in parentheses is not translated")
    relation = lookup(word(node))
    if not alias:
        return relation, relation.qualifier
    return replace(relation, name=alias, qualifier=quote(alias)), f"{relation.qualifier} AS {quote(alias)}"


def _keyword(join: Node, *, conditional: bool) -> str:
    side = word(join, "side").upper()
    if side:
        return f"{side} JOIN"
    return "JOIN" if conditional else "CROSS JOIN"


def _merged_columns(join: Node, left: Sequence[Relation], right: Relation) -> list[str]:
    """The folded names that USING or NATURAL merges."""
    names = [ascii_fold(word(one)) for one in children(join, "using")]
    if word(join, "method").upper() == "NATURAL":
        before = {ascii_fold(field.name) for relation in left for field in relation.visible()}
        names = [name for name in (ascii_fold(field.name) for field in right.fields) if name in before]
    if names and word(join, "side").upper() in {"RIGHT", "FULL"}:
        raise Unsupported("USING in a right or full join is not translated")
    return names


def _equalities(names: Sequence[str], left: Sequence[Relation], right: Relation) -> str:
    tests: list[str] = []
    for name in names:
        first = next((found for found in (one.find(name) for one in left) if found is not None), None)
        second = right.find(name)
        if first is None or second is None:
            raise Unsupported(f"USING({name}) names a column that is not there")
        tests.append(compare("=", first, second).sql)
    return " AND ".join(tests)
