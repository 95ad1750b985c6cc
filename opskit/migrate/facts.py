"""What is there before a migration: the source's schema and values, the target's state; as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from opskit.config import Misfits, TypesProfile
from opskit.schema.model import Schema
from opskit.schema.names import fit
from opskit.schema.target_schema import TargetSchema
from opskit.schema.types import ColumnProfile, TypeChoice
from opskit.transfer.tables import Span


def staging_of(schema: str) -> str:
    """The schema in which a migration into `schema` builds; that one stays untouched until all is proven.

    >>> staging_of("public"), staging_of("walmart")
    ('opskit_staging', 'opskit_staging_walmart')
    """
    return "opskit_staging" if schema == "public" else fit(f"opskit_staging_{schema}")


@dataclass(frozen=True, slots=True)
class Job:
    """One database to migrate.

    Attributes:
        target: libpq parameters or a connection string; holds the password, so plans and texts leave it out.
        overrides: "table.column" → normalized PostgreSQL type.
        schema: where in the target the application looks for its tables.
        fold: names in lower case.
        misfits: what is done about rows that a type cannot hold.
        into_existing: the application has made the schema, and rows go into its tables.
        heir: the role that gets what is made; None: who makes it.
        follow: changes of the source are brought over afterwards.
    """

    name: str
    source: Path
    target: Mapping[str, str | int] | str = field(repr=False)
    target_name: str
    types: TypesProfile
    overrides: Mapping[str, str]
    schema: str = "public"
    fold: bool = False
    misfits: Misfits = Misfits.SET_ASIDE
    into_existing: bool = False
    heir: str | None = None
    follow: bool = False

    @property
    def staging(self) -> str:
        """The schema in which the migration builds."""
        return staging_of(self.schema)


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a table, all of them when there is no span.

    Attributes:
        cost: how long they take beside others, in bytes that would take as long.
    """

    rows: int
    cost: int
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class TableProfile:
    """What a table holds: its rows, per source column its profile, and the parts it is copied in.

    Attributes:
        limit: bytes of a value beyond which it travels by itself; None when no row is that large.
    """

    rows: int
    columns: Mapping[str, ColumnProfile]
    parts: tuple[Part, ...] = ()
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class UnfitText:
    """A text value that PostgreSQL cannot store as text."""

    table: str
    column: str
    key: str
    reason: str

    def __str__(self) -> str:
        return f"table {self.table}, column {self.column}, row {self.key}: {self.reason}"


@dataclass(frozen=True, slots=True)
class TextScan:
    """What the text of a table holds.

    Attributes:
        framing: some text holds the control characters that frame rows on the quick path.
        unfit: values that PostgreSQL cannot store, the first of them.
        unfit_rows: how many rows hold such values.
        columns: the columns that hold such values.
        clean: no text holds framing characters or anything that COPY escapes.
    """

    framing: bool = False
    unfit: tuple[UnfitText, ...] = ()
    unfit_rows: int = 0
    columns: frozenset[str] = frozenset()
    clean: bool = False


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
class Staged:
    """What a killed migration has left.

    Attributes:
        schema: the staging schema.
        rows: how many rows each table in staging holds.
        target: tables that stand in the target; when it was there before, those that hold rows.
    """

    schema: TargetSchema
    rows: Mapping[str, int]
    target: frozenset[str]


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What the PostgreSQL database is like.

    Attributes:
        occupied: relations in the target schema that belong to no extension, the first of them.
        leftover: a killed migration has left its staging schema.
        index_memory: kilobytes that building an index may take on this server.
        missing: the target schema is not there yet.
        zone: the time zone that sessions of this role begin with.
        may_give: this role may give tables to the heir.
        has_lz4: large values can be compressed by lz4, and nobody has decided otherwise.
    """

    version: int
    encoding: str
    may_create: bool
    occupied: tuple[str, ...]
    leftover: bool
    index_memory: int = 0
    missing: bool = False
    zone: str = "UTC"
    may_give: bool = True
    has_lz4: bool = False
