"""Files are written whole, keep the access they shall have, and lead root's hand nowhere."""

import os
import pwd
from pathlib import Path

import pytest

from opskit.errors import Refused
from opskit.host.files import FileFailed, read_state, remove, write_whole

ME = pwd.getpwuid(os.geteuid()).pw_name
MY_GROUP = str(os.getegid())
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs files of another account")


def write(file: Path, content: bytes, mode: int = 0o640) -> None:
    write_whole(file, content, mode=mode, owner=ME, group=MY_GROUP)


def test_a_file_is_made_with_the_access_it_shall_have(tmp_path: Path) -> None:
    write(tmp_path / "new", b"content", 0o604)
    state = read_state(tmp_path / "new")
    assert state is not None
    assert (state.content, state.mode, state.owner) == (b"content", 0o604, ME)
    assert list(tmp_path.iterdir()) == [tmp_path / "new"]


def test_what_is_not_there_has_no_state(tmp_path: Path) -> None:
    assert read_state(tmp_path / "none") is None
    remove(tmp_path / "none")


def test_a_reader_that_has_the_file_open_keeps_the_old_bytes(tmp_path: Path) -> None:
    write(tmp_path / "file", b"old")
    with (tmp_path / "file").open("rb") as reader:
        write(tmp_path / "file", b"new and longer")
        assert reader.read() == b"old"


def test_what_a_killed_write_has_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".file.opskit").write_bytes(b"half")
    write(tmp_path / "file", b"whole")
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"file": b"whole"}


def test_a_failed_write_leaves_the_file_and_nothing_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "file", b"old")
    with pytest.raises(FileFailed, match=r"file cannot be written: .*nobody_of_this_name"):
        write_whole(tmp_path / "file", b"new", mode=0o600, owner="nobody_of_this_name", group=MY_GROUP)
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"file": b"old"}


def test_a_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    write(tmp_path / "shared/env", b"old")
    (tmp_path / ".env").symlink_to("shared/env")
    write(tmp_path / ".env", b"new")
    assert (tmp_path / ".env").is_symlink()
    assert (tmp_path / "shared/env").read_bytes() == b"new"


@as_root
def test_a_link_of_the_applications_to_a_file_of_roots_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "secret", b"of root", 0o600)
    (tmp_path / ".env").symlink_to("secret")
    os.lchown(tmp_path / ".env", 65534, 65534)
    for attempt in (lambda file: write(file, b"x"), read_state):
        with pytest.raises(Refused, match=r"\.env is a link of nobody"):
            attempt(tmp_path / ".env")
    assert (tmp_path / "secret").read_bytes() == b"of root"


@as_root
def test_owner_group_and_mode_are_changed_together(tmp_path: Path) -> None:
    write(tmp_path / "file", b"", 0o644)
    write_whole(tmp_path / "file", b"", mode=0o640, owner="nobody", group="nogroup")
    state = read_state(tmp_path / "file")
    assert state is not None
    assert (state.mode, state.owner, state.group) == (0o640, "nobody", "nogroup")


@as_root
def test_accounts_without_a_name_are_numbers(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", b"", mode=0o600, owner="54321", group="54321")
    state = read_state(tmp_path / "file")
    assert state is not None
    assert (state.owner, state.group) == ("54321", "54321")


def test_content_is_never_shown(tmp_path: Path) -> None:
    write(tmp_path / "file", b"hunter2")
    assert "hunter2" not in repr(read_state(tmp_path / "file"))
