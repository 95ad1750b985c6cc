"""A host on which all is well, to be varied by each test."""

from pathlib import Path

from opskit.config import Engine
from opskit.doctor.facts import (
    Database,
    Environment,
    Facts,
    FileState,
    Host,
    Session,
    SqliteFile,
    Target,
    Volume,
)
from opskit.provision.cluster.planning import ClusterFacts

GIB = 1 << 30
ENV = Path("/srv/crewai/.env")
DATA = Path("/var/lib/postgresql/15/main")
CLUSTER = ClusterFacts(
    15,
    "main",
    5432,
    True,
    "postgres",
    "auto",
    DATA,
    Path("/etc/postgresql/15/main"),
    Path("/var/run/postgresql"),
)
VOLUME = Volume((DATA, Path("/srv/crewai/data")), 100 * GIB, 50 * GIB, 1_000_000, 900_000)
WELL = Session(True, True, True, (), "", 0.0)


def target(key: str = "POSTGRES_DB", host: str = "localhost", port: str = "5432") -> Target:
    return Target(host, port, "crewai_main" if key == "POSTGRES_DB" else "crewai_walmart", "crewai_user", key)


def sqlite(name: str = "main") -> SqliteFile:
    return SqliteFile(Path(f"/srv/crewai/data/{name}.db"), FileState.SOUND, holders=())


def facts() -> Facts:
    """Both databases on both sides, the application on SQLite."""
    return Facts(
        Engine.SQLITE,
        Environment(ENV, exists=True, values={}),
        None,
        (
            Database("main", "public", target(), WELL, sqlite()),
            Database("walmart", "public", target("POSTGRES_WALMART_DB"), WELL, sqlite("walmart")),
        ),
        Host((CLUSTER,), (VOLUME,), clock_synchronised=True),
        drift=(),
    )
