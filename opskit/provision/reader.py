"""Reads all facts of a host; works on a bare one, and changes nothing."""

import os
from collections.abc import Sequence

from opskit.errors import Refused
from opskit.host import clusters
from opskit.host.commands import CommandFailed
from opskit.host.files import FileState, read_state
from opskit.host.packages import not_installed
from opskit.host.processes import listeners
from opskit.provision.access.reader import read_sql
from opskit.provision.cluster.planning import ClusterFacts, found
from opskit.provision.cluster.server_reader import read_server
from opskit.provision.facts import Facts
from opskit.provision.here import Here, clusters_here
from opskit.provision.host.reader import read_host, read_machine
from opskit.provision.pgbackrest.planning import DATA, PgbackrestFacts, place_of
from opskit.provision.pgbackrest.reader import read_pgbackrest
from opskit.provision.settings.file import Access, FilesFacts, OwnFile, includes_conf_d
from opskit.provision.settings.planning import settings_file
from opskit.provision.wanted import Wanted

RECOVERY_SECONDS = 60.0
LISTEN_SECONDS = 10.0
"""For a server that a killed run may have begun to start: until it is ready, until it listens at all."""


def read_facts(wanted: Wanted, here: Here) -> Facts:
    """What is there.

    Raises:
        Refused: nothing can be done here: no dpkg, or nobody to connect as.
        ConnectionFailed: the server runs and lets nobody in.
    """
    clusters.wait_for_creation()
    there = clusters_here()
    present = found(wanted.cluster, there) if wanted.cluster else None
    if present and present.running:
        here.wait(RECOVERY_SECONDS, LISTEN_SECONDS)  # a killed run may have begun to start it
    door = here.door() if wanted.cluster is None or (present and present.running) else None
    return Facts(
        read_machine(present.data if present else DATA),
        _missing(wanted),
        there,
        _settings_files(present),
        read_server(door) if door else None,
        read_sql(door, wanted.sql) if door else None,
        read_host(wanted.host),
        "" if door or wanted.cluster is None else _port_user(wanted.cluster.port, there),
        _pgbackrest(wanted, present),
    )


def _pgbackrest(wanted: Wanted, present: ClusterFacts | None) -> PgbackrestFacts:
    if wanted.cluster is None:
        return PgbackrestFacts()
    return read_pgbackrest(wanted.pgbackrest, place_of(wanted.cluster, present))


def _port_user(port: int, there: Sequence[ClusterFacts]) -> str:
    """Who else than one of Debian's clusters, which are facts already."""
    found = None if any(one.port == port for one in there if one.running) else listeners(port)
    if found is None:
        return ""
    return f"{found[0].command} (process {found[0].pid})" if found else "a program that only root sees"


def _missing(wanted: Wanted) -> tuple[str, ...]:
    if wanted.cluster is None and os.geteuid() != 0:  # what SQL does elsewhere needs neither
        return ()
    try:
        return not_installed(wanted.packages)
    except CommandFailed as error:
        raise Refused.of(
            "no_debian", f"the packages of this host are unknown: {error}", hint="provision runs on Debian 12"
        ) from error


def _settings_files(present: ClusterFacts | None) -> FilesFacts:
    if present is None:
        return FilesFacts()
    main = read_state(present.configuration / "postgresql.conf")
    own = read_state(settings_file(present.configuration))
    return FilesFacts(
        own and OwnFile(_text(own), Access(own.mode, own.owner, own.group)),
        included=main is None or includes_conf_d(_text(main)),
    )


def _text(state: FileState) -> str:
    return state.content.decode("utf-8", "replace")
