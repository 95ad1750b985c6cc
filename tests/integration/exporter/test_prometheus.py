"""A real Prometheus scrapes a real exporter."""

import json

from tests.integration.exporter.prometheus import prometheus
from tests.integration.exporter.world import Exporter, World, wait_until


def test_prometheus_sees_both_databases_before_and_after_a_cutover(world: World, exporter: Exporter) -> None:
    both = {"main": 1.0, "walmart": 1.0}
    use = "opskit_database_up * on(database) opskit_database_engine"
    with prometheus(world.directory / "prometheus", exporter.port) as watching:
        wait_until(lambda: watching.by_database(f'{use}{{engine="sqlite"}}') == both)
        assert watching.by_database("up") == {"": 1.0}
        world.use("postgresql")
        wait_until(lambda: watching.by_database(f'{use}{{engine="postgresql"}}') == both)
        wait_until(
            lambda: len(watching.by_database("sum by (database) (rate(opskit_statements_total[10s]))")) == 2
        )
        assert set(watching.by_database("min_over_time(opskit_database_up[1m])").values()) == {1.0}
        targets = json.loads(watching.get("api/v1/targets"))["data"]["activeTargets"]
    assert [(target["health"], target["lastError"]) for target in targets] == [("up", "")]
