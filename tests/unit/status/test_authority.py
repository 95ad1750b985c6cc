"""Who is authoritative is what the fences say; everything that disagrees is named."""

from dataclasses import replace

from opskit.config import Engine
from opskit.runs.engine_record import Record
from opskit.status.authority import Authority, judge
from opskit.switch.facts import SideFacts
from opskit.switch.postgresql_fence import PostgresqlFence
from opskit.switch.sqlite_fence import SqliteFence

OPEN = PostgresqlFence(
    may_connect=True,
    may_use=True,
    may_create=True,
    is_superuser=False,
    owns_schema=False,
    comment="",
    sessions=2,
    prepared=0,
)
CLOSED = replace(OPEN, may_connect=False, may_use=False, may_create=False, sessions=0)
FENCED = SqliteFence("opskit: the data is in PostgreSQL")
ON_SQLITE = SideFacts("main", None, "", CLOSED, "", "", None)
ON_POSTGRESQL = SideFacts("main", FENCED, "", OPEN, "", "", None)
RECORD = Record(Engine.POSTGRESQL, "2026-01-01T00:00:00+00:00", "run")


def test_before_the_first_switch_sqlite_is_authoritative_although_nothing_is_fenced() -> None:
    judged = judge([replace(ON_SQLITE, postgresql=OPEN)], Engine.SQLITE, None, [])
    assert judged.authority == {"main": Authority.SQLITE}
    assert judged.problems == ()


def test_after_a_cutover_postgresql_is() -> None:
    judged = judge([ON_POSTGRESQL], Engine.POSTGRESQL, RECORD, [])
    assert judged.authority == {"main": Authority.POSTGRESQL}
    assert judged.problems == ()


def test_two_open_sides_are_named_with_the_remedy() -> None:
    judged = judge([replace(ON_SQLITE, postgresql=OPEN)], Engine.SQLITE, RECORD, [])
    assert judged.authority == {"main": Authority.BOTH}
    assert judged.problems == ("main: both sides can be written: opskit rollback closes PostgreSQL",)


def test_an_env_file_and_a_record_that_say_otherwise_are_named() -> None:
    judged = judge([ON_SQLITE], Engine.POSTGRESQL, RECORD, [])
    assert judged.problems == (
        "main: sqlite is authoritative, and the .env says postgresql",
        "main: sqlite is authoritative, and engine.json says postgresql",
    )


def test_a_fence_with_a_gap_is_named() -> None:
    gap = replace(ON_POSTGRESQL, sqlite=SqliteFence("…", ("late",)))
    assert judge([gap], Engine.POSTGRESQL, RECORD, []).problems == (
        "main: the fence of SQLite does not cover late",
    )


def test_a_server_that_does_not_answer_leaves_the_fence_of_sqlite_to_tell() -> None:
    gone = replace(ON_POSTGRESQL, postgresql=None, unreachable="PostgreSQL cannot be reached")
    judged = judge([gone], Engine.POSTGRESQL, RECORD, [])
    assert judged.authority == {"main": Authority.POSTGRESQL}
    assert "whether PostgreSQL is open is not known" in judged.problems[0]
