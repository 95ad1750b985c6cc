"""The way back of each database, as it is configured."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from opskit.adapters.connect import postgresql_parameters
from opskit.config import Configuration, Secret
from opskit.runs.standby_state import directory_of, state_file
from opskit.schema.types import normalize

_MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class Window:
    """The way back of one database.

    Attributes:
        source: the SQLite file that the application had; where the first copy begins.
        file: the SQLite file that follows.
        status: where its state is told to others.
        reader: libpq parameters of the role that follows; `owner`: of the one that makes the publication.
        overrides: "table.column" → normalized PostgreSQL type.
        small: bytes up to which a database is compared whole each time.
        seconds: how long the way back stays open.
    """

    database: str
    source: Path
    file: Path
    status: Path
    reader: Mapping[str, str | int] = field(repr=False)
    owner: Mapping[str, str | int] = field(repr=False)
    schema: str = "public"
    fold: bool = False
    overrides: Mapping[str, str] = field(default_factory=dict[str, str])
    slot: str = "opskit"
    publication: str = "opskit"
    small: int = 0
    seconds: float = 0.0


def windows(configuration: Configuration, state_dir: Path) -> Iterator[Window]:
    """The ways back of all databases.

    Raises:
        ConfigurationError: a secret cannot be read.
    """
    directory, rollback = directory_of(configuration, state_dir), configuration.rollback
    roles = configuration.provision.roles
    for name, database in configuration.databases.items():
        overrides = configuration.migrate.overrides.get(name, {})
        slot = slot_name(name, database.postgresql, database.schema)
        yield Window(
            name,
            database.sqlite,
            directory / f"{name}.db",
            state_file(directory, name),
            _parameters(configuration, name, rollback.user or roles.standby, rollback.password),
            _parameters(configuration, name, roles.owner, None),
            database.schema,
            configuration.migrate.fold,
            {key: normalize(kind) for key, kind in overrides.items()},
            slot,
            slot,
            rollback.small * _MEGABYTE,
            rollback.window,
        )


def slot_name(name: str, database: str, schema: str) -> str:
    """A slot's name is known to the whole server, and made of few characters.

    >>> slot_name("main", "crewai_main", "public")
    'opskit_main_f14dbbd4'
    """
    digest = hashlib.sha256(f"{database}.{schema}.{name}".encode()).hexdigest()[:8]
    return f"opskit_{re.sub('[^a-z0-9_]', '_', name.lower())[:40]}_{digest}"


def _parameters(
    configuration: Configuration, name: str, role: str, password: Secret | None
) -> dict[str, str | int]:
    """As the application reaches the server, but as another role: never with the application's password."""
    rollback = configuration.rollback
    server = replace(configuration.postgresql, user=role, password=password)
    parameters = postgresql_parameters(replace(configuration, postgresql=server), name)
    host = {"host": rollback.host} if rollback.host else {}
    return {**parameters, **host, "application_name": "opskit standby"}
