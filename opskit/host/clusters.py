"""The door to Debian's PostgreSQL clusters: postgresql-common's programs."""

import json
import os
import pwd
import shutil
import time
from pathlib import Path
from typing import cast

from opskit.host.commands import CommandFailed, bare_environment, run
from opskit.host.files import write_whole
from opskit.host.postgresql_programs import DEBIAN, as_account
from opskit.host.systemd import manages_host, order, show, start_anew

LOCK = Path("/run/opskit-cluster.lock")
"""Held by all processes of a creation: one that outlives a killed opskit is waited for."""

CREATE_SECONDS = 300.0
START_SECONDS = 3600
"""After a crash a server may have much WAL to read; stopping it then would only make it begin again."""

SETTLE_SECONDS = 30.0
"""Debian's unit may go on starting for ever, when its server has failed."""

WITHHELD = Path("/etc/postgresql-common/createcluster.d/opskit.conf")
_WITHHOLDING = b"""\
# Here for as long as opskit installs PostgreSQL: it makes the cluster itself.
create_main_cluster = false
"""


def listed() -> str:
    """All clusters, as the JSON of `pg_lsclusters -j`; an empty list without postgresql-common."""
    return _run("pg_lsclusters", "-j") if shutil.which("pg_lsclusters") else "[]"


def data_directory(version: int, name: str) -> Path | None:
    """Where a cluster has its data, also when they are gone; None when there is no such cluster."""
    for one in cast("list[dict[str, object]]", json.loads(listed())):
        if (str(one["version"]), one["cluster"]) == (str(version), name) and one.get("pgdata"):
            return Path(str(one["pgdata"]))
    return None


def withhold() -> None:
    """Lets no package make a cluster by itself until `create`."""
    WITHHELD.parent.mkdir(parents=True, exist_ok=True)
    write_whole(WITHHELD, _WITHHOLDING, mode=0o644, owner="root", group="root")


def unwithhold() -> None:
    """Takes `withhold` back."""
    WITHHELD.unlink(missing_ok=True)


def wait_for_creation() -> None:
    """Waits for the end of what a killed run may have left at work.

    Raises:
        CommandFailed: it did not end.
    """
    if LOCK.exists():
        run(["flock", LOCK, "true"], timeout=CREATE_SECONDS)


def create(version: int, name: str, port: int) -> None:
    """Make a cluster, stopped: data checksums, UTF-8, C.UTF-8, peer on the socket and SCRAM elsewhere.

    Raises:
        CommandFailed: it could not be made, or is there.
    """
    words = [f"--port={port}", "--encoding=UTF8", "--locale=C.UTF-8", "--start-conf=auto", "--no-status"]
    command = ["pg_createcluster", *words, str(version), name, "--", "--data-checksums"]
    run(["flock", LOCK, *command], env=_environment(), timeout=CREATE_SECONDS)


def drop(version: int, name: str) -> None:
    """Remove a cluster with its data; only for one that this run has made.

    Raises:
        CommandFailed: it could not be removed.
    """
    run(["flock", LOCK, "pg_dropcluster", "--stop", str(version), name], env=_environment())


def start(version: int, name: str) -> None:
    """Start a cluster; whether it is up is to be asked of the server.

    Debian's unit ignores that a server fails to start, and may then wait for its process id for ever.

    Raises:
        CommandFailed: it did not start.
    """
    if manages_host():
        start_anew(_unit(version, name), wait=False)
    else:
        _control(version, name, "start")


def settle(version: int, name: str) -> None:
    """Wait, not for ever, until systemd too has seen the end of a cluster's start: see `stop`.

    Raises:
        CommandFailed: systemd cannot be asked.
    """
    if manages_host():
        _let_settle(_unit(version, name))


def stop(version: int, name: str) -> None:
    """Stop a cluster, also one that somebody has started outside its unit; its sessions end.

    Raises:
        CommandFailed: it did not stop.
    """
    settle(version, name)
    if manages_host():
        order("stop", _unit(version, name))
    if _runs(version, name):
        _control(version, name, "stop", "--mode=fast")


def restart(version: int, name: str) -> None:
    """Stop and start a cluster.

    Raises:
        CommandFailed: it did not stop or start.
    """
    stop(version, name)
    start(version, name)


def start_at_boot(configuration: Path, owner: str, how: str) -> None:
    """Write start.conf: auto, manual or disabled.

    Raises:
        FileFailed: it cannot be written.
    """
    text = f"# auto: starts at boot; manual: by pg_ctlcluster only; disabled: not at all\n{how}\n"
    account = pwd.getpwnam(owner)
    file = configuration / "start.conf"
    write_whole(file, text.encode(), mode=0o644, owner=owner, group=str(account.pw_gid))


def check_settings(version: int, configuration: Path, owner: str) -> None:
    """Let the server's program read all settings files as they are on disk, as it does when it starts.

    Raises:
        CommandFailed: it refuses them; the text says why.
    """
    program = DEBIAN / str(version) / "bin" / "postgres"
    account = pwd.getpwnam(owner) if os.geteuid() == 0 else None
    run([*as_account(account), program, "-C", "data_directory", "-D", configuration], env=bare_environment())


def _unit(version: int, name: str) -> str:
    return f"postgresql@{version}-{name}.service"


def _let_settle(unit: str) -> None:
    """A unit that is stopped while it starts is not shut down in order, but killed.

    The server answers a moment before its unit counts as started.
    """
    deadline = time.monotonic() + SETTLE_SECONDS
    while show(unit, "ActiveState").get("ActiveState") == "activating" and time.monotonic() < deadline:
        time.sleep(0.1)


def _runs(version: int, name: str) -> bool:
    try:
        _control(version, name, "status")
    except CommandFailed:
        return False
    return True


def _control(version: int, name: str, action: str, *options: str) -> None:
    """Without systemd, to which pg_ctlcluster would turn only when its parent still lives."""
    how = ["pg_ctlcluster", "--skip-systemctl-redirect", *options]
    _run(*how, str(version), name, action, timeout=START_SECONDS)


def _run(*command: str, timeout: float | None = None) -> str:
    return run(command, env=_environment(), timeout=timeout)


def _environment() -> dict[str, str]:
    """PG_CLUSTER_CONF_ROOT moves all clusters to another place than /etc/postgresql."""
    root = os.environ.get("PG_CLUSTER_CONF_ROOT")
    patience = {"PGCTLTIMEOUT": str(START_SECONDS)}  # pg_ctl's own is a minute
    return {**bare_environment(), **patience, **({"PG_CLUSTER_CONF_ROOT": root} if root else {})}
