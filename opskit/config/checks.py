"""Faults that no single value of a configuration has: they lie between its keys."""

from collections.abc import Iterator

from opskit.config.model import Configuration, Database
from opskit.errors import Fault

_MAX_BYTES = 63
"""NAMEDATALEN - 1, a compile-time constant of PostgreSQL."""


def faults(configuration: Configuration) -> Iterator[Fault]:
    """Everything that is wrong with a configuration whose values are each in order."""
    if not configuration.databases:
        yield _fault("databases", "names no database", "add one below `databases:`")
    if "password" in configuration.postgresql.parameters:
        path = "postgresql.parameters.password"
        yield _fault(path, "holds a secret", "name its place below `postgresql.password`")
    application = configuration.application
    if bool(application.stop) != bool(application.start):
        missing = "application.start" if application.stop else "application.stop"
        yield _fault(missing, "is missing", "name both commands, or neither")
    if application.stop and application.unit:
        yield _fault("application.unit", "and application.stop exclude each other", "take one of them out")
    for name, database in configuration.databases.items():
        unfit = unfit_schema(database.schema)
        if unfit:
            yield _fault(f"databases.{name}.schema", unfit, "choose another name")
    yield from _shared_schemas(configuration)


def unfit_schema(name: str) -> str:
    """Why no database can be in a PostgreSQL schema of this name; empty when one can.

    >>> unfit_schema("walmart")
    ''
    >>> unfit_schema("pg_app")
    "schema 'pg_app' is PostgreSQL's own"
    """
    if name.startswith("pg_") or name == "information_schema":
        return f"schema {name!r} is PostgreSQL's own"
    if name.startswith("opskit_staging"):
        return f"schema {name!r} is where opskit builds"
    if not name or "\0" in name or len(name.encode("utf-8", "surrogatepass")) > _MAX_BYTES:
        return f"a schema's name has 1 to {_MAX_BYTES} bytes"
    return ""


def _shared_schemas(configuration: Configuration) -> Iterator[Fault]:
    owners: dict[tuple[str, int, str, str], str] = {}
    for name, database in configuration.databases.items():
        owner = owners.setdefault(_place(configuration, database), name)
        if owner != name:
            yield _fault(
                f"databases.{name}.schema",
                f"{owner} is in schema {database.schema!r} of database {database.postgresql!r} already",
                f"give {name} or {owner} a `schema:` of its own",
            )


def _place(configuration: Configuration, database: Database) -> tuple[str, int, str, str]:
    server = configuration.postgresql
    return database.host or server.host, database.port or server.port, database.postgresql, database.schema


def _fault(path: str, message: str, hint: str) -> Fault:
    return Fault("configuration", f"{path}: {message}", hint, path)
