"""What a refused session means, with what is known of the host and the role. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from opskit.config import is_local
from opskit.doctor.catalogue import PROVISION, TROUBLES
from opskit.doctor.facts import Database, Facts, Refusal, Refused, Target
from opskit.doctor.findings import Finding
from opskit.provision.cluster.planning import ClusterFacts

OF_THE_ROLE = frozenset({Refusal.AUTHENTICATION, Refusal.ROLE, Refusal.NO_PASSWORD})
"""What the server says alike for a role that is not there, may not log in, or sends the wrong password."""

OF_THE_KEYS = OF_THE_ROLE | {Refusal.NO_RULE, Refusal.NO_DATABASE, Refusal.NO_CONNECT}
"""What follows when the application does not know its role, its password or its database."""

_MEANING: Mapping[Refusal, tuple[str, str]] = {
    Refusal.HOST_UNKNOWN: ("host_unknown", "no address is known for {host}"),
    Refusal.UNREACHABLE: ("server_unreachable", "{address} does not answer"),
    Refusal.SOCKET_DENIED: ("socket_denied", "this user may not enter {host}"),
    Refusal.SILENT: ("server_silent", "{address} takes connections and does not answer"),
    Refusal.STARTING: ("server_starting", "the server at {address} is starting or stopping"),
    Refusal.FULL: ("too_many_connections", "the server at {address} has no connection left for {user}"),
    Refusal.SSL_REFUSED: ("wrong_ssl", "the application asks for SSL, and the server at {address} has none"),
    Refusal.SSL_REQUIRED: (
        "wrong_ssl",
        "the application does not ask for SSL, and the server at {address} insists on it",
    ),
    Refusal.NO_RULE: ("access_rule_missing", "pg_hba.conf at {address} does not admit {user}"),
    Refusal.NO_DATABASE: ("database_missing", "there is no database {dbname} at {address}"),
    Refusal.NO_CONNECT: ("permission_denied", "{user} may not connect to {dbname}"),
    Refusal.OTHER: ("connection_failed", "no session at {address}: {words}"),
}
"""Refusals that mean the same whatever else is known: trouble, what is said about it."""


def session_refused(facts: Facts, database: Database, refused: Refused) -> Finding:
    """The trouble behind an attempt that failed; when the `.env` leads astray, that is what is mended."""
    found = _found(facts, database, refused)
    keys = ("POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_USER", "POSTGRES_SSL", database.target.key)
    shall = facts.environment.misleading
    astray = ", ".join(f"{key} shall be {shall[key]}" for key in keys if key in shall)
    if not astray:
        return found
    what = f"{found.what}; in {facts.environment.file} {astray}"
    return replace(found, what=what, remedy=PROVISION, fixable=True)


def _found(facts: Facts, database: Database, refused: Refused) -> Finding:
    if refused.refusal is Refusal.REFUSED:
        return _nobody_listens(database, facts.host.clusters)
    if refused.refusal in OF_THE_ROLE:
        return _role(database)
    target = database.target
    words = {
        "host": target.host,
        "port": target.port,
        "address": target.address,
        "user": target.user,
        "dbname": target.dbname,
        "words": refused.words,
        "file": str(facts.environment.file or "the configuration"),
        "unit": _unit(target, facts.host.clusters),
        "value": "true" if refused.refusal is Refusal.SSL_REQUIRED else "false",
    }
    code, what = _MEANING[refused.refusal]
    return TROUBLES[code].found(what.format(**words), where=target.address, database=database.name, **words)


def _nobody_listens(database: Database, clusters: tuple[ClusterFacts, ...]) -> Finding:
    target, name = database.target, database.name
    what, where = f"nobody listens at {target.address}", target.address
    if not is_local(target.host):
        words = {"host": target.host, "port": target.port}
        return TROUBLES["server_unreachable"].found(what, where=where, database=name, **words)
    if not clusters:
        what = "this host has no PostgreSQL cluster that could run"
        return TROUBLES["server_missing"].found(what, where=where, database=name)
    meant = [one for one in clusters if str(one.port) == target.port] or list(clusters)
    if meant and not any(one.running for one in meant):
        what = f"the cluster {meant[0]} is stopped"
        return TROUBLES["server_down"].found(what, where=where, database=name, unit=service(meant[0]))
    running = [f"; {one} is at port {one.port}" for one in clusters if one.running]
    return TROUBLES["port_refused"].found(what + "".join(running), where=where, database=name)


def _role(database: Database) -> Finding:
    """The server says one and the same; its administrator sees which it is."""
    user, role, name = database.target.user, database.role, database.name
    where = f"role {user} at {database.target.address}"
    if role is not None and not role.exists:
        return TROUBLES["role_missing"].found(f"there is no role {user}", where=where, database=name)
    if role is not None and not role.may_log_in:
        return TROUBLES["role_locked"].found(f"the role {user} may not log in", where=where, database=name)
    if role is not None and role.expired:
        what = f"the password of {user} has expired"
        return TROUBLES["password_expired"].found(what, where=where, database=name, user=user)
    what = f"the server does not take the application's password for {user}"
    return TROUBLES["authentication_failed"].found(what, where=where, database=name)


def service(cluster: ClusterFacts) -> str:
    """The systemd unit of a cluster."""
    return f"postgresql@{cluster.version}-{cluster.name}"


def _unit(target: Target, clusters: tuple[ClusterFacts, ...]) -> str:
    return next((service(one) for one in clusters if str(one.port) == target.port), "postgresql")
