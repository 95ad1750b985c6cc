"""The settings file that opskit owns: its text from settings, and settings from its text. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from opskit.provision.settings.sizing import Setting
from opskit.provision.settings.values import line, read_line

NAME = "90-opskit.conf"


@dataclass(frozen=True, slots=True)
class Access:
    """Who may do what with a file."""

    mode: int
    owner: str
    group: str

    def __str__(self) -> str:
        return f"{self.mode:04o} {self.owner}:{self.group}"


@dataclass(frozen=True, slots=True)
class OwnFile:
    """Our file as it is."""

    text: str
    access: Access


@dataclass(frozen=True, slots=True)
class FilesFacts:
    """What stands in the cluster's configuration directory.

    Attributes:
        own: our file; None when there is none.
        included: does postgresql.conf read conf.d at all?
    """

    own: OwnFile | None = None
    included: bool = True


ACCESS = Access(0o644, "root", "root")
"""The server reads our file and does not write it."""

_SILENCED = b"# opskit: set elsewhere: "

_HEADER = """\
# Managed by opskit: written by `opskit provision`, which puts back what is changed here.
# To have another value, set it below provision.parameters in opskit.yaml.
"""


def render(settings: Iterable[Setting]) -> str:
    """The whole file, one setting a line below its reason."""
    lines = [f"\n# {one.reason}\n{line(one.name, one.value)}\n" for one in settings]
    return _HEADER + "".join(lines)


def read(text: str) -> Mapping[str, str]:
    """Name → value as the file has it; the last one counts."""
    found = (read_line(one) for one in text.splitlines())
    return {one[0].lower(): one[1] for one in found if one is not None}


def includes_conf_d(text: str) -> bool:
    """Does a postgresql.conf read the files in conf.d, as Debian's does?

    >>> includes_conf_d("port = 5432\\ninclude_dir = 'conf.d'\\n"), includes_conf_d("#include_dir 'conf.d'")
    (True, False)
    """
    found = (read_line(one) for one in text.splitlines())
    return any(one is not None and one[0] == "include_dir" and Path(one[1]).name == "conf.d" for one in found)


def names(content: bytes, number: int, name: str) -> bool:
    """Does a line of a settings file, counted from 1, set this?"""
    lines = content.splitlines()
    found = read_line(lines[number - 1].decode("utf-8", "replace")) if number <= len(lines) else None
    return found is not None and found[0].lower() == name


def silenced(content: bytes, number: int) -> bytes:
    """The file with one line made a comment; every other byte stays."""
    lines = content.splitlines(keepends=True)
    lines[number - 1] = _SILENCED + lines[number - 1]
    return b"".join(lines)
