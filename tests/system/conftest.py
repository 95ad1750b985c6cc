"""A booted Debian for every module, and the project as a newcomer gets it: by git clone."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from opskit.host.commands import run
from tests.system import debian as container
from tests.system.debian import Debian

CHECKOUT = Path(__file__).parents[2]
CLONE = "/root/opskit"


@pytest.fixture(scope="module")
def debian() -> Iterator[Debian]:
    """A freshly booted Debian 12 that has nothing but git, with the project's repository in /srv."""
    if reason := container.missing():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with container.booted() as debian:
        run(["git", "clone", "--quiet", "--bare", CHECKOUT, debian.root / "srv/opskit.git"])
        yield debian


@pytest.fixture(scope="module")
def clone(debian: Debian) -> str:
    """The clone's path in the container."""
    debian.run(["git", "clone", "--quiet", "/srv/opskit.git", CLONE])
    return CLONE
