"""Decides what provision does. Pure: what is wanted and what is there in, a plan or all refusals out."""

from collections.abc import Iterator

from opskit.errors import Refused
from opskit.provision.access.planning import decide_sql
from opskit.provision.cluster.planning import (
    WantedCluster,
    decide_creation,
    decide_packages,
    decide_port,
    decide_start,
    found,
    judge,
)
from opskit.provision.decided import Decided
from opskit.provision.facts import Facts
from opskit.provision.host.planning import decide_files, decide_units
from opskit.provision.pgbackrest.planning import decide_pgbackrest, decide_stanza, place_of
from opskit.provision.settings.choice import MODE
from opskit.provision.settings.planning import decide_settings, may_restart
from opskit.provision.steps import Step
from opskit.provision.wanted import Wanted
from opskit.runs.plan import Plan, Stage

COMMAND = "provision"


def provision_plan(wanted: Wanted, facts: Facts) -> Plan[Step]:
    """The steps that are left, one a stage; none when the host is as it shall be.

    Raises:
        Refused: with every reason.
    """
    parts = list(_parts(wanted, facts))
    faults = [fault for part in parts for fault in part.faults]
    if faults:
        raise Refused(*faults)
    return Plan(
        COMMAND,
        "this host",
        tuple(Stage((step,)) for part in parts for step in part.steps),
        tuple(sentence for part in parts for sentence in part.told),
    )


def sees_all(wanted: Wanted, facts: Facts) -> bool:
    """False when more may show after the plan.

    A cluster is stopped; settings files cannot be read, or where ours will stand among them.
    """
    if facts.server is None:
        return not _stopped(wanted, facts)
    placed = facts.settings_files.own is not None or wanted.cluster is None or not wanted.settings.own
    return placed and not facts.server.unread


def _stopped(wanted: Wanted, facts: Facts) -> bool:
    present = found(wanted.cluster, facts.clusters) if wanted.cluster else None
    return present is not None and not present.running


def _parts(wanted: Wanted, facts: Facts) -> Iterator[Decided[Step]]:
    """In the order in which they are done."""
    there = wanted.cluster is not None and found(wanted.cluster, facts.clusters) is not None
    yield decide_packages(wanted.cluster, facts.missing_packages, there=there)
    if facts.server is not None:
        yield judge(wanted.cluster, facts.server)
    if wanted.cluster is not None:
        yield from _cluster(wanted, wanted.cluster, facts)
    if _stopped(wanted, facts):
        yield Decided(told=("the cluster is stopped: what it holds is looked at when it runs",))
        return
    yield decide_files(wanted.host, facts.host)
    yield decide_sql(wanted.sql, facts.sql)
    yield decide_stanza(wanted.pgbackrest, facts.pgbackrest, archives=_archives(wanted, facts))
    yield decide_units(wanted.host, facts.host)


def _archives(wanted: Wanted, facts: Facts) -> bool:
    """Will the server archive, when the settings are in force that come into force now?"""
    if facts.server is None:
        return wanted.settings.own
    mode = facts.server.settings.get(MODE)
    in_force = mode is not None and mode.value != "off"
    return in_force or (wanted.settings.own and may_restart(wanted.settings, facts.server))


def _cluster(wanted: Wanted, cluster: WantedCluster, facts: Facts) -> Iterator[Decided[Step]]:
    yield decide_creation(cluster, facts.clusters)
    yield decide_port(cluster, facts.port_user)
    present = found(cluster, facts.clusters)
    yield decide_pgbackrest(wanted.pgbackrest, facts.pgbackrest, place_of(cluster, present))
    if not _stopped(wanted, facts):
        yield decide_settings(wanted.settings, cluster, facts.machine, facts.settings_files, facts.server)
    yield decide_start(cluster, present)
