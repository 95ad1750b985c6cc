"""The steps that SQL can do, as statements, and the statements that put them back. Pure."""

from collections.abc import Iterator
from typing import assert_never

from opskit.provision.access.databases import (
    COLLATION,
    ENCODING,
    ChangeOwner,
    CreateDatabase,
    CreateExtension,
    CreateSchema,
    DatabaseStep,
    HandOver,
)
from opskit.provision.access.parameters import GrantParameter
from opskit.provision.access.rights import ChangeRights, statement, undone
from opskit.provision.access.roles import (
    ChangeMembership,
    ChangeRole,
    CreateRole,
    RoleSetting,
    attribute_words,
)
from opskit.provision.access.sessions import (
    FOREVER,
    UNLIMITED,
    LiftExpiry,
    LiftLimit,
    ResetRoleSetting,
    SessionStep,
)
from opskit.schema.names import literal, quote

Plain = (
    CreateRole | ChangeRole | ChangeMembership | SessionStep | GrantParameter | DatabaseStep | ChangeRights
)
"""Steps that are nothing but statements."""


def forwards(step: Plain) -> Iterator[str]:  # noqa: C901, PLR0912  one case a kind of step
    """The statements of a step."""
    match step:
        case CreateRole(role, _, attributes):
            yield f"CREATE ROLE {quote(role)} {attribute_words(attributes, frozenset())}"
        case ChangeRole(role, give, take):
            yield f"ALTER ROLE {quote(role)} {attribute_words(give, take)}"
        case ChangeMembership(role, of, shall):
            yield _membership(role, of, shall=shall)
        case LiftLimit() | LiftExpiry() | ResetRoleSetting():
            yield _lifted(step)
        case GrantParameter(role, parameter):
            yield f"GRANT SET ON PARAMETER {parameter} TO {quote(role)}"
        case CreateDatabase(database, owner):
            yield (
                f"CREATE DATABASE {quote(database)} OWNER {quote(owner)} TEMPLATE template0"
                f" ENCODING '{ENCODING}' LOCALE_PROVIDER libc LOCALE '{COLLATION}'"
            )
        case CreateSchema(_, schema, owner):
            yield f"CREATE SCHEMA {quote(schema)} AUTHORIZATION {quote(owner)}"
        case ChangeOwner():
            yield _owner(step, step.shall)
        case HandOver():
            for one in step.objects:
                yield f"ALTER {one.what} {one.identity} OWNER TO {quote(step.shall)}"
        case CreateExtension(_, extension):
            yield f"CREATE EXTENSION {quote(extension)} WITH SCHEMA public"
        case ChangeRights():
            yield statement(step)
        case _:
            assert_never(step)


def backwards(step: Plain) -> Iterator[str]:  # noqa: C901, PLR0912  one case a kind of step
    """The statements that put a step back; nothing that holds anything is dropped."""
    match step:
        case CreateRole(role):
            yield f"DROP ROLE IF EXISTS {quote(role)}"
        case ChangeRole(role, give, take):
            yield f"ALTER ROLE {quote(role)} {attribute_words(take, give)}"
        case ChangeMembership(role, of, shall):
            yield _membership(role, of, shall=not shall)
        case LiftLimit() | LiftExpiry() | ResetRoleSetting():
            yield _as_it_was(step)
        case GrantParameter(role, parameter):
            yield f"REVOKE SET ON PARAMETER {parameter} FROM {quote(role)}"
        case CreateDatabase(database):
            yield f"DROP DATABASE IF EXISTS {quote(database)}"
        case CreateSchema(_, schema):
            yield f"DROP SCHEMA IF EXISTS {quote(schema)}"
        case ChangeOwner():
            yield _owner(step, step.found)
        case HandOver():
            for one in step.objects:
                yield f"ALTER {one.what} {one.identity} OWNER TO {quote(one.owner)}"
        case CreateExtension(_, extension):
            yield f"DROP EXTENSION IF EXISTS {quote(extension)}"
        case ChangeRights():
            yield statement(undone(step))
        case _:
            assert_never(step)


_LISTS = frozenset(
    {"local_preload_libraries", "search_path", "session_preload_libraries", "temp_tablespaces"}
)
"""Settings that are lists of names, which the catalogue keeps as SQL spells them."""


def _lifted(step: SessionStep) -> str:
    match step:
        case LiftLimit(kind, name):
            return f"ALTER {kind} {quote(name)} CONNECTION LIMIT {UNLIMITED}"
        case LiftExpiry(role):
            return f"ALTER ROLE {quote(role)} VALID UNTIL '{FOREVER}'"
        case ResetRoleSetting(setting):
            return f"{_settings_of(setting)} RESET {_parameter(setting.name)}"


def _as_it_was(step: SessionStep) -> str:
    match step:
        case LiftLimit(kind, name, limit):
            return f"ALTER {kind} {quote(name)} CONNECTION LIMIT {limit}"
        case LiftExpiry(role, until):
            return f"ALTER ROLE {quote(role)} VALID UNTIL {literal(until)}"
        case ResetRoleSetting(setting):
            value = setting.value if setting.name in _LISTS else literal(setting.value)
            return f"{_settings_of(setting)} SET {_parameter(setting.name)} TO {value}"


def _settings_of(setting: RoleSetting) -> str:
    inside = f" IN DATABASE {quote(setting.database)}" if setting.database else ""
    return f"ALTER ROLE {quote(setting.role)}{inside}"


def _parameter(name: str) -> str:
    """A module's own parameters have its name before theirs."""
    return ".".join(map(quote, name.split(".")))


def _membership(role: str, of: str, *, shall: bool) -> str:
    if shall:
        return f"GRANT {quote(of)} TO {quote(role)}"
    return f"REVOKE {quote(of)} FROM {quote(role)}"


def _owner(step: ChangeOwner, owner: str) -> str:
    return f"ALTER {step.kind.value} {quote(step.name)} OWNER TO {quote(owner)}"
