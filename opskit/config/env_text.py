"""The text of an `.env` file: what its readers take from it, and how keys are set in it.

It has two readers with grammars of their own: dotenv in the application, and systemd when a unit names the
file as EnvironmentFile=. What opskit sets reads the same for both; everything else keeps its bytes.
Texts come from `decode`, so that any bytes go through unharmed.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from opskit.errors import Refused

_DOTENV = re.compile(
    r"""^[\s\ufeff]*(?:export\s+)?(?P<key>[\w.-]+)(?P<sign>\s*=|:\s)
    (?P<value>\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^\#\n]+)?\s*(?:\#.*)?$""",
    re.MULTILINE | re.VERBOSE | re.ASCII,
)
"""dotenv's own expression (lib/main.js, since version 15)."""

_SYSTEMD = re.compile(
    r"""[ \t\n]*(?:
      [\#;](?:\\.?|[^\\\n])*                 # goes on behind a backslash, until systemd 254
    | (?P<key>[^\s\#;][^=\n]*)=(?P<value>
        (?:[ \t]*(?:'[^']*(?:'|\Z)|"(?:\\.?|[^"\\])*(?:"|\Z)))*
        [ \t]*(?:\\.?|[^\\\n])*)
    | [^\n]+                                 # no assignment
    )""",
    re.DOTALL | re.VERBOSE,
)
"""The state machine of systemd's src/basic/env-file.c."""

_SYSTEMD_QUOTED = re.compile(r"""[ \t]*(?:'([^']*)(?:'|\Z)|"((?:\\.?|[^"\\])*)(?:"|\Z))""", re.DOTALL)
_VALUE_AND_COMMENT = re.compile(
    r"""(?P<blank>[ \t]+(?=\S))?
    (?:(?P<quote>['"])(?:(?!(?P=quote)).)*(?P=quote)|`[^`]*`|[^\#\n]*?)
    [ \t]*(?P<comment>\#[^\n]*)?(?=\n|\Z)""",
    re.DOTALL | re.VERBOSE,
)
_PLAIN = re.compile(r"[A-Za-z0-9_./:,@%+=-]*")
"""Values that every reader takes as they stand, without quotes."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A key with the value that a reader takes for it; `start` is the offset behind the `=`."""

    key: str
    value: str
    start: int


Reader = Callable[[str], Iterator[Assignment]]


def decode(content: bytes) -> str:
    """The text of a file of any bytes; `encode` gives them back.

    >>> encode(decode(b"A=caf\\xe9")) == b"A=caf\\xe9"
    True
    """
    return content.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """The bytes of a text; see `decode`."""
    return text.encode("utf-8", "surrogateescape")


def dotenv(text: str) -> Iterator[Assignment]:
    """The assignments as dotenv reads them; the last one of a key counts.

    >>> [(one.key, one.value) for one in dotenv("export A='1' # one\\nB: 2")]
    [('A', '1'), ('B', '2')]
    """
    for found in _DOTENV.finditer(_with_newlines(text)):
        value = (found["value"] or "").strip()
        bare = re.sub(r"""\A(['"`])(.*)\1\Z""", r"\2", value, flags=re.DOTALL)
        if value.startswith('"'):
            bare = bare.replace("\\n", "\n").replace("\\r", "\r")
        yield Assignment(found["key"], bare, found.end("sign"))


def systemd(text: str) -> Iterator[Assignment]:
    """The assignments as systemd reads an EnvironmentFile=; the last one of a key counts.

    >>> [(one.key, one.value) for one in systemd("export A=1\\nB='2' # two")]
    [('B', '2# two')]
    """
    for found in _SYSTEMD.finditer(_with_newlines(text)):
        key = (found["key"] or "").rstrip(" \t")
        if re.fullmatch(r"[A-Za-z_]\w*", key, re.ASCII):
            yield Assignment(key, _systemd_value(found["value"]), found.start("value"))


def values(text: str, reader: Reader = dotenv) -> Mapping[str, str]:
    """What a reader takes from the text: key → value."""
    return {one.key: one.value for one in reader(text)}


def misread(text: str, wanted: Mapping[str, str]) -> tuple[str, ...]:
    """The keys that dotenv does not read as wanted, or systemd reads as something else.

    systemd need not see a key at all: it passes over `export`, and dotenv then sets it.

    >>> misread("A=1 # one\\nexport B=2\\n", {"A": "1", "B": "2", "C": "3"})
    ('A', 'C')
    """
    seen, passed_on = values(text), values(text, systemd)
    return tuple(
        key for key, value in wanted.items() if seen.get(key) != value or passed_on.get(key, value) != value
    )


def with_values(text: str, wanted: Mapping[str, str]) -> str:
    """The text with keys set so that both readers take the wanted values.

    A key that stands there is changed where it counts, in its own style; a key that does not is added at the
    end. A comment behind a changed value moves above it: systemd would take it for a part of the value.

    Raises:
        Refused: no such text can be made: a quote is never closed, or the value has characters that the
            readers understand differently. The message does not show the value.
    """
    for key in misread(text, wanted):
        text = _with_value(text, key, wanted[key])
    if unfit := misread(text, wanted):
        raise Refused.of(
            "env_file_unfit",
            f"{', '.join(unfit)} cannot be set so that dotenv and systemd read the same",
            hint="close open quotes and mend lines that end with a backslash in the file, "
            "or choose a value without quotes, backslashes and line ends",
        )
    return text


def _with_value(text: str, key: str, value: str) -> str:
    """The last assignment is the one that counts, and the readers may disagree which that is."""
    starts = {one.key: one.start for one in dotenv(text)}
    if key not in starts:
        text = _with_line(text, f"{key}={_quoted(value, '')}")
    counting = {last[key] for last in (starts, {one.key: one.start for one in systemd(text)}) if key in last}
    for start in sorted(counting, reverse=True):
        text = _with_value_at(text, start, value)
    return text


def _with_value_at(text: str, start: int, value: str) -> str:
    found = _VALUE_AND_COMMENT.match(_with_newlines(text), start)
    if found is None:  # nothing here that could be replaced alone: `misread` will tell
        return text
    line = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    comment = f"{found['comment'].rstrip()}{_newline(text)}" if found["comment"] else ""
    end = found.end() - (text[found.end() - 1 : found.end()] == "\r")
    kept = f"{text[line:start]}{found['blank'] or ''}"
    return f"{text[:line]}{comment}{kept}{_quoted(value, found['quote'] or '')}{text[end:]}"


def _with_line(text: str, line: str) -> str:
    newline = _newline(text)
    between = "" if not text or text.endswith(("\n", "\r")) else newline
    return f"{text}{between}{line}{newline}"


def _quoted(value: str, quote: str) -> str:
    if _PLAIN.fullmatch(value):
        return f"{quote}{value}{quote}"
    return f"'{value}'"


def _systemd_value(raw: str) -> str:
    value, end = "", 0
    while found := _SYSTEMD_QUOTED.match(raw, end):
        if found[1] is not None:
            value += found[1]
        else:
            value += re.sub(r'\\(["\\`$])|\\\n', r"\1", found[2])
        end = found.end()
    rest = raw[end:].strip(" \t")
    return value + re.sub(r"\\(?:\n|(.?))", r"\1", rest)


def _with_newlines(text: str) -> str:
    """Every line end as a newline, at the offset where it was."""
    return text.replace("\r\n", " \n").replace("\r", "\n")


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
