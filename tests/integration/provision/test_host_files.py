"""The application's `.env` and the password file on a real disk: planned, written, put back."""

import grp
import os
import re
from pathlib import Path

import pytest

from opskit.config import Application, Configuration, Database, Postgresql, Secret
from opskit.config.environment import read_env_file
from opskit.errors import Refused
from opskit.provision.host.effects import HostEffects
from opskit.provision.host.password_file import PasswordPlace
from opskit.provision.host.planning import HostStep, decide_files, wanted_host
from opskit.provision.host.reader import read_host, read_machine, read_password

BEFORE = b"# caf\xe9\r\nNODE_ENV='production' # as ever\r\nPOSTGRES_HOST=\"db1\"\r\n"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="password files are root's")


class World:
    """An application's directory and opskit's password file."""

    def __init__(self, root: Path) -> None:
        self.env = root / "app/.env"
        self.password = root / "etc/password"
        self.configuration = Configuration(
            {"main": Database(root / "app/main.db", "crewai_main")},
            Application(env_file=self.env),
            Postgresql(host="/var/run/postgresql", password=Secret(file=self.password)),
        )

    def steps(self) -> tuple[HostStep, ...]:
        wanted = wanted_host(self.configuration)
        return decide_files(wanted, read_host(wanted)).steps

    def place(self) -> PasswordPlace:
        return PasswordPlace(self.env, self.password)

    def apply(self) -> tuple[HostEffects, tuple[HostStep, ...]]:
        effects, steps = HostEffects(), self.steps()
        for step in steps:
            effects.perform(step)
        return effects, steps


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@as_root
def test_both_files_are_made_with_one_password_and_then_nothing_is_left_to_do(world: World) -> None:
    world.apply()
    password = read_env_file(world.env)["POSTGRES_PASSWORD"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", password)
    assert world.password.read_text() == f"{password}\n"
    assert read_password(world.place()) == password
    assert [file.stat().st_mode & 0o7007 for file in (world.env, world.password)] == [0, 0]
    assert world.steps() == ()


@as_root
def test_everything_else_in_the_file_keeps_its_bytes(world: World) -> None:
    world.env.parent.mkdir()
    world.env.write_bytes(BEFORE)
    world.apply()
    after = world.env.read_bytes()
    assert after.startswith(BEFORE.replace(b"db1", b"localhost"))
    assert set(re.findall(rb"^(\w+)=.*\r\n", after[len(BEFORE) :], re.MULTILINE)) >= {b"POSTGRES_PASSWORD"}


@as_root
def test_undoing_brings_every_byte_and_mode_back(world: World) -> None:
    world.env.parent.mkdir()
    world.env.write_bytes(BEFORE)
    world.env.chmod(0o604)
    effects, steps = world.apply()
    for step in reversed(steps):
        effects.revert(step)
    assert (world.env.read_bytes(), world.env.stat().st_mode & 0o777) == (BEFORE, 0o604)
    assert not world.password.parent.exists()


@as_root
def test_undoing_what_was_never_done_changes_nothing(world: World) -> None:
    world.env.parent.mkdir()
    world.env.write_bytes(BEFORE)
    effects = HostEffects()
    for step in reversed(world.steps()):
        effects.revert(step)
    assert world.env.read_bytes() == BEFORE


@as_root
def test_a_password_that_stands_in_either_place_is_kept(world: World) -> None:
    world.password.parent.mkdir()
    world.password.write_text("chosen-by-hand-long-ago\n")
    world.apply()
    assert read_env_file(world.env)["POSTGRES_PASSWORD"] == "chosen-by-hand-long-ago"

    world.env.write_text(world.env.read_text().replace("chosen-by-hand", "changed"))
    world.apply()
    assert world.password.read_text() == "changed-long-ago\n"


@as_root
def test_a_kill_between_the_files_leaves_a_rest_that_the_next_run_does(world: World) -> None:
    first, *_ = world.steps()
    HostEffects().perform(first)
    kept = read_password(world.place())
    world.apply()
    assert world.password.read_text() == f"{kept}\n"
    assert world.steps() == ()


@as_root
def test_the_applications_group_keeps_its_access_and_others_lose_theirs(world: World) -> None:
    world.env.parent.mkdir()
    world.env.write_bytes(BEFORE)
    os.chown(world.env, 65534, 65534)
    world.apply()
    about = world.env.stat()
    assert (about.st_uid, grp.getgrgid(about.st_gid).gr_name, about.st_mode & 0o777) == (
        65534,
        "nogroup",
        0o640,
    )
    assert read_host(wanted_host(world.configuration)).groups == ("nogroup",)


@as_root
def test_a_link_of_the_applications_into_roots_files_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "shadow").write_text("root:x\n")
    world.env.parent.mkdir()
    world.env.symlink_to(tmp_path / "shadow")
    os.lchown(world.env, 65534, 65534)
    with pytest.raises(Refused, match=r"\.env is a link of nobody"):
        world.steps()


def test_a_file_that_only_its_owner_reads_is_told(world: World) -> None:
    world.env.parent.mkdir()
    (world.env.parent / "main.db").touch(0o600)
    assert world.env.parent / "main.db" in read_host(wanted_host(world.configuration)).closed


def test_the_machine_is_read(tmp_path: Path) -> None:
    machine = read_machine(tmp_path / "data")
    assert machine.memory > 2**28
    assert machine.cores >= 1
    assert 0 < machine.free <= machine.disk
