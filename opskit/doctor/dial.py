"""Opening a session as the application would, and telling exactly why there is none.

libpq gives a refused connection as words only, in the server's language. Its protocol trace has the server's
answer in full: the SQLSTATE and the routine that refused, which are the same in every language.
"""

import os
import re
import select
import socket
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo
from psycopg.pq.abc import PGconn
from psycopg.rows import DictRow, dict_row

from opskit.doctor.facts import Refusal, Refused
from opskit.transfer.deadlines import BoundedConnection, Deadline

APPLICATION_NAME = "opskit doctor"
"""Not the application's own: nobody shall take this for one of its sessions."""

SECONDS = 5.0
"""How long the application would wait for a session."""

_ANSWER = re.compile(
    r'^B\t\d+\tErrorResponse\t S "[^"]*" (?:V "[^"]*" )?C "(\w{5})"(?:.* R "(\w+)")?', re.MULTILINE
)
_NO_SSL = re.compile(r"^B\t\d+\tSSLResponse\t N\n(?!.*^F)", re.MULTILINE | re.DOTALL)
"""The server had no encryption, and nothing was sent after that."""

_BY_SQLSTATE = {
    "28P01": Refusal.AUTHENTICATION,
    "28000": Refusal.AUTHENTICATION,
    "3D000": Refusal.NO_DATABASE,
    "42501": Refusal.NO_CONNECT,
    "53300": Refusal.FULL,
    "57P03": Refusal.STARTING,
    "57P01": Refusal.STARTING,
}
_BY_ROUTINE = {
    "ClientAuthentication": Refusal.NO_RULE,
    "InitializeSessionUserId": Refusal.ROLE,
    "InitializeSessionUserIdStandalone": Refusal.ROLE,
}
"""28000 is all that a role may be refused for; the routine tells more."""


def dial(parameters: Mapping[str, str | int]) -> BoundedConnection[DictRow] | Refused:
    """A session in autocommit mode, or why there is none; nothing waits longer than `SECONDS`."""
    deadline = Deadline.after(SECONDS)
    try:
        conninfo = make_conninfo("", **{**parameters, "application_name": APPLICATION_NAME})
    except psycopg.ProgrammingError as error:  # parameters of the configuration that libpq does not know
        return Refused(Refusal.OTHER, str(error))
    connection = pq.PGconn.connect_start(conninfo.encode())
    with _traced(connection) as trace:
        answered = _connected(connection, deadline)
    if not answered:
        begun = connection.status != pq.ConnStatus.STARTED
        connection.finish()
        return Refused(Refusal.SILENT if begun else Refusal.UNREACHABLE)
    if connection.status == pq.ConnStatus.OK:
        connection.nonblocking = 1
        session = BoundedConnection(connection, row_factory=dict_row)
        session.limit = Deadline.after(SECONDS)
        session.autocommit = True
        return session
    words, asked = _words(connection, parameters), connection.needs_password
    connection.finish()
    return _explained(Refused(refusal(trace[0]), words), parameters, asked=asked)


def refusal(trace: str) -> Refusal:
    """What the server answered last, as libpq's trace shows it.

    >>> refusal('B\\t90\\tErrorResponse\\t S "FATAL" V "FATAL" C "3D000" M "..." L "948" R "InitPostgres"')
    <Refusal.NO_DATABASE: 'there is no such database'>
    """
    answers = _ANSWER.findall(trace)
    if not answers:
        return Refusal.SSL_REFUSED if _NO_SSL.search(trace) else Refusal.OTHER
    sqlstate, routine = answers[-1]
    by_state = _BY_SQLSTATE.get(sqlstate, Refusal.OTHER)
    return _BY_ROUTINE.get(routine, by_state) if sqlstate == "28000" else by_state


def _explained(refused: Refused, parameters: Mapping[str, str | int], *, asked: bool) -> Refused:
    """Where the server did not say it: what the network says, and whether encryption makes the difference."""
    if refused.refusal is Refusal.OTHER and asked:
        return Refused(Refusal.NO_PASSWORD)
    if refused.refusal is Refusal.OTHER and str(parameters["port"]).isdecimal():
        hosts = str(parameters["host"]).split(",")
        found = [_network(host, int(parameters["port"])) for host in hosts]
        return Refused(next((one for one in found if one), Refusal.OTHER), refused.words)
    if refused.refusal is Refusal.NO_RULE and parameters.get("sslmode") == "disable":
        other = dial({**parameters, "sslmode": "require"})
        if not isinstance(other, Refused):
            other.close()
            return Refused(Refusal.SSL_REQUIRED)
    return refused


def _connected(connection: PGconn, deadline: Deadline) -> bool:
    """Goes through libpq's polling; False when the time was up."""
    poll = select.poll()
    while connection.status != pq.ConnStatus.BAD:
        wanted = connection.connect_poll()
        if wanted in (pq.PollingStatus.OK, pq.PollingStatus.FAILED):
            break
        events = select.POLLIN if wanted == pq.PollingStatus.READING else select.POLLOUT
        poll.register(connection.socket, events)
        happened = poll.poll(deadline.left() * 1000)
        poll.unregister(connection.socket)
        if not happened:
            return False
    return True


@contextmanager
def _traced(connection: PGconn) -> Generator[list[str]]:
    """The trace is in the list when the block has ended; never on a disk, for it may hold the password."""
    descriptor = os.memfd_create("libpq-trace")
    lines: list[str] = []
    try:
        connection.trace(descriptor)
        connection.set_trace_flags(pq.Trace.SUPPRESS_TIMESTAMPS)
        yield lines
        connection.untrace()
        size = os.fstat(descriptor).st_size
        lines.append(os.pread(descriptor, size, 0).decode(errors="replace"))
    finally:
        os.close(descriptor)


def _network(host: str, port: int) -> Refusal | None:
    """What keeps this host from being reached; None when somebody answers there."""
    try:
        if host.startswith("/"):
            with socket.socket(socket.AF_UNIX) as one:
                one.settimeout(SECONDS)
                one.connect(str(Path(host) / f".s.PGSQL.{port}"))
        else:
            socket.create_connection((host, port), SECONDS).close()
    except socket.gaierror:
        return Refusal.HOST_UNKNOWN
    except (ConnectionRefusedError, FileNotFoundError):
        return Refusal.REFUSED
    except PermissionError:
        return Refusal.SOCKET_DENIED
    except OSError:
        return Refusal.UNREACHABLE
    return None


def _words(connection: PGconn, parameters: Mapping[str, str | int]) -> str:
    text = " ".join(connection.get_error_message().split())
    password = str(parameters.get("password") or "")
    return text.replace(password, "***") if password else text
