"""Decides how the cluster is brought back. Pure: facts in, a plan or refusals out.

Never into the directory that is live: everything is restored beside it and looked at, and put in place by
renaming, which keeps what was there before.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from opskit.backup.pgbackrest.target import Target
from opskit.errors import Fault, Refused
from opskit.runs.plan import Plan, Stage

COMMAND = "backup restore"
ASIDE = ".opskit-restoring"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known before.

    Attributes:
        cluster: its name; `data`: its directory.
        into: another directory to restore to, instead of the live one.
        there: is there a data directory? `answers`: does a server answer?
        users: who is connected to it, a few words each.
        leftover: a killed restore has left its directory.
        obstacles: why the data directory cannot be exchanged by renaming.
        taken: `into` is there already.
    """

    cluster: str
    data: Path
    into: Path | None
    there: bool
    answers: bool
    users: tuple[str, ...]
    leftover: bool
    obstacles: tuple[str, ...]
    taken: bool
    databases: tuple[str, ...]

    @property
    def aside(self) -> Path:
        """The directory that is restored to."""
        return self.into or self.data.with_name(f"{self.data.name}{ASIDE}")


@dataclass(frozen=True, slots=True)
class ArchiveAll:
    """Brings into the repository what the server has written until now."""

    cluster: str

    @property
    def title(self) -> str:
        """See `Step`."""
        return f"archive what cluster {self.cluster} has written until now"


@dataclass(frozen=True, slots=True)
class Clear:
    """Removes what a killed restore has left."""

    directory: Path

    @property
    def title(self) -> str:
        """See `Step`."""
        return f"remove {self.directory}, which a killed restore has left"


@dataclass(frozen=True, slots=True)
class Fetch:
    """Restores the files into a new directory."""

    target: Target
    directory: Path

    @property
    def title(self) -> str:
        """See `Step`."""
        return f"restore {self.target.backup.label} into {self.directory}"


@dataclass(frozen=True, slots=True)
class Look:
    """Lets a server of its own read the log up to the target, and reads every table there."""

    target: Target
    databases: tuple[str, ...]

    @property
    def title(self) -> str:
        """See `Step`."""
        return f"hold it {self.target.as_of} on a private socket, and read all of {', '.join(self.databases)}"


@dataclass(frozen=True, slots=True)
class Stop:
    """Stops the cluster.

    Attributes:
        ran: did it run?
    """

    cluster: str
    ran: bool

    @property
    def title(self) -> str:
        """See `Step`."""
        return (
            f"stop cluster {self.cluster}"
            if self.ran
            else f"make sure that cluster {self.cluster} is stopped"
        )


@dataclass(frozen=True, slots=True)
class Swap:
    """Puts the restored directory in its place.

    Attributes:
        kept: what the present one is called then; None when there is none.
    """

    aside: Path
    data: Path
    kept: Path | None

    @property
    def title(self) -> str:
        """See `Step`."""
        keeping = f", the present one kept as {self.kept}" if self.kept else ""
        return f"put it in place as {self.data}{keeping}"


@dataclass(frozen=True, slots=True)
class Start:
    """Starts the cluster, which reads the log up to the target once more and then takes changes."""

    cluster: str

    @property
    def title(self) -> str:
        """See `Step`."""
        return f"start cluster {self.cluster} and wait until it takes changes"


Step = ArchiveAll | Clear | Fetch | Look | Stop | Swap | Start


def plan_restore(facts: Facts, target: Target, at: datetime) -> Plan[Step]:
    """The steps of a restore.

    Args:
        at: names what is kept.

    Raises:
        Refused: with every reason.
    """
    faults = tuple(_refusals(facts))
    if faults:
        raise Refused(*faults)
    kept = facts.data.with_name(f"{facts.data.name}.before-{at:%Y%m%dT%H%M%SZ}") if facts.there else None
    in_place: tuple[Step, ...] = (
        Stop(facts.cluster, facts.answers),
        Swap(facts.aside, facts.data, kept),
        Start(facts.cluster),
    )
    steps: tuple[Step, ...] = (
        *((ArchiveAll(facts.cluster),) if facts.answers else ()),
        *((Clear(facts.aside),) if facts.leftover and not facts.into else ()),
        Fetch(target, facts.aside),
        Look(target, facts.databases),
        *(() if facts.into else in_place),
    )
    return Plan(COMMAND, facts.cluster, tuple(Stage((step,)) for step in steps), tuple(_told(facts, target)))


def _refusals(facts: Facts) -> Iterator[Fault]:
    place = str(facts.aside)
    if facts.into is not None:
        if facts.taken:
            yield Fault("target_exists", f"{facts.into} exists already", "name a new directory", place)
        return
    for obstacle in facts.obstacles:
        hint = "restore aside with --into, and exchange the two by hand"
        yield Fault("not_exchangeable", obstacle, hint, str(facts.data))
    if facts.users:
        yield Fault(
            "target_in_use",
            f"cluster {facts.cluster} is in use: {', '.join(facts.users)}",
            "stop the application, then run again; or restore aside with --into",
            facts.cluster,
        )


def _told(facts: Facts, target: Target) -> Iterator[str]:
    yield f"the cluster comes back {target.as_of}: all of its databases and roles, and nothing of later"
    if not facts.answers:
        yield f"cluster {facts.cluster} does not answer: what is not in the repository yet cannot come back"
    if not facts.into:
        yield "replication slots do not come back: `opskit standby run` opens the way back to SQLite anew"
