"""What a design does not carry over, and what it calls differently: one sentence each."""

from collections.abc import Iterator, Mapping

from opskit.schema.design_draft import Draft
from opskit.schema.model import Table, ascii_fold
from opskit.schema.translation.collations import collated, is_known


def notes(draft: Draft) -> Iterator[str]:
    """Everything to know about a design beside its objects."""
    for table in draft.schema.tables:
        yield from _collations(draft, table)
        yield from _conflicts(table)
    yield from _renamed(draft)


_COMPARES = {"NOCASE": "ignores case", "RTRIM": "ignores spaces at the end"}


def _collations(draft: Draft, table: Table) -> Iterator[str]:
    """Columns that compare differently, and what statements must say so that they compare as before."""
    for column in table.columns:
        collation = draft.collation(table, column.name)
        if collation == "BINARY":
            continue
        what = f"column {column.name} of table {table.name}"
        if not is_known(collation):
            yield f"{what} has COLLATE {collation}, the application's own: PostgreSQL compares bytes"
            continue
        term = collated(draft.column(table, column.name), collation)
        yield (
            f"{what} {_COMPARES[collation]} in SQLite (COLLATE {collation}), not by itself on PostgreSQL:"
            f" lookups, joins and sorting must write {term}, which its keys and indexes go by"
        )


_INSTEAD: Mapping[str, str] = {
    "REPLACE": "write INSERT … ON CONFLICT (…) DO UPDATE",
    "IGNORE": "write INSERT … ON CONFLICT DO NOTHING",
    "FAIL": "nothing of the statement remains",
    "ROLLBACK": "the transaction must be rolled back",
}


def _conflicts(table: Table) -> Iterator[str]:
    """PostgreSQL says in the statement, not in the constraint, what else is done with a row it refuses."""
    for one in table.conflicts:
        what = f"constraint {one.constraint} of table {table.name}"
        instead = _INSTEAD[one.resolution]
        yield f"{what} does not keep ON CONFLICT {one.resolution}: PostgreSQL refuses the row; {instead}"


def _renamed(draft: Draft) -> Iterator[str]:
    """Tables, views and columns that are called differently; mere folding, as asked for, is told once."""
    folded = 0
    for what, old, new, why in _named(draft):
        if draft.names.fold and old != new == ascii_fold(old):
            folded += 1
        elif new != old:
            yield f"{what} was renamed to {new}: {why}"
    if folded:
        yield f"{folded} names were folded to lower case, as asked for: --name-map and the report have them"


def _named(draft: Draft) -> Iterator[tuple[str, str, str, str]]:
    """What has a name: its name in the source, the one in the target, and why they may differ."""
    schema, names = draft.schema, draft.names
    kinds = [("table", table.name, [column.name for column in table.columns]) for table in schema.tables]
    kinds += [("view", view.name, list(view.columns)) for view in schema.views]
    for kind, name, columns in kinds:
        yield f"{kind} {name}", name, names.relation(name), "PostgreSQL cannot hold its name"
        for column in columns:
            what = f"column {column} of {kind} {name}"
            yield what, column, names.column(name, column), "PostgreSQL reserves or cuts it"
