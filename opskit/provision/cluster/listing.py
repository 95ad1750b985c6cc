"""Reads what postgresql-common says about the clusters of a host. Pure."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict, cast

from opskit.provision.cluster.planning import ClusterFacts


class _Entry(TypedDict, total=False):
    """Of `pg_lsclusters -j`; half a cluster has half of them."""

    version: int | str
    cluster: str
    port: int | str
    running: int | str | None
    owneruid: int | None
    start: str
    pgdata: str | None
    configdir: str
    socketdir: str


def clusters(text: str, account: Callable[[int], str]) -> tuple[ClusterFacts, ...]:
    """The clusters in the output of `pg_lsclusters -j`.

    Args:
        account: user number → its name.
    """
    return tuple(_cluster(one, account) for one in cast("list[_Entry]", json.loads(text or "[]")))


def _cluster(one: _Entry, account: Callable[[int], str]) -> ClusterFacts:
    owner = one.get("owneruid")
    return ClusterFacts(
        version=int(float(one.get("version", 0))),
        name=one.get("cluster", ""),
        port=int(one.get("port", 0)),
        running=one.get("running") in (1, "1"),
        owner="postgres" if owner is None else account(owner),
        start=one.get("start", "auto"),
        data=Path(one.get("pgdata") or ""),
        configuration=Path(one.get("configdir", "")),
        sockets=Path(one.get("socketdir", "")),
    )
