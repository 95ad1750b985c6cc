"""Files that opskit owns, or changes for others: whole, at once, and with the access they shall have."""

import grp
import os
import pwd
import stat
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from opskit.errors import OpskitError, Refused

ACCESS_LIST = "system.posix_acl_access"


class FileFailed(OpskitError):
    """A file could not be read or written; the message names it."""


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it is.

    Attributes:
        mode: its permission bits.
        owner: the name of its user, the number of one without a name; `group` likewise.
    """

    mode: int
    owner: str
    group: str
    content: bytes = field(repr=False)


def read_state(file: Path) -> FileState | None:
    """The file as it is, links followed; None when there is none.

    Raises:
        Refused: it is a link that somebody else than the owner of its target has made.
        FileFailed: it cannot be read.
    """
    with _failing(file, "read"):
        try:
            descriptor = os.open(followed(file), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as opened:
            about = os.fstat(descriptor)
            return FileState(
                stat.S_IMODE(about.st_mode),
                user_name(about.st_uid),
                group_name(about.st_gid),
                opened.read(),
            )


def write_whole(file: Path, content: bytes, *, mode: int, owner: str, group: str) -> None:
    """Puts the content in the place of the file: whoever reads it finds the old bytes or the new ones.

    A link is followed, an access list kept. On the disk when this returns. Bytes of a killed write stand in
    a file `.NAME.opskit` beside it, for its owner only, until the next write.

    Raises:
        Refused: it is a link that somebody else than the owner of its target has made.
        FileFailed: it cannot be written, or the user or group does not exist.
    """
    target = followed(file)
    aside = target.with_name(f".{target.name}.opskit")
    with _failing(file, "written"):
        aside.unlink(missing_ok=True)
        try:
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(content)
                opened.flush()
                _set_access(descriptor, mode, owner, group)
                with suppress(OSError):  # no list, or no file system that has lists
                    os.setxattr(descriptor, ACCESS_LIST, os.getxattr(target, ACCESS_LIST))
                os.fsync(descriptor)
            aside.replace(target)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        sync_directory(target.parent)


def make_directory(directory: Path, *, mode: int = 0o755) -> tuple[Path, ...]:
    """Makes a directory and those above it; returns the ones that were not there, the innermost first.

    Raises:
        FileFailed: one cannot be made.
    """
    missing = tuple(one for one in (directory, *directory.parents) if not one.exists())
    with _failing(directory, "made"):
        for one in reversed(missing):
            one.mkdir(exist_ok=True)
            one.chmod(mode)  # whatever this process's umask says
            sync_directory(one.parent)
    return missing


def give_directory(directory: Path, *, mode: int, owner: str, group: str) -> None:
    """Says who may do what in a directory that is there.

    Raises:
        FileFailed: it cannot be said, or the user or group does not exist.
    """
    with _failing(directory, "given away"):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            _set_access(descriptor, mode, owner, group)
        finally:
            os.close(descriptor)


def remove_directories(directories: Iterable[Path]) -> None:
    """Removes directories in the order given; one that somebody has put something into stays."""
    for directory in directories:
        with suppress(OSError):
            directory.rmdir()


def remove(file: Path) -> None:
    """Removes a file, if it is there.

    Raises:
        FileFailed: it cannot be removed.
    """
    with _failing(file, "removed"), suppress(FileNotFoundError):
        file.unlink()
        sync_directory(file.parent)


def followed(file: Path) -> Path:
    """The file that a path stands for.

    In a directory of the application's, a link could lead root's hand to any file.

    Raises:
        Refused: it is a link that neither root nor the owner of its target has made.
    """
    target = file.resolve()
    if file.is_symlink() and target.exists() and file.lstat().st_uid not in (0, target.stat().st_uid):
        raise Refused.of(
            "foreign_link",
            f"{file} is a link of {user_name(file.lstat().st_uid)} to {target}, a file of somebody else's",
            hint="put a file in the place of the link, or name the target itself in the configuration",
            where=str(file),
        )
    return target


def sync_directory(directory: Path) -> None:
    """Waits until the disk has the names in a directory."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _set_access(descriptor: int, mode: int, owner: str, group: str) -> None:
    about = os.fstat(descriptor)
    wanted = (_user_number(owner), _group_number(group))
    if wanted != (about.st_uid, about.st_gid):
        os.fchown(descriptor, *wanted)
    os.fchmod(descriptor, mode)


def user_name(number: int) -> str:
    """A user's name; the number of one without a name."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group_name(number: int) -> str:
    """A group's name; the number of one without a name."""
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _user_number(name: str) -> int:
    return int(name) if name.isdecimal() else pwd.getpwnam(name).pw_uid


def _group_number(name: str) -> int:
    return int(name) if name.isdecimal() else grp.getgrnam(name).gr_gid


@contextmanager
def _failing(file: Path, done: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise FileFailed.of(
            "file_failed", f"{file} cannot be {done}: {error.strerror}", where=str(file)
        ) from error
    except KeyError as error:  # of pwd or grp, whose text names the account
        raise FileFailed.of(
            "account_missing", f"{file} cannot be {done}: {error.args[0]}", where=str(file)
        ) from error
