"""Which settings a server shall have, in knowledge of what others have set. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from opskit.provision.settings.machine import Machine
from opskit.provision.settings.sizing import Setting, Share, sized

STATEMENTS = "pg_stat_statements"
MODE, COMMAND = "archive_mode", "archive_command"

_COUNTS = frozenset({"max_connections", "max_wal_senders", "max_replication_slots", "max_worker_processes"})
_REACHABLE = frozenset({"localhost", "*", "0.0.0.0", "127.0.0.1"})  # noqa: S104  read, not listened on

_FIXED = (
    Setting("password_encryption", "scram-sha-256", "md5 verifiers can be replayed"),
    Setting("timezone", "UTC", "moments are shown as they are stored, on every host"),
    Setting("log_timezone", "UTC", "log lines of several hosts can be put side by side"),
    Setting("wal_level", "logical", "the way back to SQLite reads changes from the WAL"),
    Setting("wal_compression", "lz4", "less WAL for little CPU"),
    Setting("default_toast_compression", "lz4", "large values take less CPU than with pglz"),
    Setting("max_wal_senders", "10", "replication, backups, the way back"),
    Setting("max_replication_slots", "10", "one for each database's way back, the rest for others"),
    Setting("checkpoint_timeout", "15min", "fewer full pages in the WAL than with the default of 5min"),
    Setting("jit", "off", "short statements lose more to compiling than they win"),
    Setting("track_io_timing", "on", "what statements wait for is seen; costs little where clocks are fast"),
    Setting("track_activity_query_size", "4096", "long statements are seen whole"),
    Setting(f"{STATEMENTS}.track_utility", "off", "ALTER ROLE … PASSWORD would be kept in clear"),
    Setting("log_min_duration_statement", "1s", "slow statements are logged"),
    Setting(
        "log_parameter_max_length",
        "0",
        "what is logged is logged without values, which may be secrets",
    ),
    Setting("log_parameter_max_length_on_error", "0", "failed ones likewise"),
    Setting("log_lock_waits", "on", "who waits for a lock longer than a second is logged"),
    Setting("log_temp_files", "64MB", "sorts that by far do not fit into work_mem are logged"),
    Setting("log_autovacuum_min_duration", "10s", "vacuums that take long are logged"),
)


@dataclass(frozen=True, slots=True)
class Others:
    """What settings files say, name → value.

    Attributes:
        before: in lines that count less than ours.
        after: in lines that count more than ours, those of ALTER SYSTEM among them.
        ours: in our own file, as a former run has written it.
    """

    before: Mapping[str, str] = field(default_factory=dict[str, str])
    after: Mapping[str, str] = field(default_factory=dict[str, str])
    ours: Mapping[str, str] = field(default_factory=dict[str, str])


def chosen(
    machine: Machine,
    share: Share,
    parameters: Mapping[str, str],
    others: Others,
    archive: tuple[Setting, ...] = (),
) -> tuple[Setting, ...]:
    """All settings for our file, in its order.

    Args:
        parameters: what the operator wants otherwise or in addition.
        archive: what makes the server archive its log.
    """
    settings = [_not_lowered(one, others) for one in (*sized(machine, share), *_FIXED)]
    settings += [_preloaded(others), *_listening(others), *(archive or _archived_before(others))]
    asked = {name: Setting(name, value, "as provision.parameters says") for name, value in parameters.items()}
    return (*(asked.pop(one.name, one) for one in settings), *asked.values())


def _archived_before(others: Others) -> Iterator[Setting]:
    """With archive_mode and no command, a server keeps its log until the disk is full."""
    if MODE in others.ours:
        for name in (MODE, COMMAND):
            if name in others.ours:
                yield Setting(name, others.ours[name], "as it was while backup.pgbackrest was configured")


def _not_lowered(one: Setting, others: Others) -> Setting:
    """Others may need more than we do."""
    if one.name not in _COUNTS:
        return one
    said = (others.before.get(one.name, ""), others.after.get(one.name, ""))
    most = max((int(value) for value in said if value.isdecimal()), default=0)
    if most <= int(one.value):
        return one
    return replace(one, value=str(most), reason=f"not below what others have set; {one.value} would do")


def _preloaded(others: Others) -> Setting:
    name = "shared_preload_libraries"
    present = [word for word in _words(name, others) if word != STATEMENTS]
    kept = f"; {', '.join(present)} as before" if present else ""
    value = ", ".join([*present, STATEMENTS])
    return Setting(name, value, f"{STATEMENTS} counts what statements cost{kept}")


def _listening(others: Others) -> Iterator[Setting]:
    """The default is enough: said only where others have said less, and never less than they."""
    name = "listen_addresses"
    words = _words(name, others)
    said = name in others.before or name in others.after
    if name in others.ours or (said and not _REACHABLE.intersection(words)):
        shall = words if _REACHABLE.intersection(words) else ["localhost", *words]
        yield Setting(name, ", ".join(shall), "the application connects to localhost; others as before")


def _words(name: str, others: Others) -> list[str]:
    """The words of a list that everybody together has set."""
    said = others.after.get(name, others.before.get(name, ""))
    parts = f"{said},{others.ours.get(name, '')}".split(",")
    return list(dict.fromkeys(word for part in parts if (word := part.strip().strip('"'))))
