"""Databases by their configured names, each in the engine that the application uses at this moment."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager

from opskit.config import Configuration, Engine
from opskit.errors import OpskitError
from opskit.exporter.reader import EngineLookup
from opskit.top import sqlite
from opskit.top.model import View
from opskit.top.postgresql import PostgresqlEye
from opskit.top.ranking import Sort


class Eye:
    """Looks at one database; a cutover is noticed at the next look."""

    def __init__(self, configuration: Configuration, name: str) -> None:
        self._name = name
        self._file = configuration.databases[name].sqlite
        self._lookup = EngineLookup(configuration)
        self._postgresql = PostgresqlEye(configuration, name)
        self._other: View | None = None

    def look(self) -> None:
        """Sees what is there now."""
        self._other = None
        try:
            if self._lookup.engine() is Engine.POSTGRESQL:
                self._postgresql.look()
            else:
                self._postgresql.close()
                self._other = sqlite.look(self._name, self._file)
        except OpskitError as error:
            self._other = View(self._name, None, failure=str(error))

    def view(self, sort: Sort, limit: int) -> View:
        """What was seen last, statements so ranked."""
        return self._other or self._postgresql.view(sort, limit)

    def close(self) -> None:
        """Ends what is kept from one look to the next."""
        self._postgresql.close()


@contextmanager
def eyes(configuration: Configuration, names: Sequence[str]) -> Generator[Sequence[Eye]]:
    """One for each database."""
    with ExitStack() as stack:
        opened = [Eye(configuration, name) for name in names]
        for one in opened:
            stack.callback(one.close)
        yield opened
