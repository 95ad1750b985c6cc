"""What facts mean. Pure: facts in, findings out, one finding for one trouble."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from shlex import quote

from opskit.config import Engine
from opskit.doctor.catalogue import PROVISION, TROUBLES
from opskit.doctor.facts import (
    Database,
    Environment,
    Facts,
    FileState,
    Holder,
    Refusal,
    Session,
    SqliteFile,
    Unit,
    Volume,
)
from opskit.doctor.findings import Finding
from opskit.doctor.refusals import OF_THE_KEYS, session_refused

GIB = 1 << 30
WAL_SEGMENT = 16 << 20
"""Bytes that PostgreSQL must be able to write, or it stops."""

LONG_SECONDS = 3600.0
"""A restore takes longer than the dump did, and nobody waits for it for half a day."""

LARGE_BYTES = 100 * GIB
"""Copied whole every night, although most of it has not changed."""

CLOCK_SECONDS = 2.0
"""How far apart two clocks may be; who keeps time by NTP is within a tenth of a second."""


def diagnose(facts: Facts) -> tuple[Finding, ...]:
    """Everything that is wrong, causes before what follows from them; what follows surely is left out."""
    found = [*_environment(facts.environment), *_unit(facts), *_disks(facts)]
    found += (one for database in facts.databases for one in _postgresql(facts, database))
    found += (one for database in facts.databases for one in _sqlite(facts, database))
    found += _clock(facts)
    found += _dumps(facts)
    found += _drift(facts, found)
    return merged(found)


def merged(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """One trouble that shows in several databases is one finding, and no single database's."""
    kept: dict[Finding, Finding] = {}
    for one in found:
        key = replace(one, database=None)
        kept[key] = key if key in kept and kept[key].database != one.database else one
    return tuple(kept.values())


def _environment(environment: Environment) -> Iterator[Finding]:
    where = str(environment.file)
    if environment.file is not None and not environment.exists:
        yield TROUBLES["env_missing"].found(f"{where} does not exist", where=where)
    if environment.missing:
        keys = ", ".join(environment.missing)
        yield TROUBLES["env_incomplete"].found(f"{where} does not set {keys}", where=where)


def _unit(facts: Facts) -> Iterator[Finding]:
    unit = facts.unit
    if unit is None:
        return
    if not unit.exists:
        yield TROUBLES["unit_missing"].found(f"there is no unit {unit.name}", where=unit.name)
    elif keys := facts.environment.overridden:
        files = ", ".join(str(file) for file in unit.files)
        what = f"{unit.name} ({files}) sets {', '.join(keys)}: {facts.environment.file} is not heard"
        yield TROUBLES["env_overridden"].found(what, where=unit.name, unit=unit.name)


def _disks(facts: Facts) -> Iterator[Finding]:
    for volume in facts.host.volumes:
        place = ", ".join(str(one) for one in volume.holds)
        if what := _shortage(volume):
            yield TROUBLES["disk_space"].found(f"{what}: {place}", where=str(volume.holds[0]))


def _shortage(volume: Volume) -> str:
    if volume.free < min(volume.total // 20, 10 * GIB):
        return f"{volume.free / GIB:.2f} of {volume.total / GIB:.2f} GiB are free"
    if volume.inodes_free * 20 < volume.inodes:
        return f"{volume.inodes_free:,} of {volume.inodes:,} inodes are free"
    return ""


def _postgresql(facts: Facts, database: Database) -> Iterator[Finding]:
    if isinstance(database.answer, Session):
        yield from _session(facts, database, database.answer)
    elif not (_stopped_by_disk(facts) or _lacks_keys(facts.environment, database.answer.refusal)):
        yield session_refused(facts, database, database.answer)


def _stopped_by_disk(facts: Facts) -> bool:
    """Is there no room for the server's log any more?"""
    data = {cluster.data for cluster in facts.host.clusters}
    return any(volume.free < WAL_SEGMENT and data.intersection(volume.holds) for volume in facts.host.volumes)


def _lacks_keys(environment: Environment, refusal: Refusal) -> bool:
    """Is the application refused for keys that it has not, or has from its unit otherwise than in `.env`?"""
    absent = environment.file is not None and not environment.exists
    return environment.contradicted or ((absent or bool(environment.missing)) and refusal in OF_THE_KEYS)


def _session(facts: Facts, database: Database, session: Session) -> Iterator[Finding]:
    target = database.target
    place = f"{target.dbname} at {target.address}"
    if not session.schema_exists:
        what = f"the schema {database.schema} is not in {target.dbname}"
        yield TROUBLES["schema_missing"].found(what, where=place, database=database.name)
    elif denied := _denied(database, session):
        what = f"{target.user} {denied}"
        yield TROUBLES["permission_denied"].found(what, where=place, database=database.name)
    if session.read_only and facts.engine is Engine.POSTGRESQL:
        what = f"{target.dbname} cannot be written: {session.read_only}"
        yield TROUBLES["read_only"].found(what, where=place, database=database.name, dbname=target.dbname)
    if abs(session.clock_ahead) > CLOCK_SECONDS:
        side = "ahead of" if session.clock_ahead > 0 else "behind"
        what = f"the server's clock is {abs(session.clock_ahead):.0f} s {side} this host's"
        yield TROUBLES["clock_skew"].found(what, where=target.address)


def _denied(database: Database, session: Session) -> str:
    if not session.schema_usage:
        return f"may not use the schema {database.schema}"
    if not session.schema_create:
        return f"may not CREATE in the schema {database.schema}"
    if session.denied:
        first, others = session.denied[0], len(session.denied) - 1
        return f"may not read and write {first}" + (f" and {others} more" if others else "")
    return ""


def _sqlite(facts: Facts, database: Database) -> Iterator[Finding]:
    sqlite = database.sqlite
    if sqlite.state is FileState.MISSING:
        if facts.engine is Engine.SQLITE:
            correct = f"correct databases.{database.name}.sqlite in the configuration"
            yield _lost("sqlite_missing", "does not exist", database, correct)
        return
    if sqlite.state is FileState.UNREADABLE:
        what = f"{sqlite.file} cannot be read: {sqlite.detail}"
        yield TROUBLES["sqlite_unreadable"].found(what, where=str(sqlite.file), database=database.name)
        return
    if sqlite.state in _DAMAGES:
        recover = f"sqlite3 {quote(str(sqlite.file))} .recover | sqlite3 {quote(f'{sqlite.file}.recovered')}"
        yield _lost("sqlite_corrupt", f"{_DAMAGES[sqlite.state]}{sqlite.detail}", database, recover)
    if sqlite.closed and facts.unit and facts.engine is Engine.SQLITE:
        words = {"user": facts.unit.user, "path": str(sqlite.closed)}
        what = f"{facts.unit.user} may not write {sqlite.closed}"
        yield TROUBLES["sqlite_unwritable"].found(
            what, where=str(sqlite.file), database=database.name, **words
        )
    yield from _in_hand(facts, sqlite, database.name)


_DAMAGES = {
    FileState.NOT_A_DATABASE: "is no SQLite database, or encrypted",
    FileState.CORRUPT: "is corrupt: ",
}


def _lost(code: str, what: str, database: Database, without_backup: str) -> Finding:
    file, backup = str(database.sqlite.file), database.backup
    instead = "" if backup else without_backup
    return TROUBLES[code].found(
        f"{file} {what}", where=file, database=database.name, instead=instead, backup=backup
    )


def _in_hand(facts: Facts, sqlite: SqliteFile, name: str) -> Iterator[Finding]:
    """What processes do to the file; opskit's own services may have it open."""
    file, holders = str(sqlite.file), sqlite.holders or ()
    foreign = [one for one in holders if not one.unit.startswith("opskit-")]
    if sqlite.locked:
        writer = next((one for one in holders if one.pid == sqlite.writer), Holder(sqlite.writer, "", ""))
        what = f"{file} is locked for writing by {writer}"
        yield TROUBLES["sqlite_locked"].found(what, where=file, database=name, **_end(writer, facts.unit))
    elif foreign and facts.engine is Engine.POSTGRESQL:
        what = f"{file} is open in {', '.join(map(str, foreign))}, although the application uses PostgreSQL"
        yield TROUBLES["sqlite_held"].found(what, where=file, database=name, **_end(foreign[0], facts.unit))
    if sqlite.wal_bytes and sqlite.holders == ():
        what = f"{file} has a -wal of {sqlite.wal_bytes:,} bytes that no process holds"
        yield TROUBLES["stale_wal"].found(what, where=f"{file}-wal", database=name, file=file)


def _end(holder: Holder, application: Unit | None) -> Mapping[str, str]:
    """The words of the remedy: a process is ended in the way of who has started it."""
    if not holder.unit:
        return {"instead": f"kill {holder.pid}"}
    if application is None or holder.unit != application.name:
        return {"instead": f"systemctl stop {holder.unit}"}
    return {"unit": holder.unit}


def _clock(facts: Facts) -> Iterator[Finding]:
    if facts.host.clock_synchronised is False:
        what = "this host's clock is not kept in step by NTP"
        yield TROUBLES["clock_unsynchronised"].found(what, where="clock")


def _dumps(facts: Facts) -> Iterator[Finding]:
    if facts.engine is not Engine.POSTGRESQL or facts.pgbackrest:
        return
    for database in facts.databases:
        dump = database.dump
        if dump and (dump.seconds >= LONG_SECONDS or dump.size >= LARGE_BYTES):
            took = f"{dump.seconds / 3600:.1f} hours for {dump.size / GIB:.0f} GiB"
            what = f"the last dump of {database.name} took {took}"
            yield TROUBLES["dump_outgrown"].found(what, where="backup.pgbackrest", database=database.name)


def _drift(facts: Facts, found: Iterable[Finding]) -> Iterator[Finding]:
    """What `provision` would do, when nothing that has been found is a reason for that."""
    reason = any(one.fixable or one.remedy == PROVISION for one in found)
    if facts.drift and not reason and not _stopped_by_disk(facts):
        yield TROUBLES["drift"].found("; ".join(facts.drift), where="this host")
