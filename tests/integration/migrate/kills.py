"""kill -9 at moments that the journal tells, and what must be the same afterwards."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from opskit.host.commands import bare_environment, run
from opskit.host.postgresql_programs import find_programs
from opskit.runs.journal import FINAL, read_journal
from tests.conftest import TestDatabase
from tests.support import Opskit, query


def journals(opskit: Opskit) -> list[Path]:
    """All journals, the latest last."""
    return sorted((opskit.state_dir / "runs").glob("*.jsonl"))


def kill_when(process: "subprocess.Popen[str]", has_come: Callable[[], bool]) -> bool:
    """Kills a process when something has come; says whether that was before its end."""
    while not has_come():
        if process.poll() is not None:
            process.communicate()
            return False
        time.sleep(0.001)
    process.kill()
    process.communicate()
    return True


def begun(opskit: Opskit, words: str) -> Callable[[], bool]:
    """Has the latest run begun a step with these words in its title?"""
    before = set(journals(opskit))

    def has_come() -> bool:
        return any(words in file.read_text() for file in journals(opskit) if file not in before)

    return has_come


def written(opskit: Opskit, lines: int) -> Callable[[], bool]:
    """Has the next run written so many lines to its journal?"""
    before = set(journals(opskit))

    def has_come() -> bool:
        return any(file.read_bytes().count(b"\n") >= lines for file in journals(opskit) if file not in before)

    return has_come


def dump(database: TestDatabase) -> tuple[list[str], list[str]]:
    """The schema line by line as pg_dump writes it, and every line of the content, whatever its order."""
    command = [find_programs() / "pg_dump", "--no-comments", f"--dbname={database.conninfo}"]
    schema: list[str] = []
    content: list[str] = []
    is_content = False
    for line in run(command, env=bare_environment()).splitlines():
        if is_content:
            content.append(line)
            is_content = line != "\\."
        elif not line.startswith(("\\restrict", "\\unrestrict")):
            schema.append(line)
            is_content = line.startswith("COPY ")
    return schema, sorted(content)


def left_behind(opskit: Opskit, *databases: TestDatabase, backups: int) -> list[str]:
    """Everything that should not be there when all is done, said one by one."""
    return [*_files(opskit, backups), *_open_journals(opskit), *processes(opskit), *_on_servers(*databases)]


def _files(opskit: Opskit, backups: int) -> list[str]:
    return [] if len(opskit.files()) == backups else opskit.files()


def _open_journals(opskit: Opskit) -> Iterator[str]:
    for file in journals(opskit):
        if not any(entry["event"] in FINAL for entry in read_journal(file)):
            yield f"{file.name} is open"


def processes(opskit: Opskit) -> list[str]:
    """Processes with this state directory that are alive."""
    mark = f"OPSKIT_STATE_DIR={opskit.state_dir}".encode()
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(f"process {process.name} lives")
        except OSError:  # it has just ended, or is somebody else's
            continue
    return found


def sessions(database: TestDatabase) -> list[int]:
    """Server processes of opskit's sessions in a database."""
    found = query(
        database,
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'opskit migrate%'",
    )
    return [pid for (pid,) in found]


def have_gone(database: TestDatabase) -> bool:
    """Have opskit's sessions in a database ended, or do they soon?"""
    return soon(lambda: not sessions(database))


def soon(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Does it come true? What has been ended may take a moment to be gone."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _on_servers(*databases: TestDatabase) -> Iterator[str]:
    for database in databases:
        if not have_gone(database):
            yield f"sessions {sessions(database)} in {database.name}"
        staging = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'opskit%'"
        yield from (f"schema {name} in {database.name}" for (name,) in query(database, staging))
