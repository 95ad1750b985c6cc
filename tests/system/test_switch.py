"""A service changes sides on a provisioned Debian, as root and systemd see it, and comes back."""

import time

import pytest

from tests.system.debian import Debian, Outcome
from tests.system.provisioned import environment, opskit, psql

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

UNIT = "crewai.service"
APPLICATION = """
import time
from opskit import Databases

with Databases.open() as databases, open("/srv/crewai/acknowledged", "a", buffering=1) as notes:
    while True:
        for name in ("main", "walmart"):
            databases[name].execute("INSERT INTO written (value) VALUES (?)", (time.time_ns(),))
            notes.write(f"{name}\\n")
        time.sleep(0.02)
"""
SERVICE = """
[Service]
User=crewai
WorkingDirectory=/srv/crewai
EnvironmentFile=/srv/crewai/.env
Environment=OPSKIT_POSTGRESQL__HOST=localhost OPSKIT_POSTGRESQL__PASSWORD__ENV=POSTGRES_PASSWORD
ExecStart={python} /srv/crewai/application.py
Restart=always
"""
TABLE = "CREATE TABLE written (id INTEGER PRIMARY KEY AUTOINCREMENT, value INTEGER)"
FILES = {"main": "crewai_enhanced.db", "walmart": "walmart_grocery.db"}
DATABASES = {"main": "crewai_main", "walmart": "crewai_walmart"}


@pytest.fixture(scope="module")
def followed(host: Debian) -> Debian:
    """The application runs as a service on SQLite, and PostgreSQL follows."""
    python = python_of(host)
    for file in FILES.values():
        sqlite(host, python, file, TABLE)
    host.run(["chown", "--recursive", "crewai:", "/srv/crewai"])
    host.write("/srv/crewai/application.py", APPLICATION)
    host.write(f"/etc/systemd/system/{UNIT}", SERVICE.format(python=python))
    host.run(["systemctl", "daemon-reload"])
    host.run(["sed", "-i", "/^POSTGRES_HOST=/d", "/srv/crewai/.env"])
    host.run(["opskit", "init", "--app-env", "/srv/crewai/.env", "--app-unit", UNIT])
    host.run(["opskit", "provision", "--yes"])
    host.run(["systemctl", "start", UNIT])
    host.run(["opskit", "migrate", "--follow", "--yes"])
    return host


def test_a_service_moves_to_postgresql_and_back_with_every_write(followed: Debian) -> None:
    moved = switch(followed, "cutover")
    assert moved["result"]["pause_seconds"] < moved["result"]["away_seconds"]
    time.sleep(1)
    assert environment(followed)["DATABASE_TYPE"] == "postgresql"
    assert opskit(followed, "status")["result"]["problems"] == []
    assert active(followed, "opskit-standby.service")
    followed.run(["systemctl", "stop", UNIT])
    for name, database in DATABASES.items():
        count = psql(followed, database, "SELECT count(*) FROM written").stdout
        assert int(count) >= acknowledged(followed, name)
    followed.run(["systemctl", "start", UNIT])

    switch(followed, "rollback")
    time.sleep(1)
    assert environment(followed)["DATABASE_TYPE"] == "sqlite"
    assert opskit(followed, "status")["result"]["problems"] == []
    followed.run(["systemctl", "stop", UNIT])
    for name, file in FILES.items():
        count = sqlite(followed, python_of(followed), file, "SELECT count(*) FROM written").stdout
        assert int(count) >= acknowledged(followed, name)
    assert opskit(followed, "provision", "--check")["ok"]


def switch(host: Debian, command: str) -> dict[str, object]:
    """A switch of the service."""
    return opskit(host, command, "--yes", "--config", "/etc/opskit/opskit.yaml")


def python_of(host: Debian) -> str:
    """The interpreter of opskit's own environment."""
    program = host.run(["readlink", "-f", "/usr/bin/opskit"]).stdout.strip()
    return program.replace("/bin/opskit", "/bin/python")


def active(host: Debian, unit: str) -> bool:
    return host.run(["systemctl", "is-active", unit], check=False).stdout.strip() == "active"


def acknowledged(host: Debian, name: str) -> int:
    lines = (host.root / "srv/crewai/acknowledged").read_text().splitlines()
    return lines.count(name)


def sqlite(host: Debian, python: str, file: str, statement: str) -> Outcome:
    """A statement in a file of the application, as the application."""
    code = (
        f"import apsw; c = apsw.Connection('data/{file}');"
        f" print(*[v for r in c.execute({statement!r}) for v in r])"
    )
    return host.run(["runuser", "-u", "crewai", "--", python, "-c", code], cwd="/srv/crewai")
