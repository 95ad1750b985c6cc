"""What is to be done so that pgBackRest backs the cluster up: its file, its repository, its stanza. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from opskit.config import Configuration, Pgbackrest
from opskit.config.pgbackrest_words import CONFIGURATION, PROGRAM, words
from opskit.errors import Fault
from opskit.provision.cluster.planning import ClusterFacts, WantedCluster
from opskit.provision.decided import Decided
from opskit.provision.pgbackrest.text import Place
from opskit.provision.settings.file import Access
from opskit.provision.settings.sizing import Setting

ACCOUNT = "postgres"
"""Whose files the server's are, and pgBackRest's."""

ACCESS = Access(0o640, "root", ACCOUNT)
SFTP_SINCE = (2, 46)

ARCHIVING = ("archive_mode", "archive_command", "archive_timeout")

DATA = Path("/var/lib/postgresql")
SOCKETS = Path("/var/run/postgresql")
"""Where Debian's clusters have their data and sockets, until one is there to be asked."""


@dataclass(frozen=True, slots=True)
class PgbackrestWanted:
    """pgBackRest for the cluster of this host.

    Attributes:
        jobs: processes that work side by side.
    """

    pgbackrest: Pgbackrest
    jobs: int


@dataclass(frozen=True, slots=True)
class PgbackrestFacts:
    """pgBackRest as it is here.

    Attributes:
        version: of the program; None when there is none.
        access: of its file; None when there is no file.
        differing: keys of the file with other values than they shall have.
        repository: is the repository's directory there? Also true for one that is elsewhere.
        stanza: does the repository know the cluster? None: it could not be asked, `trouble` says why.
    """

    version: tuple[int, int] | None = None
    access: Access | None = None
    differing: tuple[str, ...] = ()
    repository: bool = False
    stanza: bool | None = False
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class MakeRepository:
    """Make the directory of the repository, for the server's account alone."""

    directory: Path
    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        return f"make {self.directory} for {ACCOUNT}"


@dataclass(frozen=True, slots=True)
class WriteConfiguration:
    """Write pgBackRest's file, with the secrets that the configuration names."""

    wanted: PgbackrestWanted
    place: Place
    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        return f"write {CONFIGURATION} ({ACCESS})"


@dataclass(frozen=True, slots=True)
class CreateStanza:
    """Make the cluster known in the repository.

    Attributes:
        archives: does the server archive already? Then the way there is tried, too.
    """

    stanza: str
    archives: bool
    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        return f"create stanza {self.stanza}" + (" and archive a segment on trial" if self.archives else "")


PgbackrestStep = MakeRepository | WriteConfiguration | CreateStanza


def wanted_pgbackrest(configuration: Configuration) -> PgbackrestWanted | None:
    """What the configuration says; None when it names no backup.pgbackrest."""
    wanted = configuration.backup.pgbackrest
    return PgbackrestWanted(wanted, configuration.backup.jobs) if wanted else None


def archive_settings(configuration: Configuration) -> tuple[Setting, ...]:
    """The server's part in it: what it has written goes to the repository."""
    wanted = configuration.backup.pgbackrest
    if wanted is None:
        return ()
    push = " ".join(words(wanted.stanza, "archive-push"))
    return (
        Setting("archive_mode", "on", "pgBackRest keeps all that the server writes"),
        Setting("archive_command", f"{push} %p", "to backup.pgbackrest.repository"),
        Setting(
            "archive_timeout",
            f"{max(1, round(wanted.archive_timeout))}s",
            "as backup.pgbackrest.archive_timeout says: what a dead disk may cost",
        ),
    )


def place_of(cluster: WantedCluster, present: ClusterFacts | None) -> Place:
    """Where the cluster's data are and how it is reached, or will be when it is made."""
    if present is not None:
        return Place(present.data, present.port, present.sockets)
    return Place(DATA / str(cluster.version) / cluster.name, cluster.port, SOCKETS)


def decide_pgbackrest(
    wanted: PgbackrestWanted | None, facts: PgbackrestFacts, place: Place
) -> Decided[PgbackrestStep]:
    """File and repository: before the server is told to use them."""
    if wanted is None:
        return Decided(told=(LEFT,) if facts.access else ())
    faults = tuple(_faults(wanted.pgbackrest, facts))
    return Decided(() if faults else tuple(_files(wanted, facts, place)), faults=faults)


def decide_stanza(
    wanted: PgbackrestWanted | None, facts: PgbackrestFacts, *, archives: bool
) -> Decided[PgbackrestStep]:
    """The cluster in the repository: when its server runs."""
    if wanted is None or facts.stanza:
        return Decided()
    if facts.stanza is None:
        return Decided(told=(f"the repository of pgBackRest cannot be asked: {facts.trouble}",))
    stanza = wanted.pgbackrest.stanza
    why = f"the repository does not know stanza {stanza}"
    return Decided((CreateStanza(stanza, archives, (why,)),))


def _faults(wanted: Pgbackrest, facts: PgbackrestFacts) -> Iterator[Fault]:
    if wanted.repository.sftp is not None and (facts.version is None or facts.version < SFTP_SINCE):
        there = ".".join(map(str, facts.version)) if facts.version else "none"
        yield Fault(
            "pgbackrest_too_old",
            f"repositories over SFTP take {PROGRAM} 2.46 or later, and here is {there}",
            "install a later one (PostgreSQL's own packages, apt.postgresql.org), or use path or s3",
            "backup.pgbackrest.repository.sftp",
        )


def _files(
    wanted: PgbackrestWanted, facts: PgbackrestFacts, place: Place
) -> Iterator[MakeRepository | WriteConfiguration]:
    directory = wanted.pgbackrest.repository.path
    if directory is not None and not facts.repository:
        yield MakeRepository(directory, ("it is missing",))
    why: list[str] = []
    if facts.access is None:
        why.append("it is missing")
    elif facts.access != ACCESS:
        why.append(f"its access is {facts.access}, shall be {ACCESS}")
    if facts.access is not None and facts.differing:
        why.append(f"it says otherwise for {', '.join(facts.differing)}")
    if why:
        yield WriteConfiguration(wanted, place, tuple(why))


LEFT = (
    f"backup.pgbackrest is not configured any more, and the server still archives: to end that, set"
    f" provision.parameters {{archive_mode: 'off'}} and, after a restart, remove {CONFIGURATION}"
)
