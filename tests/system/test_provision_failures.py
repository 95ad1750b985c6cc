"""What goes wrong on a host under systemd: locks of others, a server that does not start."""

import pytest

from tests.system.debian import Debian
from tests.system.provisioned import as_application, opskit

pytestmark = [pytest.mark.system, pytest.mark.timeout(1200)]

CONFIGURATION = "etc/opskit/opskit.yaml"
OURS = "etc/postgresql/15/main/conf.d/90-opskit.conf"
HOLD_THE_LOCK = """
import fcntl, time
lock = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
time.sleep(8)
"""


@pytest.fixture(scope="module")
def provisioned(host: Debian) -> Debian:
    """Provisioned while another program held dpkg's lock, as a fresh host's own updates do."""
    host.run(["systemd-run", "--unit=updates", "python3", "-c", HOLD_THE_LOCK])
    assert opskit(host, "provision", "--yes")["changed"]
    assert host.run(["systemctl", "is-active", "updates"], check=False).stdout == "inactive\n"
    return host


def test_a_server_that_does_not_start_gets_its_old_settings_back(provisioned: Debian) -> None:
    configuration, ours = provisioned.root / CONFIGURATION, provisioned.root / OURS
    kept, before = configuration.read_text(), ours.read_bytes()
    configuration.write_text(kept + "\nprovision: {restart: true, parameters: {shared_buffers: 4TB}}\n")
    failed = opskit(provisioned, "provision", "--yes", code=4)
    assert failed["errors"][0]["code"] == "server_not_started"
    assert ours.read_bytes() == before
    assert as_application(provisioned, "crewai_main", "SELECT 1").code == 0
    configuration.write_text(kept)
    assert not opskit(provisioned, "provision", "--yes")["changed"]
