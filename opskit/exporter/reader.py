"""A database by its configured name, in whichever engine the application uses at this moment."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from opskit.config import Configuration, Engine, engine_in_use
from opskit.exporter.custom import CustomQuery
from opskit.exporter.postgresql import PostgresqlReader
from opskit.exporter.reading import Reading, probe
from opskit.exporter.sqlite import SqliteReader
from opskit.exporter.status_files import StatusFiles
from opskit.transfer.deadline import Deadline


class EngineLookup:
    """Which engine the application uses, as its `.env` says, or without one the exporter's own environment.

    The file is read again whenever it has changed: reading it takes as long as asking SQLite everything.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._file = configuration.application.env_file
        self._environ: Mapping[str, str] = {} if self._file else os.environ
        self._seen: tuple[tuple[int, ...] | None, Engine] | None = None

    def engine(self) -> Engine:
        """The engine at this moment.

        Raises:
            ConfigurationError: the file cannot be read, or names no engine.
        """
        stamp = _stamp(self._file)
        if stamp is None or self._seen is None or self._seen[0] != stamp:
            self._seen = (stamp, engine_in_use(self._configuration, self._environ))
        return self._seen[1]


class DatabaseReader:
    """Reads one database; the engine is looked up each time, so that a cutover needs no restart."""

    def __init__(
        self,
        configuration: Configuration,
        state_dir: Path,
        name: str,
        queries: Sequence[CustomQuery] = (),
    ) -> None:
        self._name = name
        self._lookup = EngineLookup(configuration)
        self._postgresql = PostgresqlReader(configuration, name, queries)
        self._sqlite = SqliteReader(name, configuration.databases[name].sqlite, queries)
        self._status_files = StatusFiles(configuration, state_dir, name)

    def read(self, deadline: Deadline) -> Reading:
        """The database as it is now; down, with the reason, when the engine is not known."""
        reading = self._read(deadline)
        return replace(reading, collectors=(*reading.collectors, *self._status_files.read()))

    def _read(self, deadline: Deadline) -> Reading:
        resolved, engine = probe("connect", self._lookup.engine)
        if engine is not Engine.POSTGRESQL:
            self._postgresql.release()
        match engine:
            case None:
                return Reading(self._name, None, up=False, probes=(resolved,))
            case Engine.SQLITE:
                return self._sqlite.read(deadline)
            case Engine.POSTGRESQL:
                return self._postgresql.read(deadline)

    def tidy(self) -> None:
        """Ends what the last reading does not need any more."""
        self._postgresql.tidy()

    def close(self) -> None:
        """Ends what is kept from one reading to the next."""
        self._postgresql.release()
        self._postgresql.tidy()


def _stamp(file: Path | None) -> tuple[int, ...] | None:
    """What changes with a file's content; None for one that is not there, or not to be seen."""
    try:
        about = file.stat() if file else None
    except OSError:
        return None
    return about and (about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
