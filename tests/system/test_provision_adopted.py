"""A server that others already use: adopted or left alone as configured, and theirs stays theirs."""

import re
from collections.abc import Iterator

import pytest

from tests.system.debian import Debian
from tests.system.provisioned import DATABASES, UNITS, as_application, dumped, opskit, psql, reasons

pytestmark = [pytest.mark.system, pytest.mark.timeout(1200)]

THEIRS = """\
CREATE ROLE shop LOGIN PASSWORD 'shop';
CREATE ROLE reader;
CREATE DATABASE shop OWNER shop;
\\connect shop
CREATE TABLE orders (id bigserial PRIMARY KEY, at timestamptz DEFAULT now());
GRANT SELECT ON orders TO reader;
INSERT INTO orders SELECT FROM generate_series(1, 1000);
"""
RULE = "host    shop            shop            10.0.0.0/8              md5"
BROKEN = "/etc/systemd/system/opskit-exporter.service.d/broken.conf"
CLUSTER = "/etc/postgresql/15/main"
SHOWN = "SELECT name, setting FROM pg_settings WHERE source NOT IN ('client', 'override') ORDER BY 1"


@pytest.fixture(scope="module")
def busy(host: Debian) -> Iterator[Debian]:
    """Debian's own cluster with another application's database, rule, settings and open session."""
    host.run(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "--yes", "install", "postgresql-15"])
    host.write("/tmp/theirs.sql", THEIRS)
    host.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-f", "/tmp/theirs.sql"], user="postgres", cwd="/tmp")
    host.run(["sh", "-c", f"echo '{RULE}' >> {CLUSTER}/pg_hba.conf"])
    psql(host, "postgres", "ALTER SYSTEM SET log_min_duration_statement = '250ms'")
    host.write(f"{CLUSTER}/conf.d/50-shop.conf", "statement_timeout = '5min'\n")
    host.run(["systemctl", "reload", "postgresql@15-main"])
    sleeper = "SET application_name = 'till'; SELECT pg_sleep(100000)"
    host.run(["systemd-run", "--unit=till", "--uid=postgres", "psql", "-d", "shop", "-c", sleeper])
    yield host
    host.run(["systemctl", "stop", "till"], check=False)


@pytest.fixture(scope="module")
def before(busy: Debian) -> dict[str, str]:
    return theirs(busy)


def configure(host: Debian, provision: str) -> None:
    file = host.root / "etc/opskit/opskit.yaml"
    kept = re.sub(r"^provision: .*\n", "", file.read_text(), flags=re.MULTILINE)
    file.write_text(f"{kept}provision: {provision}\n")


def test_a_cluster_that_may_not_be_adopted_is_left_alone(busy: Debian, before: dict[str, str]) -> None:
    configure(busy, "{adopt: false}")
    refused = opskit(busy, "provision", "--yes", code=6)
    assert "shop" in refused["errors"][0]["message"]
    assert theirs(busy) == before
    assert not (busy.root / "var/lib/opskit/runs").exists()


def test_a_run_that_fails_at_its_end_puts_everything_back(busy: Debian, before: dict[str, str]) -> None:
    configure(busy, "{settings: own}")
    busy.write(BROKEN, "[Service]\nExecStart=\nExecStart=/bin/false\n")
    busy.run(["systemctl", "daemon-reload"])
    all_before = {**ours(busy), **shown(busy)}
    failed = opskit(busy, "provision", "--yes", code=4)
    assert "opskit-exporter.service" in failed["errors"][0]["message"]
    assert {**ours(busy), **shown(busy)} == all_before
    assert theirs(busy) == before
    busy.run(["rm", BROKEN])
    busy.run(["systemctl", "daemon-reload"])


def test_settings_that_are_others_stay(busy: Debian, before: dict[str, str]) -> None:
    configure(busy, "{settings: leave}")
    settings = psql(busy, "postgres", SHOWN).stdout
    assert opskit(busy, "provision", "--yes")["changed"]
    assert theirs(busy) == before
    assert psql(busy, "postgres", SHOWN).stdout == settings
    for database in DATABASES:
        assert as_application(busy, database, "CREATE TABLE t (i int); DROP TABLE t").code == 0
    assert not opskit(busy, "provision", "--yes")["changed"]


def test_an_adopted_cluster_gets_what_the_plan_showed_and_keeps_what_is_theirs(
    busy: Debian, before: dict[str, str]
) -> None:
    configure(busy, "{settings: own}")
    settings = shown(busy)
    plan = opskit(busy, "provision", "--plan", code=3)
    assert opskit(busy, "provision", "--yes")["changed"]
    assert theirs(busy) == before
    told = reasons(plan)
    changed = {name.lower() for name, value in shown(busy).items() if settings.get(name) != value}
    assert {name for name in changed if name not in told} == set()
    assert psql(busy, "postgres", "SHOW statement_timeout").stdout == "5min\n"
    again = opskit(busy, "provision", "--yes")
    assert not again["changed"]
    assert "restart" in " ".join(again["warnings"])  # theirs to decide: others are connected


def test_their_sessions_go_on_all_the_while(busy: Debian, before: dict[str, str]) -> None:
    assert busy.run(["systemctl", "is-active", "till"]).stdout == "active\n"


def test_the_application_does_not_see_their_database(busy: Debian) -> None:
    refused = as_application(busy, "shop", "SELECT * FROM orders")
    assert refused.code != 0


def theirs(host: Debian) -> dict[str, str]:
    """What belongs to others: their database with its rights, their roles, their lines in files."""
    roles = dumped(host, ["pg_dumpall", "--roles-only", "--no-role-passwords"])
    lines = (host.root / f"{CLUSTER}/pg_hba.conf".removeprefix("/")).read_text()
    return {
        "database": dumped(host, ["pg_dump", "--create", "shop"]),
        "roles": "".join(line for line in roles.splitlines(True) if "shop" in line or "reader" in line),
        "verifiers": psql(
            host, "postgres", "SELECT rolpassword FROM pg_authid WHERE rolname = 'shop'"
        ).stdout,
        "rules": re.sub(r"^# opskit: begin.*?^# opskit: end\n", "", lines, flags=re.MULTILINE | re.DOTALL),
        "settings": (host.root / f"{CLUSTER}/conf.d/50-shop.conf".removeprefix("/")).read_text(),
    }


def ours(host: Debian) -> dict[str, str]:
    """What provision would change, beside settings."""
    return {
        "roles": dumped(host, ["pg_dumpall", "--globals-only", "--no-role-passwords"]),
        "databases": psql(host, "postgres", "SELECT datname FROM pg_database ORDER BY 1").stdout,
        "env": host.run(["sh", "-c", "stat -c '%a %U %G' /srv/crewai/.env; cat /srv/crewai/.env"]).stdout,
        "files": host.run(["find", CLUSTER, "/etc/systemd/system", "-type", "f"]).stdout,
        "units": host.run(["systemctl", "is-enabled", *UNITS], check=False).stdout,
    }


def shown(host: Debian) -> dict[str, str]:
    """The server's settings."""
    return dict(line.split("|", 1) for line in psql(host, "postgres", SHOWN).stdout.splitlines())
