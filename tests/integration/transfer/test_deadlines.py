"""Sessions that end when the server is silent for too long."""

import os
import signal
import socket
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from typing import LiteralString

import psycopg
import pytest

from opskit.errors import ConnectionFailed
from opskit.transfer.deadlines import NoAnswer, Silence, allowing
from opskit.transfer.tables import TargetTable
from opskit.transfer.target import Connection, connect, copy_out
from tests.conftest import TestDatabase


@pytest.fixture
def session(database: TestDatabase) -> Iterator[Connection]:
    """Gives up after a short silence."""
    with closing(connect(database.conninfo, "test", limit=Silence(1.0))) as session:
        yield session


def prepare(session: Connection, statement: LiteralString) -> None:
    """What may take its time on a busy machine."""
    with allowing(session, 60):
        session.execute(statement)


FILL = "CREATE TABLE public.t AS SELECT repeat('x', 1000) AS words FROM generate_series(1, 50000)"


@contextmanager
def hung(session: Connection) -> Generator[None]:
    """The server's process for a session does not run."""
    pid = session.info.backend_pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _in_a_transaction(session: Connection) -> None:
    with session.transaction():
        session.execute("SELECT 1")


@pytest.mark.parametrize(
    "use",
    [lambda session: session.execute("SELECT 1"), _in_a_transaction],
    ids=["a statement", "a transaction"],
)
def test_a_server_that_hangs_holds_nobody(session: Connection, use: Callable[[Connection], object]) -> None:
    with hung(session), pytest.raises(NoAnswer, match=r"no answer from PostgreSQL for 1 seconds"):
        use(session)
    assert session.closed


def test_a_server_that_hangs_in_the_middle_of_a_copy_holds_nobody(session: Connection) -> None:
    prepare(session, FILL)
    lines = copy_out(session, TargetTable("public", "t", ("words",)))
    next(lines)
    with hung(session), pytest.raises(NoAnswer):
        list(lines)
    assert session.closed


def test_what_takes_long_is_waited_for_and_told_to_be_alive(database: TestDatabase) -> None:
    beats: list[int] = []
    limit = Silence(0.3, lambda: beats.append(1))
    with closing(connect(database.conninfo, "test", limit=limit)) as session:
        with allowing(session, 30):
            session.execute("SELECT pg_sleep(1.2)")
        assert beats
        with pytest.raises(NoAnswer):
            session.execute("SELECT pg_sleep(30)")


def test_an_answer_that_comes_bit_by_bit_is_no_silence(session: Connection) -> None:
    session.execute(
        "CREATE FUNCTION public.slow(n int) RETURNS text VOLATILE LANGUAGE sql"
        " AS $$ SELECT repeat('x', 20000) || pg_sleep(0.05) $$"
    )
    session.execute("CREATE VIEW public.v AS SELECT public.slow(n) FROM generate_series(1, 30) AS n")
    lines = copy_out(session, TargetTable("public", "v", ("slow",)))
    assert sum(map(len, lines)) == 30


def test_an_error_of_the_servers_leaves_the_session_open(session: Connection) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        session.execute("SELECT 1 / 0")
    row = session.execute("SELECT 1").fetchone()
    assert row == (1,)


def test_who_accepts_and_never_speaks_is_given_up(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("s")
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(directory / ".s.PGSQL.5432"))
        deaf.listen()
        address = {"host": str(directory), "connect_timeout": 2, "user": "x", "dbname": "x"}
        with pytest.raises(ConnectionFailed):
            connect(address, "test", limit=Silence(0.3))


def _interrupted(session: Connection, lines: Iterator[list[bytes]]) -> None:
    with session.transaction():
        next(lines)
        raise KeyboardInterrupt


def test_who_fails_while_rows_come_does_not_wait_for_the_end_of_its_transaction(session: Connection) -> None:
    prepare(session, FILL)
    lines = copy_out(session, TargetTable("public", "t", ("words",)))
    with pytest.raises(KeyboardInterrupt):
        _interrupted(session, lines)


def test_a_copy_that_is_given_up_leaves_a_session_of_use(session: Connection) -> None:
    prepare(session, FILL)
    lines = copy_out(session, TargetTable("public", "t", ("words",)))
    next(lines)
    lines.close()  # pyright: ignore[reportAttributeAccessIssue]  a generator, as Python makes them
    assert session.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.errors.UndefinedTable):
        next(copy_out(session, TargetTable("public", "other", ("words",))))
