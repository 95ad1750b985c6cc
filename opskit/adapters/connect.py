"""How a PostgreSQL database of the configuration is reached: one set of libpq parameters for every room."""

import os
from collections.abc import Mapping

from opskit.config import Configuration, read_secret
from opskit.errors import ConfigurationError

CONNECT_TIMEOUT_SECONDS = 5
"""libpq tries each address of a host for this long."""

KEEPALIVES: Mapping[str, int] = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
"""A peer that vanished without a word is noticed within a minute (the kernel's default is two hours)."""


def postgresql_parameters(
    configuration: Configuration, name: str, environ: Mapping[str, str] = os.environ
) -> dict[str, str | int]:
    """The libpq connection parameters of the database called `name` in the configuration.

    `postgresql.parameters` of the configuration wins over every default set here. The result holds the
    password: hand it to `psycopg.connect(**parameters)`, and never to a log or an error.

    Raises:
        ConfigurationError: there is no such database, or its password cannot be read.
    """
    database = configuration.databases.get(name)
    if database is None:
        raise ConfigurationError.of(
            "unknown_database",
            f"the configuration names no database {name!r}",
            hint=f"use one of: {', '.join(sorted(configuration.databases))}",
            where=name,
        )
    server = configuration.postgresql
    options = _search_path(database.schema, server.parameters.get("options", ""))
    password = read_secret(server.password, environ)
    return {
        "host": database.host or server.host,
        "port": database.port or server.port,
        "dbname": database.postgresql,
        **({"user": server.user} if server.user else {}),
        **({"password": password} if password is not None else {}),
        "application_name": database.application_name or name,
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        **KEEPALIVES,
        **server.parameters,
        **({"options": options} if options else {}),
    }


def _search_path(schema: str, options: str) -> str:
    r"""The server options with which unqualified names are those of the schema, and of no other database's.

    >>> _search_path("public", "-cgeqo=off")
    '-cgeqo=off'
    >>> _search_path("Wal mart", "-cgeqo=off")
    '-cgeqo=off -csearch_path="Wal\\ mart"'
    """
    if schema == "public":
        return options
    name = '"' + schema.replace('"', '""') + '"'
    escaped = "".join(f"\\{one}" if one == "\\" or one.isspace() else one for one in name)
    return f"{options} -csearch_path={escaped}".lstrip()
