"""The cluster: its packages, its making, its start. Pure."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from opskit.config import Backup, Configuration, is_local
from opskit.errors import ConfigurationError, Fault
from opskit.provision.cluster.server import ServerFacts
from opskit.provision.decided import Decided

OLDEST = 15


@dataclass(frozen=True, slots=True)
class WantedCluster:
    """The cluster on this host, as Debian's postgresql-common counts them.

    Attributes:
        adopt: may it hold others' databases?
        configuration: the directory of its configuration files.
        databases: the names of ours.
    """

    version: int
    name: str
    port: int
    adopt: bool
    configuration: Path
    databases: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.version}/{self.name}"


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """A cluster that is there.

    Attributes:
        owner: the account that the server runs under.
        start: what happens at boot: auto, manual or disabled.
    """

    version: int
    name: str
    port: int
    running: bool
    owner: str
    start: str
    data: Path
    configuration: Path
    sockets: Path

    def __str__(self) -> str:
        return f"{self.version}/{self.name}"


@dataclass(frozen=True, slots=True)
class InstallPackages:
    """Install Debian's packages. They are not removed again when a later step fails.

    Attributes:
        withhold: a cluster that the package would make by itself is not wanted: ours is made otherwise.
    """

    packages: tuple[str, ...]
    withhold: bool
    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        return f"install {', '.join(self.packages)}"


@dataclass(frozen=True, slots=True)
class CreateCluster:
    """Make the cluster, with checksums, UTF-8, texts in the order of their bytes, passwords by SCRAM."""

    version: int
    name: str
    port: int
    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        return f"create cluster {self.version}/{self.name} on port {self.port}"


@dataclass(frozen=True, slots=True)
class StartCluster:
    """Start the cluster and wait until it answers."""

    version: int
    name: str
    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        return f"start cluster {self.version}/{self.name}"


@dataclass(frozen=True, slots=True)
class StartAtBoot:
    """Let the cluster start at boot; `was` is manual or disabled."""

    cluster: str
    was: str
    configuration: Path
    owner: str
    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        return f"let cluster {self.cluster} start at boot"


ClusterStep = InstallPackages | CreateCluster | StartCluster | StartAtBoot


def wanted_cluster(
    configuration: Configuration, environ: Mapping[str, str] = os.environ
) -> WantedCluster | None:
    """The cluster that the configuration names; None when its server is on another host.

    Raises:
        ConfigurationError: `provision.cluster` is not VERSION/NAME, or too old a version.
    """
    server, provision = configuration.postgresql, configuration.provision
    if not is_local(server.host):
        return None
    version, _, name = provision.cluster.partition("/")
    if not version.isdecimal() or int(version) < OLDEST or not name.replace("-", "").isalnum():
        raise ConfigurationError.of(
            "configuration",
            f"provision.cluster: {provision.cluster!r} is not VERSION/NAME",
            hint=f"write for example {OLDEST}/main; versions from {OLDEST} on will do",
            where="provision.cluster",
        )
    root = Path(environ.get("PG_CLUSTER_CONF_ROOT", "/etc/postgresql"))  # as postgresql-common has it
    names = {one.postgresql for one in configuration.databases.values()}
    return WantedCluster(
        int(version), name, server.port, provision.adopt, root / version / name, tuple(sorted(names))
    )


def wanted_packages(cluster: WantedCluster | None, backup: Backup) -> tuple[str, ...]:
    """The packages that a host needs: its server's, or only the client's; what backups are made with."""
    server = (f"postgresql-{cluster.version}", "logrotate") if cluster else (f"postgresql-client-{OLDEST}",)
    encrypting = ("age",) if backup.encrypt else ()
    return (*server, "zstd", *encrypting, *(("pgbackrest",) if backup.pgbackrest else ()))


def found(wanted: WantedCluster, clusters: Sequence[ClusterFacts]) -> ClusterFacts | None:
    """The wanted one, if it is there."""
    return next((one for one in clusters if (one.version, one.name) == (wanted.version, wanted.name)), None)


def decide_packages(
    wanted: WantedCluster | None, missing: tuple[str, ...], *, there: bool
) -> Decided[ClusterStep]:
    """Which packages are to be installed.

    Args:
        there: the wanted cluster is there.
    """
    if not missing:
        return Decided()
    why = tuple(f"package {name} is not installed" for name in missing)
    install = InstallPackages(missing, withhold=wanted is not None and not there, why=why)
    return Decided((install,), told=("packages stay installed when a later step fails",))


def decide_creation(wanted: WantedCluster, clusters: Sequence[ClusterFacts]) -> Decided[ClusterStep]:
    """Is the cluster to be made? An existing one never is."""
    other = next((one for one in clusters if one.port == wanted.port and str(one) != str(wanted)), None)
    present = found(wanted, clusters)
    if present is None and other is None:
        why = (f"there is no cluster {wanted}",)
        return Decided((CreateCluster(wanted.version, wanted.name, wanted.port, why),))
    return Decided(faults=tuple(_wrong_port(wanted, present, other)))


def decide_port(wanted: WantedCluster, port_user: str) -> Decided[ClusterStep]:
    """Can the cluster listen, or does a program do so already that is none of Debian's clusters?"""
    if not port_user:
        return Decided()
    return Decided(
        faults=(
            Fault(
                "port_taken",
                f"port {wanted.port}, which cluster {wanted} needs, is taken by {port_user}",
                "stop that program, or set postgresql.port to a free port",
                "postgresql.port",
            ),
        )
    )


def decide_start(wanted: WantedCluster, present: ClusterFacts | None) -> Decided[ClusterStep]:
    """Is it to be started, now and at boot?"""
    steps: list[ClusterStep] = []
    if present is None or not present.running:
        steps.append(StartCluster(wanted.version, wanted.name, (f"cluster {wanted} does not run",)))
    if present is not None and present.start != "auto":
        why = (f"start at boot is {present.start}, shall be auto",)
        steps.append(StartAtBoot(str(wanted), present.start, present.configuration, present.owner, why))
    return Decided(tuple(steps))


def judge(wanted: WantedCluster | None, server: ServerFacts) -> Decided[ClusterStep]:
    """Can the server be provisioned? What only a new cluster could change is told; others' need leave."""
    faults = list(_unfit(server))
    if wanted is None:
        return Decided(faults=tuple(faults))
    others = sorted(set(server.databases) - set(wanted.databases))
    if others and not wanted.adopt:
        faults.append(_not_adopted(wanted, others))
    return Decided(told=tuple(_differences(wanted, server)), faults=tuple(faults))


def _unfit(server: ServerFacts) -> Iterator[Fault]:
    if server.version // 10000 < OLDEST:
        yield Fault(
            "server_version",
            f"the server runs PostgreSQL {server.version // 10000}",
            f"use version {OLDEST} or later",
        )
    if server.in_recovery:
        yield Fault(
            "read_only_server",
            "the server is a standby of another one, which takes no changes",
            "name the primary below postgresql.host",
            "postgresql.host",
        )


def _differences(wanted: WantedCluster, server: ServerFacts) -> Iterator[str]:
    if not server.checksums:
        yield (
            f"cluster {wanted} has no data checksums: a disk that returns wrong data goes unnoticed;"
            " with the server stopped, pg_checksums --enable adds them"
        )
    if server.encoding != "UTF8":
        yield f"cluster {wanted} makes databases in {server.encoding}: ours are made in UTF8 all the same"


def _wrong_port(
    wanted: WantedCluster, present: ClusterFacts | None, other: ClusterFacts | None
) -> Iterator[Fault]:
    if present is not None and present.port != wanted.port:
        yield Fault(
            "wrong_port",
            f"cluster {wanted} has port {present.port}, and postgresql.port says {wanted.port}",
            f"set postgresql.port to {present.port}, or name another cluster below provision.cluster",
            "postgresql.port",
        )
    if present is None and other is not None:
        yield Fault(
            "port_taken",
            f"port {wanted.port} belongs to cluster {other}",
            f"set provision.cluster to {other} to use it, or postgresql.port to a free port",
            "postgresql.port",
        )


def _not_adopted(wanted: WantedCluster, others: list[str]) -> Fault:
    return Fault(
        "not_adopted",
        f"cluster {wanted} holds others' databases ({', '.join(others)}), and provision.adopt is false",
        "set provision.adopt to true, or name a cluster of its own below provision.cluster with a free"
        " postgresql.port",
        "provision.adopt",
    )
