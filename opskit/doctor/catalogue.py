"""Every trouble the doctor knows: what it looks like, why, its one remedy. docs/doctor.md says the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote
from types import MappingProxyType

from opskit.doctor.findings import Finding, Severity

PROVISION = "opskit provision"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A kind of trouble.

    Attributes:
        looks: what the application or the operator sees of it.
        why: what lies behind it.
        remedy: a command or an instruction; words in braces are filled in when it is found.
        left: why `--fix` leaves it to the operator; empty when `--fix` mends it.
    """

    code: str
    looks: str
    why: str
    remedy: str
    left: str = ""
    severity: Severity = Severity.ERROR

    def found(
        self, what: str, *, where: str, database: str | None = None, instead: str = "", **words: str
    ) -> Finding:
        """The trouble as it was found.

        Args:
            instead: the remedy, where the usual one does not fit.
            words: what fills the usual one, beside `where`; they are quoted as the shell needs it.
        """
        quoted = {name: quote(word) for name, word in (("where", where), *words.items())}
        remedy = instead or self.remedy.format(**quoted)
        return Finding(self.code, self.severity, what, where, remedy, not self.left, database)


_ALL = (
    Trouble(
        "server_missing",
        "connection refused",
        "PostgreSQL is not installed on this host, or has no cluster",
        PROVISION,
        "packages are installed only when you ask for it",
    ),
    Trouble(
        "server_down",
        "connection refused",
        "the cluster is there and stopped",
        "systemctl start {unit}",
    ),
    Trouble(
        "server_starting",
        "the database system is starting up, or shutting down",
        "after a crash PostgreSQL plays its log back before it lets anyone in; or it is being stopped",
        "journalctl --follow --unit {unit}",
        "it ends by itself, or somebody has stopped the server on purpose",
    ),
    Trouble(
        "server_silent",
        "connections hang",
        "somebody takes the connection and never answers: the server is suspended, or it is no PostgreSQL",
        "systemctl restart {unit}",
        "a restart ends everybody's sessions",
    ),
    Trouble(
        "port_refused",
        "connection refused",
        "a server runs, but not at the address and port that the application uses",
        PROVISION,
    ),
    Trouble(
        "server_unreachable",
        "connection refused, or timed out",
        "the server of another host is down, or a firewall is between",
        "pg_isready --host={host} --port={port}",
        "it is another host's",
    ),
    Trouble(
        "host_unknown",
        "could not translate host name",
        "no address is known for the name in POSTGRES_HOST",
        "getent hosts {host}",
        "the name is yours to correct, in the configuration or in DNS",
    ),
    Trouble(
        "socket_denied",
        "permission denied at the socket",
        "this user may not enter the directory of the server's socket",
        "ls --directory --long {host}",
        "who may enter is decided by who configured the directory",
    ),
    Trouble(
        "authentication_failed",
        "password authentication failed",
        "the password that the application sends is not the role's",
        PROVISION,
    ),
    Trouble(
        "access_rule_missing",
        "no pg_hba.conf entry",
        "pg_hba.conf has no line for this role, database and address, or a line above refuses it",
        PROVISION,
    ),
    Trouble(
        "role_missing",
        "password authentication failed, or role does not exist",
        "the role of POSTGRES_USER does not exist; the server says the same as for a wrong password",
        PROVISION,
    ),
    Trouble(
        "role_locked",
        "role is not permitted to log in",
        "the role is NOLOGIN",
        PROVISION,
    ),
    Trouble(
        "password_expired",
        "password authentication failed",
        "the password was right, and VALID UNTIL of the role is past",
        "psql --command=\"ALTER ROLE {user} VALID UNTIL 'infinity'\"",
        "somebody has set that end on purpose",
    ),
    Trouble(
        "database_missing",
        "database does not exist",
        "the database has not been created, or has another name",
        PROVISION,
    ),
    Trouble(
        "schema_missing",
        "relation does not exist",
        "the schema of the configuration is not in the database",
        PROVISION,
    ),
    Trouble(
        "permission_denied",
        "permission denied for database, schema or table",
        "the role lacks a right; since PostgreSQL 15 nobody may CREATE in schema public unless told so",
        PROVISION,
    ),
    Trouble(
        "read_only",
        "cannot execute INSERT in a read-only transaction",
        "the server is a standby, or default_transaction_read_only is set for the role or the database",
        "psql --dbname={dbname} --command='SELECT pg_is_in_recovery(), * FROM pg_db_role_setting'",
        "somebody has closed it for writing on purpose",
    ),
    Trouble(
        "too_many_connections",
        "sorry, too many clients already",
        "all connections that the server, the database or the role may have are taken",
        "lower POSTGRES_MAX_CONNECTIONS in {file}, then restart the application",
        "how many the application needs is yours to say",
    ),
    Trouble(
        "wrong_ssl",
        "the server does not support SSL connections, or no pg_hba.conf entry … no encryption",
        "POSTGRES_SSL and the server do not agree",
        "set POSTGRES_SSL={value} in {file}, then restart the application",
        "whether connections are encrypted is yours to say",
    ),
    Trouble(
        "connection_failed",
        "the connection fails",
        "PostgreSQL refused for a reason that has no remedy of its own here",
        "journalctl --unit {unit}",
        "the reason must be read first",
    ),
    Trouble(
        "env_missing",
        "the application runs with its defaults",
        "the file in application.env_file does not exist",
        PROVISION,
    ),
    Trouble(
        "env_incomplete",
        "no password supplied, or the application's defaults",
        "the application's .env lacks keys that it needs for PostgreSQL",
        PROVISION,
    ),
    Trouble(
        "env_overridden",
        "a changed .env has no effect",
        "the unit sets keys of .env itself, and dotenv never overrides a variable that the process has",
        "systemctl edit --full {unit}",
        "the unit is yours; take the lines out, and keep the keys in .env",
    ),
    Trouble(
        "unit_missing",
        "Unit not found",
        "systemd knows no unit of the name in application.unit",
        "systemctl list-units --type=service",
        "the name is yours to correct in the configuration",
        Severity.WARNING,
    ),
    Trouble(
        "sqlite_missing",
        "unable to open database file, or an empty database",
        "the file is not where the configuration says; the application would make a new, empty one",
        "opskit backup restore {backup}",
        "which backup is to be restored is yours to say",
    ),
    Trouble(
        "sqlite_unreadable",
        "unable to open database file",
        "the file, its directory, or the disk refuse to be read",
        "ls --long {where}",
        "the rights belong to the application",
    ),
    Trouble(
        "sqlite_unwritable",
        "attempt to write a readonly database",
        "root has restored the file or has opened it, and a file of the three is now root's",
        "chown {user}: {path}",
        "the rights belong to the application",
    ),
    Trouble(
        "sqlite_corrupt",
        "database disk image is malformed, or file is not a database",
        "pages of the file do not fit together, or it is encrypted or no SQLite database",
        "opskit backup restore {backup}",
        "which backup is to be restored is yours to say; stop the application first",
    ),
    Trouble(
        "sqlite_locked",
        "database is locked",
        "a process holds the write lock for longer than the application waits",
        "systemctl restart {unit}",
        "what the process has not committed would be lost",
    ),
    Trouble(
        "sqlite_held",
        "writes go to SQLite although DATABASE_TYPE is postgresql",
        "a process has the SQLite file open: what it writes there, PostgreSQL does not see",
        "systemctl restart {unit}",
        "the process is not ours to end",
    ),
    Trouble(
        "stale_wal",
        "none yet; a backup copied over the file would be mixed with it",
        "the last process was killed and left commits in the -wal; SQLite folds them in when next opened",
        "sqlite3 {file} 'PRAGMA wal_checkpoint(TRUNCATE)'",
        "if a backup was copied over the file, the -wal is not its own and must be removed instead",
        Severity.WARNING,
    ),
    Trouble(
        "disk_space",
        "no space left on device, database or disk is full",
        "the disk of a database is nearly full; PostgreSQL stops when it cannot write its log",
        "du --one-file-system --human-readable --max-depth=2 {where} | sort --human-numeric-sort",
        "what may go is yours to say",
    ),
    Trouble(
        "clock_skew",
        "times from the database lie in the future or the past",
        "the clocks of this host and of the PostgreSQL server differ",
        "timedatectl set-ntp true",
        "setting a clock disturbs whatever runs",
        Severity.WARNING,
    ),
    Trouble(
        "clock_unsynchronised",
        "none yet; the clock drifts away",
        "nobody keeps this host's clock in step with the world's",
        "timedatectl set-ntp true",
        "who keeps the time of this host is yours to say",
        Severity.WARNING,
    ),
    Trouble(
        "dump_outgrown",
        "none yet; a restore takes hours, and brings back last night's state",
        "a dump copies everything each time, and no moment between two of them comes back",
        "set backup.pgbackrest in opskit.yaml, then opskit provision",
        "where the repository shall be is yours to say",
        Severity.WARNING,
    ),
    Trouble(
        "drift",
        "none yet",
        "the host is not as the configuration says: somebody changed it, or the configuration",
        PROVISION,
    ),
)

TROUBLES: Mapping[str, Trouble] = MappingProxyType({trouble.code: trouble for trouble in _ALL})
"""By code, in the order of the guide: from the server to the files."""
