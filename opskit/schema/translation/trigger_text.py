"""The parts of a CREATE TRIGGER statement. SQLite has accepted it, so reading its tokens is enough."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opskit.schema.model import Schema, Trigger, ascii_fold
from opskit.schema.sqlite_ddl import Token, tokens
from opskit.schema.translation.result import Unsupported

_EVENTS = ("INSERT", "UPDATE", "DELETE")
UNACTING = frozenset({"NO ACTION", "RESTRICT"})
"""What a foreign key says when it changes no rows by itself."""


@dataclass(frozen=True, slots=True)
class Step:
    """A statement of the body: its SQL, and what it does (INSERT, UPDATE, DELETE) to which folded table.

    A SELECT does nothing to no table: both are empty.
    """

    sql: str
    event: str
    table: str


@dataclass(frozen=True, slots=True)
class TriggerText:
    """A trigger as written.

    Attributes:
        timing: BEFORE, AFTER or INSTEAD OF.
        event: INSERT, UPDATE or DELETE.
        columns: behind UPDATE OF, empty when every update counts.
        condition: SQL text behind WHEN, None when there is none.
        steps: the statements of the body.
    """

    timing: str
    event: str
    columns: tuple[str, ...]
    condition: str | None
    steps: tuple[Step, ...]

    @property
    def written(self) -> set[str]:
        """The folded names of the tables it writes."""
        return {step.table for step in self.steps if step.table}


def read_trigger(sql: str) -> TriggerText:
    """The parts of the statement.

    Raises:
        Unsupported: it is not understood.
    """
    found = list(tokens(sql))
    event = next((index for index, token in enumerate(found) if token.is_word(*_EVENTS)), None)
    begin = next((index for index, token in enumerate(found) if token.is_word("BEGIN")), None)
    if (
        event is None
        or begin is None
        or event > begin
        or not found[-1 - (found[-1].text == ";")].is_word("END")
    ):
        raise Unsupported("its SQL could not be parsed")
    end = len(found) - 1 - (found[-1].text == ";")
    on = next(index for index in range(event, begin) if found[index].is_word("ON"))
    when = next((index for index in range(on, begin) if found[index].is_word("WHEN")), None)
    return TriggerText(
        timing=_timing(found[event - 1]),
        event=found[event].text.upper(),
        columns=tuple(token.name() for token in found[event + 2 : on] if token.text != ","),
        condition=None if when is None else sql[found[when].end : found[begin].start],
        steps=tuple(_step(sql, step) for step in _split(found[begin + 1 : end])),
    )


def _timing(before: Token) -> str:
    if before.is_word("OF"):
        return "INSTEAD OF"
    return "AFTER" if before.is_word("AFTER") else "BEFORE"  # BEFORE may be left out


def _split(found: Sequence[Token]) -> Iterator[list[Token]]:
    step: list[Token] = []
    for token in found:
        if token.text != ";":
            step.append(token)
        elif step:
            yield step
            step = []


def _step(sql: str, step: Sequence[Token]) -> Step:
    text, verb = _parsable(sql, step), step[0].text.upper()
    if verb == "REPLACE":
        text, verb = f"INSERT OR REPLACE{text[len(verb) :]}", "INSERT"
    if verb not in _EVENTS:
        return Step(text, "", "")
    start = 3 if step[1].is_word("OR") else 1
    return Step(text, verb, ascii_fold(step[start + step[start].is_word("INTO", "FROM")].name()))


def _parsable(sql: str, step: Sequence[Token]) -> str:
    """The text with ABORT in RAISE(ROLLBACK, …), which sqlglot does not parse; the error is the same."""
    end, text = step[0].start, ""
    for function, _, kind in zip(step, step[1:], step[2:], strict=False):
        if function.is_word("RAISE") and kind.is_word("ROLLBACK"):
            text, end = f"{text}{sql[end : kind.start]}ABORT", kind.end
    return f"{text}{sql[end : step[-1].end]}"


def read_all(schema: Schema) -> Iterator[tuple[Trigger, TriggerText]]:
    """Every trigger of the schema that is understood, in the order SQLite fires them: the last made first."""
    for trigger in reversed(schema.triggers):
        try:
            yield trigger, read_trigger(trigger.sql)
        except Unsupported:
            continue


def can_reach_itself(trigger: Trigger, schema: Schema) -> bool:
    """Whether what the trigger writes may, through other triggers and foreign keys, fire it again."""
    triggers = [(ascii_fold(one.table), text.written) for one, text in read_all(schema)]
    followers = [
        (ascii_fold(key.parent), ascii_fold(table.name))
        for table in schema.tables
        for key in table.foreign_keys
        if {key.on_delete, key.on_update} - UNACTING
    ]
    seen: set[str] = set()
    waiting = list(read_trigger(trigger.sql).written)
    while waiting:
        table = waiting.pop()
        if table not in seen:
            seen.add(table)
            waiting += [name for on, written in triggers if on == table for name in written]
            waiting += [child for parent, child in followers if parent == table]
    return ascii_fold(trigger.table) in seen
