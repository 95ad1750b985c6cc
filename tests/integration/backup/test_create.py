"""`opskit backup create` makes backups of both engines that say what they hold."""

import json
import stat

import pytest

from tests.integration.backup.world import World

ENGINES = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


@ENGINES
def test_a_backup_says_what_every_table_held(world: World, engine: str) -> None:
    world.use(engine)
    name = world.create()
    manifest = json.loads((world.backups / name / "manifest.json").read_text())
    rows = {table["name"]: table["rows"] for table in manifest["tables"]}
    users = "users" if engine == "sqlite" else '"public"."users"'
    assert rows[users] == (3001 if engine == "sqlite" else 3000)
    assert manifest["engine"] == engine
    assert world.names() == [name]
    assert not world.leftovers()


@ENGINES
def test_every_level_of_checks_finds_a_new_backup_sound(world: World, engine: str) -> None:
    world.use(engine)
    name = world.create()
    for level in ("files", "readable", "drill"):
        (checked,) = world.done("verify", name, "--level", level)["backups"]
        assert checked["problems"] == []
    (listed,) = world.done("list")["backups"]
    assert set(listed["checks"]) == {"files", "readable", "drill"}


@ENGINES
def test_only_its_owner_can_read_a_backup(world: World, engine: str) -> None:
    world.use(engine)
    name = world.create()
    for path in (world.backups, world.backups / name, *(world.backups / name).rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
