"""Every panel of both dashboards shows something, once what it shows has happened."""

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from opskit.config import Engine
from opskit.runs.engine_record import write_record
from opskit.runs.rehearsal import Rehearsal, tell
from tests.integration.exporter.own_server import Server, own_server, replica
from tests.integration.exporter.prometheus import Prometheus, prometheus
from tests.integration.exporter.world import World, make_world, running, wait_until
from tests.support import Opskit, finish

MONITORING = Path(__file__).parents[3] / "monitoring"
LIBRARIES = (
    Path("/usr/share/doc/prometheus/examples/console_libraries"),
    Path(sys.prefix, "share/prometheus/console_libraries"),
)
"""Where Debian's package has them, and where scripts/setup puts them."""
GRAFANA = json.loads((MONITORING / "grafana/opskit.json").read_text(encoding="utf-8"))

RARE = (
    "opskit_exporter_series_dropped_total",  # more series than an answer may hold
    "opskit_backup_recovery_window_start_timestamp_seconds",  # pgBackRest
    "opskit_standby_retained_bytes",  # a database too large to be compared whole
    "opskit_standby_safe_bytes",
)
RARE_TABLES = {"Any moment comes back of the last"}
"""What does not happen here; test_alerts_of_* and the standby's own tests cause it."""

ON_SQLITE = {"SQLite file sound", "SQLite file checked, ago"}
"""Tables, which show this moment, of what is told as long as the application runs on SQLite."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has seen an application move to PostgreSQL and live there for a while."""
    directory = tmp_path_factory.mktemp("watched")
    directory.chmod(0o755)
    with own_server() as server:
        world = make_world(directory, server.cluster)
        document = yaml.safe_load(world.config.read_text(encoding="utf-8"))
        document["rollback"] = {"user": server.cluster.superuser}
        world.config.write_text(yaml.safe_dump(document), encoding="utf-8")
        consoles = (
            f"--web.console.templates={MONITORING}/prometheus/consoles",
            f"--web.console.libraries={libraries()}",
        )
        with (
            running(world) as exporter,
            prometheus(directory / "prometheus", exporter.port, *consoles) as asked,
        ):
            wait_until(lambda: asked.by_database("opskit_sqlite_wal_frames_pending"))
            world.sqlite("main").rename(directory / "away")
            wait_until(lambda: asked.by_database("opskit_probe_failures_total"))
            (directory / "away").rename(world.sqlite("main"))
            live(world, server, asked, directory)
            yield asked


def libraries() -> Path:
    """Prometheus' own, which consoles need; CI must have them."""
    found = next((one for one in LIBRARIES if one.is_dir()), None)
    if found is None and os.environ.get("CI") != "true":
        pytest.skip("the examples of Debian's package prometheus are not installed")
    assert found, "the examples of Debian's package prometheus are not installed"
    return found


def live(world: World, server: Server, asked: Prometheus, directory: Path) -> None:
    """Moves to PostgreSQL, and does what makes numbers there."""
    opskit = Opskit(world.state_dir)
    world.state_dir.mkdir(exist_ok=True)
    assert opskit("backup", "create", "--config", world.config).code == 0
    wait_until(lambda: asked.by_database("opskit_sqlite_integrity_ok"))
    write_record(world.state_dir, Engine.POSTGRESQL, "a cutover")
    (world.state_dir / "rehearsals.json").write_bytes(b"{")
    wait_until(lambda: asked.by_database("opskit_collector_failures_total"))
    world.use("postgresql")
    standby = opskit.start("standby", "run", "--config", world.config)
    tell(world.state_dir, {name: Rehearsal(datetime.now(UTC), 0.4) for name in ("main", "walmart")})
    for command in (("create",), ("verify", "--level", "files")):
        assert opskit("backup", *command, "--config", world.config).code == 0
    full = server.data / "archive_is_full"
    full.touch()
    server.run("SELECT pg_create_physical_replication_slot('slot', true)")
    with replica(server, directory):
        for _ in range(3):
            work(server)
            time.sleep(1)
        full.unlink()
        wait_until(lambda: asked.by_database("opskit_postgres_replication_lag_seconds"))
        wait_until(lambda: asked.by_database("opskit_rollback_ready"))
        time.sleep(2)
    standby.terminate()
    assert finish(standby).code == 0


def work(server: Server) -> None:
    for database in ("main", "walmart"):
        server.run(
            "INSERT INTO users SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n",
            "SET work_mem = '64kB'",
            "SELECT count(*) FROM (SELECT name FROM users ORDER BY name, id) AS sorted",
            "INSERT INTO log (line) VALUES ('x')" if database == "main" else "SELECT 1",
            "VACUUM ANALYZE",
            "CHECKPOINT",
            "SELECT pg_switch_wal()",
            database=database,
        )
        with suppress(psycopg.errors.DivisionByZero):
            server.run("SELECT 1 / 0", database=database)


def filled_in(expression: str) -> str:
    for word, meaning in (("$__rate_interval", "10s"), ("$instance", ".+"), ("$database", ".+")):
        expression = expression.replace(word, meaning)
    return expression


def drawn(asked: Prometheus, expression: str) -> list[Any]:
    now = time.time()
    times = {"start": str(now - 300), "end": str(now), "step": "1"}
    return json.loads(asked.get("api/v1/query_range", query=expression, **times))["data"]["result"]


def test_every_query_of_the_grafana_dashboard_finds_something(watched: Prometheus) -> None:
    queries = {target["expr"] for panel in GRAFANA["panels"] for target in panel.get("targets", ())}
    nothing = {one for one in queries if not drawn(watched, filled_in(one))}
    assert {one for one in nothing if not any(name in one for name in RARE)} == set()


def test_every_table_and_graph_of_the_console_finds_something(watched: Prometheus) -> None:
    overview = watched.get("consoles/opskit.html").decode()
    rows = re.findall(r'href="\?row=([a-z-]+)&amp;database=', overview)
    assert set(rows) >= {"overview", "queries", "way-back", "the-exporter"}
    for row in set(rows):
        page = watched.get("consoles/opskit.html", row=row, database="main|walmart").decode()
        graphs = re.findall(r"^  expr: (\[.*\]),$", page, re.MULTILINE)
        assert graphs or "<td>main" in page
        tables = re.findall(r"<h2[^>]*>([^<]*)</h2>\n<table(.*?)</table>", page, re.DOTALL)
        known = RARE_TABLES | ON_SQLITE
        assert [title for title, table in tables if "none" in table and title not in known] == []
        queries = [query for graph in graphs for query in json.loads(graph)]
        nothing = [one for one in queries if not drawn(watched, one.replace("[5m]", "[10s]"))]
        assert [one for one in nothing if not any(name in one for name in RARE)] == []
