"""Why data cannot go into a schema that the application made itself: all reasons, before anything is done."""

from collections.abc import Iterator

from opskit.errors import Fault
from opskit.migrate.existing import ExistingFacts, required, target_types
from opskit.migrate.facts import Job, SourceFacts
from opskit.schema.matching import ColumnMatch, TableMatch
from opskit.transfer.render import base_type, can_render

_SHOWN = 5
"""Keys named singly; the rest is counted."""


def existing_refusals(job: Job, existing: ExistingFacts, source: SourceFacts) -> Iterator[Fault]:
    """Every reason not to begin."""
    if not existing.matching.tables:
        yield _nothing_matches(job, existing)
        return
    yield from _homeless_rows(job, existing, source)
    yield from _overruled(job, existing)
    for table in existing.matching.tables:
        if source.profiles[table.source.name].rows:
            yield from _table_refusals(table, existing, source)
    yield from _not_owned(job, existing)
    yield from _kept_children(existing, source)
    yield from _in_use(job, existing, source)


def _nothing_matches(job: Job, existing: ExistingFacts) -> Fault:
    return Fault(
        "nothing_matches",
        f"no table of {job.source} stands in schema {existing.schema.name} of {job.target_name}",
        "let the application make its schema there first; without --into-existing opskit makes one",
        job.target_name,
    )


def _homeless_rows(job: Job, existing: ExistingFacts, source: SourceFacts) -> Iterator[Fault]:
    search = _search_tables(source)
    for name in existing.matching.homeless:
        rows = source.profiles[name].rows
        if rows and name not in search:
            yield Fault(
                "no_home",
                f"table {name} ({rows} rows) has no counterpart in {job.target_name}",
                "make the table with the application's migrations, or drop it in SQLite",
                name,
            )


def _search_tables(source: SourceFacts) -> set[str]:
    """Indexes by nature, whatever they hold: the application has its own way to search PostgreSQL."""
    return {table.name for table in source.schema.virtual_tables}


def _table_refusals(table: TableMatch, existing: ExistingFacts, source: SourceFacts) -> Iterator[Fault]:
    if table.source.name not in _search_tables(source):
        yield from _homeless_values(table, source)
    yield from _missing_values(table)
    yield from _unstorable(table, source)
    for column in table.copied():
        yield from _unfit_values(table, column, source)
    yield from _standing_rows(table, existing)


def _not_owned(job: Job, existing: ExistingFacts) -> Iterator[Fault]:
    for name in sorted(existing.foreign):
        yield Fault(
            "not_owner",
            f"this role does not own table {name} in {job.target_name}",
            "connect as the owner of the tables: triggers rest while rows are moved in",
            name,
        )


def _homeless_values(table: TableMatch, source: SourceFacts) -> Iterator[Fault]:
    profile = source.profiles[table.source.name]
    for column in table.homeless:
        values = profile.columns[column].filled()
        if values:
            yield Fault(
                "no_home",
                f"column {column} of table {table.source.name} ({values} values) has no counterpart",
                "add the column to the target with the application's migrations, or drop it in SQLite",
                f"{table.source.name}.{column}",
            )


def _missing_values(table: TableMatch) -> Iterator[Fault]:
    for column in filter(required, table.added):
        yield Fault(
            "no_value",
            f"column {column.name} of table {table.target.name} is NOT NULL and not in the source",
            "give the column a default in the target, or add it to the table in SQLite",
            f"{table.target.name}.{column.name}",
        )


def _unstorable(table: TableMatch, source: SourceFacts) -> Iterator[Fault]:
    scan = source.scans[table.source.name]
    for unfit in scan.unfit:
        yield Fault(
            "unfit_text",
            f"{unfit} ({scan.unfit_rows} such rows in table {table.source.name})",
            "mend the value in SQLite, or make the column bytea in the target",
            f"{table.source.name}.{unfit.column}",
        )


def _unfit_values(table: TableMatch, column: ColumnMatch, source: SourceFacts) -> Iterator[Fault]:
    name = f"{table.source.name}.{column.source}"
    profile = source.profiles[table.source.name].columns[column.source]
    chosen = source.choices[table.source.name][column.source].pg_type
    if profile.filled() and not can_render(chosen):
        yield Fault(
            "unknown_type",
            f"column {column.target.name} of table {table.target.name} is of type {column.target.pg_type},"
            " to which opskit cannot convert",
            "fill this table another way, or make the column text",
            name,
        )
    elif profile.misfits.get(chosen):
        yield Fault(
            "misfit",
            f"{name}: {profile.fits(chosen)}",
            "mend the values in SQLite, or widen the column in the target",
            name,
        )
    nulls = source.profiles[table.source.name].rows - profile.filled()
    if column.target.not_null and nulls:
        yield Fault(
            "null",
            f"{name} is NULL in {nulls} rows, and NOT NULL in the target",
            "give these rows a value in SQLite, or drop NOT NULL in the target",
            name,
        )


def _overruled(job: Job, existing: ExistingFacts) -> Iterator[Fault]:
    for name, pg_type in target_types(existing.matching, {}).items():
        wanted = job.overrides.get(name)
        if wanted and base_type(wanted) != base_type(pg_type):
            yield Fault(
                "override",
                f"{name} cannot become {wanted}: its type in the target is {pg_type}",
                "remove the override",
                name,
            )


def _standing_rows(table: TableMatch, existing: ExistingFacts) -> Iterator[Fault]:
    standing = existing.standing.get(table.target.name)
    if standing is None or standing.strangers == ():
        return
    keys = (
        ""
        if standing.strangers is None
        else f", which the source does not have: {', '.join(standing.strangers[:_SHOWN])}"
    )
    yield Fault(
        "target_not_empty",
        f"table {table.target.name} holds {standing.rows} rows{keys}",
        "delete these rows, or make the schema anew in an empty database",
        table.target.name,
    )


def _in_use(job: Job, existing: ExistingFacts, source: SourceFacts) -> Iterator[Fault]:
    """Rather a database that works already, perhaps migrated before, than one with its migrations' rows."""
    filled = {one.target.name for one in existing.matching.tables if source.profiles[one.source.name].rows}
    standing = [existing.standing[name] for name in filled if name in existing.standing]
    known = all(one.strangers == () for one in standing)
    if known and len(standing) == len(filled) and any(one.changed for one in standing):
        yield Fault(
            "target_not_empty",
            f"every table of {job.target_name} that would get rows holds rows already, and not the same ones",
            "migrate into a schema as the application's migrations make it, or delete these rows",
            job.target_name,
        )


def _kept_children(existing: ExistingFacts, source: SourceFacts) -> Iterator[Fault]:
    """Rows that stay and refer to rows that are replaced: deleting those would break or delete them."""
    filled = {one.target.name for one in existing.matching.tables if source.profiles[one.source.name].rows}
    replaced = filled & existing.standing.keys()
    for child in sorted(existing.holding - filled):
        for key in existing.schema.tables[child].foreign_keys:
            if key.parent_schema == existing.schema.name and key.parent in replaced:
                yield Fault(
                    "target_not_empty",
                    f"rows of table {child}, which the source does not fill, refer to table {key.parent}",
                    f"delete the rows of table {child}",
                    child,
                )
