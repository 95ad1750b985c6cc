"""Removes what the window no longer needs. pgBackRest decides, because backups build upon one another."""

from collections.abc import Iterator

from opskit.backup.pgbackrest.catalogue import Catalogue, ClusterBackup
from opskit.backup.pgbackrest.cluster import Cluster
from opskit.backup.pgbackrest.known import tell_kept
from opskit.backup.pgbackrest.records import forget_others
from opskit.backup.place import Place
from opskit.backup.prune import COMMAND, Pruning, Remove
from opskit.backup.retention import Decision
from opskit.runs.plan import Plan, Stage

DAY = 86400.0


def expiring(cluster: Cluster) -> Pruning:
    """What pgBackRest would remove now, and keep; changes nothing.

    Raises:
        RepositoryFailed: the repository cannot be asked.
    """
    said = cluster.repository.ask("expire", "--dry-run", "--log-level-console=info", "--log-timestamp=n")
    decisions = tuple(_decisions(cluster.catalogue(), said, cluster.wanted.window))
    steps = (Remove(one.id, ", ".join(one.reasons)) for one in decisions if not one.keep)
    return Pruning(decisions, Plan(COMMAND, cluster.name, tuple(Stage((step,)) for step in steps)))


def expire(cluster: Cluster, place: Place) -> None:
    """Removes it, with the log that nothing needs any more.

    Raises:
        RepositoryFailed: it could not be removed; the next run goes on.
    """
    cluster.repository.attend("expire")
    forget_others(place, frozenset(one.label for one in cluster.catalogue().backups))
    tell_kept(place, cluster)


def _decisions(catalogue: Catalogue, said: str, window: float) -> Iterator[Decision]:
    days = f"{window / DAY:g} days"
    for one in catalogue.backups:
        goes = _named(said, one)
        reason = (
            f"no moment of the last {days} needs it" if goes else f"a moment of the last {days} may need it"
        )
        yield Decision(one.label, keep=not goes, reasons=(reason,))


def _named(said: str, backup: ClusterBackup) -> bool:
    return any(line.endswith(f"remove expired backup {backup.label}") for line in said.splitlines())
