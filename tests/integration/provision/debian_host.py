"""This host as one of Debian's, with clusters of the test's own beside whatever else it has."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from opskit.host.commands import run
from opskit.provision.door import Door, local_door
from opskit.provision.here import clusters_here
from tests.support import Opskit, Result

INSTALLED = """\
#!/bin/sh
printf 'postgresql-15 installed\\nlogrotate installed\\nzstd installed\\n'
"""
"""Every package is there: installing is a matter of the tests that boot a Debian."""


def missing() -> str:
    """Why no cluster can be made here; empty when one can."""
    if os.geteuid() != 0:
        return "making clusters needs root"
    return "" if shutil.which("pg_createcluster") else "not installed: postgresql-common"


@dataclass(frozen=True, slots=True)
class DebianHost:
    """A host whose clusters' configuration stands in a directory of the test's.

    Attributes:
        cluster: the name of the cluster that the tests use.
        port: free on this host.
    """

    directory: Path
    opskit: Opskit
    cluster: str
    port: int

    @property
    def conf(self) -> Path:
        """The configuration directory of the cluster."""
        return self.directory / "clusters" / "15" / self.cluster

    @property
    def ours(self) -> Path:
        """The settings file that opskit writes."""
        return self.conf / "conf.d" / "90-opskit.conf"

    def configure(self, provision: str = "") -> None:
        """Writes opskit.yaml; `provision` is in YAML's flow style, without braces."""
        (self.directory / "opskit.yaml").write_text(
            f"application: {{env_file: {self.directory}/.env}}\n"
            f"databases: {{main: {{sqlite: {self.directory}/main.db, postgresql: crewai_main}}}}\n"
            f"postgresql: {{host: /var/run/postgresql, port: {self.port}, user: crewai_user}}\n"
            f"provision: {{cluster: 15/{self.cluster}, memory: 1%, disk: 1%, {provision}}}\n"
        )

    @property
    def environ(self) -> dict[str, str]:
        """What makes it a host of its own."""
        return {
            "PG_CLUSTER_CONF_ROOT": str(self.directory / "clusters"),
            "PATH": f"{self.directory}/bin:{os.environ['PATH']}",
        }

    def provision(self, *arguments: str) -> Result:
        """Runs `opskit provision`, with JSON on stdout."""
        return self.opskit("provision", *arguments, "--output=json", cwd=self.directory, environ=self.environ)

    def drift(self) -> list[str]:
        """What `--check` names, item by item."""
        result = self.provision("--check")
        assert result.code in (0, 3), result.stderr
        return [why for step in result.document["result"]["plan"]["steps"] for why in step["why"]]

    def set_up(self) -> None:
        """Brings it into the configured state."""
        result = self.provision("--yes")
        assert result.code == 0, result.stderr

    def create_cluster(self, *options: str) -> None:
        """Makes and starts the cluster as an administrator would."""
        run(
            ["pg_createcluster", "15", self.cluster, f"--port={self.port}", "--start", *options],
            env={**os.environ, **self.environ},
        )

    def control(self, action: str) -> None:
        """Starts, stops or restarts the cluster behind opskit's back."""
        run(["pg_ctlcluster", "15", self.cluster, action], env={**os.environ, **self.environ})

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a superuser's statement."""
        connection: psycopg.Connection[tuple[Any, ...]] = self.door.connect("postgres")
        with connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def show(self, name: str) -> str:
        """A setting in force."""
        ((value,),) = self.sql(f"SELECT reset_val FROM pg_settings WHERE name = '{name}'")
        return str(value)

    @property
    def door(self) -> Door:
        """The superuser's way in."""
        (present,) = [one for one in clusters_here() if one.name == self.cluster]
        return local_door(present)

    def drop(self) -> None:
        """Removes the cluster, if there is one."""
        if self.conf.exists():
            run(["pg_dropcluster", "--stop", "15", self.cluster], env={**os.environ, **self.environ})


@contextmanager
def debian_host(directory: Path) -> Iterator[DebianHost]:
    """A host without a cluster; the one that the test makes is gone at the end."""
    programs = directory / "bin"
    programs.mkdir()
    (programs / "dpkg-query").write_text(INSTALLED)
    (programs / "dpkg-query").chmod(0o755)
    (directory / "clusters").mkdir()
    directory.chmod(0o755)  # the server reads its configuration there
    (directory / ".env").touch(0o640)
    opskit = Opskit(directory / "state")
    host = DebianHost(directory, opskit, f"test{os.urandom(4).hex()}", _free_port())
    host.configure()
    try:
        yield host
    finally:
        opskit.kill()
        host.drop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
