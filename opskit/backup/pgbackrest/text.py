"""The cluster's backups as lines for people. Pure."""

from collections.abc import Iterable, Iterator

from opskit.backup.pgbackrest.known import Known
from opskit.backup.records import Level
from opskit.backup.text import size


def listed(cluster: str, found: Iterable[Known]) -> str:
    """One line a backup, and since when any moment can be brought back."""
    backups = list(found)
    if not backups:
        return f"cluster {cluster} has no backups yet"
    head = f"{'BACKUP OF THE CLUSTER':<34}  {'KIND':<4}  {'ADDS':>10}  {'HOLDS':>10}  STATE"
    since = min(one.backup.ended for one in backups)
    return "\n".join(
        [
            head,
            *(_line(one) for one in backups),
            f"cluster {cluster}: any moment since {since:%Y-%m-%d %H:%M:%S} UTC (restore --to-time)",
        ]
    )


def _line(one: Known) -> str:
    backup = one.backup
    sizes = f"{size(backup.added):>10}  {size(backup.size):>10}"
    return f"{backup.label:<34}  {backup.kind.value:<4}  {sizes}  {_state(one)}"


def _state(one: Known) -> str:
    if one.problems:
        return f"DAMAGED: {'; '.join(one.problems)}"
    drilled, read = one.record.passed(Level.DRILL), one.record.passed(Level.FILES)
    if drilled:
        return f"came back in a drill {drilled:%Y-%m-%d %H:%M}"
    return f"read {read:%Y-%m-%d %H:%M}" if read else "never checked"


def described(one: Known) -> str:
    """Everything about one backup."""
    return "\n".join(_described(one))


def _described(one: Known) -> Iterator[str]:
    backup = one.backup
    yield f"{backup.label}: {_state(one)}"
    yield f"  {backup.kind.value}, begun {backup.begun:%Y-%m-%d %H:%M:%S} UTC"
    yield f"  any moment after {backup.ended:%Y-%m-%d %H:%M:%S} UTC can be brought back from it"
    yield f"  cluster of {size(backup.size)}, {size(backup.added)} added to the repository"
    yield f"  log from segment {backup.first} to {backup.last}"
    if backup.needs:
        yield f"  builds upon {', '.join(backup.needs)}"
