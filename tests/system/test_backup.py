"""Backups on a provisioned host: made by the unit, restored by root; then the host is as it shall be."""

import pytest

from tests.system.debian import Debian
from tests.system.provisioned import as_application, environment, opskit, psql

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

UNIT = "opskit-backup.service"


@pytest.fixture(scope="module")
def moved(host: Debian) -> Debian:
    """A host whose application has been moved to PostgreSQL."""
    opskit(host, "provision", "--yes")
    opskit(host, "migrate", "--yes")
    host.run(["sed", "-i", "s/^DATABASE_TYPE=.*/DATABASE_TYPE=postgresql/", "/srv/crewai/.env"])
    return host


def run_unit(host: Debian, unit: str) -> None:
    """Runs a service to its end, which must be a good one."""
    done = host.run(["systemctl", "start", unit], check=False)
    assert done.code == 0, host.run(["journalctl", "--unit", unit, "--output=cat"]).stdout


def backups(host: Debian) -> dict[str, str]:
    """Database → its newest backup."""
    return {one["database"]: one["id"] for one in opskit(host, "backup", "list")["result"]["backups"]}


def test_a_restored_database_is_the_applications_again_and_nothing_has_drifted(moved: Debian) -> None:
    run_unit(moved, UNIT)
    count = "SELECT count(*) FROM users"
    before = as_application(moved, "crewai_main", count).stdout
    assert int(before) > 0
    as_application(moved, "crewai_main", "CREATE TABLE later (n int); DELETE FROM messages")
    kept = opskit(moved, "backup", "restore", backups(moved)["main"], "--yes")["result"]["kept"]
    assert as_application(moved, "crewai_main", count).stdout == before
    made = as_application(moved, "crewai_main", "CREATE TABLE again (n int); INSERT INTO again VALUES (1)")
    assert made.code == 0, made
    assert psql(moved, kept, "SELECT count(*) FROM later").stdout == "0\n"
    psql(moved, "postgres", f'DROP DATABASE "{kept}" WITH (FORCE)')
    checked = moved.run(["opskit", "provision", "--check"], check=False)
    assert checked.code == 0, checked
    run_unit(moved, UNIT)


def test_a_corrupted_backup_turns_the_state_of_the_unit(moved: Debian) -> None:
    name = backups(moved)["walmart"]
    moved.run(
        ["sh", "-c", f"printf x | dd of=/var/backups/opskit/{name}/dump/toc.dat seek=99 conv=notrunc bs=1"]
    )
    unit = "opskit-backup-verify@drill.service"
    assert moved.run(["systemctl", "start", unit], check=False).code != 0
    assert moved.run(["systemctl", "is-failed", unit]).stdout == "failed\n"
    assert "toc.dat has other content" in moved.run(["journalctl", "--unit", unit, "--output=cat"]).stdout
    (told,) = [one for one in opskit(moved, "backup", "list")["result"]["backups"] if one["id"] == name]
    assert not told["sound"]


def test_a_restored_file_is_the_applications_again(moved: Debian) -> None:
    moved.run(["sed", "-i", "s/^DATABASE_TYPE=.*/DATABASE_TYPE=sqlite/", "/srv/crewai/.env"])
    run_unit(moved, UNIT)
    file = "/srv/crewai/data/crewai_enhanced.db"
    access = ["stat", "--format=%U %G %a", file]
    before = moved.run(access).stdout
    moved.run(["sh", "-c", f"head -c 100000 /dev/urandom > {file}"])
    opskit(moved, "backup", "restore", backups(moved)["main"], "--yes")
    assert moved.run(access).stdout == before
    assert environment(moved)["DATABASE_TYPE"] == "sqlite"
    opskit(moved, "verify", "--database", "walmart", "--level", "counts")
