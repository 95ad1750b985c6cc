"""What an opskit configuration says, as frozen values.

Field metadata carries what the parser and `config show` need beside the type: a hint for the operator.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import MappingProxyType

from opskit.config.backups import Backup
from opskit.config.secrets import Secret


class Engine(Enum):
    """Where a database lives; the values are those of the application's DATABASE_TYPE."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


class TypesProfile(Enum):
    """How PostgreSQL types are chosen."""

    NATIVE = "native"
    SAME = "same"


class Misfits(Enum):
    """What is done about rows with a value that its column's type cannot hold."""

    SET_ASIDE = "set-aside"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Application:
    """The application that is moved.

    Attributes:
        stop: the command that stops it, where no unit does; `start` returns when it has started it.
        url: answers with 200 when the application is well.
        patience: seconds that it may take to stop, and to be well after its start.
    """

    env_file: Path | None = field(default=None, metadata={"hint": "the file where DATABASE_TYPE lives"})
    unit: str | None = field(default=None, metadata={"hint": "the systemd unit restarted at a switch"})
    stop: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    url: str | None = None
    patience: float = field(default=60.0, metadata={"unit": "duration"})


@dataclass(frozen=True, slots=True)
class Database:
    """One logical database: its SQLite file and its PostgreSQL database.

    Attributes:
        pool: the most connections the application's pool may hold.
        application_name: shown in pg_stat_activity; defaults to the configured name.
        schema: several files may share a PostgreSQL database, each in a schema of its own.
        host: the server of this database alone, when it is not that of `postgresql`; `port` likewise.
    """

    sqlite: Path
    postgresql: str
    pool: int = field(default=20, metadata={"minimum": 1})
    application_name: str | None = None
    schema: str = "public"
    host: str | None = None
    port: int | None = field(default=None, metadata={"minimum": 1, "maximum": 65535})


@dataclass(frozen=True, slots=True)
class Postgresql:
    """How the PostgreSQL server is reached.

    Attributes:
        parameters: further libpq connection parameters (sslmode, target_session_attrs, …), passed as is.
    """

    host: str = "localhost"
    port: int = field(default=5432, metadata={"minimum": 1, "maximum": 65535})
    user: str | None = None
    password: Secret | None = None
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Migrate:
    """How types and names are chosen, and who does the work.

    Attributes:
        user: the role that `migrate` and `verify` log in as, with `password` when it has one; what it makes
            goes to the application's. None: the application's own role.
        fold: names in lower case, which SQL without quotes finds in PostgreSQL.
        misfits: what is done about rows that a type cannot hold (texts with a NUL, or against an override).
        overrides: database name → "table.column" → PostgreSQL type.
    """

    types: TypesProfile = TypesProfile.NATIVE
    fold: bool = False
    misfits: Misfits = Misfits.SET_ASIDE
    overrides: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    user: str | None = None
    password: Secret | None = None


@dataclass(frozen=True, slots=True)
class Rollback:
    """The way back after a cutover.

    Attributes:
        window: how long it stays open, in seconds.
        directory: where the SQLite files are that follow; `standby` in the state directory unless named.
        small: up to so many megabytes a database is compared whole each time; larger ones follow the log.
        host: where PostgreSQL is reached for this, when it is not `postgresql.host`; a socket's directory
            lets the operating system's account log in without a password.
        user: the role that reads, with `password` when it has one; `provision.roles.standby` unless named.
    """

    window: float = field(default=7 * 86400.0, metadata={"unit": "duration"})
    directory: Path | None = None
    small: int = field(default=2, metadata={"minimum": 0})
    host: str | None = None
    user: str | None = None
    password: Secret | None = None


@dataclass(frozen=True, slots=True)
class Exporter:
    """The Prometheus exporter.

    Attributes:
        listen: ADDRESS:PORT.
        deadline: seconds a scrape may take at most.
        reuse: seconds for which a collection that found nothing wrong answers further scrapes.
        top_statements: how many statements a database reports singly.
        user: the role it logs in as, with `password` when it has one; None: as the application does.
        host: how it reaches the server, a socket directory for example; None: as the application does.
            Databases with a host of their own keep that.
        queries: a file of queries of one's own.
        web_config: a file with TLS and passwords, as Prometheus' exporter-toolkit has it.
    """

    listen: str = "127.0.0.1:9188"
    deadline: float = field(default=2.0, metadata={"unit": "duration"})
    reuse: float = field(default=1.0, metadata={"unit": "duration"})
    top_statements: int = field(default=20, metadata={"minimum": 0, "maximum": 200})
    user: str | None = None
    password: Secret | None = None
    host: str | None = None
    queries: Path | None = None
    web_config: Path | None = None


class Settings(Enum):
    """Whose the server's settings are."""

    OWN = "own"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Roles:
    """The names of the roles beside the application's, which is `postgresql.user`."""

    owner: str = "opskit_owner"
    monitor: str = "opskit_monitor"
    standby: str = "opskit_standby"
    backup: str = "opskit_backup"


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who makes roles and databases on a server that this host is not."""

    user: str
    password: Secret | None = None


@dataclass(frozen=True, slots=True)
class Provision:
    """What `opskit provision` makes of this host.

    Attributes:
        cluster: VERSION/NAME, as Debian counts clusters.
        adopt: may a cluster that holds others' databases be used?
        settings: `own`: opskit writes a settings file; `leave`: the server's settings are not touched.
        memory: the part of this host's memory that the database may have.
        disk: the part of the data directory's disk that WAL may take, what slots hold back included.
        restart: may the server be restarted? None: when nobody else uses it.
        parameters: settings that shall be other than opskit would choose, name → value.
        admin: for a server elsewhere; here it is the cluster's own account.
        environment: database → the key of its name in the application's `.env`, for names of one's own.
    """

    cluster: str = "15/main"
    adopt: bool = True
    settings: Settings = Settings.OWN
    memory: float = field(default=0.5, metadata={"unit": "share"})
    disk: float = field(default=0.3, metadata={"unit": "share"})
    restart: bool | None = None
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    roles: Roles = field(default_factory=Roles)
    admin: Administrator | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Configuration:
    """The whole configuration."""

    databases: Mapping[str, Database]
    application: Application = field(default_factory=Application)
    postgresql: Postgresql = field(default_factory=Postgresql)
    migrate: Migrate = field(default_factory=Migrate)
    backup: Backup = field(default_factory=Backup)
    rollback: Rollback = field(default_factory=Rollback)
    exporter: Exporter = field(default_factory=Exporter)
    provision: Provision = field(default_factory=Provision)
    state_dir: Path | None = None
