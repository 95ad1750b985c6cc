"""Alerts fire for their failure and end with it: SQLite, backups, the switch and the exporter itself."""

import json
import os
import shutil
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import apsw
import pytest

from opskit.config import Engine
from opskit.runs import backup_status
from opskit.runs.engine_record import write_record
from tests.integration.exporter.watch import Watch, watching
from tests.integration.exporter.world import Exporter, World, make_world, running
from tests.sqlite_states import crashed_wal_without_index, hot_journal
from tests.support import Opskit

MEGABYTE = 1 << 20


@pytest.fixture
def world(tmp_path: Path) -> World:
    """No PostgreSQL needed."""
    return make_world(tmp_path, None)


@pytest.fixture
def opskit(world: World) -> Opskit:
    return Opskit(world.state_dir)


@pytest.fixture
def exporter(world: World) -> Iterator[Exporter]:
    with running(world) as exporter:
        yield exporter


@pytest.fixture
def watch(world: World, exporter: Exporter, opskit: Opskit) -> Iterator[Watch]:
    """Both databases are in use, and have a backup that a drill brought back."""
    back_up(opskit, world)
    with watching(world.directory, exporter) as watch:
        yield watch


def back_up(opskit: Opskit, world: World) -> None:
    for command in (("create",), ("verify", "--level", "drill")):
        assert opskit("backup", *command, "--config", world.config).code == 0


@contextmanager
def opened(file: Path) -> Generator[apsw.Connection]:
    with closing(apsw.Connection(str(file))) as connection:
        yield connection


@contextmanager
def writer_that_does_not_commit(file: Path) -> Generator[None]:
    with opened(file) as writer:
        writer.execute("BEGIN IMMEDIATE; INSERT INTO users (name) VALUES ('never committed')")
        yield


@contextmanager
def reader_that_does_not_end(file: Path) -> Generator[None]:
    with opened(file) as writer:
        with opened(file) as reader:
            reader.execute("BEGIN; SELECT count(*) FROM users").fetchall()
            writer.execute(f"CREATE TABLE much (b); INSERT INTO much VALUES (zeroblob({70 * MEGABYTE}))")
            yield
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


@contextmanager
def swapped(file: Path, state: Path) -> Generator[None]:
    """Another file, with what stands beside it, in the place of the database."""
    kept = file.with_name(f"{file.name}.kept")
    file.rename(kept)
    suffixes = ("", "-wal", "-shm", "-journal")
    for suffix in suffixes:
        if (found := Path(f"{state}{suffix}")).exists():
            shutil.copy(found, f"{file}{suffix}")
    yield
    for suffix in suffixes:
        Path(f"{file}{suffix}").unlink(missing_ok=True)
    kept.rename(file)


def left_by(crash: Callable[[Path], int], directory: Path) -> Path:
    """A database of which a crash has left something else than the file itself."""
    place = directory / crash.__name__
    place.mkdir()
    crash(place / "source.db")
    return place / "source.db"


def damaged(file: Path) -> Path:
    """A database with a page that is not what SQLite wrote."""
    with opened(file) as writer:
        writer.execute("CREATE TABLE users (name TEXT); INSERT INTO users VALUES (hex(zeroblob(50000)))")
    with file.open("r+b") as pages:
        pages.seek(3 * 4096)
        pages.write(os.urandom(4096))
    return file


@contextmanager
def write_protected(file: Path) -> Generator[None]:
    file.chmod(0o444)
    yield
    file.chmod(0o644)


@contextmanager
def grown(file: Path) -> Generator[None]:
    size = file.stat().st_size
    os.truncate(file, size + 1100 * MEGABYTE)
    yield
    os.truncate(file, size)


@contextmanager
def rewritten(file: Path, content: bytes) -> Generator[None]:
    kept = file.read_bytes()
    file.write_bytes(content)
    yield
    file.write_bytes(kept)


def aged(told: bytes, days: float) -> bytes:
    """The status of the backups as if all in it had been so long ago."""

    def older(value: object) -> object:
        if isinstance(value, dict):
            return {key: older(one) for key, one in value.items()}
        try:
            return (datetime.fromisoformat(str(value)) - timedelta(days=days)).isoformat()
        except ValueError:
            return value

    return json.dumps(older(json.loads(told))).encode()


def test_a_healthy_host_is_quiet_and_databases_that_fail_are_not(
    world: World, watch: Watch, tmp_path: Path
) -> None:
    watch.ends()
    watch.is_quiet()
    main, walmart = world.sqlite("main"), world.sqlite("walmart")
    with writer_that_does_not_commit(main), reader_that_does_not_end(walmart):
        watch.fires("OpskitSqliteWriteLockHeld", "OpskitSqliteWalNotCheckpointed")
    watch.ends()
    crashed, killed = (left_by(kind, tmp_path) for kind in (crashed_wal_without_index, hot_journal))
    with swapped(main, crashed), swapped(walmart, killed):
        watch.fires("OpskitDatabaseUnread", "OpskitSqliteHotJournal")
    watch.ends()
    with swapped(main, tmp_path / "missing"), write_protected(walmart), grown(walmart):
        watch.fires("OpskitDatabaseDown", "OpskitDatabaseReadOnly", "OpskitDatabaseGrowsFast")
    watch.ends()


def test_backups_that_fail_are_missing_old_or_damaged(world: World, watch: Watch, opskit: Opskit) -> None:
    status = world.state_dir / backup_status.FILE
    with rewritten(status, b"{}"):
        watch.fires("OpskitBackupMissing")
    with rewritten(status, aged(status.read_bytes(), 9)):
        watch.fires("OpskitBackupOld", "OpskitBackupDrillOld")
    with rewritten(status, status.read_bytes()[:-20]):
        watch.fires("OpskitCollectorFailing")
    watch.ends()
    with swapped(world.sqlite("main"), world.directory / "missing"):
        assert opskit("backup", "create", "--config", world.config).code == 1
        watch.fires("OpskitBackupFailed")
    with swapped(world.sqlite("main"), damaged(world.directory / "damaged.db")):
        assert opskit("backup", "create", "--config", world.config).code == 1
        watch.fires("OpskitSqliteDamaged", "OpskitBackupFailed")
    back_up(opskit, world)
    watch.ends()
    copy = max((world.state_dir / "backups").glob("*main*/*.zst"))
    with rewritten(copy, copy.read_bytes()[:-100]):
        assert opskit("backup", "verify", "--level", "files", "--config", world.config).code == 3
        watch.fires("OpskitBackupCheckFailed", "OpskitBackupDamaged")
    back_up(opskit, world)
    assert opskit("backup", "verify", "--level", "files", "--config", world.config).code == 0
    watch.ends()


def test_an_engine_in_dispute_a_faulty_configuration_and_an_exporter_that_hangs(
    world: World, watch: Watch, exporter: Exporter
) -> None:
    write_record(world.state_dir, Engine.POSTGRESQL, "a cutover")
    faulty = world.config.read_bytes() + b"nonsense: 1\n"
    with rewritten(world.config, faulty):
        exporter.process.send_signal(signal.SIGHUP)
        watch.fires("OpskitEngineDisputed", "OpskitReloadFailed")
    write_record(world.state_dir, Engine.SQLITE, "a rollback")
    exporter.process.send_signal(signal.SIGHUP)
    watch.ends()
    exporter.process.send_signal(signal.SIGSTOP)
    watch.fires("OpskitExporterDown")
    exporter.process.send_signal(signal.SIGCONT)
    watch.ends()
