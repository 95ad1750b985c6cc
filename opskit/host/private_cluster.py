"""A PostgreSQL cluster of one's own: made in a scratch directory, reached by unix socket, gone at the end.

Debian's automatic cluster is neither needed nor touched.
"""

import os
import pwd
import signal
import socket
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from opskit.errors import OpskitError
from opskit.host.commands import Child, bare_environment, run
from opskit.host.postgresql_programs import as_account, find_programs, server_account
from opskit.host.scratch import scratch_directory, undisturbed

SUPERUSER = "postgres"
ROOT = Path("/")
SOCKET_PATH_BYTES = 107
"""What sun_path holds before its closing zero (unix(7))."""

START_SECONDS = 60.0
STOP_SECONDS = 30.0
SHUTDOWN = MappingProxyType({"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT})
"""Shutdown modes and their signals (https://www.postgresql.org/docs/15/server-shutdown.html)."""

NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


class ClusterFailed(OpskitError):
    """The private cluster could not be made or did not come up; the message ends with the server's words."""


@contextmanager
def private_cluster(
    directory: Path | None = None, *, settings: Mapping[str, str] = NO_SETTINGS, password: bool = False
) -> Generator["PrivateCluster"]:
    """A running cluster, stopped and removed at the end, also on exceptions, SIGINT, SIGTERM and SIGHUP.

    As root the server runs as Debian's `postgres`. If this process is killed, the kernel ends the server,
    and the next call removes its files; so call it from a thread that lives as long as the cluster.

    Args:
        directory: where the scratch directory is made; the system's temporary directory when None.
        settings: postgresql.conf, name → value, unquoted.
        password: also listen on a free port of 127.0.0.1, where passwords (scram-sha-256) are asked for.

    Raises:
        Refused: PostgreSQL is not installed.
        ClusterFailed: the server did not come up.
        CommandFailed: initdb failed.
    """
    programs, account = find_programs(), server_account()
    with scratch_directory(directory) as scratch:
        if account is not None:
            os.chown(scratch, account.pw_uid, account.pw_gid)
        port = _free_port() if password else 5432
        _check_socket_path(scratch, port)
        _initialise(programs, account, scratch / "data")
        cluster = PrivateCluster(programs, account, scratch, port)
        _configure(scratch, {**_base_settings(scratch, port, password), **settings})
        try:
            cluster.start()
            yield cluster
        finally:
            with undisturbed():
                cluster.stop("immediate")


class PrivateCluster:
    """A cluster of which this process is the parent.

    Attributes:
        socket_directory: the directory of its unix socket, for its owner and root only.
        port: its port, which also names the socket.
        superuser: needs no password on the socket.
        log: the server's log file.
    """

    def __init__(self, programs: Path, account: pwd.struct_passwd | None, scratch: Path, port: int) -> None:
        self.socket_directory = scratch
        self.port = port
        self.superuser = SUPERUSER
        self.log = scratch / "server.log"
        self._programs = programs
        self._account = account
        self._data = scratch / "data"
        self._server: Child | None = None

    @property
    def pid(self) -> int:
        """The postmaster's process id.

        Raises:
            ClusterFailed: the server does not run.
        """
        if self._server is None:
            raise ClusterFailed.of(
                "cluster_stopped", "the private PostgreSQL is stopped", hint="start it first"
            )
        return self._server.pid

    def conninfo(self, dbname: str, user: str | None = None, *, host: str | None = None) -> str:
        """libpq's keyword string for a database.

        Args:
            user: the superuser when None.
            host: the unix socket when None; `127.0.0.1` for a cluster that asks for passwords.
        """
        words = {
            "host": host or str(self.socket_directory),
            "port": str(self.port),
            "user": user or self.superuser,
            "dbname": dbname,
        }
        return " ".join(f"{keyword}={_conninfo_value(value)}" for keyword, value in words.items())

    def create_database(self, name: str, owner: str | None = None) -> None:
        """Create an empty UTF8 database that orders text as SQLite does (C.UTF-8).

        Raises:
            CommandFailed: it exists, or the owner does not.
        """
        run(
            [
                self._programs / "createdb",
                f"--host={self.socket_directory}",
                f"--port={self.port}",
                f"--username={self.superuser}",
                f"--owner={owner or self.superuser}",
                "--template=template0",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--",
                name,
            ],
            env=bare_environment(),
        )

    def start(self) -> None:
        """Start the server and wait until it takes connections; a running one is left as it is.

        Raises:
            ClusterFailed: it ended, or was not ready after 60 seconds.
        """
        if self._server is not None:
            return
        self._server = Child(
            [*as_account(self._account, parent_death=True), self._programs / "postgres", "-D", self._data],
            log=self.log,
            env=bare_environment(),
            cwd=ROOT,
        )
        deadline = time.monotonic() + START_SECONDS
        while not _is_ready(self._data / "postmaster.pid", self._server.pid):
            if self._server.wait(0.05) is not None or time.monotonic() > deadline:
                raise self._not_started()

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; one that is suspended or hangs is ended all the same. A stopped one stays so.

        Args:
            mode: `smart`, `fast` or `immediate`, as in pg_ctl.
        """
        if self._server is None:
            return
        server, self._server = self._server, None
        for number, seconds in ((SHUTDOWN[mode], STOP_SECONDS), (signal.SIGQUIT, STOP_SECONDS)):
            server.signal(number)
            server.signal(signal.SIGCONT)
            if server.wait(seconds) is not None:
                return
        server.kill()

    def restart(self) -> None:
        """Stop and start: same port, same data, new process."""
        self.stop()
        self.start()

    def _not_started(self) -> ClusterFailed:
        words = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-10:]
        return ClusterFailed.of(
            "cluster_not_started",
            "\n".join(["the private PostgreSQL did not start:", *words]),
            where=str(self.socket_directory),
        )


def _initialise(programs: Path, account: pwd.struct_passwd | None, data: Path) -> None:
    command = [
        *as_account(account),
        programs / "initdb",
        f"--pgdata={data}",
        f"--username={SUPERUSER}",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--data-checksums",
        "--auth-local=trust",
        "--auth-host=scram-sha-256",
        "--no-instructions",
        "--no-sync",
    ]
    run(command, env=bare_environment(), cwd=ROOT)


def _base_settings(scratch: Path, port: int, password: bool) -> dict[str, str]:
    """What makes the cluster private; the socket's directory decides who may connect without a password."""
    return {
        "listen_addresses": "127.0.0.1" if password else "",
        "port": str(port),
        "unix_socket_directories": str(scratch),
        "shared_preload_libraries": "pg_stat_statements",
        "cluster_name": "opskit",
        "timezone": "UTC",
    }


def _configure(scratch: Path, settings: Mapping[str, str]) -> None:
    with (scratch / "data" / "postgresql.conf").open("a", encoding="utf-8") as file:
        for name, value in settings.items():
            file.write(f"{name} = {_setting_value(value)}\n")


def _setting_value(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _conninfo_value(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _is_ready(lock_file: Path, pid: int) -> bool:
    """Whether postmaster.pid says so: the process id stands in its first line, the state in its eighth."""
    try:
        lines = lock_file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _check_socket_path(scratch: Path, port: int) -> None:
    path = scratch / f".s.PGSQL.{port}"
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES:
        raise ClusterFailed.of(
            "socket_path",
            f"the socket's path is longer than {SOCKET_PATH_BYTES} bytes: {path}",
            hint="set TMPDIR to a shorter directory",
            where=str(path),
        )
