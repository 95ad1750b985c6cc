"""Each trouble with a SQLite file, planted on a real one, is named, and the file is left as it was."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from opskit.doctor.diagnosis import diagnose
from opskit.doctor.examine import examine
from opskit.doctor.sqlite import look
from tests.integration.doctor.world import World

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root sees who has a file open")

HOLDER = """
import sys, time, apsw
connection = apsw.Connection(sys.argv[1])
connection.execute(sys.argv[2]).fetchall()
print("ready", flush=True)
time.sleep(600)
"""


@contextmanager
def held(file: Path, statements: str = "SELECT count(*) FROM users") -> Iterator["subprocess.Popen[str]"]:
    """A process of its own has the file open and has run the statements; it is killed at the end."""
    command = [sys.executable, "-c", HOLDER, str(file), statements]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.send_signal(signal.SIGKILL)


def states(file: Path) -> dict[str, bytes]:
    """What stands beside the file, and in it."""
    return {one.name: one.read_bytes() for one in file.parent.glob(f"{file.name}*")}


def test_a_file_that_is_not_there(world: World) -> None:
    world.sqlite().unlink()
    finding = world.only()
    assert (finding.code, finding.where) == ("sqlite_missing", str(world.sqlite()))
    assert finding.remedy == "correct databases.main.sqlite in the configuration"
    assert not world.sqlite().exists()


def test_a_file_that_is_no_database(world: World) -> None:
    world.sqlite().write_text("this is a letter to my aunt\n" * 100)
    finding = world.only()
    assert (finding.code, finding.database) == ("sqlite_corrupt", "main")
    assert "is no SQLite database" in finding.what


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_file_of_which_a_page_is_destroyed(world: World, mode: str) -> None:
    file = world.sqlite()
    connection = apsw.Connection(str(file))
    connection.execute(f"PRAGMA journal_mode = {mode}").fetchall()
    connection.execute("CREATE INDEX users_id ON users (id)")
    connection.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
        " INSERT INTO users SELECT i FROM n"
    )
    connection.close()
    with file.open("r+b") as opened:
        opened.seek(5 * 4096)
        opened.write(b"\xff" * 4096)
    before = states(file)
    finding = world.only()
    assert (finding.code, finding.database, finding.fixable) == ("sqlite_corrupt", "main", False)
    assert states(file) == before


@as_root
@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_write_lock_that_is_not_let_go_and_who_holds_it(world: World, mode: str) -> None:
    connection = apsw.Connection(str(world.sqlite()))
    connection.execute(f"PRAGMA journal_mode = {mode}").fetchall()
    connection.close()
    with held(world.sqlite(), "BEGIN IMMEDIATE") as holder:
        finding = world.only()
    assert (finding.code, finding.remedy) == ("sqlite_locked", f"kill {holder.pid}")
    assert sys.executable in finding.what


@as_root
def test_a_file_in_use_is_trouble_only_when_the_application_should_be_on_postgresql(world: World) -> None:
    with held(world.sqlite(), "INSERT INTO users VALUES (1)") as holder:
        assert world.findings() == ()
        world.set(DATABASE_TYPE="postgresql")
        finding = world.only()
    assert (finding.code, finding.remedy) == ("sqlite_held", f"kill {holder.pid}")


@as_root
def test_a_wal_that_a_killed_process_has_left(world: World) -> None:
    with held(world.sqlite(), "INSERT INTO users VALUES (1)"):
        pass
    before = states(world.sqlite())
    finding = world.only()
    assert (finding.code, finding.database) == ("stale_wal", "main")
    assert finding.remedy == f"sqlite3 {world.sqlite()} 'PRAGMA wal_checkpoint(TRUNCATE)'"
    after = states(world.sqlite())
    assert after == before


@as_root
def test_a_wal_beside_a_file_reached_through_a_link(world: World) -> None:
    real = world.directory / "volume.db"
    world.sqlite().rename(real)
    world.sqlite().symlink_to(real)
    with held(world.sqlite(), "INSERT INTO users VALUES (1)"):
        pass
    assert world.only().code == "stale_wal"


@as_root
def test_the_remedy_for_a_stale_wal_heals(world: World) -> None:
    with held(world.sqlite(), "INSERT INTO users VALUES (1)"):
        pass
    assert world.only().code == "stale_wal"
    connection = apsw.Connection(str(world.sqlite()))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
    assert world.findings() == ()


def test_a_writer_who_lets_go_between_is_no_trouble(world: World) -> None:
    script = "while True: connection.execute('INSERT INTO users VALUES (1)'); time.sleep(0.002)"
    busy = HOLDER.replace("time.sleep(600)", script)
    command = [sys.executable, "-c", busy, str(world.sqlite()), "SELECT 1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.1)
        found = world.findings()
        process.kill()
    assert found == ()


@as_root
@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_a_file_that_root_has_left_beside_the_applications_own(world: World, suffix: str) -> None:
    for place in (world.directory.parents[1], world.directory.parents[0], world.directory):
        place.chmod(0o755)
    shutil.chown(world.directory, "nobody")
    shutil.chown(world.sqlite(), "nobody")
    assert look(world.sqlite(), "nobody").closed is None
    left = world.sqlite().with_name(f"main.db{suffix}")
    left.touch()
    shutil.chown(left, "root")
    assert look(world.sqlite(), "nobody").closed == left


@as_root
def test_what_another_user_may_not_look_at_is_told_and_is_no_trouble(world: World) -> None:
    for place in (world.directory.parents[1], world.directory.parents[0], world.directory):
        place.chmod(0o755)
    world.sqlite().chmod(0o600)
    nobody = pwd.getpwnam("nobody")
    os.setegid(nobody.pw_gid)
    os.seteuid(nobody.pw_uid)
    try:
        facts = examine(world.loaded())
    finally:
        os.seteuid(0)
        os.setegid(0)
    assert diagnose(facts) == ()
    assert facts.unseen == (
        f"whether {world.sqlite()} is whole: this user may not read it",
        "who has the SQLite files open: only root sees that",
    )
