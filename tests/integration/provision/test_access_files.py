"""opskit's lines in a server's access files: written, checked, read, repaired, put back."""

import os
import pwd
from pathlib import Path

import psycopg
import pytest

from opskit.errors import QueryFailed
from opskit.provision.access.effects import SqlEffects
from opskit.provision.access.managed_block import with_block, without_block
from opskit.provision.access.planning import decide_sql
from opskit.provision.access.reader import read_sql
from opskit.provision.access.rules import File, ProtectAccess, ReloadAccess, WriteAccess
from tests.integration.provision.world import World


@pytest.fixture
def provisioned(world: World) -> World:
    """The server as provision leaves it."""
    world.provision()
    return world


def hba(world: World) -> Path:
    """The server's pg_hba.conf."""
    return world.server.socket_directory / "data" / File.HBA.value


def test_the_lines_of_others_stay_byte_for_byte(world: World) -> None:
    others = hba(world).read_bytes() + b"# caf\xe9, without newline"
    hba(world).write_bytes(others)
    world.provision()
    assert hba(world).read_bytes().endswith(others)
    assert without_block(hba(world).read_bytes()) == others


def test_owner_and_mode_of_the_files_stay(world: World) -> None:
    before = hba(world).stat()
    world.provision()
    after = hba(world).stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)


def test_a_line_above_that_opens_a_way_in_is_drift_and_loses_its_place(provisioned: World) -> None:
    line = b"host all all 127.0.0.1/32 trust\n"
    hba(provisioned).write_bytes(line + hba(provisioned).read_bytes())
    provisioned.reload_files()
    with provisioned.over_tcp("crewai_main", "opskit_backup", None):
        pass
    assert provisioned.drift()[0] == (
        "pg_hba.conf: line 1 stands above opskit's: “host all all 127.0.0.1/32 trust”"
    )
    provisioned.provision()
    assert not provisioned.drift()
    assert line in hba(provisioned).read_bytes()
    for role, password in (("opskit_backup", None), ("crewai_user", "wrong")):
        with pytest.raises(psycopg.OperationalError):
            provisioned.over_tcp("crewai_main", role, password)


def test_a_removed_line_and_a_removed_block_are_drift(provisioned: World) -> None:
    written = hba(provisioned).read_bytes()
    for changed in (written.replace(b"::1/128", b"::/0", 1), without_block(written)):
        hba(provisioned).write_bytes(changed)
        assert provisioned.drift()
        provisioned.provision()
        assert hba(provisioned).read_bytes() == written


def test_a_file_that_was_written_and_not_yet_read_is_read(provisioned: World) -> None:
    hba(provisioned).write_bytes(hba(provisioned).read_bytes())
    (step,) = provisioned.plan()
    assert isinstance(step, ReloadAccess)
    provisioned.provision()
    assert not provisioned.drift()


def test_lines_that_the_server_cannot_read_never_stay(provisioned: World) -> None:
    before = hba(provisioned).read_bytes()
    effects = SqlEffects(lambda: provisioned.door)
    step = WriteAccess(File.HBA, ("local all",), ())
    with pytest.raises(QueryFailed, match="end-of-line before"):
        effects.perform(step)
    assert hba(provisioned).read_bytes() == before
    effects.revert(step)
    assert hba(provisioned).read_bytes() == before


def test_a_broken_line_of_others_stops_provision_and_says_where(provisioned: World) -> None:
    before = hba(provisioned).read_bytes()
    hba(provisioned).write_bytes(with_block(b"local all\n", ()))
    decided = decide_sql(provisioned.wanted, read_sql(provisioned.door, provisioned.wanted))
    (fault,) = decided.faults
    assert fault.message.startswith(f"{hba(provisioned)}: line 4: ")
    hba(provisioned).write_bytes(before)


def test_what_was_written_is_put_back_and_no_longer_in_force(world: World) -> None:
    before = hba(world).read_bytes()
    steps = world.plan()
    effects = world.provision()
    for step in reversed(steps):
        if isinstance(step, WriteAccess | ReloadAccess):
            effects.revert(step)
    assert hba(world).read_bytes() == before
    with world.by_peer("crewai_main", "opskit_backup"):  # the private cluster's own line trusts the socket
        pass


@pytest.mark.parametrize(
    ("mode", "owner", "named"),
    [
        (0o646, 0, "pg_hba.conf: mode: is 0646, shall be 0640"),
        (0o640, pwd.getpwnam("daemon").pw_uid, "pg_hba.conf: owner: is daemon, shall be postgres"),
    ],
)
def test_a_file_that_others_could_write_is_taken_from_them(
    provisioned: World, mode: int, owner: int, named: str
) -> None:
    about = hba(provisioned).stat()
    os.chown(hba(provisioned), owner, about.st_gid)
    hba(provisioned).chmod(mode)
    assert provisioned.drift() == [named, "pg_hba.conf is put there anew"]
    effects = provisioned.provision()
    assert not provisioned.drift()
    effects.revert(ProtectAccess(File.HBA, mode & 0o640, "postgres", (named,)))
    assert (hba(provisioned).stat().st_mode & 0o777, hba(provisioned).stat().st_uid) == (mode, owner)
