"""Logging to stderr: text or JSON lines, with journald's priorities under systemd."""

import json
import logging
import os
import sys
from datetime import UTC, datetime

_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"""sd-daemon(3): `<N>` before a line gives its priority."""


class _Text(logging.Formatter):
    def __init__(self, *, priorities: bool) -> None:
        super().__init__("%(message)s" if priorities else "%(asctime)s %(levelname)s %(message)s")
        self._priorities = priorities

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return f"<{_PRIORITY.get(record.levelno, 6)}>{text}" if self._priorities else text


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat()
        return json.dumps({"at": at, "level": record.levelname.lower(), "message": record.getMessage()})


def configure_logging(level: int, log_format: str) -> None:
    """Sets up the root logger; called once by the command line, never by the library."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Json() if log_format == "json" else _Text(priorities="JOURNAL_STREAM" in os.environ)
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
