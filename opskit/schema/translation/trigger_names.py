"""What triggers are called on PostgreSQL, which fires those of one event in the order of their names."""

from opskit.schema.model import ForeignKey, Schema, Table, Trigger, ascii_fold
from opskit.schema.names import NameMap, fit
from opskit.schema.translation.trigger_text import UNACTING, TriggerText, read_all, read_trigger

_FOREIGN_KEYS = "RI_ConstraintTrigger"
"""How the names of PostgreSQL's own triggers for foreign keys begin."""

_EARLY, _LATE = "A", "t"


def target_name(trigger: Trigger, schema: Schema, wanted: NameMap) -> str:
    """The trigger's name: its own, unless its place among the others would be wrong."""
    text = read_trigger(trigger.sql)
    group = [(one, other) for one, other in read_all(schema) if _together(trigger, text, one, other)]
    names = [wanted.fitted(one.name) for one, _ in group]
    early = any(_feeds_checks(other, trigger.table, schema) for _, other in group)
    late = _follows_actions(text, trigger.table, schema)
    sides = {name < _FOREIGN_KEYS for name in names}
    if names == sorted(names) and (sides == {early} or not (early or late)):
        return wanted.fitted(trigger.name)
    number = 1 + [one.name for one, _ in group].index(trigger.name)
    return fit(f"{_EARLY if early else _LATE}{number:02}_{wanted.fitted(trigger.name)}")


def _together(trigger: Trigger, text: TriggerText, other: Trigger, other_text: TriggerText) -> bool:
    same_table = ascii_fold(trigger.table) == ascii_fold(other.table)
    return same_table and (text.timing, text.event) == (other_text.timing, other_text.event)


def _feeds_checks(text: TriggerText, table: str, schema: Schema) -> bool:
    """Whether it adds the parent or removes the child that a foreign key asks for.

    SQLite asks at the statement's end, PostgreSQL by a trigger of its own.
    """
    folded = ascii_fold(table)
    parents = (
        {ascii_fold(key.parent) for key in schema.table(table).foreign_keys} if _after(text) else set[str]()
    )
    children = {ascii_fold(one.name) for one, key in _references(table, schema) if key.on_delete in UNACTING}
    added = {step.table for step in text.steps if step.event == "INSERT"}
    changed = {step.table for step in text.steps if step.event in {"UPDATE", "DELETE"}}
    adds, frees = (parents - {folded}) & added, (children - {folded}) & changed
    return _after(text) and bool((adds and text.event != "DELETE") or (frees and text.event != "INSERT"))


def _follows_actions(text: TriggerText, table: str, schema: Schema) -> bool:
    """Whether a foreign key changes rows by itself (CASCADE), which comes before AFTER triggers."""
    return _after(text) and text.event != "INSERT" and bool(changed_by_keys(table, schema))


def changed_by_keys(table: str, schema: Schema) -> set[str]:
    """The folded names of tables whose rows a foreign key changes when a row of this one is changed."""
    references = _references(table, schema)
    return {ascii_fold(one.name) for one, key in references if {key.on_delete, key.on_update} - UNACTING}


def _after(text: TriggerText) -> bool:
    return text.timing == "AFTER"


def _references(table: str, schema: Schema) -> list[tuple[Table, ForeignKey]]:
    """The foreign keys that point to the table, each with the table that has it."""
    return [
        (one, key)
        for one in schema.tables
        for key in one.foreign_keys
        if ascii_fold(key.parent) == ascii_fold(table)
    ]
