"""pgBackRest as provision sets it up: its file, and the steps that are left."""

from dataclasses import replace
from pathlib import Path

import pytest

from opskit.config import (
    S3,
    Backup,
    Configuration,
    Database,
    Pgbackrest,
    Repository,
    Secret,
    Sftp,
)
from opskit.provision.host.units import drop_in, wanted_units
from opskit.provision.pgbackrest.planning import (
    ACCESS,
    CreateStanza,
    MakeRepository,
    PgbackrestFacts,
    PgbackrestWanted,
    WriteConfiguration,
    archive_settings,
    decide_pgbackrest,
    decide_stanza,
)
from opskit.provision.pgbackrest.text import Place, file_text, secrets
from opskit.provision.settings.choice import Others, chosen
from opskit.provision.settings.file import Access
from opskit.provision.settings.machine import Machine
from opskit.provision.settings.sizing import Share

PLACE = Place(Path("/var/lib/postgresql/15/main"), 5432, Path("/var/run/postgresql"))
HERE = Pgbackrest(Repository(path=Path("/srv/repository")))
WANTED = PgbackrestWanted(HERE, 2)
READY = PgbackrestFacts((2, 45), ACCESS, (), repository=True, stanza=True)
S3_WANTED = S3(
    "b", "s3.example", "eu", Secret(env="K"), Secret(env="S"), path_style=True, ca_file=Path("/ca")
)


def text(repository: Repository, **known: str) -> list[str]:
    values = {key.replace("_", "-"): value for key, value in known.items()}
    return file_text(replace(HERE, repository=repository), PLACE, 2, values).splitlines()


def test_a_directory() -> None:
    lines = text(Repository(path=Path("/srv/repository")))
    assert {"repo1-type=posix", "repo1-path=/srv/repository", "repo1-cipher-type=none"} <= set(lines)
    assert {"[main]", "pg1-path=/var/lib/postgresql/15/main", "pg1-port=5432"} <= set(lines)
    assert {"repo1-retention-full-type=time", "repo1-retention-full=14", "expire-auto=n"} <= set(lines)


def test_a_bucket_with_its_secrets_by_key() -> None:
    repository = Repository(s3=S3_WANTED, passphrase=Secret(env="P"))
    assert set(secrets(repository)) == {"repo1-cipher-pass", "repo1-s3-key", "repo1-s3-key-secret"}
    lines = set(text(repository, repo1_s3_key="k", repo1_s3_key_secret="s", repo1_cipher_pass="p"))
    assert {"repo1-type=s3", "repo1-s3-bucket=b", "repo1-s3-uri-style=path"} <= lines
    assert {"repo1-s3-key=k", "repo1-s3-key-secret=s", "repo1-cipher-pass=p"} <= lines
    assert {"repo1-s3-key-type=shared", "repo1-storage-ca-file=/ca", "repo1-cipher-type=aes-256-cbc"} <= lines


def test_a_host_by_sftp() -> None:
    sftp = Sftp("backup.example", "keeper", Path("/key"), Path("/srv/r"), known_hosts=Path("/known"))
    lines = set(text(Repository(sftp=sftp)))
    assert {"repo1-type=sftp", "repo1-sftp-host=backup.example", "repo1-sftp-private-key-file=/key"} <= lines
    assert "repo1-sftp-known-host=/known" in lines


def test_when_all_is_there_nothing_is_left() -> None:
    assert not decide_pgbackrest(WANTED, READY, PLACE).steps
    assert not decide_stanza(WANTED, READY, archives=True).steps


def test_on_a_bare_host_everything_is_made() -> None:
    found = decide_pgbackrest(WANTED, PgbackrestFacts(), PLACE).steps
    assert [type(step) for step in found] == [MakeRepository, WriteConfiguration]
    (stanza,) = decide_stanza(WANTED, PgbackrestFacts(), archives=True).steps
    assert stanza == CreateStanza("main", archives=True, why=stanza.why)


def test_drift_is_named_by_key_and_never_by_value() -> None:
    facts = replace(READY, differing=("repo1-s3-key",), access=Access(0o644, "root", "root"))
    (step,) = decide_pgbackrest(WANTED, facts, PLACE).steps
    assert step.why == (
        "its access is 0644 root:root, shall be 0640 root:postgres",
        "it says otherwise for repo1-s3-key",
    )


@pytest.mark.parametrize(
    ("version", "fits"), [(None, False), ((2, 45), False), ((2, 46), True), ((2, 54), True)]
)
def test_sftp_takes_a_later_program_than_debians(version: tuple[int, int] | None, fits: bool) -> None:
    sftp = Sftp("backup.example", "keeper", Path("/key"), Path("/srv/r"))
    wanted = PgbackrestWanted(replace(HERE, repository=Repository(sftp=sftp)), 2)
    faults = decide_pgbackrest(wanted, replace(READY, version=version), PLACE).faults
    assert [fault.code for fault in faults] == ([] if fits else ["pgbackrest_too_old"])


def test_a_repository_that_cannot_be_asked_is_told() -> None:
    facts = replace(READY, stanza=None, trouble="no route to host")
    decided = decide_stanza(WANTED, facts, archives=True)
    assert not decided.steps
    assert "no route to host" in decided.told[0]


def test_the_server_archives_while_it_is_configured_and_goes_on_until_it_is_told_otherwise() -> None:
    databases = {"main": Database(Path("a.db"), "app")}
    archive = archive_settings(Configuration(databases, backup=Backup(pgbackrest=HERE)))
    machine, share = Machine(1 << 30, 2, 1 << 35, 1 << 34), Share(0.5, 0.3, 35)
    values = {one.name: one.value for one in chosen(machine, share, {}, Others(), archive)}
    assert values["archive_mode"] == "on"
    assert values["archive_command"].endswith("--stanza=main archive-push %p")
    after = {one.name: one.value for one in chosen(machine, share, {}, Others(ours=values))}
    assert after["archive_command"] == values["archive_command"]
    ended = chosen(machine, share, {"archive_mode": "off"}, Others(ours=values))
    assert {one.name: one.value for one in ended}["archive_mode"] == "off"
    assert "archive_mode" not in {one.name for one in chosen(machine, share, {}, Others())}


def test_the_timers_start_the_services_that_work_on_the_cluster() -> None:
    databases = {"main": Database(Path("a.db"), "app")}
    units = wanted_units(Configuration(databases, backup=Backup(pgbackrest=HERE)))
    texts = {one.name: drop_in(one, ()) for one in units}
    assert texts["opskit-backup.timer"].endswith("Unit=opskit-pgbackrest.service\n")
    assert texts["opskit-backup-drill.timer"].endswith("Unit=opskit-pgbackrest-verify@drill.service\n")
    assert texts["opskit-pgbackrest.service"].endswith("ReadWritePaths=-/srv/repository\n")
    without = wanted_units(Configuration(databases))
    assert not any(drop_in(one, ()) for one in without)
    assert "opskit-pgbackrest.service" not in {one.name for one in without}


def test_what_is_not_configured_any_more_is_told() -> None:
    assert "not configured any more" in decide_pgbackrest(None, PgbackrestFacts(access=ACCESS), PLACE).told[0]
    assert not decide_pgbackrest(None, PgbackrestFacts(), PLACE).told
