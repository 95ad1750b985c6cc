"""PostgreSQL's own client library, as far as the exporter needs it and without ever waiting.

psycopg does all this and more, in 12 MB of memory: a third of what the exporter may have.
https://www.postgresql.org/docs/15/libpq.html
"""

import ctypes
from collections.abc import Mapping
from ctypes import POINTER, c_char_p, c_int, c_void_p
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from importlib.util import find_spec
from pathlib import Path

SYSTEM_LIBRARY = "libpq.so.5"

_SQLSTATE = ord("C")


class Polling(IntEnum):
    """PostgresPollingStatusType: what a connection under way waits for."""

    FAILED = 0
    READING = 1
    WRITING = 2
    OK = 3


class Status(IntEnum):
    """ExecStatusType, those of interest."""

    COMMAND_OK = 1
    TUPLES_OK = 2
    FATAL_ERROR = 7
    PIPELINE_SYNC = 10


@dataclass(frozen=True, slots=True)
class Result:
    """What a query gave: the only value of its only row, empty when that is null or there is none.

    Attributes:
        sqlstate: that of its error.
    """

    status: int
    sqlstate: str
    value: bytes


_STRINGS = POINTER(c_char_p)
_SLOW: Mapping[str, tuple[object, tuple[object, ...]]] = {
    "PQconnectStartParams": (c_void_p, (_STRINGS, _STRINGS, c_int)),
    "PQconnectPoll": (c_int, (c_void_p,)),
}
"""Functions that may ask name servers, Kerberos or LDAP, with the types of their results and arguments."""

_QUICK: Mapping[str, tuple[object, tuple[object, ...]]] = {
    "PQlibVersion": (c_int, ()),
    "PQsocket": (c_int, (c_void_p,)),
    "PQstatus": (c_int, (c_void_p,)),
    "PQerrorMessage": (c_char_p, (c_void_p,)),
    "PQfinish": (None, (c_void_p,)),
    "PQsetnonblocking": (c_int, (c_void_p, c_int)),
    "PQenterPipelineMode": (c_int, (c_void_p,)),
    "PQsendPrepare": (c_int, (c_void_p, c_char_p, c_char_p, c_int, c_void_p)),
    "PQsendQueryPrepared": (c_int, (c_void_p, c_char_p, c_int, _STRINGS, c_void_p, c_void_p, c_int)),
    "PQflush": (c_int, (c_void_p,)),
    "PQconsumeInput": (c_int, (c_void_p,)),
    "PQisBusy": (c_int, (c_void_p,)),
    "PQgetResult": (c_void_p, (c_void_p,)),
    "PQclear": (None, (c_void_p,)),
    "PQresultStatus": (c_int, (c_void_p,)),
    "PQresultErrorField": (c_char_p, (c_void_p, c_int)),
    "PQntuples": (c_int, (c_void_p,)),
    "PQgetvalue": (c_char_p, (c_void_p, c_int, c_int)),
}
"""Functions that wait for nothing, likewise: letting the interpreter go would take longer than they do."""

_BAD = 1
"""CONNECTION_BAD."""

_SYNC = (c_int, (c_void_p,))
_SYNCS = ("PQsendPipelineSync", "PQpipelineSync")
"""What ends a transaction in a pipeline: libpq 17 can do so without a call of the kernel for each."""


class Lost(Exception):  # never leaves the exporter's sessions: it becomes the reason of a failure
    """The connection is of no use any more."""


@dataclass(frozen=True, slots=True)
class _Library:
    slow: ctypes.CDLL
    quick: ctypes.CDLL
    sync: str


@cache
def _library() -> _Library:
    """libpq: the one that psycopg brings, else the system's."""
    spec = find_spec("psycopg_binary")
    brought = Path(spec.origin).parents[1] / "psycopg_binary.libs" if spec and spec.origin else Path()
    file = next((str(one) for one in sorted(brought.glob("libpq-*.so*"))), SYSTEM_LIBRARY)
    quick = ctypes.PyDLL(file)
    sync = next(name for name in _SYNCS if hasattr(quick, name))
    return _Library(_typed(ctypes.CDLL(file), _SLOW), _typed(quick, {**_QUICK, sync: _SYNC}), sync)


def _typed(library: ctypes.CDLL, functions: Mapping[str, tuple[object, tuple[object, ...]]]) -> ctypes.CDLL:
    for name, (result, arguments) in functions.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def version() -> int:
    """libpq's version, for example 150018."""
    return int(_library().quick.PQlibVersion())


class Connection:
    """A connection under way, and then one in pipeline mode; closing it frees it."""

    def __init__(self, parameters: Mapping[str, str | int]) -> None:
        """Begins to connect; only finding out the host's address may take time."""
        names = [*(name.encode() for name in parameters), None]
        values = [*(str(value).encode() for value in parameters.values()), None]
        array = c_char_p * len(names)
        self._pq, self._slow = _library().quick, _library().slow
        self._sync = getattr(self._pq, _library().sync)
        self._connection = self._slow.PQconnectStartParams(array(*names), array(*values), 0)

    def poll(self) -> Polling:
        """One step of connecting."""
        return Polling(self._slow.PQconnectPoll(self._connection))

    def socket(self) -> int:
        """The descriptor to wait for; another one after each step of connecting, perhaps."""
        return int(self._pq.PQsocket(self._connection))

    def error(self) -> str:
        """What libpq says was wrong; it may quote a password."""
        return bytes(self._pq.PQerrorMessage(self._connection) or b"").decode(errors="replace")

    def enter_pipeline(self) -> None:
        """Lets queries be sent without waiting for the answers to those before."""
        self._check(self._pq.PQsetnonblocking(self._connection, 1) == 0)
        self._check(self._pq.PQenterPipelineMode(self._connection))

    def prepare(self, name: bytes, text: bytes) -> None:
        """Sends a query to be prepared."""
        self._check(self._pq.PQsendPrepare(self._connection, name, text, 0, None))

    def execute(self, name: bytes, parameters: tuple[bytes, ...]) -> None:
        """Sends the order to execute a prepared query, and ends its transaction."""
        values = (c_char_p * len(parameters))(*parameters)
        count = len(parameters)
        self._check(self._pq.PQsendQueryPrepared(self._connection, name, count, values, None, None, 0))
        self._check(self._sync(self._connection))

    def flush(self) -> bool:
        """Hands over to the kernel what is to be sent; whether all of it was taken."""
        left = self._pq.PQflush(self._connection)
        self._check(left >= 0)
        return left == 0

    def consume(self) -> None:
        """Takes what has come."""
        self._check(self._pq.PQconsumeInput(self._connection))

    def busy(self) -> bool:
        """Whether the next result has not come whole yet."""
        return bool(self._pq.PQisBusy(self._connection))

    def result(self) -> Result | None:
        """The next result; None between those of two queries."""
        found = self._pq.PQgetResult(self._connection)
        if found is None:
            self._check(self._pq.PQstatus(self._connection) != _BAD)
            return None
        try:
            return self._read(found)
        finally:
            self._pq.PQclear(found)

    def close(self) -> None:
        """Ends the session; twice is once."""
        if self._connection is not None:
            self._pq.PQfinish(self._connection)
        self._connection = None

    def _check(self, succeeded: object) -> None:
        if not succeeded:
            raise Lost

    def _read(self, result: int) -> Result:
        status = int(self._pq.PQresultStatus(result))
        if status == Status.TUPLES_OK and self._pq.PQntuples(result):
            return Result(status, "", self._pq.PQgetvalue(result, 0, 0))
        sqlstate = bytes(self._pq.PQresultErrorField(result, _SQLSTATE) or b"").decode()
        return Result(status, sqlstate, b"")
