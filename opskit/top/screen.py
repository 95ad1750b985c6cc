"""The terminal: a screen of its own that is drawn anew, and keys that need no Enter."""

import os
import select
import shutil
import sys
import termios
import time
import tty
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from opskit.top.eyes import Eye
from opskit.top.layout import clipped, lines
from opskit.top.ranking import Sort, following

QUIT = frozenset({"q", "Q", "\x1b", ""})
"""Keys that end it; an empty one is that of a terminal that has gone."""

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _TO_LINE_END, _TO_END = "\x1b[H", "\x1b[K", "\x1b[J"


def watch(opened: Sequence[Eye], sort: Sort, limit: int, interval: float) -> None:
    """Shows what is seen every `interval` seconds, until somebody presses q or Ctrl-C."""
    with _own_screen():
        while True:
            for one in opened:
                one.look()
            until = time.monotonic() + interval
            while True:
                _draw(opened, sort, limit, interval)
                key = _key(max(0.0, until - time.monotonic()))
                if key is None:
                    break
                if key in QUIT:
                    return
                sort = following(sort) if key == "s" else sort


def _draw(opened: Sequence[Eye], sort: Sort, limit: int, interval: float) -> None:
    """What does not fit below is left out; the last line says what the keys do."""
    width, height = shutil.get_terminal_size()
    body = lines([one.view(sort, limit) for one in opened], sort, width)
    foot = f"{time.strftime('%H:%M:%S')}, every {interval:g} s · q quits · s sorts, now by {sort.value}"
    shown = [*body[: height - 1], clipped(foot, width)]
    sys.stdout.write(_HOME + "\n".join(f"{line}{_TO_LINE_END}" for line in shown) + _TO_END)
    sys.stdout.flush()


def _key(seconds: float) -> str | None:
    """The key that is pressed within so many seconds."""
    readable, _, _ = select.select([sys.stdin], [], [], seconds)
    return os.read(sys.stdin.fileno(), 16).decode(errors="replace") if readable else None


@contextmanager
def _own_screen() -> Generator[None]:
    """Lets keys through at once, and gives the terminal back as it was."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        sys.stdout.write(_ENTER)
        yield
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
