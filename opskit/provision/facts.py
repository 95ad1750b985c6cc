"""What is there, before anything is decided. Each part is read by a reader of its own and never changed."""

from dataclasses import dataclass

from opskit.provision.access.planning import SqlFacts
from opskit.provision.cluster.planning import ClusterFacts
from opskit.provision.cluster.server import ServerFacts
from opskit.provision.host.planning import HostFacts
from opskit.provision.pgbackrest.planning import PgbackrestFacts
from opskit.provision.settings.file import FilesFacts
from opskit.provision.settings.machine import Machine

NO_PGBACKREST = PgbackrestFacts()


@dataclass(frozen=True, slots=True)
class Facts:
    """A host and the PostgreSQL on it.

    Attributes:
        missing_packages: of those that are wanted.
        clusters: all that this host has.
        port_user: the program that listens on the cluster's port while that does not run; empty for nobody.
        server: what the running server says about itself; None while it cannot be asked.
        sql: its roles, databases and access rules; None while it cannot be asked.
    """

    machine: Machine
    missing_packages: tuple[str, ...]
    clusters: tuple[ClusterFacts, ...]
    settings_files: FilesFacts
    server: ServerFacts | None
    sql: SqlFacts | None
    host: HostFacts
    port_user: str = ""
    pgbackrest: PgbackrestFacts = NO_PGBACKREST
