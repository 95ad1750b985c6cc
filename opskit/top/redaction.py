"""Statements without their secrets: what stands in quotes or comments goes, whatever it is. Pure.

pg_stat_statements keeps the text of utility statements as it came (ALTER ROLE … PASSWORD 'x', CREATE USER
MAPPING, COPY … PROGRAM), and pg_stat_activity that of every statement, cut off anywhere.
"""

import re
from collections.abc import Iterator

HIDDEN = "…"
"""What stands in a secret's place."""

_TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\* )
    | (?P<dollar>  \$(?:[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)?\$ )
    | (?P<prefix>  [eE](?=') )?(?P<quote> ' )
    | (?P<name>    "(?:[^"]|"")*+" )
    | (?P<cut_off> ".* )
    | (?P<word>    [A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]* | \$?\d[\w.]* )
    | (?P<space>   \s+ )
    | (?P<sign>    . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_ESCAPED_END = re.compile(r"(?:[^'\\]|''|\\.)*+'", re.DOTALL)
_PLAIN_END = re.compile(r"(?:[^'\\]|''|\\\\|\\(?!['\\]))*+'")
"""Whether a backslash before a quote escapes it depends on the session (standard_conforming_strings): then
nobody knows where the literal ends, and nothing matches."""

_SECRET = re.compile(r"passw(or)?d|pwd|secret|token|credential|api_?key|private_?key", re.IGNORECASE)
_GIVES = frozenset("=:>")
_NAMES = re.compile(r"[\w\"]")


def redacted(text: str) -> str:
    """The statement on one line, with `…` for every text in quotes, and without its comments.

    >>> redacted("ALTER ROLE app  PASSWORD 'geheim' -- as agreed")
    "ALTER ROLE app PASSWORD '…'"
    >>> redacted("SELECT password FROM users WHERE id = $1")
    'SELECT password FROM users WHERE id = $1'
    >>> redacted("SET app.api_key = geheim; DO $$ BEGIN … END $$")
    "SET app.api_key = …; DO '…'"
    """
    return " ".join("".join(_unsecret(_tokens(text))).split())


def _tokens(text: str) -> Iterator[str]:
    """Names, words, signs and blanks as they are; literals as `'…'`, comments as a blank."""
    position = 0
    while found := _TOKEN.match(text, position):
        position = found.end()
        match found.lastgroup:
            case "comment":
                position = _comment_end(text, found)
                yield " "
            case "dollar":
                closed = text.find(found[0], position)
                position = len(text) if closed < 0 else closed + len(found[0])
                yield f"'{HIDDEN}'"
            case "quote":
                end = (_ESCAPED_END if found["prefix"] else _PLAIN_END).match(text, position)
                position = end.end() if end else len(text)
                yield f"'{HIDDEN}'"
            case "cut_off":
                yield HIDDEN
            case _:
                yield found[0]


def _comment_end(text: str, found: "re.Match[str]") -> int:
    """Comments in /* */ nest; one that is not closed goes to the end."""
    if found[0] != "/*":
        return found.end()
    depth = 1
    for edge in _COMMENT_EDGE.finditer(text, found.end()):
        depth += 1 if edge[0] == "/*" else -1
        if not depth:
            return edge.end()
    return len(text)


def _unsecret(tokens: Iterator[str]) -> Iterator[str]:
    """Hides what is given to a name that tells of a secret: `password "x"`, `token => x`, `SET … TO x`."""
    awaited = given = False
    for token in tokens:
        if token.isspace():
            yield token
        elif awaited and (token in _GIVES or token.upper() == "TO"):
            given = True
            yield token
        elif _NAMES.match(token) and (given or (awaited and token.startswith('"'))):
            awaited = given = False
            yield HIDDEN
        else:
            awaited, given = bool(_SECRET.search(token)), False
            yield token
