"""The session that is kept for a database: its caches are warm, and it must never be the wrong one."""

import signal
from pathlib import Path

import psycopg
import pytest
import yaml

from opskit.host.private_cluster import PrivateCluster, private_cluster
from tests.integration.exporter.servers import backends, disconnect, is_complete, suspended
from tests.integration.exporter.world import Exporter, World, running, wait_until


def test_one_session_a_database_is_kept_and_ended_with_the_exporter(
    on_postgresql: Exporter, cluster: PrivateCluster
) -> None:
    on_postgresql.scrape()
    kept = backends(cluster)
    assert len(kept) == 2
    assert is_complete(on_postgresql.scrape(), "main")
    assert sorted(backends(cluster)) == sorted(kept)
    assert on_postgresql.stop() == 0
    wait_until(lambda: not backends(cluster))
    assert "Warning" not in on_postgresql.words()


def test_a_rollback_to_sqlite_ends_the_kept_sessions(
    world: World, on_postgresql: Exporter, cluster: PrivateCluster
) -> None:
    on_postgresql.scrape()
    world.use("sqlite")
    on_postgresql.scrape()
    wait_until(lambda: not backends(cluster))


def test_a_reload_keeps_the_sessions_of_databases_that_it_leaves_as_they_were(
    world: World, on_postgresql: Exporter, cluster: PrivateCluster
) -> None:
    on_postgresql.scrape()
    before = sorted(backends(cluster))
    world.config.write_text(
        world.config.read_text(encoding="utf-8") + "backup:\n  directory: elsewhere\n", encoding="utf-8"
    )
    on_postgresql.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "was read again" in on_postgresql.words())
    on_postgresql.scrape()
    assert sorted(backends(cluster)) == before


@pytest.mark.parametrize("how", ["ended", "hung"])
def test_a_kept_session_that_does_not_answer_is_replaced_within_the_scrape(
    on_postgresql: Exporter, cluster: PrivateCluster, how: str
) -> None:
    on_postgresql.scrape()
    if how == "ended":
        with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
            disconnect(connection)
        scrape = on_postgresql.scrape()
    else:
        with suspended(*backends(cluster)):
            scrape = on_postgresql.scrape()
    for database in ("main", "walmart"):
        assert scrape.value("opskit_database_up", database=database) == 1
        assert is_complete(scrape, database)


def test_a_database_put_in_the_place_of_another_is_the_one_that_is_read(
    on_postgresql: Exporter, cluster: PrivateCluster
) -> None:
    """A restore swaps databases by renaming; the kept session would stay in the old one."""
    on_postgresql.scrape()
    with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE restored")
        connection.execute("ALTER DATABASE restored ALLOW_CONNECTIONS true")
        with psycopg.connect(cluster.conninfo("restored"), autocommit=True) as restored:
            restored.execute("CREATE TABLE one (); CREATE TABLE two ()")
        # catalogue rows: ALTER DATABASE waits until nobody is connected, and the case is that somebody stays
        rename = "UPDATE pg_database SET datname = %s WHERE datname = %s"
        connection.execute(rename, ("old", "main"))
        connection.execute(rename, ("main", "restored"))
        try:
            scrape = on_postgresql.scrape()
        finally:
            connection.execute(rename, ("restored", "main"))
            connection.execute(rename, ("main", "old"))
            connection.execute("DROP DATABASE restored WITH (FORCE)")
    assert scrape.value("opskit_database_tables", database="main") == 2


def test_after_a_failover_the_server_that_new_sessions_get_to_is_read_from_the_second_scrape_on(
    world: World, cluster: PrivateCluster
) -> None:
    """The address leads to another server, while the one before still answers who is connected to it."""
    address = world.directory / f".s.PGSQL.{cluster.port}"
    with private_cluster(settings={"fsync": "off"}) as promoted:
        promoted.create_database("walmart")
        with psycopg.connect(promoted.conninfo("walmart"), autocommit=True) as connection:
            connection.execute(
                "CREATE EXTENSION pg_stat_statements; CREATE TABLE one (); CREATE TABLE two ()"
            )
        lead(address, cluster)
        document = yaml.safe_load(world.config.read_text(encoding="utf-8"))
        document["databases"]["walmart"] |= {"host": str(world.directory), "port": cluster.port}
        world.config.write_text(yaml.safe_dump(document), encoding="utf-8")
        world.use("postgresql")
        with running(world) as exporter:
            before = exporter.scrape()
            lead(address, promoted)
            during = exporter.scrape()
            wait_until(lambda: len(backends(cluster)) == 1)
            after = exporter.scrape()
    assert is_complete(after, "walmart")
    tables = [one.value("opskit_database_tables", database="walmart") for one in (before, during, after)]
    assert tables == [1, 1, 2]


def lead(address: Path, cluster: PrivateCluster) -> None:
    """Lets who connects to the address get to this cluster."""
    address.unlink(missing_ok=True)
    address.symlink_to(cluster.socket_directory / f".s.PGSQL.{cluster.port}")
