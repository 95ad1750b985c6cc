"""Decides how a backup is restored. Pure: facts in, a plan or refusals out.

Never onto what is live: everything is restored and compared aside, and put in place by a rename, which keeps
what was there before under another name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from opskit.backup.manifest import Manifest, PostgresqlOrigin
from opskit.config import Engine
from opskit.errors import Fault, Refused
from opskit.runs.plan import Plan, Stage
from opskit.schema.names import fit

COMMAND = "backup restore"


@dataclass(frozen=True, slots=True)
class There:
    """What is there where a backup is to be restored to.

    Attributes:
        exists: there is something of that name.
        users: who uses it now, a few words each.
        leftover: a killed restore has left its database aside.
        missing_roles: of those that the backup needs, the ones the server does not know.
    """

    exists: bool
    users: tuple[str, ...]
    leftover: bool = False
    missing_roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known before a restore.

    Attributes:
        target: the file or the database to restore to.
        in_place: it is the application's own, not one named by --into.
        in_use: the engine that the application is on.
    """

    manifest: Manifest
    target: str
    in_place: bool
    in_use: Engine
    there: There


@dataclass(frozen=True, slots=True)
class CheckFiles:
    """Compares every file of the backup with the manifest."""

    id: str

    @property
    def title(self) -> str:
        """See `Step`."""
        return f"check the files of {self.id}"


@dataclass(frozen=True, slots=True)
class Clear:
    """Removes what a killed restore has left."""

    aside: str

    @property
    def title(self) -> str:
        """See `Step`."""
        return f"remove {self.aside}, which a killed restore has left"


@dataclass(frozen=True, slots=True)
class Fill:
    """Restores the backup aside.

    Attributes:
        aside: a new database, or a new file beside the target.
    """

    aside: str
    jobs: int

    @property
    def title(self) -> str:
        """See `Step`."""
        return f"restore the backup into {self.aside}"


@dataclass(frozen=True, slots=True)
class Compare:
    """Compares every restored table with the manifest."""

    tables: int

    @property
    def title(self) -> str:
        """See `Step`."""
        return f"compare rows and digest of {self.tables} tables with the backup's"


@dataclass(frozen=True, slots=True)
class Swap:
    """Puts the restored one in its place, and what was there under another name.

    Attributes:
        kept: that name; None when there is nothing to keep.
    """

    target: str
    kept: str | None

    @property
    def title(self) -> str:
        """See `Step`."""
        keeping = f", the present one kept as {self.kept}" if self.kept else ""
        return f"put it in place as {self.target}{keeping}"


Step = CheckFiles | Clear | Fill | Compare | Swap


def plan_restore(facts: Facts, jobs: int, at: datetime) -> Plan[Step]:
    """The steps of a restore.

    Args:
        jobs: tables that are restored side by side.
        at: names what is kept.

    Raises:
        Refused: with every reason.
    """
    faults = tuple(_refusals(facts))
    if faults:
        raise Refused(*faults)
    steps: tuple[Step, ...] = (
        CheckFiles(facts.manifest.id),
        *((Clear(aside_name(facts.target)),) if facts.there.leftover else ()),
        Fill(_aside(facts), jobs),
        Compare(len(facts.manifest.tables)),
        Swap(facts.target, kept_name(facts, at) if facts.there.exists else None),
    )
    return Plan(COMMAND, facts.target, tuple(Stage((step,)) for step in steps), tuple(_told(facts)))


def aside_name(database: str) -> str:
    """The database into which is restored before it takes another's name.

    >>> aside_name("crewai_main")
    'opskit_restoring_crewai_main'
    """
    return fit(f"opskit_restoring_{database}")


def _aside(facts: Facts) -> str:
    is_file = facts.manifest.engine is Engine.SQLITE
    return f"a new file beside {facts.target}" if is_file else f"a new database {aside_name(facts.target)}"


def kept_name(facts: Facts, at: datetime) -> str:
    """What the present file or database is called afterwards."""
    if facts.manifest.engine is Engine.SQLITE:
        return f"{facts.target}.before-{at:%Y%m%dT%H%M%S.%fZ}"
    return fit(f"{facts.target}_before_{at:%Y%m%dt%H%M%S%fz}")


def _refusals(facts: Facts) -> Iterator[Fault]:
    engine, name = facts.manifest.engine, facts.manifest.database
    if facts.there.exists and not facts.in_place:
        yield Fault(
            "target_exists",
            f"{facts.target} exists already",
            "choose another name for --into",
            facts.target,
        )
    if facts.in_place and facts.in_use is not engine:
        yield Fault(
            "engine_not_in_use",
            f"{facts.manifest.id} is of {engine.value}, and the application is on {facts.in_use.value}",
            f"restore it aside with --into; `opskit rollback` brings {name} back to SQLite with later writes",
            facts.target,
        )
    if facts.there.users:
        yield Fault(
            "target_in_use",
            f"{facts.target} is in use: {', '.join(facts.there.users)}",
            "stop the application, then run again; or restore aside with --into",
            facts.target,
        )
    if facts.there.missing_roles:
        yield Fault(
            "roles_missing",
            f"the server does not know the roles {', '.join(facts.there.missing_roles)}",
            "make them: `opskit provision`, or by the backup's globals.sql with psql (without passwords)",
            facts.target,
        )


def _told(facts: Facts) -> Iterator[str]:
    manifest = facts.manifest
    yield f"what was written after {manifest.created:%Y-%m-%d %H:%M:%S} UTC is not in {manifest.id}"
    if manifest.also:
        yield f"it brings {', '.join(manifest.also)} back too, which the same PostgreSQL database holds"
    if isinstance(manifest.origin, PostgresqlOrigin) and facts.in_place and facts.there.exists:
        yield "replication slots and prepared transactions stay with the database that is kept"
