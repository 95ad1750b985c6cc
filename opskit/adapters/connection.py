"""One leased connection: statements, streams, transactions with savepoints.

A statement that fails inside a transaction spoils it on both engines: what follows is refused until the
block (or the nested block) has ended and was rolled back. PostgreSQL insists on this; SQLite would go on,
and what had worked there would break on the day of the move.
"""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import overload

from opskit.adapters.api import ExecuteResult, Parameters, Row, RowT
from opskit.adapters.dialect import Query
from opskit.adapters.meter import Meter
from opskit.adapters.runner import Runner, parsed, rows
from opskit.adapters.session import Result, Session
from opskit.config import Engine
from opskit.errors import ConnectionFailed, DatabaseError, QueryFailed, TransactionFailed


class LeasedConnection(Runner):
    """A session for the length of a lease. Not for two threads at once, except `interrupt`."""

    def __init__(self, session: Session, meter: Meter, engine: Engine) -> None:
        self.engine = engine
        self._session = session
        self._meter = meter
        self._depth = 0
        self._spoiled = False
        self._ended = False

    def run(self, query: Query, params: Parameters, *, prepare: bool = False, key: bool = False) -> Result:
        """Run a statement to its end."""
        self._check()
        values = query.bind(params)
        if values and query.several:
            raise QueryFailed.of(
                "several_statements", "several statements take no parameters", hint="run them one at a time"
            )
        with self._statement(query):
            return self._session.run(query, values, prepare=prepare, key=key)

    def execute_many(self, sql: str, rows: Iterable[Parameters]) -> ExecuteResult:
        """Run a statement once for each set of parameters: all of them, or none."""
        query = parsed(sql, self.engine)
        if self._depth == 0:
            with self.transaction() as transaction:
                return transaction.execute_many(sql, rows)
        self._check()
        with self._statement(query):
            return ExecuteResult(self._session.run_many(query, (query.bind(row) for row in rows)))

    @overload
    def stream(self, sql: str, params: Parameters = (), *, batch: int = 1000) -> Generator[Row]: ...
    @overload
    def stream(
        self, sql: str, params: Parameters = (), *, row_type: type[RowT], batch: int = 1000
    ) -> Generator[RowT]: ...
    def stream(
        self, sql: str, params: Parameters = (), *, row_type: type[RowT] | None = None, batch: int = 1000
    ) -> Generator[Row | RowT]:
        """The rows of a reading statement, at most `batch` of them in memory; close it to end early."""
        query = parsed(sql, self.engine)
        if query.writes or query.several:
            raise QueryFailed.of(
                "stream", "a stream takes a single reading statement", hint="use query or execute"
            )
        return self._stream(query, params, row_type, batch)

    @contextmanager
    def transaction(self) -> Generator["LeasedConnection"]:
        """A transaction, or a savepoint within one."""
        self._check()
        mark = f"opskit_{self._depth}"
        begin, commit, rollback = (
            (f"SAVEPOINT {mark}", f"RELEASE SAVEPOINT {mark}", f"ROLLBACK TO SAVEPOINT {mark}")
            if self._depth
            else (self._session.begin, "COMMIT", "ROLLBACK")
        )
        with self._counted():
            self._session.control(begin)
        self._depth += 1
        try:
            yield self
            self._check()
            with self._counted():
                self._session.control(commit)
        except BaseException:
            self._roll_back(rollback)
            raise
        finally:
            self._depth -= 1

    def interrupt(self) -> None:
        """Stop the statement that is running, if any."""
        if not self._ended:
            self._session.interrupt()

    def end_lease(self) -> None:
        """The session goes back to its pool: nothing may be run through this object any more."""
        self._ended = True

    def _roll_back(self, command: str) -> None:
        """The failure that led here is what the caller must see; one of the rollback itself comes second.

        When a savepoint cannot be rolled back to, the engine has ended the whole transaction by itself.
        """
        try:
            self._session.control(command)
            self._spoiled = False
        except DatabaseError:
            self._spoiled = self._depth > 1

    def _stream(
        self, query: Query, params: Parameters, row_type: type[RowT] | None, batch: int
    ) -> Generator[Row | RowT]:
        self._check()
        batches = self._session.stream(query, query.bind(params), batch)
        try:
            with self._statement(query):
                part = next(batches, None)
            while part is not None:
                yield from rows(part, row_type)
                with self._spoiling(), self._counted():
                    part = next(batches, None)
        finally:
            batches.close()

    @contextmanager
    def _statement(self, query: Query) -> Generator[None]:
        with self._spoiling(), self._meter.statement(query.text):
            yield

    @contextmanager
    def _spoiling(self) -> Generator[None]:
        try:
            yield
        except DatabaseError:
            self._spoiled = self._depth > 0
            raise

    @contextmanager
    def _counted(self) -> Generator[None]:
        try:
            yield
        except DatabaseError as error:
            self._meter.failed(error)
            raise

    def _check(self) -> None:
        if self._ended:
            raise ConnectionFailed.of(
                "connection_returned",
                "the connection went back to its pool when its block ended",
                hint="use it inside the block only",
            )
        if self._spoiled:
            raise TransactionFailed.of(
                "transaction_spoiled",
                "a statement of this transaction failed, so that it can only be rolled back",
                hint="leave the block, or put what may fail into a nested transaction()",
            )
