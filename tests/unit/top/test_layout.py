"""What is seen fits the terminal, and nothing in it steers the terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.config import Engine
from opskit.top.layout import ENDLESS, clipped, lines
from opskit.top.model import Cost, Holder, Session, SqliteFile, Statement, View
from opskit.top.ranking import Sort

BLOCKER = Session(
    11,
    "app",
    "CrewAI-Main",
    "10.0.0.7",
    "idle in transaction",
    75.2,
    80.0,
    "Client ClientRead",
    (),
    "UPDATE t",
)
BLOCKED = Session(12, "app", "", "", "active", 0.5, 4000.0, "Lock row", (11, 0), "DELETE t")
POSTGRESQL = View(
    "main",
    Engine.POSTGRESQL,
    span=2.0,
    statements=(Statement("7", Cost(1000, 2.5, 1e6), "SELECT * FROM t WHERE a = $1"),),
    sessions=(BLOCKER, BLOCKED),
)
SQLITE = View(
    "walmart",
    Engine.SQLITE,
    notes=("a note",),
    sqlite=SqliteFile(
        3 << 20, 5 << 20, 1 << 20, True, (Holder(5, "node", True), Holder(6, "a.service", False))
    ),
)


def test_everything_is_told_where_there_is_room() -> None:
    assert lines([POSTGRESQL, SQLITE], Sort.TIME, ENDLESS) == [
        "main (postgresql)",
        "       PID STATE                    FOR    OPEN BLOCKED BY   WHO AND WHAT",
        " !      11 idle in transaction    1m15s   1m20s              app@10.0.0.7 CrewAI-Main: UPDATE t",
        "        12 active                500 ms   1h06m 11,prepared  app@local waits for Lock row: DELETE t",
        "  costliest statements by time, in the last 2.0 s",
        "       TIME      CALLS      MEAN       ROWS STATEMENT",
        "      2.5 s      1,000    2.5 ms  1,000,000 SELECT * FROM t WHERE a = $1",
        "",
        "walmart (sqlite)",
        "  a note",
        "  file 3.0 MiB, write-ahead log 5.0 MiB, 1.0 MiB of it not in the file yet",
        "  write lock: held by 5 node",
        "         5 node, which holds the write lock",
        "         6 a.service",
        "",
    ]


@pytest.mark.parametrize("width", [10, 40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(len, lines([POSTGRESQL, SQLITE], Sort.TIME, width))) <= width


def test_where_the_columns_leave_no_room_the_text_has_a_line_of_its_own() -> None:
    narrow = lines([POSTGRESQL], Sort.TIME, 60)
    assert "    SELECT * FROM t WHERE a = $1" in narrow
    assert "    app@10.0.0.7 CrewAI-Main: UPDATE t" in narrow


def test_what_cannot_be_looked_at_says_why() -> None:
    assert lines([View("main", Engine.POSTGRESQL, failure="not running")], Sort.TIME, 80) == [
        "main (postgresql): not running",
        "",
    ]


def test_a_lock_of_somebody_who_cannot_be_seen_is_held_all_the_same() -> None:
    file = SqliteFile(1, 0, None, True, ())
    assert "  write lock: held by a process that cannot be seen" in lines(
        [View("main", Engine.SQLITE, sqlite=file)], Sort.TIME, 80
    )


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=50), st.integers(1, 60))
def test_a_line_fits_and_holds_nothing_but_what_can_be_printed(text: str, width: int) -> None:
    shown = clipped(text, width)
    assert len(shown) <= width
    assert shown.isprintable()
    assert clipped(shown, width) == shown
