"""The steps of a cutover and of a rollback, as frozen values in neutral terms."""

from dataclasses import dataclass

from opskit.config import Engine

Where = str
"""The configured name of a database."""


@dataclass(frozen=True, slots=True)
class ClosePostgresql:
    """Shut the application's role out of PostgreSQL, and end its sessions."""

    database: Where
    role: str

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: close PostgreSQL to {self.role}"


@dataclass(frozen=True, slots=True)
class CompareAll:
    """Compare both sides whole, while the application goes on writing."""

    database: Where

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: compare both sides whole, beside the application"


@dataclass(frozen=True, slots=True)
class OpenWayBack:
    """Make the SQLite file that will follow PostgreSQL, and what PostgreSQL keeps for it."""

    database: Where

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: arm the way back"


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Take over, to an engine, what the application has written meanwhile, until hardly anything is left."""

    engine: Engine

    @property
    def title(self) -> str:
        """One line."""
        return f"bring {self.engine.value} up to date, beside the application"


@dataclass(frozen=True, slots=True)
class StopApplication:
    """Stop the application, and wait until nobody has the databases open."""

    how: str

    @property
    def title(self) -> str:
        """One line."""
        return f"stop the application ({self.how})"


@dataclass(frozen=True, slots=True)
class FenceSqlite:
    """Make every table of the SQLite file refuse changes, and say where the data is."""

    database: Where

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: fence SQLite"


@dataclass(frozen=True, slots=True)
class DrainLast:
    """Take the last changes over to PostgreSQL, read them back and compare."""

    database: Where

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: take over and prove the last changes"


@dataclass(frozen=True, slots=True)
class LevelWayBack:
    """Bring the last changes into the file that follows, too: it then holds all that SQLite ever took."""

    database: Where

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: make the way back level"


@dataclass(frozen=True, slots=True)
class SwitchEnvironment:
    """Set DATABASE_TYPE in the application's `.env`."""

    engine: Engine

    @property
    def title(self) -> str:
        """One line."""
        return f"set DATABASE_TYPE={self.engine.value} in the application's .env"


@dataclass(frozen=True, slots=True)
class OpenPostgresql:
    """Let the application's role into PostgreSQL: from here on it may hold new writes."""

    database: Where
    role: str

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: open PostgreSQL to {self.role}"


@dataclass(frozen=True, slots=True)
class RecordEngine:
    """Note which side is authoritative."""

    engine: Engine

    @property
    def title(self) -> str:
        """One line."""
        return f"note that {self.engine.value} is authoritative"


@dataclass(frozen=True, slots=True)
class StartApplication:
    """Start the application."""

    how: str

    @property
    def title(self) -> str:
        """One line."""
        return f"start the application ({self.how})"


@dataclass(frozen=True, slots=True)
class AwaitHealth:
    """Wait until the application is well on its new side."""

    engine: Engine

    @property
    def title(self) -> str:
        """One line."""
        return f"wait until the application is well on {self.engine.value}"


@dataclass(frozen=True, slots=True)
class EndFollowing:
    """Take the watch out of the SQLite file, which is fenced."""

    database: Where

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: remove the watch from SQLite"


@dataclass(frozen=True, slots=True)
class StopStandby:
    """Make the standby's service let its files go."""

    @property
    def title(self) -> str:
        """One line."""
        return "stop the standby's service"


@dataclass(frozen=True, slots=True)
class StartStandby:
    """Start the standby's service, where systemd has it."""

    @property
    def title(self) -> str:
        """One line."""
        return "start the standby's service"


@dataclass(frozen=True, slots=True)
class BringBack:
    """Bring the last changes back into the standby's file: nothing may be missing."""

    database: Where

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: bring back the last changes, and prove that none is missing"


@dataclass(frozen=True, slots=True)
class StageFile:
    """Put the standby's file beside the application's."""

    database: Where

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: put the standby's file beside the application's"


@dataclass(frozen=True, slots=True)
class SwapFile:
    """Put the standby's file in the place of the application's, which is kept: SQLite may hold new writes."""

    database: Where

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: put the standby's file in the application's place"


@dataclass(frozen=True, slots=True)
class EndWayBack:
    """Let go what PostgreSQL keeps for the way back."""

    database: Where

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: let go what PostgreSQL kept for the way back"


Step = (
    ClosePostgresql
    | CompareAll
    | OpenWayBack
    | CatchUp
    | StopApplication
    | FenceSqlite
    | DrainLast
    | LevelWayBack
    | SwitchEnvironment
    | OpenPostgresql
    | RecordEngine
    | StartApplication
    | AwaitHealth
    | EndFollowing
    | StopStandby
    | StartStandby
    | BringBack
    | StageFile
    | SwapFile
    | EndWayBack
)

POINTS = (OpenPostgresql, SwapFile)
"""Steps after which the new side may hold writes: from the first of them on there is only forward."""
