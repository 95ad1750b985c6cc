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
from opskit.provision.access.roles import ChangeMembership, ChangeRole, CreateRole, attribute_words
from opskit.schema.names import quote

Plain = CreateRole | ChangeRole | ChangeMembership | GrantParameter | DatabaseStep | ChangeRights
"""Steps that are nothing but statements."""


def forwards(step: Plain) -> Iterator[str]:  # noqa: C901  one case a kind of step
    """The statements of a step."""
    match step:
        case CreateRole(role, _, attributes):
            yield f"CREATE ROLE {quote(role)} {attribute_words(attributes, frozenset())}"
        case ChangeRole(role, give, take):
            yield f"ALTER ROLE {quote(role)} {attribute_words(give, take)}"
        case ChangeMembership(role, of, shall):
            yield _membership(role, of, shall=shall)
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


def backwards(step: Plain) -> Iterator[str]:  # noqa: C901  one case a kind of step
    """The statements that put a step back; nothing that holds anything is dropped."""
    match step:
        case CreateRole(role):
            yield f"DROP ROLE IF EXISTS {quote(role)}"
        case ChangeRole(role, give, take):
            yield f"ALTER ROLE {quote(role)} {attribute_words(take, give)}"
        case ChangeMembership(role, of, shall):
            yield _membership(role, of, shall=not shall)
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


def _membership(role: str, of: str, *, shall: bool) -> str:
    if shall:
        return f"GRANT {quote(of)} TO {quote(role)}"
    return f"REVOKE {quote(of)} FROM {quote(role)}"


def _owner(step: ChangeOwner, owner: str) -> str:
    return f"ALTER {step.kind.value} {quote(step.name)} OWNER TO {quote(owner)}"
