"""pg_dump and pg_restore, side by side with what proves their work."""

import os
from dataclasses import dataclass
from pathlib import Path

from opskit.backup.manifest import PostgresqlOrigin, TableSum
from opskit.backup.postgresql_content import Snapshot, snapshot, table_sums
from opskit.backup.programs import ProgramEnded, ProgramFailed, running
from opskit.backup.server import Server, client_programs
from opskit.host.commands import bare_environment
from opskit.host.postgresql_programs import as_account
from opskit.runs.progress import Progress

DUMP, GLOBALS = "dump", "globals.sql"
LOCK_WAIT = "5min"
"""How long a dump waits for a table that somebody rewrites."""

_COMPRESSION = 5
"""gzip's; pg_dump's own choice of 6 takes about twice as long on text, for a tenth fewer bytes. That pays for
reading every table a second time for its digest."""


@dataclass(frozen=True, slots=True)
class Dumped:
    """A database dumped: what it was, what each table held in the dump's own snapshot, by which programs."""

    origin: PostgresqlOrigin
    tables: tuple[TableSum, ...]
    server_version: str


def dump(server: Server, directory: Path, jobs: int, progress: Progress) -> Dumped:
    """Dumps a database into `directory`, with the roles and tablespaces of its server but for passwords.

    Raises:
        ConnectionFailed: the server cannot be reached.
        QueryFailed: the server failed on the way.
        ProgramFailed: pg_dump failed.
        Refused: pg_dump is not installed.
    """
    with snapshot(server) as found:
        version = found.connection.info.server_version
        programs = client_programs(version // 10000)
        command = found.server.program(
            programs.directory / "pg_dump", *dump_arguments(found, directory / DUMP, jobs)
        )
        environment = server.environment()
        with running(command, environment, directory.with_name("pg_dump.log")) as child:
            tables = tuple(table_sums(found, progress, child.check))
            child.wait()
        arguments = globals_arguments(server.database, directory / GLOBALS)
        command = found.server.program(programs.directory / "pg_dumpall", *arguments)
        with running(command, environment, directory.with_name("pg_dumpall.log")) as child:
            child.wait()
        text = found.connection.info.parameter_status("server_version") or str(version)
        return Dumped(found.origin(programs.major), tables, text)


def dump_arguments(found: Snapshot, directory: Path, jobs: int) -> list[str]:
    """What pg_dump is told: the snapshot, the format that is written side by side, no endless wait."""
    return [
        "--format=directory",
        f"--file={directory}",
        f"--jobs={jobs}",
        f"--snapshot={found.name}",
        f"--compress={_COMPRESSION}",
        f"--lock-wait-timeout={LOCK_WAIT}",
        "--no-sync",
        "--no-password",
    ]


def globals_arguments(database: str, file: Path) -> list[str]:
    """What pg_dumpall is told: without passwords it needs no superuser, and no other database."""
    return [
        "--globals-only",
        "--no-role-passwords",
        f"--database={database}",
        f"--file={file}",
        "--no-password",
    ]


def restore_arguments(directory: Path, jobs: int) -> list[str | Path]:
    """What pg_restore is told: everything, or fail."""
    return ["--exit-on-error", "--no-tablespaces", f"--jobs={jobs}", "--no-password", directory / DUMP]


def restore(server: Server, origin: PostgresqlOrigin, directory: Path, jobs: int, log: Path) -> None:
    """Restores the dump of a backup into an empty database.

    Args:
        directory: the backup's.

    Raises:
        ProgramFailed: pg_restore failed.
        Refused: it is not installed.
    """
    program = client_programs(origin.programs).directory / "pg_restore"
    command = server.program(program, *restore_arguments(directory, jobs))
    with running(command, server.environment(), log) as child:
        child.wait()


def read_through(origin: PostgresqlOrigin, directory: Path, log: Path) -> None:
    """Lets pg_restore read all of a backup's dump, and do nothing with it.

    Raises:
        ProgramFailed: it cannot.
        Refused: it is not installed.
    """
    program = client_programs(origin.programs).directory / "pg_restore"
    command = [*as_account(None, parent_death=True), program, f"--file={os.devnull}", directory / DUMP]
    with running(command, bare_environment(), log) as child:
        child.wait()


def run_script(server: Server, origin: PostgresqlOrigin, script: Path, log: Path) -> None:
    """Lets psql run a script, going on after errors, which `log` then holds.

    Raises:
        ProgramEnded: psql could not read it, or not connect.
        Refused: it is not installed.
    """
    program = client_programs(origin.programs).directory / "psql"
    command = server.program(program, "--no-psqlrc", "--quiet", "--no-password", f"--file={script}")
    try:
        with running(command, server.environment(), log) as child:
            child.wait()
    except ProgramFailed as error:
        raise ProgramEnded(*error.faults) from error
