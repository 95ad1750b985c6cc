"""opskit: move an application off SQLite onto PostgreSQL, run it there, and come back with nothing lost."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opskit.adapters.adapter import Adapter, Limits
    from opskit.adapters.api import (
        Connection,
        Connections,
        Database,
        ExecuteResult,
        Health,
        Json,
        Metrics,
        Parameter,
        Parameters,
        Row,
        SlowQuery,
        Statement,
        Value,
    )
    from opskit.adapters.async_manager import AsyncDatabases
    from opskit.adapters.asynchronous import AsyncConnection, AsyncDatabase, AsyncStatement
    from opskit.adapters.manager import Databases, OverallHealth, open_database
    from opskit.adapters.postgresql import open_postgresql
    from opskit.adapters.sqlite import open_sqlite
    from opskit.config import Engine
    from opskit.errors import (
        ConfigurationError,
        ConnectionFailed,
        DatabaseError,
        OpskitError,
        QueryFailed,
        TransactionFailed,
    )

__version__ = "0.1.0"

__all__ = [
    "Adapter",
    "AsyncConnection",
    "AsyncDatabase",
    "AsyncDatabases",
    "AsyncStatement",
    "ConfigurationError",
    "Connection",
    "ConnectionFailed",
    "Connections",
    "Database",
    "DatabaseError",
    "Databases",
    "Engine",
    "ExecuteResult",
    "Health",
    "Json",
    "Limits",
    "Metrics",
    "OpskitError",
    "OverallHealth",
    "Parameter",
    "Parameters",
    "QueryFailed",
    "Row",
    "SlowQuery",
    "Statement",
    "TransactionFailed",
    "Value",
    "__version__",
    "open_database",
    "open_postgresql",
    "open_sqlite",
]

_HOMES = {
    "opskit.adapters.adapter": ("Adapter", "Limits"),
    "opskit.adapters.api": (
        *("Connection", "Connections", "Database", "ExecuteResult", "Health", "Json", "Metrics"),
        *("Parameter", "Parameters", "Row", "SlowQuery", "Statement", "Value"),
    ),
    "opskit.adapters.async_manager": ("AsyncDatabases",),
    "opskit.adapters.asynchronous": ("AsyncConnection", "AsyncDatabase", "AsyncStatement"),
    "opskit.adapters.manager": ("Databases", "OverallHealth", "open_database"),
    "opskit.adapters.postgresql": ("open_postgresql",),
    "opskit.adapters.sqlite": ("open_sqlite",),
    "opskit.config": ("Engine",),
    "opskit.errors": (
        *("ConfigurationError", "ConnectionFailed", "DatabaseError"),
        *("OpskitError", "QueryFailed", "TransactionFailed"),
    ),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name at its first use: `opskit --help` needs none of the drivers."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
