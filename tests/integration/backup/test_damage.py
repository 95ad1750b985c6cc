"""Whatever happens to a file of a backup, `opskit backup verify` finds it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.backup.world import World

ENGINES = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


def kinds(directory: Path) -> list[Path]:
    """One file of each kind that a backup has."""
    return [
        *{file.name.lstrip("0123456789"): file for file in directory.rglob("*") if file.is_file()}.values()
    ]


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


@ENGINES
@pytest.mark.parametrize("harm", [flip, truncate, Path.unlink])
def test_a_file_that_is_not_as_written_is_found_and_named(
    world: World, engine: str, harm: Callable[[Path], None]
) -> None:
    world.use(engine)
    name = world.create()
    directory = world.backups / name
    assert world("verify", name, "--level", "files").code == 0
    for file in kinds(directory):
        before = file.read_bytes()
        harm(file)
        result = world("verify", name, "--level", "files")
        assert result.code == 3, file
        assert file.name in result.stdout or "manifest" in result.stdout
        file.write_bytes(before)
    assert world("verify", name, "--level", "files").code == 0


@ENGINES
def test_a_file_too_many_is_found(world: World, engine: str) -> None:
    world.use(engine)
    name = world.create()
    (world.backups / name / "more").write_text("")
    result = world("verify", name)
    assert result.code == 3
    assert "more is no file of the backup" in result.stdout


def test_a_damaged_backup_is_listed_as_such_until_it_is_sound_again(world: World) -> None:
    name = world.create()
    file = world.backups / name / "database.sqlite.zst"
    before = file.read_bytes()
    flip(file)
    world("verify")
    (listed,) = world.done("list")["backups"]
    assert not listed["sound"]
    file.write_bytes(before)
    world("verify")
    (listed,) = world.done("list")["backups"]
    assert listed["sound"]


@ENGINES
def test_a_drill_finds_content_that_is_not_what_was_backed_up(world: World, engine: str) -> None:
    """As if the dump had been taken at another moment than the digests."""
    world.use(engine)
    name = world.create()
    directory = world.backups / name
    manifest = directory / "manifest.json"
    import hashlib
    import json

    document = json.loads(manifest.read_text())
    table = next(one for one in document["tables"] if "users" in one["name"])
    table["digest"] = "0"
    manifest.write_text(json.dumps(document))
    proof = f"{hashlib.sha256(manifest.read_bytes()).hexdigest()}  manifest.json\n"
    (directory / "manifest.sha256").write_text(proof)
    assert world("verify", name, "--level", "readable").code == 0
    result = world("verify", name, "--level", "drill")
    assert result.code == 3
    assert f"table {table['name']} has other content" in result.stdout


@ENGINES
def test_a_check_that_cannot_be_carried_out_says_nothing_about_the_backup(world: World, engine: str) -> None:
    """Programs that are missing or do not come to run; a drill that passed before still counts."""
    world.use(engine)
    name = world.create()
    assert world("verify", name, "--level", "drill").code == 0
    for path in ("/nowhere", world.programs("setpriv", "echo setpriv: not permitted >&2; exit 1")):
        result = world.opskit(
            *("backup", "verify", name, "--level", "drill", "--config", world.directory / "opskit.yaml"),
            environ={"PATH": str(path)},
        )
        assert result.code in (1, 6), result
    (listed,) = world.done("list")["backups"]
    assert listed["sound"]
    assert not listed["checks"]["drill"]["problems"]
