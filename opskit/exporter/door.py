"""How clients get through to the service: the web configuration at work."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from opskit.errors import ConfigurationError
from opskit.exporter.serving import Request, Response
from opskit.exporter.web_config import WebConfig, load_web_config, tls_context

if TYPE_CHECKING:
    from ssl import SSLContext

    from opskit.exporter.passwords import Passwords

Respond = Callable[[Request], Awaitable[Response]]


class Door:
    """Answers those who may ask; everybody where no web configuration is named.

    Args:
        file: the web configuration.
        refused: told of the status of every request that `respond` did not see.

    Raises:
        ConfigurationError: it has faults.
    """

    def __init__(self, file: Path | None, respond: Respond, refused: Callable[[int], None]) -> None:
        self._respond = respond
        self._refused = refused
        web, self.tls = _read(file)
        self._passwords = _passwords(web)

    def configure(self, file: Path | None) -> None:
        """Takes new certificates and users over; those who are connected stay.

        Raises:
            ConfigurationError: it has faults, or TLS comes or goes, which takes a restart.
        """
        web, tls = _read(file)
        if (tls is None) != (self.tls is None):
            raise ConfigurationError.of(
                "tls_restart",
                "whether TLS is spoken cannot change while the exporter runs",
                hint="restart it",
                where="exporter.web_config",
            )
        if self.tls and web.tls_server_config:
            self.tls.load_cert_chain(web.tls_server_config.cert_file, web.tls_server_config.key_file)
        self._passwords = _passwords(web)

    async def respond(self, request: Request) -> Response:
        """The answer to a request, or the demand for a password."""
        authorization = request.headers.get("authorization", "")
        if self._passwords is None or await self._passwords.admit(authorization):
            return await self._respond(request)
        self._refused(HTTPStatus.UNAUTHORIZED.value)
        ask = {"WWW-Authenticate": 'Basic realm="opskit exporter", charset="UTF-8"'}
        return Response(HTTPStatus.UNAUTHORIZED, b"a user and a password are asked for\n", headers=ask)


def _read(file: Path | None) -> "tuple[WebConfig, SSLContext | None]":
    web = load_web_config(file) if file else WebConfig()
    return web, tls_context(web.tls_server_config) if web.tls_server_config else None


def _passwords(web: WebConfig) -> "Passwords | None":
    if not web.basic_auth_users:
        return None
    from opskit.exporter.passwords import Passwords  # its digests bring OpenSSL, which is 3 MB

    return Passwords(web.basic_auth_users)
