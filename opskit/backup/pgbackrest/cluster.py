"""The cluster of this host that pgBackRest backs up, and how it and its repository are reached."""

import os
import pwd
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import LiteralString, Protocol

import psycopg

from opskit.backup.pgbackrest.catalogue import Catalogue, has_tablespaces, parse
from opskit.backup.place import Place
from opskit.backup.server import SOCKETS, Server, failure
from opskit.config import Configuration, Engine, engine_in_use
from opskit.config import Pgbackrest as Wanted
from opskit.config.pgbackrest_words import CONFIGURATION
from opskit.errors import ConnectionFailed, Refused
from opskit.host import clusters
from opskit.host.pgbackrest import Pgbackrest, RepositoryFailed
from opskit.host.postgresql_programs import server_account
from opskit.transfer.target import Connection

MAINTENANCE = "postgres"
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})

_SILENT_SECONDS = 60.0
"""How long a server that was started may refuse to be spoken to; while it recovers, it says so."""

_STARTING = ("starting up", "not yet accepting", "consistent recovery state")


class Keeper(Protocol):
    """Who starts and stops the cluster."""

    def start(self) -> None:
        """Starts it, and waits until it answers.

        Raises:
            OpskitError: it does not.
        """
        ...

    def stop(self) -> None:
        """Stops it; its sessions end.

        Raises:
            OpskitError: it does not stop.
        """
        ...


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster, its repository, and the configuration's databases in it.

    Attributes:
        data: its data directory, links followed; also when the disk has lost it.
        server: reached as one who may do anything there, in the maintenance database.
        databases: name in the configuration → name in the cluster.
    """

    name: str
    data: Path
    server: Server
    repository: Pgbackrest
    wanted: Wanted
    databases: dict[str, str]
    keeper: Keeper

    def catalogue(self) -> Catalogue:
        """What the repository holds.

        Raises:
            RepositoryFailed: it cannot be asked.
        """
        found = parse(self.repository.ask("info", "--output=json"))
        if found.trouble:
            hint = "see that the repository can be reached, then run again"
            raise RepositoryFailed.of("pgbackrest_failed", f"pgbackrest info: {found.trouble}", hint=hint)
        return found

    @property
    def superuser(self) -> str:
        """The role that may do anything there."""
        return str(self.server.parameters["user"])

    def tablespaces(self, label: str) -> bool:
        """Has a backup any beside the data directory?

        Raises:
            RepositoryFailed: the repository cannot be asked.
        """
        return has_tablespaces(self.repository.ask("info", f"--set={label}", "--output=json"))

    def answers(self) -> bool:
        """Does its server take sessions?"""
        try:
            with session(self.server):
                return True
        except ConnectionFailed:
            return False


def serves(configuration: Configuration) -> bool:
    """Is pgBackRest who backs up the engine that the application is on?"""
    return configuration.backup.pgbackrest is not None and engine_in_use(configuration) is Engine.POSTGRESQL


def cluster_here(place: Place, file: Path = CONFIGURATION) -> Cluster:
    """The cluster of the configuration.

    Raises:
        Refused: it has not been provisioned, or this user may not work on it.
        ConfigurationError: a password cannot be read.
    """
    configuration = place.configuration
    wanted = configuration.backup.pgbackrest
    if wanted is None:
        raise Refused.of(
            "no_pgbackrest",
            "the configuration names no backup.pgbackrest",
            hint="name its repository, then run `opskit provision`",
            where="backup.pgbackrest",
        )
    _check_file(file)
    version, _, name = configuration.provision.cluster.partition("/")
    data = clusters.data_directory(int(version), name) if version.isdecimal() else None
    if data is None:
        raise Refused.of(
            "no_cluster",
            f"this host has no cluster {configuration.provision.cluster}",
            hint="run `opskit provision`; it makes an empty one, which a restore then takes the place of",
            where="provision.cluster",
        )
    account = server_account()
    server = _server(configuration, account)
    return Cluster(
        configuration.provision.cluster,
        data.resolve(),
        server,
        Pgbackrest(wanted.stanza, file, account),
        wanted,
        {known: one.postgresql for known, one in configuration.databases.items()},
        _Debian(int(version), name, server),
    )


def _server(configuration: Configuration, account: pwd.struct_passwd | None) -> Server:
    """As the account of the server, after which its superuser is called; also while there is no server."""
    host = configuration.postgresql.host
    me = account or pwd.getpwuid(os.geteuid())
    parameters = {
        "host": host if host.startswith("/") else SOCKETS,
        "port": configuration.postgresql.port,
        "user": me.pw_name,
        "dbname": MAINTENANCE,
    }
    return Server(parameters, account=account)


def _check_file(file: Path) -> None:
    try:
        file.open("rb").close()
    except FileNotFoundError as error:
        raise Refused.of(
            "not_provisioned",
            f"{file} is missing: pgBackRest knows neither the cluster nor its repository",
            hint="run `opskit provision`",
            where=str(file),
        ) from error
    except PermissionError as error:
        raise Refused.of(
            "not_permitted",
            f"{file} cannot be read: pgBackRest works under the server's account",
            hint="run as root; the timers use opskit-pgbackrest.service",
            where=str(file),
        ) from error


@dataclass(frozen=True, slots=True)
class _Debian:
    """Debian's postgresql-common keeps it."""

    version: int
    name: str
    server: Server

    def start(self) -> None:
        """See `Keeper`."""
        clusters.start(self.version, self.name)
        answering(self.server)
        clusters.settle(self.version, self.name)

    def stop(self) -> None:
        """See `Keeper`."""
        clusters.stop(self.version, self.name)


def answering(server: Server) -> None:
    """Waits until a server that was started has ended its recovery.

    Raises:
        ConnectionFailed: it does not answer.
    """
    deadline = time.monotonic() + clusters.START_SECONDS
    silent = time.monotonic() + _SILENT_SECONDS
    while True:
        try:
            with session(server) as connection:
                silent = deadline
                if not is_true(connection, "SELECT pg_catalog.pg_is_in_recovery()"):
                    return
        except ConnectionFailed as error:
            starting = any(words in str(error) for words in _STARTING)
            if time.monotonic() > (deadline if starting else silent):
                raise
        time.sleep(0.2)


def is_true(connection: Connection, question: LiteralString) -> bool:
    """The answer to a question of yes or no.

    Raises:
        psycopg.Error: the server failed.
    """
    row = connection.execute(question).fetchone()
    return row is not None and row[0] is True


@contextmanager
def session(server: Server, settings: Mapping[str, str] = NO_SETTINGS) -> Generator[Connection]:
    """A session for the block.

    Raises:
        ConnectionFailed: the server cannot be reached.
        QueryFailed: it failed on the way.
    """
    connection = server.connect(settings)
    try:
        yield connection
    except psycopg.Error as error:
        raise failure(server, error) from error
    finally:
        connection.close()
