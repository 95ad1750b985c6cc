from pathlib import Path

import pytest

from opskit.adapters.connect import postgresql_parameters
from opskit.config import Configuration, Database, Postgresql, Secret
from opskit.errors import ConfigurationError


def configuration(**server: object) -> Configuration:
    return Configuration(
        databases={"main": Database(Path("main.db"), "crewai_main", application_name="CrewAI-Main")},
        postgresql=Postgresql(**server),
    )


def test_the_configuration_becomes_libpq_parameters() -> None:
    made = postgresql_parameters(
        configuration(host="db", port=5433, user="crewai_user", password=Secret(env="PW")),
        "main",
        {"PW": "x"},
    )
    assert made["host"] == "db"
    assert made["port"] == 5433
    assert made["dbname"] == "crewai_main"
    assert made["user"] == "crewai_user"
    assert made["password"] == "x"
    assert made["application_name"] == "CrewAI-Main"


def test_what_is_not_configured_is_left_to_libpq() -> None:
    made = postgresql_parameters(configuration(), "main", {})
    assert "user" not in made
    assert "password" not in made


def test_configured_parameters_win_over_defaults() -> None:
    made = postgresql_parameters(configuration(parameters={"connect_timeout": "1"}), "main", {})
    assert made["connect_timeout"] == "1"


def test_the_configured_name_stands_in_for_a_missing_application_name() -> None:
    made = postgresql_parameters(
        Configuration(databases={"shop": Database(Path("shop.db"), "shop")}), "shop", {}
    )
    assert made["application_name"] == "shop"


def test_an_unknown_database_is_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError) as caught:
        postgresql_parameters(configuration(), "shop", {})
    assert "'shop'" in str(caught.value)
    assert "main" in caught.value.faults[0].hint


def test_a_database_in_a_schema_finds_its_tables_without_naming_it() -> None:
    shop = Database(Path("shop.db"), "app", schema='The "shop"')
    made = postgresql_parameters(Configuration({"shop": shop}), "shop", {})
    assert made["options"] == '-csearch_path="The\\ ""shop"""'
