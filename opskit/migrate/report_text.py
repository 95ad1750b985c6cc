"""The report of a migration as text for a terminal."""

from collections.abc import Iterator

from opskit.migrate.report import DatabaseReport, Report, TableReport
from opskit.migrate.report_figures import count
from opskit.schema.design import one_line
from opskit.schema.model import ascii_fold


def text(report: Report) -> str:
    """The report for people: a table for each database, then what is to be known, by object."""
    lines = [line for one in report.databases for line in _database(one)]
    return "\n".join([*lines, f"Done in {report.seconds:.1f} s."])


def _database(one: DatabaseReport) -> Iterator[str]:
    yield f"{one.name}: {one.source} → {one.target} (PostgreSQL {one.server_version})"
    yield from _tables(one.tables)
    parts = (
        count(len(one.tables), "table"),
        count(len(one.views), "view"),
        count(len(one.triggers), "trigger"),
    )
    counted = ", ".join(parts)
    yield f"  {counted}; {one.rows():,} rows, {one.bytes() / 1e6:,.1f} MB; backup {one.backup}"
    phases = ", ".join(f"{phase.name} {phase.seconds:.1f} s" for phase in one.phases)
    yield f"  profile {one.profile_seconds:.1f} s, {phases}"
    yield from _notes(one)
    yield ""


def _tables(tables: tuple[TableReport, ...]) -> Iterator[str]:
    width = max((len(table.target) for table in tables), default=5)
    yield (
        f"  {'table':{width}}  {'rows':>11}  {'MB':>9}  {'seconds':>8}  {'rows/s':>9}  {'MB/s':>6}"
        "  every row verified"
    )
    for table in sorted(tables, key=lambda table: (-table.rows, ascii_fold(table.target))):
        yield (
            f"  {table.target:{width}}  {table.rows:>11,}  {table.bytes / 1e6:>9.1f}  {table.seconds:>8.2f}"
            f"  {table.rows_per_second:>9,}  {table.bytes_per_second / 1e6:>6.1f}"
            f"  {'yes' if table.verified else 'NO'}"
            f"{f', {table.rejected:,} rows set aside' if table.rejected else ''}"
        )


def _notes(one: DatabaseReport) -> Iterator[str]:
    if one.told:
        yield "  notes:"
    for notes in one.notes:
        yield f"    {notes.about}"
        for note in notes.notes:
            yield f"      - {note.sentence}"
            if note.sql:
                yield f"        {one_line(note.sql)}"
