"""A server that hangs is told from one that thinks: it takes no new sessions."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing

import pytest
from psycopg.conninfo import make_conninfo

from opskit.host.private_cluster import PrivateCluster
from opskit.transfer import awake
from opskit.transfer.awake import while_awake
from opskit.transfer.deadlines import NoAnswer
from opskit.transfer.target import Connection, connect
from tests.conftest import TestDatabase


@pytest.fixture
def session(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setattr(awake, "PATIENCE", 0.5)
    with closing(connect(database.conninfo, "test", limit=while_awake(database.conninfo))) as session:
        yield session


def test_a_statement_may_take_as_long_as_it_likes(session: Connection) -> None:
    assert session.execute("SELECT pg_sleep(2.5), 1").fetchone() == ("", 1)


def test_a_server_that_refuses_is_awake(database: TestDatabase) -> None:
    refused = make_conninfo(database.conninfo, user="nobody")
    with closing(connect(database.conninfo, "test", limit=while_awake(refused))) as session:
        assert session.execute("SELECT pg_sleep(1.5), 1").fetchone() == ("", 1)


def test_a_server_that_is_suspended_holds_nobody(postgresql: PrivateCluster, session: Connection) -> None:
    pids = (postgresql.pid, session.info.backend_pid)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(NoAnswer, match="PostgreSQL hangs"):
            session.execute("SELECT 1")
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert session.closed
