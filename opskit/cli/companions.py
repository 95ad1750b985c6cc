"""The files that go with the program and are made from it: manual pages, completion, a first configuration.

`python -m opskit.cli.companions DIRECTORY` writes them for scripts/install and the Debian package, which know
where a host wants them. They are not in version control: what is generated cannot drift.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from click.shell_completion import get_completion_class

from opskit import __version__
from opskit.cli.main import opskit
from opskit.cli.manual import manual
from opskit.config.draft import draft, first_user

_COMPLETION = {"bash": "opskit", "zsh": "_opskit", "fish": "opskit.fish"}
"""Shell → what it wants the file to be called."""


def main() -> None:
    """The process: one argument, the directory that is filled."""
    write_companions(Path(sys.argv[1]))


def write_companions(directory: Path) -> None:
    """Writes all files below `directory`, which is made when missing.

    Raises:
        OSError: a file cannot be written.
    """
    for name, text in companions():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def companions() -> Iterator[tuple[str, str]]:
    """Path below the directory and text of each file."""
    for name, page in manual(opskit, __version__).items():
        yield f"man/{name}", page
    for shell, name in _COMPLETION.items():
        complete = get_completion_class(shell)
        if complete is not None:
            yield f"{shell}/{name}", complete(opskit, {}, "opskit", "_OPSKIT_COMPLETE").source()
    yield "opskit.yaml", draft(first_user())


if __name__ == "__main__":
    main()
