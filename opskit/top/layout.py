"""What is seen as lines for a terminal of some width: pure."""

import unicodedata
from collections.abc import Iterator, Sequence

from opskit.top.model import Session, SqliteFile, Statement, View
from opskit.top.ranking import Sort, mean

ENDLESS = 1 << 30
"""The width of what is no terminal."""

NARROW = 30
"""Columns below which a text says nothing."""


def lines(views: Sequence[View], sort: Sort, width: int) -> list[str]:
    """All databases under each other; no line is wider."""
    every = [line for view in views for line in _view(view, sort, width)]
    return [clipped(line, width) for line in every]


def _view(view: View, sort: Sort, width: int) -> Iterator[str]:
    engine = f" ({view.engine.value})" if view.engine else ""
    yield f"{view.database}{engine}{': ' + view.failure if view.failure else ''}"
    yield from (f"  {note}" for note in view.notes)
    if view.sqlite:
        yield from _sqlite(view.sqlite)
    if view.sessions:
        yield from _sessions(view.sessions, width)
    elif view.engine and not view.failure and not view.sqlite:
        yield "  no session does anything"
    if view.statements:
        yield from _statements(view.statements, sort, view.span, width)
    yield ""


def _sqlite(file: SqliteFile) -> Iterator[str]:
    pending = (
        "" if file.pending_bytes is None else f", {_bytes(file.pending_bytes)} of it not in the file yet"
    )
    yield f"  file {_bytes(file.bytes)}, write-ahead log {_bytes(file.wal_bytes)}{pending}"
    yield f"  write lock: {_locked(file)}"
    for one in file.holders:
        yield f"  {one.pid:>8} {one.program}{', which holds the write lock' if one.writes else ''}"


def _locked(file: SqliteFile) -> str:
    if not file.locked:
        return "free"
    writer = next((one for one in file.holders if one.writes), None)
    return f"held by {writer.pid} {writer.program}" if writer else "held by a process that cannot be seen"


def _sessions(sessions: Sequence[Session], width: int) -> Iterator[str]:
    yield f"  {'PID':>8} {'STATE':<20} {'FOR':>7} {'OPEN':>7} {'BLOCKED BY':<12} WHO AND WHAT"
    blockers = {pid for one in sessions for pid in one.blocked_by}
    for one in sessions:
        mark = "!" if one.pid in blockers else " "
        opened = "" if one.transaction is None else _seconds(one.transaction)
        by = ",".join(str(pid) if pid else "prepared" for pid in one.blocked_by)
        head = f" {mark}{one.pid:>8} {one.state[:20]:<20} {_seconds(one.seconds):>7} {opened:>7} {by:<12} "
        who = " ".join(part for part in (f"{one.user}@{one.client or 'local'}", one.application) if part)
        waits = f" waits for {one.waits}" if one.waits and one.state == "active" else ""
        yield from _with_text(head, f"{who}{waits}: {one.text}", width)


def _statements(statements: Sequence[Statement], sort: Sort, span: float | None, width: int) -> Iterator[str]:
    since = "since their statistics began" if span is None else f"in the last {span:.1f} s"
    yield f"  costliest statements by {sort.value}, {since}"
    yield f"  {'TIME':>9} {'CALLS':>10} {'MEAN':>9} {'ROWS':>10} STATEMENT"
    for one in statements:
        cost = one.cost
        times = f"{_seconds(cost.seconds):>9} {cost.calls:>10,.0f} {_seconds(mean(cost)):>9}"
        yield from _with_text(f"  {times} {cost.rows:>10,.0f} ", one.text, width)


def _with_text(head: str, text: str, width: int) -> Iterator[str]:
    """The text behind the numbers; where that leaves too little room, on a line of its own."""
    if width - len(head) >= NARROW:
        yield head + text
    else:
        yield head.rstrip()
        yield f"    {text}"


def clipped(line: str, width: int) -> str:
    """The line in so many columns, without what would steer a terminal.

    >>> clipped("a\\x1b[2Jb", 99), clipped("abcdef", 4)
    ('a·[2Jb', 'abc…')
    """
    shown = "".join(one if one.isprintable() else "·" for one in line)
    if _columns(shown) <= width:
        return shown.rstrip()
    kept = ""
    for one in shown:
        if _columns(kept + one) > width - 1:
            break
        kept += one
    return f"{kept}…"


def _columns(text: str) -> int:
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )


def _seconds(value: float) -> str:
    """A duration in at most seven columns.

    >>> [_seconds(value) for value in (0.0000042, 0.0123, 4.56, 75, 4000, 200000)]
    ['4 µs', '12.3 ms', '4.6 s', '1m15s', '1h06m', '2d07h']
    """
    if value < 0.0001:
        return f"{value * 1e6:.0f} µs"
    if value < 0.1:
        return f"{value * 1000:.1f} ms"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    for big, small, size, names in ((60, 1, 3600, "ms"), (3600, 60, 86400, "hm")):
        if value < size:
            return f"{int(value // big)}{names[0]}{int(value % big // small):02}{names[1]}"
    return f"{int(value // 86400)}d{int(value % 86400 // 3600):02}h"


def _bytes(value: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:,.0f} {unit}" if unit == "bytes" else f"{value:,.1f} {unit}"
        value /= 1024
    return f"{value:,.1f} TiB"
