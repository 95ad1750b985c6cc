"""What the page says to look at; and that it is silent about a healthy database."""

from dataclasses import replace

import pytest

from opskit.config import Engine
from opskit.exporter.page.notes import Note, notes
from opskit.exporter.reading import Outcome, Reading, Row

NOW = 1_700_000_000.0

HEALTHY: dict[str, tuple[Row, ...]] = {
    "database": ({"writable": True},),
    "limits": ({"connections_limit": 100.0, "xid_freeze_limit": 2e8, "pending_restart": 0.0},),
    "connections": ({"connections": 40.0},),
    "blocking": ({"blocked": 0.0, "blocking": 0.0, "longest_block": 0.0},),
    "longest": ({"state": "idle_in_transaction", "transaction_seconds": 2.0},),
    "vacuum": ({"xid_age": 1.9e8, "invalid_indexes": 0.0},),
    "sequences": ({"sequence": "orders_id_seq", "used_ratio": 0.3},),
    "transactions": ({"checksum_failures": 0.0},),
    "archiver": ({"last_success": NOW - 60, "last_failure": NOW - 90},),
    "replication": ({"recovering": False}, {"slot": "opskit", "active": True, "lost": False}),
    "backups": ({"attempted": NOW, "succeeded": True}, {"level": "files", "checked": NOW, "sound": True}),
    "standby": ({"ready": True},),
    "rehearsals": ({"works": True},),
    "engine_record": ({"engine": "postgresql", "recorded": True}, {"engine": "sqlite", "recorded": False}),
    "lock": ({"write_lock_held": True, "held_seconds": 1.0, "hot_journal": False},),
}


def reading(**found: tuple[Row, ...]) -> Reading:
    collectors = tuple(Outcome(name, 0.001, rows) for name, rows in {**HEALTHY, **found}.items())
    return Reading("main", Engine.POSTGRESQL, True, (), collectors)


def test_a_healthy_database_has_nothing_to_say() -> None:
    assert notes(reading(), NOW) == []


@pytest.mark.parametrize(
    ("collector", "row", "expected"),
    [
        ("database", {"writable": False}, Note(True, "It cannot be written to.")),
        ("connections", {"connections": 91.0}, Note(False, "91 of 100 connections are in use.")),
        (
            "blocking",
            {"blocked": 2.0, "longest_block": 70.0},
            Note(False, "2 sessions wait for a lock, the longest for 1 min."),
        ),
        (
            "longest",
            {"state": "idle_in_transaction", "transaction_seconds": 900.0},
            Note(False, "A transaction has been idle for 15 min; vacuum waits for it."),
        ),
        (
            "vacuum",
            {"xid_age": 4e8},
            Note(True, "Vacuum does not keep up: the oldest transaction is 400,000,000 old."),
        ),
        ("sequences", {"sequence": "a", "used_ratio": 0.9}, Note(True, "Sequence a is 90 % used.")),
        (
            "transactions",
            {"checksum_failures": 1.0},
            Note(True, "Damaged blocks were found (checksum failures)."),
        ),
        (
            "archiver",
            {"last_success": NOW - 600, "last_failure": NOW - 60},
            Note(True, "Archiving the log fails; it last did 1 min ago."),
        ),
        (
            "replication",
            {"slot": "old", "lost": True},
            Note(True, "Replication slot old has lost log that it needed."),
        ),
        (
            "backups",
            {"attempted": NOW - 60, "succeeded": False},
            Note(True, "The last backup failed, 1 min ago."),
        ),
        ("standby", {"ready": False}, Note(False, "The way back to SQLite is open, and not ready.")),
        ("rehearsals", {"works": False}, Note(False, "The last rehearsal of a rollback failed.")),
        (
            "engine_record",
            {"engine": "sqlite", "recorded": True},
            Note(
                True,
                "The application uses postgresql, and the last switch made sqlite authoritative:"
                " see opskit status.",
            ),
        ),
        (
            "lock",
            {"held_seconds": 900.0},
            Note(False, "The write lock has been held for 15 min without a commit."),
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(collector: str, row: Row, expected: Note) -> None:
    assert notes(reading(**{collector: (row,)}), NOW) == [expected]


def test_what_is_broken_comes_before_what_is_to_be_looked_at() -> None:
    told = notes(reading(rehearsals=({"works": False},), database=({"writable": False},)), NOW)
    assert [one.bad for one in told] == [True, False]


def test_a_collector_that_failed_is_named_with_its_reason() -> None:
    failed = Outcome("wal_files", 0.1, failure="query_canceled")
    healthy = reading()
    told = notes(replace(healthy, collectors=(*healthy.collectors, failed)), NOW)
    assert told == [Note(False, "Wal files could not be read: query canceled.")]
