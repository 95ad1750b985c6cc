"""What is to be done about the server's settings: our file, what overrides it, reload or restart. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from opskit.config import Configuration, Settings
from opskit.errors import Fault
from opskit.provision.cluster.planning import WantedCluster
from opskit.provision.cluster.server import FileSetting, ServerFacts
from opskit.provision.decided import Decided
from opskit.provision.settings.choice import COMMAND, MODE, Others, chosen
from opskit.provision.settings.file import ACCESS, NAME, FilesFacts, OwnFile, read, render
from opskit.provision.settings.machine import Machine
from opskit.provision.settings.sizing import Setting, Share
from opskit.provision.settings.values import alike, same

AUTO = "postgresql.auto.conf"


@dataclass(frozen=True, slots=True)
class WantedSettings:
    """How settings are chosen.

    Attributes:
        own: is there a settings file of ours at all?
        restart: may the server be restarted? None: when nobody else uses it.
        databases: the names of ours.
        archive: what makes the server archive its log; none when it is not to.
    """

    own: bool
    share: Share
    parameters: tuple[tuple[str, str], ...]
    restart: bool | None
    databases: tuple[str, ...]
    archive: tuple[Setting, ...] = ()


def wanted_settings(configuration: Configuration, archive: tuple[Setting, ...] = ()) -> WantedSettings:
    """What the configuration says about settings.

    Args:
        archive: the server's part in backups by pgBackRest; none without these.
    """
    provision = configuration.provision
    return WantedSettings(
        provision.settings is Settings.OWN,
        Share(provision.memory, provision.disk, sum(one.pool for one in configuration.databases.values())),
        tuple((name.lower(), value) for name, value in provision.parameters.items()),
        provision.restart,
        tuple(sorted({one.postgresql for one in configuration.databases.values()})),
        archive,
    )


@dataclass(frozen=True, slots=True)
class WriteSettings:
    """Write our settings file; the server's own programs must accept it.

    Attributes:
        text: the whole file, every setting below its reason.
    """

    version: int
    file: Path
    text: str
    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        return f"write {self.file}"


@dataclass(frozen=True, slots=True)
class ResetSetting:
    """Take back what ALTER SYSTEM has set to `was`."""

    name: str
    was: str
    file: Path
    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        return f"ALTER SYSTEM RESET {self.name}"


@dataclass(frozen=True, slots=True)
class SilenceLine:
    """Make a comment of a line in somebody's settings file."""

    file: Path
    line: int
    name: str
    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.file}: make line {self.line} ({self.name}) a comment"


@dataclass(frozen=True, slots=True)
class Reload:
    """Let the server read its settings anew."""

    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        return "reload the server's settings"


@dataclass(frozen=True, slots=True)
class Restart:
    """Restart the server: everybody's sessions end."""

    version: int
    name: str
    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        return f"restart cluster {self.version}/{self.name}"


SettingsStep = WriteSettings | ResetSetting | SilenceLine | Reload | Restart


def settings_file(configuration: Path) -> Path:
    """Our file in a cluster's configuration directory."""
    return configuration / "conf.d" / NAME


def decide_settings(
    wanted: WantedSettings,
    cluster: WantedCluster,
    machine: Machine,
    files: FilesFacts,
    server: ServerFacts | None,
) -> Decided[SettingsStep]:
    """What is left to do.

    Args:
        server: None for a server that is yet to be started.
    """
    if not wanted.own:
        return Decided(told=tuple(_left(wanted, server)))
    if not files.included:
        return Decided(faults=(_not_included(cluster),))
    own = files.own
    file = settings_file(cluster.configuration)
    lines = server.files if server else ()
    others = _others(lines, file, own)
    if wanted.archive and (fault := _archived_elsewhere(wanted.archive, others)):
        return Decided(faults=(fault,))
    shall = chosen(machine, wanted.share, dict(wanted.parameters), others, wanted.archive)
    steps: list[SettingsStep] = []
    if own != OwnFile(render(shall), ACCESS):
        why = tuple(_changes(shall, others, own)) or ("its comments have changed",)
        steps.append(WriteSettings(cluster.version, file, render(shall), why))
    steps += _overridden(shall, lines, file)
    if server is None:
        return Decided(tuple(steps))
    at_start = tuple(_waiting(shall, server))
    if at_start and may_restart(wanted, server):
        return Decided((*steps, Restart(cluster.version, cluster.name, at_start)))
    told = (
        *(f"waits for a restart, which others would notice: {one}" for one in at_start),
        *(f"a settings file cannot be read: {one}" for one in server.unread),
    )
    why = ("settings files have changed",) if steps else tuple(_stale(shall, server))
    return Decided((*steps, Reload(why)) if why else (), told)


def _not_included(cluster: WantedCluster) -> Fault:
    return Fault(
        "conf_d_not_included",
        f"{cluster.configuration}/postgresql.conf does not read conf.d, where opskit's settings stand",
        "add the line include_dir = 'conf.d' at its end, or set provision.settings to leave",
        "postgresql.conf",
    )


def _archived_elsewhere(archive: Sequence[Setting], others: Others) -> Fault | None:
    shall = next(one.value for one in archive if one.name == COMMAND)
    found = others.after.get(COMMAND) or others.before.get(COMMAND)
    if not found or found == shall:
        return None
    return Fault(
        "archived_elsewhere",
        f"the cluster is archived by somebody else already: {COMMAND} is {found!r}",
        "take that out, or leave backup.pgbackrest out of the configuration",
        "backup.pgbackrest",
    )


def may_restart(wanted: WantedSettings, server: ServerFacts) -> bool:
    """Is it allowed, or does nobody else notice?"""
    if wanted.restart is None:
        return not server.sessions and set(server.databases) <= set(wanted.databases)
    return wanted.restart


def _others(lines: Sequence[FileSetting], file: Path, own: OwnFile | None) -> Others:
    ours = [number for number, one in enumerate(lines) if one.file == str(file)]
    first = ours[0] if ours else _first_later(lines, file)
    foreign = [(number, one) for number, one in enumerate(lines) if one.file != str(file)]
    return Others(
        {one.name: one.value for number, one in foreign if number < first},
        {one.name: one.value for number, one in foreign if number > first},
        read(own.text) if own else {},
    )


def _first_later(lines: Sequence[FileSetting], file: Path) -> int:
    """The first line that will count more than a file of ours that is not there yet."""
    for number, one in enumerate(lines):
        beside = Path(one.file).parent == file.parent and Path(one.file).name > file.name
        if beside or Path(one.file).name == AUTO:
            return number - 1
    return len(lines)


def _changes(shall: Sequence[Setting], others: Others, own: OwnFile | None) -> Iterator[str]:
    for one in shall:
        if own is None:
            yield f"{one.name} shall be {one.value}: {one.reason}"
        elif others.ours.get(one.name) != one.value:
            present = others.ours.get(one.name, "not set")
            yield f"{one.name} is {present}, shall be {one.value}: {one.reason}"
    for name in sorted(others.ours.keys() - {one.name for one in shall}):
        yield f"{name} is {others.ours[name]}, shall not be set here"
    if own is not None and own.access != ACCESS:
        yield f"the file's access is {own.access}, shall be {ACCESS}"


def _overridden(shall: Sequence[Setting], lines: Sequence[FileSetting], file: Path) -> Iterator[SettingsStep]:
    """Lines that count more than ours, and say something else."""
    values = {one.name: one.value for one in shall}
    numbers = [number for number, one in enumerate(lines) if one.file == str(file)]
    first = numbers[-1] if numbers else _first_later(lines, file)
    for one in lines[first + 1 :]:
        if one.name not in values or alike(values[one.name], one.value):
            continue
        why = (f"{one.name} is {one.value}, set in {one.file} line {one.line}, shall be {values[one.name]}",)
        if Path(one.file).name == AUTO:
            by = f"{one.name} is {one.value}, set by ALTER SYSTEM, shall be {values[one.name]}"
            yield ResetSetting(one.name, one.value, Path(one.file), (by,))
        else:
            yield SilenceLine(Path(one.file), one.line, one.name, why)


def _waiting(shall: Sequence[Setting], server: ServerFacts) -> Iterator[str]:
    """Settings that only a start of the server brings into force."""
    for one in shall:
        found = server.settings.get(one.name)
        if found and found.at_start and not same(one.value, found.value, found.unit):
            yield f"{one.name} is {_shown(found.value, found.unit)}, shall be {one.value}"


def _stale(shall: Sequence[Setting], server: ServerFacts) -> Iterator[str]:
    """Settings in force that are not what the files say."""
    for one in shall:
        found = server.settings.get(one.name)
        if found and not found.at_start and not same(one.value, found.value, found.unit):
            yield f"{one.name} is {_shown(found.value, found.unit)}, shall be {one.value}"


def _shown(value: str, unit: str | None) -> str:
    return f"{value} × {unit}" if unit else value or "empty"


def _left(wanted: WantedSettings, server: ServerFacts | None) -> Iterator[str]:
    """What opskit needs and does not set."""
    archive = {one.name: one.value for one in wanted.archive if one.name in (MODE, COMMAND)}
    needed = {"wal_level": "logical", "password_encryption": "scram-sha-256", **archive}
    for name, value in needed.items():
        found = server.settings.get(name) if server else None
        if found and found.value != value:
            yield f"{name} is {found.value}, and opskit needs {value}: provision.settings is leave"
