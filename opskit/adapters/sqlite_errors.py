"""What SQLite's refusals mean."""

from pathlib import Path
from typing import Protocol, cast

import apsw

from opskit.errors import ConnectionFailed, DatabaseError, Fault, QueryFailed, TransactionFailed

_BUSY = "end the other transaction, or raise the busy timeout"
_DAMAGED = "restore a backup; `PRAGMA integrity_check` tells what is damaged"

_MEANING: dict[str, tuple[str, type[DatabaseError] | None, str]] = {
    "SQLITE_CONSTRAINT_UNIQUE": ("unique_violation", None, ""),
    "SQLITE_CONSTRAINT_PRIMARYKEY": ("unique_violation", None, ""),
    "SQLITE_CONSTRAINT_ROWID": ("unique_violation", None, ""),
    "SQLITE_CONSTRAINT_NOTNULL": ("not_null_violation", None, ""),
    "SQLITE_CONSTRAINT_FOREIGNKEY": ("foreign_key_violation", None, ""),
    "SQLITE_CONSTRAINT_CHECK": ("check_violation", None, ""),
    "SQLITE_BUSY": ("database_busy", TransactionFailed, _BUSY),
    "SQLITE_LOCKED": ("database_busy", TransactionFailed, _BUSY),
    "SQLITE_INTERRUPT": ("cancelled", None, ""),
    "SQLITE_READONLY": ("read_only", None, "check the rights on the file and its directory"),
    "SQLITE_FULL": ("disk_full", None, "make room on the disk"),
    "SQLITE_CANTOPEN": ("sqlite_missing", ConnectionFailed, "check the path and the rights on it"),
    "SQLITE_NOTADB": ("not_a_database", ConnectionFailed, "name a SQLite database"),
    "SQLITE_CORRUPT": ("corrupt", ConnectionFailed, _DAMAGED),
    "SQLITE_IOERR": ("input_output", ConnectionFailed, "look at the disk and the kernel's log"),
}
"""By extended result code, else by primary: code, kind of error (None: that of the operation), hint."""


class _Coded(Protocol):
    """The result codes of an apsw.Error, which its stubs leave out."""

    result: int
    extendedresult: int


def translated(error: apsw.Error | UnicodeError, path: Path, kind: type[DatabaseError]) -> DatabaseError:
    """The error as opskit raises it, of `kind` where the result code does not say otherwise."""
    if isinstance(error, UnicodeError):
        return QueryFailed.of("text_encoding", f"{path}: text that is not UTF-8", where=str(path))
    extended = primary = ""
    if hasattr(error, "result"):
        coded = cast("_Coded", error)
        extended = _name(apsw.mapping_extended_result_codes, coded.extendedresult)
        primary = _name(apsw.mapping_result_codes, coded.result)
    code, meant, hint = _MEANING.get(extended) or _MEANING.get(primary) or ("query_failed", None, "")
    message = f"{path}: {error} [{extended or primary or type(error).__name__}]"
    return (meant or kind)(Fault(code, message, hint, str(path)))


def _name(mapping: dict[str | int, str | int], code: int) -> str:
    return str(mapping.get(code, ""))
