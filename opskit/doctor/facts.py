"""What the doctor has seen, before anything is concluded from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from opskit.config import Engine
from opskit.provision.cluster.planning import ClusterFacts


class Refusal(Enum):
    """Why no session could be opened."""

    HOST_UNKNOWN = "the name has no address"
    UNREACHABLE = "no way to the address, or no answer from it"
    REFUSED = "nobody listens there"
    SOCKET_DENIED = "the socket's directory may not be entered"
    SILENT = "the connection was taken and never answered"
    SSL_REFUSED = "encryption was asked for and the server has none"
    SSL_REQUIRED = "the server admits encrypted connections only"
    STARTING = "the server is starting or stopping"
    FULL = "no connection is free"
    NO_RULE = "pg_hba.conf admits nobody like this"
    AUTHENTICATION = "the password is wrong, or there is no such role"
    NO_PASSWORD = "the server asks for a password and there is none"  # noqa: S105  words, not a secret
    ROLE = "the role does not exist or may not log in"
    NO_DATABASE = "there is no such database"
    NO_CONNECT = "the role may not connect to the database"
    OTHER = "something else"


@dataclass(frozen=True, slots=True)
class Refused:
    """An attempt to connect that failed; `words` are the driver's, without secrets."""

    refusal: Refusal
    words: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """What the application's session may do, and what it says about the server.

    Attributes:
        schema: is the configured schema there, may it be used, may tables be made in it?
        denied: tables and sequences of the schema that the role may not read or write.
        read_only: why nothing can be written; empty when it can.
        clock_ahead: seconds that the server's clock is ahead of this host's, whatever the network adds.
    """

    schema_exists: bool
    schema_usage: bool
    schema_create: bool
    denied: tuple[str, ...]
    read_only: str
    clock_ahead: float


@dataclass(frozen=True, slots=True)
class Role:
    """What the server's administrator sees of the application's role."""

    exists: bool
    may_log_in: bool
    expired: bool


@dataclass(frozen=True, slots=True)
class Target:
    """Where the application looks for a database; the password is not part of it.

    Attributes:
        port: as it stands in the `.env`, which may hold anything.
        key: of the database's name in the `.env`.
    """

    host: str
    port: str
    dbname: str
    user: str
    key: str

    @property
    def address(self) -> str:
        """The server, as people write it."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a file open; `unit` is empty outside systemd's services."""

    pid: int
    command: str
    unit: str

    def __str__(self) -> str:
        """As it is told."""
        return f"process {self.pid} ({self.command})" if self.command else f"process {self.pid}"


class FileState(Enum):
    """What a SQLite file looks like to one who reads it."""

    SOUND = "sound"
    UNCHECKED = "unchecked"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    NOT_A_DATABASE = "not a database"
    CORRUPT = "corrupt"


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A SQLite file.

    Attributes:
        detail: what SQLite or the system says about a state that is not sound.
        wal_bytes: of the -wal beside it.
        locked: its write lock was held whenever it was looked at, for longer than an application waits.
        writer: the pid that holds the lock; 0 when nobody knows.
        holders: who has it open; None when this user may not see that.
        closed: the first of the directory, the file and its companions that the application's account may not
            write; None when it may write all, or nobody knows the account.
    """

    file: Path
    state: FileState
    detail: str = ""
    wal_bytes: int = 0
    locked: bool = False
    writer: int = 0
    holders: tuple[Holder, ...] | None = None
    closed: Path | None = None


@dataclass(frozen=True, slots=True)
class Dump:
    """The newest dump of a PostgreSQL database: seconds that it took, and bytes of the database."""

    seconds: float
    size: int


@dataclass(frozen=True, slots=True)
class Database:
    """One database of the configuration, on both sides.

    Attributes:
        role: None when the session was not refused for the role's sake, or nobody could be asked.
        backup: the id of the newest sound backup of the SQLite file; empty when there is none.
        dump: None when there is none, or this user may not see it.
    """

    name: str
    schema: str
    target: Target
    answer: Session | Refused
    sqlite: SqliteFile
    role: Role | None = None
    backup: str = ""
    dump: Dump | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """The application's systemd unit.

    Attributes:
        environment: what it gives its process otherwise than by the application's own `.env`.
        files: of the unit, its own and its drop-ins.
        user: the account that its process runs under; empty for root.
    """

    name: str
    exists: bool
    environment: Mapping[str, str] = field(repr=False)
    files: tuple[Path, ...] = ()
    user: str = ""


@dataclass(frozen=True, slots=True)
class Environment:
    """What the application's process knows.

    Attributes:
        file: the application's `.env`; None when none is configured.
        exists: is the file there?
        values: by key, the unit's over the file's; secrets among them.
        missing: keys that it needs for PostgreSQL and has not.
        overridden: keys about databases that the unit sets, so that changing the file is in vain.
        contradicted: does one of these lead elsewhere than the file does?
        misleading: keys of the file that lead elsewhere than the configuration → what they shall be.
    """

    file: Path | None
    exists: bool
    values: Mapping[str, str] = field(repr=False)
    missing: tuple[str, ...] = ()
    overridden: tuple[str, ...] = ()
    contradicted: bool = False
    misleading: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Volume:
    """A file system, in bytes, and what of ours lies on it."""

    holds: tuple[Path, ...]
    total: int
    free: int
    inodes: int
    inodes_free: int


@dataclass(frozen=True, slots=True)
class Host:
    """This host.

    Attributes:
        clusters: Debian's, whoever made them, as far as their programs are installed.
        clock_synchronised: None when nobody knows, or it has no clock of its own (a container).
    """

    clusters: tuple[ClusterFacts, ...]
    volumes: tuple[Volume, ...]
    clock_synchronised: bool | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was looked at.

    Attributes:
        engine: the one that the application uses.
        drift: what `provision` would do, one item each; None when nobody has looked.
        unseen: what could not be looked at, and why, one sentence each.
        pgbackrest: does pgBackRest back up the cluster, as the configuration says?
    """

    engine: Engine
    environment: Environment
    unit: Unit | None
    databases: tuple[Database, ...]
    host: Host
    drift: tuple[str, ...] | None = None
    unseen: tuple[str, ...] = ()
    pgbackrest: bool = False
