"""One writer at a time: a lock on the state directory that dies with its process."""

import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from opskit.errors import Busy, ConfigurationError
from opskit.runs.ownership import hand_over


@contextmanager
def exclusive(state_dir: Path, command: str) -> Generator[None]:
    """Holds the state directory for the block.

    Raises:
        Busy: another process holds it; the message names its pid and command.
        ConfigurationError: the directory cannot be written.
    """
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(state_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _unusable(state_dir, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(os.pread(descriptor, 4096, 0)) from None
        try:
            hand_over(descriptor, state_dir)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "command": command}).encode(), 0)
        except OSError as error:  # a full disk
            raise _unusable(state_dir, error) from error
        yield
    finally:
        os.close(descriptor)  # releases the lock; the file stays, so that no two lock files can exist


def _unusable(state_dir: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError.of(
        "state_dir",
        f"the state directory {state_dir} cannot be used: {error.strerror}",
        hint="set state_dir in the configuration, or OPSKIT_STATE_DIR, to a writable directory with room",
        where=str(state_dir),
    )


def _busy(content: bytes) -> Busy:
    try:
        holder = cast("dict[str, object]", json.loads(content))
    except json.JSONDecodeError:  # the holder has the lock but has not written yet
        holder = {}
    pid, command = holder.get("pid", "unknown"), holder.get("command", "unknown")
    return Busy.of(
        "busy",
        f"another opskit run holds the state directory: pid {pid}, opskit {command}",
        hint="wait for it to end, or interrupt it",
        where=f"pid {pid}",
    )
