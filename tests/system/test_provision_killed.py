"""SIGKILL at every step of provision, one by one on one host: the end is that of an undisturbed run."""

from pathlib import Path

import pytest

from tests.system.conftest import bring_application
from tests.system.debian import Debian, booted
from tests.system.provisioned import opskit, state, watch

pytestmark = [pytest.mark.system, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def undisturbed(installed: Path) -> dict[str, str]:
    """The state of a host on which provision has run once."""
    with booted(installed, network=False) as host:
        bring_application(host)
        assert opskit(host, "provision", "--yes")["changed"]
        return state(host)


@pytest.fixture(scope="module")
def steps(host: Debian) -> list[str]:
    """The steps at which a run was killed on another host, until one came through."""
    seen: list[str] = []
    while True:
        run = watch(host, "provision", "--yes", "-o", "json", kill_unless_seen=seen)
        if run.killed_at is None:
            assert run.code == 0, run.stderr + run.stdout
            break
        seen.append(run.killed_at)
    return seen


def test_a_host_on_which_every_step_was_killed_is_as_one_that_was_left_alone(
    undisturbed: dict[str, str], host: Debian, steps: list[str]
) -> None:
    assert len(steps) > 15
    found = state(host)
    assert {name for name in found | undisturbed if found.get(name) != undisturbed.get(name)} == set()
    assert not opskit(host, "provision", "--yes")["changed"]
