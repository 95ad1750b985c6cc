"""What keeps sessions out, or makes them other than expected, and the steps against it. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opskit.provision.access.databases import DatabaseFacts
from opskit.provision.access.roles import RoleFacts, RoleSetting, WantedRole

UNLIMITED = -1
"""As PostgreSQL counts connections."""

FOREVER = "infinity"

_DECISIVE = frozenset({"default_transaction_read_only", "role", "search_path", "session_replication_role"})
"""Settings under which the application's sessions would not find their tables, or not write to them."""


@dataclass(frozen=True, slots=True)
class LiftLimit:
    """Let a role log in, or sessions come into a database, any number of times at once.

    Attributes:
        kind: ROLE or DATABASE.
    """

    kind: str
    name: str
    limit: int

    @property
    def title(self) -> str:
        """One line."""
        return f"alter {self.kind.lower()} {self.name}: no limit of connections"

    @property
    def why(self) -> tuple[str, ...]:
        """What has drifted."""
        return (f"{self.kind.lower()} {self.name}: connection limit: is {self.limit}, shall be none",)


@dataclass(frozen=True, slots=True)
class LiftExpiry:
    """Let a role's password be good without end; a SCRAM verifier does not wear out.

    Attributes:
        until: when it ends or has ended, as PostgreSQL writes it.
    """

    role: str
    until: str

    @property
    def title(self) -> str:
        """One line."""
        return f"alter role {self.role}: valid without end"

    @property
    def why(self) -> tuple[str, ...]:
        """What has drifted."""
        return (f"role {self.role}: valid until: is {self.until}, shall be without end",)


@dataclass(frozen=True, slots=True)
class ResetRoleSetting:
    """Take a setting back that sessions of one of opskit's own roles would begin with."""

    setting: RoleSetting

    @property
    def title(self) -> str:
        """One line."""
        return f"alter {self._whose}: reset {self.setting.name}"

    @property
    def why(self) -> tuple[str, ...]:
        """What has drifted."""
        return (f"{self._whose} sets {self.setting.name} to {self.setting.value!r}, shall set nothing",)

    @property
    def _whose(self) -> str:
        inside = f" in database {self.setting.database}" if self.setting.database else ""
        return f"role {self.setting.role}{inside}"


SessionStep = LiftLimit | LiftExpiry | ResetRoleSetting


def session_steps(
    wanted: Sequence[WantedRole], roles: Sequence[RoleFacts], databases: Sequence[DatabaseFacts]
) -> Iterator[SessionStep]:
    """The steps by which sessions can be had, and opskit's own begin with the server's settings.

    A limit that lets somebody in is the operator's choice, for the application and for a database.
    """
    known = {role.name: role for role in roles}
    for role in wanted:
        there = known.get(role.name)
        if there is None:
            continue
        if there.limit == 0 or (role.exclusive and there.limit != UNLIMITED):
            yield LiftLimit("ROLE", role.name, there.limit)
        if there.valid_until not in {"", FOREVER}:
            yield LiftExpiry(role.name, there.valid_until)
        if role.exclusive:
            yield from map(ResetRoleSetting, there.settings)
    for database in databases:
        if database.limit == 0:
            yield LiftLimit("DATABASE", database.name, 0)


def told_of_settings(
    application: str, roles: Sequence[RoleFacts], databases: Sequence[DatabaseFacts]
) -> Iterator[str]:
    """Settings of the application's role and of whole databases: theirs, but they decide what it meets."""
    theirs = (one for role in roles if role.name == application for one in role.settings)
    for one in (*theirs, *(one for database in databases for one in database.settings)):
        if one.name in _DECISIVE:
            whose = f"role {one.role}" if one.role else f"database {one.database}"
            yield (
                f"{whose} sets {one.name} to {one.value!r} for the application's sessions, which stays so;"
                f" unless that is meant: ALTER {whose.upper().split()[0]} … RESET {one.name}"
            )
