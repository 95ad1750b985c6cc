"""Finding the rows in which a source table and its target differ, in bounded memory.

The digests say whether; this says which. Rows are spread over buckets by their key; only the buckets whose
sums differ are looked at again, and only rows that differ there are kept.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from opskit.transfer.digest import Digest, row_digest
from opskit.transfer.functions import jsonb_text
from opskit.transfer.render import base_type

BUCKETS = 4096
EXAMINED = 50_000
"""Rows of differing buckets looked at in one go: 50,000 lines of a kilobyte are 50 MB."""

REPORTED = 100
"""Differing rows named singly; the rest is counted."""

_SHOWN = 80
"""Characters of a key's value that a difference shows."""

Lines = Callable[[], Iterable[bytes]]
"""Yields a table's lines anew at each call."""


class Kind(Enum):
    """How a row differs."""

    CHANGED = "changed"
    MISSING = "missing in target"
    EXTRA = "extra in target"


@dataclass(frozen=True, slots=True)
class RowDifference:
    """One row that differs.

    Attributes:
        key: key column → value as text; all columns when the table has no key.
        columns: the columns that differ, for a changed row.
    """

    kind: Kind
    key: Mapping[str, str | None]
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        key = ", ".join(f"{name}={_shown(value)}" for name, value in self.key.items())
        return f"{self.kind.value}: {key}" + (f" ({', '.join(self.columns)})" if self.columns else "")


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of the lines that are compared: names, target types, positions of the key."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    key: tuple[int, ...]

    def key_of(self, line: bytes) -> bytes:
        """The key's fields of a line, of all its fields when there is no key; spelled alike on both sides."""
        fields = line.split(b"\t")
        positions = self.key or range(len(fields))
        return b"\t".join(_alike(fields[position], self.types[position]) for position in positions)


@dataclass(frozen=True, slots=True)
class Differences:
    """The rows that differ; `complete` is false when there are more than were looked at."""

    rows: tuple[RowDifference, ...]
    complete: bool


def find_differences(source: Lines, target: Lines, shape: Shape) -> Differences:
    """The rows that differ, at most REPORTED of them.

    Rows whose text differs but whose values are equal (two spellings of one double) are not differences.
    """
    found: list[RowDifference] = []
    for buckets in _batches(_differing_buckets(source, target, shape)):
        if len(found) > REPORTED:
            break
        keys = _differing_keys(source, target, shape, buckets)
        left, right = _collect(source(), shape, keys), _collect(target(), shape, keys)
        for key in sorted(keys):
            found.extend(_explain(left.get(key, []), right.get(key, []), shape))
    return Differences(tuple(found[:REPORTED]), len(found) <= REPORTED)


def decode_field(field: bytes) -> str | None:
    """A field of a COPY line as its value's text.

    >>> decode_field(b"a\\\\nb"), decode_field(b"\\\\N")
    ('a\\nb', None)
    """
    if field == b"\\N":
        return None
    text = field.decode("utf-8", "replace")
    if "\\" not in text:
        return text
    parts = text.split("\\\\")
    for code, plain in (
        ("\\n", "\n"),
        ("\\t", "\t"),
        ("\\r", "\r"),
        ("\\b", "\b"),
        ("\\f", "\f"),
        ("\\v", "\v"),
    ):
        parts = [part.replace(code, plain) for part in parts]
    return "\\".join(parts)


def same_value(left: bytes, right: bytes, pg_type: str) -> bool:
    """Are two fields the same value of a type, however they are spelled?"""
    return left == right or _alike(left, pg_type) == _alike(right, pg_type)


def _alike(field: bytes, pg_type: str) -> bytes:
    """The one spelling of a value for types that have several; a field that is none of the type as it is."""
    spell = _SPELLINGS.get(base_type(pg_type)) if "(" in pg_type else _SPELLINGS.get(pg_type)
    text = decode_field(field) if spell else None
    if spell is None or text is None:
        return field
    try:
        return spell(text).encode()
    except (ValueError, ArithmeticError):
        return field


def _spell_numeric(text: str) -> str:
    spelled = format(Decimal(text), "f")
    return (spelled.rstrip("0").rstrip(".") if "." in spelled else spelled) or "0"


def _spell_json(text: str) -> str:
    return jsonb_text(text) or text


_SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "double precision": lambda text: repr(float(text) + 0.0),
    "real": lambda text: repr(float(text) + 0.0),
    "numeric": _spell_numeric,
    "json": _spell_json,
    "jsonb": _spell_json,
}


def _bucket(key: bytes) -> int:
    return row_digest(key) % BUCKETS


def _differing_buckets(source: Lines, target: Lines, shape: Shape) -> dict[int, int]:
    """Bucket → how many rows of both sides it holds, for the buckets whose sums differ."""
    sums, rows = [0] * BUCKETS, [0] * BUCKETS
    for lines, sign in ((source(), 1), (target(), -1)):
        for line in lines:
            bucket = _bucket(shape.key_of(line))
            sums[bucket] += sign * row_digest(line)
            rows[bucket] += 1
    return {bucket: rows[bucket] for bucket, total in enumerate(sums) if total}


def _batches(buckets: Mapping[int, int]) -> Iterator[frozenset[int]]:
    """The buckets in groups of about EXAMINED rows."""
    batch: set[int] = set()
    rows = 0
    for bucket, count in buckets.items():
        if batch and rows + count > EXAMINED:
            yield frozenset(batch)
            batch, rows = set[int](), 0
        batch.add(bucket)
        rows += count
    if batch:
        yield frozenset(batch)


def _differing_keys(source: Lines, target: Lines, shape: Shape, buckets: frozenset[int]) -> set[bytes]:
    sums: dict[bytes, Digest] = {}
    for lines, sign in ((source(), 1), (target(), -1)):
        for line in lines:
            key = shape.key_of(line)
            if _bucket(key) in buckets:
                sums[key] = sums.get(key, Digest()) + Digest(sign, sign * row_digest(line))
    return {key for key, rest in sums.items() if rest != Digest()}


def _collect(lines: Iterable[bytes], shape: Shape, keys: set[bytes]) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for line in lines:
        key = shape.key_of(line)
        if key in keys:
            found.setdefault(key, []).append(line)
    return found


def _explain(source: Sequence[bytes], target: Sequence[bytes], shape: Shape) -> Iterator[RowDifference]:
    """The differences among the rows of one key; without a key, each surplus row by itself."""
    missing, extra = _unpaired(source, target, shape)
    for left, right in zip(missing, extra, strict=False):
        changed = _changed(left, right, shape)
        yield RowDifference(Kind.CHANGED, _key(left, shape), changed)
    for line in missing[len(extra) :]:
        yield RowDifference(Kind.MISSING, _key(line, shape))
    for line in extra[len(missing) :]:
        yield RowDifference(Kind.EXTRA, _key(line, shape))


def _unpaired(
    source: Sequence[bytes], target: Sequence[bytes], shape: Shape
) -> tuple[list[bytes], list[bytes]]:
    extra = list(target)
    missing: list[bytes] = []
    for line in source:
        twin = next((other for other in extra if not _changed(line, other, shape)), None)
        if twin is None:
            missing.append(line)
        else:
            extra.remove(twin)
    return missing, extra


def _changed(left: bytes, right: bytes, shape: Shape) -> tuple[str, ...]:
    pairs = zip(shape.names, shape.types, left.split(b"\t"), right.split(b"\t"), strict=True)
    return tuple(name for name, kind, one, other in pairs if not same_value(one, other, kind))


def _shown(value: str | None) -> str:
    """A value on one line, short, without anything that steers a terminal."""
    if value is None:
        return "NULL"
    shown = (one if one.isprintable() else one.encode("unicode_escape").decode() for one in value[:_SHOWN])
    head = "".join(shown)
    return head if len(value) <= _SHOWN else f"{head}… ({len(value)} characters)"


def _key(line: bytes, shape: Shape) -> dict[str, str | None]:
    fields = line.split(b"\t")
    positions = shape.key or tuple(range(len(shape.names)))
    return {shape.names[position]: decode_field(fields[position]) for position in positions}
