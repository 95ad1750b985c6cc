"""One database's migration as it is decided: facts of both sides, names, design."""

from dataclasses import dataclass
from pathlib import Path

from opskit.config import Misfits
from opskit.migrate.existing import ExistingFacts, design_into
from opskit.migrate.facts import Job, SourceFacts, TargetFacts
from opskit.migrate.resume import NOTHING, Kept
from opskit.schema.design import Design
from opskit.schema.designer import design
from opskit.schema.matching import matched_names
from opskit.schema.names import NameMap, map_names


@dataclass(frozen=True, slots=True)
class Undertaking:
    """One database's facts on both sides, where its backup goes, and the design drawn from them.

    Attributes:
        existing: the schema that the application has made, when rows go into it.
        last_note: the last change that the copy holds and the file's watch has noted; None without a watch.
    """

    job: Job
    source: SourceFacts
    target: TargetFacts
    backup: Path
    names: NameMap
    design: Design
    existing: ExistingFacts | None = None
    kept: Kept = NOTHING
    last_note: int | None = None

    @property
    def sets_aside(self) -> bool:
        """Are rows that a table cannot hold kept beside it? Never in a schema of the application's own."""
        return self.existing is None and self.job.misfits is Misfits.SET_ASIDE


def undertake(
    job: Job, source: SourceFacts, target: TargetFacts, backup: Path, existing: ExistingFacts | None = None
) -> Undertaking:
    """Draws the design for one database."""
    if existing is not None:
        names, into = matched_names(existing.matching), design_into(existing, source)
        return Undertaking(job, source, target, backup, names, into, existing)
    names = map_names(source.schema, fold=job.fold)
    return Undertaking(job, source, target, backup, names, design(source.schema, source.choices, names))
