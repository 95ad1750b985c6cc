"""What tests do to PostgreSQL, and how they see the exporter in it."""

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import scalar_row

from opskit.exporter import status_files
from opskit.exporter.postgresql_queries import COLLECTORS
from opskit.host.private_cluster import PrivateCluster
from tests.integration.exporter.world import Scrape


@contextmanager
def suspended(*pids: int) -> Generator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def backends(cluster: PrivateCluster, event: str = "") -> list[int]:
    """The exporter's sessions; only those that wait for such an event, when one is named."""
    query = (
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'opskit-exporter'"
        " AND (wait_event_type = %(event)s OR %(event)s = '')"
    )
    with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
        return connection.cursor(row_factory=scalar_row).execute(query, {"event": event}).fetchall()


def disconnect(connection: "psycopg.Connection[Any]") -> None:
    """Ends the exporter's sessions, as one does who renames or drops a database."""
    connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name = 'opskit-exporter'"
    )


def is_complete(scrape: Scrape, database: str) -> bool:
    collectors = scrape.all("opskit_collector_success", database=database)
    return len(collectors) == len((*COLLECTORS, *status_files.COLLECTORS)) and set(collectors.values()) == {
        1.0
    }
