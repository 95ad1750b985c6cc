"""What is known of a backup is read back as it was recorded, and later checks refute earlier ones."""

from datetime import UTC, datetime, timedelta

import pytest

from opskit.backup.records import Check, Level, Record, RecordDamaged, dump, load

AT = datetime(2026, 11, 23, tzinfo=UTC)
GOOD, BAD = Check(AT, 1.0), Check(AT + timedelta(hours=1), 2.0, ("toc.dat is missing",))
LATER = Check(AT + timedelta(hours=2), 1.0)


def test_it_reads_back_as_recorded() -> None:
    record = Record(pinned=True, checks={Level.FILES: GOOD, Level.DRILL: BAD})
    assert load(dump(record)) == record


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"pinned": true, "checks": {"looks": {}}}', b"\xff"]
)
def test_what_cannot_be_understood_is_no_empty_record(content: bytes) -> None:
    with pytest.raises(RecordDamaged):
        load(content)


def test_a_closer_look_counts_for_the_levels_before_it() -> None:
    record = Record().with_check(Level.DRILL, GOOD)
    assert record.passed(Level.FILES) == record.passed(Level.READABLE) == AT
    assert Record().with_check(Level.FILES, GOOD).passed(Level.DRILL) is None


def test_a_problem_stands_until_a_look_as_close_finds_none() -> None:
    record = Record().with_check(Level.READABLE, BAD)
    assert record.problems() == BAD.problems
    assert record.with_check(Level.FILES, LATER).problems() == BAD.problems
    assert not record.with_check(Level.DRILL, LATER).problems()
    assert not record.with_check(Level.READABLE, LATER).problems()
