"""What the log tells up to a moment, and how far it may be let go."""

from datetime import UTC, datetime

import apsw
import pytest

from opskit.capture.counterpart import Counterpart, KeyColumn
from opskit.capture.drain import Gathering
from opskit.capture.pgoutput import Begin, Change, Commit, Marker, Message, Relation, Truncate
from opskit.capture.restore import Restored
from opskit.capture.snapshot import Snapshot
from opskit.capture.sqlite_side import ChangedKeys
from opskit.schema.model import Affinity, Column, Table
from opskit.transfer.tables import SourceColumn, SourceTable, TargetTable

MODEL = Table(
    "t",
    (Column("a", "TEXT", Affinity.TEXT), Column("b", "INTEGER", Affinity.INTEGER)),
    primary_key=("b", "a"),
)
TABLE = Counterpart(
    MODEL,
    SourceTable("t", (SourceColumn("a", "text"), SourceColumn("b", "bigint"))),
    TargetTable("public", "t", ("a", "b")),
    (Restored(), Restored()),
    key=(KeyColumn(1, "b", "b", "bigint"), KeyColumn(0, "a", "a", "text")),
    address=("rowid",),
)
RELATION = Relation(1, "public", "t", ("a", "b"), (0, 1))
MOMENT = Snapshot(datetime.now(UTC), lsn=1000, first=50, running=frozenset({40}))


@pytest.fixture
def keys() -> ChangedKeys:
    return ChangedKeys(apsw.Connection(":memory:"), TABLE, 0)


def written(xid: int, commit: int, *messages: Message) -> list[Message]:
    return [Begin(commit, xid), *messages, Commit(commit + 5)]


def change(a: str, b: str) -> Change:
    return Change(RELATION, ((a, b),))


def gathered(keys: ChangedKeys) -> set[tuple[str, ...]]:
    return {key for batch in keys.batches(10) for key in batch}


def test_keys_are_told_in_the_order_of_the_primary_key(keys: ChangedKeys) -> None:
    log = [RELATION, *written(10, 100, change("x", "1"), change("y", "2"))]
    drained = Gathering(MOMENT, 0, {"t": keys}).gather(log, lambda _: None)
    assert gathered(keys) == {("1", "x"), ("2", "y")}
    assert drained.changes == 2
    assert drained.position == MOMENT.lsn


def test_the_log_is_kept_from_the_first_transaction_on_that_is_not_seen(keys: ChangedKeys) -> None:
    log = [
        RELATION,
        *written(10, 100, change("x", "1")),
        *written(40, 200, change("y", "2")),
        *written(11, 300, change("z", "3")),
        *written(60, 400, change("w", "4")),
    ]
    drained = Gathering(MOMENT, 0, {"t": keys}).gather(log, lambda _: None)
    assert gathered(keys) == {("1", "x"), ("3", "z")}
    assert drained.position == 105


def test_what_is_known_already_is_passed_over(keys: ChangedKeys) -> None:
    log = [RELATION, *written(10, 100, change("x", "1")), *written(11, 200, change("y", "2"))]
    drained = Gathering(MOMENT, 150, {"t": keys}).gather(log, lambda _: None)
    assert gathered(keys) == {("2", "y")}
    assert drained.changes == 1


def test_the_place_never_goes_back(keys: ChangedKeys) -> None:
    drained = Gathering(MOMENT, 2000, {"t": keys}).gather(written(40, 3000), lambda _: None)
    assert drained.position == 2000


def test_a_truncated_table_is_looked_at_whole(keys: ChangedKeys) -> None:
    Gathering(MOMENT, 0, {"t": keys}).gather(
        [RELATION, *written(10, 100, Truncate((RELATION,)))], lambda _: None
    )
    assert keys.everything


def test_a_table_that_has_got_another_key_is_looked_at_whole(keys: ChangedKeys) -> None:
    other = Relation(1, "public", "t", ("a", "b"), (0,))
    Gathering(MOMENT, 0, {"t": keys}).gather(
        [other, *written(10, 100, Change(other, (("x",),)))], lambda _: None
    )
    assert keys.everything


def test_our_own_messages_are_told(keys: ChangedKeys) -> None:
    log = written(10, 100, Marker("opskit", b"end"), Marker("other", b"no"))
    assert Gathering(MOMENT, 0, {"t": keys}).gather(log, lambda _: None).marks == ("end",)
