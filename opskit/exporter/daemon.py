"""The exporter's process: one event loop that serves, one thread a database that reads."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from functools import partial

from opskit.config import Loaded
from opskit.errors import ExitCode, OpskitError
from opskit.exporter.door import Door
from opskit.exporter.lean import with_short_collections
from opskit.exporter.listening import listening, name_of
from opskit.exporter.service import Service
from opskit.exporter.serving import Server
from opskit.host.notify import Notifier

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
"""How often the exporter looks whether it is alive when systemd does not say how often it wants to hear."""

STOP_SECONDS = 2.0
"""How long requests and readings under way may take at the end."""


def run_exporter(load: Callable[[], Loaded], listen: str | None = None) -> int:
    """Serves until SIGTERM or SIGINT; databases may be down meanwhile, and from the start.

    Args:
        load: reads the configuration, now and at every SIGHUP.
        listen: ADDRESS:PORT, instead of the configured one; or `fd`, the socket that systemd hands over.

    Raises:
        ConfigurationError: the configuration has faults, the address is not one of this host, or no socket
            was handed over.
        OpskitError: the port is in use, or not for us.
    """
    loaded = load()
    with listening(listen or loaded.configuration.exporter.listen) as listener:
        asyncio.run(_serve(loaded, load, listener, Notifier()))
    return ExitCode.DONE


async def _serve(
    loaded: Loaded, load: Callable[[], Loaded], listener: socket.socket, notifier: Notifier
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    service = Service(loaded, notifier.status)
    try:
        door = Door(loaded.configuration.exporter.web_config, service.respond, service.refused)
        loop.add_signal_handler(signal.SIGHUP, partial(_reload, service, door, load))
        server = Server(door.respond, service.refused)
        await server.start(listener, door.tls)
        where = name_of(listener)
        log.info("serving %s://%s/metrics", "https" if door.tls else "http", where)
        notifier.ready(f"serving {where}")
        with_short_collections()
        async with asyncio.TaskGroup() as group:
            group.create_task(service.collect())
            beating = group.create_task(_heartbeat(service, server, notifier))
            await stopped.wait()
            beating.cancel()
        notifier.stopping()
        await server.stop(STOP_SECONDS)
    finally:
        service.stop(STOP_SECONDS)


def _reload(service: Service, door: Door, load: Callable[[], Loaded]) -> None:
    try:
        loaded = load()
        door.configure(loaded.configuration.exporter.web_config)
        service.configure(loaded)
    except OpskitError as error:
        service.refuse_configuration()
        refused = "; ".join(fault.message for fault in error.faults)
    else:
        log.info("the configuration was read again")
        return
    log.error("the configuration is left as it was: %s", refused)


async def _heartbeat(service: Service, server: Server, notifier: Notifier) -> None:
    """Tells systemd that we are alive only while we serve and readings are made."""
    while True:
        if server.serving() and service.alive():
            notifier.alive()
        await asyncio.sleep((notifier.watchdog_seconds or 2 * HEARTBEAT_SECONDS) / 2)
