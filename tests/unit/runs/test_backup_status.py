"""How backups are, as monitoring reads it."""

import json
from datetime import UTC, datetime

import pytest

from opskit.runs.backup_status import Attempt, BackupStatus, Retained, StatusDamaged, load_status

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MADE = {"at": AT.isoformat(), "seconds": 1.5, "ok": True, "id": "main-1", "engine": "sqlite", "bytes": 4096}
CHECKED = {"id": "main-1", "at": AT.isoformat(), "seconds": 2, "ok": False, "problems": 1}
NOT_CHECKED = {"id": "main-1", "at": AT.isoformat(), "ok": False, "failure": "zstd is missing"}
KEPT = {"count": 3, "bytes": 9000, "damaged": 1, "verified": {"drill": AT.isoformat()}}
SOUND = {"at": AT.isoformat(), "ok": True}
TOLD = {
    "create": MADE,
    "last_good": MADE,
    "files": CHECKED,
    "drill": NOT_CHECKED,
    "retained": KEPT,
    "integrity": SOUND,
}


def document(**databases: object) -> bytes:
    return json.dumps(databases).encode()


def test_what_was_told_is_read() -> None:
    made = Attempt(AT, ok=True, seconds=1.5, size=4096)
    checks = {"files": Attempt(AT, ok=False, seconds=2), "drill": Attempt(AT, ok=False)}
    assert load_status(document(main=TOLD), "main") == BackupStatus(
        made, made, checks, Retained(3, 9000, 1, {"drill": AT}), Attempt(AT, ok=True)
    )


def test_what_was_never_told_is_not_known() -> None:
    assert load_status(document(main=TOLD), "walmart") == BackupStatus()
    assert load_status(document(main={"create": MADE}), "main").last_good is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        document(main=TOLD)[:-9],
        b"[]",
        b'{"main": 1}',
        document(main={"create": "yesterday"}),
        document(main={"create": {"ok": True}}),
        document(main={"create": {**MADE, "at": "2026-01-02T03:04:05"}}),
        document(main={"create": {**MADE, "at": 5}}),
        document(main={"create": {**MADE, "ok": "yes"}}),
        document(main={"create": {**MADE, "bytes": "many"}}),
        document(main={"create": {**MADE, "seconds": []}}),
        document(main={"retained": {**KEPT, "count": "many"}}),
        document(main={"retained": {**KEPT, "verified": {"drill": "2026-01-02"}}}),
    ],
)
def test_half_a_status_is_none(content: bytes) -> None:
    with pytest.raises(StatusDamaged):
        load_status(content, "main")
