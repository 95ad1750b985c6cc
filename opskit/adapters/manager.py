"""All databases of a configuration by name: opened together, watched together, closed together."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from opskit.adapters.adapter import Limits
from opskit.adapters.api import Database, Health, Metrics
from opskit.adapters.connect import postgresql_parameters
from opskit.adapters.monitor import HealthMonitor
from opskit.adapters.postgresql import open_postgresql
from opskit.adapters.sqlite import open_sqlite
from opskit.config import (
    Configuration,
    Engine,
    application_password,
    engine_in_use,
    from_environment,
    load,
    locate,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OverallHealth:
    """The health of each database, and of all: healthy when every one is."""

    healthy: bool
    databases: Mapping[str, Health]


def open_database(
    configuration: Configuration,
    name: str,
    engine: Engine,
    *,
    environ: Mapping[str, str] = os.environ,
    wait_seconds: float = 10.0,
    slow_query_seconds: float = 1.0,
    statement_timeout_seconds: float = 0.0,
) -> Database:
    """The database called `name`, on the engine named. Connects to nothing yet.

    Raises:
        ConfigurationError: there is no such database, or its password cannot be read.
    """
    parameters = postgresql_parameters(configuration, name, environ) if engine is Engine.POSTGRESQL else {}
    database = configuration.databases[name]
    limits = Limits(database.pool, wait_seconds, slow_query_seconds, statement_timeout_seconds)
    if engine is Engine.POSTGRESQL:
        if "password" not in parameters and (own := application_password(configuration, environ)):
            parameters["password"] = own  # an application that runs by this configuration has it in its .env
        return open_postgresql(parameters, name=name, limits=limits)
    return open_sqlite(database.sqlite, name=name, limits=limits)


class Databases(Mapping[str, Database]):
    """Named databases.

    Example:
        with Databases.open() as databases:
            databases["main"].query("SELECT * FROM users WHERE id = ?", ["u1"])
    """

    def __init__(self, databases: Mapping[str, Database]) -> None:
        self._databases = dict(databases)
        self._monitors: list[HealthMonitor] = []

    @classmethod
    def open(
        cls,
        config_file: Path | None = None,
        environ: Mapping[str, str] = os.environ,
        *,
        wait_seconds: float = 10.0,
        slow_query_seconds: float = 1.0,
        statement_timeout_seconds: float = 0.0,
    ) -> Self:
        """The databases of the configuration file if there is one, else of the application's environment.

        DATABASE_TYPE chooses the engine. Connects to nothing yet: a server that is down shows at the first
        statement, and in `health`.

        Args:
            config_file: else $OPSKIT_CONFIG, ./opskit.yaml, /etc/opskit/opskit.yaml.
            wait_seconds: how long a caller waits for a connection while all are in use.
            slow_query_seconds: a statement that takes this long is kept in the metrics and logged.
            statement_timeout_seconds: a statement that takes this long fails; 0 for never.

        Raises:
            ConfigurationError: the configuration has faults.
        """
        file = locate(config_file, environ)
        configuration = load(file, environ).configuration if file else from_environment(environ)
        engine = engine_in_use(configuration, environ)
        return cls(
            {
                name: open_database(
                    configuration,
                    name,
                    engine,
                    environ=environ,
                    wait_seconds=wait_seconds,
                    slow_query_seconds=slow_query_seconds,
                    statement_timeout_seconds=statement_timeout_seconds,
                )
                for name in configuration.databases
            }
        )

    def __getitem__(self, name: str) -> Database:
        if name not in self._databases:
            raise KeyError(f"no database {name!r}; there are: {', '.join(self._databases)}")
        return self._databases[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._databases)

    def __len__(self) -> int:
        return len(self._databases)

    def health(self) -> OverallHealth:
        """Probe every database, side by side."""
        found = self._each(lambda database: database.health_check())
        return OverallHealth(all(one.healthy for one in found.values()), found)

    def metrics(self) -> Mapping[str, Metrics]:
        """The metrics of every database."""
        return self._each(lambda database: database.metrics())

    def watch(self, interval_seconds: float, on_change: Callable[[str, Health], None]) -> None:
        """Probe every database at an interval, in a thread that ends with `close`.

        Args:
            on_change: called in that thread with name and health of a database, at its first probe and
                whenever `healthy` has changed. An exception of it ends the probing (threading.excepthook).
        """
        self._monitors.append(HealthMonitor(lambda: self.health().databases, interval_seconds, on_change))

    def close(self, timeout_seconds: float = 10.0) -> None:
        """Refuse new work, wait for running work, interrupt what is left, close. May be called again."""
        for monitor in self._monitors:
            monitor.close()
        self._monitors.clear()
        self._each(lambda database: database.close(timeout_seconds))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _each(self, work: Callable[[Database], T]) -> dict[str, T]:
        with ThreadPoolExecutor(max(1, len(self._databases))) as threads:
            return dict(zip(self._databases, threads.map(work, self._databases.values()), strict=True))
