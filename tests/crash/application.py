"""The application: writers that are started and stopped together, and started again when they die.

    python -m tests.crash.application SOCKET    # serves until standard input ends; see `Supervisor`
    python tests/crash/application.py SOCKET start|stop|kill NAME [SPEC…]

It has loaded everything before it forks: a writer runs within milliseconds.
"""

import os
import select
import signal
import socket
import sys
from pathlib import Path


class Supervisor:
    """Keeps groups of writers.

    `start NAME SPEC…` runs a writer for each file; without any, for those it was started with before.
    `stop NAME` ends them for good, `kill NAME` until they are started again a moment later.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._specs: dict[str, list[str]] = {}
        self._running: dict[str, dict[str, int]] = {}

    def serve(self) -> None:
        """Answers until standard input ends: with whoever began it, it ends too."""
        while sys.stdin not in (ready := select.select([self._listener, sys.stdin], [], [], 0.05)[0]):
            self._renew()
            if ready:
                with self._listener.accept()[0] as caller:
                    what, name, *specs = caller.recv(65536).decode().split("\n")
                    self._do(what, name, specs)
                    caller.sendall(b"done")
        for running in self._running.values():
            _end(running)

    def _do(self, what: str, name: str, specs: list[str]) -> None:
        match what:
            case "start":
                self._specs[name] = specs or self._specs[name]
                running = self._running.setdefault(name, {})
                running |= {spec: self._fork(spec) for spec in self._specs[name] if spec not in running}
            case "stop":
                _end(self._running.pop(name, {}))
            case _:
                running = self._running.get(name, {})
                _end(running)
                running |= dict.fromkeys(running, 0)

    def _renew(self) -> None:
        """A writer that has died is started again, as systemd would."""
        for running in self._running.values():
            for spec, pid in running.items():
                if not pid or os.waitpid(pid, os.WNOHANG)[0]:
                    running[spec] = self._fork(spec)

    def _fork(self, spec: str) -> int:
        from tests.crash.writer import Spec, write

        pid = os.fork()
        if pid == 0:
            self._listener.close()
            write(Spec.read(Path(spec)))
            os._exit(0)
        return pid


def _end(running: dict[str, int]) -> None:
    """Kills writers; they are gone when this returns, and with them what they had open."""
    pids = [pid for pid in running.values() if pid]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        os.waitpid(pid, 0)


def order(address: str, *words: str) -> None:
    """Tells a supervisor what to do, and waits until it is done."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(address)
        caller.sendall("\n".join(words).encode())
        if caller.recv(4) != b"done":
            sys.exit("the supervisor is gone")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        order(*sys.argv[1:])
    else:
        from tests.crash import writer  # noqa: F401  loaded once, before any fork

        with socket.socket(socket.AF_UNIX) as own:
            own.bind(sys.argv[1])
            own.listen()
            Supervisor(own).serve()
