"""The environment keys that the application already uses.

Source of names and defaults: the application's migration guide (docs/adapters.md lists them).
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from opskit.config.env_text import values
from opskit.config.model import Configuration, Database, Engine, Postgresql
from opskit.config.secrets import Secret
from opskit.errors import ConfigurationError


def from_environment(environ: Mapping[str, str] = os.environ) -> Configuration:
    """The configuration of an application that has only its environment.

    Raises:
        ConfigurationError: a port or pool size is not a number.
    """
    pool = _number(environ, "POSTGRES_MAX_CONNECTIONS", 20)
    main = environ.get("SQLITE_DATABASE_PATH") or environ.get("DATABASE_PATH") or "data/crewai_enhanced.db"
    walmart = (
        environ.get("WALMART_DB_PATH") or environ.get("WALMART_DATABASE_PATH") or "data/walmart_grocery.db"
    )
    return Configuration(
        databases={
            "main": Database(Path(main), environ.get("POSTGRES_DB") or "crewai_main", pool, "CrewAI-Main"),
            "walmart": Database(
                Path(walmart),
                environ.get("POSTGRES_WALMART_DB") or "crewai_walmart",
                min(pool, 15),
                "CrewAI-Walmart",
            ),
        },
        postgresql=Postgresql(
            host=environ.get("POSTGRES_HOST") or "localhost",
            port=_number(environ, "POSTGRES_PORT", 5432),
            user=environ.get("POSTGRES_USER"),
            password=Secret(env="POSTGRES_PASSWORD") if environ.get("POSTGRES_PASSWORD") else None,
            parameters={"sslmode": "require"} if environ.get("POSTGRES_SSL", "").lower() == "true" else {},
        ),
    )


def environment_key(configuration: Configuration, database: str) -> str:
    """The key in the application's `.env` that names a database: `provision.environment` says, or its name.

    `main` has the application's plain POSTGRES_DB, `walmart` its POSTGRES_WALMART_DB.
    """
    named = configuration.provision.environment.get(database)
    spelled = re.sub(r"[^A-Z0-9]", "_", database.upper())
    return named or ("POSTGRES_DB" if database == "main" else f"POSTGRES_{spelled}_DB")


def engine_in_use(configuration: Configuration, environ: Mapping[str, str] = os.environ) -> Engine:
    """The engine the application runs on: DATABASE_TYPE of its process, else of its `.env`, else SQLite.

    A variable of the process wins, as dotenv never overrides one. Reads the file anew at each call.

    Raises:
        ConfigurationError: the value is neither sqlite nor postgresql.
    """
    value, where = environ.get("DATABASE_TYPE"), "environment DATABASE_TYPE"
    file = configuration.application.env_file
    if value is None and file is not None:
        value, where = read_env_file(file).get("DATABASE_TYPE"), str(file)
    if not value:
        return Engine.SQLITE
    try:
        return Engine(value.lower())
    except ValueError:
        raise ConfigurationError.of(
            "database_type", f"DATABASE_TYPE is {value!r}", hint="use sqlite or postgresql", where=where
        ) from None


def application_password(configuration: Configuration, environ: Mapping[str, str] = os.environ) -> str | None:
    """The password that the application's process or its `.env` has for the role of the configuration.

    A variable of the process wins, as dotenv never overrides one. None when there is none, or another role's.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    file = configuration.application.env_file
    values = {**(read_env_file(file) if file else {}), **environ}
    if values.get("POSTGRES_USER", configuration.postgresql.user) != configuration.postgresql.user:
        return None
    return values.get("POSTGRES_PASSWORD") or None


def read_env_file(file: Path) -> Mapping[str, str]:
    """The assignments of a dotenv file; empty when it does not exist."""
    try:
        return values(file.read_text(encoding="utf-8", errors="replace"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError.of("env_file", f"{file}: {error.strerror}", where=str(file)) from error


def _number(environ: Mapping[str, str], key: str, default: int) -> int:
    text = environ.get(key, "").strip()
    if not text:
        return default
    if not text.isdigit():
        raise ConfigurationError.of(
            "environment",
            f"{key} is not a number: {text!r}",
            hint=f"set {key} to a number",
            where=f"environment {key}",
        )
    return int(text)
