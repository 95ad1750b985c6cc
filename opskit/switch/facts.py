"""What a switch finds: the facts, and what they refuse."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from opskit.capture.following import read_followed
from opskit.config import Configuration, Engine
from opskit.doctor.unit import look as look_at_unit
from opskit.errors import ConnectionFailed, Fault, OpskitError, QueryFailed
from opskit.host.processes import sees_all
from opskit.standby.place_table import place_of
from opskit.switch.environment import KEY, environment_engine
from opskit.switch.postgresql_fence import PostgresqlFence, session
from opskit.switch.postgresql_fence import read_fence as read_postgresql_fence
from opskit.switch.sides import Side
from opskit.switch.sqlite_fence import SqliteFence, read_fence, unfenceable


@dataclass(frozen=True, slots=True)
class SideFacts:
    """One database as it is.

    Attributes:
        sqlite: the fence of its file, None when it can be written.
        unreadable: why the file cannot be looked at, empty when it can.
        postgresql: what the application may there; None when that is not known.
        unreachable: why not, empty when PostgreSQL answers.
        followed: the file that PostgreSQL follows.
        at: the moment that the standby's file shows.
        unfenceable: tables of the file that can be written in spite of its fence.
    """

    name: str
    sqlite: SqliteFence | None
    unreadable: str
    postgresql: PostgresqlFence | None
    unreachable: str
    followed: str
    at: datetime | None
    unfenceable: tuple[str, ...] = ()

    @property
    def sqlite_open(self) -> bool:
        """Can the application write its file?"""
        return self.sqlite is None and not self.unreadable

    @property
    def postgresql_open(self) -> bool:
        """Can the application get into PostgreSQL, as far as is known?"""
        return self.postgresql is not None and self.postgresql.may_connect


def read_facts(side: Side) -> SideFacts:
    """Looks at both sides of a database; what cannot be looked at is told."""
    fence, unreadable = _sqlite(side)
    postgresql, followed, unreachable = _postgresql(side)
    place = place_of(side.window.file) if side.window.file.exists() else None
    at = place.at if place else None
    open_ = () if unreadable else unfenceable(side.file)
    return SideFacts(side.name, fence, unreadable, postgresql, unreachable, followed, at, open_)


def _sqlite(side: Side) -> tuple[SqliteFence | None, str]:
    try:
        return read_fence(side.file), ""
    except OpskitError as error:
        return None, str(error)


def _postgresql(side: Side) -> tuple[PostgresqlFence | None, str, str]:
    try:
        with session(side.window.owner, side.name) as connection:
            found = read_postgresql_fence(connection, side.shut)
            try:
                followed = read_followed(connection, side.shut.schema)
            except psycopg.errors.InsufficientPrivilege:
                followed = None
    except (ConnectionFailed, QueryFailed) as error:
        return None, "", str(error)
    return found, followed.source if followed else "", ""


def unfit(configuration: Configuration) -> Iterator[Fault]:
    """Why nothing can be switched, whatever direction."""
    if not sees_all():
        yield Fault("not_root", "only root sees who has the SQLite files open", "use sudo")
    application = configuration.application
    if application.env_file is None:
        hint = "set application.env_file: the file where DATABASE_TYPE lives"
        yield Fault("env_file_missing", "the application's .env is not named", hint, "application.env_file")
    user, owner = configuration.postgresql.user, configuration.provision.roles.owner
    if user is None or user == owner:
        message = "the application has no role of its own, which could be shut out of PostgreSQL"
        yield Fault("no_role", message, "set postgresql.user, and run opskit provision", "postgresql.user")
    if application.unit and (found := look_at_unit(application.unit, application.env_file)):
        if not found.exists:
            yield Fault("unit_missing", f"systemd has no unit {found.name}", "correct application.unit")
        if KEY in found.environment:
            message = f"{found.name} sets {KEY} itself, which counts more than the .env"
            yield Fault("overridden", message, "take it out of the unit", found.name)


def unfit_for_cutover(configuration: Configuration, facts: Sequence[SideFacts]) -> Iterator[Fault]:
    """Why a cutover cannot begin."""
    if environment_engine(configuration) is not Engine.SQLITE:
        yield Fault("not_on_sqlite", "the application runs on PostgreSQL already", "opskit status says more")
    for one in facts:
        yield from _unfit(one)


def _unfit(one: SideFacts) -> Iterator[Fault]:
    if one.unreadable:
        yield Fault("sqlite_unreadable", one.unreadable, "opskit doctor says more", one.name)
    if one.sqlite is not None:
        yield Fault(
            "fenced", f"{one.name}: SQLite is fenced: {one.sqlite.says}", "see opskit status", one.name
        )
    if one.unreachable:
        yield Fault("unreachable", f"{one.name}: {one.unreachable}", "opskit doctor says more", one.name)
    elif one.postgresql is None:
        yield Fault("no_role", f"{one.name}: role or schema is missing", "run opskit provision", one.name)
    else:
        yield from _unfit_role(one, one.postgresql)
        if not one.followed:
            message = f"{one.name}: PostgreSQL does not follow SQLite"
            yield Fault("not_followed", message, "run opskit migrate --follow", one.name)


def _unfit_role(one: SideFacts, found: PostgresqlFence) -> Iterator[Fault]:
    if found.is_superuser or found.owns_schema:
        message = (
            f"{one.name}: the application's role is a superuser or owns the schema: it cannot be shut out"
        )
        yield Fault("role_too_strong", message, "run opskit provision", one.name)
    if found.prepared:
        message = f"{one.name}: {found.prepared} prepared transactions of the application wait"
        yield Fault("prepared", message, "commit or roll them back (pg_prepared_xacts)", one.name)
