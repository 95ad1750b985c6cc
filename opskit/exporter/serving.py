"""HTTP as far as a scraper and a browser need it, every size and time bounded; one request a connection."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssl import SSLContext

log = logging.getLogger(__name__)

REQUEST_LINE_BYTES = 2048
HEAD_BYTES = 16384
REQUEST_SECONDS = 5.0
ANSWER_SECONDS = 10.0
LINGER_SECONDS = 1.0
"""How long a client may go on sending before its connection is cut: it is to read the answer first."""

_ALWAYS = {
    "Connection": "close",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request without its body, which none of ours needs.

    Attributes:
        path: without the query.
        query: what follows the question mark.
        headers: names in lower case; of repeated ones the last.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; `headers` are those beside the ones that every answer has."""

    status: HTTPStatus
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class BadRequest(Exception):  # never leaves this module: it is an answer, not a failure of ours
    """A request that is answered with an error before anybody sees it."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


def parse_request(head: bytes) -> Request:
    """The request from its bytes up to and without the empty line.

    Raises:
        BadRequest: too long, or not HTTP.
    """
    line, *rest = head.decode("latin-1").split("\r\n")
    if len(line) > REQUEST_LINE_BYTES:
        raise BadRequest(HTTPStatus.REQUEST_URI_TOO_LONG)
    words = line.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith("/"):
        raise BadRequest(HTTPStatus.BAD_REQUEST)
    fields = [entry.partition(":") for entry in rest if entry]
    if any(not colon or not name or name != name.strip() for name, colon, _ in fields):
        raise BadRequest(HTTPStatus.BAD_REQUEST)
    headers = {name.lower(): value.strip() for name, _, value in fields}
    path, _, query = words[1].partition("?")
    return Request(words[0], path, query, headers)


def rendered(response: Response, *, head_only: bool) -> bytes:
    """The answer's bytes."""
    headers = {
        "Content-Type": response.content_type,
        "Content-Length": str(len(response.body)),
        **_ALWAYS,
        **response.headers,
    }
    lines = [f"HTTP/1.1 {response.status.value} {response.status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (b"" if head_only else response.body)


class Server:
    """Serves on one address; belongs to the event loop.

    Args:
        respond: answers a GET or HEAD request; the answer to HEAD is sent without its body.
        refused: told of the status of every request that `respond` did not see.
        connections: how many clients are served at a time; others get 503 at once.
    """

    def __init__(
        self,
        respond: Callable[[Request], Awaitable[Response]],
        refused: Callable[[int], None],
        connections: int = 32,
    ) -> None:
        self._respond = respond
        self._refused = refused
        self._connections = connections
        self._open: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket, tls: "SSLContext | None" = None) -> None:
        """Accepts clients on this socket, by TLS when there is a context for it."""
        self._server = await asyncio.start_server(
            self._connected,
            sock=listener,
            limit=HEAD_BYTES,
            backlog=64,
            ssl=tls,
            ssl_handshake_timeout=REQUEST_SECONDS if tls else None,
            ssl_shutdown_timeout=LINGER_SECONDS if tls else None,
        )

    def serving(self) -> bool:
        """Whether new clients are accepted."""
        return self._server is not None and self._server.is_serving()

    async def stop(self, seconds: float) -> None:
        """Accepts nobody any more, and gives those who are being served so many seconds to end."""
        if self._server is not None:
            self._server.close()
        if self._open:
            _, late = await asyncio.wait(self._open, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._handle(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_SECONDS + ANSWER_SECONDS + LINGER_SECONDS):
                await self._serve(reader, writer)
        except (OSError, TimeoutError):
            log.debug("a client went away or was too slow")
        finally:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await self._request(reader)
        except BadRequest as bad:
            self._refused(bad.status.value)
            allow = {"Allow": "GET, HEAD"} if bad.status is HTTPStatus.METHOD_NOT_ALLOWED else {}
            response = Response(bad.status, f"{bad.status.phrase}\n".encode(), headers=allow)
            writer.write(rendered(response, head_only=False))
        else:
            response = await self._respond(request)
            writer.write(rendered(response, head_only=request.method == "HEAD"))
        await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
            await _linger(reader)
        else:  # TLS says goodbye itself
            writer.close()
            await writer.wait_closed()

    async def _request(self, reader: asyncio.StreamReader) -> Request:
        if len(self._open) > self._connections:
            raise BadRequest(HTTPStatus.SERVICE_UNAVAILABLE)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
        except TimeoutError:
            raise BadRequest(HTTPStatus.REQUEST_TIMEOUT) from None
        except asyncio.LimitOverrunError:
            raise BadRequest(await _too_long(reader)) from None
        except asyncio.IncompleteReadError:
            raise BadRequest(HTTPStatus.BAD_REQUEST) from None
        request = parse_request(head.removesuffix(b"\r\n\r\n"))
        if request.method not in ("GET", "HEAD"):
            raise BadRequest(HTTPStatus.METHOD_NOT_ALLOWED)
        return request


async def _too_long(reader: asyncio.StreamReader) -> HTTPStatus:
    """Which part of an endless head is too long."""
    start = await reader.read(REQUEST_LINE_BYTES)
    return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if b"\r\n" in start else HTTPStatus.REQUEST_URI_TOO_LONG


async def _linger(reader: asyncio.StreamReader) -> None:
    """Lets the client read the answer: closing with its bytes unread would reset the connection."""
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            while await reader.read(HEAD_BYTES):
                pass
    except TimeoutError:
        return
