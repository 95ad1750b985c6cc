"""The status page of readings that never were."""

from opskit.config import Engine
from opskit.exporter.page import page
from opskit.exporter.reading import Outcome, Reading


def test_what_is_known_is_shown_and_what_is_not_is_a_dash() -> None:
    collectors = (
        Outcome("database", 0.1, ({"server_version": "15.18", "size_bytes": 3_500_000},)),
        Outcome("connections", 0.1, ({"connections": 2.0}, {"connections": 3.0})),
        Outcome("tables", 0.1, failure="query_canceled"),
    )
    text = page([Reading("main", Engine.POSTGRESQL, True, (), collectors)])
    cells = ("postgresql", "15.18", "3.3 MiB", "–", "5", "–")
    assert "".join(f'<td class="number">{cell}</td>' for cell in cells) in text


def test_a_database_that_is_down_says_why() -> None:
    text = page([Reading("main", None, False, (Outcome("connect", 0.1, failure="deadline"),))])
    assert '<span class="down">down</span> (deadline)' in text
