"""What the cluster shall be brought back as, and from which backup. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime

from opskit.backup.pgbackrest.catalogue import Catalogue, ClusterBackup
from opskit.errors import Refused

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Target:
    """What the cluster shall be as.

    Attributes:
        backup: what it is brought back from.
        moment: None: as it was when that backup ended, or with `latest`, as late as the log goes.
    """

    backup: ClusterBackup
    moment: datetime | None = None
    latest: bool = False

    @property
    def as_of(self) -> str:
        """That, for people."""
        if self.moment is not None:
            return f"as of {self.moment:%Y-%m-%d %H:%M:%S.%f} UTC"
        return "as late as its log goes" if self.latest else f"as of the end of {self.backup.label}"

    @property
    def options(self) -> tuple[str, ...]:
        """pgBackRest's words for it."""
        if self.moment is not None:
            at = f"--target={self.moment:%Y-%m-%d %H:%M:%S.%f}+00"
            return ("--type=time", at, "--target-action=promote")
        return ("--type=default",) if self.latest else ("--type=immediate", "--target-action=promote")


def target_of(catalogue: Catalogue, label: str | None, to: str | None, now: datetime) -> Target:
    """What is to be brought back.

    Args:
        label: from which backup; None for the newest that leads there.
        to: a moment as ISO 8601, in UTC unless it says otherwise; `latest`; None for the end of the backup.

    Raises:
        Refused: there is no such backup, or none that leads to that moment.
    """
    named = catalogue.backup(label) if label else None
    if label and named is None:
        raise Refused.of(
            "unknown_backup", f"there is no backup {label}", hint="see `opskit backup list`", where=label
        )
    if to is None and named:
        return Target(named)
    moment = now if to in (None, LATEST) else _moment(str(to), now)
    backup = named or catalogue.before(moment)
    if backup is None or backup.ended >= moment:
        raise Refused.of(
            "no_backup_before",
            f"no backup leads to {to}: the earliest moment is {_earliest(catalogue)}",
            hint="see `opskit backup list`",
            where=str(to),
        )
    return Target(backup, latest=True) if to in (None, LATEST) else Target(backup, moment)


def _earliest(catalogue: Catalogue) -> str:
    fit = [one.ended for one in catalogue.backups if one.sound]
    return f"{min(fit):%Y-%m-%d %H:%M:%S} UTC" if fit else "not there yet"


def _moment(text: str, now: datetime) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused.of(
            "no_moment",
            f"{text!r} is no moment",
            hint="write for example 2026-11-23T08:40:00Z, or latest",
            where="--to-time",
        ) from error
    moment = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    if moment > now:
        raise Refused.of(
            "moment_to_come",
            f"{moment:%Y-%m-%d %H:%M:%S} UTC is yet to come: it is {now:%H:%M:%S} UTC",
            hint="name a moment that has passed, or latest",
            where="--to-time",
        )
    return moment
