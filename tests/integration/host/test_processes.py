"""Which processes hold a port, on this host."""

import os
import socket
from collections.abc import Iterator

import pytest

from opskit.host.processes import listeners


@pytest.fixture(params=["127.0.0.1", "0.0.0.0", "::1", "::"])
def listening(request: pytest.FixtureRequest) -> Iterator[int]:
    """A port on which this process listens."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind((request.param, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_who_listens_on_a_port_is_known(listening: int) -> None:
    found = listeners(listening)
    assert found is not None
    assert os.getpid() in {one.pid for one in found}


def test_a_port_of_another_address_and_one_that_is_only_used_are_free() -> None:
    with (
        socket.create_server(("127.0.0.2", 0)) as elsewhere,
        socket.create_connection(elsewhere.getsockname()) as client,
    ):
        assert listeners(elsewhere.getsockname()[1]) is None
        assert listeners(client.getsockname()[1]) is None
