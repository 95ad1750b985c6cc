"""What the exporter asks a PostgreSQL database: each collector runs the query that has its name."""

from dataclasses import dataclass

from opskit.config import Engine
from opskit.exporter.calls import Call
from opskit.exporter.queries import query

SLOWLY = 55.0
"""For so many seconds what changes slowly is told again and not asked: a little less than a minute."""

LARGEST_TABLES = 10
SEQUENCES = 5
REPLICAS = 10
"""How many of these are told singly at most; of replicas and of slots."""


@dataclass(frozen=True, slots=True)
class Collector:
    """A query to run.

    Attributes:
        requires: the collector that must have found `available` true first.
        every: for so many seconds what it found is told again; 0: it is asked each time.
        alone: it may have to wait for a lock, and so shares no statement with others; nor do those that are
            not asked each time.
    """

    name: str
    requires: str = ""
    every: float = 0.0
    alone: bool = False


COLLECTORS = (
    Collector("database"),
    Collector("size", every=SLOWLY),
    Collector("tables", every=SLOWLY),
    Collector("limits", every=SLOWLY),
    Collector("connections"),
    Collector("sessions"),
    Collector("transactions"),
    Collector("rows"),
    Collector("locks"),
    Collector("blocking"),
    Collector("longest"),
    Collector("running"),
    Collector("wal_written"),
    Collector("archiver"),
    Collector("checkpoints"),
    Collector("replication"),
    Collector("vacuum", every=SLOWLY),
    Collector("largest_tables", every=SLOWLY),
    Collector("sequences", every=SLOWLY),
    Collector("statement_stats", alone=True),
    Collector("wal_files", requires="wal_written", every=SLOWLY),
    Collector("statements", requires="statement_stats"),
    Collector("statement_evictions", requires="statement_stats"),
)

STATEMENTS = "statements"
"""The collector whose rows are put together from several queries and from what was told before."""

IDENTITY = Call("identity", query(Engine.POSTGRESQL, "identity"), single=True)
KINDS = "statement_kinds"
"""Queries beside those of the collectors."""


def asking(collector: Collector, parameters: tuple[bytes, ...] = ()) -> Call:
    """The call that runs a collector, or a query by its name."""
    text = query(Engine.POSTGRESQL, collector.name)
    return Call(collector.name, text, parameters, joins=not (collector.every or collector.alone))
