"""The door to a server for provision: as the cluster's own account here, as `provision.admin` elsewhere."""

import os
import pwd
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from opskit.adapters.connect import CONNECT_TIMEOUT_SECONDS, KEEPALIVES
from opskit.config import Configuration, read_secret
from opskit.errors import Refused
from opskit.provision.cluster.planning import ClusterFacts, WantedCluster
from opskit.transfer.target import Connection, connect

APPLICATION_NAME = "opskit provision"
SUPERUSER = "postgres"
SOCKETS = "/var/run/postgresql"
"""Where Debian's clusters have their sockets."""


@dataclass(frozen=True, slots=True)
class Door:
    """How a session that may make roles and databases begins.

    Attributes:
        parameters: libpq's, with the password, if there is one.
        account: who this process is while it connects, so that `peer` knows it; None: who it is anyway.
    """

    parameters: Mapping[str, str | int] = field(repr=False)
    account: str | None = None

    def connect(self, database: str) -> Connection:
        """An autocommit session in a database; the caller closes it.

        Raises:
            ConnectionFailed: the server cannot be reached, or refuses; the text never holds the password.
        """
        with _acting_as(self.account):
            return connect({**self.parameters, "dbname": database}, APPLICATION_NAME)

    def ping(self) -> Ping:
        """Is there a server, and does it take sessions yet? REJECT: it is starting."""
        return Ping(PGconn.ping(make_conninfo("", **{**self.parameters, "dbname": "postgres"}).encode()))


def local_door(cluster: ClusterFacts | WantedCluster) -> Door:
    """The door to a cluster of this host; that of one that is yet to be made is where Debian makes it."""
    owner, sockets = SUPERUSER, SOCKETS
    if isinstance(cluster, ClusterFacts):
        owner, sockets = cluster.owner, str(cluster.sockets)
    # a server that hangs takes connections and never answers
    patience = {"connect_timeout": CONNECT_TIMEOUT_SECONDS}
    return Door({"host": sockets, "port": cluster.port, "user": owner, **patience}, owner)


def remote_door(configuration: Configuration) -> Door:
    """The door to a server that is not on this host, with every libpq parameter of the configuration.

    Of several hosts, the one that takes changes is meant.

    Raises:
        Refused: the configuration names nobody who may go through it.
        ConfigurationError: the password cannot be read.
    """
    admin = configuration.provision.admin
    if admin is None:
        raise Refused.of(
            "admin_missing",
            f"the server {configuration.postgresql.host} is not on this host, and provision.admin is not set",
            hint="set provision.admin: {user: NAME, password: {file: PATH}}",
            where="provision.admin",
        )
    password = read_secret(admin.password)
    secret = {} if password is None else {"password": password}
    server = configuration.postgresql
    defaults = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "target_session_attrs": "read-write",
        **KEEPALIVES,
    }
    here = {"host": server.host, "port": server.port, "user": admin.user}
    return Door({**defaults, **server.parameters, **here, **secret})


@contextmanager
def _acting_as(account: str | None) -> Generator[None]:
    """The kernel tells a Unix socket's other end the effective user of the connecting process."""
    before = os.geteuid()
    shall = before if account is None or before != 0 else pwd.getpwnam(account).pw_uid
    os.seteuid(shall)
    try:
        yield
    finally:
        os.seteuid(before)
