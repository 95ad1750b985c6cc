"""The parts of SQLite's DDL text that no PRAGMA tells: CHECKs, generated expressions, index terms, deferral.

SQLite keeps the CREATE statement as written (sqlite_schema.sql) and has already accepted it, so reading
tokens and parentheses is enough; a full grammar would only add ways to disagree with SQLite.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opskit.schema.model import Check, Conflict, ascii_fold

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))"""
    r"""|(?P<string>'(?:[^']|'')*')"""
    r"""|(?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])"""
    r"""|(?P<word>[A-Za-z_\u0080-\U0010ffff$][\w$\u0080-\U0010ffff]*)"""
    r"""|(?P<number>\.?\d[\w.]*)"""
    r"""|(?P<other>.)""",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A token and its place in the text; `kind` is one of string, quoted, word, number, other."""

    kind: str
    text: str
    start: int
    end: int

    def is_word(self, *words: str) -> bool:
        """Is it one of these keywords (given in upper case)?"""
        return self.kind == "word" and self.text.upper() in words

    def name(self) -> str:
        """The identifier it spells, without its quotes."""
        return unquote(self.text)


@dataclass(frozen=True, slots=True)
class TableText:
    """What the text of a CREATE TABLE adds to the PRAGMAs.

    Attributes:
        generated: folded column name → expression.
        deferred: per foreign key in order of declaration, whether it is initially deferred.
    """

    checks: tuple[Check, ...]
    generated: dict[str, str]
    deferred: tuple[bool, ...]
    autoincrement: bool
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class IndexText:
    """The terms of a CREATE INDEX and its WHERE clause."""

    terms: tuple[str, ...]
    predicate: str | None


def tokens(text: str) -> Iterator[Token]:
    """The tokens of SQL text without white space and comments."""
    for match in _TOKEN.finditer(text):
        if match.lastgroup and match.lastgroup != "space":
            yield Token(match.lastgroup, match[0], match.start(), match.end())


def unquote(text: str) -> str:
    """An identifier or string without its quotes.

    >>> unquote('[a b]'), unquote('"say ""hi""\"'), unquote("plain")
    ('a b', 'say "hi"', 'plain')
    """
    if text[:1] == "[":
        return text[1:-1]
    if text[:1] in "\"`'" and text:
        return text[1:-1].replace(text[0] * 2, text[0])
    return text


def read_table(text: str) -> TableText:
    """What a CREATE TABLE statement says beyond the PRAGMAs; nothing for CREATE TABLE … AS."""
    found = list(tokens(text))
    opening = next((index for index, token in enumerate(found) if token.text == "("), None)
    if opening is None:
        return TableText((), {}, (), autoincrement=False)
    checks: list[Check] = []
    generated: dict[str, str] = {}
    deferred: list[bool] = []
    conflicts: list[Conflict] = []
    for part in parts(found, opening):
        checks.extend(_checks(text, part))
        expression = _generated(text, part)
        if expression is not None:
            generated[ascii_fold(part[0].name())] = expression
        deferred.extend(_deferrals(part))
        conflicts.extend(_conflicts(text, part))
    return TableText(
        tuple(checks),
        generated,
        tuple(deferred),
        any(token.is_word("AUTOINCREMENT") for token in found),
        tuple(conflicts),
    )


def read_index(text: str) -> IndexText:
    """The term texts (without ASC, DESC and COLLATE) and the predicate of a CREATE INDEX statement."""
    found = list(tokens(text))
    on = next(index for index, token in enumerate(found) if token.is_word("ON"))
    opening = next(index for index in range(on, len(found)) if found[index].text == "(")
    terms = tuple(_term(text, part) for part in parts(found, opening))
    closing = _closing(found, opening)
    predicate = [token for token in found[closing + 2 :] if token.text != ";"]  # after the word WHERE
    return IndexText(terms, text[predicate[0].start : predicate[-1].end] if predicate else None)


def parts(found: Sequence[Token], opening: int) -> Iterator[Sequence[Token]]:
    """The token runs between top-level commas inside the parenthesis at `opening`."""
    closing = _closing(found, opening)
    start, depth = opening + 1, 0
    for index in range(opening + 1, closing):
        depth += {"(": 1, ")": -1}.get(found[index].text, 0) if found[index].kind == "other" else 0
        if depth == 0 and found[index].text == "," and index > start:
            yield found[start:index]
            start = index + 1
    if closing > start:
        yield found[start:closing]


def _closing(found: Sequence[Token], opening: int) -> int:
    depth = 0
    for index in range(opening, len(found)):
        if found[index].kind == "other":
            depth += {"(": 1, ")": -1}.get(found[index].text, 0)
            if depth == 0:
                return index
    return len(found)


def _inside(text: str, part: Sequence[Token], opening: int) -> str:
    closing = _closing(part, opening)
    return text[part[opening].end : part[min(closing, len(part) - 1)].start].strip()


def _top_level(part: Sequence[Token]) -> Iterator[int]:
    depth = 0
    for index, token in enumerate(part):
        if token.kind == "other" and token.text == ")":
            depth -= 1
        if depth == 0:
            yield index
        if token.kind == "other" and token.text == "(":
            depth += 1


def _checks(text: str, part: Sequence[Token]) -> Iterator[Check]:
    for index in _top_level(part):
        if part[index].is_word("CHECK") and index + 1 < len(part) and part[index + 1].text == "(":
            named = index >= 2 and part[index - 2].is_word("CONSTRAINT")
            yield Check(_inside(text, part, index + 1), part[index - 1].name() if named else None)


def _generated(text: str, part: Sequence[Token]) -> str | None:
    for index in _top_level(part):
        if index and part[index].is_word("AS") and index + 1 < len(part) and part[index + 1].text == "(":
            return _inside(text, part, index + 1)
    return None


def _deferrals(part: Sequence[Token]) -> Iterator[bool]:
    """One entry for each REFERENCES: is DEFERRABLE INITIALLY DEFERRED, without NOT, said for it?"""
    references = [index for index in _top_level(part) if index and part[index].is_word("REFERENCES")]
    for start, end in zip(references, [*references[1:], len(part)], strict=False):
        yield any(
            part[index].is_word("DEFERRABLE")
            and not part[index - 1].is_word("NOT")
            and part[index + 1].is_word("INITIALLY")
            and part[index + 2].is_word("DEFERRED")
            for index in range(start, end - 2)
        )


def _conflicts(text: str, part: Sequence[Token]) -> Iterator[Conflict]:
    """The clauses that say something else than ABORT, each with its constraint's words and column."""
    places = list(_top_level(part))
    for index in places:
        if not part[index].is_word("CONFLICT") or index + 1 >= len(part) or not part[index - 1].is_word("ON"):
            continue
        start = max(place for place in places if place < index and part[place].is_word(*_CONSTRAINTS))
        begin = start - 2 if start > 1 and part[start - 2].is_word("CONSTRAINT") else start
        words = " ".join(text[part[begin].start : part[index - 2].end].split())
        if not part[index + 1].is_word("ABORT"):
            constraint = f"{part[0].name()} {words}" if begin else words
            yield Conflict(constraint, part[index + 1].text.upper())


_CONSTRAINTS = ("PRIMARY", "UNIQUE", "NOT", "CHECK")
"""The first words of the constraints that may have an ON CONFLICT clause."""


def _term(text: str, part: Sequence[Token]) -> str:
    end = len(part)
    if end > 1 and part[end - 1].is_word("ASC", "DESC"):
        end -= 1
    if end > 2 and part[end - 2].is_word("COLLATE"):
        end -= 2
    return text[part[0].start : part[end - 1].end]
