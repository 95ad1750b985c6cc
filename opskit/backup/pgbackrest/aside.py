"""The cluster brought back aside: a server that nobody but this process reaches, held still at one moment.

It stays in recovery and read-only: what is looked at is what will be. It begins no history of its own, and
nothing of it reaches the repository.
"""

import os
import signal
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from opskit.backup.pgbackrest.cluster import MAINTENANCE, session
from opskit.backup.server import Server
from opskit.errors import ConnectionFailed, OpskitError, QueryFailed
from opskit.host.commands import Child, CommandFailed, bare_environment, run
from opskit.host.pgbackrest import ROOT, Pgbackrest
from opskit.host.postgresql_programs import DEBIAN, as_account
from opskit.host.scratch import scratch_directory, undisturbed

STOP_SECONDS = 60.0
_LAST_LINES = 10

_OF_THE_SERVER = {
    "max_connections": "max_connections",
    "max_worker_processes": "max_worker_processes",
    "max_wal_senders": "max_wal_senders",
    "max_prepared_transactions": "max_prepared_xacts",
    "max_locks_per_transaction": "max_locks_per_xact",
}
"""Settings that must not be lower than the server's whose log is read → pg_controldata's word for each."""

_TOO_SMALL = "insufficient parameter settings"
_OF_THIS_HOST = ("No space left on device", "Cannot allocate memory")


class NotReached(OpskitError):
    """The log does not lead to the moment that was asked for: a part of it is missing or damaged."""


@dataclass(frozen=True, slots=True)
class Aside:
    """A restored data directory and what is needed to run it where nobody disturbs.

    Attributes:
        data: the restored directory.
        room: of the socket, the log and the settings; for the account alone.
        repository: where the log comes from.
    """

    data: Path
    room: Path
    repository: Pgbackrest
    superuser: str

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.room / "server.log"

    @property
    def server(self) -> Server:
        """How it is reached, in the maintenance database."""
        parameters = {"host": str(self.room), "port": 5432, "user": self.superuser, "dbname": MAINTENANCE}
        return Server(parameters)

    @property
    def programs(self) -> Path:
        """Those of the very version that has written the data."""
        return DEBIAN / (self.data / "PG_VERSION").read_text(encoding="utf-8").strip() / "bin"

    @contextmanager
    def held(self, settings: Mapping[str, str]) -> Generator[None]:
        """Lets the server read the log until it comes to rest, and keeps it there for the block.

        Args:
            settings: what says where that is, beside what the restore itself has written.

        Raises:
            NotReached: it never came there.
            OpskitError: it could not be started.
        """
        child = Child(self._command(settings), log=self.log, env=bare_environment(), cwd=ROOT)
        try:
            self._rest(child)
            yield
        finally:
            with undisturbed():
                _stop(child)

    def damaged_pages(self) -> tuple[str, ...]:
        """What the checksums of all pages say; nothing when the cluster has none. The server must be stopped.

        Raises:
            CommandFailed: pg_checksums could not look.
        """
        if self._control()["Data page checksum version"] == "0":
            return ()
        try:
            self._run("pg_checksums", "--check", "-D", self.data)
        except CommandFailed as error:
            if "checksum verification failed" not in str(error):
                raise
            return tuple(line for line in str(error).splitlines() if "checksum verification failed" in line)
        return ()

    def _command(self, settings: Mapping[str, str]) -> list[str | Path]:
        about = self._control()
        fetch = self.repository.words("archive-get", f"--pg1-path={self.data}")
        chosen = {
            "config_file": self._file("postgresql.conf"),
            "hba_file": self._file("pg_hba.conf", "local all all trust\n"),
            "ident_file": self._file("pg_ident.conf"),
            "data_directory": str(self.data),
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": str(self.room),
            "external_pid_file": "",
            "logging_collector": "off",
            "log_destination": "stderr",
            "archive_mode": "off",
            "hot_standby": "on",
            "shared_preload_libraries": "",
            "shared_buffers": "128MB",
            "jit": "off",
            "ssl": "off",
            "restore_command": f'{" ".join(fetch)} %f "%p"',
            "recovery_target_action": "pause",
            **{name: about[f"{word} setting"] for name, word in _OF_THE_SERVER.items()},
            **settings,
        }
        account = as_account(self.repository.account, parent_death=True)
        options = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
        return [*account, self.programs / "postgres", "-D", self.data, *options]

    def _file(self, name: str, text: str = "") -> str:
        file = self.room / name
        file.write_text(text, encoding="utf-8")
        give(file, self.repository)
        return str(file)

    def _control(self) -> Mapping[str, str]:
        lines = self._run("pg_controldata", "-D", self.data).splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def _run(self, program: str, *arguments: str | Path) -> str:
        words = [*as_account(self.repository.account), self.programs / program, *arguments]
        return run(words, env=bare_environment(), cwd=ROOT)

    def _rest(self, child: Child) -> None:
        while child.wait(0.1) is None:
            if _TOO_SMALL in self._words():
                raise self._failure()
            if self._is_at_rest():
                return
        raise self._failure()

    def _is_at_rest(self) -> bool:
        """Has it come to its target, to the end of all log, or out of recovery?"""
        try:
            with session(self.server) as connection:
                row = connection.execute(_AT_REST).fetchone()
                return row is not None and row[0] is True
        except (ConnectionFailed, QueryFailed):  # it starts, or comes out of recovery meanwhile
            return False

    def _failure(self) -> OpskitError:
        said = "\n".join(self._words().strip().splitlines()[-_LAST_LINES:])
        mine = _TOO_SMALL in said or any(words in said for words in _OF_THIS_HOST)
        kind = OpskitError if mine else NotReached
        return kind.of(
            "not_reached",
            f"the restored server did not come to its target:\n{said}",
            hint="see the message; `opskit backup verify` says whether log is missing",
            where=str(self.data),
        )

    def _words(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


_AT_REST = """
SELECT CASE WHEN pg_catalog.pg_is_in_recovery()
            THEN pg_catalog.pg_get_wal_replay_pause_state() = 'paused'
                 OR EXISTS (SELECT FROM pg_catalog.pg_stat_activity
                            WHERE backend_type = 'startup' AND wait_event = 'RecoveryRetrieveRetryInterval')
            ELSE true END
"""


@contextmanager
def aside(repository: Pgbackrest, superuser: str, data: Path | None = None) -> Generator[Aside]:
    """Room for a server, gone afterwards, and with it its data unless they stand elsewhere."""
    with scratch_directory() as room:
        give(room, repository)
        yield Aside(data or room / "data", room, repository, superuser)


def give(path: Path, repository: Pgbackrest) -> None:
    """Hands a path over to the account that pgBackRest and the server run under."""
    if repository.account is not None:
        os.chown(path, repository.account.pw_uid, repository.account.pw_gid)


def _stop(server: Child) -> None:
    """In order, so that the pages of the whole cluster can be checked; at once when that takes too long."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        if server.code() is None:
            server.signal(number)
            if server.wait(STOP_SECONDS) is not None:
                return
    if server.code() is None:
        server.kill()
