"""Foreign keys: made where PostgreSQL can hold them, told where it cannot."""

from opskit.schema.design import Rule, RuleKind
from opskit.schema.design_draft import Draft, FreeNames, Told
from opskit.schema.model import ForeignKey, Table
from opskit.schema.names import quote


def design_foreign_key(draft: Draft, table: Table, key: ForeignKey, constraints: FreeNames) -> Rule | Told:
    """One foreign key; added NOT VALID when rows without a parent are there."""
    name = constraints.take("_".join((table.name, *key.columns, "fkey")))
    what = f"foreign key {name} of table {table.name} was left out"
    try:
        parent = draft.schema.table(key.parent)
    except KeyError:
        return Told(f"{what}: its parent table {key.parent} is missing")
    if len(key.parent_columns) != len(key.columns):
        return Told(f"{what}: its parent table {parent.name} has no matching primary key")
    statement = (
        f"ALTER TABLE {draft.relation(table)} ADD CONSTRAINT {quote(name)}"
        f" FOREIGN KEY ({draft.columns(table, key.columns)})"
        f" REFERENCES {draft.relation(parent)} ({draft.columns(parent, key.parent_columns)})"
        f" ON UPDATE {key.on_update} ON DELETE {key.on_delete}"
        f"{' DEFERRABLE INITIALLY DEFERRED' if key.deferred else ''}"
    )
    return Rule(
        RuleKind.FOREIGN_KEY, name, table.name, statement, f"{statement} NOT VALID", parent=parent.name
    )
