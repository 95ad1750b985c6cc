"""What the operator must know, put together by the object that it is about."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from opskit.schema.design import one_line

_SQL = "; its SQL is "

THE_DATABASE = "the database"
"""What a sentence is about that mentions nothing by name."""


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


def group(
    sentences: Iterable[str], mentions: Mapping[str, str], statements: Iterable[str] = ()
) -> tuple[Notes, ...]:
    """The sentences by the object that each mentions first, in the order of the mentions.

    Args:
        mentions: what a sentence may mention → the object that it is then about.
        statements: SQL as it was written, in place of which a sentence has it on one line.

    >>> sentences = ["view v reads table a", "trigger t of table a: lost"]
    >>> mentions = {"table a": "table a", "trigger t": "table a", "view v": "view v"}
    >>> [(one.about, len(one.notes)) for one in group(sentences, mentions)]
    [('table a', 1), ('view v', 1)]
    """
    longest_first = sorted(mentions, key=len, reverse=True)
    mentioned = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?=[\s,:;]|$)")
    written = {one_line(statement): statement for statement in statements}
    found: dict[str, list[Note]] = {about: [] for about in (*mentions.values(), THE_DATABASE)}
    for sentence in sentences:
        match = mentioned.search(sentence) if mentions else None
        text, _, sql = sentence.partition(_SQL)
        found[mentions[match[0]] if match else THE_DATABASE].append(Note(text, written.get(sql, sql)))
    return tuple(Notes(about, tuple(notes)) for about, notes in found.items() if notes)
