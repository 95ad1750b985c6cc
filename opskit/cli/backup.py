"""`opskit backup`."""

from collections.abc import Sequence
from typing import TypeVar

import click

from opskit.backup.checking import look, pin, to_check
from opskit.backup.create import Created, undertakings
from opskit.backup.create import create as make
from opskit.backup.place import Place
from opskit.backup.prune import Pruning, pruning
from opskit.backup.prune import prune as remove
from opskit.backup.records import Level, Looked
from opskit.backup.restore import restore as put_back
from opskit.backup.restore import restoring
from opskit.backup.text import described, listed
from opskit.cli.command import Invocation, common_options
from opskit.cli.confirm import typed
from opskit.cli.output import Outcome
from opskit.cli.progress import shown
from opskit.errors import ConfigurationError, ExitCode
from opskit.runs.lock import exclusive
from opskit.runs.plan import JsonValue, Plan, Step, to_json

S = TypeVar("S", bound=Step)

database_option = click.option(
    "--database", "names", multiple=True, metavar="NAME", help="Only this database of the configuration."
)
plan_option = click.option(
    "--plan", "plan_only", is_flag=True, help="Print what would be done, and do nothing."
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask on a terminal.")


@click.group()
def backup() -> None:
    """Make, check, restore and prune backups of the databases."""


@backup.command()
@database_option
@plan_option
@common_options
def create(invocation: Invocation, *, names: tuple[str, ...], plan_only: bool) -> Outcome:
    """Back up the databases, on the engine that the application is using."""
    place = _place(invocation)
    chosen = _chosen(place, names)
    if plan_only:
        return _planned([task.plan for task in undertakings(place, chosen)])
    with shown(invocation.progress) as progress, exclusive(place.state_dir, "backup create"):
        return _created(make(undertakings(place, chosen), place, progress))


@backup.command(name="list")
@database_option
@common_options
def list_(invocation: Invocation, *, names: tuple[str, ...]) -> Outcome:
    """List the backups, oldest first, with what is known of each."""
    found = [one for one in _place(invocation).shelf.backups() if not names or one.database in names]
    return Outcome(listed(found), {"backups": [one.to_json() for one in found]})


@backup.command()
@click.argument("name", metavar="ID")
@common_options
def show(invocation: Invocation, *, name: str) -> Outcome:
    """Show everything about one backup: its files, its tables, and how its checks ended."""
    found = _place(invocation).shelf.backup(name)
    contents = found.manifest.to_json() if found.manifest else None
    return Outcome(described(found), {**found.to_json(), "manifest": contents})


@backup.command()
@click.argument("name", metavar="ID", required=False)
@click.option(
    "--level",
    type=click.Choice([one.value for one in Level]),
    default=Level.READABLE.value,
    help="files: sizes and SHA-256; readable (the default): also read to the end; drill: also restored aside,"
    " and every table compared.",
)
@common_options
def verify(invocation: Invocation, *, name: str | None, level: str) -> Outcome:
    """Check a backup, or all of them; exit 3 names what is wrong.

    Without ID, a drill is held with the newest backup of each database, and the other levels look at all
    backups. The result is recorded with its time.
    """
    place = _place(invocation)
    chosen = to_check(place.shelf.backups(), Level(level)) if name is None else (place.shelf.backup(name),)
    with shown(invocation.progress) as progress:
        return _looked(look(chosen, Level(level), place, progress), level)


@backup.command()
@click.argument("name", metavar="ID")
@click.option(
    "--into",
    metavar="NAME|FILE",
    help="A new database or file, instead of the one that the application uses.",
)
@plan_option
@yes_option
@common_options
def restore(invocation: Invocation, *, name: str, into: str | None, plan_only: bool, yes: bool) -> Outcome:
    """Restore a backup: aside, compared with what was backed up, and then put in place by a rename.

    What was there before is kept under another name. The application must be stopped.
    """
    place = _place(invocation)
    if plan_only:
        return _planned([restoring(place, name, into).plan])
    with shown(invocation.progress) as progress, exclusive(place.state_dir, "backup restore"):
        task = restoring(place, name, into)
        if into is None and not yes:
            typed(task.plan, task.manifest.database, "the name of the database")
        put_back(task, place, progress)
    kept = f"; what was there is kept as {task.kept}" if task.kept else ""
    return Outcome(
        f"{name} is restored as {task.plan.subject}{kept}",
        {"id": name, "target": task.plan.subject, "kept": task.kept},
        changed=True,
        warnings=task.plan.told,
    )


@backup.command()
@plan_option
@yes_option
@common_options
def prune(invocation: Invocation, *, plan_only: bool, yes: bool) -> Outcome:
    """Remove the backups that no rule of `backup.keep` keeps; every reason is printed."""
    place = _place(invocation)
    if plan_only:
        found = pruning(place)
        return _decided(found, exit_code=ExitCode.DIFFERENCES if found.plan.steps else ExitCode.DONE)
    with exclusive(place.state_dir, "backup prune"):
        found = pruning(place)
        if found.plan.steps and not yes:
            typed(found.plan, "prune", "the word")
        remove(found.plan, place)
    return _decided(found, changed=bool(found.plan.steps))


@backup.command(name="pin")
@click.argument("name", metavar="ID")
@common_options
def pin_(invocation: Invocation, *, name: str) -> Outcome:
    """Keep a backup whatever the rules say."""
    return _pinned(invocation, name, pinned=True)


@backup.command()
@click.argument("name", metavar="ID")
@common_options
def unpin(invocation: Invocation, *, name: str) -> Outcome:
    """Let the rules decide about a backup again."""
    return _pinned(invocation, name, pinned=False)


def _looked(looked: Sequence[Looked], level: str) -> Outcome:
    checked = [(one.id, one.check) for one in looked if one.check]
    failures = [one.failure for one in looked if one.failure]
    faults = [fault for failure in failures for fault in failure.faults]
    if failures and not checked:
        raise type(failures[0])(*faults)
    lines = [f"{one}: {'; '.join(done.problems) or 'sound'} (level {level})" for one, done in checked]
    sound = all(not done.problems for _, done in checked)
    return Outcome(
        "\n".join(lines) or "there are no backups",
        {
            "level": level,
            "backups": [{"id": one, **done.to_json()} for one, done in checked],
            "failed": to_json(faults),
        },
        ExitCode.DIFFERENCES if not sound else ExitCode.FAILED if failures else ExitCode.DONE,
        changed=bool(checked),
        warnings=tuple(fault.message for fault in faults),
    )


def _decided(found: Pruning, *, exit_code: ExitCode = ExitCode.DONE, changed: bool = False) -> Outcome:
    lines = [
        f"{'keep' if one.keep else 'drop'}  {one.id}: {', '.join(one.reasons)}" for one in found.decisions
    ]
    result: dict[str, JsonValue] = {"decisions": to_json(found.decisions), "plan": found.plan.to_json()}
    return Outcome("\n".join(lines) or "there are no backups", result, exit_code, changed=changed)


def _pinned(invocation: Invocation, name: str, *, pinned: bool) -> Outcome:
    changed = pin(_place(invocation), name, pinned=pinned)
    text = f"{name} is pinned" if pinned else f"{name} is not pinned"
    return Outcome(text, {"id": name, "pinned": pinned}, changed=changed)


def _place(invocation: Invocation) -> Place:
    loaded = invocation.configuration()
    return Place(loaded.configuration, loaded.state_dir())


def _chosen(place: Place, names: Sequence[str]) -> list[str]:
    known = place.configuration.databases
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigurationError.of(
            "unknown_database", f"there is no database {unknown[0]}", hint=f"use one of: {', '.join(known)}"
        )
    return [name for name in known if not names or name in names]


def _planned(plans: Sequence[Plan[S]]) -> Outcome:
    return Outcome(
        "\n".join(plan.to_text() for plan in plans),
        {"plans": [plan.to_json() for plan in plans]},
        ExitCode.DIFFERENCES,
    )


def _created(created: Created) -> Outcome:
    lines = [
        f"{one.id}: {len(one.tables)} tables, {one.rows:,} rows, {one.size:,} bytes" for one in created.made
    ]
    faults = [fault for error in created.failures for fault in error.faults]
    if faults and not created.made:
        raise type(created.failures[0])(*faults)
    return Outcome(
        "\n".join(lines),
        {"backups": [one.to_json() for one in created.made], "failed": to_json(faults)},
        ExitCode.FAILED if faults else ExitCode.DONE,
        changed=True,
        warnings=tuple(fault.message for fault in faults),
    )
