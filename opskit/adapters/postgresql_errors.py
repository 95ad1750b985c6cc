"""What PostgreSQL's refusals mean. Messages are the server's primary ones, and never hold a password."""

from collections.abc import Mapping

import psycopg

from opskit.errors import ConnectionFailed, DatabaseError, Fault, QueryFailed, TransactionFailed

_AGAIN = "run the whole transaction again"

_MEANING: dict[str, tuple[str, type[DatabaseError] | None, str]] = {
    "23505": ("unique_violation", None, ""),
    "23502": ("not_null_violation", None, ""),
    "23503": ("foreign_key_violation", None, ""),
    "23514": ("check_violation", None, ""),
    "40001": ("serialization_failure", TransactionFailed, _AGAIN),
    "40P01": ("deadlock", TransactionFailed, _AGAIN),
    "55P03": ("database_busy", TransactionFailed, "end the other transaction"),
    "57014": ("cancelled", None, ""),
    "25006": ("read_only", None, "the database, the role or the transaction may only read"),
    "53100": ("disk_full", None, "make room on the server's disk"),
    "42501": ("permission_denied", None, "grant the right to the role, or connect as the owner"),
    "0A000": ("not_supported", None, "after a change of a prepared statement's table, prepare it anew"),
}
"""By SQLSTATE: code, kind of error (None: that of the operation), hint."""

_REFUSALS = (
    ("refused", "connection_refused", "start the server, and check host and port"),
    ("No such file or directory", "connection_refused", "start the server, and check the socket's directory"),
    ("authentication failed", "authentication_failed", "correct the password; see pg_hba.conf"),
    ("no password supplied", "authentication_failed", "configure the password"),
    ("no pg_hba.conf entry", "access_rule_missing", "add a rule for this role and address to pg_hba.conf"),
    ('database "', "database_missing", "create the database, or correct its name"),
    ('role "', "role_missing", "create the role, or correct its name"),
    ("too many clients", "too_many_connections", "raise max_connections, or lower the pools' limits"),
    ("remaining connection slots", "too_many_connections", "raise max_connections, or lower the pools"),
    ("starting up", "server_starting", "try again in a moment"),
    ("shutting down", "server_stopping", "start the server again"),
    ("SSL", "ssl", "let sslmode and the server's ssl setting agree"),
    ("timeout expired", "connection_timeout", "check host, port and firewall"),
    ("translate host name", "unknown_host", "correct the host name"),
)
"""Libpq gives no SQLSTATE for a refused connection: words in its text → code, hint."""


def refused(error: psycopg.Error, name: str, parameters: Mapping[str, str | int]) -> ConnectionFailed:
    """No connection could be made."""
    text = " ".join(str(error).split())
    password = str(parameters.get("password") or "")
    if password:
        text = text.replace(password, "***")
    code, hint = next(((code, hint) for words, code, hint in _REFUSALS if words in text), ("connection", ""))
    return ConnectionFailed.of(code, f"{name}: {text}", hint=hint, where=name)


def translated(error: psycopg.Error, name: str, kind: type[DatabaseError], *, lost: bool) -> DatabaseError:
    """A statement failed; `lost` tells that the connection went with it."""
    message = f"{name}: {error.diag.message_primary or ' '.join(str(error).split())}"
    if lost:
        return ConnectionFailed.of(
            "connection_lost", message, hint="try again; a new connection is made", where=name
        )
    state = error.sqlstate
    if state is None:
        return QueryFailed.of("query_failed", message, where=name)
    code, meant, hint = _MEANING.get(state, ("query_failed", None, ""))
    return (meant or kind)(Fault(code, f"{message} [SQLSTATE {state}]", hint, name))
