"""Makes the sample application's two databases: own schema, synthetic data, the same for the same seed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Protocol, cast

import apsw

from opskit.demo import sample_main, sample_walmart
from opskit.demo.sample_table import SampleTable, share_out
from opskit.demo.sample_values import Value
from opskit.errors import ConfigurationError
from opskit.schema.names import quote

MINIMUM_ROWS = 1000
"""Below this, tables are too small for their relations."""

SCHEMA = files("opskit.demo") / "sample_schema"


class _Writer(Protocol):
    """What is used of apsw.Connection, fully typed (apsw's own stubs leave the values partly unknown)."""

    def execute(self, statements: str) -> object: ...

    def executemany(self, statements: str, rows: Iterator[tuple[Value, ...]]) -> object: ...


@dataclass(frozen=True, slots=True)
class SampleData:
    """The two files, and for each database how many rows its tables have."""

    main: Path
    walmart: Path
    rows: Mapping[str, Mapping[str, int]]


def generate(directory: Path, rows: int, seed: int = 1) -> SampleData:
    """Make `crewai_enhanced.db` and `walmart_grocery.db` in a directory, in WAL mode.

    Args:
        rows: of both databases together, from a thousand to tens of millions; memory does not grow with them.

    Raises:
        ConfigurationError: too few rows are asked for, or one of the files exists.
    """
    if rows < MINIMUM_ROWS:
        raise ConfigurationError.of(
            "sample_rows",
            f"{rows} rows are too few for the sample data",
            hint=f"ask for {MINIMUM_ROWS} or more",
        )
    counts = share_out([*sample_main.TABLES, *sample_walmart.TABLES], rows)
    main, walmart = directory / "crewai_enhanced.db", directory / "walmart_grocery.db"
    return SampleData(
        main=main,
        walmart=walmart,
        rows={
            "main": _build(main, "main", sample_main.TABLES, counts, seed),
            "walmart": _build(walmart, "walmart", sample_walmart.TABLES, counts, seed),
        },
    )


def _build(
    file: Path, name: str, tables: Sequence[SampleTable], counts: Mapping[str, int], seed: int
) -> dict[str, int]:
    if file.exists():
        raise ConfigurationError.of("file_exists", f"{file} exists already", hint="name another directory")
    connection = apsw.Connection(str(file))
    writer = cast("_Writer", connection)
    try:
        writer.execute("PRAGMA journal_mode = off; PRAGMA synchronous = off")  # half a sample is of no use
        with connection:
            writer.execute(_statements(f"{name}_tables.sql"))
            for table in tables:
                writer.executemany(_insert(table), table.rows(counts, seed))
            writer.execute(_statements(f"{name}_extras.sql"))
        writer.execute("PRAGMA journal_mode = wal")
    finally:
        connection.close()
    return {table.name: counts[table.name] for table in tables}


def _statements(file: str) -> str:
    return (SCHEMA / file).read_text(encoding="utf-8")


def _insert(table: SampleTable) -> str:
    columns = ", ".join(quote(column) for column in table.columns)
    places = ", ".join("?" * len(table.columns))
    return f"INSERT INTO {quote(table.name)} ({columns}) VALUES ({places})"
