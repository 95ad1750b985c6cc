"""The services: which shall start at boot and run, and the settings that this host needs in them. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from opskit.config import Backup, Configuration, is_local
from opskit.provision.decided import Decided

POSTGRESQL = "postgresql.service"
SOCKET = "opskit-exporter.socket"
EXPORTER = "opskit-exporter.service"
STANDBY = "opskit-standby.service"
REHEARSAL = "opskit-rehearse.service"
TIMERS = (
    "opskit-backup.timer",
    "opskit-backup-verify.timer",
    "opskit-backup-drill.timer",
    "opskit-rehearse.timer",
)
STARTED = (SOCKET, EXPORTER, *TIMERS)
READERS = (EXPORTER, "opskit-backup.service", "opskit-backup-verify@.service", STANDBY, REHEARSAL)
"""Services that read the application's files."""

CLUSTER_TIMERS = {
    "opskit-backup.timer": "opskit-pgbackrest.service",
    "opskit-backup-verify.timer": "opskit-pgbackrest-verify@readable.service",
    "opskit-backup-drill.timer": "opskit-pgbackrest-verify@drill.service",
}
"""What the timers of the backups start when pgBackRest makes these."""

CHECKS = ("opskit-backup-verify.timer", "opskit-backup-drill.timer")
FILES_CHECK = "opskit-backup-verify@files.service"
"""What a host can look at that has no key to its backups."""

CLUSTER_SERVICES = ("opskit-pgbackrest.service", "opskit-pgbackrest-verify@.service")
REPOSITORY = Path("/var/lib/pgbackrest")
"""Debian's own directory for repositories, which the services may write as they are shipped."""

DROP_INS = Path("/etc/systemd/system")
DEFAULT_LISTEN = "127.0.0.1:9188"
"""As opskit-exporter.socket has it."""

HEADER = "# Written by `opskit provision`. Settings of your own belong into another file beside this one."

STARTS_AT_BOOT = frozenset({"enabled", "static", "alias", "indirect", "generated"})
MASKED = frozenset({"masked", "masked-runtime"})


@dataclass(frozen=True, slots=True)
class UnitWanted:
    """A unit.

    Attributes:
        at_boot: shall it start at boot, and run now unless another part of provision sees to that?
        listen: the address of a socket, when it is another than the shipped one.
        reads: does it read the application's files?
        starts: the service of a timer, when it is another than the shipped one.
        writes: a directory that a service writes to, beside the shipped ones.
    """

    name: str
    at_boot: bool = False
    runs: bool = False
    listen: str = ""
    reads: bool = False
    starts: str = ""
    writes: Path | None = None


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """A unit in systemd's own words; `at_boot` is its UnitFileState and `state` its ActiveState.

    Attributes:
        drop_in: the text of opskit's own drop-in, empty when there is none.
    """

    installed: bool
    at_boot: str
    state: str
    drop_in: str


@dataclass(frozen=True, slots=True)
class WriteDropIn:
    """Write opskit's own drop-in of a unit, or remove it when its text is empty."""

    unit: str
    text: str
    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        return f"{'write' if self.text else 'remove'} {drop_in_file(self.unit)}"


@dataclass(frozen=True, slots=True)
class EnableUnit:
    """Let a unit start at boot."""

    unit: str
    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        return f"let {self.unit} start at boot"


@dataclass(frozen=True, slots=True)
class StartUnit:
    """Start a unit."""

    unit: str
    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        return f"start {self.unit}"


UnitStep = WriteDropIn | EnableUnit | StartUnit


def drop_in_file(unit: str) -> Path:
    """Where opskit's own drop-in of a unit stands."""
    return DROP_INS / f"{unit}.d" / "opskit.conf"


def _starts(unit: str, backup: Backup) -> str:
    """What a timer starts here when that is not what it says itself."""
    if backup.pgbackrest:
        return CLUSTER_TIMERS.get(unit, "")
    is_blind = backup.encrypt is not None and backup.encrypt.identity_file is None
    return FILES_CHECK if is_blind and unit in CHECKS else ""


def wanted_units(configuration: Configuration) -> tuple[UnitWanted, ...]:
    """PostgreSQL's unit when its server is here, whose start is the cluster's affair, and opskit's own."""
    server = [UnitWanted(POSTGRESQL, at_boot=True)] if is_local(configuration.postgresql.host) else []
    listen = configuration.exporter.listen
    pgbackrest = configuration.backup.pgbackrest
    names = dict.fromkeys((*STARTED, *READERS, *(CLUSTER_SERVICES if pgbackrest else ())))
    repository = pgbackrest.repository.path if pgbackrest else None
    own = (
        UnitWanted(
            name,
            at_boot=name in STARTED,
            runs=name in STARTED,
            listen=listen if name == SOCKET and listen != DEFAULT_LISTEN else "",
            reads=name in READERS,
            starts=_starts(name, configuration.backup),
            writes=repository if name in CLUSTER_SERVICES and repository != REPOSITORY else None,
        )
        for name in names
    )
    return (*server, *own)


def decide_unit(wanted: UnitWanted, facts: UnitFacts, groups: tuple[str, ...]) -> Decided[UnitStep]:
    """What a unit needs.

    Args:
        groups: those that a service must be in to read the application's files.
    """
    if not facts.installed:
        # PostgreSQL's comes with its package, which also enables it
        missing = f"{wanted.name} is not installed: run scripts/install, or install opskit's package"
        return Decided(told=() if wanted.name == POSTGRESQL else (missing,))
    if facts.at_boot in MASKED:
        return Decided(told=(f"{wanted.name} is masked and left alone: systemctl unmask {wanted.name}",))
    return Decided(tuple(_steps(wanted, facts, groups)))


def _steps(wanted: UnitWanted, facts: UnitFacts, groups: tuple[str, ...]) -> Iterator[UnitStep]:
    text = drop_in(wanted, groups)
    if text != facts.drop_in:
        is_now = "is another than it shall be" if facts.drop_in else "is missing"
        yield WriteDropIn(wanted.name, text, (f"it {is_now}" if text else "nothing in it is needed",))
    if wanted.at_boot and facts.at_boot not in STARTS_AT_BOOT:
        yield EnableUnit(wanted.name, (f"it is {facts.at_boot}",))
    if wanted.runs and facts.state not in ("active", "activating", "reloading"):
        yield StartUnit(wanted.name, (f"it is {facts.state}",))


def drop_in(wanted: UnitWanted, groups: tuple[str, ...]) -> str:
    """The text of opskit's drop-in of a unit; empty when the unit will do as it was shipped.

    >>> print(drop_in(UnitWanted("a.service", reads=True), ("app",)), end="")
    # Written by `opskit provision`. Settings of your own belong into another file beside this one.
    [Service]
    # To read the application's files.
    SupplementaryGroups=app
    """
    lines: list[str] = []
    if wanted.listen:
        lines += [
            "[Socket]",
            "# `exporter.listen` of the configuration.",
            "ListenStream=",
            f"ListenStream={wanted.listen}",
        ]
    if wanted.reads and groups:
        lines += [
            "[Service]",
            "# To read the application's files.",
            f"SupplementaryGroups={' '.join(groups)}",
        ]
    if wanted.starts:
        note = "# As `backup.pgbackrest` of the configuration wants it."
        lines += ["[Timer]", note, f"Unit={wanted.starts}"]
    if wanted.writes:
        lines += ["[Service]", "# pgBackRest's repository.", f"ReadWritePaths=-{wanted.writes}"]
    return "".join(f"{line}\n" for line in (HEADER, *lines)) if lines else ""
