"""The status page of readings that never were."""

from html.parser import HTMLParser

from opskit.config import Engine
from opskit.exporter.history import History
from opskit.exporter.page.page import Moment, page, policy
from opskit.exporter.reading import Outcome, Reading

NOW = Moment(1_700_000_000.0, 5000.0)
HOSTILE = """<script>alert("1")</script>'&"""


class Words(HTMLParser):
    """What a reader of the page reads, and what its elements are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[str] = []
        self._silent = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  theirs
        self.elements.append(tag)
        self._silent = tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.words.append(data.strip())

    def after(self, word: str) -> str:
        return self.words[self.words.index(word) + 1]


def shown(*readings: Reading, refresh: bool = False) -> str:
    histories = {one.database: History() for one in readings}
    for one in readings:
        histories[one.database].add(one, NOW.monotonic)
    return page(readings, histories, NOW, "abc", refresh=refresh)


def postgresql(*collectors: Outcome, name: str = "main") -> Reading:
    return Reading(
        name, Engine.POSTGRESQL, True, (Outcome("connect", 0.002), Outcome("read", 0.001)), collectors
    )


def found(name: str, *rows: dict[str, str | float | bool | None]) -> Outcome:
    return Outcome(name, 0.001, rows)


def test_what_is_known_is_shown_and_what_is_not_is_a_dash() -> None:
    words = Words(
        shown(
            postgresql(
                found("database", {"server_version": "15.18 (Debian)"}),
                found("size", {"size_bytes": 3_500_000.0}),
                found("connections", {"connections": 2.0}, {"connections": 3.0}),
            )
        )
    )
    assert words.after("main") == "PostgreSQL 15.18"
    assert words.after("Size") == "3.3 MiB"
    assert words.after("Connections") == "5"
    assert words.after("Time to answer") == "3 ms"
    assert words.after("Queries") == "–"


def test_the_title_says_at_once_how_things_are() -> None:
    down = Reading("walmart", Engine.POSTGRESQL, False, (Outcome("connect", 0.1, failure="not_running"),))
    assert Words(shown(postgresql())).after("opskit exporter") == "The database is up"
    assert Words(shown(postgresql(), down)).after("opskit exporter") == "1 of 2 databases is down"
    waiting = postgresql(found("blocking", {"blocked": 2.0, "longest_block": 70.0}))
    assert Words(shown(waiting)).after("opskit exporter") == "Up, with something to look at"


def test_a_database_that_is_down_says_why_and_keeps_what_is_told_of_its_backups() -> None:
    probes = (Outcome("connect", 0.1, failure="deadline"),)
    told = found("backups", {"made": NOW.unix - 7200, "bytes": 2048.0, "seconds": 1.0})
    words = Words(shown(Reading("main", Engine.POSTGRESQL, False, probes, (told,)))).words
    assert "Down: no answer in time." in words
    assert "2 h ago" in words
    assert "Queries" not in words


def test_statements_are_told_by_id_the_costliest_first() -> None:
    cost = {"kind": "select", "top_calls": 10.0}
    rows = found(
        "statements",
        {"kind": "select", "queryid": None, "seconds": 8.0},
        {**cost, "queryid": "11", "top_seconds": 2.0},
        {**cost, "queryid": "-22", "top_seconds": 4.0},
    )
    words = Words(shown(postgresql(rows))).words
    row = words.index("-22")
    assert words[row : row + 6] == ["-22", "select", "10", "400 ms", "4 s", "50 %"]
    assert words.index("11") > row


def test_nothing_that_comes_from_elsewhere_is_taken_for_html() -> None:
    hostile = postgresql(
        found("database", {"server_version": HOSTILE}),
        found("largest_tables", {"table": HOSTILE}),
        found("sequences", {"sequence": HOSTILE, "used_ratio": 0.99}),
        found("statements", {"queryid": HOSTILE, "kind": HOSTILE, "top_calls": 1.0, "top_seconds": 1.0}),
        Outcome(HOSTILE, 0.1, failure=HOSTILE),
        name=HOSTILE,
    )
    text = shown(hostile)
    words = Words(text)
    assert "script" not in words.elements
    assert text.count("<script") == 0
    assert HOSTILE in words.words


def test_hundreds_of_statements_and_tables_do_not_make_it_endless() -> None:
    rows = [
        {"queryid": str(one), "kind": "select", "top_calls": 1.0, "top_seconds": 1.0} for one in range(300)
    ]
    assert Words(shown(postgresql(found("statements", *rows)))).elements.count("tr") == 11


def test_it_loads_itself_again_unless_it_is_to_stand_still() -> None:
    assert 'http-equiv="refresh"' in shown(postgresql(), refresh=True)
    still = shown(postgresql())
    assert 'http-equiv="refresh"' not in still
    assert '<a href="/">Follow</a>' in still


def test_only_its_own_style_is_allowed() -> None:
    assert policy("abc").startswith("default-src 'none'; style-src 'nonce-abc';")
    assert '<style nonce="abc">' in shown(postgresql())
    assert "style=" not in shown(postgresql())
