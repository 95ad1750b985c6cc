"""`opskit migrate`."""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from opskit.cli.command import Invocation, common_options
from opskit.cli.endpoints import Endpoints, endpoints, fold_option, schema_option
from opskit.cli.output import Outcome
from opskit.cli.progress import shown
from opskit.config import Misfits, TypesProfile
from opskit.errors import ConfigurationError, ExitCode, Refused
from opskit.migrate.facts import Job
from opskit.migrate.follow import (
    WITHIN,
    CaughtUp,
    are_followed,
    catch_up,
    check_watched,
    close_killed,
    unfollow,
    watch_plan,
    watching,
)
from opskit.migrate.report import name_map
from opskit.migrate.report_page import page
from opskit.migrate.report_text import text
from opskit.migrate.run import Workplace, plan, sessions
from opskit.migrate.run import migrate as execute
from opskit.migrate.session import Session
from opskit.migrate.steps import Step
from opskit.runs.lock import exclusive
from opskit.runs.plan import JsonValue, Plan, to_json
from opskit.runs.progress import Progress

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("source", required=False)
@click.argument("target", required=False)
@click.option(
    "--database", "names", multiple=True, metavar="NAME", help="Only this database of the configuration."
)
@click.option("--plan", "plan_only", is_flag=True, help="Print what would be done, and do nothing.")
@click.option(
    "--types",
    type=click.Choice([one.value for one in TypesProfile]),
    help="native: the types PostgreSQL users expect; same: every value reads back as before.",
)
@schema_option
@fold_option
@click.option(
    "--jobs",
    "workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Processes that copy, build indexes and verify; chosen by size and cores when not given.",
)
@click.option(
    "--misfits",
    type=click.Choice([one.value for one in Misfits]),
    help="Rows that no type can hold: set-aside keeps them in a table beside theirs; refuse stops before.",
)
@click.option(
    "--into-existing",
    is_flag=True,
    help="Fill the schema that the application has made in the target with its own migrations.",
)
@click.option(
    "--follow",
    is_flag=True,
    help="Let triggers note what the application writes meanwhile, and bring it over; again: bring it over.",
)
@click.option("--unfollow", is_flag=True, help="Remove the triggers of --follow; PostgreSQL keeps its rows.")
@click.option("--resume", is_flag=True, help="Go on from where a killed migration was.")
@click.option(
    "--report",
    "report_file",
    type=_FILE,
    metavar="FILE",
    help="Write the full report: as a page for people when FILE ends in .html, else as JSON.",
)
@click.option(
    "--name-map", "map_file", type=_FILE, metavar="FILE", help="Write the names that had to change as JSON."
)
@click.option("--yes", is_flag=True, help="Do not ask on a terminal.")
@common_options
def migrate(
    invocation: Invocation,
    *,
    source: str | None,
    target: str | None,
    names: tuple[str, ...],
    plan_only: bool,
    types: str | None,
    schema: str | None,
    fold: bool,
    workers: int | None,
    into_existing: bool,
    misfits: str | None,
    follow: bool,
    unfollow: bool,
    resume: bool,
    report_file: Path | None,
    map_file: Path | None,
    yes: bool,
) -> Outcome:
    """Move databases from SQLite to PostgreSQL, proven complete.

    Without arguments, the databases of the configuration; with SOURCE (a file or sqlite:/// URL) and TARGET
    (a libpq URL or keyword string), just that one.
    """
    for file in (report_file, map_file):  # one that cannot be written stops the run before anything is done
        _write(file, "" if _is_page(file) else _json({}))
    where = endpoints(invocation, source, target, names, schema=schema, fold=fold)
    jobs = _jobs(
        where,
        TypesProfile(types) if types else where.types,
        Misfits(misfits) if misfits else where.misfits,
        into_existing=into_existing,
        follow=follow,
    )
    if follow and into_existing:
        raise ConfigurationError.of(
            "usage", "--follow goes without --into-existing", hint="migrate into an empty schema to follow"
        )
    place = Workplace(where.state_dir, where.backups)
    with ExitStack() as stack:
        progress = stack.enter_context(shown(invocation.progress))
        if not plan_only:
            stack.enter_context(exclusive(place.state_dir, "migrate"))
        if unfollow:
            return _unfollowed(jobs)
        if follow and are_followed(jobs, resume=resume):
            return _followed(jobs, place, progress, plan_only=plan_only)
        with ExitStack() as inner:
            if follow and not plan_only:
                _consent(jobs, yes=yes)
                inner.enter_context(watching(jobs, place.runs, resume=resume))
            opened = inner.enter_context(sessions(jobs, place, progress, resume=resume))
            steps = plan(opened, place, workers)
            if plan_only:
                return _planned(steps, opened, jobs if follow else ())
            if follow:
                check_watched(opened)
            if not yes:
                _ask(steps)
            done = execute(opened, steps, place, progress)
            renamed = name_map([session.undertaking for session in opened])
        followed = catch_up(jobs, place.backups, progress) if follow else ()
    result: dict[str, JsonValue] = {**done.to_json(), "name_map": renamed, **_follow_json(followed)}
    _write(report_file, page(done) if _is_page(report_file) else _json(result))
    _write(map_file, _json(renamed))
    return Outcome(
        "\n".join([text(done), *map(_line, followed)]),
        result,
        changed=True,
        warnings=done.told() if invocation.output == "json" else (),
    )


def _jobs(
    where: Endpoints, types: TypesProfile, misfits: Misfits, *, into_existing: bool, follow: bool
) -> list[Job]:
    return [
        Job(
            one.name,
            one.source,
            one.target,
            one.target_name,
            types,
            one.overrides,
            one.schema,
            where.fold,
            misfits,
            into_existing,
            one.heir,
            follow,
        )
        for one in where.databases
    ]


def _planned(steps: Plan[Step], opened: Sequence[Session], watched: Sequence[Job]) -> Outcome:
    watch = watch_plan(watched)
    lines = [watch.to_text(), steps.to_text()] if watched else [steps.to_text()]
    for session in opened:
        for table, columns in session.undertaking.source.choices.items():
            lines += [f"  {table}.{column}: {one.pg_type} ({one.reason})" for column, one in columns.items()]
    plans: dict[str, JsonValue] = {"plan": steps.to_json()}
    if watched:
        plans["watch"] = watch.to_json()
    return Outcome("\n".join(lines), plans, ExitCode.DIFFERENCES)


def _consent(jobs: Sequence[Job], *, yes: bool) -> None:
    """Nothing is put into the application's files unasked.

    Raises:
        Refused: there is nobody to ask.
    """
    watch = watch_plan(jobs)
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused.of(
            "not_confirmed",
            f"--follow puts triggers and a table into {', '.join(str(step.source) for step in watch.steps)}",
            hint="add --yes",
        )
    click.echo(watch.to_text(), err=True)
    click.confirm("Begin the watch?", default=True, abort=True, err=True)


def _unfollowed(jobs: Sequence[Job]) -> Outcome:
    changed = unfollow(jobs)
    files = ", ".join(str(job.source) for job in jobs)
    said = (
        f"{files}: not followed any more; PostgreSQL keeps its rows" if changed else f"{files}: not followed"
    )
    return Outcome(said, {"unfollowed": changed}, changed=changed)


def _followed(jobs: Sequence[Job], place: Workplace, progress: Progress, *, plan_only: bool) -> Outcome:
    """What is followed already is brought up to date."""
    if plan_only:
        names = ", ".join(job.name for job in jobs)
        return Outcome(
            f"{names}: followed; what has changed would be brought over", {"plan": None}, ExitCode.DIFFERENCES
        )
    close_killed(jobs, place.runs)
    found = catch_up(jobs, place.backups, progress)
    changed = any(one.changes for one in found)
    return Outcome("\n".join(map(_line, found)), _follow_json(found), changed=changed)


def _line(one: CaughtUp) -> str:
    near = "" if one.lag < WITHIN else ": the application writes faster than that"
    line = f"{one.name}: {one.changes} changes brought over, {one.lag:.1f} s behind{near}"
    return "\n".join([line, *(f"  {sentence}" for sentence in one.told)])


def _follow_json(found: Sequence[CaughtUp]) -> dict[str, JsonValue]:
    return {"followed": to_json(tuple(found))} if found else {}


def _ask(steps: Plan[Step]) -> None:
    """On a terminal the operator sees what will be told before anything is done."""
    if sys.stdin.isatty() and sys.stderr.isatty():
        for sentence in steps.told:
            click.echo(f"note: {sentence}", err=True)
        click.confirm(
            f"Migrate {steps.subject} in {len(steps.steps)} steps?", default=True, abort=True, err=True
        )


def _is_page(file: Path | None) -> bool:
    return file is not None and file.suffix.lower() in {".html", ".htm"}


def _json(document: Mapping[str, JsonValue]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _write(file: Path | None, content: str) -> None:
    if file is None:
        return
    try:
        file.write_text(content, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError.of("cannot_write", f"{file}: {error.strerror}", where=str(file)) from error
