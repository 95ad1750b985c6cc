"""A freshly booted Debian 12 in a container: made once by debootstrap, copied for every use."""

import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from opskit.host.commands import Child, run
from opskit.host.scratch import scratch_directory
from tests.system.control_groups import entering, make_groups, remove_groups

SUITE = "bookworm"
PACKAGES = "systemd,systemd-sysv,dbus,ca-certificates,sudo,iproute2,procps,git"
"""What stands for "a bare Debian 12 with only git and root, or sudo, given"; the rest is what boots it."""

PROGRAMS = ("debootstrap", "systemd-nspawn", "nsenter", "setpriv")
BOOT_SECONDS = 120
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

NETWORK_VARIABLES = ("PIP_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
NETWORK_FILES = ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt", "/usr/local/share/ca-certificates")
"""How this host reaches the package registries, which the container does in the same way."""


def missing() -> str:
    """Why no container can be booted here; empty when one can."""
    if os.geteuid() != 0:
        return "booting a container needs root"
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"not installed: {', '.join(absent)} (Debian: debootstrap systemd-container)" if absent else ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command in the container returned and wrote."""

    code: int
    stdout: str
    stderr: str
    seconds: float

    def __str__(self) -> str:
        return f"returned {self.code}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


class Debian:
    """A container that may be booted and halted any number of times.

    Attributes:
        root: its file system, seen from the host.
        leader: the host's process id of its init.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.leader = 0
        self._console = root.with_name("console")
        self._nspawn: Child | None = None
        self._groups: list[Path] = []

    def boot(self, *, network: bool = True) -> None:
        """Boot it and wait until everything is up.

        Args:
            network: the host's own, with its registries and its ports; without it, nothing but a loopback of
                its own, where any port is free whatever runs beside it.
        """
        self._groups = make_groups(f"opskit-{os.getpid()}-{time.monotonic_ns()}")
        command = entering(self._groups, _boot_command(self.root, network=network))
        self._nspawn = Child(command, log=self._console, env=_boot_environment())
        self.leader = _wait_for_leader(self._nspawn, self._console)
        _wait_until_up(self)

    def halt(self) -> None:
        """Shut it down in order."""
        self.run(["systemctl", "poweroff"], check=False)
        if self._nspawn is not None:
            self._nspawn.wait(60)
        self.kill()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._nspawn is None:
            return
        if self.leader and self._nspawn.code() is None:
            with suppress(ProcessLookupError):  # a boot that failed has ended by itself
                os.kill(self.leader, signal.SIGKILL)  # which outlives nspawn, when that is killed
            self._nspawn.wait(60)
        self._nspawn.kill()
        remove_groups(self._groups)
        self._nspawn = None
        self.leader = 0

    def run(
        self,
        command: Sequence[str],
        *,
        user: str = "root",
        cwd: str = "/",
        check: bool = True,
        timeout: float = 1800,
    ) -> Outcome:
        """Run a command as a login of that user would; it must return 0 unless told otherwise."""
        home = "/root" if user == "root" else f"/home/{user}"
        words = [
            "env",
            "-i",
            f"HOME={home}",
            f"USER={user}",
            f"PATH={PATH}",
            "LANG=C.UTF-8",
            *_network_environment(),
        ]
        account = ["runuser", "-u", user, "--"] if user != "root" else []
        began = time.monotonic()
        done = subprocess.run(
            ["nsenter", f"--target={self.leader}", "--all", f"--wdns={cwd}", *words, *account, *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
        outcome = Outcome(done.returncode, done.stdout, done.stderr, time.monotonic() - began)
        assert not check or outcome.code == 0, f"{' '.join(command)} {outcome}"
        return outcome

    def write(self, path: str, text: str) -> None:
        """Write a file of the container."""
        file = self.root / path.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def files(self, ignored: Sequence[str]) -> set[str]:
        """All paths on its disk and in /tmp, without the ignored ones and what lies under them."""
        paths = self.run(["find", "/", "/tmp", "-xdev", "-print0"]).stdout.split("\0")
        beneath = tuple(f"{path}/" for path in ignored)
        return {path for path in paths if path not in ignored and not path.startswith(beneath)}


@contextmanager
def booted(source: Path | None = None, *, network: bool = True) -> Iterator[Debian]:
    """A booted copy of the cached image, or of the root directory of a halted Debian; gone at the end."""
    with scratch_directory() as scratch:
        debian = Debian(scratch / "debian")
        run(["cp", "--archive", "--reflink=auto", source or image(), debian.root])
        for file in NETWORK_FILES:
            _copy_if_there(Path(file), debian.root)
        try:
            debian.boot(network=network)
            yield debian
        finally:
            debian.kill()


def image() -> Path:
    """The cached image, made when there is none for this list of packages."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "opskit-system-tests"
    image = cache / f"{SUITE}-{hashlib.sha256(PACKAGES.encode()).hexdigest()[:8]}"
    if not image.exists():
        partial = cache / f"partial-{os.getpid()}"
        partial.mkdir(parents=True)
        try:
            run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, partial])
            partial.rename(image)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return image


def _boot_command(root: Path, *, network: bool) -> list[str | Path]:
    """A container that shuts down when this process ends."""
    return [
        "setpriv",
        "--pdeathsig=TERM",
        "systemd-nspawn",
        "--quiet",
        "--directory",
        root,
        "--register=no",
        "--keep-unit",
        "--boot",
        "--resolv-conf=off",
        "--bind-ro=/etc/resolv.conf",
        *([] if network else ["--private-network"]),
    ]


def _boot_environment() -> Mapping[str, str]:
    # Debian 12 has /tmp on its disk; nspawn's own would end at a tenth of the memory
    return {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_NSPAWN_TMPFS_TMP": "0"}


def _network_environment() -> list[str]:
    return [
        f"{name}={value}"
        for name, value in os.environ.items()
        if name.startswith(NETWORK_VARIABLES) or name.lower().endswith("_proxy")
    ]


def _copy_if_there(source: Path, root: Path) -> None:
    target = root / source.relative_to("/")
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.exists():
        shutil.copyfile(source, target)


def _wait_for_leader(nspawn: Child, console: Path) -> int:
    children = Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children")
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline:
        if nspawn.code() is not None:
            break
        for pid in children.read_text().split():
            if _is_init(pid):
                return int(pid)
        time.sleep(0.1)
    raise AssertionError(f"the container did not start: {console.read_text(errors='replace')}")


def _is_init(pid: str) -> bool:
    """Whether a child of nspawn's is the container's init, not what makes that and ends."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/ns/pid").readlink() != Path("/proc/self/ns/pid").readlink()
    return False


def _wait_until_up(debian: Debian) -> None:
    deadline = time.monotonic() + BOOT_SECONDS
    while True:
        state = debian.run(["systemctl", "is-system-running"], check=False).stdout.strip()
        if state == "running":
            return
        assert time.monotonic() < deadline, f"the container is {state or 'not answering'}"
        time.sleep(0.2)
