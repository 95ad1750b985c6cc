"""For how long a write lock has been seen held."""

from opskit.exporter.sqlite import LockWatch


def test_a_free_lock_is_held_for_no_time() -> None:
    watch = LockWatch()
    assert [watch.seen(None, now) for now in (1.0, 16.0)] == [0, 0]


def test_a_lock_that_is_held_on_and_on_without_a_commit_counts_from_the_first_look() -> None:
    watch = LockWatch()
    assert [watch.seen((7, b"a"), now) for now in (1.0, 16.0, 31.0)] == [0, 15, 30]


def test_a_commit_another_holder_or_a_free_lock_between_begin_it_anew() -> None:
    for between in ((7, b"b"), (8, b"a"), None):
        watch = LockWatch()
        assert [
            watch.seen(hold, now) for hold, now in (((7, b"a"), 1.0), (between, 16.0), ((7, b"a"), 31.0))
        ] == [
            0,
            0,
            0,
        ]
