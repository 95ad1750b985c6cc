"""All databases of a configuration by name, for asyncio."""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from opskit.adapters.api import Health, Metrics
from opskit.adapters.asynchronous import AsyncDatabase
from opskit.adapters.manager import Databases, OverallHealth


class AsyncDatabases(Mapping[str, AsyncDatabase]):
    """Named databases for asyncio. One event loop at a time may use them.

    Example:
        async with AsyncDatabases.open() as databases:
            await databases["main"].query("SELECT * FROM users WHERE id = ?", ["u1"])
    """

    def __init__(self, databases: Databases) -> None:
        self._sync = databases
        self._databases = {name: AsyncDatabase(database) for name, database in databases.items()}

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
        """As `Databases.open`."""
        return cls(
            Databases.open(
                config_file,
                environ,
                wait_seconds=wait_seconds,
                slow_query_seconds=slow_query_seconds,
                statement_timeout_seconds=statement_timeout_seconds,
            )
        )

    def __getitem__(self, name: str) -> AsyncDatabase:
        if name not in self._databases:
            raise KeyError(f"no database {name!r}; there are: {', '.join(self._databases)}")
        return self._databases[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._databases)

    def __len__(self) -> int:
        return len(self._databases)

    async def health(self) -> OverallHealth:
        """Probe every database, side by side."""
        checks = await asyncio.gather(*(one.health_check() for one in self._databases.values()))
        found = dict(zip(self._databases, checks, strict=True))
        return OverallHealth(all(one.healthy for one in checks), found)

    async def metrics(self) -> Mapping[str, Metrics]:
        """The metrics of every database."""
        found = await asyncio.gather(*(one.metrics() for one in self._databases.values()))
        return dict(zip(self._databases, found, strict=True))

    def watch(self, interval_seconds: float, on_change: Callable[[str, Health], None]) -> None:
        """As `Databases.watch`; `on_change` is called in the running event loop."""
        loop = asyncio.get_running_loop()

        def tell(name: str, health: Health) -> None:
            loop.call_soon_threadsafe(on_change, name, health)

        self._sync.watch(interval_seconds, tell)

    async def close(self, timeout_seconds: float = 10.0) -> None:
        """Refuse new work, wait for running work, interrupt what is left, close. May be called again."""
        await asyncio.to_thread(self._sync.close, timeout_seconds)
        await asyncio.gather(*(one.close(timeout_seconds) for one in self._databases.values()))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
