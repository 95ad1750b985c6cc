"""One database out of a backup of the cluster: brought back aside, and dumped from there as one of its own.

From then on it is restored as any other: aside, compared, swapped.
"""

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from opskit.backup.create import Undertaking, create
from opskit.backup.create_plan import jobs, plan_create
from opskit.backup.draft import Source
from opskit.backup.encryption import recipients
from opskit.backup.manifest import Manifest
from opskit.backup.pgbackrest.aside import aside
from opskit.backup.pgbackrest.cluster import Cluster
from opskit.backup.pgbackrest.fetch import fetch, opened
from opskit.backup.pgbackrest.moments import archive_now
from opskit.backup.pgbackrest.restore_plan import COMMAND
from opskit.backup.pgbackrest.target import Target
from opskit.backup.place import Place
from opskit.backup.room import ELSEWHERE, check_room
from opskit.config import Engine
from opskit.runs.plan import Plan, Stage
from opskit.runs.progress import Progress


@dataclass(frozen=True, slots=True)
class Extract:
    """Brings the cluster back aside and dumps one database of it."""

    target: Target
    database: str

    @property
    def title(self) -> str:
        """See `Step`."""
        label = self.target.backup.label
        return f"bring {label} back aside, {self.target.as_of}, and dump {self.database} from there"


@dataclass(frozen=True, slots=True)
class RestoreDump:
    """Restores that dump as any other."""

    database: str
    into: str | None

    @property
    def title(self) -> str:
        """See `Step`."""
        return f"restore the dump as {self.into or self.database}: aside, compared, put in place"


def plan_extract(target: Target, database: str, into: str | None) -> Plan[Extract | RestoreDump]:
    """What is to be done, for the operator; the restore of the dump has a plan of its own."""
    steps = (Extract(target, database), RestoreDump(database, into))
    return Plan(COMMAND, database, tuple(Stage((step,)) for step in steps))


def extract(target: Target, database: str, cluster: Cluster, place: Place, progress: Progress) -> Manifest:
    """The backup of that database, as of the target. The caller holds the state directory.

    Raises:
        OpskitError: the cluster does not come back, or the database is not in it.
    """
    check_room(Path(tempfile.gettempdir()), target.backup.size, "the restored cluster", hint=ELSEWHERE)
    if cluster.answers():
        archive_now(cluster)
    at = target.moment or (datetime.now(UTC) if target.latest else target.backup.ended)
    encrypt = place.configuration.backup.encrypt
    keys = recipients(encrypt) if encrypt else ()
    taken = frozenset(one.id for one in place.shelf.backups())
    (job,) = jobs(place.configuration, Engine.POSTGRESQL, [database], at, taken)
    with aside(cluster.repository, cluster.superuser) as found:
        progress.stage(Extract(target, database).title)
        fetch(cluster, target, found.data)
        with opened(found, target):
            server = found.server.named(cluster.databases[database])
            task = Undertaking(job, plan_create(job, place.configuration, keys), Source(server, at))
            done = create((task,), place, progress)
    for failure in done.failures:
        raise failure
    return done.made[0]
