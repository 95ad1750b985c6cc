"""The part that SQL can do: roles, databases, schemas, grants, extensions, passwords, access rules. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from opskit.config import Configuration, is_local
from opskit.errors import Fault
from opskit.provision.access.databases import (
    STATEMENTS,
    CreateDatabase,
    CreateExtension,
    DatabaseFacts,
    DatabaseStep,
    Duties,
    WantedDatabase,
    as_created,
    handover_steps,
    ownership_steps,
    told_of,
)
from opskit.provision.access.parameters import APPLIES, GrantParameter
from opskit.provision.access.rights import ChangeRights, right_steps
from opskit.provision.access.roles import (
    Attribute,
    ChangeMembership,
    RoleFacts,
    RoleStep,
    WantedRole,
    role_steps,
)
from opskit.provision.access.rules import (
    AccessFacts,
    AccessStep,
    WantedAccess,
    access_faults,
    access_steps,
    access_told,
    wanted_access,
)
from opskit.provision.access.scram import Stored
from opskit.provision.access.sessions import SessionStep, session_steps, told_of_settings
from opskit.provision.access.who_may_what import missing_and_surplus
from opskit.provision.decided import Decided
from opskit.provision.host.password_file import PasswordPlace, password_place
from opskit.schema.names import quote

APPLICATION = "crewai_user"
"""The application's role, when the configuration names none."""

_SERVERS_OWN = frozenset({"postgres", "template0", "template1"})


@dataclass(frozen=True, slots=True)
class SqlWanted:
    """Which roles and databases there shall be, and who may what.

    Attributes:
        password: where the application's stands.
        access: None for a server elsewhere, whose files are out of reach.
        told: what of the configuration is not provisioned.
    """

    duties: Duties
    roles: tuple[WantedRole, ...]
    databases: tuple[WantedDatabase, ...]
    password: PasswordPlace | None
    access: WantedAccess | None
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SqlFacts:
    """Which roles and databases there are, and who may what.

    Attributes:
        admin: the role that provision works as, and whether it is a superuser.
        access: None for a server elsewhere.
        applies: the owner may keep triggers and foreign keys from acting on what it writes.
    """

    admin: RoleFacts
    roles: tuple[RoleFacts, ...] = ()
    databases: tuple[DatabaseFacts, ...] = ()
    access: AccessFacts | None = None
    applies: bool = False

    @property
    def superuser(self) -> bool:
        """May provision do everything?"""
        return Attribute.SUPERUSER in self.admin.attributes


SqlStep = RoleStep | SessionStep | GrantParameter | DatabaseStep | ChangeRights | AccessStep

_TO_BE_MADE = SqlFacts(RoleFacts("postgres", frozenset({Attribute.SUPERUSER})), access=AccessFacts())


def wanted_sql(configuration: Configuration) -> SqlWanted:
    """What the configuration says about roles and databases."""
    server, names = configuration.postgresql, configuration.provision.roles
    duties = Duties(names.owner, server.user or APPLICATION, names.monitor, names.standby, names.backup)
    place = password_place(configuration)
    schemas: dict[str, list[str]] = {}
    elsewhere: list[str] = []
    if not is_local(server.host):
        elsewhere.append(
            f"the server {server.host} is not on this host: only what SQL can do is done there, its packages,"
            " settings and access rules are its keeper's"
        )
    for name, database in configuration.databases.items():
        if (database.host or server.host, database.port or server.port) == (server.host, server.port):
            schemas.setdefault(database.postgresql, []).append(database.schema)
        else:
            elsewhere.append(f"database {name} has a server of its own, which is not provisioned")
    return SqlWanted(
        duties,
        tuple(_wanted_roles(duties, place, here=is_local(server.host))),
        tuple(WantedDatabase(name, tuple(some)) for name, some in schemas.items()),
        place,
        wanted_access(tuple(schemas), duties) if is_local(server.host) else None,
        tuple(elsewhere),
    )


def _wanted_roles(duties: Duties, password: PasswordPlace | None, *, here: bool) -> Iterator[WantedRole]:
    """The owner is a member of the application, and so may alter, copy and fence what that has made."""
    replicates = frozenset({Attribute.LOGIN, Attribute.INHERIT, Attribute.REPLICATION})
    application, statistics = frozenset({duties.application}), frozenset({"pg_monitor"})
    yield WantedRole(duties.application, "the application", password=password, exclusive=False)
    for role in (
        WantedRole(duties.owner, "owns the databases and their schemas", member_of=application),
        WantedRole(duties.monitor, "reads statistics, no data", member_of=statistics),
        WantedRole(duties.standby, "reads every table and what changes in it", replicates),
        WantedRole(duties.backup, "reads every table"),
    ):
        yield replace(role, by_account=here)


def decide_sql(wanted: SqlWanted, facts: SqlFacts | None) -> Decided[SqlStep]:
    """What is left to do. Facts are None for a server that is yet to be made: everything is missing."""
    there = facts or _TO_BE_MADE
    sql = Decided(
        (*_role_steps(wanted, there), *_database_steps(wanted, there)),
        (*wanted.told, *_told(wanted, there)),
        tuple(_faults(wanted, there)),
    )
    if wanted.access is None or there.access is None:
        return sql
    return Decided(
        (*sql.steps, *access_steps(wanted.access, there.access)),
        (*sql.told, *access_told(wanted.access, there.access)),
        (*sql.faults, *access_faults(there.access)),
    )


def _faults(wanted: SqlWanted, facts: SqlFacts) -> Iterator[Fault]:
    """Names that belong to the server, or to two duties at once: their roles and databases are left alone."""
    names = [role.name for role in wanted.roles]
    keys = (
        "postgresql.user",
        *(f"provision.roles.{one}" for one in ("owner", "monitor", "standby", "backup")),
    )
    for key, name in zip(keys, names, strict=True):
        if name == facts.admin.name or name.startswith("pg_") or names.count(name) > 1:
            yield Fault(
                "role_name",
                f"{key}: role {name} is the server's own, or has another duty already",
                hint="give each duty a role of its own",
                where=key,
            )
    for database in wanted.databases:
        if database.name in _SERVERS_OWN:
            yield Fault(
                "database_name",
                f"database {database.name} is the server's own",
                hint="name another one below `databases`; it is made when it is missing",
                where="databases",
            )
    for there in facts.databases:
        if not there.open:
            yield Fault(
                "database_closed",
                f"database {there.name} lets nobody in: its ALLOW_CONNECTIONS is false",
                hint=f"unless that is meant: ALTER DATABASE {quote(there.name)} ALLOW_CONNECTIONS true",
                where=there.name,
            )


def _role_steps(wanted: SqlWanted, facts: SqlFacts) -> Iterator[RoleStep | SessionStep | GrantParameter]:
    roles = [_as_fenced(role, wanted, facts) for role in wanted.roles]
    yield from role_steps(roles, facts.roles, superuser=facts.superuser)
    yield from session_steps(roles, facts.roles, facts.databases)
    if facts.superuser and not facts.applies:
        yield GrantParameter(wanted.duties.owner, APPLIES)
    if not facts.superuser:  # who is none makes things for a role only as its member
        for role in (wanted.duties.application, wanted.duties.owner):
            if role not in facts.admin.member_of:
                yield ChangeMembership(facts.admin.name, role, shall=True)


def _as_fenced(role: WantedRole, wanted: SqlWanted, facts: SqlFacts) -> WantedRole:
    """The application's role where it is fenced: whether it may log in is the fence's business."""
    there = next((one for one in facts.roles if one.name == role.name), None)
    fenced = any(database.fenced for database in facts.databases)
    if there is None or not fenced or role.name != wanted.duties.application:
        return role
    kept = there.attributes & {Attribute.LOGIN}
    return replace(role, attributes=role.attributes - {Attribute.LOGIN} | kept)


def _database_steps(wanted: SqlWanted, facts: SqlFacts) -> Iterator[DatabaseStep | ChangeRights]:
    known = {database.name: database for database in facts.databases}
    for database in wanted.databases:
        there = known.get(database.name)
        if there is not None and not there.open:
            continue
        if there is None:
            yield CreateDatabase(database.name, wanted.duties.owner)
            there = as_created(database.name, wanted.duties.owner)
        yield from ownership_steps(database, there, wanted.duties)
        if facts.superuser and STATEMENTS not in there.extensions:
            yield CreateExtension(database.name, STATEMENTS)
        yield from right_steps(database.name, *missing_and_surplus(database, there, wanted.duties))
        yield from handover_steps(database, there, wanted.duties)


def _told(wanted: SqlWanted, facts: SqlFacts) -> Iterator[str]:
    yield from _told_of_passwords(wanted, facts)
    yield from told_of_settings(wanted.duties.application, facts.roles, facts.databases)
    for database in facts.databases:
        yield from told_of(database, wanted.duties)
    if not facts.superuser:
        yield from _told_without_superuser(wanted, facts)


def _told_of_passwords(wanted: SqlWanted, facts: SqlFacts) -> Iterator[str]:
    """Elsewhere opskit's own roles need passwords, which are the operator's to give."""
    given = {role.name for role in facts.roles if role.stored is not Stored.NONE}
    without = [
        role.name
        for role in wanted.roles
        if role.password is None and not role.by_account and role.name not in given
    ]
    if without:
        yield (
            f"roles {', '.join(without)} have no password yet: where opskit shall log in as one of them,"
            " set it with \\password and name its place in the configuration"
        )


def _told_without_superuser(wanted: SqlWanted, facts: SqlFacts) -> Iterator[str]:
    """What a managed server keeps to itself, and where it is asked for."""
    replicating = [role.name for role in facts.roles if Attribute.REPLICATION in role.attributes]
    if wanted.duties.standby not in replicating:
        yield (
            f"role {wanted.duties.standby} may not replicate, which only a superuser can change: the standby"
            " copies whole tables, until the provider's means give it that right"
        )
    if not facts.applies:
        yield (
            f"role {wanted.duties.owner} may not set {APPLIES}, which only a superuser can grant:"
            " `migrate --follow` needs it"
        )
    for database in facts.databases:
        if database.open and STATEMENTS not in database.extensions:
            yield (
                f"{database.name}: extension {STATEMENTS} is missing, which only a superuser can make:"
                f" where the provider allows it, CREATE EXTENSION {STATEMENTS}"
            )
