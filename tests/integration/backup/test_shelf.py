"""Pinning, pruning, and what may go on at the same time."""

import json
import os
import shutil
from pathlib import Path

import apsw
import pytest

from opskit.backup.shelf import Shelf
from opskit.runs.backup_status import FILE, load_status
from opskit.runs.lock import exclusive
from opskit.runs.standby_state import Phase, State, state_file, write_state
from tests.integration.backup.world import World

LAST = {"last": 1, "daily": 0, "weekly": 0, "monthly": 0, "floor": 1}


def test_prune_says_why_it_keeps_and_drops_and_a_plan_drops_nothing(world: World) -> None:
    names = [world.create() for _ in range(3)]
    world.configure(keep=LAST)
    world.done("pin", names[0])
    planned = world("prune", "--plan")
    assert planned.code == 3
    assert f"keep  {names[0]}: pinned" in planned.stdout
    assert f"drop  {names[1]}: no rule keeps it" in planned.stdout
    assert world.names() == names
    world.done("prune", "--yes")
    assert world.names() == [names[0], names[2]]
    assert world("prune", "--plan").code == 0
    world.done("unpin", names[0])
    world.done("prune", "--yes")
    assert world.names() == [names[2]]


def test_pruning_wants_to_be_confirmed(world: World) -> None:
    world.create()
    name = world.create()
    world.configure(keep=LAST)
    result = world("prune", "-o", "json")
    assert (result.code, result.error["code"]) == (6, "not_confirmed")
    assert name in world.names()


def test_what_somebody_reads_is_not_pruned(world: World) -> None:
    name = world.create()
    world.create()
    world.configure(keep=LAST)
    with Shelf(world.backups).using(name):
        planned = world("prune", "--yes")
    assert f"keep  {name}: in use" in planned.stdout
    assert name in world.names()


@pytest.mark.parametrize("told", ["following", "closed", "not understood"])
def test_while_the_way_back_is_open_the_last_backup_from_before_the_cutover_stays(
    world: World, told: str
) -> None:
    names = [world.create() for _ in range(2)]
    world.use("postgresql")
    world.create()
    world.configure(keep=LAST)
    state = state_file(world.opskit.state_dir / "standby", "main")
    state.parent.mkdir()
    state.write_text("{")
    if told != "not understood":
        write_state(state, State("main", Phase(told)))
    decided = world("prune", "--plan").stdout
    assert f"drop  {names[0]}: no rule keeps it" in decided
    reason = "keep  {}: the last before the cutover, and the way back is open"
    assert (reason.format(names[1]) in decided) is (told != "closed")


def test_pruning_forgets_what_a_kill_left_of_a_backup_that_is_gone(world: World) -> None:
    gone, name = world.create(), world.create()
    for one in (gone, name):
        world.done("pin", one)
    shutil.rmtree(world.backups / gone)
    world.done("prune", "--yes")
    assert [one.stem for one in (world.backups / "records").iterdir()] == [name]


def test_a_record_that_cannot_be_understood_keeps_its_backup(world: World) -> None:
    name = world.create()
    world.create()
    world.configure(keep=LAST)
    (world.backups / "records" / f"{name}.json").write_text("{")
    world.done("prune", "--yes")
    assert name in world.names()


def test_one_writer_at_a_time(world: World) -> None:
    with exclusive(world.opskit.state_dir, "migrate"):
        result = world("create", "-o", "json")
    assert result.code == 75
    assert str(os.getpid()) in result.error["message"]


def test_the_plan_of_a_backup_makes_none(world: World) -> None:
    result = world("create", "--plan")
    assert result.code == 3
    assert f"copy {world.file}" in result.stdout
    assert not world.backups.exists()


def test_an_unknown_backup_or_database_is_refused(world: World) -> None:
    for command in ("show", "verify", "restore", "pin", "unpin"):
        result = world(command, "../x", "-o", "json")
        assert (result.code, result.error["code"]) == (6, "unknown_backup"), command
    result = world("create", "--database", "nobody", "-o", "json")
    assert (result.code, result.error["code"]) == (2, "unknown_database")


def test_show_tells_everything(world: World) -> None:
    name = world.create()
    text = world("show", name).stdout
    assert "users  3,001 rows" in text
    assert "database.sqlite.zst" in text
    shown = world.done("show", name)
    assert shown["manifest"]["origin"]["file"] == str(world.file)


def test_monitoring_can_read_how_backups_ended(world: World) -> None:
    name = world.create()
    world.done("verify", "--level", "drill")
    status = world.opskit.state_dir / "backups.json"
    told = json.loads(status.read_text())["main"]
    assert told["last_good"]["id"] == name
    assert told["drill"]["ok"]
    assert status.stat().st_mode & 0o777 == 0o644
    shutil.move(world.file, world.directory / "away")
    assert world("create").code == 4
    told = json.loads(status.read_text())["main"]
    assert not told["create"]["ok"]
    assert told["last_good"]["id"] == name


def test_no_sound_backup_hides_a_damaged_one_from_monitoring(world: World) -> None:
    damaged, sound = world.create(), world.create()
    file = world.backups / damaged / "database.sqlite.zst"
    before = file.read_bytes()
    file.write_bytes(before[:-1])
    assert world("verify", "--level", "files").code == 3
    told = json.loads((world.opskit.state_dir / "backups.json").read_text())["main"]
    assert (told["files"]["ok"], told["files"]["id"]) == (False, damaged)
    world.done("verify", sound)
    kept = json.loads((world.opskit.state_dir / "backups.json").read_text())["main"]["retained"]
    assert (kept["count"], kept["damaged"], set(kept["verified"])) == (2, 1, {"files", "readable"})
    file.write_bytes(before)
    world.done("verify", damaged)
    world.configure(keep=LAST)
    world.done("prune", "--yes")
    kept = json.loads((world.opskit.state_dir / "backups.json").read_text())["main"]["retained"]
    size = sum(one["size"] for one in world.done("show", sound)["manifest"]["files"])
    assert (kept["count"], kept["damaged"], kept["bytes"]) == (1, 0, size)


def test_a_backup_of_several_databases_is_told_for_each(world: World, tmp_path: Path) -> None:
    world.add_database("shop", sqlite=tmp_path / "shop.db", postgresql=world.database.name, schema="shop")
    world.use("postgresql")
    name = world.create()
    world.done("verify", "--level", "files")
    told = json.loads((world.opskit.state_dir / "backups.json").read_text())
    assert {database: one["last_good"]["id"] for database, one in told.items()} == {
        "main": name,
        "shop": name,
    }
    assert told["shop"]["files"]["ok"]


def test_a_corrupt_database_is_not_backed_up_as_if_it_were_sound(world: World) -> None:
    world.create()
    assert integrity(world) is True
    before = world.names()
    connection = apsw.Connection(str(world.file))
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    content = bytearray(world.file.read_bytes())
    content[4096 * 3 : 4096 * 4] = os.urandom(4096)
    world.file.write_bytes(content)
    result = world("create", "-o", "json")
    assert result.code == 4
    assert world.names() == before
    assert integrity(world) is False


def integrity(world: World) -> bool | None:
    """What monitoring is told of the application's file."""
    told = load_status((world.opskit.state_dir / FILE).read_bytes(), "main").integrity
    return told.ok if told else None


def test_of_postgresql_nothing_is_told_about_a_files_integrity(world: World) -> None:
    world.create()
    world.use("postgresql")
    world.create()
    assert integrity(world) is None


def test_a_failure_of_one_database_costs_no_other_its_backup(world: World, tmp_path: Path) -> None:
    world.add_database("gone", sqlite=tmp_path / "gone.db", postgresql="gone")
    result = world("create", "-o", "json")
    assert result.code == 1
    assert [one["database"] for one in result.document["result"]["backups"]] == ["main"]
    assert [one["code"] for one in result.document["result"]["failed"]] == ["sqlite_missing"]
