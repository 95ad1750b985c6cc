"""Reads the facts of a source: copied at one moment, checked for damage, profiled. Never written."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import cast

import apsw

from opskit.config import TypesProfile
from opskit.migrate.facts import Job, SourceFacts, TableProfile, TextScan
from opskit.migrate.parts import read_parts
from opskit.migrate.profile import profile_table
from opskit.migrate.text_scan import scan_text
from opskit.runs.progress import Progress
from opskit.schema.choice import as_configured, choose
from opskit.schema.model import Column, Table
from opskit.schema.names import quote
from opskit.schema.references import align_foreign_keys
from opskit.schema.sqlite_file import open_read_only, refusal, rows, scalar
from opskit.schema.sqlite_reader import read_schema
from opskit.schema.types import ColumnProfile, TypeChoice
from opskit.transfer.functions import register
from opskit.transfer.render import base_type
from opskit.transfer.render_text import TEXT_TYPES
from opskit.transfer.wide import may_be_wide, rowid_name
from opskit.transfer.wide_source import measured_limit

_DAMAGE = ("***", "Tree ", "Page ", "Freelist", "disk image is malformed")
"""What quick_check writes about a damaged file; its other lines are about rows that break rules, or about
full-text indexes out of step with their text, which are not migrated."""


_READERS = 2
"""Tables examined side by side."""


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


def read_source(copy: Path, job: Job, progress: Progress) -> SourceFacts:
    """Everything the plan needs to know about the source; it is checked for damage meanwhile.

    Raises:
        Refused: the file is damaged.
    """
    try:
        with ThreadPoolExecutor(1) as beside, ExitStack() as stack:  # SQLite works without Python's lock
            checked = beside.submit(_check, copy)
            readers = [stack.enter_context(closing(open_copy(copy))) for _ in range(_READERS)]
            facts = _facts(readers, job, progress)
            checked.result()
    except apsw.Error as error:
        raise refusal(job.source, error) from error
    return facts


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known of one table."""

    profile: TableProfile
    choices: Mapping[str, TypeChoice]
    scan: TextScan


def _facts(readers: Sequence[apsw.Connection], job: Job, progress: Progress) -> SourceFacts:
    schema = read_schema(readers[0])
    idle: SimpleQueue[apsw.Connection] = SimpleQueue()
    for reader in readers:
        idle.put(reader)

    def examined(table: Table) -> Examined:
        reader = idle.get()
        progress.begin(f"{job.name}: {table.name}", 0)
        try:
            return examine(reader, table, job)
        finally:
            progress.end(f"{job.name}: {table.name}")
            idle.put(reader)

    ordered = sorted(schema.tables, key=lambda table: -_last_rowid(readers[0], table))
    with ThreadPoolExecutor(len(readers)) as threads:
        found = dict(zip((table.name for table in ordered), threads.map(examined, ordered), strict=True))
    profiles = {name: one.profile for name, one in found.items()}
    choices = {name: one.choices for name, one in found.items()}
    if job.types is TypesProfile.NATIVE:  # the other profile keeps every value as it reads
        held = {name: profile.columns for name, profile in profiles.items()}
        choices = align_foreign_keys(schema, held, choices)
    scans = {name: one.scan for name, one in found.items()}
    pages, page_size = (scalar(readers[0], f"PRAGMA {what}") for what in ("page_count", "page_size"))
    return SourceFacts(schema, profiles, choices, scans, cast("int", pages) * cast("int", page_size))


def _last_rowid(reader: apsw.Connection, table: Table) -> int:
    """About how many rows there are, known at once; 0 for a table without rowids."""
    rowid = rowid_name(table)
    last = None if rowid is None else scalar(reader, f"SELECT max({rowid}) FROM {quote(table.name)}")
    return cast("int | None", last) or 0


def examine(reader: apsw.Connection, table: Table, job: Job) -> Examined:
    """What is known of a table after looking at its rows.

    Raises:
        apsw.Error: the file cannot be read.
    """
    overrides = _for_table(job.overrides, table.name)
    profile = profile_table(reader, table, job.types, overrides)
    choices = {
        column.name: _choice(column, profile.columns[column.name], job.types, overrides.get(column.name))
        for column in table.columns
    }
    texts = {
        name: profile.columns[name]
        for name, choice in choices.items()
        if base_type(choice.pg_type) in TEXT_TYPES
    }
    parts = read_parts(reader, table, profile.rows)
    widths = {
        column.name: profile.columns[column.name].widest
        for column in table.columns
        if column.generated is None and may_be_wide(choices[column.name].pg_type)
    }
    limit = measured_limit(reader, table.name, widths)
    profile = replace(profile, parts=parts, limit=limit)
    return Examined(profile, choices, scan_text(reader, table, texts))


def _for_table(overrides: Mapping[str, str], table: str) -> dict[str, str]:
    prefix = f"{table}."
    return {name.removeprefix(prefix): kind for name, kind in overrides.items() if name.startswith(prefix)}


def _choice(column: Column, profile: ColumnProfile, types: TypesProfile, override: str | None) -> TypeChoice:
    return choose(column, profile, types) if override is None else as_configured(override, profile)
