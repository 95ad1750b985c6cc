"""Many queries in one round trip: prepared once a session, sent together, answered in turn.

Each is a transaction of its own, so that one that fails takes no other with it. Rows are taken from libpq's
results as they are: cursors would cost the exporter more than everything else it does.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

import psycopg
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import DictRow
from psycopg.waiting import Ready, Wait

from opskit.exporter.reading import DEADLINE, Outcome, ReadFailed, Row, Value, collect
from opskit.exporter.reasons import CONNECTION_LOST, condition
from opskit.transfer.deadlines import BoundedConnection, Deadline, NoAnswer, ready

_READ: Mapping[int, Callable[[bytes], Value]] = {16: b"t".__eq__, 20: float, 23: float, 701: float}
"""How values of these type oids are read: boolean, bigint, integer, double precision."""


@dataclass(frozen=True, slots=True)
class Call:
    """A query and its parameters as text.

    Attributes:
        name: also that of its prepared statement.
        anew: whether it is prepared each time: its tables may change.
    """

    name: str
    text: bytes
    parameters: tuple[bytes, ...] = ()
    anew: bool = False


class Batches:
    """A session that is asked the same queries again and again; closing it closes the session."""

    def __init__(self, session: BoundedConnection[DictRow]) -> None:
        self._session = session
        self._pgconn = session.pgconn
        self._pgconn.enter_pipeline_mode()
        self._prepared: set[str] = set()
        self._lost = ""

    def ask(self, calls: Sequence[Call], deadline: Deadline) -> list[Outcome]:
        """The outcome of each call, in their order.

        When the deadline passes or the connection is lost, all that are left fail for that reason, and so
        does whatever the session is asked later.
        """
        with suppress(ReadFailed), self._unless_lost():
            self._send(calls, deadline)
        return [collect(call.name, partial(self._rows, call, deadline)) for call in calls]

    def close(self) -> None:
        """Ends the session."""
        self._session.close()

    def _send(self, calls: Sequence[Call], deadline: Deadline) -> None:
        for call in calls:
            name = b"" if call.anew else call.name.encode()
            if call.name not in self._prepared:
                self._pgconn.send_prepare(name, call.text)
            self._pgconn.send_query_prepared(name, call.parameters)
            self._pgconn.pipeline_sync()
        while self._pgconn.flush():
            if ready(self._pgconn.socket, Wait.RW, deadline) & Ready.R:
                self._pgconn.consume_input()

    def _rows(self, call: Call, deadline: Deadline) -> list[Row]:
        with self._unless_lost():
            results = self._results(deadline)
        if results[0].status == ExecStatus.COMMAND_OK and not call.anew:
            self._prepared.add(call.name)
        failed = [one for one in results if one.status == ExecStatus.FATAL_ERROR]
        if failed:
            raise ReadFailed.of(_condition(failed[0]), "PostgreSQL refused a query")
        return rows_of(results[-1])

    def _results(self, deadline: Deadline) -> list[PGresult]:
        """What the next call gave: of its preparation, when it needed one, and its rows; or an error."""
        results: list[PGresult] = []
        while (result := self._next(deadline)) is None or result.status != ExecStatus.PIPELINE_SYNC:
            if result is not None:
                results.append(result)
        return results

    def _next(self, deadline: Deadline) -> PGresult | None:
        while self._pgconn.is_busy():
            ready(self._pgconn.socket, Wait.R, deadline)
            self._pgconn.consume_input()
        result = self._pgconn.get_result()
        if result is None and self._pgconn.status == ConnStatus.BAD:
            raise ReadFailed.of(CONNECTION_LOST, "the connection to PostgreSQL is lost")
        return result

    @contextmanager
    def _unless_lost(self) -> Generator[None]:
        """Answers that did not come in time would be taken for those to later questions."""
        if self._lost:
            raise ReadFailed.of(self._lost, "the session is of no use any more")
        try:
            yield
        except NoAnswer as error:
            self._lost = DEADLINE
            raise ReadFailed.of(DEADLINE, str(error)) from error
        except psycopg.OperationalError as error:
            self._lost = CONNECTION_LOST
            raise ReadFailed.of(CONNECTION_LOST, "the connection to PostgreSQL is lost") from error
        except ReadFailed as error:
            self._lost = error.faults[0].code
            raise


def rows_of(result: PGresult) -> list[Row]:
    """A result's rows: numbers as float, truth as bool, everything else as text."""
    columns = range(result.nfields)
    names = [(result.fname(column) or b"").decode() for column in columns]
    values = [_column(result, column) for column in columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def _column(result: PGresult, column: int) -> list[Value]:
    read = _READ.get(result.ftype(column), bytes.decode)
    texts = [result.get_value(row, column) for row in range(result.ntuples)]
    return [None if text is None else read(text) for text in texts]


def _condition(result: PGresult) -> str:
    return condition((result.error_field(DiagnosticField.SQLSTATE) or b"").decode())
