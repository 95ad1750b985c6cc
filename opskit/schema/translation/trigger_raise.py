"""SELECT in a trigger's body, which is there for RAISE(…): what else it returns goes nowhere."""

from collections.abc import Iterator

from sqlglot import exp

from opskit.schema.translation.aggregates import is_aggregate
from opskit.schema.translation.convert import as_text
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.syntax import (
    Node,
    child,
    children,
    function_name,
    original,
    required,
    walk,
    word,
)
from opskit.schema.translation.trigger_steps import Body

Branch = tuple[Node | None, Node]
"""A condition, None for an ELSE, and what is selected when it holds."""


def select(node: Node, body: Body) -> list[str]:
    """PL/pgSQL of the SELECT; nothing when it raises nothing.

    Raises:
        Unsupported: it cannot be translated exactly.
    """
    if not any(_is_raise(one) for one in walk(node)):
        body.selects.query(node, body.rows)
        return []
    outputs = children(node, "expressions") if isinstance(node, exp.Select) else []
    if len(outputs) != 1:
        raise Unsupported(f"{original(node)} is not translated")
    branches = list(_branches(outputs[0]))
    return [(_once if child(node, "from_") is None else _over_rows)(node, branches, body)]


def _branches(output: Node) -> Iterator[Branch]:
    if not isinstance(output, exp.Case):
        yield None, output
        return
    subject = child(output, "this")
    for branch in children(output, "ifs"):
        test = required(branch, "this")
        condition = test if subject is None else exp.EQ(this=subject.copy(), expression=test.copy())
        yield condition, required(branch, "true")
    default = child(output, "default")
    if default is not None:
        yield None, default


def _once(node: Node, branches: list[Branch], body: Body) -> str:
    """Without FROM: a chain of IF, ELSIF and ELSE."""
    chain = _chain(branches, body)
    clause = child(node, "where")
    if clause is None:
        return chain
    return f"IF {body.expressions().condition(required(clause, 'this'))} THEN {chain} END IF;"


def _chain(branches: list[Branch], body: Body) -> str:
    (first, action), *others = branches
    if first is None:
        return _action(action, body)
    expressions = body.expressions()
    parts = [f"IF {expressions.condition(first)} THEN {_action(action, body)}"]
    for condition, other in others:
        test = "ELSE" if condition is None else f"ELSIF {expressions.condition(condition)} THEN"
        parts.append(f"{test} {_action(other, body)}")
    return f"{' '.join(parts)} END IF;"


def _over_rows(node: Node, branches: list[Branch], body: Body) -> str:
    """With FROM: raised as soon as one row asks for it."""
    (condition, action), *others = branches
    if any(_is_raise(one) for _, one in others) or not _is_raise(action):
        raise Unsupported(f"{original(node)} depends on which row comes first")
    query = node.copy()
    query.set("expressions", [exp.Literal.number(1)])
    if condition is not None:
        _restrict(query, condition)
    found = body.selects.query(query, body.rows).sql
    return f"IF EXISTS ({found}) THEN {_action(action, body)} END IF;"


def _restrict(query: Node, condition: Node) -> None:
    """Leaves only the rows, or the one row of an aggregate, for which the condition holds."""
    if any(child(query, key) is not None for key in ("group", "having", "limit")):
        raise Unsupported(f"{original(query)} is not translated")
    where = child(query, "where")
    if any(is_aggregate(function_name(one), len(children(one, "expressions"))) for one in walk(condition)):
        query.set("having", exp.Having(this=condition.copy()))
    elif where is None:
        query.set("where", exp.Where(this=condition.copy()))
    else:
        both = exp.And(this=required(where, "this").copy(), expression=condition.copy())
        query.set("where", exp.Where(this=both))


def _is_raise(node: Node) -> bool:
    return function_name(node) == "raise"


def _action(node: Node, body: Body) -> str:
    if not _is_raise(node):
        body.expressions().value(node)
        return "NULL;"
    kind, *message = children(node, "expressions")
    how = word(kind).upper()
    if how == "IGNORE":
        if not body.skip:
            raise Unsupported("RAISE(IGNORE) outside of a BEFORE trigger is not translated")
        return body.skip
    text = as_text(body.expressions().value(message[0]))
    return f"RAISE EXCEPTION USING MESSAGE = {text}, ERRCODE = 'integrity_constraint_violation';"
