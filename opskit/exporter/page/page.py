"""The status page: one self-contained page, no scripts, nothing from elsewhere, every value escaped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from opskit import __version__
from opskit.config import Engine
from opskit.exporter.facts import Facts
from opskit.exporter.history import History
from opskit.exporter.page import charts, details
from opskit.exporter.page.markup import Markup, joined, tag
from opskit.exporter.page.notes import Note, notes
from opskit.exporter.page.tiles import tiles
from opskit.exporter.page.words import clock
from opskit.exporter.reading import Reading

REFRESH_SECONDS = 15

ENGINES = {Engine.POSTGRESQL: "PostgreSQL", Engine.SQLITE: "SQLite"}


@dataclass(frozen=True, slots=True)
class Moment:
    """When a page is made: as Unix time, and on the histories' clock."""

    unix: float
    monotonic: float


def policy(nonce: str) -> str:
    """The page's Content-Security-Policy: its own style, named by a number that nobody can guess."""
    return (
        f"default-src 'none'; style-src 'nonce-{nonce}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def page(
    readings: Sequence[Reading], histories: Mapping[str, History], now: Moment, nonce: str, *, refresh: bool
) -> str:
    """The page for one collection.

    Args:
        histories: by database.
        refresh: whether the page loads itself again.
    """
    told = {reading.database: notes(reading, now.unix) for reading in readings}
    cards = (_card(one, histories[one.database], told[one.database], now) for one in readings)
    verdict = _verdict(readings, told)
    return Template(_asset("page.html")).substitute(
        nonce=nonce,
        style=_asset("page.css"),
        refresh=f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}">' if refresh else "",
        title=escape(verdict),
        verdict=tag("h1", verdict, class_=_mood(readings, told)),
        when=tag("time", clock(now.unix)),
        control=_control(refresh=refresh),
        cards=joined(*cards),
        version=escape(__version__),
    )


@cache
def _asset(name: str) -> str:
    return (files("opskit.exporter.page") / name).read_text(encoding="utf-8")


def _verdict(readings: Sequence[Reading], told: Mapping[str, Sequence[Note]]) -> str:
    down, all_ = sum(not one.up for one in readings), len(readings)
    if down:
        return f"{down} of {all_} databases {'is' if down == 1 else 'are'} down" if all_ > 1 else "Down"
    if any(told.values()):
        return "Up, with something to look at"
    return "All databases are up" if all_ > 1 else "The database is up"


def _mood(readings: Sequence[Reading], told: Mapping[str, Sequence[Note]]) -> str:
    if not all(one.up for one in readings) or any(note.bad for some in told.values() for note in some):
        return "bad"
    return "warn" if any(told.values()) else "good"


def _control(*, refresh: bool) -> Markup:
    if refresh:
        return joined(f"loads itself every {REFRESH_SECONDS} s · ", tag("a", "Stop", href="/?still"))
    return joined("stands still · ", tag("a", "Follow", href="/"))


def _card(reading: Reading, history: History, told: Sequence[Note], now: Moment) -> Markup:
    facts = Facts(reading)
    return tag(
        "article",
        _head(reading, facts, told),
        tag("div", charts.strip(history.points("up", now.monotonic))),
        tag("ul", *(_note(one) for one in told), class_="notes") if told else joined(),
        tiles(reading.engine, facts, history, now.monotonic) if reading.up else joined(),
        details.groups(reading.engine, facts, now.unix),
        details.statements(facts),
        details.tables(facts, now.unix),
        aria_label=reading.database,
    )


def _head(reading: Reading, facts: Facts, told: Sequence[Note]) -> Markup:
    version = facts.text("database.server_version").partition(" ")[0]
    engine = f"{ENGINES[reading.engine]} {version}".strip() if reading.engine else "engine unknown"
    mood = "bad" if not reading.up else "warn" if told else "good"
    noted = "" if not told else " · 1 note" if len(told) == 1 else f" · {len(told)} notes"
    state = tag("span", f"Up{noted}" if reading.up else "Down", class_=f"state {mood}")
    return tag("header", tag("h2", reading.database), tag("span", engine, class_="engine"), state)


def _note(one: Note) -> Markup:
    return tag("li", one.words, class_="bad" if one.bad else "warn")
