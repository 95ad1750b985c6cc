"""A PostgreSQL database as backups reach it: as which role, as whom of this host, by which programs."""

import os
import pwd
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from opskit.adapters.connect import postgresql_parameters
from opskit.config import Configuration, read_secret
from opskit.errors import QueryFailed, Refused
from opskit.host.commands import bare_environment
from opskit.host.postgresql_programs import DEBIAN, as_account, preference
from opskit.transfer.target import Connection, connect, server_words

APPLICATION_NAME = "opskit backup"
SOCKETS = "/var/run/postgresql"
"""Where Debian's servers have their sockets."""

READ_ANY_FILE = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
"""Words of setpriv with which a program under another account still reads what only root may."""


@dataclass(frozen=True, slots=True)
class Server:
    """A database and how it is reached.

    Attributes:
        parameters: libpq's, the password left out.
        account: whom of this host the server is to see on its socket; None for this process's own user.
    """

    parameters: Mapping[str, str | int]
    password: str | None = field(default=None, repr=False)
    account: pwd.struct_passwd | None = None

    @property
    def database(self) -> str:
        """Its name."""
        return str(self.parameters["dbname"])

    @property
    def place(self) -> str:
        """host:port/database."""
        return f"{self.parameters['host']}:{self.parameters['port']}/{self.database}"

    def pinned(self, connection: Connection) -> "Server":
        """The same on the very host of a connection: of several hosts, only one has its snapshot."""
        parameters = {name: value for name, value in self.parameters.items() if name != "hostaddr"}
        info = connection.info
        return replace(self, parameters={**parameters, "host": info.host, "port": info.port})

    def named(self, database: str) -> "Server":
        """The same for another database."""
        return replace(self, parameters={**self.parameters, "dbname": database})

    def connect(self, settings: Mapping[str, str]) -> Connection:
        """An autocommit session with canonical settings.

        Raises:
            ConnectionFailed: the server cannot be reached or refuses.
        """
        secret = {} if self.password is None else {"password": self.password}
        with _acting_as(self.account):
            return connect({**self.parameters, **secret}, APPLICATION_NAME, settings)

    def program(self, name: Path, *arguments: str | Path) -> list[str | Path]:
        """The command that runs one of PostgreSQL's programs on this database, and ends with this process."""
        account = as_account(self.account, parent_death=True)
        powers = READ_ANY_FILE if self.account is not None else ()
        return [account[0], *powers, *account[1:], name, f"--dbname={self.conninfo()}", *arguments]

    def conninfo(self) -> str:
        """libpq's keyword string without the password."""
        return make_conninfo("", **self.parameters)

    def environment(self) -> dict[str, str]:
        """What such a program needs to know beside: the password, which no other user can see there."""
        own = {name: os.environ[name] for name in ("HOME", "PGPASSWORD", "PGPASSFILE") if name in os.environ}
        secret = {} if self.password is None else {"PGPASSWORD": self.password}
        return {**bare_environment(), **own, **secret}


@contextmanager
def _acting_as(account: pwd.struct_passwd | None) -> Generator[None]:
    """The server on a Unix socket sees who this process is when it connects."""
    if account is None:  # the calls are forbidden to hardened units
        yield
        return
    before = os.geteuid()
    os.seteuid(account.pw_uid)
    try:
        yield
    finally:
        os.seteuid(before)


def reading_server(configuration: Configuration, name: str) -> Server:
    """The database called `name` in the configuration, as the role that reads backups.

    Raises:
        ConfigurationError: there is no such database, or a password cannot be read.
    """
    found = _server(configuration, name)
    if configuration.backup.user is None:
        return found
    return replace(
        found,
        parameters={**found.parameters, "user": configuration.backup.user},
        password=read_secret(configuration.backup.password),
    )


def administering_server(configuration: Configuration, name: str) -> Server:
    """The same, as whoever may make and rename databases there.

    That is `provision.admin` when it is configured; for root on the server's own host, the account of the
    server's socket, of the same name as its superuser; else the user of `postgresql`.

    Raises:
        ConfigurationError: there is no such database, or a password cannot be read.
    """
    found, admin = _server(configuration, name), configuration.provision.admin
    if admin is not None:
        parameters = {**found.parameters, "user": admin.user}
        return replace(found, parameters=parameters, password=read_secret(admin.password))
    local = replace(found, parameters={**found.parameters, "host": SOCKETS}) if _is_here(found) else found
    account = _socket_owner(local)
    if os.geteuid() != 0 or account is None:
        return found
    parameters = {**local.parameters, "user": account.pw_name}
    return Server(parameters, account=account if account.pw_uid else None)


def _server(configuration: Configuration, name: str) -> Server:
    parameters = postgresql_parameters(configuration, name)
    password = parameters.pop("password", None)
    parameters.pop("application_name", None)
    return Server(parameters, None if password is None else str(password))


def _is_here(server: Server) -> bool:
    return server.parameters["host"] in ("localhost", "127.0.0.1", "::1")


def _socket_owner(server: Server) -> pwd.struct_passwd | None:
    """The account that the server at a unix socket runs under; None when there is none."""
    socket = Path(str(server.parameters["host"])) / f".s.PGSQL.{server.parameters['port']}"
    try:
        return pwd.getpwuid(socket.stat().st_uid) if socket.is_absolute() else None
    except (FileNotFoundError, KeyError):
        return None


@dataclass(frozen=True, slots=True)
class Programs:
    """Where pg_dump and its kin are, and of which major version."""

    major: int
    directory: Path


def client_programs(major: int, debian: Path = DEBIAN) -> Programs:
    """pg_dump and its kin of a server's version, or of the next above.

    Raises:
        Refused: there is none.
    """
    names = [entry.name for entry in debian.iterdir()] if debian.is_dir() else []
    for version in sorted(one for one in preference(names) if one >= major):
        if (debian / str(version) / "bin" / "pg_dump").exists():
            return Programs(version, debian / str(version) / "bin")
    raise Refused.of(
        "client_missing",
        f"pg_dump of version {major} is not installed",
        hint=f"apt-get install postgresql-client-{major}",
        where=str(debian),
    )


def failure(server: Server, error: psycopg.Error) -> QueryFailed:
    """What an error of the server means for the operator."""
    hint = _REMEDIES.get(error.sqlstate or "", "see the message, then run again")
    return QueryFailed.of(
        "server_failed", f"{server.database}: {server_words(error)}", hint=hint, where=server.place
    )


_REMEDIES = {
    "42501": "read as a role that may: set backup.user (`opskit provision` makes opskit_backup)",
    "53100": "make room on the server's disk, then run again",
    "55P03": "something rewrites a table: wait for it, then run again",
    "57P01": "the server was shut down, or somebody ended the session: when it is up, run again",
}
