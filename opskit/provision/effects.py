"""Performs the steps of provision, and puts them back: each part's by its own effects."""

from opskit.provision.access.effects import SqlEffects
from opskit.provision.access.planning import SqlStep
from opskit.provision.cluster.effects import ClusterEffects
from opskit.provision.cluster.planning import ClusterStep
from opskit.provision.here import Here
from opskit.provision.host.effects import HostEffects
from opskit.provision.pgbackrest.effects import PgbackrestEffects
from opskit.provision.pgbackrest.planning import PgbackrestStep
from opskit.provision.settings.effects import SettingsEffects
from opskit.provision.settings.planning import SettingsStep
from opskit.provision.steps import Step
from opskit.runs.progress import Progress


class ProvisionEffects:
    """The effects of provision on a host and its server."""

    def __init__(self, here: Here, progress: Progress) -> None:
        self._progress = progress
        self._cluster = ClusterEffects(here)
        self._settings = SettingsEffects(here)
        self._sql = SqlEffects(here.door)
        self._host = HostEffects()
        self._pgbackrest = PgbackrestEffects()

    def perform(self, step: Step) -> None:
        """Makes it so; see `Effects`."""
        self._progress.stage(step.title)
        if isinstance(step, ClusterStep):
            self._cluster.perform(step)
        elif isinstance(step, SettingsStep):
            self._settings.perform(step)
        elif isinstance(step, SqlStep):
            self._sql.perform(step)
        elif isinstance(step, PgbackrestStep):
            self._pgbackrest.perform(step)
        else:
            self._host.perform(step)

    def halt(self) -> None:
        """See `Effects`; steps are performed one by one."""

    def revert(self, step: Step) -> None:
        """Puts it back; see `Effects`."""
        if isinstance(step, ClusterStep):
            self._cluster.revert(step)
        elif isinstance(step, SettingsStep):
            self._settings.revert(step)
        elif isinstance(step, SqlStep):
            self._sql.revert(step)
        elif isinstance(step, PgbackrestStep):
            self._pgbackrest.revert(step)
        else:
            self._host.revert(step)
