"""How the application would connect: its unit's variables first, then its .env, then its own defaults."""

from pathlib import Path

import pytest

from opskit.config import Application, Configuration, Database, Postgresql
from opskit.doctor.application import environment, parameters, target
from opskit.doctor.facts import Unit
from opskit.doctor.unit import unit

ENV = Path("/srv/crewai/.env")
CONFIGURATION = Configuration(
    {"main": Database(Path("a.db"), "crewai_main"), "walmart": Database(Path("b.db"), "crewai_walmart")},
    Application(ENV, "crewai.service"),
    Postgresql(host="/var/run/postgresql", user="crewai_user"),
)
FILE = {
    "POSTGRES_HOST": "127.0.0.1",
    "POSTGRES_PORT": "5432",
    "POSTGRES_DB": "crewai_main",
    "POSTGRES_WALMART_DB": "crewai_walmart",
    "POSTGRES_USER": "crewai_user",
    "POSTGRES_PASSWORD": "s3cret",
    "POSTGRES_SSL": "false",
}


def of_unit(**values: str) -> Unit:
    return Unit("crewai.service", True, values)


def test_env_says_where_the_application_connects() -> None:
    given = environment(CONFIGURATION, FILE, None)
    reached = parameters(CONFIGURATION, "walmart", given)
    assert reached["host"] == "127.0.0.1"
    assert reached["dbname"] == "crewai_walmart"
    assert reached["password"] == "s3cret"
    assert reached["sslmode"] == "disable"
    assert (given.missing, given.overridden, dict(given.misleading)) == ((), (), {})


def test_the_password_is_in_no_text_of_what_was_seen() -> None:
    given = environment(CONFIGURATION, FILE, None)
    reached = parameters(CONFIGURATION, "main", given)
    assert "s3cret" not in repr(given)
    assert "s3cret" not in repr(target(reached, "POSTGRES_DB"))


def test_ssl_is_asked_for_as_the_application_does_all_or_nothing() -> None:
    given = environment(CONFIGURATION, {**FILE, "POSTGRES_SSL": "TRUE"}, None)
    assert parameters(CONFIGURATION, "main", given)["sslmode"] == "require"
    assert dict(given.misleading) == {"POSTGRES_SSL": "false"}


def test_keys_that_are_not_set_are_the_applications_own_defaults() -> None:
    kept = {key: value for key, value in FILE.items() if key not in {"POSTGRES_HOST", "POSTGRES_PORT"}}
    reached = parameters(CONFIGURATION, "main", environment(CONFIGURATION, kept, None))
    assert (reached["host"], reached["port"]) == ("localhost", "5432")


def test_keys_without_a_default_are_missing() -> None:
    given = environment(CONFIGURATION, {"POSTGRES_USER": "crewai_user", "POSTGRES_PASSWORD": ""}, None)
    assert given.missing == ("POSTGRES_PASSWORD", "POSTGRES_DB", "POSTGRES_WALMART_DB")


def test_without_an_env_the_configuration_says_where() -> None:
    given = environment(CONFIGURATION, None, None)
    assert parameters(CONFIGURATION, "main", given)["host"] == "/var/run/postgresql"
    assert given.missing == ()


def test_a_variable_of_the_unit_wins_and_is_told() -> None:
    given = environment(CONFIGURATION, FILE, of_unit(POSTGRES_PORT="6543", NODE_ENV="production"))
    assert parameters(CONFIGURATION, "main", given)["port"] == "6543"
    assert given.overridden == ("POSTGRES_PORT",)
    assert given.contradicted


def test_a_variable_that_leads_nowhere_contradicts_nothing() -> None:
    file = {**FILE, "NODE_ENV": "production", "POSTGRES_MAX_CONNECTIONS": "20"}
    given = environment(CONFIGURATION, file, of_unit(NODE_ENV="test", POSTGRES_MAX_CONNECTIONS="5"))
    assert given.overridden == ("POSTGRES_MAX_CONNECTIONS",)
    assert not given.contradicted


def test_a_variable_of_the_unit_is_told_also_while_it_says_the_same() -> None:
    given = environment(CONFIGURATION, {**FILE, "DATABASE_TYPE": "sqlite"}, of_unit(DATABASE_TYPE="sqlite"))
    assert given.overridden == ("DATABASE_TYPE",)
    assert not given.contradicted


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    file = tmp_path / ".env"
    file.write_text("POSTGRES_HOST=localhost\n")
    return file


def shown(**properties: str) -> dict[str, str]:
    return {"LoadState": "loaded", **properties}


def test_a_unit_gives_what_its_environment_lines_say(env_file: Path) -> None:
    read = unit(
        "crewai.service",
        shown(
            Environment='POSTGRES_HOST=db "GREETING=good day"',
            FragmentPath="/etc/systemd/system/crewai.service",
        ),
        env_file,
    )
    assert read.exists
    assert dict(read.environment) == {"POSTGRES_HOST": "db", "GREETING": "good day"}
    assert read.files == (Path("/etc/systemd/system/crewai.service"),)


def test_env_read_by_the_unit_itself_overrides_nothing(env_file: Path) -> None:
    files = f"{env_file} (ignore_errors=no)"
    read = unit("crewai.service", shown(Environment="POSTGRES_HOST=db A=1", EnvironmentFiles=files), env_file)
    assert dict(read.environment) == {"A": "1"}


def test_another_file_read_by_the_unit_does(env_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "more.env"
    other.write_text("POSTGRES_HOST=elsewhere\n")
    files = f"{env_file} (ignore_errors=no)\n{other} (ignore_errors=yes)\n{tmp_path}/none (ignore_errors=yes)"
    read = unit("crewai.service", shown(EnvironmentFiles=files), env_file)
    assert dict(read.environment) == {"POSTGRES_HOST": "elsewhere"}


def test_a_unit_names_the_account_of_its_process() -> None:
    assert unit("crewai.service", shown(User="crewai"), None).user == "crewai"


def test_a_unit_that_systemd_does_not_know() -> None:
    assert not unit("crewai.service", {"LoadState": "not-found"}, None).exists
