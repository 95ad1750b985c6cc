"""What the tests of provision share: opskit in a container, watched or killed, and the state of a host."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opskit.config.env_text import values
from tests.system.debian import Debian, Outcome

DATABASES = ("crewai_main", "crewai_walmart")
UNITS = (
    "postgresql.service",
    "opskit-exporter.socket",
    "opskit-exporter.service",
    "opskit-backup.timer",
    "opskit-backup-verify.timer",
    "opskit-backup-drill.timer",
    "opskit-rehearse.timer",
)
WATCHER = Path(__file__).with_name("watcher.py")


@dataclass(frozen=True, slots=True)
class Watched:
    """A run, every command line seen meanwhile, and the step at which it was killed."""

    code: int
    stdout: str
    stderr: str
    commands: frozenset[str]
    killed_at: str | None


def opskit(host: Debian, *arguments: str, code: int = 0) -> dict[str, Any]:
    """The JSON that opskit prints; it must return `code`."""
    outcome = host.run(["opskit", *arguments, "-o", "json"], check=False)
    assert outcome.code == code, outcome
    return json.loads(outcome.stdout)


def reasons(envelope: Mapping[str, Any]) -> str:
    """Every step of a plan with its reasons, one a line."""
    steps = envelope["result"]["plan"]["steps"]
    return "\n".join(f"{step['title']}: {reason}" for step in steps for reason in step.get("why") or ("",))


def watch(host: Debian, *arguments: str, kill_unless_seen: list[str] | None = None) -> Watched:
    """Run opskit under a watcher: see tests/system/watcher.py."""
    host.write("/root/watcher.py", WATCHER.read_text())
    host.write("/root/seen.json", json.dumps(kill_unless_seen))
    host.run(["python3", "/root/watcher.py", "opskit", *arguments])
    found = json.loads((host.root / "root/watched.json").read_text())
    return Watched(
        found["code"], found["stdout"], found["stderr"], frozenset(found["commands"]), found["killed_at"]
    )


def psql(host: Debian, database: str, statement: str, *, check: bool = True) -> Outcome:
    """A statement as the superuser."""
    command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement]
    return host.run(command, user="postgres", cwd="/tmp", check=check)


def as_application(host: Debian, database: str, statement: str) -> Outcome:
    """A statement as the application, with what its `.env` says."""
    env = environment(host)
    server = f"host={env['POSTGRES_HOST']} port={env['POSTGRES_PORT']} user={env['POSTGRES_USER']}"
    words = ["env", f"PGPASSWORD={env['POSTGRES_PASSWORD']}", "psql", "-XAtq", "-v", "ON_ERROR_STOP=1"]
    return host.run([*words, "-d", f"{server} dbname={database}", "-c", statement], check=False)


def environment(host: Debian) -> Mapping[str, str]:
    """What the application reads in its `.env`."""
    return values((host.root / "srv/crewai/.env").read_text())


def state(host: Debian) -> dict[str, str]:
    """What provision is about, as text: files and their access, roles, rights, settings, units."""
    password = environment(host)["POSTGRES_PASSWORD"]
    files = "/etc/postgresql /etc/postgresql-common /etc/opskit /etc/systemd/system /srv/crewai/.env"
    listed = host.run(["sh", "-c", f"find {files} -printf '%p %y %m %u %g\\n' | sort"]).stdout
    found = {"access": listed}
    for line in listed.splitlines():
        name, kind, *_ = line.split()
        if kind == "f":
            text = (host.root / name.removeprefix("/")).read_text()
            found[name] = text.replace(password, "PASSWORD")
    found["globals"] = dumped(host, ["pg_dumpall", "--globals-only", "--no-role-passwords"])
    for database in DATABASES:
        found[database] = dumped(host, ["pg_dump", "--schema-only", "--create", database])
    found["settings"] = psql(host, "postgres", SETTINGS).stdout
    found["verifier"] = psql(host, "postgres", VERIFIERS).stdout
    for word in ("is-enabled", "is-active"):
        found[word] = host.run(["systemctl", word, *UNITS], check=False).stdout
    return found


SETTINGS = (
    "SELECT name, setting, source FROM pg_settings WHERE source NOT IN ('client', 'override') ORDER BY 1"
)
VERIFIERS = "SELECT rolname, left(rolpassword, 13) FROM pg_authid WHERE rolpassword IS NOT NULL ORDER BY 1"


def dumped(host: Debian, command: list[str]) -> str:
    """What a dump program says, without what is another at each call."""
    text = host.run(command, user="postgres", cwd="/tmp").stdout
    return re.sub(r"^(\\(un)?restrict |-- Dumped|-- Started|-- Completed).*\n", "", text, flags=re.MULTILINE)
