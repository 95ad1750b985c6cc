"""What a configuration says about backups: where they are kept, how many, and by which tool."""

from dataclasses import dataclass, field
from pathlib import Path

from opskit.config.secrets import Secret


@dataclass(frozen=True, slots=True)
class Keep:
    """How many backups of each database are kept: the last ones, and the newest of so many hours, days, weeks
    and months; never fewer than `floor` that are sound."""

    last: int = field(default=7, metadata={"minimum": 0})
    hourly: int = field(default=0, metadata={"minimum": 0})
    daily: int = field(default=14, metadata={"minimum": 0})
    weekly: int = field(default=8, metadata={"minimum": 0})
    monthly: int = field(default=12, metadata={"minimum": 0})
    floor: int = field(default=2, metadata={"minimum": 1})


@dataclass(frozen=True, slots=True)
class Encrypt:
    """For whom backups are encrypted, by age.

    Attributes:
        recipients_file: public keys, one a line, as age reads them; enough to make backups.
        identity_file: the private key of one of them; needed to read, drill and restore.
    """

    recipients_file: Path = field(metadata={"hint": "name a file of public keys, as age-keygen prints them"})
    identity_file: Path | None = None


@dataclass(frozen=True, slots=True)
class S3:
    """A bucket of Amazon's S3 or of a server that speaks as it does.

    Attributes:
        key: its identifier is `key`, its other half `secret`; without both, the host's own role counts.
        path: within the bucket.
        path_style: the bucket stands in the path, not in the host's name, as MinIO has it.
        ca_file: who vouches for the server's certificate, when it is nobody whom this host knows.
    """

    bucket: str
    endpoint: str
    region: str
    key: Secret | None = None
    secret: Secret | None = None
    path: Path = Path("/pgbackrest")
    path_style: bool = False
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Sftp:
    """A directory of a host that is reached by SFTP; the private key must be readable for `postgres`."""

    host: str
    user: str
    key_file: Path
    path: Path
    port: int = field(default=22, metadata={"minimum": 1, "maximum": 65535})
    known_hosts: Path | None = None


@dataclass(frozen=True, slots=True)
class Repository:
    """Where pgBackRest keeps backups and log: exactly one of the three.

    Attributes:
        passphrase: everything is encrypted with it (AES-256) before it leaves this host.
    """

    path: Path | None = None
    s3: S3 | None = None
    sftp: Sftp | None = None
    passphrase: Secret | None = None


@dataclass(frozen=True, slots=True)
class Pgbackrest:
    """The whole cluster is backed up by pgBackRest, instead of each database by pg_dump.

    Attributes:
        stanza: what pgBackRest calls the cluster.
        full: seconds after which a backup holds everything again; `differential`: after which it holds all
            that has changed since then. Those between hold what has changed since the one before.
        window: seconds; the cluster can be brought back as it was at any moment of them.
        archive_timeout: seconds of changes that a dead disk may cost at most.
    """

    repository: Repository
    stanza: str = "main"
    full: float = field(default=7 * 86400.0, metadata={"unit": "duration"})
    differential: float = field(default=86400.0, metadata={"unit": "duration"})
    window: float = field(default=14 * 86400.0, metadata={"unit": "duration"})
    archive_timeout: float = field(default=60.0, metadata={"unit": "duration"})


@dataclass(frozen=True, slots=True)
class Backup:
    """Where backups are kept, how many, and who reads the databases for them.

    Attributes:
        directory: `backups` in the state directory unless named.
        user: the PostgreSQL role that reads; that of `postgresql` when None. `password` is this user's.
        jobs: tables that are dumped or restored side by side.
        encrypt: None: they are as readable as their directory.
        pgbackrest: None: PostgreSQL's databases are dumped too, each by itself.
    """

    directory: Path | None = None
    keep: Keep = field(default_factory=Keep)
    user: str | None = None
    password: Secret | None = None
    jobs: int = field(default=2, metadata={"minimum": 1, "maximum": 64})
    encrypt: Encrypt | None = None
    pgbackrest: Pgbackrest | None = None
