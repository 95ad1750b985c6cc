"""PostgreSQL on a small disk of its own: killed, suspended, cut off and filled."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from opskit.host.private_cluster import PrivateCluster, private_cluster
from tests.disks import Disk, small_disk

_MEGABYTES = 512
_SECONDS = 30.0

_SETTINGS = {
    "fsync": "off",  # servers are killed here, the host is not: what is committed is in its memory
    "synchronous_commit": "on",
    "timezone": "America/New_York",
    "shared_buffers": "16MB",
    "max_wal_size": "64MB",
    "min_wal_size": "32MB",
    "wal_level": "logical",
    "max_connections": "60",
    "max_replication_slots": "10",
    "max_wal_senders": "10",
}
_ROLES = """
CREATE ROLE application LOGIN;
CREATE ROLE opskit_owner LOGIN IN ROLE application;
CREATE ROLE opskit_standby LOGIN REPLICATION;
GRANT SET ON PARAMETER session_replication_role TO opskit_owner;
"""
_CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


class Server:
    """A cluster with the roles that `opskit provision` makes."""

    def __init__(self, cluster: PrivateCluster, storage: Disk) -> None:
        self.cluster = cluster
        self.storage = storage

    def kill(self) -> None:
        """Ends every process of it at once."""
        pids = self._processes()
        for pid in pids:
            _signal(pid, signal.SIGKILL)
        while any(map(_lives, pids)):
            time.sleep(0.005)

    def suspend(self) -> None:
        """It keeps what it holds, and answers nobody."""
        for pid in self._processes():
            _signal(pid, signal.SIGSTOP)

    def cut(self) -> None:
        """Ends all sessions."""
        with psycopg.connect(self.cluster.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(_CUT)

    def mend(self) -> None:
        """It has room, runs and answers again."""
        self.storage.free()
        for pid in self._processes():
            _signal(pid, signal.SIGCONT)
        until = time.monotonic() + _SECONDS
        while not self._answers():
            if time.monotonic() > until:
                raise TimeoutError(self.cluster.log.read_text()[-2000:])
            if not _lives(self.cluster.pid):
                self.cluster.stop("immediate")
                self.cluster.start()
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.cluster.conninfo("postgres"), connect_timeout=5).close()
        except psycopg.Error:
            return False
        return True

    def _processes(self) -> list[int]:
        parent = self.cluster.pid
        numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
        return [parent, *(pid for pid in numbers if _parent(pid) == parent)]


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _stat(pid: int) -> list[str]:
    """State and parent, which stand behind the name in parentheses."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return ["X", "0"]


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _lives(pid: int) -> bool:
    return _stat(pid)[0] not in "XZ"


@contextmanager
def server(mount: Path) -> Iterator[Server]:
    """One that runs for the block."""
    with (
        small_disk(mount, _MEGABYTES, in_memory=True, mode=0o711) as storage,
        private_cluster(mount, settings=_SETTINGS) as cluster,
    ):
        with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(_ROLES)
        yield Server(cluster, storage)
