"""What the configuration says that a host shall be. Pure."""

from dataclasses import dataclass

from opskit.config import Configuration
from opskit.provision.cluster import WantedCluster, wanted_cluster
from opskit.provision.host_part import HostWanted, wanted_host
from opskit.provision.settings import WantedSettings, wanted_settings
from opskit.provision.sql_part import SqlWanted, wanted_sql


@dataclass(frozen=True, slots=True)
class Wanted:
    """The host that is wanted; `cluster` is None when the server is elsewhere: then only SQL reaches it."""

    cluster: WantedCluster | None
    settings: WantedSettings
    sql: SqlWanted
    host: HostWanted


def wanted(configuration: Configuration) -> Wanted:
    """The host that a configuration wants.

    Raises:
        ConfigurationError: its values do not go together.
    """
    return Wanted(
        wanted_cluster(configuration),
        wanted_settings(configuration),
        wanted_sql(configuration),
        wanted_host(configuration),
    )
