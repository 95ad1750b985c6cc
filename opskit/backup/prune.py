"""Removes the backups that no rule keeps: facts → decisions → plan → execution."""

from collections.abc import Sequence
from dataclasses import dataclass

from opskit.backup.manifest import moment_of
from opskit.backup.place import Place
from opskit.backup.records import Level
from opskit.backup.retention import Candidate, Decision, decide
from opskit.backup.shelf import Backup, Shelf, unusable
from opskit.backup.status import tell
from opskit.config import Engine
from opskit.runs.execute import Found, execute
from opskit.runs.journal import Journal, abandon, unfinished
from opskit.runs.plan import Plan, Stage
from opskit.runs.standby_state import StateDamaged, directory_of, is_open, load_state, state_file

COMMAND = "backup prune"
GO_ON = "run `opskit backup prune` again"


@dataclass(frozen=True, slots=True)
class Remove:
    """Removes one backup."""

    id: str
    reason: str

    @property
    def title(self) -> str:
        """See `Step`."""
        return f"remove {self.id}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Pruning:
    """What becomes of every backup, and the steps that make it so."""

    decisions: tuple[Decision, ...]
    plan: Plan[Remove]


def pruning(place: Place) -> Pruning:
    """What the configuration's rules say of the backups that are there.

    Raises:
        ConfigurationError: the backup directory cannot be read.
    """
    found = place.shelf.backups()
    decisions = tuple(
        decision
        for name in sorted({one.database for one in found})
        for decision in _decided(name, [one for one in found if one.database == name], place)
    )
    steps = tuple(Remove(one.id, ", ".join(one.reasons)) for one in decisions if not one.keep)
    stages = tuple(Stage((step,)) for step in steps)
    return Pruning(decisions, Plan(COMMAND, str(place.shelf.directory), stages))


def _decided(database: str, backups: Sequence[Backup], place: Place) -> tuple[Decision, ...]:
    left = Engine.SQLITE if _way_back_open(place, database) else None
    candidates = (_candidate(one, place.shelf, left) for one in backups)
    return decide(candidates, place.configuration.backup.keep)


def _way_back_open(place: Place, database: str) -> bool:
    """May the application yet go back to SQLite? A state that cannot be understood may say so."""
    file = state_file(directory_of(place.configuration, place.state_dir), database)
    try:
        return is_open(load_state(file.read_bytes()))
    except FileNotFoundError:
        return False
    except (StateDamaged, OSError):
        return True


def prune(plan: Plan[Remove], place: Place) -> None:
    """Removes the backups of the plan, and what killed runs have left. The caller holds the state directory.

    Raises:
        ConfigurationError: the backup directory cannot be used.
        NeedsAttention: a backup could not be removed.
    """
    place.shelf.prepare()
    killed = list(unfinished(place.runs, COMMAND, plan.subject))
    with Journal(place.runs, COMMAND, plan.subject) as journal:
        execute(plan, _Effects(place.shelf), journal, go_on=GO_ON)
    for run in killed:
        abandon(run)
    tell(place, {})


@dataclass(frozen=True, slots=True)
class _Effects:
    """The effects of pruning on the directory of the backups."""

    shelf: Shelf

    def perform(self, step: Remove) -> Found:
        """Makes it so; see `Effects`. One that has come into use since stays."""
        try:
            self.shelf.take_away(step.id)
        except OSError as error:
            raise unusable(self.shelf.directory, error) from error
        return None

    def halt(self) -> None:
        """See `Effects`; steps come one after the other."""

    def revert(self, step: Remove) -> None:
        """See `Effects`; what was removed is gone, and was to go."""


def _candidate(backup: Backup, shelf: Shelf, left: Engine | None) -> Candidate:
    return Candidate(
        backup.id,
        moment_of(backup.id),
        sound=backup.sound,
        drilled=backup.record.passed(Level.DRILL),
        pinned=backup.record.pinned,
        in_use=shelf.in_use(backup.id),
        way_back=backup.manifest is not None and backup.manifest.engine is left,
    )
