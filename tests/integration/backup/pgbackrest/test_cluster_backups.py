"""The whole cluster by pgBackRest: backed up, checked, drilled, brought back to a moment."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from opskit.backup.pgbackrest.catalogue import ClusterBackup, Kind
from opskit.backup.pgbackrest.checking import look
from opskit.backup.pgbackrest.extract import extract
from opskit.backup.pgbackrest.known import known
from opskit.backup.pgbackrest.restore import Restoring, mend, restore, restoring
from opskit.backup.pgbackrest.target import LATEST, Target, target_of
from opskit.backup.records import Level
from opskit.backup.restore import restore as put_back
from opskit.backup.restore import restoring as restoring_dump
from opskit.errors import Reverted
from opskit.runs.backup_status import load_status
from opskit.runs.journal import Journal
from opskit.runs.progress import Silence
from tests.integration.backup.pgbackrest.conftest import World


def target(world: World, to: str | datetime) -> Target:
    """What leads to a moment."""
    text = to if isinstance(to, str) else to.isoformat()
    return target_of(world.cluster.catalogue(), None, text, datetime.now(UTC))


def brought_back(world: World, to: str | datetime, into: Path | None = None) -> Restoring:
    """The cluster as of a moment."""
    task = restoring(world.cluster, target(world, to), into)
    restore(task, world.place, Silence())
    return task


def checked(world: World, level: Level, *backups: ClusterBackup) -> list[tuple[str, ...]]:
    """What is wrong with some backups."""
    looked = look(backups, level, world.cluster, world.place, Silence())
    assert not [one.failure for one in looked if one.failure]
    return [one.check.problems for one in looked if one.check]


def between_two_writes(world: World) -> datetime:
    """A whole second between two known ones."""
    world.execute("INSERT INTO notes (text) VALUES ('first')")
    time.sleep(1.1)
    moment = world.now().replace(microsecond=0)
    time.sleep(0.1)
    world.execute("INSERT INTO notes (text) VALUES ('second')")
    return moment


def flip(file: Path) -> None:
    """One bit, in the middle."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_the_cluster_comes_back_as_of_a_second_between_two_writes(world: World) -> None:
    world.backup()
    between = between_two_writes(world)
    task = brought_back(world, between)
    assert world.execute("SELECT text FROM notes WHERE id > 500") == [("first",)]
    assert task.kept is not None
    assert (task.kept / "PG_VERSION").exists()

    # what follows is a history of its own, which the next backup and its drill go along
    world.execute("INSERT INTO notes (text) VALUES ('third')")
    assert world.backup().kind is Kind.INCREMENTAL
    assert checked(world, Level.DRILL, world.cluster.catalogue().backups[-1]) == [()]
    brought_back(world, LATEST)
    assert world.execute("SELECT text FROM notes WHERE id > 500 ORDER BY id") == [("first",), ("third",)]


def test_one_database_comes_back_and_the_others_stay(world: World) -> None:
    world.backup()
    between = between_two_writes(world)
    world.execute("INSERT INTO notes (text) VALUES ('elsewhere')", "crewai_walmart")
    dumped = extract(target(world, between), "main", world.cluster, world.place, Silence())
    assert dumped.created == between
    put_back(restoring_dump(world.place, dumped.id, None), world.place, Silence())
    assert world.execute("SELECT text FROM notes WHERE id > 500") == [("first",)]
    assert world.notes("crewai_walmart") == 501


def test_a_table_that_was_about_to_be_dropped_comes_back(world: World) -> None:
    """Recovery keeps it locked at that moment, so nobody can read it until recovery is over."""
    world.backup()
    world.execute("CREATE TABLE beside (n int)")
    with psycopg.connect(world.private.conninfo("crewai_main")) as other:
        other.execute("DROP TABLE notes")
        world.execute("INSERT INTO beside VALUES (1)")
        time.sleep(0.1)
        moment = world.now()
        time.sleep(0.1)
        world.execute("INSERT INTO beside VALUES (2)")
    dumped = extract(target(world, moment), "main", world.cluster, world.place, Silence())
    assert ('"public"."notes"', 500) in [(one.name, one.rows) for one in dumped.tables]
    seen = restore(restoring(world.cluster, target(world, moment), None), world.place, Silence())
    assert seen.locked == ('"public"."notes"',)
    assert world.notes() == 500
    assert world.execute("SELECT n FROM beside") == [(1,)]


def test_aside_it_stays_in_a_directory_and_nothing_else_changes(world: World) -> None:
    backup = world.backup()
    between = between_two_writes(world)
    directory = world.private.socket_directory / "aside"
    task = brought_back(world, between, directory)
    assert task.kept is None
    assert (directory / "PG_VERSION").exists()
    assert world.notes() == 502
    assert [one.label for one in world.cluster.catalogue().backups] == [backup.label]


def test_a_drill_compares_with_the_live_cluster_and_tells_monitoring(world: World) -> None:
    backup = world.backup()
    world.execute("INSERT INTO notes (text) VALUES ('after the backup')", "crewai_walmart")
    assert checked(world, Level.DRILL, backup) == [()]
    (one,) = known(world.place, world.cluster)
    assert one.record.passed(Level.DRILL)
    for name in world.cluster.databases:
        told = load_status((world.place.state_dir / "backups.json").read_bytes(), name)
        assert told.create is not None
        assert told.create.ok
        assert told.checks["drill"].ok
        assert told.retained is not None
        assert told.retained.count == 1


def test_one_flipped_bit_in_any_file_of_the_repository_is_found(world: World) -> None:
    first, second = world.backup(), world.backup()
    files = [file for file in world.repository.rglob("*") if file.is_file() and file.stat().st_size]
    assert checked(world, Level.FILES, first, second) == [(), ()]
    kinds = {_kind(file): file for file in files if _is_read(file, first)}
    assert {"backup.manifest", "backup.manifest.copy", "backup.info", "archive.info.copy"} <= kinds.keys()
    for file in kinds.values():
        flip(file)
        assert checked(world, Level.FILES, first, second) != [(), ()], file
        flip(file)
    assert checked(world, Level.FILES, first, second) == [(), ()]


def _is_read(file: Path, oldest: ClusterBackup) -> bool:
    """No restore reads the history, the notes that the server leaves beside its log, or log from before."""
    old = "archive" in file.parts and len(file.name) > 24 and file.name[:24] < oldest.first
    return "history" not in str(file) and file.suffix != ".backup" and not old


def _kind(file: Path) -> str:
    """Files of one kind are kept and checked alike."""
    segment = len(file.name.partition("-")[0]) == 24 and file.suffix == ".zst"
    bundle = file.name.isdecimal()
    return (
        "segment" if segment else "bundle" if bundle else file.suffix if "pg_data" in str(file) else file.name
    )


def test_a_missing_piece_of_the_log_is_found_also_by_the_drill(world: World) -> None:
    backup = world.backup()
    for _ in range(2):
        world.execute("INSERT INTO notes (text) VALUES ('more')")
        world.execute("SELECT pg_switch_wal()")
    segments = "archive/main/15-1/*/*.zst"
    _until(lambda: max(world.repository.glob(segments)).name[:24] > _after(backup.last))
    assert checked(world, Level.FILES, backup) == [()]
    next(world.repository.glob(segments.replace("*.zst", f"{_after(backup.last)}-*"))).unlink()
    ((problem,),) = checked(world, Level.FILES, backup)
    assert "log is missing between segments" in problem
    ((problem,),) = checked(world, Level.DRILL, backup)
    assert "did not come to its target" in problem


def test_a_restore_that_fails_leaves_the_cluster_as_it_was(world: World) -> None:
    world.backup()
    between = between_two_writes(world)
    task = restoring(world.cluster, target(world, between), None)
    for file in world.repository.glob("backup/main/2*/bundle/*"):
        flip(file)
    with pytest.raises(Reverted):
        restore(task, world.place, Silence())
    assert world.notes() == 502
    assert not task.directory.exists()


def test_nobody_who_has_connected_meanwhile_is_thrown_out(world: World) -> None:
    world.backup()
    task = restoring(world.cluster, target(world, between_two_writes(world)), None)
    with psycopg.connect(world.private.conninfo("crewai_main"), application_name="node") as application:
        with pytest.raises(Reverted, match=r"is in use: postgres \(node\)"):
            restore(task, world.place, Silence())
        assert application.execute("SELECT count(*) FROM notes").fetchone() == (502,)


def test_a_run_killed_between_its_two_renames_is_put_back_by_the_next(world: World) -> None:
    world.backup()
    between = between_two_writes(world)
    kept = world.cluster.data.with_name("data.before-20261123T000000Z")
    with Journal(world.place.runs, "backup restore", world.cluster.name, [kept]):
        pass
    world.private.stop()
    world.cluster.data.rename(kept)
    mend(world.cluster, world.place)
    brought_back(world, between)
    assert world.execute("SELECT text FROM notes WHERE id > 500") == [("first",)]


def test_a_data_directory_that_is_lost_comes_back_with_all_that_was_archived(world: World) -> None:
    world.backup()
    world.execute("INSERT INTO notes (text) VALUES ('archived')")
    world.execute("SELECT pg_switch_wal()")
    world.private.stop()  # which archives what is left
    world.cluster.data.rename(world.cluster.data.with_name("lost"))
    task = brought_back(world, LATEST)
    assert task.kept is None
    assert world.execute("SELECT text FROM notes WHERE id > 500") == [("archived",)]


def _after(segment: str) -> str:
    return f"{int(segment, 16) + 1:024X}"


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
