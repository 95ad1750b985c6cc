"""Metrics of the application's own, from a file of queries."""

import signal

import psycopg
import yaml

from opskit.host.private_cluster import PrivateCluster
from tests.integration.exporter.world import World, running, wait_until

QUERIES = {
    "users": {
        "query": "select column2 as who, count(*) as users, max(column1) as newest from people group by who;",
        "databases": ["main"],
        "metrics": {
            "shop_users": {"type": "gauge", "help": "Users.", "column": "users", "labels": ["who"]},
            "shop_newest_total": {
                "type": "counter",
                "help": "Newest user.",
                "column": "newest",
                "labels": ["who"],
            },
        },
    },
    "wrong": {
        "query": "select nonsense",
        "metrics": {"shop_wrong": {"type": "gauge", "help": "None.", "column": "nonsense"}},
    },
    "endless": {
        "engine": "sqlite",
        "query": "with recursive n (i) as (select 1 union all select i from n) select count(*) as c from n",
        "metrics": {"shop_endless": {"type": "gauge", "help": "None.", "column": "c"}},
    },
    "people": {
        "engine": "sqlite",
        "query": "select count(*) as c from users",
        "metrics": {"shop_rows": {"type": "gauge", "help": "Rows.", "column": "c"}},
    },
}


def configure(world: World, queries: dict[str, object]) -> None:
    (world.directory / "queries.yaml").write_text(yaml.safe_dump({"queries": queries}), encoding="utf-8")
    document = yaml.safe_load(world.config.read_text(encoding="utf-8"))
    document["exporter"] = {"reuse": "0s", "queries": "queries.yaml"}
    world.config.write_text(yaml.safe_dump(document), encoding="utf-8")


def test_queries_of_ones_own_are_metrics_and_one_that_fails_takes_no_other_with_it(
    world: World, cluster: PrivateCluster
) -> None:
    configure(world, {name: QUERIES[name] for name in ("users", "wrong")})
    world.use("postgresql")
    with psycopg.connect(cluster.conninfo("main"), autocommit=True) as connection:
        connection.execute("CREATE TABLE people AS VALUES (1::bigint, 'a'), (2, 'b')")
        try:
            with running(world) as exporter:
                scrape = exporter.scrape()
                connection.execute("ALTER TABLE people ALTER column1 TYPE integer")
                altered = exporter.scrape()
        finally:
            connection.execute("DROP TABLE people")
    for one in (scrape, altered):
        assert one.value("shop_users", database="main", who="a") == 1
        assert one.value("shop_newest_total", database="main", who="b") == 2
        assert not one.all("shop_users", database="walmart")
        assert one.value("opskit_collector_success", database="main", collector="users") == 1
        assert one.value("opskit_collector_success", database="main", collector="wrong") == 0
        assert one.value("opskit_database_up", database="main") == 1
    failure = {"database": "main", "collector": "wrong", "reason": "undefined_column"}
    assert scrape.value("opskit_collector_failures_total", **failure) > 0


def test_of_sqlite_they_are_asked_under_the_deadline(world: World) -> None:
    configure(world, {name: QUERIES[name] for name in ("people", "endless")})
    with running(world) as exporter:
        scrape = exporter.scrape()
    assert scrape.value("opskit_database_up", database="main") == 1
    assert scrape.value("shop_rows", database="main") == 2
    assert not scrape.all("shop_endless")
    failure = {"database": "main", "collector": "endless", "reason": "deadline"}
    assert scrape.value("opskit_collector_failures_total", **failure) > 0


def test_a_file_with_faults_is_a_usage_error_and_at_a_reload_the_one_before_stays(world: World) -> None:
    configure(world, {"people": QUERIES["people"]})
    with running(world) as exporter:
        configure(world, {"People": QUERIES["people"]})
        exporter.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "queries.People: the name is" in exporter.words())
        assert exporter.scrape().value("shop_rows", database="main") == 2
    with running(world, wait=False) as exporter:
        assert exporter.process.wait(20) == 2
    assert "queries.People" in exporter.words()
