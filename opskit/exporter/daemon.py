"""The exporter's process: one event loop that serves, one thread a database that reads."""

import asyncio
import errno
import logging
import re
import signal
import socket
from dataclasses import dataclass

from prometheus_client import disable_created_metrics

from opskit.config import Configuration
from opskit.errors import ConfigurationError, ExitCode, OpskitError
from opskit.exporter.service import Service
from opskit.exporter.serving import Server
from opskit.host.notify import Notifier

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
"""How often the exporter looks whether it is alive when systemd does not say how often it wants to hear."""

STOP_SECONDS = 2.0
"""How long requests and readings under way may take at the end."""

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


def run_exporter(configuration: Configuration, listen: str | None = None) -> int:
    """Serves until SIGTERM or SIGINT; databases may be down meanwhile, and from the start.

    Args:
        listen: ADDRESS:PORT, instead of the configured one.

    Raises:
        ConfigurationError: the address is not one of this host.
        OpskitError: the port is in use, or not for us.
    """
    address = parse_listen(listen or configuration.exporter.listen)
    disable_created_metrics()  # one more series for every counter, of no use to Prometheus
    asyncio.run(_serve(configuration, address, Notifier()))
    return ExitCode.DONE


async def _serve(configuration: Configuration, address: Address, notifier: Notifier) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    service = Service(configuration, notifier.status)
    server = Server(service.respond, service.refused)
    try:
        got = await _listening(server, address)
        log.info("serving http://%s/metrics", got)
        notifier.ready(f"serving {got}")
        async with asyncio.TaskGroup() as group:
            group.create_task(service.collect())
            beating = group.create_task(_heartbeat(service, server, notifier))
            await stopped.wait()
            beating.cancel()
        notifier.stopping()
        await server.stop(STOP_SECONDS)
    finally:
        service.stop(STOP_SECONDS)


async def _listening(server: Server, address: Address) -> Address:
    try:
        return Address(*await server.start(address.host, address.port))
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise _bad_address(str(address)) from error
        in_use = error.errno == errno.EADDRINUSE
        raise OpskitError.of(
            "listen",
            f"cannot listen on {address}: {'the port is in use' if in_use else error.strerror}",
            hint=f"choose another with --listen, or see who has it: ss -ltnp 'sport = :{address.port}'"
            if in_use
            else "choose another with --listen",
            where=str(address),
        ) from error


async def _heartbeat(service: Service, server: Server, notifier: Notifier) -> None:
    """Tells systemd that we are alive only while we serve and readings are made."""
    while True:
        if server.serving() and service.alive():
            notifier.alive()
        await asyncio.sleep((notifier.watchdog_seconds or 2 * HEARTBEAT_SECONDS) / 2)


def _bad_address(text: str) -> ConfigurationError:
    return ConfigurationError.of(
        "listen_address",
        f"cannot listen on {text!r}: not an address of this host",
        hint="write ADDRESS:PORT, for example 127.0.0.1:9188 or [::1]:9188",
        where="exporter.listen",
    )
