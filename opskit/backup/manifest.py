"""What a backup says about itself: whose it is, its files, and what every table held. Pure values.

The manifest is written last, beside a line that `sha256sum -c` understands, and never changed.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast
from urllib.parse import quote as percent

from opskit.config import Engine
from opskit.errors import OpskitError
from opskit.runs.plan import JsonValue, to_json
from opskit.transfer.digest import Digest

T = TypeVar("T")

FORMAT = 2
MANIFEST = "manifest.json"
MANIFEST_SUM = "manifest.sha256"

_ID = re.compile(r"(?P<database>[A-Za-z0-9_%~-]+)-(?P<at>\d{8}T\d{6}Z)")
_AT = "%Y%m%dT%H%M%SZ"


class Damaged(OpskitError):
    """A backup is not what was written."""


@dataclass(frozen=True, slots=True)
class FileSum:
    """A file of a backup: its path within, its size in bytes and its SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TableSum:
    """What a table held: its name, qualified in PostgreSQL; rows; and the digest of their content."""

    name: str
    rows: int
    digest: str

    @classmethod
    def of(cls, name: str, found: Digest) -> "TableSum":
        """From the digest of a table's rows."""
        return cls(name, found.rows, f"{found.total:x}")


@dataclass(frozen=True, slots=True)
class SqliteOrigin:
    """What a SQLite backup was taken from.

    Attributes:
        file: the application's file.
        size: bytes of the copy before it was compressed.
        journal_mode: the application's; the copy itself needs no companions.
    """

    file: str
    size: int
    journal_mode: str


@dataclass(frozen=True, slots=True)
class PostgresqlOrigin:
    """What a PostgreSQL backup was taken from, and what its database is beside its content.

    Attributes:
        place: host:port/database.
        size: bytes of the database in the server, indexes included.
        icu_locale: None when the C library collates.
        rights: who may do what with it, as (role, or empty for all; privilege; may it be passed on);
            none is the default.
        settings: of the database, as (role, "name=value"); the role is empty for all.
        roles: whom the content needs.
        programs: the major version of those that wrote the dump; older ones cannot read it.
    """

    place: str
    name: str
    size: int
    owner: str
    encoding: str
    collate: str
    ctype: str
    icu_locale: str | None
    rights: tuple[tuple[str, str, bool], ...]
    settings: tuple[tuple[str, str], ...]
    roles: tuple[str, ...]
    programs: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A finished backup.

    Attributes:
        also: further databases of the configuration that the same PostgreSQL database holds.
        created: the moment of the snapshot, in UTC.
        seconds: how long it took.
        in_use: the engine that the application was on.
        versions: program → version.
        recipients: the public keys that its files are encrypted to; none: they are not encrypted.
    """

    id: str
    database: str
    also: tuple[str, ...]
    created: datetime
    seconds: float
    in_use: Engine
    origin: SqliteOrigin | PostgresqlOrigin
    versions: Mapping[str, str]
    tables: tuple[TableSum, ...]
    files: tuple[FileSum, ...] = field(repr=False)
    recipients: tuple[str, ...] = ()

    @property
    def engine(self) -> Engine:
        """Where the content comes from."""
        return Engine.SQLITE if isinstance(self.origin, SqliteOrigin) else Engine.POSTGRESQL

    @property
    def size(self) -> int:
        """Bytes that the backup takes."""
        return sum(one.size for one in self.files)

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(one.rows for one in self.tables)

    def to_json(self) -> Mapping[str, JsonValue]:
        """As it stands in the file."""
        fields = cast("Mapping[str, JsonValue]", to_json({name: getattr(self, name) for name in _PLAIN}))
        return {
            "format": FORMAT,
            "engine": self.engine.value,
            **fields,
            "created": self.created.isoformat(),
            "origin": to_json(self.origin),
        }


_PLAIN = ("id", "database", "also", "seconds", "in_use", "versions", "tables", "files", "recipients")


def backup_id(database: str, at: datetime) -> str:
    """The name of a backup: its database, fit for a directory, and the moment.

    >>> backup_id("main", datetime(2026, 11, 23, 5, 15, 4, tzinfo=UTC))
    'main-20261123T051504Z'
    """
    return f"{percent(database, safe='').replace('.', '%2E')}-{at:{_AT}}"


def free_id(database: str, at: datetime, taken: frozenset[str]) -> str:
    """The name of a new backup: a second later while another has it."""
    while backup_id(database, at) in taken:
        at += timedelta(seconds=1)
    return backup_id(database, at)


def is_backup_id(name: str) -> bool:
    """Can a directory of this name be a backup?

    >>> is_backup_id("main-20261123T051504Z"), is_backup_id("opskit-x1.scratch"), is_backup_id("../x")
    (True, False, False)
    """
    return _ID.fullmatch(name) is not None


def moment_of(name: str) -> datetime:
    """When a backup was begun, by its name."""
    return datetime.strptime(name.rpartition("-")[2], _AT).replace(tzinfo=UTC)


def written(manifest: Manifest) -> tuple[bytes, bytes]:
    """The manifest's file and the line that proves it."""
    content = (json.dumps(manifest.to_json(), ensure_ascii=True, indent=1) + "\n").encode()
    return content, f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n".encode()


def parse(content: bytes, proof: bytes) -> Manifest:
    """A manifest that is what was written.

    Raises:
        Damaged: it is not, or it is of a later format.
    """
    if proof != f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n".encode():
        raise Damaged.of("manifest_damaged", f"{MANIFEST} is not as it was written", where=MANIFEST)
    document = cast("dict[str, object]", json.loads(content))
    if document["format"] != FORMAT:
        raise Damaged.of(
            "manifest_format", f"its format is {document['format']}", hint="use the opskit that made it"
        )
    plain = {name: document[name] for name in _PLAIN if name in document}
    files = cast("list[dict[str, str | int]]", document["files"])
    tables = cast("list[dict[str, str | int]]", document["tables"])
    return _make(Manifest)(
        **{
            **plain,
            "also": tuple(cast("list[str]", document["also"])),
            "recipients": tuple(cast("list[str]", document.get("recipients", []))),
            "created": datetime.fromisoformat(cast("str", document["created"])),
            "in_use": Engine(document["in_use"]),
            "origin": _origin(cast("dict[str, object]", document["origin"])),
            "files": tuple(_make(FileSum)(**one) for one in files),
            "tables": tuple(_make(TableSum)(**one) for one in tables),
        }
    )


def _origin(fields: dict[str, object]) -> SqliteOrigin | PostgresqlOrigin:
    if "file" in fields:
        return _make(SqliteOrigin)(**fields)
    rights, settings = (cast("list[list[object]]", fields[name]) for name in ("rights", "settings"))
    return _make(PostgresqlOrigin)(
        **{
            **fields,
            "rights": tuple(map(tuple, rights)),
            "settings": tuple(map(tuple, settings)),
            "roles": tuple(cast("list[str]", fields["roles"])),
        }
    )


def _make(kind: Callable[..., T]) -> Callable[..., T]:
    """The constructor, for fields that a file brings and a sum vouches for."""
    return kind
