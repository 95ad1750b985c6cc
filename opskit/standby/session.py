"""A database's file and its connections while it follows: how it is opened, and by which method."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

import apsw
import psycopg

from opskit.capture.reconcile import Alive
from opskit.capture.slot import drop_slot, publish, published, read_slot, refuses, remake_slot
from opskit.capture.sqlite_side import open_for_changes
from opskit.errors import ConnectionFailed
from opskit.runs.ownership import hand_over
from opskit.schema.sqlite_source import copy_source
from opskit.standby.decide import Conditions, Method, choose
from opskit.standby.pairs import Pairs
from opskit.standby.place import Place
from opskit.standby.place_table import read_place
from opskit.standby.window import Window
from opskit.transfer.awake import while_awake
from opskit.transfer.deadlines import Silence
from opskit.transfer.target import Connection, connect, server_words

SILENCE = 60.0
"""Seconds after which a server that does not answer is taken for one that hangs."""

_CONDITIONS = """
SELECT (SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
        WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND c.relkind = 'r'),
       current_setting('wal_level') = 'logical',
       (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user)
"""


@dataclass(slots=True)
class Session:
    """One database while it follows.

    Attributes:
        reader: reads rows, in snapshots; `log`: reads the log and lets it go.
        why: why this method.
        place: how far the file has come; None before the first copy is complete.
        differing: table → why it could not be made equal.
        gap: why the log does not tell all that has changed, until everything has been compared.
    """

    window: Window
    file: apsw.Connection
    reader: Connection
    log: Connection
    method: Method
    why: str
    place: Place | None
    pairs: Pairs | None = None
    differing: dict[str, str] = field(default_factory=dict[str, str])
    gap: str = ""


@contextmanager
def session(window: Window, alive: Alive) -> Generator[Session]:
    """Opens a database; a file that is not there yet begins as a copy of the application's.

    Args:
        alive: called now and then while the server is waited for.

    Raises:
        Refused: the application's file cannot be copied.
        ConnectionFailed: PostgreSQL cannot be reached, or refuses.
        psycopg.Error: the server went away.
        apsw.Error: the file cannot be opened.
    """
    with ExitStack() as stack:
        limit = Silence(SILENCE, _waiting(window, alive))
        reader = connect(window.reader, "opskit standby", limit=limit)
        stack.callback(reader.close)
        log = connect(window.reader, "opskit standby log", limit=limit)
        stack.callback(log.close)
        method, why = _method(window, log)
        if not window.file.exists():
            seed(window, partial(copy_source, window.source))
        file = open_for_changes(window.file)
        stack.callback(file.close)
        yield Session(window, file, reader, log, method, why, read_place(file))


def _waiting(window: Window, alive: Alive) -> Callable[[], None]:
    """What is done while the server is silent: tell it, and doubt whether the server is awake."""
    doubt = while_awake(window.reader).alive

    def beat() -> None:
        alive(0)
        doubt()

    return beat


def seed(window: Window, copy: Callable[[Path], None]) -> None:
    """Makes the file a copy of the application's; it stands whole or not at all.

    Args:
        copy: writes a copy of the application's file to a path.

    Raises:
        Refused: it cannot be copied.
    """
    window.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial_copy = window.file.with_name(f"{window.file.name}.partial")
    copy(partial_copy)
    for suffix in ("-wal", "-shm"):  # of a file that was removed: they would be played into the new one
        window.file.with_name(window.file.name + suffix).unlink(missing_ok=True)
    hand_over(partial_copy, window.file.parent)
    partial_copy.replace(window.file)


def _method(window: Window, log: Connection) -> tuple[Method, str]:
    row = log.execute(_CONDITIONS, (window.schema,)).fetchone()
    size, logical, replicates = cast("tuple[int, bool, bool]", row)
    method, why = choose(Conditions(size, window.small, logical, replicates))
    problem = (_publication(window, log) or _slot(window, log)) if method is Method.LOG else ""
    if problem:
        method, why = Method.COPY, f"the whole is compared each time: {problem}"
    if method is Method.COPY and replicates and read_slot(log, window.slot):
        drop_slot(log, window.slot)  # of an earlier time; nobody would ever let its log go
    return method, why


def _publication(window: Window, log: Connection) -> str:
    """Makes the publication unless it is there; returns why it cannot be made."""
    if published(log, window.publication, window.schema):
        return ""
    try:
        owner = connect(window.owner, "opskit standby", limit=Silence(SILENCE))
    except ConnectionFailed as error:
        return str(error)
    try:
        publish(owner, window.publication, window.schema)
    except psycopg.Error as error:
        if not refuses(error):
            raise
        return server_words(error)
    finally:
        owner.close()
    if published(log, window.publication, window.schema):
        return ""
    return "the owner's role owns no table with a primary key"


def _slot(window: Window, log: Connection) -> str:
    """Makes the slot unless it is there; returns why it cannot be made."""
    if read_slot(log, window.slot):
        return ""
    try:
        remake_slot(log, window.slot)
    except psycopg.Error as error:
        if not refuses(error):
            raise
        return server_words(error)
    return ""
