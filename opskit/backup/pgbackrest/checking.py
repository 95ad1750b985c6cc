"""Looks at backups of the cluster: is the repository as it was written, and does the cluster come back?"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from opskit.backup.pgbackrest.aside import NotReached, aside
from opskit.backup.pgbackrest.catalogue import ClusterBackup
from opskit.backup.pgbackrest.cluster import Cluster
from opskit.backup.pgbackrest.known import tell_kept
from opskit.backup.pgbackrest.moments import archive_now, read_moments
from opskit.backup.pgbackrest.reading import differing
from opskit.backup.pgbackrest.records import write_check
from opskit.backup.pgbackrest.verification import archive_problems, backup_problems
from opskit.backup.place import Place
from opskit.backup.records import Check, Level, Looked
from opskit.backup.room import ELSEWHERE, check_room
from opskit.backup.status import tell_looked
from opskit.errors import OpskitError
from opskit.host.pgbackrest import RepositoryDamaged, RepositoryFailed
from opskit.runs.progress import Progress


def look(
    backups: Sequence[ClusterBackup], level: Level, cluster: Cluster, place: Place, progress: Progress
) -> tuple[Looked, ...]:
    """Looks at some backups, records what was found and tells monitoring of it.

    pgBackRest reads every file to its end when it checks them: `files` and `readable` are one here.
    """
    progress.stage(f"stanza {cluster.wanted.stanza}: {level.value}")
    databases, begun = tuple(cluster.databases), time.monotonic()
    looked: list[Looked] = []
    try:
        for backup, problems in _problems(backups, level, cluster, progress):
            check = Check(datetime.now(UTC), time.monotonic() - begun, problems)
            write_check(place, backup.label, level, check)
            looked.append(Looked(backup.label, databases, check))
    except OpskitError as error:
        looked += (Looked(one.label, databases, failure=error) for one in backups[len(looked) :])
    tell_looked(place, level, looked)
    tell_kept(place, cluster)
    return tuple(looked)


def _problems(
    backups: Sequence[ClusterBackup], level: Level, cluster: Cluster, progress: Progress
) -> Iterator[tuple[ClusterBackup, tuple[str, ...]]]:
    if level is not Level.DRILL:
        yield from _file_problems(backups, cluster)
        return
    for backup in backups:
        try:
            yield backup, tuple(drilled(backup, cluster, progress))
        except (RepositoryDamaged, NotReached) as error:  # anything else says nothing about the backup
            yield backup, tuple(fault.message for fault in error.faults)


def _file_problems(
    backups: Sequence[ClusterBackup], cluster: Cluster
) -> Iterator[tuple[ClusterBackup, tuple[str, ...]]]:
    repository, stanza = cluster.repository, cluster.wanted.stanza
    found = _unlike_copies(backups, cluster)
    told = ("--output=text", "--verbose", "--log-level-console=info", "--log-level-stderr=off")
    try:
        said = repository.attend("verify", *told, "--log-timestamp=n")
        listing = repository.ask("repo-ls", "--recurse", "--output=json", f"archive/{stanza}")
    except RepositoryFailed as error:
        if not any(found.values()):
            raise
        # over some damage it stumbles instead of telling: then it has vouched for no backup
        yield from ((one, (*found[one.label], str(error))) for one in backups)
        return
    for one in backups:
        yield one, (*found[one.label], *backup_problems(said, one), *archive_problems(said, listing, one))


def _unlike_copies(backups: Sequence[ClusterBackup], cluster: Cluster) -> dict[str, tuple[str, ...]]:
    """For each backup's label, which of the files that it needs and that are kept twice are not the same."""
    shared = [*_unlike(cluster, "backup/{}/backup.info"), *_unlike(cluster, "archive/{}/archive.info")]
    needed = {one.label: (*one.needs, one.label) for one in backups}
    labels = {label for some in needed.values() for label in some}
    manifests = {label: [*_unlike(cluster, f"backup/{{}}/{label}/backup.manifest")] for label in labels}
    return {
        label: (*shared, *(line for one in some for line in manifests[one])) for label, some in needed.items()
    }


def _unlike(cluster: Cluster, path: str) -> Iterator[str]:
    """pgBackRest keeps two copies of what it cannot do without, goes on with either, and never compares."""
    file = path.format(cluster.wanted.stanza)
    try:
        both = [cluster.repository.ask("repo-get", one) for one in (file, f"{file}.copy")]
    except RepositoryDamaged as error:
        yield f"{file}: {error}"
        return
    if both[0] != both[1]:
        yield f"{file} and its copy are not the same"


def drilled(backup: ClusterBackup, cluster: Cluster, progress: Progress) -> Iterator[str]:
    """Brings the cluster back aside, up to now, and says how it differs from the one that is live.

    Raises:
        RepositoryDamaged: the repository has lost something, or holds it otherwise.
        NotReached: its log does not lead to now.
        OpskitError: a drill cannot be held here or now.
    """
    check_room(Path(tempfile.gettempdir()), backup.size, "a drill", hint=ELSEWHERE)
    progress.stage("drill: read what the cluster holds now")
    moments = read_moments(cluster, progress)
    archive_now(cluster)
    with aside(cluster.repository, cluster.superuser) as found:
        progress.stage(f"drill: restore {backup.label}")
        mapped = f"--tablespace-map-all={found.room / 'tablespaces'}"
        cluster.repository.attend(
            "restore", f"--pg1-path={found.data}", f"--set={backup.label}", "--type=default", mapped
        )
        for moment in moments:
            progress.stage(f"drill: compare {moment.database} as of {moment.lsn}")
            target = {"recovery_target_lsn": moment.lsn, "recovery_target_inclusive": "off"}
            with found.held({**target, "fsync": "off"}):
                yield from differing(found.server, moment, progress)
        progress.stage("drill: check every page")
        yield from found.damaged_pages()
