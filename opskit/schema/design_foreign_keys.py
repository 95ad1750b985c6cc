"""Foreign keys: made where PostgreSQL can hold them, told where it cannot."""

from collections.abc import Iterator

from opskit.schema.design import Rule, RuleKind
from opskit.schema.design_draft import Draft, FreeNames, Told
from opskit.schema.model import ForeignKey, Table, ascii_fold
from opskit.schema.names import quote
from opskit.schema.references import can_refer


def design_foreign_key(
    draft: Draft, table: Table, key: ForeignKey, constraints: FreeNames
) -> Iterator[Rule | Told]:
    """One foreign key; it is added NOT VALID when rows without a parent are there."""
    name = constraints.take("_".join((table.name, *key.columns, "fkey")))
    what = f"foreign key {name} of table {table.name}"
    parent = draft.schema.parent(key)
    obstacle = _obstacle(draft, table, key, parent)
    if parent is None or obstacle:
        yield Told(f"{what} was left out: {obstacle}")
        return
    statement = (
        f"ALTER TABLE {draft.relation(table)} ADD CONSTRAINT {quote(name)}"
        f" FOREIGN KEY ({draft.columns(table, key.columns)})"
        f" REFERENCES {draft.relation(parent)} ({draft.columns(parent, key.parent_columns)})"
        f" ON UPDATE {key.on_update} ON DELETE {key.on_delete}"
        f"{' DEFERRABLE INITIALLY DEFERRED' if key.deferred else ''}"
    )
    yield Rule(
        RuleKind.FOREIGN_KEY, name, table.name, statement, f"{statement} NOT VALID", parent=parent.name
    )
    for column in key.parent_columns:
        collation = draft.collation(parent, column)
        if collation != "BINARY":
            yield Told(
                f"{what} to table {parent.name}: SQLite finds the parent by COLLATE {collation},"
                f" PostgreSQL only by the exact spelling of {column}, case and spaces included"
            )


def is_referred_to(draft: Draft, table: Table, columns: tuple[str, ...]) -> bool:
    """Whether some foreign key refers to exactly these columns."""
    wanted = _folded(columns)
    keys = (key for one in draft.schema.tables for key in one.foreign_keys)
    return any(
        ascii_fold(key.parent) == ascii_fold(table.name) and _folded(key.parent_columns) == wanted
        for key in keys
    )


def _folded(columns: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(ascii_fold, columns))


def _obstacle(draft: Draft, table: Table, key: ForeignKey, parent: Table | None) -> str:
    """Why PostgreSQL cannot hold the key; empty when it can."""
    if parent is None:
        return f"its parent table {key.parent} is missing on PostgreSQL"
    if len(key.parent_columns) != len(key.columns):
        return f"its parent table {parent.name} has no primary key of {len(key.columns)} columns"
    known = _folded(tuple(column.name for column in parent.columns))
    missing = [column for column in key.parent_columns if ascii_fold(column) not in known]
    if missing:
        return f"its parent table {parent.name} has no column {missing[0]}"
    if not parent.is_key(key.parent_columns):
        return f"({', '.join(key.parent_columns)}) is not unique in its parent table {parent.name}"
    for column, referred in zip(key.columns, key.parent_columns, strict=True):
        mine, theirs = draft.type(table, column), draft.type(parent, referred)
        if not can_refer(mine, theirs):
            other = f"{referred} of its parent table {parent.name} is {theirs}"
            return f"{column} is {mine}, {other}, and PostgreSQL cannot compare them"
    return ""
