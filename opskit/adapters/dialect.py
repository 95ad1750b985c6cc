"""SQL text on its way to an engine: placeholders today, SQLite's dialect in a later release.

Both engines take `?`, `?NNN` and `:name`. They become numbered parameters, `?1` on SQLite and `$1` on
PostgreSQL, and everything else is passed on untouched: string literals, comments, quoted names, dollar
quotes, `%`, `::casts`, array slices, and the jsonb operators `?`, `?|` and `?&`.

The rule that tells PostgreSQL's operator `?` from a placeholder is its place in the sentence. An operator
stands where an operand is complete and another one follows: after a name, a literal, a placeholder, `)` or
`]`, and before a name, a literal, a placeholder or `(`. Everywhere else `?` is a placeholder. Keywords
such as AND, LIMIT or LIKE are not operands (a jsonb column so called must be quoted). `OPERATOR(schema.?)` is
always the operator. A `:name` in an array subscript, after a complete operand, is the end of a slice.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from opskit.adapters.api import Parameter, Parameters
from opskit.config import Engine
from opskit.errors import QueryFailed


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OPERAND_FOLLOWS = _words(
    """ALL AND ANY AS ASYMMETRIC BETWEEN BOTH BY CALL CASE CROSS DISTINCT DO ELSE ESCAPE EXCEPT FETCH FOR
    FROM FULL GLOB GROUP HAVING ILIKE IN INNER INTERSECT INTO IS JOIN LATERAL LEADING LEFT LIKE LIMIT MATCH
    NATURAL NOT OFFSET ON ONLY OR ORDER OUTER OVERLAPS PLACING REGEXP RETURNING RIGHT SELECT SET SIMILAR SOME
    SYMMETRIC THEN TO TRAILING UNION USING VALUES VARIADIC WHEN WHERE WITH"""
)
"""Words after which an operand begins, so that a `?` there is a placeholder."""

_NO_OPERAND = _words(
    """AND AS ASC AT BETWEEN COLLATE DESC ELSE END ESCAPE EXCEPT FETCH FOLLOWING FOR FROM GROUP HAVING ILIKE
    IN INTERSECT IS ISNULL JOIN LIKE LIMIT NOTNULL NULLS OFFSET ON OR ORDER PRECEDING RETURNING ROW ROWS SET
    SIMILAR THEN UNION USING WHEN WHERE WINDOW"""
)
"""Words that do not begin an operand, so that a `?` before them is a placeholder."""

_READS = frozenset({"", "SELECT", "VALUES", "EXPLAIN", "PRAGMA", "SHOW", "TABLE", "WITH"})
_CHANGES = frozenset({"INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE"})

_COMMON = r"""
    | (?P<space>   \s+ | --[^\n]* )
    | (?P<comment> /\* )
    | (?P<string>  '[^']*(?:''[^']*)*(?:'|\Z) )
    | (?P<number>  \d[\w.]* )
    | (?P<dollar>  \$\d+ )
    | (?P<word>    [^\W\d][\w$]* )
    | (?P<cast>    ::|:= )
    | (?P<named>   :[^\W\d]\w* )
    | (?P<numbered>\?\d+ )
    | (?P<mark>    \? )
    | (?P<other>   . )
"""
_QUOTED = r'"[^"]*(?:""[^"]*)*(?:"|\Z)'
_TOKEN = {
    Engine.SQLITE: re.compile(
        rf"(?P<quoted> {_QUOTED} | `[^`]*(?:``[^`]*)*(?:`|\Z) | \[[^\]]*(?:\]|\Z) ) {_COMMON}",
        re.VERBOSE | re.DOTALL,
    ),
    Engine.POSTGRESQL: re.compile(
        rf"""(?P<quoted> {_QUOTED} )
        | (?P<escape> [eE]'[^'\\]*(?:(?:\\.|'')[^'\\]*)*(?:'|\Z) )
        | (?P<body>   \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z) )
        {_COMMON}""",
        re.VERBOSE | re.DOTALL,
    ),
}
_KIND = {"escape": "string", "body": "string", "comment": "space"}
_OPERANDS = frozenset({"string", "quoted", "number", "named", "numbered", "mark"})


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str

    @property
    def upper(self) -> str:
        return self.text.upper() if self.kind == "word" else ""


@dataclass(frozen=True, slots=True)
class Query:
    """A statement as an engine takes it.

    Attributes:
        text: the SQL with numbered parameters, without a semicolon behind it.
        slots: for each parameter the place (from 0) or the name of its value.
        verb: the first word in upper case; empty when there is none.
        writes: it changes, or may change, the database.
        changes_rows: it is one of INSERT, UPDATE, DELETE, REPLACE or MERGE, maybe behind WITH.
        inserts_into: the parts of the table's name, as written, of a single plain INSERT without RETURNING.
        several: there is more than one statement.
    """

    text: str
    slots: tuple[int | str, ...]
    verb: str
    writes: bool
    changes_rows: bool
    inserts_into: tuple[str, ...]
    several: bool

    def bind(self, params: Parameters) -> list[Parameter]:
        """The values in the order of the numbered parameters.

        Raises:
            QueryFailed: the values do not fit the placeholders.
        """
        if isinstance(params, Mapping):
            return [self._named(params, slot) for slot in self.slots]
        if isinstance(params, str | bytes):
            raise _misused("the parameters are a single text", "put the value into a list: [value]")
        names = [slot for slot in self.slots if isinstance(slot, str)]
        if names:
            raise _misused(f"the statement has named placeholders (:{names[0]})", "give a mapping of values")
        return self._placed(params)

    def _placed(self, params: Sequence[Parameter]) -> list[Parameter]:
        places = [slot for slot in self.slots if isinstance(slot, int)]
        wanted = max(places, default=-1) + 1
        if len(params) != wanted:
            raise _misused(
                f"the statement takes {wanted} parameters and was given {len(params)}",
                "give one value for each placeholder",
            )
        return [params[place] for place in places]

    def _named(self, params: Mapping[str, Parameter], slot: int | str) -> Parameter:
        if isinstance(slot, int):
            raise _misused("the statement has ? placeholders", "give a sequence of values")
        if slot not in params:
            raise _misused(f"there is no value for :{slot}", f"add {slot!r} to the mapping")
        return params[slot]


@lru_cache(maxsize=1024)
def parse(sql: str, engine: Engine) -> Query:
    """The statement as `engine` takes it.

    Raises:
        QueryFailed: a placeholder is of a form that only one of the engines knows.

    >>> parse("SELECT * FROM t WHERE a = ? AND b LIKE '%?' AND c = ?", Engine.POSTGRESQL).text
    "SELECT * FROM t WHERE a = $1 AND b LIKE '%?' AND c = $2"
    >>> parse("SELECT tags ? :tag, :tag::text FROM t", Engine.POSTGRESQL).text
    'SELECT tags ? $1, $1::text FROM t'
    """
    tokens = list(_tokens(sql, engine))
    significant = [token for token in tokens if token.kind != "space"]
    if significant and significant[-1].text == ";":
        tokens = [token for token in tokens if token is not significant[-1]]
    text, slots = _numbered(tokens, engine)
    words = [token.upper for token in significant if token.kind == "word"]
    verb = words[0] if words else ""
    changes_rows = verb in _CHANGES or (verb == "WITH" and not _CHANGES.isdisjoint(words))
    several = any(token.text == ";" for token in significant[:-1])
    return Query(
        text=text,
        slots=slots,
        verb=verb,
        writes=verb not in _READS or not _CHANGES.isdisjoint(words),
        changes_rows=changes_rows,
        inserts_into=() if several or "RETURNING" in words else _insert_target(significant),
        several=several,
    )


def _tokens(sql: str, engine: Engine) -> Iterator[_Token]:
    at = 0
    while match := _TOKEN[engine].match(sql, at):
        kind = str(match.lastgroup)
        end = _comment_end(sql, at, nested=engine is Engine.POSTGRESQL) if kind == "comment" else match.end()
        yield _Token(_KIND.get(kind, kind), sql[at:end])
        at = end


def _comment_end(sql: str, start: int, *, nested: bool) -> int:
    depth = 0
    for match in re.finditer(r"/\*|\*/", sql[start:]):
        depth += 1 if match[0] == "/*" and (nested or depth == 0) else -1 if match[0] == "*/" else 0
        if depth == 0:
            return start + match.end()
    return len(sql)


def _numbered(tokens: Sequence[_Token], engine: Engine) -> tuple[str, tuple[int | str, ...]]:
    """The text with numbered parameters, and the source of each."""
    prefix = "$" if engine is Engine.POSTGRESQL else "?"
    out: list[str] = []
    slots: dict[int | str, int] = {}
    previous = _Token("space", "")
    brackets: list[str] = []
    next_place = 0
    for index, token in enumerate(tokens):
        role = token
        if token.kind == "other":
            _track(brackets, token.text)
        elif token.kind == "dollar":
            raise _misused(f"{token.text} is a placeholder of one engine only", "write ? or :name")
        elif token.kind == "mark" and engine is Engine.POSTGRESQL and _is_operator(previous, tokens, index):
            role = _Token("other", "?")
        elif token.kind == "named" and brackets[-1:] == ["["] and _complete(previous):
            role = _Token("word", token.text)
        elif token.kind in {"mark", "numbered", "named"}:
            slot = _slot(token, next_place)
            next_place = max(next_place, slot + 1) if isinstance(slot, int) else next_place
            number = slots.setdefault(slot, len(slots) + 1)
            out.append(f"{prefix}{number}")
            previous = token
            continue
        out.append(token.text)
        previous = previous if token.kind == "space" else role
    return "".join(out), tuple(slots)


def _slot(token: _Token, next_place: int) -> int | str:
    if token.kind == "named":
        return token.text[1:]
    if token.kind == "mark":
        return next_place
    if int(token.text[1:]) == 0:
        raise _misused("?0 is not a placeholder", "count from ?1")
    return int(token.text[1:]) - 1


def _track(brackets: list[str], text: str) -> None:
    if text in "([":
        brackets.append(text)
    elif text in ")]" and brackets:
        brackets.pop()


def _is_operator(previous: _Token, tokens: Sequence[_Token], index: int) -> bool:
    if previous.text == ".":
        return True
    following = index + 1
    while following < len(tokens) and tokens[following].text in {"|", "&"}:
        following += 1
    while following < len(tokens) and tokens[following].kind == "space":
        following += 1
    return _complete(previous) and following < len(tokens) and _begins(tokens[following])


def _complete(token: _Token) -> bool:
    """An operand ends with this token."""
    if token.kind == "word":
        return token.upper not in _OPERAND_FOLLOWS
    return token.kind in _OPERANDS or token.text in {")", "]"}


def _begins(token: _Token) -> bool:
    """An operand begins with this token."""
    if token.kind == "word":
        return token.upper not in _NO_OPERAND
    return token.kind in _OPERANDS or token.text == "("


def _insert_target(tokens: Sequence[_Token]) -> tuple[str, ...]:
    if not tokens or tokens[0].upper not in {"INSERT", "REPLACE"}:
        return ()
    into = next((index for index, token in enumerate(tokens[:4]) if token.upper == "INTO"), None)
    if into is None:
        return ()
    parts: list[str] = []
    for token in tokens[into + 1 :]:
        if token.kind in {"word", "quoted"} and len(parts) % 2 == 0:
            parts.append(token.text)
        elif token.text == "." and len(parts) % 2 == 1:
            parts.append(".")
        else:
            break
    return tuple(parts[::2])


def _misused(message: str, hint: str) -> QueryFailed:
    return QueryFailed.of("placeholders", message, hint=hint)
