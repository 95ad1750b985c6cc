"""`opskit backup`."""

from collections.abc import Sequence

import click

from opskit.backup.checking import look, pin, to_check
from opskit.backup.create import create as make
from opskit.backup.create import undertakings
from opskit.backup.pgbackrest.catalogue import Kind, is_label
from opskit.backup.pgbackrest.cluster import cluster_here, serves
from opskit.backup.pgbackrest.prune import expire, expiring
from opskit.backup.place import Place
from opskit.backup.prune import prune as remove
from opskit.backup.prune import pruning
from opskit.backup.records import Level
from opskit.backup.restore import restore as put_back
from opskit.backup.restore import restoring
from opskit.backup.text import described, listed
from opskit.cli import backup_cluster
from opskit.cli.backup_cluster import Asked
from opskit.cli.backup_outcomes import created, decided, looked, planned
from opskit.cli.command import Invocation, common_options
from opskit.cli.confirm import typed
from opskit.cli.output import Outcome
from opskit.cli.progress import shown
from opskit.errors import ConfigurationError, Refused
from opskit.runs.lock import exclusive

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
@click.option(
    "--type",
    "kind",
    type=click.Choice([one.value for one in Kind]),
    help="Of a backup by pgBackRest; unless named, the kind that is due.",
)
@plan_option
@common_options
def create(invocation: Invocation, *, names: tuple[str, ...], kind: str | None, plan_only: bool) -> Outcome:
    """Back up the databases, on the engine that the application is using.

    Where backup.pgbackrest is configured, that is the whole cluster once the application is on PostgreSQL.
    """
    place = _place(invocation)
    if serves(place.configuration):
        return backup_cluster.create(place, names, kind, invocation.progress, plan_only=plan_only)
    if kind is not None:
        hint = "leave it out; SQLite files and dumps are always whole"
        raise ConfigurationError.of("no_pgbackrest", "--type is for backups by pgBackRest", hint=hint)
    chosen = _chosen(place, names)
    if plan_only:
        return planned([task.plan for task in undertakings(place, chosen)])
    with shown(invocation.progress) as progress, exclusive(place.state_dir, "backup create"):
        return created(make(undertakings(place, chosen), place, progress))


@backup.command(name="list")
@database_option
@common_options
def list_(invocation: Invocation, *, names: tuple[str, ...]) -> Outcome:
    """List the backups, oldest first, with what is known of each."""
    place = _place(invocation)
    found = [one for one in place.shelf.backups() if not names or one.database in names]
    lines, clusters, warnings = listed(found), (), ()
    if place.configuration.backup.pgbackrest:
        try:
            text, clusters = backup_cluster.lines(place)
            lines = f"{lines}\n\n{text}"
        except Refused as error:  # this user sees the others all the same
            warnings = tuple(fault.message for fault in error.faults)
    result = {"backups": [one.to_json() for one in found], "cluster": clusters}
    return Outcome(lines, result, warnings=warnings)


@backup.command()
@click.argument("name", metavar="ID")
@common_options
def show(invocation: Invocation, *, name: str) -> Outcome:
    """Show everything about one backup: its files, its tables, and how its checks ended."""
    if is_label(name):
        return backup_cluster.show(_place(invocation), name)
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

    Where pgBackRest makes the backups, the cluster's are looked at, and others by their ID.
    """
    place = _place(invocation)
    if is_label(name) if name else serves(place.configuration):
        return looked(backup_cluster.look_at(place, name, Level(level), invocation.progress), level)
    chosen = to_check(place.shelf.backups(), Level(level)) if name is None else (place.shelf.backup(name),)
    with shown(invocation.progress) as progress:
        return looked(look(chosen, Level(level), place, progress), level)


@backup.command()
@click.argument("name", metavar="ID", required=False)
@click.option(
    "--into",
    metavar="NAME|FILE|DIRECTORY",
    help="A new database, file or (of the cluster) directory, instead of what the application uses.",
)
@click.option(
    "--to-time",
    "to",
    metavar="MOMENT",
    help="Bring the cluster back as of a moment (ISO 8601; UTC unless it says otherwise), or latest.",
)
@click.option("--database", metavar="NAME", help="Only this database, out of a backup of the cluster.")
@plan_option
@yes_option
@common_options
def restore(
    invocation: Invocation,
    *,
    name: str | None,
    into: str | None,
    to: str | None,
    database: str | None,
    plan_only: bool,
    yes: bool,
) -> Outcome:
    """Restore a backup: aside, compared with what was backed up, and then put in place by a rename.

    What was there before is kept under another name. The application must be stopped.

    Of the cluster's backups (pgBackRest), ID may be left out: --to-time finds the one that leads there.
    """
    place = _place(invocation)
    asked = Asked(name, to, database, into)
    if asked.of_the_cluster:
        if plan_only:
            return backup_cluster.planned(place, asked)
        if database is None:
            return backup_cluster.bring_back(place, asked, invocation.progress, yes=yes)
        name, yes = backup_cluster.dump_of_one(place, asked, database, invocation.progress, yes=yes), True
    if name is None:
        hint = "name one of `opskit backup list`; of the cluster, --to-time will do"
        raise ConfigurationError.of("no_backup_named", "there is no ID", hint=hint)
    if plan_only:
        return planned([restoring(place, name, into).plan])
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
    cluster = cluster_here(place) if serves(place.configuration) else None
    if plan_only:
        return decided([pruning(place), *([expiring(cluster)] if cluster else [])], plan_only=True)
    with exclusive(place.state_dir, "backup prune"):
        found = [pruning(place), *([expiring(cluster)] if cluster else [])]
        for one in found:
            if one.plan.steps and not yes:
                typed(one.plan, "prune", "the word")
        remove(found[0].plan, place)
        if cluster:
            expire(cluster, place)
    return decided(found)


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
