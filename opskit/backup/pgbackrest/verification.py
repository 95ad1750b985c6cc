"""What `pgbackrest verify` and a listing of the repository say about each backup. Pure."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import cast

from opskit.backup.pgbackrest.catalogue import ClusterBackup, concerned, gaps

_BACKUP = re.compile(
    r"backup: (?P<label>\S+), status: (?P<status>[^,]+), total files checked: (?P<all>\d+), "
    r"total valid files: (?P<valid>\d+)"
)
_ARCHIVE = re.compile(
    r"archiveId: (?P<id>\S+), total WAL checked: (?P<all>\d+), total valid WAL: (?P<valid>\d+)"
)
_SEGMENT = re.compile(r"(?P<segment>[0-9A-F]{24})-[0-9a-f]{40}")
_FINE = frozenset({"valid", "in-progress"})


def backup_problems(said: str, backup: ClusterBackup) -> Iterator[str]:
    """What is wrong with the files of a backup, and with those of earlier ones that it needs."""
    found = {one["label"]: one for one in _BACKUP.finditer(said)}
    one = found.get(backup.label)
    if one and one["status"] not in _FINE:
        bad = int(one["all"]) - int(one["valid"])
        named = ", ".join(_named(said, (backup.label, *backup.needs)))
        yield f"{one['status']}: {bad:,} of {int(one['all']):,} files{f' ({named})' if named else ''}"


def _named(said: str, labels: Iterable[str]) -> Iterator[str]:
    """The files that are invalid, as far as they are told."""
    for label in labels:
        yield from (one[1] for one in re.finditer(rf"invalid \w+ '({re.escape(label)}/[^']+)'", said))


def archive_problems(said: str, listing: str, backup: ClusterBackup) -> Iterator[str]:
    """Which log is missing or damaged that a backup needs to be brought up to later moments.

    Args:
        listing: `repo-ls --recurse --output=json` of the stanza's archive.
    """
    bad = sorted(
        {one["segment"] for line in said.splitlines() if "invalid" in line for one in _SEGMENT.finditer(line)}
    )
    for segment in bad:
        if concerned(backup, segment):
            yield f"log segment {segment} is damaged"
    checked = [(int(one["all"]), int(one["valid"]), one["id"]) for one in _ARCHIVE.finditer(said)]
    if not bad:
        for total, valid, archive in checked:
            if total != valid:
                yield f"{total - valid:,} of {total:,} segments of log {archive} are damaged"
    segments = [one for one in kept_segments(listing) if concerned(backup, one)]
    if backup.first not in segments or backup.last not in segments:
        yield f"log segments {backup.first} to {backup.last}, which it needs itself, are not all there"
    for before, after in gaps(segments):
        yield f"log is missing between segments {before} and {after}"


def kept_segments(listing: str) -> tuple[str, ...]:
    """The segments of the log in a listing."""
    paths = cast("dict[str, object]", json.loads(listing))
    return tuple(sorted(found["segment"] for path in paths if (found := _SEGMENT.search(path))))
