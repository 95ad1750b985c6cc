"""Backups as lines for people. Pure."""

from collections.abc import Iterable, Iterator

from opskit.backup.manifest import Manifest, moment_of
from opskit.backup.records import Level
from opskit.backup.shelf import Backup

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def listed(backups: Iterable[Backup]) -> str:
    """One line a backup."""
    lines = [_line(one) for one in backups]
    head = f"{'BACKUP':<32}  {'ENGINE':<10}  {'SIZE':>10}  {'ROWS':>12}  STATE"
    return "\n".join([head, *lines]) if lines else "there are no backups"


def _line(one: Backup) -> str:
    manifest = one.manifest
    engine, bytes_, rows = (
        (manifest.engine.value, size(manifest.size), f"{manifest.rows:,}") if manifest else "---"
    )
    return f"{one.id:<32}  {engine:<10}  {bytes_:>10}  {rows:>12}  {', '.join(_state(one))}"


def _state(one: Backup) -> Iterator[str]:
    if one.record.pinned:
        yield "pinned"
    if one.problems:
        yield f"DAMAGED: {'; '.join(one.problems)}"
        return
    drilled, read = one.record.passed(Level.DRILL), one.record.passed(Level.READABLE)
    files = one.record.passed(Level.FILES)
    if drilled:
        yield f"came back in a drill {drilled:%Y-%m-%d %H:%M}"
    elif read:
        yield f"read {read:%Y-%m-%d %H:%M}"
    elif files:
        yield f"files checked {files:%Y-%m-%d %H:%M}"
    else:
        yield "never checked"


def described(one: Backup) -> str:
    """Everything about one backup."""
    lines = [f"{one.id}: {', '.join(_state(one))}"]
    if one.manifest is None:
        return "\n".join([*lines, f"  begun {moment_of(one.id):%Y-%m-%d %H:%M:%S} UTC"])
    return "\n".join([*lines, *_contents(one.manifest)])


def _contents(manifest: Manifest) -> Iterator[str]:
    names = ", ".join((manifest.database, *manifest.also))
    yield f"  {names} on {manifest.engine.value} as of {manifest.created:%Y-%m-%d %H:%M:%S} UTC"
    yield f"  made in {manifest.seconds} s"
    yield f"  with {', '.join(f'{name} {version}' for name, version in manifest.versions.items())}"
    if manifest.recipients:
        yield f"  encrypted to {', '.join(manifest.recipients)}"
    yield f"  tables: {len(manifest.tables)}, {manifest.rows:,} rows"
    for table in manifest.tables:
        yield f"    {table.name}  {table.rows:,} rows  {table.digest}"
    yield f"  files: {len(manifest.files)}, {size(manifest.size)}"
    for file in manifest.files:
        yield f"    {file.path}  {file.size:,} bytes  sha256 {file.sha256}"


def size(count: int) -> str:
    """A number of bytes for people.

    >>> size(999), size(1500), size(2_300_000_000)
    ('999 bytes', '1.5 kB', '2.3 GB')
    """
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit else f"{count} bytes"
