"""What about a database asks for attention: the sentences above its numbers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from opskit.exporter.facts import Facts
from opskit.exporter.page.words import count, duration, share, since
from opskit.exporter.reading import Reading

LONG_SECONDS = 300.0
"""For so long a transaction may idle, or a SQLite writer hold its lock."""

NEARLY_FULL = 0.9
NEAR_END = 0.8
FREEZE_SLACK = 1.5
"""By how much the age of the oldest transaction may exceed the age at which vacuum is forced."""


REASONS = {
    "authentication": "the server refuses the login",
    "connection": "the server cannot be reached",
    "corrupt": "the file is damaged",
    "database_missing": "the server has no such database",
    "database_type": "the application's .env names no engine that opskit knows",
    "deadline": "no answer in time",
    "env_file": "the application's .env cannot be read",
    "missing": "the file does not exist",
    "not_a_database": "the file is no SQLite database",
    "not_running": "no server runs there",
    "permission_denied": "the exporter may not read it",
    "role_missing": "the server has no such role",
    "starting_up": "the server is starting up",
    "too_many_connections": "the server has no connection left",
}
"""Codes of failures that their own words do not explain."""


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence, and whether it tells of something broken or of something to look at."""

    bad: bool
    words: str


def notes(reading: Reading, now: float) -> list[Note]:
    """All there is to say, what is broken first.

    Args:
        now: Unix time.
    """
    facts = Facts(reading)
    found = [note for rule in _RULES for note in rule(reading, facts, now)]
    return sorted(found, key=lambda one: not one.bad)


def _health(reading: Reading, facts: Facts, _now: float) -> Iterator[Note]:
    if not reading.up:
        yield Note(True, f"Down: {reason(reading)}.")
    if facts.value("database.writable") is False:
        yield Note(True, "It cannot be written to.")
    for one in reading.collectors:
        if one.failure:
            yield Note(
                False, f"{one.name.replace('_', ' ').capitalize()} could not be read: {_plain(one.failure)}."
            )


def reason(reading: Reading) -> str:
    """Why a database is down, in words."""
    return _plain(next((one.failure for one in reading.probes if one.failure), "unknown"))


def _plain(failure: str) -> str:
    return REASONS.get(failure, failure.replace("_", " "))


def _sessions(_reading: Reading, facts: Facts, _now: float) -> Iterator[Note]:
    if blocked := facts.number("blocking.blocked"):
        longest = duration(facts.number("blocking.longest_block"))
        who = "1 session waits" if blocked == 1 else f"{count(blocked)} sessions wait"
        yield Note(False, f"{who} for a lock, the longest for {longest}.")
    idle = facts.number("longest.transaction_seconds", state="idle_in_transaction") or 0
    if idle > LONG_SECONDS:
        yield Note(False, f"A transaction has been idle for {duration(idle)}; vacuum waits for it.")
    used, limit = facts.total("connections.connections"), facts.number("limits.connections_limit")
    if used and limit and used > NEARLY_FULL * limit:
        yield Note(False, f"{count(used)} of {count(limit)} connections are in use.")


def _ends(_reading: Reading, facts: Facts, _now: float) -> Iterator[Note]:
    age, limit = facts.number("vacuum.xid_age"), facts.number("limits.xid_freeze_limit")
    if age and limit and age > FREEZE_SLACK * limit:
        yield Note(True, f"Vacuum does not keep up: the oldest transaction is {count(age)} old.")
    for row in facts.rows("sequences"):
        used = float(row["used_ratio"] or 0)
        if used > NEAR_END:
            yield Note(True, f"Sequence {row['sequence']} is {share(used)} used.")
    if indexes := facts.number("vacuum.invalid_indexes"):
        yield Note(False, f"{count(indexes)} invalid {'index' if indexes == 1 else 'indexes'}.")
    if waiting := facts.number("limits.pending_restart"):
        what = "setting waits" if waiting == 1 else "settings wait"
        yield Note(False, f"{count(waiting)} changed {what} for a restart.")


def _log(_reading: Reading, facts: Facts, now: float) -> Iterator[Note]:
    if facts.number("transactions.checksum_failures"):
        yield Note(True, "Damaged blocks were found (checksum failures).")
    failed, archived = facts.number("archiver.last_failure"), facts.number("archiver.last_success") or 0
    if failed and failed > archived:
        yield Note(True, f"Archiving the log fails; it last did {since(failed, now)}.")
    for row in facts.rows("replication"):
        if row.get("lost"):
            yield Note(True, f"Replication slot {row['slot']} has lost log that it needed.")


def _sqlite(_reading: Reading, facts: Facts, _now: float) -> Iterator[Note]:
    held = facts.number("lock.held_seconds") or 0
    if held > LONG_SECONDS:
        yield Note(False, f"The write lock has been held for {duration(held)} without a commit.")
    if facts.value("lock.hot_journal"):
        yield Note(False, "A writer crashed; the next one plays back its journal.")


def _told(_reading: Reading, facts: Facts, now: float) -> Iterator[Note]:
    if facts.value("backups.succeeded") is False:
        yield Note(True, f"The last backup failed, {since(facts.number('backups.attempted'), now)}.")
    for row in facts.rows("backups"):
        if row.get("sound") is False:
            yield Note(True, f"The last check of a backup ({row['level']}) failed.")
    if facts.value("standby.ready") is False:
        yield Note(False, "The way back to SQLite is open, and not ready.")
    if facts.value("rehearsals.works") is False:
        yield Note(False, "The last rehearsal of a rollback failed.")


def _authority(reading: Reading, facts: Facts, _now: float) -> Iterator[Note]:
    recorded = [row["engine"] for row in facts.rows("engine_record") if row.get("recorded")]
    if reading.engine and recorded and recorded != [reading.engine.value]:
        said = f"the last switch made {recorded[0]} authoritative"
        yield Note(True, f"The application uses {reading.engine.value}, and {said}: see opskit status.")


_RULES: tuple[Callable[[Reading, Facts, float], Iterator[Note]], ...] = (
    _health,
    _authority,
    _sessions,
    _ends,
    _log,
    _sqlite,
    _told,
)
