"""Where PostgreSQL's own programs are, and the account they run under."""

import os
import pwd
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from opskit.errors import Refused
from opskit.host.commands import run

PREFERRED = 15
DEBIAN = Path("/usr/lib/postgresql")
ACCOUNTS = ("postgres", "nobody")
"""Who runs a server for root, which PostgreSQL refuses to do; Debian's package makes the first."""


def find_programs(debian: Path = DEBIAN) -> Path:
    """The directory with initdb and postgres: version 15, then the newest one above, then pg_config's.

    Raises:
        Refused: there is none.
    """
    for programs in _candidates(debian):
        if all((programs / name).exists() for name in ("initdb", "postgres", "createdb")):
            return programs
    raise Refused.of(
        "postgresql_missing",
        f"PostgreSQL {PREFERRED}'s server programs are not installed",
        hint=f"apt-get install postgresql-{PREFERRED}",
        where=str(debian),
    )


def preference(names: Iterable[str]) -> list[int]:
    """The usable major versions among directory names, best first.

    >>> preference(["13", "16", "15", "17", "common"])
    [15, 17, 16]
    """
    majors = {int(name) for name in names if name.isdecimal()}
    return sorted(
        (major for major in majors if major >= PREFERRED), key=lambda major: (major != PREFERRED, -major)
    )


def server_account() -> pwd.struct_passwd | None:
    """Who is to run a server: None for this process's own user, somebody unprivileged when that is root.

    Raises:
        Refused: this is root and the host knows no unprivileged account.
    """
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Refused.of(
        "account_missing",
        f"PostgreSQL does not run as root, and there is no account {' or '.join(ACCOUNTS)}",
        hint=f"apt-get install postgresql-{PREFERRED}",
    )


def as_account(account: pwd.struct_passwd | None, *, parent_death: bool = False) -> list[str]:
    """The words before a command that make it run under an account.

    Args:
        parent_death: also make the kernel send SIGQUIT, PostgreSQL's immediate shutdown, when the thread
            that starts it ends, however it ends.
    """
    words = ["setpriv"]
    if account is not None:
        words += [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--init-groups"]
    if parent_death:
        words.append("--pdeathsig=QUIT")
    return words if len(words) > 1 else []


def _candidates(debian: Path) -> Iterator[Path]:
    if debian.is_dir():
        for major in preference(entry.name for entry in debian.iterdir()):
            yield debian / str(major) / "bin"
    if pg_config := shutil.which("pg_config"):
        yield Path(run([pg_config, "--bindir"]).strip())
