"""The last hour of a database, in memory that does not grow."""

import pytest

from opskit.config import Engine
from opskit.exporter.history import HOUR, POINTS, History, rates
from opskit.exporter.page import charts
from opskit.exporter.page.words import count
from opskit.exporter.reading import Outcome, Reading, Row


def reading(up: bool = True, **rows: Row) -> Reading:
    collectors = tuple(Outcome(name, 0.001, (row,)) for name, row in rows.items())
    return Reading("main", Engine.POSTGRESQL, up, (), collectors)


def filled(readings: int, seconds: float = 15.0) -> History:
    history = History()
    for number in range(readings):
        history.add(reading(blocking={"blocked": float(number)}), number * seconds)
    return history


def test_the_oldest_points_make_room_for_the_newest() -> None:
    points = filled(POINTS + 5).points("blocked", (POINTS + 4) * 15.0)
    assert [one.value for one in points] == [float(one) for one in range(5, POINTS + 5)]
    assert points[-1].age == 0


def test_points_are_apart_however_often_it_is_scraped() -> None:
    assert len(filled(100, seconds=1.0).points("blocked", 100.0)) == 8


def test_what_is_older_than_an_hour_is_not_shown() -> None:
    points = filled(POINTS, seconds=60.0).points("blocked", (POINTS - 1) * 60.0)
    assert points[0].age == HOUR
    assert len(points) == 61


def test_rates_come_from_what_was_counted_between_two_points() -> None:
    history = History()
    history.add(reading(statements={"calls": 100.0, "seconds": 1.0}), 0.0)
    assert history.last("queries") is None
    history.add(reading(statements={"calls": 400.0, "seconds": 1.6}), 15.0)
    assert history.last("queries") == 20
    assert history.last("mean_seconds") == pytest.approx(0.002)


def test_a_sum_that_fell_says_nothing_rather_than_something_wrong() -> None:
    assert rates({"queries": 500.0}, {"queries": 3.0}, 15.0) == {}


def test_a_database_that_is_down_leaves_a_gap_in_its_charts_and_a_mark_in_its_hour() -> None:
    history = History()
    history.add(reading(blocking={"blocked": 1.0}), 0.0)
    history.add(reading(up=False), 15.0)
    assert [one.age for one in history.points("blocked", 15.0)] == [15.0]
    assert [one.value for one in history.points("up", 15.0)] == [1.0, 0.0]
    assert "up at 1 of 2 readings" in charts.strip(history.points("up", 15.0))


def test_a_chart_says_in_words_what_it_shows_and_draws_no_line_where_nothing_is_known() -> None:
    history = filled(3)
    chart = charts.line(history.points("blocked", 1000.0), count, "Waiting")
    assert "<title>Waiting, the last hour: now 2, least 0, most 2</title>" in chart
    assert chart.count('class="line"') == 1
    history.add(reading(blocking={"blocked": 9.0}), 1000.0)
    assert charts.line(history.points("blocked", 1000.0), count, "Waiting").count('class="line"') == 2
    assert "no readings yet" in charts.line([], count, "Waiting")
