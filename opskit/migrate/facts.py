"""What is there before a migration: the source's schema and values, the target's state.

Read, never written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString, cast

import apsw

from opskit.config import TypesProfile
from opskit.errors import Refused
from opskit.migrate.profile import TableProfile, TextScan, profile_table, scan_text
from opskit.runs.progress import Progress
from opskit.schema.model import Schema
from opskit.schema.sqlite_file import open_read_only, refusal, rows
from opskit.schema.sqlite_reader import read_schema
from opskit.schema.types import ColumnProfile, TypeChoice, choose
from opskit.transfer.functions import register
from opskit.transfer.target import Connection

STAGING = "opskit_staging"
"""Where a migration builds; the target's own schema stays untouched until everything is proven."""

_DAMAGE = ("***", "Tree ", "Page ", "Freelist", "malformed")
"""What quick_check writes about a damaged file; its other lines are about rows that break rules."""


@dataclass(frozen=True, slots=True)
class Job:
    """One database to migrate.

    Attributes:
        target: libpq parameters or a connection string; holds the password, so plans and texts leave it out.
        overrides: "table.column" → normalized PostgreSQL type.
    """

    name: str
    source: Path
    target: Mapping[str, str | int] | str = field(repr=False)
    target_name: str
    types: TypesProfile
    overrides: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What the SQLite file declares and holds.

    Attributes:
        choices: table → column → the type it becomes.
        scans: table → what its text holds.
        size: bytes of the database.
    """

    schema: Schema
    profiles: Mapping[str, TableProfile]
    choices: Mapping[str, Mapping[str, TypeChoice]]
    scans: Mapping[str, TextScan]
    size: int


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What the PostgreSQL database is like.

    Attributes:
        occupied: relations in the target schema that belong to no extension, the first of them.
        leftover: a killed migration has left its staging schema.
    """

    version: int
    encoding: str
    may_create: bool
    occupied: tuple[str, ...]
    leftover: bool


def open_source(path: Path) -> apsw.Connection:
    """A reading connection inside one snapshot, with the rendering functions.

    Raises:
        Refused: the file cannot be read, is damaged or locked.
    """
    connection = open_read_only(path)
    register(connection)
    try:
        rows(connection, "BEGIN")
        damage = [str(row[0]) for row in rows(connection, "PRAGMA quick_check(5)")]
    except apsw.Error as error:
        connection.close()
        raise refusal(path, error) from error
    if any(mark in line for line in damage for mark in _DAMAGE):
        connection.close()
        raise refusal(path, apsw.CorruptError("; ".join(" ".join(damage).split("\n")[:3])))
    return connection


def read_source(connection: apsw.Connection, job: Job, progress: Progress) -> SourceFacts:
    """Everything the plan needs to know about the source.

    Raises:
        Refused: the file turns out damaged.
    """
    try:
        schema = read_schema(connection)
        profiles: dict[str, TableProfile] = {}
        choices: dict[str, Mapping[str, TypeChoice]] = {}
        scans: dict[str, TextScan] = {}
        for table in schema.tables:
            progress.begin(f"{job.name}: {table.name}", 0)
            overrides = _for_table(job.overrides, table.name)
            profile = profile_table(connection, table, job.types, overrides)
            profiles[table.name] = profile
            choices[table.name] = {
                column.name: _choice(column.name, profile.columns[column.name], overrides)
                or choose(column, profile.columns[column.name], job.types)
                for column in table.columns
            }
            texts = [
                name
                for name, choice in choices[table.name].items()
                if choice.pg_type in ("text", "jsonb", "uuid")
            ]
            scans[table.name] = scan_text(connection, table, texts)
            progress.end(f"{job.name}: {table.name}")
        pages, page_size = (
            rows(connection, "PRAGMA page_count")[0][0],
            rows(connection, "PRAGMA page_size")[0][0],
        )
    except apsw.Error as error:
        raise refusal(job.source, error) from error
    return SourceFacts(schema, profiles, choices, scans, cast("int", pages) * cast("int", page_size))


def read_target(connection: Connection, schema: str) -> TargetFacts:
    """Everything the plan needs to know about the target."""
    row = connection.execute(_TARGET, {"schema": schema, "staging": STAGING}).fetchone()
    if row is None:
        raise Refused.of(
            "target_schema", f"the target has no schema {schema}", hint=f"CREATE SCHEMA {schema}"
        )
    version, encoding, may_create, leftover = cast("tuple[int, str, bool, bool]", row)
    occupied = tuple(str(name) for (name,) in connection.execute(_OCCUPIED, {"schema": schema}))
    return TargetFacts(version, encoding, may_create, occupied, leftover)


def _for_table(overrides: Mapping[str, str], table: str) -> dict[str, str]:
    prefix = f"{table}."
    return {name.removeprefix(prefix): kind for name, kind in overrides.items() if name.startswith(prefix)}


def _choice(column: str, profile: ColumnProfile, overrides: Mapping[str, str]) -> TypeChoice | None:
    wanted = overrides.get(column)
    if wanted is None:
        return None
    return TypeChoice(wanted, f"as configured, {profile.misfits[wanted]} values do not fit")


_TARGET: LiteralString = """
SELECT current_setting('server_version_num')::int,
       current_setting('server_encoding'),
       has_schema_privilege(n.oid, 'CREATE') AND has_database_privilege(current_database(), 'CREATE'),
       EXISTS (SELECT FROM pg_namespace WHERE nspname = %(staging)s)
FROM pg_namespace n WHERE n.nspname = %(schema)s
"""

_OCCUPIED: LiteralString = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relkind, c.relname LIMIT 20
"""
