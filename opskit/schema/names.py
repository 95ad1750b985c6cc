"""Names on their way from SQLite to PostgreSQL: kept exactly, changed only where PostgreSQL cannot hold them.

Or folded to lower case when asked for, as PostgreSQL folds what is written without quotes. Every change is a
pure function of the source schema, so that `verify` finds what `migrate` made.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from opskit.schema.model import Schema, ascii_fold

MAX_BYTES = 63
"""NAMEDATALEN - 1, a compile-time constant of PostgreSQL."""

SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
"""Names no column of a table may have, but one of a view (https://www.postgresql.org/docs/15/ddl-system-columns.html)."""


@dataclass(frozen=True, slots=True)
class NameMap:
    """Source name → target name; tables and views share one space, as they do in both engines.

    Keys are ASCII-folded source names, because SQLite compares names that way.

    Attributes:
        columns: of each table and view.
        fold: names are folded to lower case.
    """

    relations: Mapping[str, str]
    columns: Mapping[str, Mapping[str, str]]
    fold: bool = False

    def relation(self, source: str) -> str:
        """The target's name of a table or view; a name that is not in the source comes back as it is."""
        return self.relations.get(ascii_fold(source), source)

    def column(self, relation: str, source: str) -> str:
        """The target's name of a column; a name that is not in the source comes back as it is."""
        return self.columns.get(ascii_fold(relation), {}).get(ascii_fold(source), source)

    def fitted(self, name: str) -> str:
        """What an index, constraint or trigger wants to be called, as the target can hold it."""
        return fit(ascii_fold(name) if self.fold else name)


def map_names(schema: Schema, *, fold: bool = False) -> NameMap:
    """The target names of every table and view and of their columns.

    Args:
        fold: in lower case; ASCII only, as PostgreSQL does it in a UTF-8 database.
    """
    style = ascii_fold if fold else str
    relations = [*(table.name for table in schema.tables), *(view.name for view in schema.views)]
    tables = {
        ascii_fold(table.name): assign(
            [column.name for column in table.columns], lambda name: fit_column(style(name))
        )
        for table in schema.tables
    }
    views = {
        ascii_fold(view.name): assign(view.columns, lambda name: fit(style(name))) for view in schema.views
    }
    return NameMap(assign(relations, lambda name: fit(style(name))), {**tables, **views}, fold)


def assign(sources: Iterable[str], fitting: Callable[[str], str]) -> dict[str, str]:
    """Folded source name → target name, unique among themselves: names kept whole come first."""
    targets: dict[str, str] = {}
    taken: set[str] = set()
    for source in sorted(sources, key=lambda name: (fitting(name) != name, name)):
        target, number = fitting(source), 1
        while target in taken:
            number += 1
            target = fit(f"{fitting(source)}_{number}")
        taken.add(target)
        targets[ascii_fold(source)] = target
    return targets


def fit(name: str) -> str:
    """The name itself, or for one that PostgreSQL would cut, its beginning and a digest of the whole.

    >>> fit("orders")
    'orders'
    >>> len(fit("x" * 80))
    63
    """
    text = name.encode("utf-8", "replace").decode().replace("\0", "_") or "_"
    encoded = text.encode()
    if len(encoded) <= MAX_BYTES:
        return text
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{encoded[: MAX_BYTES - 9].decode(errors='ignore')}_{digest}"


def fit_column(name: str) -> str:
    """As `fit`, and a system column's name gets an underscore behind it.

    >>> fit_column("xmin")
    'xmin_'
    """
    return fit(f"{name}_" if name in SYSTEM_COLUMNS else name)


def quote(name: str) -> str:
    """The name as a quoted identifier, valid in both engines.

    >>> quote('say "hi"')
    '"say ""hi""\"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """The text as a string literal, valid in both engines (PostgreSQL with standard_conforming_strings).

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
