"""Scratch directories belong to their owner until they are gone, and to the next run when the owner is."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from opskit.host import scratch
from opskit.host.scratch import remove_stale, scratch_directory


def test_a_directory_is_there_for_its_owner_and_gone_afterwards(tmp_path: Path) -> None:
    with scratch_directory(tmp_path) as directory:
        (directory / "file").touch()
        assert directory.parent == tmp_path
        remove_stale(tmp_path)
        assert (directory / "file").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_directory_without_an_owner_is_removed_by_the_next_call(tmp_path: Path) -> None:
    left = tmp_path / "opskit-left.scratch"
    left.mkdir()
    (left / "file").touch()
    with scratch_directory(tmp_path) as directory:
        assert list(tmp_path.iterdir()) == [directory]


def test_nobody_else_removes_a_directory_while_its_owner_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removing = shutil.rmtree

    def disturbed(directory: Path, *, ignore_errors: bool = False) -> None:
        if not ignore_errors:  # the owner
            remove_stale(tmp_path)
        removing(directory, ignore_errors=ignore_errors)

    monkeypatch.setattr(scratch.shutil, "rmtree", disturbed)
    with scratch_directory(tmp_path) as directory:
        (directory / "file").touch()
    assert list(tmp_path.iterdir()) == []


def test_many_at_once_are_never_in_each_others_way(tmp_path: Path) -> None:
    def use(_number: int) -> None:
        for _ in range(50):
            with scratch_directory(tmp_path) as directory:
                (directory / "file").touch()

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(use, range(8)))) == 8
    assert list(tmp_path.iterdir()) == []
