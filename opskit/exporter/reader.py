"""A database by its configured name, in whichever engine the application uses at this moment."""

import os
from collections.abc import Mapping

from opskit.config import Configuration, Engine, engine_in_use
from opskit.exporter import sqlite
from opskit.exporter.postgresql import PostgresqlReader
from opskit.exporter.reading import Deadline, Reading, probe


class DatabaseReader:
    """Reads one database; the engine is looked up anew each time, so that a cutover needs no restart.

    The application's `.env` says which; only without one the exporter's own environment does.
    """

    def __init__(self, configuration: Configuration, name: str) -> None:
        self._configuration = configuration
        self._name = name
        self._environ: Mapping[str, str] = {} if configuration.application.env_file else os.environ
        self._postgresql = PostgresqlReader(configuration, name)

    def read(self, deadline: Deadline) -> Reading:
        """The database as it is now; down, with the reason, when the engine is not known."""
        resolved, engine = probe("connect", lambda: engine_in_use(self._configuration, self._environ))
        if engine is not Engine.POSTGRESQL:
            self._postgresql.release()
        match engine:
            case None:
                return Reading(self._name, None, up=False, probes=(resolved,))
            case Engine.SQLITE:
                return sqlite.read(self._name, self._configuration.databases[self._name].sqlite, deadline)
            case Engine.POSTGRESQL:
                return self._postgresql.read(deadline)

    def close(self) -> None:
        """Ends what is kept from one reading to the next."""
        self._postgresql.release()
