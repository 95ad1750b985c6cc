"""What the exporter says about healthy databases on both engines."""

import gzip
import subprocess
from pathlib import Path
from threading import Thread

import psycopg
import pytest
import yaml
from psycopg import sql

from opskit.exporter.catalogue import METRICS
from opskit.host.private_cluster import PrivateCluster
from tests.integration.exporter.prometheus import tool
from tests.integration.exporter.world import Exporter, World, make_world, running, wait_until

SOMETIMES = {
    f"opskit_postgres_{name}"
    for name in (
        "locks",
        "stats_reset_timestamp_seconds",
        "block_read_seconds_total",
        "block_write_seconds_total",
        "checksum_failures_total",
        "sequence_used_ratio",
        "table_last_vacuum_timestamp_seconds",
        "table_last_analyze_timestamp_seconds",
    )
}
"""What a healthy database that has just been made need not tell."""


NOT_HERE = {
    "opskit_sqlite_hot_journal",
    "opskit_sqlite_integrity_ok",
    "opskit_sqlite_integrity_check_timestamp_seconds",
}
"""What is told of a file with a rollback journal, or by a backup."""


def named(prefix: str) -> set[str]:
    return {
        metric.name for metric in METRICS if metric.name.startswith(prefix) and "database" in metric.labels
    }


def test_a_sqlite_database_reports_health_and_every_sqlite_metric(exporter: Exporter) -> None:
    scrape = exporter.scrape()
    for database in ("main", "walmart"):
        assert scrape.value("opskit_database_up", database=database) == 1
        assert scrape.value("opskit_database_engine", database=database, engine="sqlite") == 1
        assert scrape.value("opskit_database_engine", database=database, engine="postgresql") == 0
        assert scrape.value("opskit_database_tables", database=database) == 1
        assert scrape.value("opskit_database_writable", database=database) == 1
        assert named("opskit_sqlite_") - NOT_HERE <= scrape.of_database(database)
        assert not {name for name in scrape.of_database(database) if "postgres" in name}
        assert scrape.value("opskit_statement_stats_available", database=database) == 0


def test_a_postgresql_database_reports_health_and_every_postgresql_metric(on_postgresql: Exporter) -> None:
    scrape = on_postgresql.scrape()
    for database in ("main", "walmart"):
        assert scrape.value("opskit_database_up", database=database) == 1
        assert scrape.value("opskit_database_engine", database=database, engine="postgresql") == 1
        assert scrape.value("opskit_database_tables", database=database) == 1
        assert scrape.value("opskit_database_writable", database=database) == 1
        assert scrape.value("opskit_database_size_bytes", database=database) > 1_000_000
        assert named("opskit_postgres_") - SOMETIMES <= scrape.of_database(database)
        assert not {name for name in scrape.of_database(database) if "sqlite" in name}
        assert set(scrape.all("opskit_collector_success", database=database).values()) == {1.0}
    assert scrape.value("opskit_postgres_connections_limit") == 100
    assert scrape.value("opskit_postgres_in_recovery") == 0
    assert scrape.value("opskit_postgres_wal_bytes_total") > 0
    assert scrape.value("opskit_postgres_wal_directory_bytes") >= 16 * 1024 * 1024
    assert scrape.value("opskit_postgres_checkpoints_total", trigger="timed") is not None
    assert not [name for name in scrape.names if "archive" in name]  # it is off


def test_a_cutover_and_a_rollback_show_at_once_and_need_no_restart(world: World, exporter: Exporter) -> None:
    for engine in ("sqlite", "postgresql", "sqlite"):
        world.use(engine)
        scrape = exporter.scrape()
        assert scrape.value("opskit_database_up", database="main") == 1
        assert scrape.value("opskit_database_engine", database="main", engine=engine) == 1


def test_the_applications_env_file_says_which_engine_and_not_the_exporters_environment(world: World) -> None:
    with running(world, env={"DATABASE_TYPE": "postgresql"}) as exporter:
        assert exporter.scrape().value("opskit_database_engine", database="main", engine="sqlite") == 1


def test_without_an_env_file_the_exporters_environment_says_which_engine(world: World) -> None:
    document = yaml.safe_load(world.config.read_text(encoding="utf-8"))
    del document["application"]
    world.config.write_text(yaml.safe_dump(document), encoding="utf-8")
    with running(world, env={"DATABASE_TYPE": "postgresql"}) as exporter:
        assert exporter.scrape().value("opskit_database_engine", database="main", engine="postgresql") == 1


def test_tables_are_those_of_the_databases_own_schema(tmp_path: Path, cluster: PrivateCluster) -> None:
    with psycopg.connect(cluster.conninfo("main"), autocommit=True) as connection:
        connection.execute(
            'CREATE SCHEMA "Wal mart"; CREATE TABLE "Wal mart".a (); CREATE TABLE "Wal mart".b ()'
        )
        world = make_world(tmp_path, cluster)
        document = yaml.safe_load(world.config.read_text(encoding="utf-8"))
        document["databases"]["walmart"] |= {"postgresql": "main", "schema": "Wal mart"}
        world.config.write_text(yaml.safe_dump(document), encoding="utf-8")
        world.use("postgresql")
        with running(world) as exporter:
            scrape = exporter.scrape()
        connection.execute('DROP SCHEMA "Wal mart" CASCADE')
    assert scrape.value("opskit_database_tables", database="main") == 1
    assert scrape.value("opskit_database_tables", database="walmart") == 2


def test_the_exporter_may_log_in_as_another_role_than_the_application(
    tmp_path: Path, cluster: PrivateCluster
) -> None:
    """On the provisioned host it is a peer without rights, and the application's password is not its own."""
    with psycopg.connect(cluster.conninfo("main"), autocommit=True) as connection:
        connection.execute("CREATE ROLE watcher LOGIN")
        world = make_world(tmp_path, cluster, host="127.0.0.1", user="app", password={"file": "/nowhere"})
        document = yaml.safe_load(world.config.read_text(encoding="utf-8"))
        document["exporter"] = {"reuse": "0s", "user": "watcher", "host": str(cluster.socket_directory)}
        world.config.write_text(yaml.safe_dump(document), encoding="utf-8")
        world.use("postgresql")
        with running(world) as exporter:
            scrape = exporter.scrape()
            users = connection.execute(
                "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'opskit-exporter'"
            ).fetchall()
        connection.execute("DROP ROLE watcher")
    assert scrape.value("opskit_database_up", database="main") == 1
    assert users == [("watcher",)]


def test_an_unknown_engine_is_down_and_says_so(world: World, exporter: Exporter) -> None:
    world.use("oracle")
    scrape = exporter.scrape()
    assert scrape.value("opskit_database_up", database="main") == 0
    assert not scrape.all("opskit_database_engine", database="main")
    assert (
        scrape.value("opskit_probe_failures_total", database="main", probe="connect", reason="database_type")
        == 1
    )


def test_sessions_are_counted_by_state_and_blocking_is_seen(
    on_postgresql: Exporter, cluster: PrivateCluster
) -> None:
    conninfo = cluster.conninfo("main")
    with psycopg.connect(conninfo) as holder, psycopg.connect(conninfo, autocommit=True) as waiter:
        holder.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        waiting = Thread(target=waiter.execute, args=("SELECT count(*) FROM users",))
        waiting.start()
        with psycopg.connect(cluster.conninfo("walmart"), autocommit=True) as watcher:
            wait_until(lambda: watcher.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall())
        scrape = on_postgresql.scrape()
        holder.rollback()
        waiting.join()
    assert scrape.value("opskit_postgres_connections", database="main", state="idle_in_transaction") == 1
    assert scrape.value("opskit_postgres_connections", database="main", state="active") == 1
    assert scrape.value("opskit_postgres_connections", database="walmart", state="active") == 0
    assert scrape.value("opskit_postgres_blocked_sessions", database="main") == 1
    assert scrape.value("opskit_postgres_blocking_sessions", database="main") == 1
    assert scrape.value("opskit_postgres_longest_block_seconds", database="main") > 0
    assert scrape.value("opskit_postgres_blocked_sessions", database="walmart") == 0
    assert (
        scrape.value("opskit_postgres_locks", database="main", mode="AccessExclusiveLock", granted="true")
        == 1
    )
    assert (
        scrape.value("opskit_postgres_locks", database="main", mode="AccessShareLock", granted="false") == 1
    )
    state = {"database": "main", "state": "idle_in_transaction"}
    assert scrape.value("opskit_postgres_longest_transaction_seconds", **state) > 0


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("SELECT count(*) FROM users", "select"),
        ("INSERT INTO users SELECT max(id) + 1 FROM users", "insert"),
        ("UPDATE users SET name = 'kept secret'", "update"),
        ("DELETE FROM users WHERE id > 2", "delete"),
        ("  /* a comment */ -- and one more\n (SELECT name FROM users)", "select"),
        ("WITH u AS (SELECT 1) SELECT * FROM u", "with"),
        ("BEGIN; ROLLBACK", "transaction"),
        ("CREATE TEMPORARY TABLE t (a int); DROP TABLE t", "other"),
    ],
)
def test_statements_are_counted_by_kind(
    on_postgresql: Exporter, cluster: PrivateCluster, statement: str, kind: str
) -> None:
    def calls() -> float:
        return on_postgresql.scrape().value("opskit_statements_total", database="main", kind=kind) or 0

    with psycopg.connect(cluster.conninfo("main"), autocommit=True) as connection:
        connection.execute(statement)
        before = calls()
        connection.execute(statement)
        assert calls() > before


def test_the_costliest_statements_are_reported_by_id_and_never_by_text(
    on_postgresql: Exporter, cluster: PrivateCluster
) -> None:
    with psycopg.connect(cluster.conninfo("main"), autocommit=True) as connection:
        for columns in range(1, 60):
            connection.execute(
                sql.SQL("SELECT {}").format(sql.SQL(",").join([sql.SQL("'hush-hush'::text")] * columns))
            )
        connection.execute("SELECT pg_sleep(0.3)")
        row = connection.execute(
            "SELECT queryid FROM pg_stat_statements WHERE query LIKE '%pg_sleep%'"
        ).fetchone()
    assert row is not None
    answer = on_postgresql.get()
    scrape = on_postgresql.scrape()
    seconds = scrape.all("opskit_top_statement_seconds_total", database="main")
    assert 0 < len(seconds) <= 20
    assert scrape.value("opskit_top_statements_limit") == 20
    assert scrape.value("opskit_top_statement_seconds_total", database="main", queryid=str(row[0])) >= 0.3
    assert scrape.value("opskit_top_statement_info", database="main", queryid=str(row[0]), kind="select") == 1
    for word in (b"hush", b"pg_sleep"):
        assert word not in answer.body


def test_what_keeps_vacuum_from_its_work_and_what_nears_its_end_is_seen(
    tmp_path: Path, cluster: PrivateCluster
) -> None:
    with (
        psycopg.connect(cluster.conninfo("main"), autocommit=True) as connection,
        psycopg.connect(cluster.conninfo("main")) as reader,
    ):
        connection.execute("CREATE TABLE near (id integer GENERATED ALWAYS AS IDENTITY, big bigserial)")
        connection.execute("SELECT setval('near_id_seq', 2000000000)")
        connection.execute("INSERT INTO near DEFAULT VALUES")
        connection.execute("VACUUM ANALYZE near")
        connection.execute("CREATE INDEX failed ON near (big)")
        connection.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'failed'::regclass")
        reader.execute("SELECT pg_current_xact_id()")
        connection.execute("SELECT pg_current_xact_id()")
        world = make_world(tmp_path, cluster)
        world.use("postgresql")
        try:
            with running(world) as exporter:
                scrape = exporter.scrape()
        finally:
            connection.execute("DROP TABLE near")
    about = {"database": "main", "table": "near"}
    used = scrape.value("opskit_postgres_sequence_used_ratio", database="main", sequence="near_id_seq")
    assert 0.93 < used < 0.94
    assert (
        scrape.value("opskit_postgres_sequence_used_ratio", database="main", sequence="near_big_seq") < 0.01
    )
    assert scrape.value("opskit_postgres_invalid_indexes", database="main") == 1
    assert scrape.value("opskit_postgres_oldest_xmin_age", database="main") >= 1
    assert scrape.value("opskit_postgres_oldest_xmin_age", database="walmart") == 0
    assert scrape.value("opskit_postgres_xid_age", database="main") > 0
    assert scrape.value("opskit_postgres_table_live_rows", **about) == 1
    assert scrape.value("opskit_postgres_table_size_bytes", **about) > 0
    assert scrape.value("opskit_postgres_table_last_vacuum_timestamp_seconds", **about) > 0


def test_a_slot_tells_what_it_keeps_and_whether_anybody_reads_it(
    on_postgresql: Exporter, cluster: PrivateCluster
) -> None:
    with psycopg.connect(cluster.conninfo("main"), autocommit=True) as connection:
        connection.execute("SELECT pg_create_physical_replication_slot('forgotten', true)")
        try:
            scrape = on_postgresql.scrape()
        finally:
            connection.execute("SELECT pg_drop_replication_slot('forgotten')")
    assert scrape.value("opskit_postgres_slot_active", slot="forgotten") == 0
    assert scrape.value("opskit_postgres_slot_retained_bytes", slot="forgotten") >= 0
    assert scrape.value("opskit_postgres_slot_lost", slot="forgotten") == 0
    assert scrape.value("opskit_postgres_replicas") == 0


def test_without_pg_stat_statements_there_are_no_statement_series_rather_than_zeros(
    on_postgresql: Exporter, cluster: PrivateCluster
) -> None:
    with psycopg.connect(cluster.conninfo("walmart"), autocommit=True) as connection:
        connection.execute("DROP EXTENSION pg_stat_statements")
        try:
            scrape = on_postgresql.scrape()
        finally:
            connection.execute("CREATE EXTENSION pg_stat_statements")
    assert scrape.value("opskit_statement_stats_available", database="walmart") == 0
    assert scrape.value("opskit_statement_stats_available", database="main") == 1
    assert not scrape.all("opskit_statements_total", database="walmart")
    assert not scrape.all("opskit_top_statement_info", database="walmart")
    assert set(scrape.all("opskit_collector_success", database="walmart").values()) == {1.0}


def test_the_extension_may_live_in_any_schema(on_postgresql: Exporter, cluster: PrivateCluster) -> None:
    with psycopg.connect(cluster.conninfo("walmart"), autocommit=True) as connection:
        connection.execute('CREATE SCHEMA "Odd, Name"')
        connection.execute('ALTER EXTENSION pg_stat_statements SET SCHEMA "Odd, Name"')
        try:
            assert on_postgresql.scrape().all("opskit_statements_total", database="walmart")
        finally:
            connection.execute("ALTER EXTENSION pg_stat_statements SET SCHEMA public")


def test_a_role_without_any_right_still_gets_all_collectors(tmp_path: Path, cluster: PrivateCluster) -> None:
    with psycopg.connect(cluster.conninfo("main"), autocommit=True) as connection:
        connection.execute("CREATE ROLE humble LOGIN")
        connection.execute("SELECT 1")
        world = make_world(tmp_path, cluster, user="humble")
        world.use("postgresql")
        with running(world) as exporter:
            scrape = exporter.scrape()
        connection.execute("DROP ROLE humble")
    assert set(scrape.all("opskit_collector_success", database="main").values()) == {1.0}
    assert scrape.value("opskit_postgres_connections", database="main", state="hidden") == 1
    assert scrape.value("opskit_statements_total", database="main", kind="hidden") > 0
    for hidden in ("oldest_xmin_age", "autovacuum_workers", "wal_directory_bytes"):
        assert f"opskit_postgres_{hidden}" not in scrape.names


def test_promtool_finds_nothing_to_say(world: World, exporter: Exporter) -> None:
    promtool = tool("promtool")
    for engine in ("sqlite", "postgresql"):
        world.use(engine)
        exporter.get("/nothing")
        body = exporter.get().body
        done = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_openmetrics_is_served_to_who_asks_for_it(exporter: Exporter) -> None:
    answer = exporter.get(Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.body.endswith(b"# EOF\n")
    assert exporter.get().headers["content-type"].startswith("text/plain; version=0.0.4")


def test_gzip_is_served_to_who_accepts_it(exporter: Exporter) -> None:
    answer = exporter.get(Accept_Encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert b"opskit_database_up" in gzip.decompress(answer.body)
    assert len(answer.body) < 6000


def test_no_counter_falls_from_one_scrape_to_the_next(on_postgresql: Exporter) -> None:
    before, after = on_postgresql.scrape(), on_postgresql.scrape()
    fallen = {
        key: (value, after.samples[key])
        for key, value in before.samples.items()
        if key[0].endswith("_total") and key in after.samples and after.samples[key] < value
    }
    assert not fallen


def test_the_series_stay_far_below_the_limit(on_postgresql: Exporter) -> None:
    scrape = on_postgresql.scrape()
    assert len(scrape.samples) < 1000
    assert not scrape.all("opskit_exporter_series_dropped_total")
