"""The README's two commands on a freshly booted Debian 12, as a newcomer meets them."""

import pytest

from tests.system.debian import Debian

pytestmark = [pytest.mark.system, pytest.mark.timeout(3600)]

SETUP_SECONDS = 5.0
"""What the set-up may take when everything is there."""

CACHES_AND_PACKAGES = (
    "/root/.cache",  # pip's downloads
    "/usr/lib",
    "/usr/local/lib/python3.11",
    "/usr/share",
    "/var/backups",  # dpkg's daily timer
    "/var/cache",
    "/var/log",
    "/var/lib/apt",
    "/var/lib/dpkg",
    "/var/lib/pam",
    "/var/lib/postgresql",  # Debian's own 15/main
    "/var/lib/python",
    "/var/lib/systemd",
    "/var/lib/ucf",
    "/etc/alternatives",
    "/etc/apt/apt.conf.d",
    "/etc/default/locale",
    "/etc/hosts",
    "/etc/inputrc",
    "/etc/locale.gen",
    "/etc/networks",
    "/etc/postgresql",
    "/etc/postgresql-common",
    "/etc/python3",
    *(f"/etc/rc{level}.d" for level in range(7)),
    "/etc/ssl",
    "/etc/systemd/system/multi-user.target.wants",
)
"""Where caches are, and where the scripts of installed packages make files that dpkg does not list."""


@pytest.fixture(scope="module")
def before(debian: Debian, clone: str) -> set[str]:
    return debian.files((*CACHES_AND_PACKAGES, clone))


HERE = (
    "tests/unit",
    *(f"tests/integration/{room}" for room in ("backup", "cli", "demo", "exporter", "host")),
)
"""The tests that rest on what a host has installed. All others need PostgreSQL alone: the same command runs
them outside, and here they would take a quarter of an hour more."""


@pytest.fixture(scope="module", params=["demo", "test"])
def command(request: pytest.FixtureRequest) -> list[str]:
    return {"demo": ["./scripts/demo", "--exit"], "test": ["./scripts/test", "--numprocesses", "4", *HERE]}[
        request.param
    ]


def test_without_root_and_without_sudo_the_message_says_what_is_missing(
    debian: Debian, before: set[str]
) -> None:
    debian.run(["git", "clone", "--quiet", "/srv/opskit.git", "/srv/clone"])
    debian.run(["chown", "--recursive", "nobody:", "/srv/clone"])
    outcome = debian.run(["./scripts/demo"], user="nobody", cwd="/srv/clone", check=False)
    debian.run(["rm", "--recursive", "/srv/clone"])
    assert outcome.code == 2
    assert "missing: python3-venv postgresql-15" in outcome.stderr
    assert outcome.stdout == ""


def test_the_first_time_it_prepares_the_host_and_succeeds(
    debian: Debian, clone: str, before: set[str], command: list[str]
) -> None:
    debian.run(command, cwd=clone)


def test_the_second_time_it_succeeds_and_the_set_up_is_no_wait(
    debian: Debian, clone: str, command: list[str]
) -> None:
    kind, again = {
        "./scripts/demo": ("demo", command),
        "./scripts/test": ("dev", ["./scripts/test", "tests/unit"]),  # all once more would show nothing new
    }[command[0]]
    assert debian.run(["./scripts/setup", kind], cwd=clone).seconds < SETUP_SECONDS
    debian.run(again, cwd=clone)


def test_nothing_is_left_running_or_on_disk(
    debian: Debian, clone: str, before: set[str], command: list[str]
) -> None:
    assert foreign_processes(debian) == []
    left = debian.files((*CACHES_AND_PACKAGES, clone)) - before - packaged(debian)
    assert sorted(left) == []


def test_debians_own_cluster_is_as_its_package_made_it(debian: Debian, command: list[str]) -> None:
    listed = debian.run(["psql", "-AtXc", "SELECT datname FROM pg_database"], user="postgres")
    assert set(listed.stdout.split()) == {"postgres", "template0", "template1"}


@pytest.mark.parametrize(("number", "after"), [("INT", 2), ("TERM", 3), ("HUP", 4), ("INT", 12)])
def test_an_interrupted_demo_leaves_nothing_behind(
    debian: Debian, clone: str, number: str, after: int
) -> None:
    debian.run(["./scripts/setup", "demo"], cwd=clone)
    debian.run(["timeout", f"--signal={number}", str(after), "./scripts/demo"], cwd=clone, check=False)
    assert foreign_processes(debian) == []
    assert debian.run(["find", "/tmp", "/var/lib", "-name", "*opskit*"]).stdout == ""


def foreign_processes(debian: Debian) -> list[str]:
    """Processes of opskit, and PostgreSQL servers other than Debian's."""
    return [
        line
        for line in debian.run(["ps", "-eo", "args"]).stdout.splitlines()
        if "opskit" in line or ("/bin/postgres " in line and "/var/lib/postgresql/15/main" not in line)
    ]


def packaged(debian: Debian) -> set[str]:
    """What dpkg knows to belong to packages, spelled as on a host with a merged /usr."""
    listed = debian.run(["sh", "-c", "cat /var/lib/dpkg/info/*.list"]).stdout.splitlines()
    return {f"/usr{path}" if path.startswith(("/bin/", "/sbin/", "/lib")) else path for path in listed}
