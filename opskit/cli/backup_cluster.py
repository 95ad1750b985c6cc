"""`opskit backup` where pgBackRest makes the backups: the same commands on the whole cluster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from opskit.backup.pgbackrest.catalogue import Kind, is_label
from opskit.backup.pgbackrest.checking import look
from opskit.backup.pgbackrest.cluster import Cluster, cluster_here
from opskit.backup.pgbackrest.create import back_up, plan_backup
from opskit.backup.pgbackrest.extract import extract, plan_extract
from opskit.backup.pgbackrest.known import Known, known
from opskit.backup.pgbackrest.restore import mend, restore, restoring
from opskit.backup.pgbackrest.target import Target, target_of
from opskit.backup.pgbackrest.text import described, listed
from opskit.backup.place import Place
from opskit.backup.records import Level, Looked
from opskit.cli.confirm import typed
from opskit.cli.output import Outcome
from opskit.cli.progress import shown
from opskit.errors import ConfigurationError, ExitCode, Refused
from opskit.runs.lock import exclusive
from opskit.runs.plan import JsonValue

NOT_READ = "was about to be dropped or rewritten at that moment: it is back as before that, and was not read"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be restored, as the operator says it; see `opskit backup restore --help`."""

    label: str | None
    to: str | None
    database: str | None
    into: str | None

    @property
    def of_the_cluster(self) -> bool:
        """Is it meant for a backup of the cluster?

        Raises:
            ConfigurationError: it contradicts itself.
        """
        if self.label is None or is_label(self.label):
            return self.label is not None or self.to is not None or self.database is not None
        if self.to is None and self.database is None:
            return False
        raise ConfigurationError.of(
            "not_of_the_cluster",
            f"{self.label} is a backup of one database, as of one moment",
            hint="leave --to-time and --database out; or leave the ID out, to use those of the cluster",
            where=self.label,
        )

    @property
    def directory(self) -> Path | None:
        """Where the whole cluster is to be restored to, instead of its place."""
        return Path(self.into) if self.into else None


def create(
    place: Place, names: Sequence[str], kind: str | None, progress: str, *, plan_only: bool
) -> Outcome:
    """Backs up the cluster."""
    if names:
        raise ConfigurationError.of(
            "whole_cluster",
            "pgBackRest backs up the whole cluster, with all of its databases",
            hint="leave --database out; a restore can bring one of them back",
            where="--database",
        )
    cluster, wanted = cluster_here(place), Kind(kind) if kind else None
    if plan_only:
        plan = plan_backup(cluster, wanted)
        return Outcome(plan.to_text(), {"plans": [plan.to_json()]}, ExitCode.DIFFERENCES)
    with shown(progress) as told, exclusive(place.state_dir, "backup create"):
        made = back_up(plan_backup(cluster, wanted), cluster, place, told)
    text = f"{made.label}: {made.kind.value}, {made.added:,} bytes added, a cluster of {made.size:,} bytes"
    return Outcome(text, {"backups": [made.to_json()], "failed": []}, changed=True)


def lines(place: Place) -> tuple[str, tuple[Mapping[str, JsonValue], ...]]:
    """The cluster's backups, for people and for programs."""
    cluster = cluster_here(place)
    found = known(place, cluster)
    return listed(cluster.name, found), tuple(one.to_json() for one in found)


def show(place: Place, label: str) -> Outcome:
    """Everything about one backup."""
    one = _named(place, cluster_here(place), label)
    return Outcome(described(one), {**one.to_json(), "manifest": None})


def look_at(place: Place, label: str | None, level: Level, progress: str) -> tuple[Looked, ...]:
    """Looks at one backup, at the newest for a drill, or at all."""
    cluster = cluster_here(place)
    backups = (_named(place, cluster, label).backup,) if label else cluster.catalogue().backups
    with shown(progress) as told:
        return look(backups[-1:] if level is Level.DRILL else backups, level, cluster, place, told)


def planned(place: Place, asked: Asked) -> Outcome:
    """What a restore would do."""
    cluster = cluster_here(place)
    target = _target(cluster, asked)
    if asked.database:
        plan = plan_extract(target, asked.database, asked.into)
        return Outcome(plan.to_text(), {"plans": [plan.to_json()]}, ExitCode.DIFFERENCES)
    whole = restoring(cluster, target, asked.directory).plan
    return Outcome(whole.to_text(), {"plans": [whole.to_json()]}, ExitCode.DIFFERENCES)


def bring_back(place: Place, asked: Asked, progress: str, *, yes: bool) -> Outcome:
    """Brings the whole cluster back, in place or into another directory."""
    cluster = cluster_here(place)
    with shown(progress) as told, exclusive(place.state_dir, "backup restore"):
        mend(cluster, place)
        task = restoring(cluster, _target(cluster, asked), asked.directory)
        if asked.into is None and not yes:
            typed(task.plan, cluster.name, "the name of the cluster")
        seen = restore(task, place, told)
    rows = sum(one.rows for one in seen.tables)
    kept = f"; what was there is kept as {task.kept}" if task.kept else ""
    found = f"{len(seen.tables)} tables, {rows:,} rows"
    return Outcome(
        f"cluster {cluster.name} is in {task.subject} {task.target.as_of}: {found}{kept}",
        {
            "id": task.target.backup.label,
            "target": str(task.subject),
            "kept": str(task.kept) if task.kept else None,
            "tables": len(seen.tables),
            "rows": rows,
            "locked": list(seen.locked),
        },
        changed=True,
        warnings=(*task.plan.told, *(f"{one} {NOT_READ}" for one in seen.locked)),
    )


def dump_of_one(place: Place, asked: Asked, database: str, progress: str, *, yes: bool) -> str:
    """One database out of the cluster's backup, as a backup of its own; returns its name."""
    cluster = cluster_here(place)
    if database not in cluster.databases:
        hint = f"use one of: {', '.join(cluster.databases)}"
        raise ConfigurationError.of("unknown_database", f"there is no database {database}", hint=hint)
    with shown(progress) as told, exclusive(place.state_dir, "backup restore"):
        target = _target(cluster, asked)
        if not yes:
            typed(plan_extract(target, database, asked.into), database, "the name of the database")
        return extract(target, database, cluster, place, told).id


def _target(cluster: Cluster, asked: Asked) -> Target:
    return target_of(cluster.catalogue(), asked.label, asked.to, datetime.now(UTC))


def _named(place: Place, cluster: Cluster, label: str) -> Known:
    found = next((one for one in known(place, cluster) if one.backup.label == label), None)
    if found is None:
        raise Refused.of(
            "unknown_backup", f"there is no backup {label}", hint="see `opskit backup list`", where=label
        )
    return found
