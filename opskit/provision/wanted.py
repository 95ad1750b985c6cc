"""What the configuration says that a host shall be. Pure."""

from dataclasses import dataclass

from opskit.config import Configuration
from opskit.provision.access.planning import SqlWanted, wanted_sql
from opskit.provision.cluster.planning import WantedCluster, wanted_cluster, wanted_packages
from opskit.provision.host.planning import HostWanted, wanted_host
from opskit.provision.pgbackrest.planning import PgbackrestWanted, archive_settings, wanted_pgbackrest
from opskit.provision.settings.planning import WantedSettings, wanted_settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """The host that is wanted; `cluster` is None when the server is elsewhere: then only SQL reaches it."""

    cluster: WantedCluster | None
    packages: tuple[str, ...]
    settings: WantedSettings
    sql: SqlWanted
    host: HostWanted
    pgbackrest: PgbackrestWanted | None = None


def wanted(configuration: Configuration) -> Wanted:
    """The host that a configuration wants.

    Raises:
        ConfigurationError: its values do not go together.
    """
    cluster = wanted_cluster(configuration)
    return Wanted(
        cluster,
        wanted_packages(cluster, configuration.backup),
        wanted_settings(configuration, archive_settings(configuration)),
        wanted_sql(configuration),
        wanted_host(configuration),
        wanted_pgbackrest(configuration),
    )
