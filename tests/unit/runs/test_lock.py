"""One writer at a time: a second one learns who the first is, and a killed holder holds nothing."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opskit.errors import Busy, ConfigurationError, ExitCode
from opskit.host.commands import Child
from opskit.runs.lock import exclusive

HOLDER = """
import sys, time
from pathlib import Path
from opskit.runs.lock import exclusive

with exclusive(Path(sys.argv[1]), "migrate"):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def holder(state_dir: Path, log: Path) -> Iterator[Child]:
    """Another process that holds the lock."""
    child = Child([sys.executable, "-c", HOLDER, state_dir], log=log)
    try:
        while "held" not in log.read_text():
            assert child.wait(0.02) is None, log.read_text()
        yield child
    finally:
        child.kill()


def test_a_second_process_is_told_the_pid_and_command_of_the_first(tmp_path: Path) -> None:
    with (
        holder(tmp_path / "state", tmp_path / "log") as other,
        pytest.raises(Busy, match=f"pid {other.pid}, opskit migrate") as caught,
        exclusive(tmp_path / "state", "verify"),
    ):
        pass
    assert caught.value.exit_code is ExitCode.BUSY


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    with holder(tmp_path, tmp_path / "log") as other:
        other.kill()
        with exclusive(tmp_path, "migrate"):
            assert str(os.getpid()) in (tmp_path / "lock").read_text()


def test_the_lock_is_free_after_the_block_however_it_ends(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), exclusive(tmp_path, "migrate"):
        raise KeyboardInterrupt
    with exclusive(tmp_path, "migrate"), pytest.raises(Busy), exclusive(tmp_path, "migrate"):
        pass
    with exclusive(tmp_path, "migrate"):
        pass


@pytest.mark.parametrize("content", [b"", b"{"])
def test_a_holder_that_has_not_written_its_name_yet_is_unknown(tmp_path: Path, content: bytes) -> None:
    with exclusive(tmp_path, "migrate"):
        (tmp_path / "lock").write_bytes(content)
        with pytest.raises(Busy, match="unknown"), exclusive(tmp_path, "migrate"):
            pass


def test_a_state_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(ConfigurationError, match="cannot be used") as caught,
        exclusive(tmp_path / "file" / "state", "migrate"),
    ):
        pass
    assert str(tmp_path) in str(caught.value)
    assert "OPSKIT_STATE_DIR" in caught.value.faults[0].hint


def test_the_state_directory_is_its_owners_alone(tmp_path: Path) -> None:
    with exclusive(tmp_path / "new" / "state", "migrate"):
        assert (tmp_path / "new" / "state").stat().st_mode & 0o777 == 0o700
