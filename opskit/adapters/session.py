"""What an engine must give to become an adapter: sessions. Everything else is written once, above them."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from opskit.adapters.api import ExecuteResult, Parameter
from opskit.adapters.dialect import Query
from opskit.adapters.rows import Record


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement gave back; a statement without rows may leave `columns` empty."""

    columns: tuple[str, ...]
    records: Sequence[Record]
    outcome: ExecuteResult


class Session(Protocol):
    """One connection of one engine. Not for two threads at once, except `interrupt`.

    Every method raises ConnectionFailed, QueryFailed or TransactionFailed, and nothing of its driver's.

    Attributes:
        begin: the statement that begins a transaction.
    """

    begin: str

    def run(self, query: Query, values: Sequence[Parameter], *, prepare: bool, key: bool) -> Result:
        """Run a statement to its end.

        Args:
            prepare: keep it prepared on the server, it will come again.
            key: find out `last_insert_rowid`.
        """
        ...

    def run_many(self, query: Query, rows: Iterable[Sequence[Parameter]]) -> int:
        """Run a statement once for each row, inside the open transaction; returns the changed rows."""
        ...

    def stream(self, query: Query, values: Sequence[Parameter], batch: int) -> Generator[Result]:
        """Run a reading statement, at most `batch` records at a time in memory."""
        ...

    def control(self, command: str) -> None:
        """Begin, end or mark a transaction; every refusal is a TransactionFailed."""
        ...

    def interrupt(self) -> None:
        """Stop the running statement, from another thread; nothing happens when none is running."""
        ...

    def cache_counts(self) -> tuple[int, int]:
        """Pages found in the cache, and pages read at all."""
        ...

    def alive(self) -> bool:
        """Whether an idle session can be used again, found out without waiting."""
        ...

    def reset(self) -> bool:
        """Leave any transaction behind; False when the session is not to be used again."""
        ...

    def close(self) -> None:
        """End the session."""
        ...
