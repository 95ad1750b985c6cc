"""What a design does not carry over, and what it calls differently: one sentence each."""

from collections.abc import Iterator

from opskit.schema.model import Schema
from opskit.schema.names import NameMap


def collations(schema: Schema) -> Iterator[str]:
    """Columns that compare differently: PostgreSQL compares text byte by byte or by language."""
    for table in schema.tables:
        for column in table.columns:
            if column.collation != "BINARY":
                what = f"column {column.name} of table {table.name}"
                yield f"{what} does not keep COLLATE {column.collation}: write lower() into its lookups"


def renamed(schema: Schema, names: NameMap) -> Iterator[str]:
    """Tables, views and columns whose names PostgreSQL cannot hold."""
    tables = [("table", table.name) for table in schema.tables]
    for kind, name in [*tables, *(("view", view.name) for view in schema.views)]:
        if names.relation(name) != name:
            yield f"{kind} {name} was renamed to {names.relation(name)}: PostgreSQL cannot hold its name"
    for table in schema.tables:
        for column in table.columns:
            target = names.column(table.name, column.name)
            if target != column.name:
                what = f"column {column.name} of table {table.name}"
                yield f"{what} was renamed to {target}: PostgreSQL reserves or cuts it"
