"""The part of provision that SQL does, as a whole."""

from dataclasses import replace
from pathlib import Path

import pytest

from opskit.config import Application, Configuration, Database, Postgresql, Provision, Roles
from opskit.provision.access.databases import CreateDatabase
from opskit.provision.access.planning import decide_sql, wanted_sql
from opskit.provision.access.roles import CreateRole, SetPassword
from opskit.provision.access.rules import ReloadAccess

CONFIGURATION = Configuration(
    {
        "main": Database(Path("main.db"), "crewai_main"),
        "walmart": Database(Path("walmart.db"), "crewai_walmart"),
    },
    Application(Path("/srv/app/.env")),
    Postgresql("/var/run/postgresql"),
)


def test_for_a_server_that_is_yet_to_be_made_everything_is_planned() -> None:
    decided = decide_sql(wanted_sql(CONFIGURATION), None)
    assert [step.role for step in decided.steps if isinstance(step, CreateRole)] == [
        "crewai_user",
        "opskit_owner",
        "opskit_monitor",
        "opskit_standby",
        "opskit_backup",
    ]
    assert [step.database for step in decided.steps if isinstance(step, CreateDatabase)] == [
        "crewai_main",
        "crewai_walmart",
    ]
    assert isinstance(decided.steps[-1], ReloadAccess)
    assert all(step.title and step.why for step in decided.steps)
    assert not decided.told


def test_without_a_place_for_a_password_none_is_stored() -> None:
    decided = decide_sql(wanted_sql(replace(CONFIGURATION, application=Application())), None)
    assert not [step for step in decided.steps if isinstance(step, SetPassword)]


def test_a_database_with_a_server_of_its_own_is_told_and_left() -> None:
    other = Database(Path("walmart.db"), "crewai_walmart", host="10.0.0.7")
    databases = {**CONFIGURATION.databases, "walmart": other}
    wanted = wanted_sql(replace(CONFIGURATION, databases=databases))
    assert [database.name for database in wanted.databases] == ["crewai_main"]
    assert wanted.told == ("database walmart has a server of its own, which is not provisioned",)


@pytest.mark.parametrize(
    ("server", "roles", "named"),
    [
        (Postgresql(user="postgres"), Roles(), ["postgresql.user"]),
        (Postgresql(), Roles(monitor="pg_monitor"), ["provision.roles.monitor"]),
        (Postgresql(), Roles(owner="crewai_user"), ["postgresql.user", "provision.roles.owner"]),
        (
            Postgresql(),
            Roles(standby="both", backup="both"),
            ["provision.roles.standby", "provision.roles.backup"],
        ),
    ],
)
def test_roles_that_are_not_opskits_to_change_are_refused(
    server: Postgresql, roles: Roles, named: list[str]
) -> None:
    configuration = replace(CONFIGURATION, postgresql=server, provision=Provision(roles=roles))
    assert [fault.where for fault in decide_sql(wanted_sql(configuration), None).faults] == named


def test_the_servers_own_databases_are_refused() -> None:
    databases = {"main": Database(Path("main.db"), "postgres")}
    decided = decide_sql(wanted_sql(replace(CONFIGURATION, databases=databases)), None)
    assert [fault.code for fault in decided.faults] == ["database_name"]
