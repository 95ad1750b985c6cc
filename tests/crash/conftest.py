"""For each process of the tests: a PostgreSQL and a small disk, and who keeps the writers."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from opskit.host.processes import sees_all
from opskit.host.scratch import scratch_directory
from tests.crash.server import Server, server
from tests.disks import Disk, small_disk

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    if not sees_all():
        pytest.skip("disks are mounted, and who has a file open is seen, by root only")
    with scratch_directory() as directory:
        directory.chmod(0o711)
        yield directory


@pytest.fixture(scope="session")
def crashing(scratch: Path) -> Iterator[Server]:
    with server(scratch / "server") as one:
        yield one


@pytest.fixture(scope="session")
def host(scratch: Path) -> Iterator[Disk]:
    with small_disk(scratch / "host", 96, in_memory=True, mode=0o711) as one:
        yield one


@pytest.fixture(scope="session")
def supervisor(scratch: Path) -> Iterator[str]:
    address = scratch / "supervisor"
    command = [sys.executable, "-m", "tests.crash.supervisor", str(address)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=_ROOT) as process:
        while not address.exists() and process.poll() is None:
            time.sleep(0.01)
        yield str(address)
        with suppress(OSError):
            process.communicate()
