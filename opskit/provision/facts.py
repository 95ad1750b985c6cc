"""What is there, before anything is decided. Each part is read by a reader of its own and never changed."""

from dataclasses import dataclass

from opskit.provision.cluster import ClusterFacts
from opskit.provision.host_part import HostFacts
from opskit.provision.machine import Machine
from opskit.provision.server import ServerFacts
from opskit.provision.settings_file import FilesFacts
from opskit.provision.sql_part import SqlFacts


@dataclass(frozen=True, slots=True)
class Facts:
    """A host and the PostgreSQL on it.

    Attributes:
        missing_packages: of those that are wanted.
        clusters: all that this host has.
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
