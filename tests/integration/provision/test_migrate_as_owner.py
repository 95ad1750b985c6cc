"""`opskit migrate` as the owner of what provision has made: the application gets what is migrated."""

import json
from pathlib import Path

import apsw
import pytest

from tests.integration.provision.world import World
from tests.support import Opskit, make_sqlite

SCRIPT = """
CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT UNIQUE, updated_at TEXT);
CREATE TABLE mails (id INTEGER PRIMARY KEY, user INTEGER REFERENCES users (id), text TEXT);
CREATE VIEW letters AS SELECT m.id, u.email FROM mails m JOIN users u ON u.id = m.user;
CREATE TRIGGER touched AFTER UPDATE ON mails BEGIN
  UPDATE users SET updated_at = 'now' WHERE id = NEW.user;
END;
INSERT INTO users (email) VALUES ('a@example.org');
INSERT INTO mails VALUES (1, 1, 'hello');
"""


def execute(file: Path, script: str) -> None:
    connection = apsw.Connection(str(file))
    connection.execute(script).fetchall()
    connection.close()


@pytest.fixture
def configured(world: World, tmp_path: Path) -> Path:
    """A configuration as provision's is, with the owner as the one who migrates."""
    for name in ("main", "walmart"):
        make_sqlite(tmp_path / f"{name}.db", SCRIPT)
    document = {
        "application": {"env_file": str(world.env_file)},
        "databases": {
            "main": {"sqlite": str(tmp_path / "main.db"), "postgresql": "crewai_main"},
            "walmart": {"sqlite": str(tmp_path / "walmart.db"), "postgresql": "crewai_walmart"},
        },
        "postgresql": {
            "host": str(world.server.socket_directory),
            "port": world.server.port,
            "user": "crewai_user",
        },
        "migrate": {"user": "opskit_owner"},
    }
    file = tmp_path / "opskit.yaml"
    file.write_text(json.dumps(document))
    return file


def test_the_application_owns_what_was_migrated_and_provision_has_nothing_to_repair(
    world: World, configured: Path, opskit: Opskit
) -> None:
    world.provision()
    done = opskit("migrate", "--config", configured, "--yes", "-o", "json")
    assert done.code == 0, done.stdout
    assert opskit("verify", "--config", configured).code == 0
    assert not world.drift()
    with world.application("crewai_main") as connection:
        connection.execute("ALTER TABLE mails ADD COLUMN more text")
        connection.execute("INSERT INTO mails (id, \"user\", text) VALUES (2, 1, 'more')")
        connection.execute("UPDATE mails SET text = 'changed'")
        assert connection.execute("SELECT updated_at FROM users").fetchall() == [("now",)]
        assert connection.execute("SELECT email FROM letters").rowcount == 2
    with world.acting_as("crewai_walmart", "opskit_backup") as connection:
        assert connection.execute("SELECT text FROM mails").fetchall() == [("hello",)]
        assert connection.execute("SELECT last_value FROM users_id_seq").fetchone() == (1,)


def test_the_owner_brings_over_what_is_written_meanwhile_and_no_trigger_acts_on_it(
    world: World, configured: Path, opskit: Opskit, tmp_path: Path
) -> None:
    world.provision()
    done = opskit("migrate", "--config", configured, "--follow", "--yes", "-o", "json")
    assert done.code == 0, done.stdout
    change = "UPDATE mails SET text = 'new'; UPDATE users SET updated_at = 'later'; DELETE FROM users"
    execute(tmp_path / "main.db", change)
    assert opskit("migrate", "--config", configured, "--follow").code == 0
    assert opskit("verify", "--config", configured, "--level", "rows").code == 0
    assert not world.drift()


def test_who_cannot_give_it_to_the_application_is_refused_before_anything_is_done(
    world: World, configured: Path, opskit: Opskit
) -> None:
    world.provision()
    with world.admin("postgres") as connection:
        connection.execute("REVOKE crewai_user FROM opskit_owner")
    refused = opskit("migrate", "--config", configured, "--yes", "-o", "json")
    assert refused.code == 6
    assert {error["code"] for error in refused.document["errors"]} == {"permission_denied"}


def test_a_schema_that_is_made_lets_the_application_in(
    world: World, configured: Path, opskit: Opskit
) -> None:
    world.provision()
    document = json.loads(configured.read_text())
    document["databases"]["walmart"] = {
        "sqlite": document["databases"]["walmart"]["sqlite"],
        "postgresql": "crewai_main",
        "schema": "walmart",
    }
    configured.write_text(json.dumps(document))
    done = opskit("migrate", "--config", configured, "--yes", "-o", "json")
    assert done.code == 0, done.stdout
    with world.application("crewai_main") as connection:
        connection.execute("INSERT INTO walmart.mails (id, text) VALUES (2, 'more')")
