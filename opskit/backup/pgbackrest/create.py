"""Makes a backup of the cluster: what is due → a plan → pgBackRest."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from opskit.backup.create_plan import COMMAND
from opskit.backup.pgbackrest.catalogue import ClusterBackup, Kind, kind_due
from opskit.backup.pgbackrest.cluster import Cluster
from opskit.backup.pgbackrest.known import tell_kept
from opskit.backup.place import Place
from opskit.backup.status import tell
from opskit.config import Engine
from opskit.errors import OpskitError
from opskit.host.pgbackrest import RepositoryFailed
from opskit.runs.backup_status import CREATE, INTEGRITY, LAST_GOOD
from opskit.runs.execute import Found, execute
from opskit.runs.journal import Journal, abandon, unfinished
from opskit.runs.plan import JsonValue, Plan, Stage
from opskit.runs.progress import Progress

GO_ON = "run `opskit backup create` again"


@dataclass(frozen=True, slots=True)
class BackUp:
    """Backs up the cluster."""

    cluster: str
    kind: Kind
    why: str

    @property
    def title(self) -> str:
        """See `Step`."""
        return f"back up cluster {self.cluster}, {self.kind.value}: {self.why}"


def plan_backup(cluster: Cluster, kind: Kind | None) -> Plan[BackUp]:
    """One step: of the kind asked for, or of the one that is due.

    Raises:
        RepositoryFailed: the repository cannot be asked.
    """
    due, why = kind_due(cluster.catalogue().backups, cluster.wanted, datetime.now(UTC))
    step = BackUp(cluster.name, kind or due, "as asked for" if kind else why)
    return Plan(COMMAND, cluster.name, (Stage((step,)),))


def back_up(plan: Plan[BackUp], cluster: Cluster, place: Place, progress: Progress) -> ClusterBackup:
    """Makes the backup, and tells monitoring how it ended. The caller holds the state directory.

    Raises:
        Reverted: it failed; what pgBackRest has left, its next backup takes up.
    """
    begun = time.monotonic()
    killed = list(unfinished(place.runs, COMMAND, plan.subject))
    try:
        with Journal(place.runs, COMMAND, plan.subject) as journal:
            execute(plan, _Effects(cluster, progress), journal, go_on=GO_ON)
        made = _made(cluster)
    except OpskitError:
        _tell_created(place, cluster, None, time.monotonic() - begun)
        raise
    _tell_created(place, cluster, made, time.monotonic() - begun)
    for run in killed:
        abandon(run)
    tell_kept(place, cluster)
    return made


def _made(cluster: Cluster) -> ClusterBackup:
    """The newest.

    Raises:
        RepositoryFailed: the cluster it was made from is damaged.
    """
    backup = cluster.catalogue().backups[-1]
    if not backup.sound:
        raise RepositoryFailed.of(
            "pages_damaged",
            f"{backup.label} holds pages whose checksums are wrong: the cluster's own disk is at fault",
            hint="keep the older backups; `pg_amcheck` and the server's log say which tables are hurt",
            where=cluster.name,
        )
    return backup


@dataclass(frozen=True, slots=True)
class _Effects:
    """The effects of a backup: on the repository alone."""

    cluster: Cluster
    progress: Progress

    def perform(self, step: BackUp) -> Found:
        """Makes it so; see `Effects`."""
        self.progress.stage(step.title)
        self.cluster.repository.attend("backup", f"--type={step.kind.value}")
        return None

    def halt(self) -> None:
        """See `Effects`; there is one step."""

    def revert(self, step: BackUp) -> None:
        """See `Effects`; only a complete one counts, and pgBackRest keeps half of one for the next."""


def _tell_created(place: Place, cluster: Cluster, made: ClusterBackup | None, seconds: float) -> None:
    told: dict[str, JsonValue] = {
        "at": datetime.now(UTC).isoformat(),
        "seconds": round(seconds, 1),
        "ok": made is not None,
    }
    if made is not None:
        told |= {"id": made.label, "engine": Engine.POSTGRESQL.value, "bytes": made.added}
    attempts: dict[str, JsonValue] = {CREATE: told, INTEGRITY: None, **({LAST_GOOD: told} if made else {})}
    tell(place, dict.fromkeys(cluster.databases, attempts))
