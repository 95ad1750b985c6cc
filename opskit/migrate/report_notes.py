"""What the operator must know, put together by the object that it is about."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_SQL = "; its SQL is "

THE_DATABASE = "the database"
"""What a sentence is about that names no table and no view."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to know, and the SQL it is about, empty without any."""

    sentence: str
    sql: str


@dataclass(frozen=True, slots=True)
class Notes:
    """All there is to know about one object, as in `table orders` or `view paid`."""

    about: str
    notes: tuple[Note, ...]


def group(sentences: Iterable[str], objects: Sequence[str]) -> tuple[Notes, ...]:
    """The sentences by the first object that each names, in the order of the objects.

    Args:
        objects: kind and name of whatever a sentence may be about.

    >>> sentences = ["view v reads table a", "column b of table a: lost"]
    >>> [(one.about, len(one.notes)) for one in group(sentences, ["table a", "view v"])]
    [('table a', 1), ('view v', 1)]
    """
    longest_first = sorted(objects, key=len, reverse=True)
    named = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?=[\s,:;]|$)")
    found: dict[str, list[Note]] = {about: [] for about in (*objects, THE_DATABASE)}
    for sentence in sentences:
        match = named.search(sentence) if objects else None
        text, _, sql = sentence.partition(_SQL)
        found[match[0] if match else THE_DATABASE].append(Note(text, sql))
    return tuple(Notes(about, tuple(notes)) for about, notes in found.items() if notes)
