"""Settings that are a superuser's, and that one of opskit's roles shall be able to set. Pure."""

from dataclasses import dataclass

APPLIES = "session_replication_role"
"""Under `replica`, neither triggers nor foreign keys act on what a session writes: SQLite has already done
what they say when `migrate --follow` brings it over."""


@dataclass(frozen=True, slots=True)
class GrantParameter:
    """Let a role set a parameter."""

    role: str
    parameter: str

    @property
    def title(self) -> str:
        """One line."""
        return f"let {self.role} set {self.parameter}"

    @property
    def why(self) -> tuple[str, ...]:
        """What is missing."""
        return (f"role {self.role} may set {self.parameter}: is no, shall be yes",)
