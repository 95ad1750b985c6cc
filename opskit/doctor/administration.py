"""What the server's administrator sees, where this process may be the administrator."""

from collections.abc import Sequence
from contextlib import closing
from typing import cast

import psycopg

from opskit.config import Configuration, is_local
from opskit.doctor.facts import Role, Target
from opskit.doctor.sql import query
from opskit.errors import OpskitError
from opskit.provision.cluster.planning import ClusterFacts
from opskit.provision.door import Door, local_door, remote_door


def role(target: Target, configuration: Configuration, clusters: Sequence[ClusterFacts]) -> Role | None:
    """The application's role; None when the administrator's session cannot be had."""
    try:
        door = _door(target, configuration, clusters)
        with closing(door.connect("postgres")) as session:
            row = session.execute(query("role"), {"role": target.user}).fetchone()
    except (OpskitError, psycopg.Error, KeyError):  # refused, lost, or no such account on this host
        return None
    if row is None:
        return Role(exists=False, may_log_in=False, expired=False)
    may_log_in, expired = cast("tuple[bool, bool]", row)
    return Role(exists=True, may_log_in=may_log_in, expired=expired)


def _door(target: Target, configuration: Configuration, clusters: Sequence[ClusterFacts]) -> Door:
    """The way to the server that refused; elsewhere, `provision.admin` must be named."""
    here = [one for one in clusters if is_local(target.host) and str(one.port) == target.port]
    return local_door(here[0]) if here else remote_door(configuration)
