"""What the configuration says about pgBackRest."""

from collections.abc import Callable
from pathlib import Path

import pytest

from opskit.config import S3, Pgbackrest, Repository, Secret, load
from opskit.errors import ConfigurationError

SMALL = "databases: {main: {sqlite: app.db, postgresql: app}}\n"

Written = Callable[[str], Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(pgbackrest: str) -> Path:
        file = tmp_path / "opskit.yaml"
        file.write_text(f"{SMALL}backup: {{pgbackrest: {pgbackrest}}}\n")
        return file

    return write


def test_without_it_every_database_is_dumped(tmp_path: Path) -> None:
    file = tmp_path / "opskit.yaml"
    file.write_text(SMALL)
    assert load(file, {}).configuration.backup.pgbackrest is None


def test_a_directory_is_enough(written: Written) -> None:
    found = load(written("{repository: {path: /srv/repo}}"), {}).configuration.backup.pgbackrest
    assert found == Pgbackrest(Repository(path=Path("/srv/repo")))
    assert found.full == 7 * 86400


def test_a_bucket_names_its_secrets(written: Written) -> None:
    s3 = "{bucket: b, endpoint: e, region: r, key: {env: K}, secret: {file: /s}}"
    file = written(f"{{repository: {{s3: {s3}, passphrase: {{env: P}}}}, full: 14d}}")
    found = load(file, {}).configuration.backup.pgbackrest
    assert found is not None
    assert found.repository.s3 == S3("b", "e", "r", Secret(env="K"), Secret(file=Path("/s")))
    assert found.repository.passphrase == Secret(env="P")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("{}", "repository"),
        ("{repository: {}}", "repository"),
        ("{repository: {path: repo}}", "repository.path"),
        ("{repository: {path: /a, sftp: {host: h, user: u, key_file: /k, path: /p}}}", "repository"),
        ("{repository: {s3: {bucket: b, endpoint: e, region: r, key: {env: K}}}}", "repository.s3"),
        ('{repository: {path: "/a\\nrepo1-type=s3"}}', "repository.path"),
        ('{repository: {s3: {bucket: "a\\nb", endpoint: e, region: r}}}', "repository.bucket"),
        ("{repository: {path: /a}, stanza: 'Main cluster'}", "stanza"),
        ("{repository: {path: /a, passphrase: secret}}", "repository.passphrase"),
    ],
)
def test_what_pgbackrest_could_not_use_is_a_fault(written: Written, text: str, path: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(written(text), {})
    assert f"backup.pgbackrest.{path}" in [fault.where for fault in caught.value.faults]


def test_a_server_elsewhere_is_backed_up_there(tmp_path: Path) -> None:
    file = tmp_path / "opskit.yaml"
    file.write_text(
        f"{SMALL}postgresql: {{host: db1}}\nbackup: {{pgbackrest: {{repository: {{path: /srv/repo}}}}}}\n"
    )
    with pytest.raises(ConfigurationError, match="db1 is not this host's"):
        load(file, {})
