"""Installs packages, makes and starts the cluster, and puts that back."""

from typing import assert_never

from opskit.host import clusters, packages
from opskit.host.commands import CommandFailed
from opskit.provision.cluster.planning import (
    ClusterStep,
    CreateCluster,
    InstallPackages,
    StartAtBoot,
    StartCluster,
)
from opskit.provision.here import Here


class ClusterEffects:
    """The effects on the cluster as a whole."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._making = False

    def perform(self, step: ClusterStep) -> None:
        """Makes it so; see `Effects`."""
        match step:
            case InstallPackages():
                if step.withhold:
                    clusters.withhold()
                packages.install(step.packages)
            case CreateCluster():
                self._create(step)
            case StartCluster():
                clusters.start(step.version, step.name)
                self._here.wait_for_start(step.version, step.name)
            case StartAtBoot():
                clusters.start_at_boot(step.configuration, step.owner, "auto")
            case _:
                assert_never(step)

    def revert(self, step: ClusterStep) -> None:
        """Puts it back; see `Effects`. Packages stay."""
        match step:
            case InstallPackages():
                clusters.unwithhold()
            case CreateCluster():
                if self._making and self._here.present():
                    clusters.drop(step.version, step.name)
            case StartCluster():
                present = self._here.present()
                if present and present.running:
                    clusters.stop(step.version, step.name)
            case StartAtBoot():
                clusters.start_at_boot(step.configuration, step.owner, step.was)
            case _:
                assert_never(step)

    def _create(self, step: CreateCluster) -> None:
        clusters.unwithhold()
        self._making = True
        try:
            clusters.create(step.version, step.name, step.port)
        except CommandFailed:  # it has cleaned up after itself, or somebody else has made the cluster
            self._making = False
            raise
