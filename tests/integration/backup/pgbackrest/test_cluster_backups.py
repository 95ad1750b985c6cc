"""The whole cluster by pgBackRest: backed up, checked, drilled, brought back to a moment."""

import time
from pathlib import Path

import pytest

from opskit.backup.pgbackrest.catalogue import ClusterBackup, Kind
from opskit.backup.pgbackrest.checking import look
from opskit.backup.pgbackrest.known import known
from opskit.backup.pgbackrest.restore import mend, restore, restoring, target_of
from opskit.backup.records import Level
from opskit.errors import Refused, Reverted
from opskit.runs.progress import Silence
from tests.integration.backup.pgbackrest.conftest import World


def checked(world: World, level: Level, *backups: ClusterBackup) -> list[tuple[str, ...]]:
    """What is wrong with some backups."""
    looked = look(backups, level, world.cluster, world.place, Silence())
    assert not [one.failure for one in looked if one.failure]
    return [one.check.problems for one in looked if one.check]


def flip(file: Path) -> None:
    """One bit, in the middle."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_the_cluster_comes_back_as_of_a_second_between_two_writes(world: World) -> None:
    world.backup()
    world.execute("INSERT INTO notes (text) VALUES ('first')")
    time.sleep(1.1)
    between = world.now()
    time.sleep(1.1)
    world.execute("INSERT INTO notes (text) VALUES ('second')")
    target = target_of(world.cluster.catalogue(), None, f"{between:%Y-%m-%dT%H:%M:%S}Z", world.now())
    task = restoring(world.cluster, target, None)
    seen = restore(task, world.place, Silence())
    assert [row for row in world.execute("SELECT text FROM notes WHERE id > 500")] == [("first",)]
    assert ('"public"."notes"', 501) in [(one.name, one.rows) for one in seen]
    assert task.kept is not None
    assert (task.kept / "PG_VERSION").exists()
    assert world.backup(Kind.INCREMENTAL).sound
    assert checked(world, Level.DRILL, world.cluster.catalogue().backups[-1]) == [()]


def test_a_drill_compares_with_the_live_cluster_while_it_is_written(world: World) -> None:
    backup = world.backup()
    world.execute("INSERT INTO notes (text) VALUES ('after the backup')", "crewai_walmart")
    assert checked(world, Level.DRILL, backup) == [()]
    (one,) = known(world.place, world.cluster)
    assert one.record.passed(Level.DRILL)


def test_what_is_due_follows_from_age(world: World) -> None:
    assert [world.backup().kind for _ in range(2)] == [Kind.FULL, Kind.INCREMENTAL]
