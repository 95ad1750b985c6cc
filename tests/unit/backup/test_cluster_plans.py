"""Backups of the cluster: what is due, what leads to a moment, how it is restored, what pgBackRest says."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opskit.backup.pgbackrest.catalogue import Catalogue, ClusterBackup, Kind, kind_due, parse
from opskit.backup.pgbackrest.restore_plan import Facts, Fetch, Look, Start, Stop, Swap, plan_restore
from opskit.backup.pgbackrest.target import Target, target_of
from opskit.backup.pgbackrest.verification import archive_problems, backup_problems
from opskit.config import Pgbackrest, Repository
from opskit.errors import Refused

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WANTED = Pgbackrest(Repository(path=Path("/srv/repository")))
SEGMENT = "0000000100000000000000{:02X}"


def backup(age: timedelta, kind: Kind = Kind.FULL, *, first: int = 2, sound: bool = True) -> ClusterBackup:
    """One that ended so long ago."""
    at = NOW - age
    label = f"{at:%Y%m%d-%H%M%S}F"
    return ClusterBackup(label, kind, at, at, 1, 1, SEGMENT.format(first), SEGMENT.format(first), (), sound)


def catalogue(*backups: ClusterBackup) -> Catalogue:
    return Catalogue(backups, {})


DAY = timedelta(days=1)
FULL, YOUNG = backup(6 * DAY), backup(timedelta(hours=3), Kind.INCREMENTAL)


@pytest.mark.parametrize(
    ("backups", "due"),
    [
        ((), Kind.FULL),
        ((backup(8 * DAY),), Kind.FULL),
        ((FULL, YOUNG), Kind.DIFFERENTIAL),
        ((FULL, backup(timedelta(hours=3), Kind.DIFFERENTIAL)), Kind.INCREMENTAL),
        ((backup(timedelta(hours=3)), YOUNG), Kind.INCREMENTAL),
    ],
)
def test_what_is_due_follows_from_the_age_of_what_is_there(
    backups: tuple[ClusterBackup, ...], due: Kind
) -> None:
    assert kind_due(backups, WANTED, NOW)[0] is due


def test_a_moment_is_reached_from_the_newest_sound_backup_that_had_ended() -> None:
    older, newer = backup(3 * DAY), backup(2 * DAY)
    damaged = backup(DAY, sound=False)
    moment = (NOW - timedelta(hours=1)).isoformat()
    found = target_of(catalogue(older, newer, damaged), None, moment, NOW)
    assert found == Target(newer, NOW - timedelta(hours=1))
    assert "--type=time" in found.options
    assert "--target=2026-11-23 11:00:00.000000+00" in found.options


def test_a_moment_without_a_zone_is_meant_in_utc() -> None:
    named = target_of(catalogue(backup(DAY)), None, "2026-11-23T11:00:00", NOW)
    assert named == target_of(catalogue(backup(DAY)), None, "2026-11-23T12:00:00+01:00", NOW)


@pytest.mark.parametrize(
    ("label", "to", "code"),
    [
        (None, "2026-11-01", "no_backup_before"),
        (None, "yesterday", "no_moment"),
        (None, "2026-11-24", "moment_to_come"),
        ("20260101-000000F", None, "unknown_backup"),
        (backup(DAY).label, "2026-11-20", "no_backup_before"),
    ],
)
def test_what_cannot_be_reached_is_refused(label: str | None, to: str | None, code: str) -> None:
    with pytest.raises(Refused) as caught:
        target_of(catalogue(backup(DAY)), label, to, NOW)
    assert caught.value.faults[0].code == code


def test_the_latest_moment_needs_no_target_and_a_label_alone_means_its_end() -> None:
    one = backup(DAY)
    assert target_of(catalogue(one), None, "latest", NOW).options == ("--type=default",)
    assert "--type=immediate" in target_of(catalogue(one), one.label, None, NOW).options


LIVE = Facts(
    cluster="15/main",
    data=Path("/var/lib/postgresql/15/main"),
    into=None,
    there=True,
    answers=True,
    users=(),
    leftover=False,
    obstacles=(),
    taken=False,
    databases=("crewai_main",),
)
TARGET = Target(backup(DAY), NOW)


def test_in_place_it_is_looked_at_before_anything_is_stopped_and_what_is_there_is_kept() -> None:
    steps = plan_restore(LIVE, TARGET, NOW).steps
    kinds = [type(step) for step in steps]
    assert kinds[-5:] == [Fetch, Look, Stop, Swap, Start]
    json.dumps(plan_restore(LIVE, TARGET, NOW).to_json())
    swap = next(step for step in steps if isinstance(step, Swap))
    assert swap.kept == Path("/var/lib/postgresql/15/main.before-20261123T120000Z")
    assert swap.aside == Path("/var/lib/postgresql/15/main.opskit-restoring")


def test_into_another_directory_nothing_is_stopped_whoever_is_connected() -> None:
    facts = replace(LIVE, into=Path("/srv/aside"), users=("crewai_user (node)",))
    assert not [one for one in plan_restore(facts, TARGET, NOW).steps if isinstance(one, Stop | Swap | Start)]


def test_a_lost_data_directory_is_no_obstacle() -> None:
    facts = replace(LIVE, there=False, answers=False)
    plan = plan_restore(facts, TARGET, NOW)
    assert next(step for step in plan.steps if isinstance(step, Swap)).kept is None
    assert any("does not answer" in sentence for sentence in plan.told)


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (replace(LIVE, users=("crewai_user (node)",)), "target_in_use"),
        (replace(LIVE, obstacles=("it is the root of a file system",)), "not_exchangeable"),
        (replace(LIVE, into=Path("/srv/aside"), taken=True), "target_exists"),
    ],
)
def test_what_stands_in_the_way_is_refused(facts: Facts, code: str) -> None:
    with pytest.raises(Refused) as caught:
        plan_restore(facts, TARGET, NOW)
    assert [fault.code for fault in caught.value.faults] == [code]


INFO = """
[{"archive": [{"id": "15-1", "max": "000000010000000000000005", "min": "000000010000000000000001"}],
  "backup": [{"archive": {"start": "000000010000000000000004", "stop": "000000010000000000000005"},
              "error": false, "info": {"size": 22992546, "repository": {"delta": 430, "size": 3056839}},
              "label": "20261123-083630F_20261123-083636I", "prior": "20261123-083630F",
              "reference": ["20261123-083630F"], "timestamp": {"start": 1795422996, "stop": 1795422998},
              "type": "incr"}],
  "status": {"code": 0, "message": "ok"}}]
"""


def test_what_pgbackrest_tells_of_a_backup() -> None:
    found = parse(INFO)
    (one,) = found.backups
    assert (one.kind, one.added, one.needs) == (Kind.INCREMENTAL, 430, ("20261123-083630F",))
    assert one.ended == datetime(2026, 11, 23, 8, 36, 38, tzinfo=UTC)
    assert found.archives == {"15-1": "000000010000000000000005"}


SAID = """\
P01   INFO: invalid result 15-1/0000000100000000/000000010000000000000004-13a5432f29ec0f98d42ae0f8cbf414c87bef76de.gz: [29]
P01   INFO: invalid checksum '20261123-083630F/pg_data/base/5/1259.gz'
stanza: main
status: error
  archiveId: 15-1, total WAL checked: 6, total valid WAL: 5
    missing: 0, checksum invalid: 0, size invalid: 0, other: 1
  backup: 20261123-083630F, status: invalid, total files checked: 964, total valid files: 963
    missing: 0, checksum invalid: 1, size invalid: 0, other: 0
  backup: 20261123-113000F, status: valid, total files checked: 964, total valid files: 964
"""  # noqa: E501  as it is said


def listing(*numbers: int) -> str:
    paths = (f"15-1/0000000100000000/{SEGMENT.format(one)}-{'0' * 40}.gz" for one in numbers)
    return json.dumps({path: {"type": "file"} for path in paths})


def test_a_damaged_file_is_named_at_its_backup_and_at_no_other() -> None:
    hurt = replace(backup(DAY), label="20261123-083630F")
    (problem,) = backup_problems(SAID, hurt)
    assert problem == "invalid: 1 of 964 files (20261123-083630F/pg_data/base/5/1259.gz)"
    assert not list(backup_problems(SAID, replace(hurt, label="20261123-113000F")))


def test_damaged_log_concerns_the_backups_before_it() -> None:
    whole = listing(2, 3, 4, 5)
    assert list(archive_problems(SAID, whole, backup(DAY, first=2))) == [
        "log segment 000000010000000000000004 is damaged"
    ]
    assert not list(archive_problems(SAID, whole, backup(DAY, first=5)))


def test_missing_log_is_told_by_its_neighbours() -> None:
    (problem,) = archive_problems("", listing(2, 3, 5), backup(DAY, first=2))
    assert problem == f"log is missing between segments {SEGMENT.format(3)} and {SEGMENT.format(5)}"
    (problem,) = archive_problems("", listing(4, 5), backup(DAY, first=3))
    assert "are not all there" in problem
