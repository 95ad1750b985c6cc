"""Designs the PostgreSQL side of a SQLite schema.

Pure: source schema, chosen types and names in; statements out. Statements name objects without a schema, so
that the session's search_path decides where they are made.
"""

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType

from opskit.schema.design import (
    Choices,
    Design,
    Refused,
    Rule,
    RuleKind,
    TableDesign,
    TriggerDesign,
    ViewDesign,
)
from opskit.schema.design_draft import Draft, FreeNames, Told, draft
from opskit.schema.design_foreign_keys import design_foreign_key
from opskit.schema.design_limits import obstacle
from opskit.schema.design_notes import notes
from opskit.schema.design_rules import design_rules
from opskit.schema.design_tables import design_table
from opskit.schema.design_views import design_triggers, design_views
from opskit.schema.design_virtual import design_virtual
from opskit.schema.index_upkeep import without_upkeep
from opskit.schema.model import Schema
from opskit.schema.names import NameMap

_ORDER = tuple(RuleKind)


_NOTHING: Refused = MappingProxyType({})


def design(schema: Schema, choices: Choices, names: NameMap, refused: Refused = _NOTHING) -> Design:
    """The target's design for a schema, its chosen types and its names.

    Args:
        refused: generated columns that the server does not accept; they become ordinary ones.
    """
    schema, not_needed = without_upkeep(schema)
    parts = tuple(_parts(draft(schema, choices, names, refused)))
    told = (one.sentence for one in parts if isinstance(one, Told))
    rules = (one for one in parts if isinstance(one, Rule))
    return Design(
        tuple(one for one in parts if isinstance(one, TableDesign)),
        tuple(sorted(rules, key=lambda rule: _ORDER.index(rule.kind))),
        tuple(one for one in parts if isinstance(one, ViewDesign)),
        tuple(one for one in parts if isinstance(one, TriggerDesign)),
        (*told, *not_needed),
    )


def _parts(wanted: Draft) -> Iterator[TableDesign | Rule | ViewDesign | TriggerDesign | Told]:
    obstacles = {table.name: obstacle(wanted, table) for table in wanted.schema.tables}
    for name in filter(obstacles.get, obstacles):
        yield Told(f"table {name} was not migrated: {obstacles[name]}")
    possible = tuple(table for table in wanted.schema.tables if not obstacles[table.name])
    source = replace(wanted, schema=replace(wanted.schema, tables=possible))
    free = FreeNames(source.names.fitted, source.names.relations.values())
    for table in source.schema.tables:
        yield from design_table(source, table, free)
    for table in source.schema.tables:
        constraints = FreeNames(source.names.fitted)
        yield from design_rules(source, table, free, constraints)
        for key in table.foreign_keys:
            yield from design_foreign_key(source, table, key, constraints)
    yield from design_virtual(source, free)
    yield from design_views(source)
    yield from design_triggers(source)
    yield from map(Told, notes(source))
