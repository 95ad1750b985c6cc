"""PostgreSQL stopped, hung and restarted: answers in time, and the truth about both databases."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import yaml

from opskit.host.private_cluster import PrivateCluster, private_cluster
from tests.integration.exporter.servers import backends, disconnect, is_complete, suspended
from tests.integration.exporter.world import Exporter, Scrape, World, make_world, running, wait_until


def test_postgresql_stopped_is_down_at_once_and_up_at_the_first_scrape_after(
    on_postgresql: Exporter, cluster: PrivateCluster
) -> None:
    assert is_complete(on_postgresql.scrape(), "main")
    cluster.stop()
    try:
        down = on_postgresql.scrape()
    finally:
        cluster.start()
    assert down.value("opskit_database_up", database="main") == 0
    assert (
        down.value("opskit_probe_failures_total", database="main", probe="connect", reason="not_running") == 1
    )
    assert not down.all("opskit_database_size_bytes")
    assert not down.all("opskit_collector_success", database="main", collector="connections")
    up = on_postgresql.scrape()
    assert up.value("opskit_database_up", database="main") == 1
    assert is_complete(up, "main")
    assert is_complete(up, "walmart")


def test_the_first_scrape_after_a_restart_is_complete(
    on_postgresql: Exporter, cluster: PrivateCluster
) -> None:
    for _ in range(3):
        before = on_postgresql.scrape().value("opskit_database_start_time_seconds", database="main")
        cluster.restart()
        scrape = on_postgresql.scrape()
        assert scrape.value("opskit_database_up", database="main") == 1
        assert is_complete(scrape, "main")
        assert scrape.value("opskit_database_start_time_seconds", database="main") != before


def test_a_hung_postmaster_holds_no_scrape_and_is_down(
    on_postgresql: Exporter, cluster: PrivateCluster
) -> None:
    with suspended(cluster.pid):
        for _ in range(2):
            scrape = on_postgresql.scrape()
            assert scrape.value("opskit_database_up", database="main") == 0
            assert scrape.value("opskit_database_engine", database="main", engine="postgresql") == 1
            assert scrape.all("opskit_probe_failures_total", database="main", reason="deadline")
    assert is_complete(on_postgresql.scrape(), "main")


def test_prometheus_own_timeout_shortens_the_deadline(
    on_postgresql: Exporter, cluster: PrivateCluster
) -> None:
    with suspended(cluster.pid):
        answer = on_postgresql.get(X_Prometheus_Scrape_Timeout_Seconds="1")
    assert answer.status == 200
    assert answer.seconds < 1
    assert Scrape(answer.body.decode()).value("opskit_database_up", database="main") == 0


def test_overlapping_scrapes_make_one_collection(on_postgresql: Exporter, cluster: PrivateCluster) -> None:
    labels = {"database": "main", "probe": "connect", "reason": "deadline"}
    with suspended(cluster.pid), ThreadPoolExecutor(3) as clients:
        answers = [clients.submit(on_postgresql.scrape) for _ in range(3)]
        scrapes = [answer.result() for answer in answers]
    assert {scrape.value("opskit_database_up", database="main") for scrape in scrapes} == {0}
    assert on_postgresql.scrape().value("opskit_probe_failures_total", **labels) == 1


def test_a_hung_session_of_the_application_disturbs_nothing(
    on_postgresql: Exporter, cluster: PrivateCluster
) -> None:
    with psycopg.connect(cluster.conninfo("main")) as connection, suspended(connection.info.backend_pid):
        scrape = on_postgresql.scrape()
    assert scrape.value("opskit_database_up", database="main") == 1
    assert is_complete(scrape, "main")
    assert is_complete(scrape, "walmart")


def test_a_locked_catalogue_costs_one_collector_and_no_other(
    on_postgresql: Exporter, cluster: PrivateCluster
) -> None:
    with psycopg.connect(cluster.conninfo("main")) as holder:
        holder.execute("LOCK TABLE pg_catalog.pg_extension IN ACCESS EXCLUSIVE MODE")
        scrape = on_postgresql.scrape()
        holder.rollback()
    assert scrape.value("opskit_database_up", database="main") == 1
    success = scrape.all("opskit_collector_success", database="main")
    assert [dict(labels)["collector"] for labels, value in success.items() if not value] == [
        "statement_stats"
    ]
    labels = {"database": "main", "collector": "statement_stats", "reason": "query_canceled"}
    assert scrape.value("opskit_collector_failures_total", **labels) == 1
    assert is_complete(scrape, "walmart")


def test_the_exporters_own_backend_hung_costs_what_it_had_not_yet_answered(
    on_postgresql: Exporter, cluster: PrivateCluster
) -> None:
    with psycopg.connect(cluster.conninfo("main")) as holder, ThreadPoolExecutor(1) as client:
        holder.execute("LOCK TABLE pg_catalog.pg_extension IN ACCESS EXCLUSIVE MODE")
        scraping = client.submit(on_postgresql.scrape)
        wait_until(lambda: backends(cluster, "Lock"))
        with suspended(*backends(cluster, "Lock")):
            scrape = scraping.result()
        holder.rollback()
    assert scrape.value("opskit_database_up", database="main") == 1
    labels = {"database": "main", "collector": "statement_stats", "reason": "deadline"}
    assert scrape.value("opskit_collector_failures_total", **labels) == 1
    assert scrape.value("opskit_database_writable", database="main") == 1
    assert is_complete(scrape, "walmart")
    assert is_complete(on_postgresql.scrape(), "main")


def test_abandoned_sessions_do_not_pile_up(on_postgresql: Exporter, cluster: PrivateCluster) -> None:
    on_postgresql.scrape()
    with suspended(cluster.pid):
        for _ in range(4):
            on_postgresql.scrape()
        assert len(list(Path(f"/proc/{on_postgresql.process.pid}/task").iterdir())) <= 4
        descriptors = Path(f"/proc/{on_postgresql.process.pid}/fd").iterdir()
        sockets = [one for one in descriptors if "socket" in os.path.realpath(one)]
        assert len(sockets) <= 8
    wait_until(lambda: backends(cluster) == [])
    on_postgresql.scrape()
    wait_until(lambda: len(backends(cluster)) == 2)  # one is kept for each database


def test_one_database_that_cannot_be_reached_leaves_the_other_complete(
    on_postgresql: Exporter, cluster: PrivateCluster
) -> None:
    with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
        disconnect(connection)
        connection.execute("ALTER DATABASE main RENAME TO elsewhere")
        try:
            scrape = on_postgresql.scrape()
        finally:
            connection.execute("ALTER DATABASE elsewhere RENAME TO main")
    assert scrape.value("opskit_database_up", database="main") == 0
    assert scrape.all("opskit_probe_failures_total", database="main", reason="database_missing")
    assert scrape.value("opskit_database_up", database="walmart") == 1
    assert is_complete(scrape, "walmart")


def test_a_wrong_password_is_down_and_appears_nowhere(tmp_path: Path, cluster: PrivateCluster) -> None:
    with psycopg.connect(cluster.conninfo("main"), autocommit=True) as connection:
        connection.execute("CREATE ROLE locked_out LOGIN PASSWORD 'right'")
        secret = tmp_path / "password"
        secret.write_text("hush-hush-password\n", encoding="utf-8")
        world = make_world(
            tmp_path, cluster, host="127.0.0.1", user="locked_out", password={"file": str(secret)}
        )
        world.use("postgresql")
        with running(world, "-v") as exporter:
            answers = [exporter.get(path) for path in ("/metrics", "/", "/nothing")]
            failures = exporter.scrape().all("opskit_probe_failures_total", database="main")
            exporter.stop()
        connection.execute("DROP ROLE locked_out")
    assert {dict(labels)["reason"] for labels in failures} == {"authentication"}
    everything = exporter.words() + "".join(answer.body.decode() for answer in answers)
    for word in ("hush-hush", "locked_out"):
        assert word not in everything


@pytest.fixture
def on_two_servers(world: World, cluster: PrivateCluster) -> Iterator[tuple[Exporter, PrivateCluster]]:
    """`main` lives on the cluster, `walmart` on the second one."""
    with private_cluster(settings={"fsync": "off"}) as second:
        second.create_database("walmart")
        with psycopg.connect(second.conninfo("walmart"), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
        document = yaml.safe_load(world.config.read_text(encoding="utf-8"))
        document["databases"]["walmart"] |= {"host": str(second.socket_directory), "port": second.port}
        world.config.write_text(yaml.safe_dump(document), encoding="utf-8")
        world.use("postgresql")
        with running(world) as exporter:
            yield exporter, second


def test_a_server_stopped_hung_or_restarted_leaves_the_database_of_another_server_unaffected(
    on_two_servers: tuple[Exporter, PrivateCluster], cluster: PrivateCluster
) -> None:
    exporter, second = on_two_servers
    second.stop()
    stopped = exporter.scrape()
    second.start()
    started = exporter.scrape()
    with suspended(second.pid):
        hung = exporter.scrape()
    for scrape, up in ((stopped, 0), (started, 1), (hung, 0)):
        assert scrape.value("opskit_database_up", database="walmart") == up
        assert scrape.value("opskit_database_up", database="main") == 1
        assert is_complete(scrape, "main")
