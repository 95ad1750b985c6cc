"""Backups that only the holders of a key can read: every file but the manifest is encrypted by age.

What is not encrypted yet, or no longer, stands in the temporary directory alone, for this user only, and goes
with the process. Keys are named by their files, and their text is never read here but for public ones.
"""

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from opskit.backup.manifest import Manifest
from opskit.backup.programs import ProgramFailed, run_to_end
from opskit.backup.room import ELSEWHERE, check_room
from opskit.config import Encrypt
from opskit.errors import ConfigurationError, Refused
from opskit.host.commands import CommandFailed, bare_environment, run
from opskit.host.scratch import scratch_directory

SUFFIX = ".age"


def recipients(encrypt: Encrypt) -> tuple[str, ...]:
    """The public keys that backups are encrypted to.

    Raises:
        Refused: age is not installed.
        ConfigurationError: the file cannot be read, or age does not understand it.
    """
    file = encrypt.recipients_file
    try:
        run(
            [_age(), "--recipients-file", file], stdin="", env=bare_environment()
        )  # never prints a line of it
        lines = file.read_text(encoding="utf-8").splitlines()
    except (CommandFailed, OSError, UnicodeDecodeError) as error:
        raise ConfigurationError.of(
            "recipients",
            f"{file} cannot be used as a list of recipients: {_reason(error)}",
            hint="write public keys into it, one a line: `age-keygen -y IDENTITY`",
            where="backup.encrypt.recipients_file",
        ) from error
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def encrypt_files(directory: Path, to: Path, encrypt: Encrypt, log: Path) -> str:
    """Encrypts every file of a directory, takes it away, and returns the version of age.

    Raises:
        Refused: age is not installed.
        ProgramFailed: it failed.
        OSError: the disk failed.
    """
    age = _age()
    for file in _files(directory):
        target = _beside(to, file.relative_to(directory), SUFFIX)
        run_to_end([age, "--recipients-file", encrypt.recipients_file, "-o", target, file], log)
        file.unlink()
    return run([age, "--version"], env=bare_environment()).strip()


def check_key(manifest: Manifest, encrypt: Encrypt | None) -> None:
    """Is there what it takes to read a backup? Which key opens it only trying shows.

    Raises:
        Refused: it is encrypted, and age or the configured key is missing.
    """
    if manifest.recipients:
        _age()
        _identity(manifest, encrypt)


@contextmanager
def readable(directory: Path, manifest: Manifest, encrypt: Encrypt | None) -> Generator[Path]:
    """A directory with a backup's files as they were before encryption; its own when there was none.

    Raises:
        Refused: the key is missing or another one, age is not installed, or there is no room.
        OSError: the disk failed.
    """
    if not manifest.recipients:
        yield directory
        return
    age, identity = _age(), _identity(manifest, encrypt)
    with scratch_directory() as room:
        check_room(room, manifest.size, f"{manifest.id} without its encryption", hint=ELSEWHERE)
        plain = room / "backup"
        for one in manifest.files:
            target = _beside(plain, Path(one.path.removesuffix(SUFFIX)), "")
            try:
                run_to_end(
                    [age, "--decrypt", "-i", identity, "-o", target, directory / one.path], room / "age.log"
                )
            except ProgramFailed as error:
                check_room(room, one.size, one.path, hint=ELSEWHERE)
                message = f"{identity} does not open {manifest.id}: {_reason(error)}"
                raise _no_key("identity_wrong", message, manifest) from error
        yield plain


def room_for_plain(beside: Path, *, encrypted: bool) -> Path:
    """Where what a backup holds may stand for a while: beside the backup only when that hides nothing."""
    return Path(tempfile.gettempdir()) if encrypted else beside


def _identity(manifest: Manifest, encrypt: Encrypt | None) -> Path:
    identity = encrypt.identity_file if encrypt else None
    if identity is None:
        message = f"{manifest.id} is encrypted, and no private key is configured"
        raise _no_key("identity_missing", message, manifest)
    return identity


def _no_key(code: str, message: str, manifest: Manifest) -> Refused:
    where, keys = "backup.encrypt.identity_file", ", ".join(manifest.recipients)
    return Refused.of(
        code, message, hint=f"{where} must name the file of the private key of one of: {keys}", where=where
    )


def _reason(error: Exception) -> str:
    """What is wrong, without age's invitation to report it."""
    said = [line.removeprefix("age: error: ") for line in str(error).splitlines() if "age: error: " in line]
    return "; ".join(said) or str(error)


def _files(directory: Path) -> list[Path]:
    return sorted(one for one in directory.rglob("*") if one.is_file())


def _beside(directory: Path, path: Path, suffix: str) -> Path:
    target = directory / path.with_name(path.name + suffix)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return target


def _age() -> str:
    found = shutil.which("age")
    if found is None:
        hint = "apt-get install age (`opskit provision` does)"
        raise Refused.of("age_missing", "backups are encrypted, and age is not installed", hint=hint)
    return found
