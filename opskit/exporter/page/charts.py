"""Small charts of the last hour as inline SVG; what they show stands in words in their titles."""

from collections.abc import Callable, Iterator, Sequence

from opskit.exporter.history import HOUR, UNKNOWN, Point
from opskit.exporter.page.markup import Markup, joined, tag

WIDTH, HEIGHT, EDGE = 240.0, 48.0, 3.0

GAP_SECONDS = 180.0
"""Between points further apart nothing is known, and no line is drawn."""


def line(points: Sequence[Point], words: Callable[[float], str], title: str, top: float = 0.0) -> Markup:
    """A line over the hour, above zero.

    Args:
        words: a value as people read it.
        top: what the scale reaches to at least.
    """
    highest = max((one.value for one in points), default=0.0)
    scale = max(highest, top) or 1.0
    strokes = list(_strokes(points))
    drawn = [
        *(tag("path", d=_area(stroke, scale), class_="area") for stroke in strokes),
        *(tag("path", d=_path(stroke, scale), class_="line") for stroke in strokes),
    ]
    if points:
        drawn.append(tag("path", d=_path([points[-1], points[-1]], scale), class_="dot"))
    return _svg("chart", _said(points, words, title), *drawn)


def strip(points: Sequence[Point]) -> Markup:
    """When the database was up and when not, over the hour, with a scale in words."""
    marks = [_rect("track", HOUR, 0.0), *(_rect(*span) for span in _spans(points))]
    up = sum(1 for one in points if one.value)
    said = f"up at {up} of {len(points)} readings" if points else "no readings yet"
    scale = tag("p", *(tag("span", one) for one in ("an hour ago", said, "now")), class_="note")
    return joined(_svg("strip", f"The last hour: {said}", *marks), scale)


def bar(ratio: float) -> Markup:
    """A part of a whole; it stands in words beside it."""
    width = f"{max(0.0, min(1.0, ratio)) * 100:.1f}"
    filled = tag("rect", width=width, height="6", rx="3")
    return tag(
        "svg", filled, class_="bar", viewBox="0 0 100 6", preserveAspectRatio="none", aria_hidden="true"
    )


def _svg(kind: str, title: str, *children: Markup) -> Markup:
    return tag(
        "svg",
        tag("title", title),
        *children,
        class_=kind,
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        preserveAspectRatio="none",
        role="img",
        aria_label=title,
    )


def _strokes(points: Sequence[Point]) -> Iterator[list[Point]]:
    """The points in runs without a gap."""
    run: list[Point] = []
    for one in points:
        if run and run[-1].age - one.age > GAP_SECONDS:
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _x(age: float) -> float:
    return WIDTH - EDGE - age / HOUR * (WIDTH - 2 * EDGE)


def _path(points: Sequence[Point], scale: float) -> str:
    height = HEIGHT - 2 * EDGE
    return "M" + "L".join(
        f"{_x(one.age):.1f} {HEIGHT - EDGE - one.value / scale * height:.1f}" for one in points
    )


def _area(points: Sequence[Point], scale: float) -> str:
    return f"{_path(points, scale)}V{HEIGHT:.0f}H{_x(points[0].age):.1f}Z"


def _spans(points: Sequence[Point]) -> Iterator[tuple[str, float, float]]:
    """Stretches of one state: which, and the ages at which it begins and ends."""
    began = 0
    for number, one in enumerate(points):
        following = points[number + 1] if number + 1 < len(points) else Point(0.0, UNKNOWN)
        until = max(following.age, one.age - GAP_SECONDS)
        if until > following.age or following.value != one.value:
            yield "up" if one.value else "down", points[began].age, until
            began = number + 1


def _rect(kind: str, begin: float, end: float) -> Markup:
    """A stretch of the hour; what is bad is also higher, for those who cannot tell the colours."""
    left, right = ((1 - age / HOUR) * WIDTH for age in (begin, end))
    height = HEIGHT if kind == "down" else HEIGHT / 2
    place = {"x": left, "y": (HEIGHT - height) / 2, "width": max(1.0, right - left), "height": height}
    return tag("rect", **{name: f"{value:.1f}" for name, value in place.items()}, class_=kind)


def _said(points: Sequence[Point], words: Callable[[float], str], title: str) -> str:
    if not points:
        return f"{title}: no readings yet"
    values = [one.value for one in points]
    return (
        f"{title}, the last hour: now {words(values[-1])}, "
        f"least {words(min(values))}, most {words(max(values))}"
    )
