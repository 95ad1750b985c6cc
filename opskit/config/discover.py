"""A first configuration from what lies about: the application's `.env`, and SQLite files beside it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from opskit.config.draft import first_user
from opskit.config.environment import from_environment, read_env_file
from opskit.config.model import Application, Configuration, Database, Postgresql

_MAGIC = b"SQLite format 3\0"
_KNOWN_KEYS = ("SQLITE_DATABASE_PATH", "DATABASE_PATH", "WALMART_DB_PATH", "WALMART_DATABASE_PATH")
_LOCAL = ("localhost", "127.0.0.1", "::1")
_SOCKET_DIRECTORY = "/var/run/postgresql"
_OTHERS = ("node_modules", "backups")
"""Directories whose SQLite files are not the application's databases."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a configuration can be written from.

    Attributes:
        aside: SQLite files that were found and that the configuration does not name.
        guessed: the SQLite files that it names were not found; they are the first user's.
    """

    configuration: Configuration
    aside: tuple[Path, ...]
    guessed: bool


def discover(base: Path, env_file: Path | None, unit: str | None) -> Discovery:
    """The configuration of the application that lives in `base`, an absolute directory.

    An application that says or has what the guide names keeps its two databases; of any other, each SQLite
    file in `base` or one directory below is a database.

    Raises:
        ConfigurationError: the `.env` file cannot be read, or has a port or pool size that is no number.
    """
    environ: Mapping[str, str] = read_env_file(env_file) if env_file is not None else {}
    known = from_environment(environ)
    files = tuple(sqlite_files(base))
    databases, guessed = _databases(base, environ, known.databases, files)
    named = {one.sqlite for one in databases.values()}
    configuration = replace(
        known,
        application=Application(env_file, unit),
        databases=databases,
        postgresql=_server(known.postgresql),
    )
    return Discovery(configuration, tuple(file for file in files if file not in named), guessed)


def sqlite_files(base: Path) -> Iterator[Path]:
    """The SQLite databases in a directory and one below it, hidden ones and backups left out."""
    for file in sorted((*base.glob("[!.]*"), *base.glob("[!.]*/[!.]*"))):
        foreign = file.parent != base and file.parent.name in _OTHERS
        if not foreign and file.is_file() and _is_sqlite(file):
            yield file


def _is_sqlite(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(len(_MAGIC)) == _MAGIC
    except PermissionError:  # not the operator's, hence not what is looked for
        return False


def _databases(
    base: Path, environ: Mapping[str, str], known: Mapping[str, Database], files: tuple[Path, ...]
) -> tuple[Mapping[str, Database], bool]:
    rooted = {name: replace(one, sqlite=base / one.sqlite) for name, one in known.items()}
    if any(environ.get(key) for key in _KNOWN_KEYS) or any(one.sqlite in files for one in rooted.values()):
        return rooted, False
    if not files:
        return (rooted if environ else first_user().databases), True
    return {name: Database(file, name) for name, file in _named(files)}, False


def _named(files: tuple[Path, ...]) -> Iterator[tuple[str, Path]]:
    """Each file with a name made of its own, fit for a PostgreSQL database and used once."""
    used: set[str] = set()
    for file in files:
        stem = re.sub(r"\W+", "_", file.stem.lower(), flags=re.ASCII).strip("_")[:50] or "database"
        name = next(one for one in _candidates(stem) if one not in used)
        used.add(name)
        yield name, file


def _candidates(stem: str) -> Iterator[str]:
    yield stem
    yield from (f"{stem}_{number}" for number in count(2))


def _server(known: Postgresql) -> Postgresql:
    """On this host by its socket, where opskit is known by its account and needs no password."""
    user = known.user or first_user().postgresql.user
    if known.host in _LOCAL:
        return Postgresql(host=_SOCKET_DIRECTORY, port=known.port, user=user)
    return replace(known, user=user)
