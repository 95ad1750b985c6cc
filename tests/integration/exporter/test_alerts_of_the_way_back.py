"""Alerts fire for their failure and end with it: the standby, rehearsals and drills."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from opskit.host.private_cluster import PrivateCluster
from opskit.runs.rehearsal import Rehearsal, tell
from tests.integration.exporter.watch import Watch, watching
from tests.integration.exporter.world import Exporter, World, wait_until
from tests.support import Opskit, finish


@pytest.fixture
def opskit(world: World) -> Iterator[Opskit]:
    opskit = Opskit(world.state_dir)
    yield opskit
    opskit.kill()


@pytest.fixture
def watch(world: World, on_postgresql: Exporter) -> Iterator[Watch]:
    """Nobody has made a backup here."""
    with watching(world.directory, on_postgresql, besides=["OpskitBackupMissing"]) as watch:
        watch.ends()
        yield watch


def window(world: World, cluster: PrivateCluster, lasts: str) -> None:
    """For how long the way back is meant to be open."""
    document = yaml.safe_load(world.config.read_text(encoding="utf-8"))
    document["rollback"] = {"user": cluster.superuser, "window": lasts}
    world.config.write_text(yaml.safe_dump(document), encoding="utf-8")


def test_a_standby_that_does_not_get_on_and_a_way_back_that_ends(
    world: World, watch: Watch, opskit: Opskit, cluster: PrivateCluster
) -> None:
    window(world, cluster, "10m")
    standby = opskit.start("standby", "run", "--config", world.config)
    wait_until(lambda: opskit("standby", "status", "--config", world.config).code == 0)
    watch.fires("OpskitRollbackWindowEnds")
    watch.ends("OpskitRollbackNotReady", "OpskitStandbyStuck", "OpskitStandbyLagging")
    cluster.stop()
    watch.fires("OpskitRollbackNotReady", "OpskitStandbyStuck", "OpskitStandbyLagging")
    cluster.start()
    standby.terminate()
    assert finish(standby).code == 0
    window(world, cluster, "7d")
    standby = opskit.start("standby", "run", "--config", world.config)
    watch.ends()
    standby.terminate()
    assert finish(standby).code == 0


def test_a_rehearsal_that_fails_or_is_old_and_backups_that_nobody_has_brought_back(
    world: World, watch: Watch, opskit: Opskit, cluster: PrivateCluster
) -> None:
    window(world, cluster, "7d")
    standby = opskit.start("standby", "run", "--config", world.config)
    wait_until(lambda: opskit("standby", "status", "--config", world.config).code == 0)
    assert opskit("backup", "create", "--config", world.config).code == 0
    failed = Rehearsal(datetime.now(UTC) - timedelta(days=9), failure="it would lose something")
    tell(world.state_dir, {"main": failed})
    watch.fires("OpskitRehearsalFailed", "OpskitRehearsalOld", "OpskitBackupUndrilled")
    tell(world.state_dir, {"main": Rehearsal(datetime.now(UTC), 0.4)})
    assert opskit("backup", "verify", "--level", "drill", "--config", world.config).code == 0
    watch.ends()
    standby.terminate()
    assert finish(standby).code == 0
