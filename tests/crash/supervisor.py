"""Runs the writers and opskit, each as a process of its own, forked where everything is loaded already.

python -m tests.crash.supervisor SOCKET    # serves until standard input ends; see `Supervisor`
python tests/crash/supervisor.py SOCKET start|stop|kill GROUP [SPEC…]
"""

import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

_BYTES = 65536
_OUTPUTS = (1, 2)


class Supervisor:
    """Does what callers ask for, one call after the other.

    `start GROUP SPEC…` runs a writer for each file; without any, for those it was started with before.
    `stop GROUP` ends them for good, `kill GROUP` for a moment: systemd would start them again.
    `opskit ENTRY STATE_DIR ARGUMENT…` runs opskit; see `run_opskit`.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._specs: dict[str, list[str]] = {}
        self._running: dict[str, dict[str, int]] = {}
        self._calls: dict[int, tuple[int, socket.socket]] = {}

    def serve(self) -> None:
        """Answers until standard input ends: with whoever began it, it ends too."""
        waiting = (self._listener, sys.stdin)
        while sys.stdin not in (ready := select.select([*waiting, *self._calls], [], [], 0.05)[0]):
            self._renew()
            if self._listener in ready:
                self._answer(self._listener.accept()[0])
            for pidfd in self._calls.keys() & set(ready):
                self._ended(pidfd)
        for running in self._running.values():
            _end(running)

    def _answer(self, caller: socket.socket) -> None:
        said, files, _, _ = socket.recv_fds(caller, _BYTES, 4)
        what, *words = json.loads(said)
        if what == "opskit":
            pid = self._fork(lambda: run_opskit(words, files))
            self._calls[os.pidfd_open(pid)] = pid, caller
            caller.sendall(f"{pid}\n".encode())
        else:
            self._order(what, *words)
            caller.sendall(b"done")
            caller.close()
        for descriptor in files:
            os.close(descriptor)

    def _ended(self, pidfd: int) -> None:
        pid, caller = self._calls.pop(pidfd)
        os.close(pidfd)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with suppress(OSError), caller:  # the caller may have given up
            caller.sendall(f"{code}\n".encode())

    def _order(self, what: str, group: str, *specs: str) -> None:
        running = self._running.setdefault(group, {})
        match what:
            case "start":
                self._specs[group] = list(specs) or self._specs[group]
                running |= {one: self._write(one) for one in self._specs[group] if one not in running}
            case "stop":
                _end(running)
                running.clear()
            case _:
                _end(running)
                running |= dict.fromkeys(running, 0)

    def _renew(self) -> None:
        for running in self._running.values():
            for spec, pid in running.items():
                if not pid or os.waitpid(pid, os.WNOHANG)[0]:
                    running[spec] = self._write(spec)

    def _write(self, spec: str) -> int:
        from tests.crash.writer import Spec, write

        one = Spec.read(Path(spec))
        if one.command:
            return self._fork(lambda: os.execvp(one.command[0], one.command))
        return self._fork(lambda: write(one))

    def _fork(self, work: Callable[[], None]) -> int:
        """A process that has nothing of this one's open."""
        pid = os.fork()
        if pid:
            return pid
        self._listener.close()
        for pidfd, (_, caller) in self._calls.items():
            os.close(pidfd)
            caller.close()
        work()
        os._exit(0)


def run_opskit(words: Sequence[str], files: Sequence[int]) -> None:
    """opskit with its outputs in two files, held behind an entry of its journals; 0: never.

    There it writes a byte to the third file, and goes on when it has read one from the fourth.
    """
    from opskit.cli.main import run
    from opskit.runs.journal import Journal

    *outputs, told, go = files
    for number, file in zip(_OUTPUTS, outputs, strict=True):
        os.dup2(file, number)
    entry, state_dir, *arguments = words
    note, left = Journal.note, int(entry)

    def noted(journal: Journal, event: str, **details: object) -> None:
        nonlocal left
        note(journal, event, **details)  # type: ignore[arg-type]
        left -= event != "started"
        if left == 0 and event != "started":
            os.write(told, b".")
            os.read(go, 1)

    Journal.note = noted  # type: ignore[method-assign]
    os.environ["OPSKIT_STATE_DIR"] = state_dir
    code = run(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


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
        caller.sendall(json.dumps(words).encode())
        if caller.recv(4) != b"done":
            sys.exit("the supervisor is gone")


class Forked:
    """opskit as a process of its own.

    Args:
        entry: behind which entry of its journals it is held, until `go`.
        output: a file for stdout; stderr goes beside it, into `.err`.
    """

    def __init__(self, address: str, entry: int, state_dir: Path, arguments: Sequence[str], output: Path):
        self._output = output
        self._caller = socket.socket(socket.AF_UNIX)
        self._caller.connect(address)
        self._told, tell = os.pipe()
        wait, self._go = os.pipe()
        words = json.dumps(["opskit", str(entry), str(state_dir), *arguments]).encode()
        with output.open("wb") as out, output.with_suffix(".err").open("wb") as err:
            socket.send_fds(self._caller, [words], [out.fileno(), err.fileno(), tell, wait])
        self._answers = self._caller.makefile()
        self.pid = int(self._answers.readline())
        os.close(tell)
        os.close(wait)

    def is_held(self) -> bool:
        """Waits until it is held; false when it ends before."""
        return bool(os.read(self._told, 1))

    def go(self) -> None:
        """Lets it go on."""
        os.write(self._go, b".")

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal, unless it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self, seconds: float) -> tuple[int, str, str]:
        """Its exit code, stdout and stderr.

        Raises:
            TimeoutError: it goes on; it is killed.
        """
        self._caller.settimeout(seconds)
        try:
            code = int(self._answers.readline())
        except TimeoutError:
            self.signal(signal.SIGKILL)
            raise
        finally:
            self._answers.close()
            self._caller.close()
            os.close(self._told)
            os.close(self._go)
        return code, self._output.read_text(), self._output.with_suffix(".err").read_text()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        order(*sys.argv[1:])
    else:
        from opskit.cli import cutover, migrate, rollback, standby, status  # loaded once, before any fork
        from opskit.standby import close, session
        from opskit.transfer import awake
        from tests.crash import writer

        awake.PATIENCE = session.SILENCE = close.SILENCE = (
            2.0  # so many runs cannot wait as long as operators
        )
        loaded = (cutover, migrate, rollback, standby, status, writer)
        with socket.socket(socket.AF_UNIX) as own:
            own.bind(sys.argv[1])
            own.listen()
            Supervisor(own).serve()
