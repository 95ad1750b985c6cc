"""HTML that is escaped unless it was made here."""

from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, *children: str, **attributes: str) -> Markup:
    """An element. Underscores in the names of attributes are hyphens, one at the end is dropped.

    >>> tag("td", "a < b", class_="number")
    '<td class="number">a &lt; b</td>'
    """
    named = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items()
    )
    return Markup(f"<{name}{named}>{joined(*children)}</{name}>")


def joined(*children: str) -> Markup:
    """Several elements and texts as one."""
    return Markup("".join(one if isinstance(one, Markup) else escape(one) for one in children))
