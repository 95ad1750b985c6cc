"""The checklist says what is really done, and which command does what is not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from opskit.config import Engine
from opskit.runs.backup_status import Attempt, BackupStatus
from opskit.runs.engine_record import Record
from opskit.runs.rehearsal import Rehearsal
from opskit.runs.standby_state import Phase, State
from opskit.status.authority import judge
from opskit.status.checklist import Item, checklist
from opskit.status.facts import Contents, DatabaseFacts, Facts, Following
from opskit.status.page import as_text
from opskit.switch.facts import SideFacts
from tests.unit.status.test_authority import CLOSED, FENCED, ON_POSTGRESQL, ON_SQLITE

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
YESTERDAY = NOW - timedelta(days=1)
GOOD = Attempt(YESTERDAY, ok=True, size=2**20)
BAD = Attempt(NOW, ok=False)

BARE = DatabaseFacts(
    side=SideFacts("main", None, "", None, "", "", None),
    sqlite_bytes=2**21,
    migrated=None,
    contents=None,
    slot=None,
    following=None,
    backups=BackupStatus(),
    standby=State("main", Phase.CLOSED),
    rehearsal=None,
)
FOLLOWED = replace(
    BARE,
    side=ON_SQLITE,
    contents=Contents(2**20, 7),
    following=Following("/app.db", 0),
    migrated=YESTERDAY,
    backups=BackupStatus(GOOD, GOOD, {"drill": GOOD}),
)
MOVED = replace(
    FOLLOWED,
    side=ON_POSTGRESQL,
    following=None,
    standby=State(
        "main",
        Phase.FOLLOWING,
        written=NOW.isoformat(),
        ready=True,
        lag_seconds=0.2,
        verified=NOW.isoformat(),
        deadline=(NOW + timedelta(days=6)).isoformat(),
    ),
    rehearsal=Rehearsal(NOW, 0.4),
)
RECORD = Record(Engine.POSTGRESQL, "2026-01-09T10:00:00.000+00:00", "run")


def everything(*databases: DatabaseFacts, record: Record | None = None) -> Facts:
    engine = record.engine if record else Engine.SQLITE
    return Facts(engine, record, (), databases, "127.0.0.1:9188", "")


def items(facts: Facts) -> dict[str, Item]:
    judged = judge([one.side for one in facts.databases], facts.engine, facts.record, facts.runs)
    return {one.title: one for one in checklist(facts, judged, NOW)}


def undone(facts: Facts) -> list[str]:
    return [one.command or one.title for one in items(facts).values() if not one.done]


def test_on_a_bare_host_everything_is_to_be_done_in_this_order() -> None:
    assert undone(replace(everything(BARE), silent="Connection refused")) == [
        "opskit provision",
        "opskit backup create",
        "opskit backup verify --level drill",
        "opskit migrate --follow",
        "opskit migrate --follow",
        "opskit verify",
        "systemctl enable --now opskit-exporter.socket opskit-exporter.service",
        "opskit cutover",
        "way back open, without loss",
        "way back rehearsed",
        "way back closed",
    ]


def test_when_postgresql_follows_the_cutover_is_next() -> None:
    assert undone(everything(FOLLOWED))[0] == "opskit cutover"


def test_after_the_cutover_only_the_way_back_is_left_to_be_closed() -> None:
    found = everything(MOVED, record=RECORD)
    assert undone(found) == ["opskit standby close"]
    assert items(found)["cutover done"].detail == "since 2026-01-09 10:00 UTC"
    assert items(found)["way back closed"].detail == "its window ends 2026-01-16 12:00 UTC"


def test_when_the_way_back_is_closed_everything_is_done() -> None:
    ended = replace(MOVED, standby=State("main", Phase.ENDED), rehearsal=None)
    assert undone(everything(ended, record=RECORD)) == []


def test_after_a_rollback_the_cutover_is_to_be_done_again() -> None:
    back = everything(FOLLOWED, record=replace(RECORD, engine=Engine.SQLITE))
    assert items(back)["cutover done"].detail == "back on SQLite since 2026-01-09 10:00 UTC"


@pytest.mark.parametrize(
    ("change", "title", "detail"),
    [
        ({"backups": BackupStatus(BAD, GOOD)}, "backup taken", "the last one failed (2026-01-10 12:00 UTC)"),
        ({"backups": None}, "backup taken", "what is told of the backups cannot be read"),
        (
            {"backups": BackupStatus(GOOD, GOOD, {"drill": BAD})},
            "drill passed",
            "the last one failed (2026-01-10 12:00 UTC)",
        ),
        ({"contents": Contents(1, 0)}, "migrated", "PostgreSQL has no tables"),
        ({"rehearsal": Rehearsal(NOW, failure="no room")}, "way back rehearsed", "no room"),
        (
            {"standby": replace(MOVED.standby, ready=False, reasons=("table t is new",))},
            "way back open, without loss",
            "table t is new",
        ),
        (
            {"standby": replace(MOVED.standby, written=(YESTERDAY).isoformat())},
            "way back open, without loss",
            "nobody follows",
        ),
    ],
)
def test_one_database_that_lacks_something_is_named(
    change: dict[str, object], title: str, detail: str
) -> None:
    lacking = replace(MOVED, **change, side=replace(ON_POSTGRESQL, name="walmart"))
    found = items(everything(MOVED, lacking, record=RECORD))[title]
    assert (found.done, found.detail) == (False, f"walmart: {detail}")


def test_of_two_databases_the_older_moment_counts() -> None:
    older = replace(MOVED, backups=BackupStatus(GOOD, replace(GOOD, at=YESTERDAY - timedelta(days=30))))
    assert items(everything(MOVED, older, record=RECORD))["backup taken"].detail == "2025-12-10 12:00 UTC"


def test_changes_that_wait_are_told() -> None:
    behind = replace(FOLLOWED, following=Following("/app.db", 1200))
    assert items(everything(behind))["PostgreSQL follows SQLite"].detail == "1,200 changes wait for --follow"


def test_the_page_tells_a_server_that_does_not_answer() -> None:
    side = replace(ON_POSTGRESQL, postgresql=None, unreachable="PostgreSQL cannot be reached", sqlite=FENCED)
    gone = replace(MOVED, side=side, contents=None)
    found = everything(gone, record=RECORD)
    judged = judge([side], found.engine, found.record, ())
    text = as_text(found, judged, checklist(found, judged, NOW), NOW)
    assert "  PostgreSQL  PostgreSQL cannot be reached\n" in text
    assert "  migration   not known\n" in text
    assert "[ ] provisioned (main: PostgreSQL cannot be reached) -> opskit provision" in text


def test_the_page_tells_the_whole_state() -> None:
    found = everything(replace(FOLLOWED, side=replace(ON_SQLITE, postgresql=CLOSED)))
    judged = judge([one.side for one in found.databases], found.engine, None, ())
    text = as_text(found, judged, checklist(found, judged, NOW), NOW)
    assert text.splitlines()[:6] == [
        "main: sqlite is authoritative",
        "  SQLite      open, 2.0 MB",
        "  PostgreSQL  closed to the application, 0 sessions of the application, 1.0 MB",
        "  migration   finished 2026-01-09 12:00 UTC; follows /app.db, 0 changes wait",
        "  way back    closed",
        "  backup      made 2026-01-09 12:00 UTC, 1.0 MB; drill passed 2026-01-09 12:00 UTC",
    ]
