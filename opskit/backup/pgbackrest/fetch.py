"""Restores the files of the cluster into a new directory, and holds them at what is to be brought back."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from opskit.backup.pgbackrest.aside import Aside, NotReached, give
from opskit.backup.pgbackrest.catalogue import first_byte, parse
from opskit.backup.pgbackrest.cluster import Cluster, session
from opskit.backup.pgbackrest.target import Target
from opskit.host.files import FileFailed


def fetch(cluster: Cluster, target: Target, directory: Path) -> None:
    """Restores the files into a new directory, ready to be held at the target, or to be started there.

    Raises:
        RepositoryFailed: it failed.
        FileFailed: the directory cannot be made.
    """
    try:
        directory.mkdir(mode=0o700)
        give(directory, cluster.repository)
    except OSError as error:
        message = f"{directory} cannot be made: {error.strerror}"
        raise FileFailed.of("file_failed", message, where=str(directory)) from error
    later = " ".join(cluster.repository.words("archive-get"))
    cluster.repository.attend(
        "restore",
        f"--pg1-path={directory}",
        f"--set={target.backup.label}",
        *target.options,
        f'--recovery-option=restore_command={later} %f "%p"',
        f"--tablespace-map-all={directory.with_name(f'{directory.name}.tablespaces')}",
    )


@contextmanager
def opened(found: Aside, target: Target) -> Generator[None]:
    """Opens a fetched cluster as of its target, with a history of its own, which is for nothing else.

    Transactions that had not ended are over in it, and lock nothing.

    Raises:
        NotReached: its log does not lead there.
        OpskitError: it could not be started.
    """
    with found.held({"recovery_target_action": "promote"}):
        if target.latest:
            _check_end(found)
        yield


@contextmanager
def held(found: Aside, target: Target) -> Generator[None]:
    """Holds a fetched cluster at its target for the block.

    Raises:
        NotReached: its log does not lead there.
        OpskitError: it could not be started.
    """
    waits = found.data / "standby.signal"
    if target.latest:  # or it would begin a history of its own at the end of the log
        waits.touch()
        give(waits, found.repository)
    try:
        with found.held({}):
            if target.latest:
                _check_end(found)
            yield
    finally:
        waits.unlink(missing_ok=True)


def _check_end(found: Aside) -> None:
    """The log must have been read to its end, not only to where it can be read no further."""
    newest = max(parse(found.repository.ask("info", "--output=json")).archives.values(), default="")
    with session(found.server) as connection:
        ((lsn, size),) = cast("list[tuple[int, int]]", connection.execute(_READ_TO).fetchall())
    if newest and lsn < first_byte(newest, size):
        raise NotReached.of(
            "not_reached",
            f"the log can be read to {lsn:X}, and not to its end in segment {newest}",
            hint="`opskit backup verify` says what is missing; restore with --to-time before it",
            where=newest,
        )


_READ_TO = """
SELECT (pg_catalog.pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint, setting::bigint
FROM pg_catalog.pg_settings WHERE name = 'wal_segment_size'
"""
