"""SQLite's full-text tables (FTS3, FTS4, FTS5), and the tsvector that finds what they find.

Their tokenizers split text at everything that is no letter or digit. PostgreSQL's parser would keep whole
addresses, paths (`and/or`), hyphenated words and tags, so punctuation becomes spaces before it sees the text.
"""

import string
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from opskit.schema.model import VirtualTable, ascii_fold
from opskit.schema.names import literal
from opskit.schema.sqlite_ddl import tokens
from opskit.schema.virtual_ddl import VirtualText, read_virtual

MODULES = frozenset({"fts3", "fts4", "fts5"})

_SEPARATORS = string.punctuation + "\u00a0¡£§©«®°·»¿–—‘’‚“”„•…‹›€"
"""ASCII's, and what is common in print: a server whose LC_CTYPE is C takes all else for letters."""

_CASTABLE = frozenset({"text", "uuid", "bigint", "integer", "smallint", "numeric", "double precision"})
"""Types whose text does not depend on a setting, as an index requires, and is the same in SQLite."""


@dataclass(frozen=True, slots=True)
class FullText:
    """A full-text table as declared.

    Attributes:
        indexed: the columns that are searched.
        content: None for one that holds its text itself, the name of the table or view that holds it, or an
            empty string for one without any text.
        content_rowid: the column of `content` that identifies its rows.
        trigrams: it finds substrings, not words.
        stems: it finds English words by their stem.
        accents: `cafe` does not find `café`.
        separators: the characters that end a word, of those that are certain.
    """

    name: str
    columns: tuple[str, ...]
    indexed: tuple[str, ...]
    content: str | None = None
    content_rowid: str = "rowid"
    trigrams: bool = False
    stems: bool = False
    accents: bool = False
    separators: str = _SEPARATORS

    @property
    def configuration(self) -> str:
        """PostgreSQL's text search configuration: `english` stems, and knows stop words; `simple` neither."""
        return "english" if self.stems else "simple"


def read_full_text(virtual: VirtualTable) -> FullText | None:
    """The declaration of a full-text table; None for other modules, and for one that cannot be read."""
    if virtual.module not in MODULES or not virtual.columns:
        return None
    text = read_virtual(virtual.sql)
    content = text.option("content") if text.module != "fts3" else None
    words = _tokenizer(text)
    return FullText(
        virtual.name,
        virtual.columns,
        tuple(one for one in virtual.columns if ascii_fold(one) not in _unindexed(text)),
        None if content is None else "".join(content),
        "".join(text.option("content_rowid") or ("rowid",)),
        trigrams=words[0] == "trigram",
        stems="porter" in words,
        accents="unicode61" not in words or _after("remove_diacritics", words) == "0",
        separators=_separators(words),
    )


def _unindexed(text: VirtualText) -> set[str]:
    if text.module == "fts5":
        return {ascii_fold(one.name) for one in text.arguments if not one.option and one.says("unindexed")}
    options = (one for one in text.arguments if one.option and ascii_fold(one.name) == "notindexed")
    return {ascii_fold("".join(one.words)) for one in options}


def _tokenizer(text: VirtualText) -> tuple[str, ...]:
    """The words of the tokenizer's specification, with the tokenizer that it stands on spelled out.

    FTS5 has them in one string; FTS3 and FTS4 write `tokenize=unicode61 "tokenchars=-"`, or no `=`.
    """
    if text.module == "fts5":
        value = " ".join(text.option("tokenize") or ())
        words = tuple(ascii_fold(token.name()) for token in tokens(value)) or ("unicode61",)
        return ("porter", "unicode61") if words == ("porter",) else words
    given = text.option("tokenize")
    bare = (one.words for one in text.arguments if not one.option and ascii_fold(one.name) == "tokenize")
    words = given or next(bare, ("simple",))
    return tuple(ascii_fold(part) for word in words for part in word.split("=", 1))


def _after(option: str, words: Sequence[str]) -> str:
    """The word behind that one, empty when it is not there."""
    return next((value for name, value in pairwise(words) if name == option), "")


def _separators(words: Sequence[str]) -> str:
    kept = _after("tokenchars", words)
    more = "".join(one for one in _after("separators", words) if one not in _SEPARATORS)
    return "".join(one for one in _SEPARATORS if one not in kept) + more


def search_vector(full_text: FullText, columns: Sequence[tuple[str, str]]) -> str:
    """The immutable SQL expression of the tsvector.

    Args:
        columns: of every indexed column, its SQL and its PostgreSQL type, which is castable.
    """
    texts = [f"coalesce({as_text(sql, pg_type)}, '')" for sql, pg_type in columns]
    document = " || ' ' || ".join(texts)
    words = f"regexp_replace({document}, {literal(_one_of(full_text.separators))}, ' ', 'g')"
    vector = _vector(full_text, words)
    if full_text.accents:
        return vector
    # `cafe` finds `café` in SQLite: a text that is not all ASCII is indexed without its accents too
    plain = rf"regexp_replace(normalize({words}, NFD), '[\u0300-\u036f]', '', 'g')"
    accented = f"octet_length({document}) > length({document})"
    return f"{vector} || CASE WHEN {accented} THEN {_vector(full_text, plain)} ELSE ''::tsvector END"


def as_text(sql: str, pg_type: str) -> str:
    """The SQL of a value as text."""
    return sql if pg_type == "text" else f"{sql}::text"


def is_castable(pg_type: str) -> bool:
    """May values of that type be searched as text?"""
    return pg_type.partition("(")[0] in _CASTABLE


def _one_of(characters: str) -> str:
    """The regular expression of one of the characters; translate() would take more time than all the rest."""
    escaped = (f"\\{one}" if one in string.punctuation else one for one in characters)
    return f"[{''.join(escaped)}]"


def _vector(full_text: FullText, text: str) -> str:
    return f"to_tsvector('pg_catalog.{full_text.configuration}'::regconfig, {text})"
