"""Triggers that keep a full-text index in step with what holds its text: PostgreSQL does that by itself."""

from dataclasses import replace

from opskit.schema.full_text import read_full_text
from opskit.schema.model import Schema, Trigger, ascii_fold
from opskit.schema.sqlite_ddl import tokens
from opskit.schema.translation.trigger_text import TriggerText, read_all


def without_upkeep(schema: Schema) -> tuple[Schema, tuple[str, ...]]:
    """The schema whose triggers leave such indexes alone, and one sentence for each that did not."""
    indexes = _indexes(schema)
    concerned = (one for one in read_all(schema) if one[1].written & indexes)
    rests = {trigger.name: _rest(trigger, text, indexes) for trigger, text in concerned}
    triggers = (rests.get(one.name, one) for one in schema.triggers)
    told = (_told(one, rests[one.name]) for one in schema.triggers if one.name in rests)
    return replace(schema, triggers=tuple(one for one in triggers if one is not None)), tuple(told)


def _indexes(schema: Schema) -> set[str]:
    """The folded names of full-text tables that became views of what holds their text."""
    views = {ascii_fold(one.name) for one in schema.views}
    full_texts = (virtual.name for virtual in schema.virtual_tables if read_full_text(virtual))
    return {ascii_fold(name) for name in full_texts} & views


def _rest(trigger: Trigger, text: TriggerText, indexes: set[str]) -> Trigger | None:
    """The trigger without the statements that write the indexes, None when it has no others."""
    steps = "".join(f" {step.sql};" for step in text.steps if step.table not in indexes)
    begin = next(token for token in tokens(trigger.sql) if token.is_word("BEGIN"))
    return replace(trigger, sql=f"{trigger.sql[: begin.end]}{steps} END") if steps else None


def _told(trigger: Trigger, rest: Trigger | None) -> str:
    what = f"trigger {trigger.name} of table {trigger.table}"
    outcome = "is not needed and was left out" if rest is None else "lost the statements that are not needed"
    return f"{what} {outcome}: PostgreSQL keeps the search index in step by itself"
