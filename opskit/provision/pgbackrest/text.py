"""pgBackRest's configuration as a file. Pure: secrets come in by the key they are written under."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from opskit.config import S3, Pgbackrest, Repository, Secret, Sftp

DAY = 86400.0
LOCKS = Path("/run/postgresql/pgbackrest")
"""Where services with a temporary directory of their own see the locks of others, too."""

HEADER = "# Written by `opskit provision`, from backup.pgbackrest. It may hold secrets."


@dataclass(frozen=True, slots=True)
class Place:
    """The cluster's data directory, and how its server is reached."""

    data: Path
    port: int
    sockets: Path


def secrets(repository: Repository) -> Mapping[str, Secret]:
    """Key of the file → the secret that stands there."""
    s3 = repository.s3
    named = {
        "repo1-cipher-pass": repository.passphrase,
        "repo1-s3-key": s3.key if s3 else None,
        "repo1-s3-key-secret": s3.secret if s3 else None,
    }
    return {key: secret for key, secret in named.items() if secret is not None}


def file_text(
    wanted: Pgbackrest, place: Place, jobs: int, known: Mapping[str, str], *, locks: Path = LOCKS
) -> str:
    """The whole file.

    Args:
        jobs: processes that work side by side.
        known: the secrets, by the key of each.
    """
    general = {
        **dict(_repository(wanted.repository)),
        **known,
        "repo1-bundle": "y",  # small files together: an object store counts requests
        "repo1-retention-full-type": "time",
        "repo1-retention-full": str(ceil(wanted.window / DAY)),
        "expire-auto": "n",  # `opskit backup prune` does it
        "compress-type": "zst",
        "process-max": str(jobs),
        "start-fast": "y",  # or a backup waits for the next checkpoint
        "log-level-console": "warn",
        "log-level-file": "off",  # what happens is in the journal
        "lock-path": str(locks),
    }
    cluster = {
        "pg1-path": str(place.data),
        "pg1-port": str(place.port),
        "pg1-socket-path": str(place.sockets),
    }
    return "\n".join(
        [HEADER, "", "[global]", *_lines(general), "", f"[{wanted.stanza}]", *_lines(cluster), ""]
    )


def differing(text: str, shall: str) -> tuple[str, ...]:
    """The keys whose values differ, without the values: some are secrets.

    >>> differing("a=1\\nb=2\\n", "a=1\\nb=3\\nc=4\\n")
    ('b', 'c')
    """
    before, after = _read(text), _read(shall)
    keys = sorted(before.keys() | after.keys())
    return tuple(key for key in keys if before.get(key) != after.get(key))


def _lines(values: Mapping[str, str]) -> Iterator[str]:
    yield from (f"{key}={value}" for key, value in values.items())


def _read(text: str) -> Mapping[str, str]:
    parts = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key: value for key, _, value in parts}


def _repository(repository: Repository) -> Iterator[tuple[str, str]]:
    if repository.path is not None:
        yield from (("repo1-type", "posix"), ("repo1-path", str(repository.path)))
    if repository.s3 is not None:
        yield from _s3(repository.s3)
    if repository.sftp is not None:
        yield from _sftp(repository.sftp)
    yield "repo1-cipher-type", "aes-256-cbc" if repository.passphrase else "none"


def _s3(s3: S3) -> Iterator[tuple[str, str]]:
    yield "repo1-type", "s3"
    yield "repo1-path", str(s3.path)
    yield "repo1-s3-bucket", s3.bucket
    yield "repo1-s3-endpoint", s3.endpoint
    yield "repo1-s3-region", s3.region
    yield "repo1-s3-uri-style", "path" if s3.path_style else "host"
    yield "repo1-s3-key-type", "shared" if s3.key else "auto"
    if s3.ca_file is not None:
        yield "repo1-storage-ca-file", str(s3.ca_file)


def _sftp(sftp: Sftp) -> Iterator[tuple[str, str]]:
    yield "repo1-type", "sftp"
    yield "repo1-path", str(sftp.path)
    yield "repo1-sftp-host", sftp.host
    yield "repo1-sftp-host-port", str(sftp.port)
    yield "repo1-sftp-host-user", sftp.user
    yield "repo1-sftp-host-key-hash-type", "sha256"
    yield "repo1-sftp-private-key-file", str(sftp.key_file)
    if sftp.known_hosts is not None:
        yield "repo1-sftp-known-host", str(sftp.known_hosts)
