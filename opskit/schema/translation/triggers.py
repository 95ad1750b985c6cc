"""Triggers, as one PL/pgSQL function each.

What keeps a trigger what it was:

- SQLite's `recursive_triggers` is off by default: a trigger is not fired while it runs itself, others are. A
  trigger that could reach itself sets a setting of its own for as long as its function runs, and is fired
  only where that is not set. An error takes the setting back with everything else. (A SET clause of the
  function would do the same, but only a superuser may give it one.)
- Its function names no schema. Once the tables have come to their place, fix where the function looks:
  `ALTER FUNCTION f() SET search_path = <schema>, pg_temp`.
- Several triggers of one event fire in SQLite with the last made first, on PostgreSQL by name. Where the
  names would give another order, they are changed.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from sqlglot import exp

from opskit.schema.model import Schema, Trigger, ascii_fold
from opskit.schema.names import NameMap, assign, quote
from opskit.schema.translation.moments import LOCAL_TIME, reads_local_time
from opskit.schema.translation.result import (
    OBSTACLES,
    ColumnTypes,
    Unsupported,
    Untranslatable,
    untranslatable,
)
from opskit.schema.translation.scope import Relation, Scope
from opskit.schema.translation.selects import Selects
from opskit.schema.translation.syntax import Node, parse_expression, parse_statement
from opskit.schema.translation.trigger_inserts import ROW, insert
from opskit.schema.translation.trigger_limits import (
    Parsed,
    fails_between_rows,
    precedes_children,
    refuse_early_looks,
    sees_other_rows,
)
from opskit.schema.translation.trigger_names import target_name
from opskit.schema.translation.trigger_raise import select
from opskit.schema.translation.trigger_steps import Body, delete, update
from opskit.schema.translation.trigger_text import TriggerText, can_reach_itself, read_trigger
from opskit.schema.translation.views import relations_of

_STEPS: Mapping[type[Node], Callable[[Node, Body], list[str]]] = {
    exp.Insert: insert,
    exp.Update: update,
    exp.Delete: delete,
    exp.Select: select,
}


@dataclass(frozen=True, slots=True)
class TriggerTranslation:
    """A trigger on PostgreSQL.

    Attributes:
        name: the trigger's name there.
        function: the name of its function, unique among the schema's triggers.
        statements: CREATE FUNCTION and CREATE TRIGGER, without any schema's name.
        told: sentences for the operator: a changed name, what a statement of several rows sees.
    """

    name: str
    function: str
    statements: tuple[str, str]
    told: tuple[str, ...] = ()


def translate_trigger(
    trigger: Trigger, schema: Schema, types: ColumnTypes, names: NameMap
) -> TriggerTranslation | Untranslatable:
    """The trigger as a function and a trigger, or why there is none."""
    try:
        return _translated(trigger, schema, types, names)
    except OBSTACLES as obstacle:
        return untranslatable(obstacle)


def _translated(trigger: Trigger, schema: Schema, types: ColumnTypes, names: NameMap) -> TriggerTranslation:
    row = relations_of(schema, types, names)(trigger.table)
    text = read_trigger(trigger.sql)
    parsed = _parsed(trigger, text, schema)
    refuse_early_looks(parsed)
    functions = assign([f"trigger_{one.name}" for one in schema.triggers], names.fitted)
    function, name = functions[ascii_fold(f"trigger_{trigger.name}")], target_name(trigger, schema, names)
    setting = _setting(function) if can_reach_itself(trigger, schema) else ""
    body = _body(row, parsed, types, names, setting)
    when = f"{_occasion(trigger, text, names)} FOR EACH ROW{_guard(setting, text)}"
    made = (
        _create_function(function, _lines(parsed, body, setting)),
        f"CREATE TRIGGER {quote(name)} {when} EXECUTE FUNCTION {quote(function)}()",
    )
    return TriggerTranslation(name, function, made, tuple(_told(trigger, name, parsed)))


def _parsed(trigger: Trigger, text: TriggerText, schema: Schema) -> Parsed:
    condition = parse_expression(text.condition) if text.condition is not None else None
    trees = tuple(parse_statement(step.sql) for step in text.steps)
    return Parsed(ascii_fold(trigger.table), text, condition, trees, schema)


def _body(row: Relation, parsed: Parsed, types: ColumnTypes, names: NameMap, setting: str) -> Body:
    schema, text = parsed.schema, parsed.text
    present = {"INSERT": ("NEW",), "DELETE": ("OLD",)}.get(text.event, ("NEW", "OLD"))
    rows = Scope(tuple(row.aside(one.lower(), one) for one in present))
    skip = " ".join(_leave(setting, "NULL")) if text.timing == "BEFORE" else ""
    selects = Selects(relations_of(schema, types, names), base=rows)
    return Body(schema, types, names, selects, rows, skip)


def _lines(parsed: Parsed, body: Body, setting: str) -> list[str]:
    """The function's statements."""
    lines = [line for step in parsed.steps for line in _step(step, body)]
    if parsed.condition is not None:
        condition = body.expressions().condition(parsed.condition)
        lines = [f"IF {condition} THEN", *(f"  {line}" for line in lines), "END IF;"]
    row = "OLD" if parsed.text.event == "DELETE" else "NEW"
    entered = [f"PERFORM set_config('{setting}', 'on', true);"] if setting else []
    return [*entered, *lines, *_leave(setting, "NULL" if parsed.text.timing == "AFTER" else row)]


def _leave(setting: str, row: str) -> list[str]:
    """The end of the function."""
    left = [f"PERFORM set_config('{setting}', 'off', true);"] if setting else []
    return [*left, f"RETURN {row};"]


def _step(node: Node, body: Body) -> list[str]:
    translate = _STEPS.get(type(node))
    if translate is None:
        raise Unsupported("one of its statements is not translated")
    return translate(node, body)


def _setting(function: str) -> str:
    """The setting that is on while the function runs; its name may have letters, digits and _ only."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", function)
    return f"opskit.{function if plain else 'trigger_' + sha256(function.encode()).hexdigest()[:16]}"


def _create_function(function: str, lines: list[str]) -> str:
    loops = any(line.strip().startswith(f"FOR {ROW} IN") for line in lines)
    declared = f"DECLARE\n  {ROW} record;\n" if loops else ""
    body = "\n".join(["", f"{declared}BEGIN", *(f"  {line}" for line in lines), "END", ""])
    tag = _tag(body)
    return f"CREATE FUNCTION {quote(function)}() RETURNS trigger LANGUAGE plpgsql AS {tag}{body}{tag}"


def _tag(body: str) -> str:
    """A dollar quote that the body does not hold."""
    number, tag = 0, "$opskit$"
    while tag in body:
        number += 1
        tag = f"$opskit{number}$"
    return tag


def _occasion(trigger: Trigger, text: TriggerText, names: NameMap) -> str:
    columns = ", ".join(quote(names.column(trigger.table, one)) for one in text.columns)
    if columns and text.timing == "INSTEAD OF":
        raise Unsupported("INSTEAD OF UPDATE of some columns only is not translated")
    table = quote(names.relation(trigger.table))
    return f"{text.timing} {text.event}{f' OF {columns}' if columns else ''} ON {table}"


def _guard(setting: str, text: TriggerText) -> str:
    if setting and text.timing == "INSTEAD OF":
        raise Unsupported("an INSTEAD OF trigger that may fire itself is not translated")
    return f" WHEN (current_setting('{setting}', true) IS DISTINCT FROM 'on')" if setting else ""


def _told(trigger: Trigger, name: str, parsed: Parsed) -> Iterator[str]:
    if any(map(reads_local_time, parsed.steps)):
        yield f"trigger {trigger.name} {LOCAL_TIME}"
    if name != trigger.name:
        yield f"trigger {trigger.name} is called {name}: PostgreSQL fires triggers in the order of names"
    if fails_between_rows(parsed):
        yield (
            f"trigger {trigger.name} uses RAISE(FAIL): of a statement that changes several rows, SQLite keeps"
            " those before the failing one, PostgreSQL none"
        )
    if precedes_children(parsed):
        yield (
            f"trigger {trigger.name} runs before the triggers of rows that a foreign key to {trigger.table}"
            " changes; in SQLite it runs after them"
        )
    if sees_other_rows(parsed):
        yield (
            f"trigger {trigger.name} looks at other rows of {trigger.table}: for a statement that changes"
            " several rows, SQLite runs it after each row, PostgreSQL after all of them"
        )
