"""SOURCE and TARGET on the command line, or the databases of the configuration, as one list of endpoints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import psycopg
from psycopg.conninfo import conninfo_to_dict

from opskit.adapters.connect import postgresql_parameters
from opskit.cli.command import Invocation
from opskit.config import Configuration, Misfits, TypesProfile, unfit_schema
from opskit.config.load import default_state_dir
from opskit.errors import ConfigurationError
from opskit.schema.types import SUPPORTED, is_supported, normalize

schema_option = click.option(
    "--schema",
    metavar="NAME",
    help="The schema of TARGET that holds the database (public); made when missing.",
)
fold_option = click.option(
    "--fold", is_flag=True, help="Names in lower case, which SQL without quotes finds; else kept exactly."
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A database on both sides; `target` holds the password and is kept out of every text.

    Attributes:
        heir: the role that gets what is made, when another one makes it.
    """

    name: str
    source: Path
    target: Mapping[str, str | int] | str = field(repr=False)
    target_name: str
    overrides: Mapping[str, str]
    schema: str
    heir: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What a call works on."""

    databases: tuple[Endpoint, ...]
    state_dir: Path
    backups: Path
    types: TypesProfile
    fold: bool
    misfits: Misfits


def endpoints(
    invocation: Invocation,
    source: str | None,
    target: str | None,
    names: Sequence[str],
    *,
    schema: str | None = None,
    fold: bool = False,
) -> Endpoints:
    """The endpoints a call names.

    Args:
        schema: where in TARGET; the configuration names it for its databases.

    Raises:
        ConfigurationError: SOURCE without TARGET, an unknown database name, a malformed target or schema.
    """
    if source is None and schema is not None:
        raise ConfigurationError.of(
            "usage",
            "--schema goes with SOURCE and TARGET",
            hint="set `schema:` below the database in the configuration",
        )
    if source is None:
        return _configured(invocation, names, fold=fold)
    if target is None or names:
        raise ConfigurationError.of(
            "usage",
            "SOURCE needs TARGET, and goes without --database",
            hint="opskit migrate app.db postgresql://user@host/db",
        )
    unfit = unfit_schema(schema) if schema is not None else ""
    if unfit:
        raise ConfigurationError.of(
            "schema", f"--schema: {unfit}", hint="choose another name", where="--schema"
        )
    path = _sqlite_path(source)
    state_dir = default_state_dir()
    one = Endpoint(path.stem or "database", path, target, _target_name(target), {}, schema or "public")
    return Endpoints((one,), state_dir, state_dir / "backups", TypesProfile.NATIVE, fold, Misfits.SET_ASIDE)


def _configured(invocation: Invocation, names: Sequence[str], *, fold: bool) -> Endpoints:
    loaded = invocation.configuration()
    configuration = loaded.configuration
    unknown = [name for name in names if name not in configuration.databases]
    if unknown:
        known = ", ".join(configuration.databases)
        raise ConfigurationError.of(
            "unknown_database", f"there is no database {unknown[0]}", hint=f"use one of: {known}"
        )
    chosen = [name for name in configuration.databases if not names or name in names]
    state_dir = loaded.state_dir()
    return Endpoints(
        tuple(_endpoint(configuration, name) for name in chosen),
        state_dir,
        configuration.backup.directory or state_dir / "backups",
        configuration.migrate.types,
        fold or configuration.migrate.fold,
        configuration.migrate.misfits,
    )


def _endpoint(configuration: Configuration, name: str) -> Endpoint:
    database, server = configuration.databases[name], configuration.postgresql
    overrides = {key: normalize(kind) for key, kind in configuration.migrate.overrides.get(name, {}).items()}
    for key, kind in overrides.items():
        if not is_supported(kind):
            raise ConfigurationError.of(
                "override",
                f"migrate.overrides.{name}.{key}: opskit cannot convert to {kind}",
                hint=f"use one of: {', '.join(SUPPORTED)}, numeric(p,s)",
                where=f"migrate.overrides.{name}.{key}",
            )
    where = f"{database.host or server.host}:{database.port or server.port}/{database.postgresql}"
    worker = configuration.migrate
    if worker.user is None:
        target = postgresql_parameters(configuration, name)
        return Endpoint(name, database.sqlite, target, where, overrides, database.schema)
    other = replace(server, user=worker.user, password=worker.password)
    target = postgresql_parameters(replace(configuration, postgresql=other), name)
    return Endpoint(name, database.sqlite, target, where, overrides, database.schema, server.user)


def _sqlite_path(source: str) -> Path:
    if source.startswith("sqlite:"):
        path = unquote(urlsplit(source).path)
        return Path(
            path.removeprefix("/") if path.startswith("//") or not source.startswith("sqlite:////") else path
        )
    return Path(source)


def _target_name(target: str) -> str:
    """The target without user and password."""
    try:
        parts = conninfo_to_dict(target)
    except psycopg.ProgrammingError:
        raise ConfigurationError.of(
            "target_malformed",
            "TARGET is no connection string",
            hint="write postgresql://user@host/database",
            where="TARGET",
        ) from None
    host, port = parts.get("host") or "localhost", parts.get("port") or 5432
    return f"{host}:{port}/{parts.get('dbname') or parts.get('user') or ''}"
