"""Views and triggers."""

from collections.abc import Iterator

from opskit.schema.design import TriggerDesign, ViewDesign, one_line
from opskit.schema.design_draft import Draft, Told, remarks, translated
from opskit.schema.design_virtual import search_column
from opskit.schema.model import View
from opskit.schema.names import quote
from opskit.schema.translation import Untranslatable, order_views, translate_trigger, translate_view


def design_views(draft: Draft) -> Iterator[ViewDesign | Told]:
    """The views, each behind those it uses."""
    for view in order_views(draft.schema):
        if view.columns:
            yield from _view(draft, view)
        else:
            sql = one_line(view.sql)
            yield Told(f"view {view.name} was left out: it is broken in SQLite itself; its SQL is {sql}")


def _view(draft: Draft, view: View) -> Iterator[ViewDesign | Told]:
    result = translate_view(view, draft.schema, draft.types, draft.names)
    sql = translated(result, f"view {view.name}", view.sql)
    if isinstance(sql, Told):
        yield sql
        return
    yield from remarks(result, f"view {view.name}")
    target = draft.names.relation(view.name)
    targets = tuple(draft.names.column(view.name, column) for column in view.columns)
    columns = ", ".join(map(quote, targets))
    search = search_column(draft, view)
    if search:
        sql = f'SELECT *, {search.sql} FROM ({sql}) AS "found" ({columns})'
        columns = f"{columns}, {quote(search.name)}"
    statement = f"CREATE VIEW {quote(target)} ({columns}) AS {sql}"
    yield ViewDesign(view.name, target, view.columns, targets, statement)


def design_triggers(draft: Draft) -> Iterator[TriggerDesign | Told]:
    """The triggers, after what is to be told about each."""
    for trigger in draft.schema.triggers:
        result = translate_trigger(trigger, draft.schema, draft.types, draft.names)
        if isinstance(result, Untranslatable):
            what = f"trigger {trigger.name} of table {trigger.table}"
            sql = one_line(trigger.sql)
            yield Told(f"{what} was not translated ({result.reason}): left out; its SQL is {sql}")
            continue
        yield from map(Told, result.told)
        yield TriggerDesign(trigger.name, trigger.table, result.function, result.statements)
