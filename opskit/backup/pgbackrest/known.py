"""The cluster's backups with what is known of each, for people and for monitoring."""

from collections.abc import Mapping
from dataclasses import dataclass

from opskit.backup.pgbackrest.catalogue import ClusterBackup
from opskit.backup.pgbackrest.cluster import Cluster
from opskit.backup.pgbackrest.records import record_of
from opskit.backup.place import Place
from opskit.backup.records import Level, Record
from opskit.backup.status import tell
from opskit.runs.backup_status import RETAINED, SINCE
from opskit.runs.plan import JsonValue, to_json


@dataclass(frozen=True, slots=True)
class Known:
    """A backup and how its checks ended."""

    backup: ClusterBackup
    record: Record

    @property
    def problems(self) -> tuple[str, ...]:
        """What is known to be wrong with it."""
        own = () if self.backup.sound else ("pages of the cluster were damaged when it was made",)
        return own + self.record.problems()

    def to_json(self) -> Mapping[str, JsonValue]:
        """For programs."""
        return {
            **self.backup.to_json(),
            "engine": "postgresql",
            "sound": not self.problems,
            "problems": to_json(self.problems),
            "checks": {level.value: one.to_json() for level, one in self.record.checks.items()},
        }


def known(place: Place, cluster: Cluster) -> tuple[Known, ...]:
    """All backups, oldest first.

    Raises:
        RepositoryFailed: the repository cannot be asked.
    """
    return tuple(Known(one, record_of(place, one.label)) for one in cluster.catalogue().backups)


def tell_kept(place: Place, cluster: Cluster) -> None:
    """Tells monitoring which backups there are, and since when any moment can be brought back."""
    found = known(place, cluster)
    passed = {level: [one.record.passed(level) for one in found] for level in Level}
    told: Mapping[str, JsonValue] = {
        "count": len(found),
        "bytes": sum(one.backup.added for one in found),
        "damaged": sum(bool(one.problems) for one in found),
        "verified": {
            level.value: max(fit).isoformat()
            for level, moments in passed.items()
            if (fit := [at for at in moments if at])
        },
        **({SINCE: found[0].backup.ended.isoformat()} if found else {}),
    }
    tell(place, {name: {RETAINED: told} for name in cluster.databases})
