"""Roles: what each shall be, and the steps from what it is to that. Pure."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum

from opskit.provision.access.scram import Stored
from opskit.provision.host.password_file import PasswordPlace


class Attribute(Enum):
    """What a role may do in the whole server; the values are SQL's words."""

    LOGIN = "LOGIN"
    INHERIT = "INHERIT"
    SUPERUSER = "SUPERUSER"
    CREATEDB = "CREATEDB"
    CREATEROLE = "CREATEROLE"
    REPLICATION = "REPLICATION"
    BYPASSRLS = "BYPASSRLS"


_WORDS = {
    Attribute.LOGIN: "may log in",
    Attribute.INHERIT: "has the rights of the roles it is a member of",
    Attribute.SUPERUSER: "is a superuser",
    Attribute.CREATEDB: "may create databases",
    Attribute.CREATEROLE: "may create roles",
    Attribute.REPLICATION: "may replicate",
    Attribute.BYPASSRLS: "may bypass row security",
}

ONLY_SUPERUSERS_GIVE = frozenset({Attribute.SUPERUSER, Attribute.REPLICATION, Attribute.BYPASSRLS})


@dataclass(frozen=True, slots=True)
class WantedRole:
    """What a role shall be.

    Attributes:
        duty: what it is for, as the plan says it.
        member_of: roles whose rights it has.
        password: where its password stands, when opskit knows.
        by_account: it logs in as an account of the server's host, and shall have no password.
        exclusive: opskit's alone: a membership that is not wanted is taken away.
    """

    name: str
    duty: str
    attributes: frozenset[Attribute] = frozenset({Attribute.LOGIN, Attribute.INHERIT})
    member_of: frozenset[str] = frozenset()
    password: PasswordPlace | None = None
    by_account: bool = False
    exclusive: bool = True


@dataclass(frozen=True, slots=True)
class RoleSetting:
    """A setting that sessions begin with: a role's, a database's, or (both given) a role's in a database.

    Attributes:
        value: as SQL would spell it for a list of names, plain for all others.
    """

    role: str
    database: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """What a role is.

    Attributes:
        limit: sessions that it may have at once; -1 is any number.
        valid_until: when its password ends, as PostgreSQL writes it; empty when never.
        settings: its own, everywhere or in one database.
    """

    name: str
    attributes: frozenset[Attribute] = frozenset()
    member_of: frozenset[str] = frozenset()
    stored: Stored = field(default=Stored.NONE, kw_only=True)
    limit: int = field(default=-1, kw_only=True)
    valid_until: str = field(default="", kw_only=True)
    settings: tuple[RoleSetting, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class CreateRole:
    """Make a role, without password and memberships."""

    role: str
    duty: str
    attributes: frozenset[Attribute]

    @property
    def title(self) -> str:
        """One line."""
        return f"create role {self.role}: {self.duty}"

    @property
    def why(self) -> tuple[str, ...]:
        """What is missing."""
        return (f"there is no role {self.role}",)


@dataclass(frozen=True, slots=True)
class ChangeRole:
    """Give a role some attributes and take others away."""

    role: str
    give: frozenset[Attribute]
    take: frozenset[Attribute]

    @property
    def title(self) -> str:
        """One line."""
        return f"alter role {self.role}: {attribute_words(self.give, self.take)}"

    @property
    def why(self) -> tuple[str, ...]:
        """What has drifted."""
        changed = self.give | self.take
        return tuple(
            f"role {self.role} {_WORDS[one]}: {is_shall(shall=one in self.give)}"
            for one in Attribute
            if one in changed
        )


@dataclass(frozen=True, slots=True)
class ChangeMembership:
    """Make a role a member of another, or end that."""

    role: str
    of: str
    shall: bool

    @property
    def title(self) -> str:
        """One line."""
        return f"grant {self.of} to {self.role}" if self.shall else f"revoke {self.of} from {self.role}"

    @property
    def why(self) -> tuple[str, ...]:
        """What is missing or has drifted."""
        return (f"role {self.role} is a member of {self.of}: {is_shall(self.shall)}",)


@dataclass(frozen=True, slots=True)
class SetPassword:
    """Store the verifier of the password that stands in a place."""

    role: str
    place: PasswordPlace
    reason: str

    @property
    def title(self) -> str:
        """One line."""
        return f"store the verifier of {self.role}'s password, which stands in {self.where}"

    @property
    def where(self) -> str:
        """The file that the application reads it from."""
        return str(self.place.env_file or self.place.file)

    @property
    def why(self) -> tuple[str, ...]:
        """What has drifted."""
        return (f"role {self.role}: {self.reason}",)


@dataclass(frozen=True, slots=True)
class ClearPassword:
    """Take the password from a role that logs in without one."""

    role: str

    @property
    def title(self) -> str:
        """One line."""
        return f"alter role {self.role}: no password"

    @property
    def why(self) -> tuple[str, ...]:
        """What has drifted."""
        return (f"role {self.role} has a password: {is_shall(shall=False)}",)


RoleStep = CreateRole | ChangeRole | ChangeMembership | SetPassword | ClearPassword

_UNFIT = {
    Stored.NONE: "it has no password",
    Stored.DIFFERS: "the server knows another password",
    Stored.MD5: "its password is stored as md5, shall be scram-sha-256",
}


def attribute_words(give: AbstractSet[Attribute], take: AbstractSet[Attribute]) -> str:
    """As CREATE ROLE and ALTER ROLE spell them.

    >>> attribute_words({Attribute.LOGIN}, {Attribute.SUPERUSER})
    'LOGIN NOSUPERUSER'
    """
    return " ".join(
        one.value if one in give else f"NO{one.value}" for one in Attribute if one in give or one in take
    )


def is_shall(shall: bool) -> str:
    """How a plan tells a yes that shall be a no, or the other way round."""
    return "is no, shall be yes" if shall else "is yes, shall be no"


def role_steps(
    wanted: Sequence[WantedRole], found: Sequence[RoleFacts], *, superuser: bool
) -> Iterator[RoleStep]:
    """The steps that make the roles what they shall be.

    Args:
        superuser: what only superusers can give and take is left out without it.
    """
    known = {role.name: role for role in found}
    settable = frozenset(Attribute) - (frozenset() if superuser else ONLY_SUPERUSERS_GIVE)
    for role in wanted:
        facts = known.get(role.name)
        if facts is None:
            facts = RoleFacts(role.name, role.attributes & settable)
            yield CreateRole(role.name, role.duty, facts.attributes)
        give, take = role.attributes - facts.attributes, facts.attributes - role.attributes
        if (give | take) & settable:
            yield ChangeRole(role.name, give & settable, take & settable)
        yield from _password_steps(role, facts)
    for role in wanted:
        yield from _membership_steps(role, known.get(role.name, RoleFacts(role.name)), wanted)


def _password_steps(role: WantedRole, facts: RoleFacts) -> Iterator[RoleStep]:
    if role.by_account and facts.stored not in {Stored.NONE, Stored.UNSEEN}:
        yield ClearPassword(role.name)
    if role.password is not None and facts.stored in _UNFIT:
        yield SetPassword(role.name, role.password, _UNFIT[facts.stored])


def _membership_steps(role: WantedRole, facts: RoleFacts, wanted: Sequence[WantedRole]) -> Iterator[RoleStep]:
    """Of a role that was there before, only what reaches opskit's roles or the server's own is taken away."""
    ours = {other.name for other in wanted}
    for of in sorted(role.member_of - facts.member_of):
        yield ChangeMembership(role.name, of, shall=True)
    for of in sorted(facts.member_of - role.member_of):
        if role.exclusive or of in ours or of.startswith("pg_"):
            yield ChangeMembership(role.name, of, shall=False)
