"""Where the exporter listens: on an address of its own, or on the socket that systemd listens on for it."""

import errno
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from opskit.errors import ConfigurationError, OpskitError

INHERITED = "fd"
"""In place of an address: the socket that the service manager hands over."""

_FIRST_DESCRIPTOR = 3
"""sd_listen_fds(3): the handed-over sockets begin after standard error."""

_LISTEN = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^:\[\]/\s]+)):(?P<port>\d{1,5})")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 is any that is free."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen(text: str) -> Address:
    """ADDRESS:PORT, IPv6 addresses in brackets.

    Raises:
        ConfigurationError: it is not that.
    """
    match = _LISTEN.fullmatch(text)
    if match is None or int(match["port"]) > 65535:
        raise _bad_address(text)
    return Address(match["ipv6"] or match["host"], int(match["port"]))


def listening(listen: str, environ: Mapping[str, str] = os.environ) -> socket.socket:
    """A socket that listens, on ADDRESS:PORT or, for `fd`, the one that systemd hands over.

    Raises:
        ConfigurationError: the address is not one of this host, or no socket was handed over.
        OpskitError: the port is in use, or not for us.
    """
    if listen == INHERITED:
        return _inherited(environ)
    address = parse_listen(listen)
    try:
        return _bound(address)
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise _bad_address(listen) from error
        raise _refused(address, error) from error


def name_of(listener: socket.socket) -> str:
    """ADDRESS:PORT that the socket listens on, or its path."""
    name = cast("tuple[str, int] | str", listener.getsockname())
    return name if isinstance(name, str) else str(Address(*name[:2]))


def _bound(address: Address) -> socket.socket:
    (family, kind, protocol, _, where), *_ = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM
    )
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
    except OSError:
        listener.close()
        raise
    return listener


def _inherited(environ: Mapping[str, str]) -> socket.socket:
    meant = environ.get("LISTEN_PID") == str(os.getpid())
    if not meant or environ.get("LISTEN_FDS") != "1":
        raise ConfigurationError.of(
            "listen_descriptor",
            "--listen fd: systemd has handed over no socket, or more than one",
            hint="start opskit-exporter.socket with the service, or name ADDRESS:PORT",
            where="--listen",
        )
    listener = socket.socket(fileno=_FIRST_DESCRIPTOR)
    listener.set_inheritable(False)
    return listener


def _refused(address: Address, error: OSError) -> OpskitError:
    in_use = error.errno == errno.EADDRINUSE
    return OpskitError.of(
        "listen",
        f"cannot listen on {address}: {'the port is in use' if in_use else error.strerror}",
        hint=f"choose another with --listen, or see who has it: ss -ltnp 'sport = :{address.port}'"
        if in_use
        else "choose another with --listen",
        where=str(address),
    )


def _bad_address(text: str) -> ConfigurationError:
    return ConfigurationError.of(
        "listen_address",
        f"cannot listen on {text!r}: not an address of this host",
        hint="write ADDRESS:PORT, for example 127.0.0.1:9188 or [::1]:9188",
        where="exporter.listen",
    )
