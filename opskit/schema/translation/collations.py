"""SQLite's collations (https://sqlite.org/datatype3.html section 7) in PostgreSQL's terms.

Nondeterministic ICU collations were considered for NOCASE, as `und-u-ks-level2` makes one: LIKE fails on such
columns in PostgreSQL 15, and they hold É and é equal, which SQLite does not. lower() in the collation "C"
folds A to Z and nothing else, at the price that lookups must say it.
"""

from collections.abc import Callable, Mapping

from opskit.schema.model import ascii_fold
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.values import Value, constant

BYTES = 'COLLATE "C"'
"""What makes a text compare byte by byte, as SQLite's BINARY does, under any collation of the database."""

_TERMS = {"BINARY": "{sql}", "NOCASE": f"lower({{sql}} {BYTES})", "RTRIM": f"rtrim({{sql}} {BYTES})"}
"""How a text is put so that texts equal under the collation are equal, and sort as it sorts them."""

_FOLDED: Mapping[str, Callable[[str], str]] = {"NOCASE": ascii_fold, "RTRIM": lambda text: text.rstrip(" ")}
"""The same, done to a text that is known."""


def is_known(collation: str) -> bool:
    """Whether it is one of SQLite's own collations, not an application's."""
    return collation in _TERMS


def collated(sql: str, collation: str) -> str:
    """The text as a collation sees it, to be compared for equality.

    >>> collated("name", "NOCASE")
    'lower(name COLLATE "C")'

    Raises:
        Unsupported: the collation is an application's own.
    """
    if not is_known(collation):
        raise Unsupported(f"the collation {collation} is the application's own")
    return _TERMS[collation].format(sql=sql)


def ordered(sql: str, collation: str) -> str:
    """The text as a collation sees it, to be sorted or compared for what is less.

    >>> ordered("name", "BINARY"), ordered("name", "RTRIM")
    ('name COLLATE "C"', 'rtrim(name COLLATE "C")')

    Raises:
        Unsupported: the collation is an application's own.
    """
    return f"{sql} {BYTES}" if collation == "BINARY" else collated(sql, collation)


def operand(value: Value, collation: str) -> str:
    """A value to be compared for equality; PostgreSQL's generated columns cannot fold a literal themselves.

    Raises:
        Unsupported: the collation is an application's own.
    """
    if isinstance(value.literal, str) and collation in _FOLDED:
        return constant(_FOLDED[collation](value.literal)).sql
    return collated(value.sql, collation)
