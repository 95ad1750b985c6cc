"""`opskit verify`."""

from collections.abc import Iterator

import click

from opskit.cli.command import Invocation, common_options
from opskit.cli.endpoints import endpoints, fold_option, schema_option
from opskit.cli.output import Outcome
from opskit.cli.progress import shown
from opskit.errors import ExitCode
from opskit.runs.plan import to_json
from opskit.verify.run import Sides, Verdict
from opskit.verify.run import verify as compare
from opskit.verify.tables import Level


@click.command()
@click.argument("source", required=False)
@click.argument("target", required=False)
@click.option(
    "--database", "names", multiple=True, metavar="NAME", help="Only this database of the configuration."
)
@click.option(
    "--level",
    type=click.Choice([one.value for one in Level]),
    default=Level.ROWS.value,
    help="counts: row counts; digest: every value; rows (the default): also which rows differ.",
)
@click.option(
    "--into-existing",
    is_flag=True,
    help="The application has made the tables itself: compare their content, not their rules.",
)
@schema_option
@fold_option
@common_options
def verify(
    invocation: Invocation,
    *,
    source: str | None,
    target: str | None,
    names: tuple[str, ...],
    level: str,
    schema: str | None,
    fold: bool,
    into_existing: bool,
) -> Outcome:
    """Compare both engines' schema and content; exit 3 names what differs."""
    where = endpoints(invocation, source, target, names, schema=schema, fold=fold)
    with shown(invocation.progress) as progress:
        verdicts = [
            compare(
                Sides(
                    one.name,
                    one.source,
                    one.target,
                    one.schema,
                    fold=where.fold,
                    overrides=one.overrides,
                    into_existing=into_existing,
                ),
                Level(level),
                where.state_dir,
                progress,
            )
            for one in where.databases
        ]
    equal = all(verdict.equal() for verdict in verdicts)
    text = "\n".join(line for verdict in verdicts for line in _lines(verdict))
    return Outcome(
        text,
        {"equal": equal, "databases": to_json(verdicts)},
        ExitCode.DONE if equal else ExitCode.DIFFERENCES,
        warnings=tuple(f"{verdict.name}: {note}" for verdict in verdicts for note in verdict.notes),
    )


def _lines(verdict: Verdict) -> Iterator[str]:
    rows = sum(table.source_rows for table in verdict.tables)
    equal = "the same on both sides" if verdict.equal() else "NOT the same"
    level = verdict.level.value
    yield f"{verdict.name}: {len(verdict.tables)} tables, {rows:,} rows, {equal} (level {level})"
    for fault in verdict.faults:
        yield f"  {fault}"
    for table in verdict.tables:
        for difference in table.differences:
            yield f"  table {table.table}: {difference}"
        if not table.complete:
            yield f"  table {table.table}: there are more differences"
