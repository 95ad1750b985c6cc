"""What other services of opskit tell of a database: how its backups are, and its way back to SQLite.

They do so in small files (backup_status, standby_state and rehearsal in opskit.runs), also while it is down.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from opskit.config import Configuration, Engine
from opskit.exporter.reading import Outcome, ReadFailed, Row, collect
from opskit.runs import backup_status, rehearsal
from opskit.runs.backup_status import BackupStatus, load_status
from opskit.runs.engine_record import Record, load_record, record_file
from opskit.runs.rehearsal import Rehearsal, load_rehearsals
from opskit.runs.standby_state import (
    Phase,
    State,
    directory_of,
    is_open,
    is_stale,
    load_state,
    moment,
    state_file,
)

BACKUPS = "backups"
STANDBY = "standby"
REHEARSALS = "rehearsals"
ENGINE_RECORD = "engine_record"
COLLECTORS = (BACKUPS, STANDBY, REHEARSALS, ENGINE_RECORD)


class StatusFiles:
    """Reads what is told of one database.

    Args:
        name: the database's configured name.
    """

    def __init__(self, configuration: Configuration, state_dir: Path, name: str) -> None:
        self._name = name
        self._backups = state_dir / backup_status.FILE
        self._rehearsals = state_dir / rehearsal.FILE
        self._record = record_file(state_dir)
        self._standby = state_file(directory_of(configuration, state_dir), name)

    def read(self) -> tuple[Outcome, ...]:
        """What each file tells; a file that is not there tells nothing."""
        return (
            collect(BACKUPS, partial(_told, self._backups, self._backup_rows)),
            collect(STANDBY, partial(_told, self._standby, _standby_rows)),
            collect(REHEARSALS, partial(_told, self._rehearsals, self._rehearsal_rows)),
            collect(ENGINE_RECORD, partial(_told, self._record, _record_rows)),
        )

    def _backup_rows(self, content: bytes) -> Iterator[Row]:
        return backup_rows(load_status(content, self._name))

    def _rehearsal_rows(self, content: bytes) -> Iterator[Row]:
        found = load_rehearsals(content).get(self._name)
        return rehearsal_rows(found) if found else iter(())


def _told(file: Path, rows: Callable[[bytes], Iterator[Row]]) -> Iterator[Row]:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return iter(())
    except PermissionError as error:
        raise ReadFailed.of("permission_denied", "the status file may not be read") from error
    except OSError as error:
        raise ReadFailed.of("io_error", "the status file cannot be read") from error
    return rows(content)


def backup_rows(status: BackupStatus) -> Iterator[Row]:
    """Rows for the last attempt, the last backup that was made, the file's integrity, each level of checks,
    and what is kept.
    """
    if tried := status.create:
        yield {"attempted": tried.at.timestamp(), "succeeded": tried.ok}
    if made := status.last_good:
        yield {"made": made.at.timestamp(), "bytes": made.size, "seconds": made.seconds}
    if integrity := status.integrity:
        yield {"intact": integrity.ok, "integrity_checked": integrity.at.timestamp()}
    for level, check in status.checks.items():
        yield {
            "level": level,
            "checked": check.at.timestamp(),
            "sound": check.ok,
            "check_seconds": check.seconds,
        }
    if kept := status.retained:
        yield {"retained": kept.count, "total": kept.size, "damaged": kept.damaged}
        if kept.since:
            yield {"window_start": kept.since.timestamp()}
        for level, at in kept.verified.items():
            yield {"level": level, "verified": at.timestamp()}


def _record_rows(content: bytes) -> Iterator[Row]:
    try:
        return record_rows(load_record(content))
    except ValueError as error:
        raise ReadFailed.of("damaged", "the record of the engine cannot be understood") from error


def record_rows(record: Record) -> Iterator[Row]:
    """A row for each engine, and one for the moment of the switch."""
    for engine in Engine:
        yield {"engine": engine.value, "recorded": engine is record.engine}
    yield {"since": _unix(record.since)}


def _standby_rows(content: bytes) -> Iterator[Row]:
    return standby_rows(load_state(content), datetime.now(UTC))


def standby_rows(state: State, now: datetime) -> Iterator[Row]:
    """A row for each phase, and one for the way back while it is open."""
    for phase in Phase:
        yield {"phase": phase.value, "in_phase": phase is state.phase}
    yield {"told": _unix(state.written)}
    if is_open(state):
        at = moment(state.at)
        yield {
            "ready": state.ready and not is_stale(state, now),
            "lag": at and max(0.0, (now - at).total_seconds()),
            "changes": state.changes,
            "verified": _unix(state.verified),
            "retained": state.retained_bytes,
            "safe": state.safe_bytes,
            "deadline": _unix(state.deadline),
        }


def rehearsal_rows(last: Rehearsal) -> Iterator[Row]:
    """A row for the last rehearsal of a rollback."""
    yield {"rehearsed": last.at.timestamp(), "works": last.ok, "pause": last.seconds}


def _unix(told: str) -> float | None:
    at = moment(told)
    return at and at.timestamp()
