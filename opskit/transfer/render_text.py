"""How a SQLite value becomes one of the types that are text: text, limited, padded, or one of some labels.

A derived schema knows text alone; the others stand in schemas that an application made itself.
"""

import re
from collections.abc import Callable, Mapping


def text(column: str, _: str) -> str:
    """Any text, and numbers as text."""
    # a lone NUL is how a NULL leaves SQLite: as text it fits nowhere
    return (
        f"CASE typeof({column}) WHEN 'text' THEN nullif({column}, char(0))"
        f" WHEN 'integer' THEN CAST({column} AS TEXT) WHEN 'real' THEN opskit_real_as_text({column}) END"
    )


def _varying(column: str, pg_type: str) -> str:
    limit = re.search(r"\d+", pg_type)
    rendered = text(column, pg_type)
    return f"CASE WHEN length({rendered}) <= {limit[0]} THEN {rendered} END" if limit else rendered


def _padded(column: str, pg_type: str) -> str:
    """PostgreSQL prints it with its spaces; the `!` counts characters rather than bytes."""
    limit = re.search(r"\d+", pg_type)
    rendered = _varying(column, pg_type)
    return (
        f"CASE WHEN {rendered} IS NOT NULL THEN printf('%-!{limit[0]}s', {rendered}) END"
        if limit
        else rendered
    )


def _label(column: str, pg_type: str) -> str:
    labels = pg_type.removeprefix("enum")
    return f"CASE WHEN typeof({column}) = 'text' AND {column} COLLATE BINARY IN {labels} THEN {column} END"


TEXT_TYPES: Mapping[str, Callable[[str, str], str]] = {
    "text": text,
    "citext": text,
    "character varying": _varying,
    "character": _padded,
    "enum": _label,
}
"""An enum is spelled with its labels: enum('low', 'high')."""
