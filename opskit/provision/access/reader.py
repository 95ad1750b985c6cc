"""Reads roles, databases, rights and access files. Never changes anything."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, cast

from opskit.errors import ConnectionFailed
from opskit.host.files import read_state
from opskit.provision.access.databases import (
    FENCED,
    DatabaseFacts,
    Owned,
    Relation,
    SchemaFacts,
    governed_schemas,
)
from opskit.provision.access.parameters import APPLIES
from opskit.provision.access.planning import SqlFacts, SqlWanted
from opskit.provision.access.rights import Kind, Right
from opskit.provision.access.roles import Attribute, RoleFacts, RoleSetting
from opskit.provision.access.rules import AccessFacts, File, FileFacts, Rule, network
from opskit.provision.access.scram import Stored, stored
from opskit.provision.door import Door
from opskit.provision.host.reader import read_password
from opskit.provision.sql import query as text
from opskit.transfer.target import Connection

MAINTENANCE = "postgres"
"""The database that every server has, for what concerns all of them."""

_Row = tuple[object, ...]
_Made = TypeVar("_Made")


def read_sql(door: Door, wanted: SqlWanted) -> SqlFacts:
    """What a server has of what is wanted, and access rules where they are within reach.

    Raises:
        ConnectionFailed: the server cannot be reached.
        psycopg.Error: it refused, or went away.
        FileFailed: its access files cannot be read.
    """
    password = read_password(wanted.password) if wanted.password else None
    names = [role.name for role in wanted.roles]
    with door.connect(MAINTENANCE) as connection:
        ((admin, superuser),) = cast("list[tuple[str, bool]]", _rows(connection, "session"))
        settings = _settings(connection, wanted, names)
        roles = _roles(connection, [*names, admin], settings)
        if superuser:
            roles = _with_verifiers(connection, roles, wanted, password)
        databases = _rows(connection, "databases", databases=[one.name for one in wanted.databases])
        applies = _rows(connection, "parameters", roles=[wanted.duties.owner], parameter=APPLIES)
        access = _access(connection) if wanted.access is not None else None
    found = tuple(_database(door, wanted, _about(row, settings)) for row in databases)
    inside = next((one.name for one in found if one.open), None)
    if not superuser and inside is not None:
        roles = _with_login(door, roles, wanted, inside, password)
    ours = tuple(role for name, role in roles.items() if name in names)
    return SqlFacts(roles[admin], ours, found, access, applies=bool(applies))


def _settings(connection: Connection, wanted: SqlWanted, roles: Sequence[str]) -> Sequence[RoleSetting]:
    databases = [one.name for one in wanted.databases]
    rows = _rows(connection, "role_settings", roles=roles, databases=databases)
    return [_made(RoleSetting, row) for row in rows]


def _roles(
    connection: Connection, names: Sequence[str], settings: Sequence[RoleSetting]
) -> Mapping[str, RoleFacts]:
    found: dict[str, RoleFacts] = {}
    for name, attributes, member_of, limit, valid_until in cast(
        "list[tuple[str, list[str], list[str], int, str]]", _rows(connection, "roles", roles=names)
    ):
        found[name] = RoleFacts(
            name,
            frozenset(map(Attribute, attributes)),
            frozenset(member_of),
            stored=Stored.UNSEEN,
            limit=limit,
            valid_until=valid_until,
            settings=tuple(one for one in settings if one.role == name),
        )
    return found


def _with_verifiers(
    connection: Connection, roles: Mapping[str, RoleFacts], wanted: SqlWanted, password: str | None
) -> Mapping[str, RoleFacts]:
    """How the server holds each password; only the application's can be known."""
    application = wanted.duties.application
    verifiers = cast("list[tuple[str, str | None]]", _rows(connection, "verifiers", roles=list(roles)))
    return {
        name: replace(roles[name], stored=stored(verifier, password if name == application else None))
        for name, verifier in verifiers
    }


def _with_login(
    door: Door, roles: Mapping[str, RoleFacts], wanted: SqlWanted, database: str, password: str | None
) -> Mapping[str, RoleFacts]:
    """Who may not look at verifiers tries whether the application's password is right."""
    application = wanted.duties.application
    if application not in roles:
        return roles
    return {
        **roles,
        application: replace(roles[application], stored=_tried(door, application, database, password)),
    }


def _tried(door: Door, user: str, database: str, password: str | None) -> Stored:
    if password is None:
        return Stored.DIFFERS
    try:
        tried = replace(door, parameters={**door.parameters, "user": user, "password": password})
        tried.connect(database).close()
    except ConnectionFailed as error:
        return Stored.DIFFERS if "password authentication failed" in str(error) else Stored.UNSEEN
    return Stored.MATCHES


def _about(row: _Row, settings: Sequence[RoleSetting]) -> DatabaseFacts:
    """What can be seen of a database from outside."""
    about = _made(DatabaseFacts, row)
    everybody = tuple(one for one in settings if one.database == about.name and not one.role)
    return replace(about, settings=everybody)


def _database(door: Door, wanted: SqlWanted, about: DatabaseFacts) -> DatabaseFacts:
    if not about.open:
        return about
    name = about.name
    (database,) = (one for one in wanted.databases if one.name == name)
    schemas = list(governed_schemas(database))
    duties = wanted.duties
    roles = [duties.owner, duties.application, duties.monitor, *duties.readers]
    with door.connect(name) as connection:
        return replace(
            about,
            schemas=tuple(_schemas(connection, schemas)),
            owned=tuple(
                _made(Owned, row) for row in _rows(connection, "owned", schemas=schemas, roles=roles)
            ),
            relations=tuple(
                _made(Relation, (Kind(row[0]), *row[1:]))
                for row in _rows(connection, "relations", schemas=schemas, roles=roles)
            ),
            rights=frozenset(
                _made(Right, (Kind(row[0]), *row[1:]))
                for row in _rows(connection, "rights", schemas=schemas, roles=roles)
            ),
            guests=_names(connection, "guests", roles=roles),
            extensions=_names(connection, "extensions"),
        )


def _schemas(connection: Connection, names: Sequence[str]) -> Iterator[SchemaFacts]:
    rows = cast("list[tuple[str, str, str]]", _rows(connection, "schemas", schemas=names))
    for name, owner, comment in rows:
        yield SchemaFacts(name, owner, fenced=comment.startswith(FENCED))


def _access(connection: Connection) -> AccessFacts:
    ((read_at,),) = cast("list[tuple[float]]", _rows(connection, "files_read_at"))
    paths = access_paths(connection)
    errors = access_errors(connection)
    ((data,),) = cast("list[tuple[str]]", _rows(connection, "data_directory"))
    keeper = Path(data).owner()
    found = {file: _file(path, errors[file], keeper) for file, path in paths.items()}
    return AccessFacts(
        found[File.HBA],
        found[File.IDENT],
        tuple(
            Rule(line, kind, tuple(databases), tuple(users), network(address, mask), method)
            for line, kind, databases, users, address, mask, method in cast(
                "list[tuple[int, str, list[str], list[str], str | None, str | None, str]]",
                _rows(connection, "access_rules"),
            )
        ),
        tuple(file for file, path in paths.items() if path.stat().st_mtime > read_at),
    )


def access_paths(connection: Connection) -> Mapping[File, Path]:
    """Where the access files stand.

    Raises:
        psycopg.Error: the server refused or went away.
    """
    ((hba, ident),) = cast("list[tuple[str, str]]", _rows(connection, "access_files"))
    return {File.HBA: Path(hba), File.IDENT: Path(ident)}


def access_errors(connection: Connection) -> Mapping[File, tuple[str, ...]]:
    """The lines of the files on disk that the server cannot read, with its words.

    Raises:
        psycopg.Error: the server refused or went away.
    """
    found: dict[File, list[str]] = {File.HBA: [], File.IDENT: []}
    for file, line, words in _rows(connection, "access_errors"):
        found[File(file)].append(f"line {line}: {words}")
    return {file: tuple(lines) for file, lines in found.items()}


def _file(path: Path, errors: tuple[str, ...], keeper: str) -> FileFacts:
    state = read_state(path)
    if state is None:
        return FileFacts(path, b"", errors)
    return FileFacts(path, state.content, errors, state.mode, state.owner, keeper)


def _names(connection: Connection, query: str, **parameters: Sequence[str]) -> frozenset[str]:
    return frozenset(str(name) for (name,) in _rows(connection, query, **parameters))


def _made(make: Callable[..., _Made], fields: Sequence[object]) -> _Made:
    """A value from a row whose fields stand in the order of its attributes."""
    return make(*fields)


def _rows(connection: Connection, query: str, **parameters: Sequence[str]) -> list[_Row]:
    return connection.execute(text(query), parameters).fetchall()
