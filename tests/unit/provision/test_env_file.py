"""The application's `.env`: which keys are wanted, and why a plan has a step."""

from dataclasses import replace
from pathlib import Path

import pytest

from opskit.config import Application, Configuration, Database, Postgresql, Provision, Secret
from opskit.provision.host.env_file import EnvFacts, EnvWanted, WriteEnv, decide_env, wanted_env

FILE = Path("/srv/crewai/.env")
CONFIGURATION = Configuration(
    {
        "main": Database(Path("main.db"), "crewai_main", pool=20),
        "walmart": Database(Path("walmart.db"), "crewai_walmart", pool=15),
    },
    Application(env_file=FILE),
    Postgresql(host="/var/run/postgresql", user="crewai_user"),
)
COMPLETE = """\
DATABASE_TYPE=postgresql
POSTGRES_HOST=localhost
POSTGRES_PORT=5432
POSTGRES_DB=crewai_main
POSTGRES_WALMART_DB=crewai_walmart
POSTGRES_USER=crewai_user
POSTGRES_SSL=false
POSTGRES_MAX_CONNECTIONS=20
POSTGRES_PASSWORD=of-thirty-two-characters-or-so-1
"""


def wanted(configuration: Configuration = CONFIGURATION) -> EnvWanted:
    found = wanted_env(configuration)
    assert found is not None
    return found


def facts(text: str | None, mode: int = 0o640) -> EnvFacts:
    return EnvFacts(text, mode, "crewai", "crewai", "crewai")


def step(text: str | None, mode: int = 0o640) -> WriteEnv:
    (found,) = decide_env(wanted(), facts(text, mode)).steps
    return found


def test_a_complete_file_that_others_cannot_read_needs_nothing() -> None:
    assert decide_env(wanted(), facts(COMPLETE)).steps == ()
    assert decide_env(wanted(), facts(COMPLETE, 0o600)).steps == ()


def test_a_file_that_is_not_there_gets_every_key_and_the_application_stays_on_sqlite() -> None:
    made = step(None)
    assert made.values["DATABASE_TYPE"] == "sqlite"
    assert {*made.names} == {line.partition("=")[0] for line in COMPLETE.splitlines()}
    assert "POSTGRES_PASSWORD is missing: one is generated" in made.why


def test_no_step_holds_a_password() -> None:
    changed = step(COMPLETE.replace("5432", "5433"))
    assert changed.names == ("POSTGRES_PORT",)
    assert changed.why == ("POSTGRES_PORT is '5433', shall be '5432'",)
    assert "thirty-two" not in repr(changed)
    assert "thirty-two" not in repr(facts(COMPLETE))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "/var/run/postgresql"])
def test_every_way_to_this_hosts_server_is_as_good_as_another(host: str) -> None:
    text = COMPLETE.replace("localhost", host)
    assert decide_env(wanted(), facts(text)).steps == ()


def test_the_engine_in_use_is_the_operators_affair() -> None:
    assert decide_env(wanted(), facts(COMPLETE.replace("postgresql", "sqlite"))).steps == ()


def test_a_file_that_anybody_may_read_is_closed() -> None:
    closed = step(COMPLETE, 0o644)
    assert (closed.mode, closed.names) == (0o640, ())
    assert closed.title == "close /srv/crewai/.env to others"
    assert closed.why == ("anybody may reach it: its mode is 0644, shall be 0640 for group crewai",)


def test_who_loses_access_is_told() -> None:
    decided = decide_env(
        wanted(), replace(facts(COMPLETE, 0o644), owner="root", group="root", readers="opskit")
    )
    assert decided.steps[0].group == "opskit"
    assert decided.told == (
        "only root and group opskit will read /srv/crewai/.env: is the application among them?",
    )


def test_a_value_that_systemd_reads_otherwise_is_named() -> None:
    assert step(COMPLETE.replace("crewai_main", "crewai_main # the main one")).why == (
        "POSTGRES_DB reads otherwise for systemd than for dotenv",
    )


def test_a_short_password_is_kept_and_told() -> None:
    decided = decide_env(wanted(), facts(COMPLETE.replace("of-thirty-two-characters-or-so-1", "secret")))
    assert decided.steps == ()
    assert [sentence for sentence in decided.told if "is short" in sentence]


def test_a_file_in_which_nothing_can_be_set_is_refused_before_anything_is_done() -> None:
    unfit = replace(CONFIGURATION, postgresql=Postgresql(host="it's"))
    (fault,) = decide_env(wanted(unfit), facts("")).faults
    assert (
        fault.message
        == "/srv/crewai/.env: POSTGRES_HOST cannot be set so that dotenv and systemd read the same"
    )


def test_databases_of_other_names_have_keys_of_their_own() -> None:
    database = Database(Path("x.db"), "x")
    configuration = replace(
        CONFIGURATION,
        databases={"main": database, "price-watch": database, "other": database},
        provision=Provision(environment={"other": "OTHER_PG"}),
    )
    assert {"POSTGRES_DB", "POSTGRES_PRICE_WATCH_DB", "OTHER_PG"} <= set(wanted(configuration).accepted)


def test_encryption_that_the_configuration_demands_is_demanded_of_the_application() -> None:
    demanded = Postgresql(host="db1", parameters={"sslmode": "verify-full"})
    assert wanted(replace(CONFIGURATION, postgresql=demanded)).accepted["POSTGRES_SSL"] == ("true",)


def test_the_password_file_of_the_configuration_is_where_a_password_may_stand_already() -> None:
    named = Postgresql(password=Secret(file=Path("/etc/opskit/password")))
    assert wanted(replace(CONFIGURATION, postgresql=named)).password_file == Path("/etc/opskit/password")
    assert wanted_env(replace(CONFIGURATION, application=Application())) is None
