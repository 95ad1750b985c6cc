"""A backup is complete and known by its digest, or not there at all."""

import hashlib
import os
from pathlib import Path

import pytest

from opskit.transfer.backup import discard, keep


def test_a_copy_that_is_kept_has_a_name_of_its_own_and_is_known_by_its_digest(tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_bytes(b"content")
    kept = keep(tmp_path / "copy.db", tmp_path / "backup.db")
    assert (kept.file, kept.size) == (tmp_path / "backup.db", 7)
    assert kept.sha256 == hashlib.sha256(b"content").hexdigest()
    (tmp_path / "copy.db").unlink()
    assert (tmp_path / "backup.db").read_bytes() == b"content"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_keeps_belongs_to_whom_the_directory_belongs(tmp_path: Path) -> None:
    kept = tmp_path / "backups"
    kept.mkdir()
    os.chown(kept, 65534, 65534)
    (tmp_path / "copy.db").touch()
    keep(tmp_path / "copy.db", kept / "backup.db")
    assert (kept / "backup.db").stat().st_uid == 65534


def test_a_copy_that_cannot_be_kept_is_no_backup(tmp_path: Path) -> None:
    (tmp_path / "copy.db").touch()
    with pytest.raises(FileNotFoundError):
        keep(tmp_path / "copy.db", tmp_path / "no" / "backup.db")


@pytest.mark.parametrize("path", ["backup.db", "nothing.db", "no/backup.db", "file/backup.db"])
def test_a_backup_is_discarded_whether_it_is_there_or_not(tmp_path: Path, path: str) -> None:
    for name in ("backup.db", "file"):
        (tmp_path / name).touch()
    discard(tmp_path / path)
    assert not (tmp_path / path).exists()
