"""opskit on a booted Debian: by script, as a package, by pipx; upgraded, killed, and gone without a trace."""

import socket

import pytest

from tests.system.debian import Debian, Outcome

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

CONFIGURATION = "/etc/opskit/opskit.yaml"
DROP_IN = "/etc/systemd/system/opskit-exporter.socket.d"
KEPT = ["/etc/opskit", CONFIGURATION, DROP_IN, "/var/backups/opskit", "/var/lib/opskit"]
"""What stays when opskit is removed without purging."""

ELSEWHERE = ("/proc", "/root", "/run", "/srv", "/sys", "/tmp", "/var/cache", "/var/log")
ONLY_FOR_OPSKIT = ("systemd", "sysusers.d", "tmpfiles.d", "bash-completion", "zsh", "fish")
"""Directories below /usr/local that a bare Debian does not have."""

APPLICATION = """\
[Service]
WorkingDirectory=/srv/app
EnvironmentFile=-/srv/app/config/app.env
ExecStart=/bin/true
"""
EXPORTER = "opskit-exporter.service"
KILLED_AFTER = (1, 4, 7, 10)
"""Seconds into an installation: pip fetches, modules are compiled, files are placed."""

BUILD_TOOLS = ("build-essential", "debhelper", "lintian", "man-db", "pipx", "python3-venv", "zstd")
APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "--yes", "-o", "DPkg::Lock::Timeout=300")


@pytest.fixture
def by_script(debian: Debian, clone: str) -> Debian:
    """A host on which scripts/install has run."""
    debian.run([*APT, "purge", "opskit"], check=False)
    debian.run(["./scripts/install"], cwd=clone)
    return debian


@pytest.fixture(scope="module")
def package(debian: Debian, clone: str) -> str:
    """The package of the version as it stands."""
    debian.run([*APT, "update"])
    debian.run([*APT, "install", "--no-install-recommends", *BUILD_TOOLS])
    return build(debian, clone, "/srv/build")


@pytest.fixture
def by_apt(debian: Debian, clone: str, package: str) -> Debian:
    """A host on which the package is installed."""
    debian.run(["./scripts/uninstall", "--purge"], cwd=clone, check=False)
    install(debian, package)
    return debian


def test_the_script_makes_a_bare_host_ready_and_starts_nothing(by_script: Debian) -> None:
    assert_ready(by_script)
    assert enabled(by_script) == {"disabled", "static"}


def test_the_script_mends_what_is_missing_and_leaves_what_was_edited(by_script: Debian, clone: str) -> None:
    before = environments(by_script)
    edit_configuration(by_script)
    by_script.run(["rm", f"/usr/local/lib/systemd/system/{EXPORTER}", "/usr/bin/opskit"])
    by_script.run(["./scripts/install"], cwd=clone)
    assert environments(by_script) == before
    assert "# edited" in (by_script.root / CONFIGURATION.removeprefix("/")).read_text()
    assert_ready(by_script)


def test_a_first_configuration_is_made_from_what_the_applications_unit_says(by_script: Debian) -> None:
    by_script.write("/etc/systemd/system/app.service", APPLICATION)
    by_script.write(
        "/srv/app/config/app.env", "SQLITE_DATABASE_PATH=/srv/app/data/main.db\nPOSTGRES_DB=shop\n"
    )
    by_script.run(["systemctl", "daemon-reload"])
    planned = by_script.run(
        ["opskit", "init", "--plan", "--config", "/srv/app/opskit.yaml", "--app-unit", "app.service"],
        check=False,
    )
    assert planned.code == 3
    for line in ("env_file: /srv/app/config/app.env", "unit: app.service", "postgresql: shop"):
        assert line in planned.stdout
    unknown = by_script.run(["opskit", "init", "--app-unit", "other.service"], check=False)
    assert unknown.code == 2
    assert "other.service" in unknown.stderr


def test_another_version_takes_over_what_runs_and_the_older_one_goes(by_script: Debian, clone: str) -> None:
    (older,) = environments(by_script)
    start_exporter(by_script)
    assert executable(by_script).startswith(older)
    newer_clone = copy_with_version(by_script, clone, "/srv/newer", "0.2.0")
    by_script.run(["./scripts/install"], cwd=newer_clone)
    (newer,) = environments(by_script)
    assert "0.2.0" in newer
    assert executable(by_script).startswith(newer)
    assert by_script.run(["opskit", "--version"]).stdout.strip().endswith("0.2.0")


def test_killed_at_any_moment_the_next_run_completes_it(debian: Debian, clone: str) -> None:
    for seconds in KILLED_AFTER:
        debian.run(["timeout", "--signal=KILL", str(seconds), "./scripts/install"], cwd=clone, check=False)
        if debian.run(["test", "-L", "/usr/bin/opskit"], check=False).code == 0:
            debian.run(["opskit", "--version"])  # what is linked is whole
    debian.run(["./scripts/install"], cwd=clone)
    assert len(environments(debian)) == 1
    assert_ready(debian)


def test_the_package_refuses_a_host_that_the_script_has_made(
    by_script: Debian, clone: str, package: str
) -> None:
    refused = install(by_script, package, check=False)
    assert refused.code != 0
    assert "scripts/uninstall" in refused.stdout + refused.stderr
    assert_ready(by_script)


def test_the_script_removes_all_but_configuration_and_state_and_purges_all_but_backups(
    by_script: Debian, clone: str
) -> None:
    start_exporter(by_script)
    by_script.run(["./scripts/uninstall"], cwd=clone)
    assert traces(by_script) == KEPT
    precious = "/var/backups/opskit/precious"
    by_script.run(["install", "--owner=opskit", "/etc/hostname", precious])
    by_script.run(["./scripts/uninstall", "--purge"], cwd=clone)
    assert traces(by_script) == ["/var/backups/opskit"]
    by_script.run(["id", "opskit"])  # whose the backups are
    by_script.run(["rm", precious])
    by_script.run(["./scripts/uninstall", "--purge"], cwd=clone)
    assert_clean(by_script)


def test_lintian_finds_nothing_to_say_about_the_package(debian: Debian, package: str) -> None:
    lintian = ["lintian", "--allow-root", "--fail-on=none", package.replace(".deb", ".changes")]
    assert debian.run(lintian).stdout == ""


def test_the_package_makes_a_host_ready_and_starts_nothing(by_apt: Debian) -> None:
    assert_ready(by_apt)
    assert enabled(by_apt) == {"disabled", "static"}
    assert by_apt.run(["grep", "-rlF", "/srv/build", "/usr/lib/opskit"], check=False).stdout == ""


def test_a_higher_version_of_the_package_restarts_what_runs_and_keeps_the_edited_configuration(
    by_apt: Debian, package: str
) -> None:
    start_exporter(by_apt)
    before = main_pid(by_apt)
    edit_configuration(by_apt)
    install(by_apt, higher(by_apt, package))
    assert by_apt.run(["dpkg-query", "--show", "opskit"]).stdout == "opskit\t0.2.0\n"
    assert "# edited" in (by_apt.root / CONFIGURATION.removeprefix("/")).read_text()
    assert main_pid(by_apt) not in (before, "0")
    assert (
        by_apt.run(["systemctl", "is-active", "opskit-standby.service"], check=False).stdout == "inactive\n"
    )


def test_the_script_refuses_a_host_that_has_the_package(by_apt: Debian, clone: str) -> None:
    for script in ("./scripts/install", "./scripts/uninstall"):
        refused = by_apt.run([script], cwd=clone, check=False)
        assert refused.code == 2
        assert "Debian package" in refused.stderr
    assert_ready(by_apt)


def test_the_package_is_removed_and_purged_without_a_trace(by_apt: Debian) -> None:
    start_exporter(by_apt)
    by_apt.run([*APT, "remove", "opskit"])
    assert main_pid(by_apt) == "0"
    assert set(KEPT) <= set(traces(by_apt))
    by_apt.run([*APT, "purge", "opskit"])
    assert_clean(by_apt)


def test_only_root_may(debian: Debian, clone: str) -> None:
    debian.run(["cp", "-R", clone, "/srv/readable"])
    for script in ("install", "uninstall"):
        refused = debian.run([f"/srv/readable/scripts/{script}"], user="nobody", check=False)
        assert refused.code == 2
        assert "only root" in refused.stderr


def test_pipx_installs_it_for_one_user(debian: Debian, clone: str, package: str) -> None:
    debian.run(["pipx", "install", clone])
    assert debian.run(["/root/.local/bin/opskit", "--version"]).stdout.startswith("opskit, version")
    debian.run(["pipx", "uninstall", "opskit"])


def assert_ready(debian: Debian) -> None:
    """The command, a valid configuration, directories with their users, idle units, manual and completion."""
    assert debian.run(["opskit", "--version"], user="nobody").stdout.startswith("opskit, version")
    assert "databases main, walmart" in debian.run(["opskit", "config", "check"], user="nobody").stdout
    directories = ["/etc/opskit", "/var/lib/opskit", "/var/backups/opskit"]
    assert debian.run(["stat", "--format=%U:%G %a", *directories]).stdout.splitlines() == [
        "root:root 755",
        "opskit:opskit 750",
        "opskit:opskit 750",
    ]
    debian.run(["id", "opskit-exporter"])
    for name in (
        "man1/opskit.1*",
        "man1/opskit-migrate.1*",
        "bash-completion/completions/opskit",
        "opskit/prometheus/opskit.rules.yml",
    ):
        assert debian.run(["find", "/usr/share", "/usr/local/share", "-path", f"*/{name}"]).stdout, name
    asked = ["env", "COMP_WORDS=opskit mig", "COMP_CWORD=1", "_OPSKIT_COMPLETE=bash_complete", "opskit"]
    assert debian.run(asked).stdout == "plain,migrate\n"


def assert_clean(debian: Debian) -> None:
    assert traces(debian) == []
    assert debian.run(["getent", "passwd", "opskit", "opskit-exporter"], check=False).stdout == ""
    assert debian.run(["systemctl", "list-unit-files", "--no-legend", "opskit*"], check=False).stdout == ""
    assert debian.run(["systemctl", "is-failed", "opskit-*"], check=False).stdout != "failed\n"


def traces(debian: Debian) -> list[str]:
    """All paths whose names speak of opskit, their topmost only; and directories that only it would need."""
    pruned = [word for path in ELSEWHERE for word in ("-path", path, "-prune", "-o")]
    named = debian.run(["find", "/", *pruned, "-iname", "*opskit*", "-print"]).stdout.splitlines()
    lone = [word for name in ONLY_FOR_OPSKIT for word in ("-o", "-name", name)][1:]
    return sorted([*named, *debian.run(["find", "/usr/local", *lone]).stdout.splitlines()])


def enabled(debian: Debian) -> set[str]:
    """Which states opskit's units are in."""
    units = debian.run(["systemctl", "list-unit-files", "--plain", "--no-legend", "opskit*"]).stdout
    return {line.split()[1] for line in units.splitlines()}


def environments(debian: Debian) -> dict[str, str]:
    """The environments that scripts/install has made, with inodes that tell one made anew."""
    found = debian.run(["find", "/opt/opskit", "-mindepth", "1", "-maxdepth", "1", "-printf", "%p=%i\n"])
    return {path: inode for path, _, inode in (line.partition("=") for line in found.stdout.splitlines())}


def start_exporter(debian: Debian) -> None:
    """At a free port: the container has the host's network, where others may serve."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    debian.write(f"{DROP_IN}/port.conf", f"[Socket]\nListenStream=\nListenStream=127.0.0.1:{port}\n")
    debian.run(["systemctl", "daemon-reload"])
    debian.run(["systemctl", "enable", "--now", EXPORTER])


def edit_configuration(debian: Debian) -> None:
    debian.run(["sh", "-c", f"echo '# edited' >>{CONFIGURATION}"])


def main_pid(debian: Debian) -> str:
    return debian.run(["systemctl", "show", "--property=MainPID", "--value", EXPORTER]).stdout.strip()


def executable(debian: Debian) -> str:
    """The Python that the exporter runs in, as it was called."""
    return debian.run(["cat", f"/proc/{main_pid(debian)}/cmdline"]).stdout.split("\0")[0]


def copy_with_version(debian: Debian, clone: str, target: str, version: str) -> str:
    """A copy of the clone that calls itself another version."""
    debian.run(["rm", "-rf", target])
    debian.run(["cp", "-R", clone, target])
    for file in ("pyproject.toml", "opskit/__init__.py", "debian/changelog"):
        debian.run(["sed", "-i", f"0,/0[.]1[.]0/s//{version}/", file], cwd=target)
    return target


def build(debian: Debian, source: str, directory: str) -> str:
    """The path of the package that Debian's tools make of a source tree."""
    debian.run(["mkdir", directory])
    debian.run(["cp", "-R", source, f"{directory}/opskit"])
    debian.run(["dpkg-buildpackage", "--unsigned-source", "--unsigned-changes"], cwd=f"{directory}/opskit")
    return debian.run(["sh", "-c", f"ls {directory}/opskit_*.deb"]).stdout.strip()


def higher(debian: Debian, package: str) -> str:
    """The package in a higher version, which ships another configuration."""
    debian.run(["dpkg-deb", "--raw-extract", package, "/srv/higher"])
    debian.run(["sed", "-i", "s/^Version: .*/Version: 0.2.0/", "/srv/higher/DEBIAN/control"])
    debian.run(["sed", "-i", "1i # new", "/srv/higher/usr/share/opskit/opskit.yaml"])
    debian.run(["dpkg-deb", "-Zgzip", "--build", "/srv/higher", "/srv/higher.deb"])
    return "/srv/higher.deb"


def install(debian: Debian, package: str, *, check: bool = True) -> Outcome:
    return debian.run(
        [*APT, "install", "--no-install-recommends", "--allow-downgrades", package], check=check
    )
