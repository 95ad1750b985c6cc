"""Logging to stderr: text or JSON lines, with journald's priorities under systemd."""

import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"""sd-daemon(3): `<N>` before a line gives its priority."""


class _Text(logging.Formatter):
    def __init__(self, *, dated: bool) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s" if dated else "%(message)s")


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat()
        return json.dumps({"at": at, "level": record.levelname.lower(), "message": record.getMessage()})


class _Prioritised(logging.Formatter):
    """What another formatter makes, each line with its priority, which journald takes off again."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        mark = priority_mark(record.levelno)
        return "\n".join(f"{mark}{line}" for line in self._inner.format(record).splitlines())


def configure_logging(level: int, log_format: str) -> None:
    """Sets up the root logger; called once by the command line, never by the library."""
    journal = is_journal(sys.stderr, os.environ)
    formatter = _Json() if log_format == "json" else _Text(dated=not journal)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Prioritised(formatter) if journal else formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)


def priority_mark(level: int) -> str:
    """What journald takes off the beginning of a line, and goes by.

    >>> priority_mark(logging.ERROR)
    '<3>'
    """
    return f"<{_PRIORITY.get(level, 6)}>"


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether this very stream leads to journald: terminals and redirections inherit the variable as well."""
    try:
        about = os.fstat(stream.fileno())
    except (OSError, ValueError):  # closed, or no file at all
        return False
    return environ.get("JOURNAL_STREAM") == f"{about.st_dev}:{about.st_ino}"
