"""What a CREATE VIRTUAL TABLE statement says: the module and the module's arguments."""

from collections.abc import Sequence
from dataclasses import dataclass

from opskit.schema.model import ascii_fold
from opskit.schema.sqlite_ddl import Token, parts, tokens


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a module.

    Attributes:
        name: its first word, without quotes.
        words: what follows, without quotes: a column's type or keywords, an option's value.
        option: it is written `name = value`.
    """

    name: str
    words: tuple[str, ...] = ()
    option: bool = False

    def says(self, word: str) -> bool:
        """Does it hold that (lower-case) keyword?"""
        return any(ascii_fold(one) == word for one in self.words)


@dataclass(frozen=True, slots=True)
class VirtualText:
    """The folded name of a module, and its arguments in order."""

    module: str
    arguments: tuple[Argument, ...] = ()

    def option(self, name: str) -> tuple[str, ...] | None:
        """The words of an option's value, None when it is not given."""
        found = (one.words for one in self.arguments if one.option and ascii_fold(one.name) == name)
        return next(found, None)


def read_virtual(sql: str) -> VirtualText:
    """The parts of the statement.

    >>> read_virtual("CREATE VIRTUAL TABLE t USING fts5(a UNINDEXED, content='')").arguments[1]
    Argument(name='content', words=('',), option=True)
    """
    found = list(tokens(sql))
    using = next(index for index, token in enumerate(found) if token.is_word("USING"))
    module, opening = ascii_fold(found[using + 1].name()), using + 2
    if opening >= len(found) or found[opening].text != "(":
        return VirtualText(module)
    return VirtualText(module, tuple(_argument(part) for part in parts(found, opening)))


def _argument(part: Sequence[Token]) -> Argument:
    option = len(part) > 1 and part[1].text == "="
    words = part[2:] if option else part[1:]
    return Argument(part[0].name(), tuple(token.name() for token in words), option)
