"""The application's `.env`: the keys it shall have, and who may read it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from opskit.config import Configuration, environment_key
from opskit.config.env_text import misread, values, with_values
from opskit.errors import Fault, Refused
from opskit.provision.access.planning import APPLICATION
from opskit.provision.decided import Decided

PASSWORD = "POSTGRES_PASSWORD"  # noqa: S105  the name of a key
STAND_IN = "x" * 32
"""What is written for the password when a plan is tried: it has the form of one that is generated."""

SHORT = 12
"""A password of fewer characters can be guessed."""

OTHERS = 0o007
MODE = 0o640

TLS_MODES = ("require", "verify-ca", "verify-full")


@dataclass(frozen=True, slots=True)
class EnvWanted:
    """The keys of a file beside the password, which it has or gets.

    Attributes:
        password_file: the other place that the configuration names for the password.
        accepted: key → values that will do; the first is written where none of them stands.
        once: keys that are written where they are missing, and else are the operator's.
    """

    file: Path
    password_file: Path | None
    accepted: Mapping[str, tuple[str, ...]]
    once: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EnvFacts:
    """The file as it is, or with the access it would be made with.

    Attributes:
        text: None when there is no file.
        readers: the group that the application is in, as far as can be seen.
        directory: is there one to make it in?
    """

    text: str | None = field(repr=False)
    mode: int
    owner: str
    group: str
    readers: str
    directory: bool = True


@dataclass(frozen=True, slots=True)
class WriteEnv:
    """Set keys in a file, at once, and shut others out.

    A password is kept, or generated where there is none.

    Attributes:
        password_file: where a password may stand that is not in the file yet.
        names: of the keys that change.
        values: all keys that the file shall have beside the password.
    """

    file: Path
    password_file: Path | None
    names: tuple[str, ...]
    values: Mapping[str, str]
    mode: int
    owner: str
    group: str
    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        return f"set {', '.join(self.names)} in {self.file}" if self.names else f"close {self.file} to others"


def wanted_env(configuration: Configuration) -> EnvWanted | None:
    """The keys that the application needs to find PostgreSQL; None when its `.env` is not named."""
    if configuration.application.env_file is None:
        return None
    server = configuration.postgresql
    databases = configuration.databases
    encrypted = server.parameters.get("sslmode") in TLS_MODES
    accepted = {
        "POSTGRES_HOST": _hosts(server.host),
        "POSTGRES_PORT": (str(server.port),),
        **{environment_key(configuration, name): (one.postgresql,) for name, one in databases.items()},
        "POSTGRES_USER": (server.user or APPLICATION,),
        "POSTGRES_SSL": (str(encrypted).lower(),),
        "POSTGRES_MAX_CONNECTIONS": (str(max(one.pool for one in databases.values())),),
    }
    named = server.password.file if server.password else None
    return EnvWanted(configuration.application.env_file, named, accepted, {"DATABASE_TYPE": "sqlite"})


def decide_env(wanted: EnvWanted, facts: EnvFacts) -> Decided[WriteEnv]:
    """One step, when a key is missing, is another, or reads differently, or when others may read the file."""
    found = values(facts.text or "")
    shall = {key: _chosen(found.get(key), accepted) for key, accepted in wanted.accepted.items()}
    shall |= {key: found.get(key) or value for key, value in wanted.once.items()}
    tried = {**shall, PASSWORD: found.get(PASSWORD) or STAND_IN}
    unset = misread(facts.text or "", tried)
    is_open = facts.text is not None and bool(facts.mode & OTHERS)
    told = tuple(_told(wanted.file, found.get(PASSWORD, ""), facts, is_open=is_open))
    if not unset and not is_open:
        return Decided(told=told)
    try:
        with_values(facts.text or "", tried)
    except Refused as error:
        return Decided(faults=tuple(_named(fault, wanted.file) for fault in error.faults))
    mode, group = facts.mode & ~OTHERS, facts.readers if is_open else facts.group
    why = [_why(key, found.get(key), shall.get(key)) for key in unset]
    if is_open:
        why.append(
            f"anybody may reach it: its mode is {facts.mode:04o}, shall be {mode:04o} for group {group}"
        )
    step = WriteEnv(wanted.file, wanted.password_file, unset, shall, mode, facts.owner, group, tuple(why))
    return Decided((step,), told)


def _named(fault: Fault, file: Path) -> Fault:
    return Fault(fault.code, f"{file}: {fault.message}", fault.hint, str(file))


def _hosts(host: str) -> tuple[str, ...]:
    """A socket directory is no host for every driver, so the application gets the same server by TCP."""
    if host.startswith(("/", "@")):
        return ("localhost", "127.0.0.1", "::1", host)
    return (host,)


def _chosen(found: str | None, accepted: tuple[str, ...]) -> str:
    return found if found is not None and found in accepted else accepted[0]


def _why(key: str, found: str | None, shall: str | None) -> str:
    if not found:
        return f"{key} is missing{'' if shall is not None else ': one is generated'}"
    if found == shall or shall is None:
        return f"{key} reads otherwise for systemd than for dotenv"
    return f"{key} is {found!r}, shall be {shall!r}"


def _told(file: Path, password: str, facts: EnvFacts, *, is_open: bool) -> Iterator[str]:
    if password and len(password) < SHORT:
        yield f"{PASSWORD} in {file} is short: take it out and run again, and a good one is generated"
    if not facts.directory:
        yield f"{file.parent} does not exist and is made: is application.env_file the application's?"
    if is_open and facts.readers != facts.group:
        yield f"only {facts.owner} and group {facts.readers} will read {file}: is the application among them?"
