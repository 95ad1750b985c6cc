"""The part of a foreign file that is opskit's: between two markers at its top, everything else byte for byte.

At the top, because the first line that matches decides in PostgreSQL's access files.
"""

import re
from collections.abc import Sequence

BEGIN = "# opskit: begin"
END = "# opskit: end"
_NOTICE = "# Written by opskit provision; changes between these two lines are lost."

_BLOCK = re.compile(
    rb"^" + BEGIN.encode() + rb"[^\n]*\n"
    rb"(?:(?!" + BEGIN.encode() + rb"|" + END.encode() + rb")[^\n]*\n)*"
    rb"" + END.encode() + rb"[^\n]*(?:\n|\Z)",
    re.MULTILINE,
)


def with_block(text: bytes, lines: Sequence[str]) -> bytes:
    r"""The file with these lines as its only block, at the top.

    >>> with_block(b"local all all peer\n", ["local db app scram-sha-256"]).decode().splitlines()[2:]
    ['local db app scram-sha-256', '# opskit: end', 'local all all peer']
    """
    return "".join(f"{line}\n" for line in (BEGIN, _NOTICE, *lines, END)).encode() + without_block(text)


def without_block(text: bytes) -> bytes:
    """The file as it is without opskit; a marker that has lost its partner is a comment like any other."""
    return _BLOCK.sub(b"", text)


def block_lines(text: bytes) -> tuple[str, ...] | None:
    """The lines of the first block, without markers and notice; None when there is none."""
    found = _BLOCK.search(text)
    if found is None:
        return None
    lines = found[0].decode("utf-8", "replace").splitlines()[1:-1]
    return tuple(line for line in lines if line != _NOTICE)


def block_place(text: bytes) -> int | None:
    """The number of the line, from 1, on which the first block begins; None when there is none."""
    found = _BLOCK.search(text)
    return None if found is None else text.count(b"\n", 0, found.start()) + 1
