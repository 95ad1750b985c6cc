"""Is the application well on its new side? What proves it is what it does, not what it says."""

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from typing import cast

import apsw
from psycopg import sql

from opskit.config import Engine
from opskit.errors import OpskitError
from opskit.schema.sqlite_file import rows
from opskit.switch.application import ApplicationFailed, Control, users
from opskit.switch.postgresql_fence import Shut, session
from opskit.switch.sides import Side
from opskit.switch.sql import query
from opskit.switch.sqlite_fence import opened, read_fence
from opskit.transfer.target import Connection

_PAUSE = 0.2
_URL_SECONDS = 5.0


def await_health(sides: Sequence[Side], control: Control, engine: Engine) -> None:
    """Waits until nothing speaks against it any more.

    Raises:
        ApplicationFailed: something still does, after the application's patience.
    """
    restarts = control.restarts()
    until = time.monotonic() + control.patience
    while True:
        ailing = tuple(_ailing(sides, control, engine, restarts))
        if not ailing:
            return
        if time.monotonic() > until:
            raise ApplicationFailed.of(
                "not_healthy",
                f"the application is not well on {engine.value}: {'; '.join(ailing)}",
                hint="see the application's log",
                where=control.how,
            )
        time.sleep(_PAUSE)


def _ailing(sides: Sequence[Side], control: Control, engine: Engine, restarts: int) -> Iterator[str]:
    if not control.is_active():
        yield f"{control.how} does not run"
    if control.restarts() > restarts:
        yield f"{control.how} was started again"
    url = control.application.url
    if url:
        yield from _tried(lambda: _unanswered(url))
    for side in sides:
        look = _on_postgresql if engine is Engine.POSTGRESQL else _on_sqlite
        yield from _tried(lambda side=side, look=look: look(side))


def _tried(question: Callable[[], Iterator[str]]) -> Iterator[str]:
    """What cannot be asked is not well."""
    try:
        yield from question()
    except OpskitError as error:
        yield str(error)


def _on_postgresql(side: Side) -> Iterator[str]:
    held = users((side.file,))
    if held:
        yield f"{side.name}: pid {held[0].pid} has the SQLite file open"
    with session(side.window.owner, side.name) as owner:
        found = owner.execute(query("session_names"), {"role": side.shut.role}).fetchall()
        denied = _denied(owner, side.shut)
    names = sorted(str(name) for (name,) in cast("list[tuple[str]]", found))
    if not names:
        yield f"{side.name}: no session of {side.shut.role} in {side.target}"
    elif side.session_name not in (None, *names):
        yield f"{side.name}: no session is called {side.session_name!r}, but {', '.join(map(repr, names))}"
    if denied:
        yield f"{side.name}: {side.shut.role} may not write {', '.join(denied)}"


def _denied(owner: Connection, shut: Shut) -> list[str]:
    """A canary: the server takes a write of the application's role, and gives it up again.

    The owner is a member of that role, whose password is the application's own.
    """
    with owner.transaction(force_rollback=True):
        owner.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(shut.role)))
        owner.execute("SELECT pg_current_xact_id()")
        found = owner.execute(query("denied_tables"), {"schema": shut.schema}).fetchall()
    return [str(name) for (name,) in found]


def _on_sqlite(side: Side) -> Iterator[str]:
    fence = read_fence(side.file)
    if fence is not None:
        yield f"{side.name}: {side.file} is fenced"
        return
    with opened(side.file) as connection:
        try:
            rows(connection, "BEGIN IMMEDIATE")
            rows(connection, "CREATE TABLE opskit_canary (a)")
        except apsw.Error as error:
            yield f"{side.name}: {side.file}: {error}"
        finally:
            if connection.in_transaction:
                rows(connection, "ROLLBACK")


def _unanswered(url: str) -> Iterator[str]:
    try:
        request = urllib.request.Request(url)  # noqa: S310  the operator's own
        with urllib.request.urlopen(request, timeout=_URL_SECONDS) as answer:  # noqa: S310  likewise
            status = cast("int", answer.status)
    except (urllib.error.URLError, OSError, ValueError) as error:
        yield f"{url}: {error}"
    else:
        if status != 200:
            yield f"{url} answers {status}"
