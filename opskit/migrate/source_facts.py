"""Reads the facts of a source: copied at one moment, checked for damage, profiled. Never written."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import cast

import apsw

from opskit.config import TypesProfile
from opskit.migrate.facts import Job, SourceFacts, TableProfile, TextScan
from opskit.migrate.parts import read_parts
from opskit.migrate.profile import profile_table, scan_text
from opskit.runs.progress import Progress
from opskit.schema.choice import as_configured, choose
from opskit.schema.model import Column
from opskit.schema.references import align_foreign_keys
from opskit.schema.sqlite_file import open_read_only, refusal, rows, scalar
from opskit.schema.sqlite_reader import read_schema
from opskit.schema.types import ColumnProfile, TypeChoice
from opskit.transfer.functions import register
from opskit.transfer.render import base_type
from opskit.transfer.render_text import TEXT_TYPES

_DAMAGE = ("***", "Tree ", "Page ", "Freelist", "disk image is malformed")
"""What quick_check writes about a damaged file; its other lines are about rows that break rules, or about
full-text indexes out of step with their text, which are not migrated."""


def open_copy(copy: Path) -> apsw.Connection:
    """A reading connection to a copy of a source, with the rendering functions.

    Raises:
        Refused: it cannot be read.
    """
    connection = open_read_only(copy)
    register(connection)
    return connection


def _check(copy: Path) -> None:
    """Looks for damage.

    Raises:
        apsw.Error: there is some.
    """
    connection = open_read_only(copy)
    try:
        damage = [str(row[0]) for row in rows(connection, "PRAGMA quick_check(5)")]
    finally:
        connection.close()
    if any(mark in line for line in damage for mark in _DAMAGE):
        raise apsw.CorruptError("; ".join(" ".join(damage).split("\n")[:3]))


def read_source(connection: apsw.Connection, copy: Path, job: Job, progress: Progress) -> SourceFacts:
    """Everything the plan needs to know about the source; it is checked for damage meanwhile.

    Raises:
        Refused: the file is damaged.
    """
    try:
        with ThreadPoolExecutor(1) as beside:  # SQLite works without Python's lock
            checked = beside.submit(_check, copy)
            facts = _facts(connection, job, progress)
            checked.result()
    except apsw.Error as error:
        raise refusal(job.source, error) from error
    return facts


def _facts(connection: apsw.Connection, job: Job, progress: Progress) -> SourceFacts:
    schema = read_schema(connection)
    profiles: dict[str, TableProfile] = {}
    choices: dict[str, Mapping[str, TypeChoice]] = {}
    scans: dict[str, TextScan] = {}
    for table in schema.tables:
        progress.begin(f"{job.name}: {table.name}", 0)
        overrides = _for_table(job.overrides, table.name)
        profile = profile_table(connection, table, job.types, overrides)
        profiles[table.name] = replace(profile, parts=read_parts(connection, table, profile.rows))
        choices[table.name] = {
            column.name: _choice(column, profile.columns[column.name], job.types, overrides.get(column.name))
            for column in table.columns
        }
        texts = [
            name for name, choice in choices[table.name].items() if base_type(choice.pg_type) in TEXT_TYPES
        ]
        scans[table.name] = scan_text(connection, table, texts)
        progress.end(f"{job.name}: {table.name}")
    if job.types is TypesProfile.NATIVE:  # the other profile keeps every value as it reads
        held = {table: profile.columns for table, profile in profiles.items()}
        choices = align_foreign_keys(schema, held, choices)
    pages, page_size = (scalar(connection, f"PRAGMA {what}") for what in ("page_count", "page_size"))
    return SourceFacts(schema, profiles, choices, scans, cast("int", pages) * cast("int", page_size))


def _for_table(overrides: Mapping[str, str], table: str) -> dict[str, str]:
    prefix = f"{table}."
    return {name.removeprefix(prefix): kind for name, kind in overrides.items() if name.startswith(prefix)}


def _choice(column: Column, profile: ColumnProfile, types: TypesProfile, override: str | None) -> TypeChoice:
    return choose(column, profile, types) if override is None else as_configured(override, profile)
