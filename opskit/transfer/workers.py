"""Worker processes, each with both ends of a database open, that carry out tasks of the data path.

Rendering rows costs this process as much as taking them costs the server: on several cores, several of each
are needed. A worker is a process and not a thread, because much of the work holds Python's lock.
"""

import ctypes
import multiprocessing
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnProcess
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol, TypeVar, cast

import apsw
import psycopg

from opskit.errors import OpskitError, QueryFailed
from opskit.host.scratch import undisturbed
from opskit.schema.sqlite_file import open_read_only
from opskit.transfer.functions import register
from opskit.transfer.source import FramingError
from opskit.transfer.target import Connection, connect

Advance = Callable[[int], None]
"""Called with the number of rows done since the last call."""


class Pipe(Protocol):
    """What is used of multiprocessing's connections, whose stubs leave what they carry unknown."""

    def send(self, obj: object, /) -> None:
        """Sends a value."""
        ...

    def recv(self) -> object:
        """Waits for a value."""
        ...


_DEATH = 1
"""PR_SET_PDEATHSIG of prctl(2): the signal a process gets when its parent dies."""


@dataclass(frozen=True, slots=True)
class Ends:
    """Both ends of a database, open."""

    reader: apsw.Connection
    writer: Connection

    def close(self) -> None:
        """Closes both."""
        self.reader.close()
        self.writer.close()


@dataclass(frozen=True, slots=True)
class Route:
    """Where a worker finds both ends.

    Attributes:
        target: libpq parameters or a connection string; may hold the password.
        settings: session settings of the target.
    """

    source: Path
    target: Mapping[str, str | int] | str
    application_name: str
    settings: Mapping[str, str]

    def open(self) -> Ends:
        """Opens both ends.

        Raises:
            ConnectionFailed: the target cannot be reached.
            Refused: the source cannot be read.
        """
        writer = connect(self.target, self.application_name, self.settings)
        reader = open_read_only(self.source)
        register(reader)
        return Ends(reader, writer)


R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")


class Task(Protocol[R_co]):
    """Work on both ends, as a value that can be sent to another process."""

    def run(self, ends: Ends, advance: Advance, /) -> R_co:
        """Does it; raises what the engines raise."""
        ...


class Hands(Protocol):
    """Whoever carries out tasks."""

    def run(self, task: Task[R], advance: Advance, /) -> R:
        """Carries out a task and returns what it returns, or raises what it raises."""
        ...

    def halt(self) -> None:
        """Makes running tasks fail soon, and takes no more."""
        ...


class OwnHands:
    """Carries out tasks in this process, one after the other."""

    def __init__(self, ends: Ends) -> None:
        self._ends = ends

    def run(self, task: Task[R], advance: Advance) -> R:
        """See `Hands`."""
        return task.run(self._ends, advance)

    def halt(self) -> None:
        """See `Hands`; nothing runs beside the caller."""


class Workers:
    """Some worker processes on one database; each task takes an idle one. Methods may be called from threads.

    Raises:
        QueryFailed: from `run`, when a worker process died or the workers were halted.
    """

    def __init__(self, route: Route, count: int) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would share sockets and file locks
        resource_tracker.ensure_running()  # which lets signals through when it starts
        self._idle: SimpleQueue[tuple[SpawnProcess, Pipe]] = SimpleQueue()
        self._processes: list[SpawnProcess] = []
        for _ in range(count):
            here, there = context.Pipe()
            process = context.Process(target=_work, args=(there, route), daemon=True)
            with undisturbed():  # Ctrl-C goes to the whole group, also while a worker is starting
                process.start()
            there.close()
            self._processes.append(process)
            self._idle.put((process, here))
        self._halted = threading.Event()

    def run(self, task: Task[R], advance: Advance) -> R:
        """Has a task done by the next idle worker, and waits for it."""
        worker = self._idle.get()
        try:
            return self._converse(worker[1], task, advance)
        except (EOFError, OSError) as error:
            what = "was stopped" if self._halted.is_set() else "died"
            raise QueryFailed.of("worker_died", f"a worker process {what}", hint="run again") from error
        finally:
            self._idle.put(worker)

    def _converse(self, pipe: Pipe, task: Task[R], advance: Advance) -> R:
        pipe.send(task)
        while True:
            kind, content = cast("tuple[str, object]", pipe.recv())
            if kind == "advance":
                advance(cast("int", content))
            elif kind == "failed":
                raise cast("BaseException", content)
            else:
                return cast("R", content)

    def halt(self) -> None:
        """Ends the processes, whatever they do; idle ones hold nothing that a kill could lose."""
        self._halted.set()
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.join()


def _work(pipe: Pipe, route: Route) -> None:
    """The life of a worker: until the pipe ends or the parent dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    ctypes.CDLL(None).prctl(_DEATH, signal.SIGKILL)
    ends: Ends | None = None
    while True:
        try:
            task = cast("Task[object]", pipe.recv())
        except EOFError:
            return
        try:
            ends = ends or route.open()
            pipe.send(("done", task.run(ends, lambda rows: pipe.send(("advance", rows)))))
        except (OpskitError, apsw.Error, psycopg.Error, OSError, FramingError) as error:
            pipe.send(("failed", error))
