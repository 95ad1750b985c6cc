"""Faults that no single value of a configuration has: they lie between its keys."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import cast

from opskit.config.backups import S3, Pgbackrest, Repository, Sftp
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
    if configuration.backup.pgbackrest is not None:
        yield from _pgbackrest(configuration, configuration.backup.pgbackrest)


def is_local(host: str) -> bool:
    """Does libpq's host mean this one?

    >>> is_local("/var/run/postgresql"), is_local("localhost"), is_local("db1,db2")
    (True, True, False)
    """
    return host.startswith(("/", "@")) or host in {"", "localhost", "127.0.0.1", "::1"}


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


def _pgbackrest(configuration: Configuration, wanted: Pgbackrest) -> Iterator[Fault]:
    path, repository = "backup.pgbackrest", wanted.repository
    elsewhere = [name for name, one in configuration.databases.items() if one.host or one.port]
    if elsewhere or not is_local(configuration.postgresql.host):
        names = f"the server of {', '.join(elsewhere)}" if elsewhere else configuration.postgresql.host
        yield _fault(path, f"{names} is not this host's", "back it up there; pgBackRest reads its files")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", wanted.stanza):
        yield _fault(f"{path}.stanza", f"{wanted.stanza!r} is no name", "use letters a to z, digits, - and _")
    places = [one for one in (repository.path, repository.s3, repository.sftp) if one is not None]
    if len(places) != 1:
        yield _fault(f"{path}.repository", "is one place", "name exactly one of path, s3, sftp")
    if repository.s3 is not None and bool(repository.s3.key) != bool(repository.s3.secret):
        yield _fault(f"{path}.repository.s3", "lacks half of its key", "name both key and secret, or neither")
    for place in (repository, repository.s3, repository.sftp):
        yield from _unfit_values(f"{path}.repository", place)


def _unfit_values(path: str, place: Repository | S3 | Sftp | None) -> Iterator[Fault]:
    """What pgBackRest's file could not hold in one line."""
    for item in fields(place) if place else ():
        value = str(cast("object", getattr(place, item.name)))
        if any(ord(letter) < 32 for letter in value):
            yield _fault(f"{path}.{item.name}", "holds a line break", "write it in one line")
        if item.type in (Path, Path | None) and value != "None" and not value.startswith("/"):
            yield _fault(f"{path}.{item.name}", f"{value} is not absolute", "let it begin with /")


def _fault(path: str, message: str, hint: str) -> Fault:
    return Fault("configuration", f"{path}: {message}", hint, path)
