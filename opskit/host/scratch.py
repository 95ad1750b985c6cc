"""Scratch directories that nobody has to clean up after: removed at their end, or by the next run."""

import fcntl
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType

PREFIX, SUFFIX = "opskit-", ".scratch"
"""How the names of all scratch directories begin and end: nobody's clone of opskit looks like this."""

ENDINGS = (signal.SIGTERM, signal.SIGHUP)
"""Signals that end Python without unwinding; SIGINT raises KeyboardInterrupt by itself."""


@contextmanager
def scratch_directory(parent: Path | None = None) -> Generator[Path]:
    """A new directory of mode 0700, removed at the end, also when SIGTERM, SIGHUP or SIGINT ends the process.

    Its owner holds a lock on it. SIGKILL leaves a directory without a lock, which the next call removes.

    Args:
        parent: where it is made; the system's temporary directory when None.
    """
    parent = parent or Path(tempfile.gettempdir())
    remove_stale(parent)
    with unwinding(), ExitStack() as stack:
        with undisturbed():
            directory = _make(parent, stack)
        yield directory


def _make(parent: Path, stack: ExitStack) -> Path:
    """A locked directory; it is removed before its lock is let go, or others would remove it meanwhile."""
    while True:
        directory = Path(tempfile.mkdtemp(prefix=PREFIX, suffix=SUFFIX, dir=parent))
        with suppress(FileNotFoundError, BlockingIOError), ExitStack() as made:
            made.enter_context(_locked(directory))
            if directory.exists():  # nobody took it for stale before it was locked
                made.callback(_remove, directory)
                stack.push(made.pop_all())
                return directory


def remove_stale(parent: Path) -> None:
    """Remove the scratch directories whose owner is gone."""
    for directory in parent.glob(f"{PREFIX}*{SUFFIX}"):
        with suppress(OSError), _locked(directory):
            shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def unwinding() -> Generator[None]:
    """Let SIGTERM and SIGHUP raise KeyboardInterrupt, so that what was begun is undone.

    Only in the main thread, and only where nobody else has decided about the signal.
    """
    mine = [number for number in ENDINGS if signal.getsignal(number) is signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        mine = []
    for number in mine:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def undisturbed() -> Generator[None]:
    """Hold signals back until the block is done: a second Ctrl-C must not stop the cleaning up."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, *ENDINGS})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _locked(directory: Path) -> Generator[None]:
    """Hold the directory's lock.

    Raises:
        OSError: another process holds it, or it is not a directory of ours.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _remove(directory: Path) -> None:
    with undisturbed():
        shutil.rmtree(directory)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)
