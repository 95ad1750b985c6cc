"""Backups of the cluster by pgBackRest on a provisioned host: made by the timers' units, restored by root."""

import pytest

from tests.integration.migrate.kills import soon
from tests.system.debian import Debian
from tests.system.provisioned import as_application, opskit, psql
from tests.system.test_backup import run_unit
from tests.system.test_units import labels, scraped

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

UNIT = "opskit-pgbackrest.service"
DRILL = "opskit-pgbackrest-verify@drill.service"
FILE = "/etc/pgbackrest/opskit.conf"
BOTH = {"main", "walmart"}
CONFIGURED = "pgbackrest: {repository: {path: /srv/repository, passphrase: {file: /etc/opskit/passphrase}}}"


@pytest.fixture(scope="module")
def moved(host: Debian) -> Debian:
    """A host whose application has been moved to PostgreSQL, with pgBackRest in the configuration."""
    host.write("/etc/opskit/passphrase", "a passphrase of some length\n")
    host.run(["chmod", "600", "/etc/opskit/passphrase"])
    host.run(["sed", "-i", f"s|^backup:|backup:\\n  {CONFIGURED}|", "/etc/opskit/opskit.yaml"])
    opskit(host, "provision", "--yes")
    opskit(host, "migrate", "--yes")
    host.run(["sed", "-i", "s/^DATABASE_TYPE=.*/DATABASE_TYPE=postgresql/", "/srv/crewai/.env"])
    return host


def is_as_wanted(host: Debian) -> bool:
    """Does provision find nothing to do?"""
    checked = host.run(["opskit", "provision", "--check"], check=False)
    assert checked.code in (0, 3), checked
    return checked.code == 0


def test_provision_leaves_nothing_to_do_and_no_secret_to_read(moved: Debian) -> None:
    assert is_as_wanted(moved)
    assert moved.run(["stat", "--format=%a %U:%G", FILE]).stdout == "640 root:postgres\n"
    assert moved.run(["stat", "--format=%a %U:%G", "/srv/repository"]).stdout == "750 postgres:postgres\n"
    timer = moved.run(["systemctl", "show", "--property=Unit", "--value", "opskit-backup.timer"])
    assert timer.stdout == f"{UNIT}\n"
    assert psql(moved, "postgres", "SHOW archive_mode").stdout == "on\n"


def test_what_has_drifted_is_named_without_secrets_and_put_back(moved: Debian) -> None:
    moved.run(
        ["sh", "-c", f"sed -i s/^repo1-cipher-pass=.*/repo1-cipher-pass=another/ {FILE}; chmod 644 {FILE}"]
    )
    checked = moved.run(["opskit", "provision", "--check"], check=False)
    assert checked.code == 3, checked
    assert "it says otherwise for repo1-cipher-pass" in checked.stdout
    assert "its access is 0644 root:postgres, shall be 0640" in checked.stdout
    assert "a passphrase of some length" not in checked.stdout
    assert "another" not in checked.stdout
    opskit(moved, "provision", "--yes")
    assert is_as_wanted(moved)


def test_the_cluster_comes_back_as_of_a_second_between_two_writes(moved: Debian) -> None:
    run_unit(moved, UNIT)
    as_application(moved, "crewai_main", "CREATE TABLE writes (n int); INSERT INTO writes VALUES (1)")
    between = psql(moved, "postgres", "SELECT pg_sleep(1), date_trunc('second', clock_timestamp())").stdout
    moment = between.strip().lstrip("|").replace(" ", "T")
    as_application(moved, "crewai_main", "INSERT INTO writes VALUES (2)")

    planned = opskit(moved, "backup", "restore", "--to-time", moment, "--plan", code=3)
    assert "stop cluster 15/main" in [step["title"] for step in planned["result"]["plans"][0]["steps"]]
    kept = opskit(moved, "backup", "restore", "--to-time", moment, "--yes")["result"]["kept"]
    assert as_application(moved, "crewai_main", "SELECT n FROM writes").stdout == "1\n"
    assert as_application(moved, "crewai_main", "INSERT INTO writes VALUES (3)").code == 0
    assert (moved.root / kept.removeprefix("/") / "PG_VERSION").exists()
    assert is_as_wanted(moved)


def test_units_back_up_and_drill_on_what_follows_and_the_metrics_show_it(moved: Debian) -> None:
    run_unit(moved, UNIT)
    run_unit(moved, "opskit-pgbackrest-verify@readable.service")
    run_unit(moved, DRILL)
    assert soon(lambda: labels(scraped(moved), "opskit_backup_last_check_success", level="drill") == BOTH, 30)
    samples = scraped(moved)
    assert not any(samples["opskit_backup_damaged"].values())
    assert set(samples["opskit_backup_retained"].values()) == {2.0}
    listed = opskit(moved, "backup", "list")["result"]["cluster"]
    assert [one["kind"] for one in listed] == ["full", "incr"]
    assert all(one["sound"] for one in listed)


def test_one_database_comes_back_and_the_others_stay(moved: Debian) -> None:
    moment = psql(moved, "postgres", "SELECT clock_timestamp()").stdout.strip().replace(" ", "T")
    as_application(moved, "crewai_main", "DROP TABLE writes")
    as_application(moved, "crewai_walmart", "CREATE TABLE stays (n int)")
    opskit(moved, "backup", "restore", "--to-time", moment, "--database", "main", "--yes")
    assert as_application(moved, "crewai_main", "SELECT n FROM writes ORDER BY n").stdout == "1\n3\n"
    assert as_application(moved, "crewai_walmart", "SELECT count(*) FROM stays").stdout == "0\n"


def test_a_data_directory_that_is_lost_comes_back_with_all_that_was_archived(moved: Debian) -> None:
    as_application(moved, "crewai_main", "INSERT INTO writes VALUES (4)")
    segment = psql(moved, "postgres", "SELECT pg_walfile_name(pg_switch_wal())").stdout.strip()
    archived = f"SELECT last_archived_wal >= '{segment}' FROM pg_stat_archiver"
    assert soon(lambda: psql(moved, "postgres", archived).stdout == "t\n", 60)
    kill = ["systemctl", "kill", "--signal=KILL", "postgresql@15-main.service"]
    moved.run(kill, check=False)  # fails when some end by themselves, as the others have
    moved.run(["systemctl", "stop", "postgresql@15-main.service"])
    moved.run(["rm", "-r", "/var/lib/postgresql/15/main"])
    opskit(moved, "backup", "restore", "--to-time", "latest", "--yes")
    assert as_application(moved, "crewai_main", "SELECT max(n) FROM writes").stdout == "4\n"
    assert is_as_wanted(moved)


def test_a_flipped_bit_in_the_repository_turns_the_metric_and_the_unit(moved: Debian) -> None:
    find = "find /srv/repository/backup/main/2*F/bundle -type f"
    flip = f"f=$({find} | head -1); printf x | dd of=$f seek=5000 conv=notrunc bs=1"
    moved.run(["sh", "-c", flip])
    unit = "opskit-pgbackrest-verify@readable.service"
    assert moved.run(["systemctl", "start", unit], check=False).code != 0
    assert not labels(scraped(moved), "opskit_backup_last_check_success", level="readable")
    assert any(
        "invalid" in one["problems"][0] for one in opskit(moved, "backup", "list")["result"]["cluster"]
    )
