"""The server that provision works on, looked up anew at each question: a run makes and starts it."""

import pwd
import time
from dataclasses import dataclass

from psycopg.pq import Ping

from opskit.config import Configuration
from opskit.errors import ConnectionFailed
from opskit.host.clusters import START_SECONDS, listed, settle
from opskit.provision.cluster.listing import clusters
from opskit.provision.cluster.planning import ClusterFacts, WantedCluster, found
from opskit.provision.door import Door, local_door, remote_door

ANSWER_SECONDS = 30.0
"""Until a started server listens; what follows, recovery after a crash, may take longer."""


def clusters_here() -> tuple[ClusterFacts, ...]:
    """All of Debian's clusters on this host."""
    return clusters(listed(), _account)


@dataclass(frozen=True, slots=True)
class Here:
    """The wanted server; `cluster` is None when it is elsewhere."""

    configuration: Configuration
    cluster: WantedCluster | None

    def present(self) -> ClusterFacts | None:
        """The cluster as it is now; None when it is not there, or elsewhere."""
        return found(self.cluster, clusters_here()) if self.cluster else None

    def door(self) -> Door:
        """The way in.

        Raises:
            Refused: the server is elsewhere, and nobody is named who may go in.
        """
        if self.cluster is None:
            return remote_door(self.configuration)
        return local_door(self.present() or self.cluster)

    def wait(self, recovery: float = START_SECONDS, silence: float = ANSWER_SECONDS) -> None:
        """Waits until the server answers: systemd does not tell when it fails to start.

        Args:
            recovery: seconds that it may take after a crash.
            silence: seconds that it may say nothing at all.

        Raises:
            ConnectionFailed: it is silent, or recovers, for longer.
        """
        begun = time.monotonic()
        while (answer := self.door().ping()) is not Ping.OK:
            patience = recovery if answer is Ping.REJECT else silence
            if time.monotonic() - begun > patience:
                raise _silent(self.cluster)
            time.sleep(0.1)

    def wait_for_start(self, version: int, name: str) -> None:
        """Waits until a server that was just started answers, and counts as started for whoever stops it.

        Raises:
            ConnectionFailed: it does not answer.
        """
        self.wait()
        settle(version, name)


def _silent(cluster: WantedCluster | None) -> ConnectionFailed:
    log = f"/var/log/postgresql/postgresql-{str(cluster).replace('/', '-')}.log"
    return ConnectionFailed.of(
        "server_not_started",
        f"cluster {cluster} does not answer",
        hint=f"the end of {log} says why; then run again",
        where=log,
    )


def _account(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
