"""All kinds of steps of provision."""

from opskit.provision.cluster import ClusterStep
from opskit.provision.host_part import HostStep
from opskit.provision.settings import SettingsStep
from opskit.provision.sql_part import SqlStep

Step = ClusterStep | SettingsStep | SqlStep | HostStep
