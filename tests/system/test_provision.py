"""A fresh Debian becomes a sound host: provisioned, found in order, rebooted, changed, repaired."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.system.debian import Debian
from tests.system.provisioned import (
    DATABASES,
    UNITS,
    Watched,
    as_application,
    environment,
    opskit,
    psql,
    reasons,
    watch,
)

pytestmark = [pytest.mark.system, pytest.mark.timeout(1200)]

LOG_EVERYTHING = "\nprovision: {parameters: {log_statement: all}}\n"
HBA = "/etc/postgresql/15/main/pg_hba.conf"
ENV = "/srv/crewai/.env"
EVERYWHERE = ("/etc", "/var", "/srv", "/root", "/tmp", "/opt", "/run", "/home")
METRICS = ["curl", "--silent", "--fail", "http://127.0.0.1:9188/metrics"]


@pytest.fixture(scope="module")
def planned(host: Debian) -> str:
    """What `--plan` prints on the bare host, for people and for programs."""
    configuration = host.root / "etc/opskit/opskit.yaml"
    configuration.write_text(configuration.read_text() + LOG_EVERYTHING)
    text = host.run(["opskit", "provision", "--plan"], check=False)
    assert text.code == 3, text
    return text.stdout + text.stderr + json.dumps(opskit(host, "provision", "--plan", code=3))


@pytest.fixture(scope="module")
def first(host: Debian, planned: str) -> Watched:
    """The first run, with every command line that any process showed meanwhile."""
    run = watch(host, "provision", "--yes", "-o", "json")
    assert run.code == 0, run.stderr
    return run


@pytest.fixture(scope="module")
def provisioned(host: Debian, first: Watched) -> Debian:
    return host


def test_the_plan_is_what_is_done(planned: str, first: Watched) -> None:
    done = json.loads(first.stdout)
    assert done["changed"]
    for step in done["result"]["plan"]["steps"]:
        assert step["title"] in planned


def test_a_second_run_finds_nothing_to_do(provisioned: Debian) -> None:
    again = opskit(provisioned, "provision", "--yes")
    assert (again["changed"], again["result"]["plan"]["steps"]) == (False, [])
    assert opskit(provisioned, "provision", "--check")["ok"]


def test_everything_else_in_the_env_file_is_as_it_was(provisioned: Debian) -> None:
    lines = (provisioned.root / ENV.removeprefix("/")).read_text().splitlines()
    assert lines[:4] == [
        "# CrewAI Team",
        "NODE_ENV=production",
        "export SQLITE_DATABASE_PATH='./data/crewai_enhanced.db' # main",
        'WALMART_DB_PATH="./data/walmart_grocery.db"',
    ]
    assert environment(provisioned)["POSTGRES_HOST"] == "localhost"
    assert environment(provisioned)["DATABASE_TYPE"] == "sqlite"
    assert provisioned.run(["stat", "-c", "%a %U:%G", ENV]).stdout == "640 crewai:crewai\n"


def test_a_unit_gets_from_the_env_file_what_the_application_reads_there(provisioned: Debian) -> None:
    command = ["systemd-run", "--quiet", "--wait", "--pipe", "--property", f"EnvironmentFile={ENV}", "env"]
    given = dict(line.split("=", 1) for line in provisioned.run(command).stdout.splitlines())
    read = {key: value for key, value in environment(provisioned).items() if key.startswith("POSTGRES_")}
    assert {key: given.get(key) for key in read} == read
    assert given["POSTGRES_DB"] == "crewai_main"


def test_the_password_is_nowhere_but_in_the_env_file(
    provisioned: Debian, planned: str, first: Watched
) -> None:
    password = environment(provisioned)["POSTGRES_PASSWORD"]
    assert len(password) == 32
    places = {
        "the plan": planned,
        "ps": "\n".join(first.commands),
        "the report": first.stdout,
        "the log": first.stderr,
        "the journal": provisioned.run(["journalctl", "--no-pager", "--output=json"]).stdout,
        "pg_stat_statements": psql(provisioned, "crewai_main", "SELECT query FROM pg_stat_statements").stdout,
    }
    assert len(first.commands) > 10
    assert [place for place, text in places.items() if password in text] == []
    holders = provisioned.run(
        ["grep", "--recursive", "--files-with-matches", "--fixed-strings", "--regexp", password, *EVERYWHERE],
        check=False,
    )
    assert holders.stdout.split() == [ENV]
    logged = provisioned.run(["sh", "-c", "cat /var/log/postgresql/*.log"]).stdout
    assert "statement: " in logged  # so the server's log would have shown it


@pytest.mark.parametrize("database", DATABASES)
def test_the_application_makes_tables_of_its_own_and_uses_them(provisioned: Debian, database: str) -> None:
    made = as_application(
        provisioned,
        database,
        "CREATE TABLE IF NOT EXISTS notes (id bigserial PRIMARY KEY, body text);"
        "INSERT INTO notes (body) VALUES ('x'); SELECT count(*) > 0 FROM notes",
    )
    assert (made.code, made.stdout) == (0, "t\n"), made


@pytest.mark.parametrize(
    "forbidden",
    [
        "SELECT rolpassword FROM pg_authid",
        "ALTER ROLE crewai_user SUPERUSER",
        "CREATE DATABASE x",
        "CREATE ROLE x",
    ],
)
def test_the_application_may_no_more_than_it_needs(provisioned: Debian, forbidden: str) -> None:
    refused = as_application(provisioned, "crewai_main", forbidden)
    assert "permission denied" in refused.stderr or "must be superuser" in refused.stderr, refused


def test_nobody_comes_in_over_tcp_without_a_password(provisioned: Debian) -> None:
    for user in ("postgres", "crewai_user", "opskit_owner", "opskit_monitor", "opskit_backup"):
        for host in ("127.0.0.1", "::1"):
            server = f"host={host} user={user} dbname=crewai_main"
            refused = provisioned.run(["psql", "--no-password", "-d", server, "-c", "SELECT 1"], check=False)
            assert refused.code == 2, refused


def test_after_a_reboot_everything_is_up_and_nothing_is_to_do(provisioned: Debian) -> None:
    provisioned.halt()
    provisioned.boot(network=False)
    states = provisioned.run(["systemctl", "is-active", *UNITS], check=False).stdout.split()
    assert states == ["active"] * len(UNITS)
    assert as_application(provisioned, "crewai_main", "SELECT 1").code == 0
    assert not opskit(provisioned, "provision", "--yes")["changed"]


@pytest.mark.parametrize("name", ["main", "walmart"])
def test_the_exporter_reports_the_databases(provisioned: Debian, name: str) -> None:
    lines = provisioned.run(METRICS).stdout.splitlines()
    assert any(line.startswith("opskit_database_up{") and f'"{name}"' in line for line in lines)


@dataclass(frozen=True, slots=True)
class Drift:
    """Something done behind our back, the words by which `--check` names it, and how its repair shows."""

    plant: Callable[[Debian], object]
    named: tuple[str, ...]


def sql(database: str, statement: str) -> Callable[[Debian], object]:
    return lambda host: psql(host, database, statement)


def shell(command: str) -> Callable[[Debian], object]:
    return lambda host: host.run(["sh", "-c", command])


DRIFTS = {
    "a setting by ALTER SYSTEM": Drift(
        sql("postgres", "ALTER SYSTEM SET work_mem = '1GB'"), ("work_mem", "ALTER SYSTEM")
    ),
    "a line in the settings file": Drift(
        shell("echo \"fsync = 'off'\" >> /etc/postgresql/15/main/conf.d/90-opskit.conf"), ("90-opskit.conf",)
    ),
    "an access rule above ours": Drift(
        shell(f"sed -i '1i host all all 0.0.0.0/0 trust' {HBA} && systemctl reload postgresql"),
        ("pg_hba", "trust"),
    ),
    "an attribute of a role": Drift(
        sql("postgres", "ALTER ROLE crewai_user CREATEDB"),
        ("crewai_user", "may create databases: is yes, shall be no"),
    ),
    "a password": Drift(sql("postgres", "ALTER ROLE crewai_user PASSWORD 'x'"), ("crewai_user", "password")),
    "a grant to everybody": Drift(
        sql("postgres", "GRANT CONNECT ON DATABASE crewai_main TO PUBLIC"),
        ("crewai_main", "PUBLIC", "CONNECT"),
    ),
    "a right that is gone": Drift(
        sql("crewai_walmart", "REVOKE CREATE ON SCHEMA public FROM crewai_user"),
        ("crewai_user", "CREATE", "public"),
    ),
    "a right on tables to come": Drift(
        sql(
            "crewai_main",
            "ALTER DEFAULT PRIVILEGES FOR ROLE crewai_user REVOKE SELECT ON TABLES FROM opskit_backup",
        ),
        ("opskit_backup", "SELECT"),
    ),
    "an extension": Drift(
        sql("crewai_main", "DROP EXTENSION pg_stat_statements"), ("pg_stat_statements", "crewai_main")
    ),
    "the owner of a database": Drift(
        sql("postgres", "ALTER DATABASE crewai_main OWNER TO postgres"), ("crewai_main", "owner")
    ),
    "a service that is off": Drift(
        shell("systemctl disable --now opskit-exporter.service opskit-exporter.socket"),
        ("opskit-exporter.service", "disabled", "inactive"),
    ),
    "a file's mode": Drift(shell(f"chmod 644 {ENV}"), (ENV, "0644")),
    "a key of the application's": Drift(
        shell(f"sed -i 's/^POSTGRES_PORT=.*/POSTGRES_PORT=5433/' {ENV}"),
        ("POSTGRES_PORT", "'5433'", "'5432'"),
    ),
    "a cluster that does not start at boot": Drift(
        shell("echo manual > /etc/postgresql/15/main/start.conf"), ("15/main", "boot", "manual")
    ),
    "a cluster that is stopped": Drift(shell("systemctl stop postgresql@15-main"), ("15/main", "start")),
    "a package": Drift(
        shell("DEBIAN_FRONTEND=noninteractive apt-get -qq --yes remove postgresql-15"),
        ("install", "postgresql-15"),
    ),
}


@pytest.mark.parametrize("kind", DRIFTS)
def test_drift_is_named_and_repaired(provisioned: Debian, kind: str) -> None:
    drift = DRIFTS[kind]
    drift.plant(provisioned)
    found = reasons(opskit(provisioned, "provision", "--check", code=3))
    assert [word for word in drift.named if word not in found] == [], found
    assert opskit(provisioned, "provision", "--yes")["changed"]
    assert opskit(provisioned, "provision", "--check")["ok"]
    assert_in_use(provisioned)


def assert_in_use(host: Debian) -> None:
    """The application is served, and so is Prometheus."""
    assert as_application(host, "crewai_main", "SELECT 1").code == 0
    deadline = time.monotonic() + 20
    while "opskit_database_up" not in host.run(METRICS, check=False).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.2)
