"""All kinds of steps of provision."""

from opskit.provision.access.planning import SqlStep
from opskit.provision.cluster.planning import ClusterStep
from opskit.provision.host.planning import HostStep
from opskit.provision.pgbackrest.planning import PgbackrestStep
from opskit.provision.settings.planning import SettingsStep

Step = ClusterStep | SettingsStep | SqlStep | HostStep | PgbackrestStep
