"""What the standby sustains, what it needs, and what it costs PostgreSQL's writers.

    .venv/bin/python -m benchmarks.standby                     # all
    .venv/bin/python -m benchmarks.standby backlog cost       # some

A private cluster with the roles that `opskit provision` makes, tables of the sample application's kinds, and
the standby's real process, armed with `log`. One line of JSON for each part:

    backlog      changes a second, and a second of the processor's, while it catches up small transactions
    paced        how far it is behind while writers commit 20,000 changes a second
    transaction  the same and the memory at most, for one transaction of a million changes
    whole        the memory at most while a million rows that differ are compared and replaced
    cost         the writers' throughput beside the standby, by their throughput alone; pairs in random order
"""

import argparse
import json
import tempfile
from pathlib import Path

import psycopg

from benchmarks.standby.parts import PARTS
from benchmarks.standby.world import RIGHTS, ROLES, SETTINGS, WORK, Application, Standby, filled
from opskit.host.private_cluster import private_cluster


def main() -> None:
    parser = argparse.ArgumentParser(description="The standby's rates, memory and cost.")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--changes", type=int, default=500_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--niceness", type=int, default=10, help="the service's is 10")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, private_cluster(settings=SETTINGS) as cluster:
        room = Path(directory)
        with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(ROLES)
        cluster.create_database("app", "opskit_owner")
        with psycopg.connect(cluster.conninfo("app"), autocommit=True) as connection:
            connection.execute(RIGHTS)
        application = Application(cluster)
        standby = Standby(application, room, asked.niceness)
        standby.opskit(
            "migrate", str(filled(room / "app.db")), cluster.conninfo("app", "opskit_owner"), "--yes"
        )
        application.run(WORK)
        try:
            standby.start()
            for name in asked.parts or PARTS:
                print(json.dumps({"part": name, **PARTS[name](application, standby, asked)}), flush=True)
        finally:
            standby.stop()


if __name__ == "__main__":
    main()
