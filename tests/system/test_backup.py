"""Backups on a provisioned host: made by the unit, restored by root; then the host is as it shall be."""

import pytest

from tests.integration.migrate.kills import soon
from tests.system.debian import Debian
from tests.system.provisioned import as_application, environment, opskit, psql
from tests.system.test_units import labels, scraped

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

UNIT = "opskit-backup.service"
TIMER = "opskit-backup-drill.timer"
SOON = "[Timer]\nOnCalendar=\nOnActiveSec=1s\nRandomizedDelaySec=0\nAccuracySec=100ms\n"
BOTH = {"main", "walmart"}
ENCRYPT = "{recipients_file: /etc/opskit/backup.recipients, identity_file: /etc/opskit/backup.key}"


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


def test_the_timer_holds_the_drill_which_is_recorded_and_shown_by_the_exporter(moved: Debian) -> None:
    """Every database's newest backup comes back in it; the timer's calendar alone is another one here."""
    run_unit(moved, UNIT)
    verified = "opskit_backup_last_verified_timestamp_seconds"
    assert not drilled(scraped(moved).get(verified, {}))
    moved.run(["mkdir", "-p", f"/etc/systemd/system/{TIMER}.d"])
    moved.write(f"/etc/systemd/system/{TIMER}.d/soon.conf", SOON)
    moved.run(["systemctl", "daemon-reload"])
    moved.run(["systemctl", "restart", TIMER])
    assert soon(lambda: drilled(scraped(moved).get(verified, {})) == BOTH, 120)
    moved.run(["rm", "-r", f"/etc/systemd/system/{TIMER}.d"])
    moved.run(["systemctl", "daemon-reload"])
    samples = scraped(moved)
    assert labels(samples, "opskit_backup_last_check_success", level="drill") == BOTH
    assert not any(samples["opskit_backup_damaged"].values())
    listed = opskit(moved, "backup", "list")["result"]["backups"]
    assert {one["database"] for one in listed if "drill" in one["checks"]} == BOTH


def drilled(series: dict[frozenset[tuple[str, str]], float]) -> set[str]:
    """The databases of which a backup has passed a drill."""
    return {dict(one)["database"] for one, at in series.items() if ("level", "drill") in one and at}


def test_a_corrupted_backup_turns_the_metrics_and_the_state_of_the_unit(moved: Debian) -> None:
    name = backups(moved)["walmart"]
    moved.run(
        ["sh", "-c", f"printf x | dd of=/var/backups/opskit/{name}/dump/toc.dat seek=99 conv=notrunc bs=1"]
    )
    unit = "opskit-backup-verify@drill.service"
    assert moved.run(["systemctl", "start", unit], check=False).code != 0
    assert moved.run(["systemctl", "is-failed", unit]).stdout == "failed\n"
    samples = scraped(moved)
    assert labels(samples, "opskit_backup_last_check_success", level="drill") == {"main"}
    assert labels(samples, "opskit_backup_damaged") == {"walmart"}
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


def test_the_units_encrypt_and_drill_with_the_key_that_is_theirs(moved: Debian) -> None:
    """Hardened as they are; `provision` installs what it takes."""
    moved.run(["sed", "-i", f"s|^backup:|backup:\\n  encrypt: {ENCRYPT}|", "/etc/opskit/opskit.yaml"])
    opskit(moved, "provision", "--yes")
    key, public = "/etc/opskit/backup.key", "/etc/opskit/backup.recipients"
    moved.run(["sh", "-c", f"age-keygen -o {key} && age-keygen -y {key} >{public} && chown opskit: {key}"])
    run_unit(moved, UNIT)
    run_unit(moved, "opskit-backup-verify@drill.service")
    name = backups(moved)["main"]
    shown = opskit(moved, "backup", "show", name)["result"]
    assert shown["encrypted"]
    assert not shown["problems"]
    assert "drill" in shown["checks"]
