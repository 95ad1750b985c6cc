"""Reads what there is of pgBackRest on this host. Changes nothing."""

import re
import shutil

from opskit.config import read_secret
from opskit.config.pgbackrest_words import CONFIGURATION, PROGRAM
from opskit.errors import OpskitError
from opskit.host.commands import bare_environment, run
from opskit.host.files import FileState, read_state
from opskit.host.pgbackrest import Pgbackrest, has_stanza
from opskit.host.postgresql_programs import server_account
from opskit.provision.pgbackrest.planning import PgbackrestFacts, PgbackrestWanted
from opskit.provision.pgbackrest.text import Place, differing, file_text, secrets
from opskit.provision.settings.file import Access


def read_pgbackrest(wanted: PgbackrestWanted | None, place: Place) -> PgbackrestFacts:
    """pgBackRest as it is here.

    Raises:
        ConfigurationError: a secret cannot be read.
        FileFailed: its file cannot be read.
    """
    state = read_state(CONFIGURATION)
    access = Access(state.mode, state.owner, state.group) if state else None
    if wanted is None:
        return PgbackrestFacts(access=access)
    others = differing(_text(state), shall(wanted, place))
    directory = wanted.pgbackrest.repository.path
    ready = state is not None and not others and shutil.which(PROGRAM) is not None
    stanza, trouble = _stanza(wanted) if ready else (False, "")
    repository = directory is None or directory.is_dir()
    return PgbackrestFacts(_version(), access, others, repository, stanza, trouble)


def shall(wanted: PgbackrestWanted, place: Place) -> str:
    """The file as it shall be, secrets and all.

    Raises:
        ConfigurationError: a secret cannot be read.
    """
    named = secrets(wanted.pgbackrest.repository).items()
    known = {key: read_secret(secret) or "" for key, secret in named}
    return file_text(wanted.pgbackrest, place, wanted.jobs, known)


def _text(state: FileState | None) -> str:
    return state.content.decode("utf-8", "replace") if state else ""


def _version() -> tuple[int, int] | None:
    if shutil.which(PROGRAM) is None:
        return None
    found = re.search(r"(\d+)\.(\d+)", run([PROGRAM, "version"], env=bare_environment()))
    return (int(found[1]), int(found[2])) if found else None


def _stanza(wanted: PgbackrestWanted) -> tuple[bool | None, str]:
    try:
        return has_stanza(Pgbackrest(wanted.pgbackrest.stanza, account=server_account())), ""
    except OpskitError as error:
        return None, str(error)
