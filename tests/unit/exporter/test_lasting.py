"""What is told again instead of being asked."""

from opskit.exporter.lasting import Lasting
from opskit.exporter.reading import Outcome

FOUND = Outcome("tables", 0.1, ({"tables": 3.0},))


def test_what_was_found_is_told_again_with_its_age_until_it_is_too_old() -> None:
    lasting = Lasting()
    assert lasting.of("tables", 60) is None
    lasting.keep([FOUND])
    again = lasting.of("tables", 60)
    assert again is not None
    assert again.rows == FOUND.rows
    assert 0 <= again.age < 60
    assert lasting.of("tables", 0) is None


def test_who_failed_is_asked_again() -> None:
    lasting = Lasting()
    lasting.keep([Outcome("tables", 0.1, failure="query_canceled")])
    assert lasting.of("tables", 60) is None


def test_nothing_is_told_again_of_another_server() -> None:
    lasting = Lasting()
    lasting.keep([FOUND])
    lasting.forget()
    assert lasting.of("tables", 60) is None
