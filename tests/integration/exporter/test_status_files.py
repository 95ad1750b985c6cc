"""What backups and the standby tell, in files of their own, reaches Prometheus."""

from pathlib import Path

import pytest
import yaml

from opskit.host.private_cluster import PrivateCluster
from tests.integration.exporter.world import Exporter, Scrape, World, wait_until
from tests.support import Opskit, finish


@pytest.fixture
def opskit(world: World) -> Opskit:
    return Opskit(world.state_dir)


def config(world: World) -> tuple[str, Path]:
    return "--config", world.config


def told(scrape: Scrape) -> set[str]:
    return {
        name for name, _ in scrape.samples if name.startswith(("opskit_backup", "opskit_standby", "opskit_r"))
    }


def test_where_nobody_has_told_anything_nothing_is_reported(exporter: Exporter) -> None:
    scrape = exporter.scrape()
    assert told(scrape) == set()
    for collector in ("backups", "standby"):
        assert scrape.value("opskit_collector_success", database="main", collector=collector) == 1


def test_backups_are_reported_also_when_the_next_one_fails_and_the_database_is_down(
    world: World, exporter: Exporter, opskit: Opskit
) -> None:
    assert opskit("backup", "create", *config(world)).code == 0
    assert opskit("backup", "verify", "--level", "files", *config(world)).code == 0
    made = exporter.scrape()
    for database in ("main", "walmart"):
        at = made.value("opskit_backup_last_success_timestamp_seconds", database=database)
        assert at
        assert at == made.value("opskit_backup_last_attempt_timestamp_seconds", database=database)
        assert made.value("opskit_backup_last_attempt_success", database=database) == 1
        assert made.value("opskit_backup_last_size_bytes", database=database)
        assert made.value("opskit_backup_last_check_success", database=database, level="files") == 1
    assert not made.all("opskit_backup_last_check_success", level="drill")
    world.sqlite("main").unlink()
    assert opskit("backup", "create", *config(world)).code == 1
    failed = exporter.scrape()
    assert failed.value("opskit_database_up", database="main") == 0
    for name, database, value in (("attempt", "main", 0), ("attempt", "walmart", 1)):
        assert failed.value(f"opskit_backup_last_{name}_success", database=database) == value
    since = "opskit_backup_last_success_timestamp_seconds"
    assert failed.value(since, database="main") == made.value(since, database="main")
    assert failed.value(since, database="walmart") > made.value(since, database="walmart")


def test_the_way_back_is_reported_and_half_a_file_fails_its_collector_only(
    world: World, exporter: Exporter, opskit: Opskit, cluster: PrivateCluster
) -> None:
    document = yaml.safe_load(world.config.read_text(encoding="utf-8"))
    document["rollback"] = {"user": cluster.superuser}
    world.config.write_text(yaml.safe_dump(document), encoding="utf-8")
    world.use("postgresql")
    standby = opskit.start("standby", "run", *config(world))
    try:
        wait_until(lambda: opskit("standby", "status", *config(world)).code == 0)
        scrape = exporter.scrape()
    finally:
        standby.terminate()
        assert finish(standby).code == 0
    for database in ("main", "walmart"):
        assert scrape.value("opskit_rollback_ready", database=database) == 1
        assert scrape.value("opskit_standby_phase", database=database, phase="following") == 1
        assert scrape.value("opskit_standby_phase", database=database, phase="stuck") == 0
        assert scrape.value("opskit_standby_lag_seconds", database=database) < 60
        assert scrape.value("opskit_rollback_deadline_timestamp_seconds", database=database)
    assert not scrape.all("opskit_standby_retained_bytes")  # small databases are compared, without the log

    file = world.state_dir / "standby" / "main.json"
    file.write_bytes(file.read_bytes()[:-20])
    halved = exporter.scrape()
    assert halved.value("opskit_database_up", database="main") == 1
    assert halved.value("opskit_rollback_ready", database="main") is None
    assert halved.value("opskit_rollback_ready", database="walmart") is not None
    success = halved.all("opskit_collector_success", database="main")
    assert {dict(labels)["collector"] for labels, value in success.items() if not value} == {"standby"}
    assert halved.value(
        "opskit_collector_failures_total", database="main", collector="standby", reason="damaged"
    )
