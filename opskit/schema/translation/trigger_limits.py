"""Where the two engines run triggers at different moments: what is refused for it, and what is told."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from opskit.schema.model import Schema, Table, ascii_fold
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.scope import ROWID
from opskit.schema.translation.syntax import (
    Node,
    child,
    children,
    function_name,
    parse_statement,
    required,
    walk,
    word,
)
from opskit.schema.translation.trigger_names import changed_by_keys
from opskit.schema.translation.trigger_steps import pins_a_row
from opskit.schema.translation.trigger_text import TriggerText, read_all

_ROWS = frozenset({"new", "old"})


@dataclass(frozen=True, slots=True)
class Parsed:
    """A trigger's trees.

    Attributes:
        table: the folded name of the table or view it stands on.
    """

    table: str
    text: TriggerText
    condition: Node | None
    steps: tuple[Node, ...]
    schema: Schema

    def nodes(self) -> Iterator[Node]:
        """Everything in the condition and the steps."""
        for tree in (*self.steps, *([self.condition] if self.condition is not None else [])):
            yield from walk(tree)


def refuse_early_looks(parsed: Parsed) -> None:
    """Refuses a BEFORE trigger that needs what one of the engines does not know yet.

    Raises:
        Unsupported: it is one.
    """
    for node in parsed.nodes():
        if isinstance(node, exp.Table) and _ROWS & {ascii_fold(word(node)), ascii_fold(_alias(node))}:
            raise Unsupported("a table called NEW or OLD is not translated")
    table = next((one for one in parsed.schema.tables if ascii_fold(one.name) == parsed.table), None)
    if table is None:
        return
    written = {ascii_fold(column.name) for column in table.columns if column.generated is None}
    for name in parsed.text.columns:
        if ascii_fold(name) not in written:
            raise Unsupported(f"UPDATE OF {name} names no column that can be written")
    if parsed.text.timing == "BEFORE":
        _refuse_before(parsed, table)


def _refuse_before(parsed: Parsed, table: Table) -> None:
    unknown = _unknown_before(table, parsed.text.event)
    for node in parsed.nodes():
        if (
            isinstance(node, exp.Column)
            and ascii_fold(word(node, "table")) == "new"
            and ascii_fold(word(node)) in unknown
        ):
            raise Unsupported(f"NEW.{word(node)} is not known before the row is written")
    if parsed.text.event != "INSERT" and parsed.table in parsed.text.written:
        raise Unsupported(
            f"it changes {table.name} before a row of {table.name} is changed, which SQLite leaves undefined"
        )
    for child_table in _children(table, parsed.schema) if parsed.text.event == "INSERT" else ():
        if ascii_fold(child_table.name) in parsed.text.written:
            raise Unsupported(
                f"it writes {child_table.name}, which refers to the row of {table.name} that is not there yet"
            )


def _alias(node: Node) -> str:
    alias = child(node, "alias")
    return word(alias) if alias is not None else ""


def _unknown_before(table: Table, event: str) -> set[str]:
    unknown = {ascii_fold(column.name) for column in table.columns if column.generated is not None}
    if event == "INSERT" and table.rowid_alias is not None:
        unknown |= {ascii_fold(table.rowid_alias), *ROWID}
    return unknown


def _children(table: Table, schema: Schema) -> list[Table]:
    """The tables that refer to this one by a key that is checked at once."""
    return [
        one
        for one in schema.tables
        if any(
            ascii_fold(key.parent) == ascii_fold(table.name) and not key.deferred for key in one.foreign_keys
        )
    ]


def sees_other_rows(parsed: Parsed) -> bool:
    """Whether an AFTER trigger looks at its table, where PostgreSQL has changed all rows of the statement.

    Raises:
        Unsupported: it adds a row for each look, so that the rows would differ.
    """
    if parsed.text.timing != "AFTER":
        return False
    looking = [step for step in parsed.steps if _looks(step, parsed)]
    for step in looking:
        if isinstance(step, exp.Insert) and not word(step, "alternative") and child(step, "conflict") is None:
            raise Unsupported(
                f"it adds what it finds in {parsed.table} after each row, not after each statement"
            )
    return bool(looking) or (parsed.condition is not None and _reads(parsed.condition, parsed))


def _looks(step: Node, parsed: Parsed) -> bool:
    if isinstance(step, exp.Update | exp.Delete) and ascii_fold(word(required(step, "this"))) == parsed.table:
        table = next(one for one in parsed.schema.tables if ascii_fold(one.name) == parsed.table)
        return not pins_a_row(step, table, own=True) or _reads(step, parsed)
    return _reads(step, parsed)


def _reads(node: Node, parsed: Parsed) -> bool:
    """Whether a query in the node reads the trigger's table, also through views."""
    waiting = [word(one) for one in walk(node) if isinstance(one, exp.Table) and not _is_written(one, node)]
    views = {ascii_fold(view.name): view.sql for view in parsed.schema.views}
    seen: set[str] = set()
    while waiting:
        name = ascii_fold(waiting.pop())
        if name in views and name not in seen:
            waiting += _tables(views[name])
        seen.add(name)
    return parsed.table in seen


def _is_written(table: Node, step: Node) -> bool:
    return table is child(step, "this") or (
        table.parent is child(step, "this") and isinstance(table.parent, exp.Schema)
    )


def _tables(view: str) -> Sequence[str]:
    body = required(parse_statement(view), "expression")
    return [word(one) for one in walk(body) if isinstance(one, exp.Table)]


def precedes_children(parsed: Parsed) -> bool:
    """Whether it comes before the AFTER triggers of rows that a foreign key changes, not behind them."""
    if parsed.text.timing != "AFTER" or parsed.text.event == "INSERT":
        return False
    changed = changed_by_keys(parsed.table, parsed.schema)
    others = (text.timing for one, text in read_all(parsed.schema) if ascii_fold(one.table) in changed)
    return "AFTER" in others


def fails_between_rows(parsed: Parsed) -> bool:
    """Whether it uses RAISE(FAIL), which keeps the rows written before it.

    Raises:
        Unsupported: even a statement of one row would leave something behind.
    """
    failing = [number for number, step in enumerate(parsed.steps) if any(_is_fail(one) for one in walk(step))]
    if failing and (
        parsed.text.timing == "AFTER" or any(step.event for step in parsed.text.steps[: failing[-1]])
    ):
        raise Unsupported("RAISE(FAIL) keeps what was written before it, which PostgreSQL takes back")
    return bool(failing)


def _is_fail(node: Node) -> bool:
    return function_name(node) == "raise" and word(children(node, "expressions")[0]).upper() == "FAIL"
