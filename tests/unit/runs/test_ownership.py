"""What root makes in a service's directory belongs to the service."""

import os
from pathlib import Path

import pytest

from opskit.runs.journal import Journal
from opskit.runs.lock import exclusive
from opskit.runs.ownership import hand_over

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give away")

SERVICE = 12345


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    os.chown(tmp_path, SERVICE, SERVICE)
    return tmp_path


def test_the_lock_and_the_journals_can_be_written_by_the_service_later(state_dir: Path) -> None:
    with exclusive(state_dir, "test"), Journal(state_dir / "runs", "test", "subject"):
        pass
    assert {(one.stat().st_uid, one.stat().st_gid) for one in state_dir.rglob("*")} == {(SERVICE, SERVICE)}


def test_a_link_that_the_service_has_put_there_is_not_followed(state_dir: Path) -> None:
    victim = state_dir.parent / f"{state_dir.name}-victim"
    victim.write_text("precious")
    link = state_dir / "lock"
    link.symlink_to(victim)
    hand_over(link, state_dir)
    assert victim.stat().st_uid == 0
    with pytest.raises(Exception, match="cannot be used"), exclusive(state_dir, "test"):
        pass
    assert victim.read_text() == "precious"
    victim.unlink()
