"""The whole plan: its order, and what forbids it."""

from dataclasses import replace
from pathlib import Path

import pytest

from opskit.config import Backup, Configuration, Database, Encrypt, Postgresql, Provision
from opskit.errors import ConfigurationError, Refused
from opskit.provision.cluster.listing import clusters
from opskit.provision.cluster.planning import (
    ClusterFacts,
    CreateCluster,
    InstallPackages,
    StartAtBoot,
    StartCluster,
    wanted_cluster,
)
from opskit.provision.cluster.server import ServerFacts
from opskit.provision.facts import Facts
from opskit.provision.host.planning import HostFacts
from opskit.provision.plan import provision_plan, sees_all
from opskit.provision.settings.file import FilesFacts
from opskit.provision.settings.machine import Machine
from opskit.provision.settings.planning import WriteSettings
from opskit.provision.settings.sizing import GB
from opskit.provision.wanted import wanted

CONFIGURATION = Configuration(
    {"main": Database(Path("/srv/app/main.db"), "crewai_main")}, postgresql=Postgresql("/var/run/postgresql")
)
NOTHING = HostFacts(None, None, None, (), ())
BARE = Facts(
    Machine(4 * GB, 2, 40 * GB, 30 * GB), ("postgresql-15", "zstd"), (), FilesFacts(), None, None, NOTHING
)
MAIN = ClusterFacts(
    15,
    "main",
    5432,
    running=True,
    owner="postgres",
    start="auto",
    data=Path("/var/lib/postgresql/15/main"),
    configuration=Path("/etc/postgresql/15/main"),
    sockets=Path("/var/run/postgresql"),
)
THERE = replace(BARE, missing_packages=(), clusters=(MAIN,))


def kinds(configuration: Configuration, facts: Facts) -> list[type]:
    return [type(step) for step in provision_plan(wanted(configuration), facts).steps]


def codes(configuration: Configuration, facts: Facts) -> list[str]:
    with pytest.raises(Refused) as refused:
        provision_plan(wanted(configuration), facts)
    return [fault.code for fault in refused.value.faults]


def with_provision(provision: Provision) -> Configuration:
    return replace(CONFIGURATION, provision=provision)


def test_on_a_bare_host_everything_is_planned_at_once_and_settings_stand_before_the_first_start() -> None:
    found = kinds(CONFIGURATION, BARE)
    assert found[:4] == [InstallPackages, CreateCluster, WriteSettings, StartCluster]
    assert len(found) > 10
    assert sees_all(wanted(CONFIGURATION), BARE)


def test_what_backups_are_encrypted_with_is_installed_when_they_are_to_be() -> None:
    hidden = replace(CONFIGURATION, backup=Backup(encrypt=Encrypt(Path("/etc/opskit/recipients"))))
    assert "age" not in wanted(CONFIGURATION).packages
    assert "age" in wanted(hidden).packages


def test_every_step_says_what_it_is_there_for() -> None:
    assert all(step.why for step in provision_plan(wanted(CONFIGURATION), BARE).steps)


def test_the_package_makes_no_cluster_of_its_own_where_ours_is_made() -> None:
    install = provision_plan(wanted(CONFIGURATION), BARE).steps[0]
    assert isinstance(install, InstallPackages)
    assert install.withhold
    beside = provision_plan(wanted(CONFIGURATION), replace(BARE, clusters=(MAIN,))).steps[0]
    assert isinstance(beside, InstallPackages)
    assert not beside.withhold


def test_a_stopped_cluster_is_started_before_anything_is_decided_about_what_it_holds() -> None:
    stopped = replace(THERE, clusters=(replace(MAIN, running=False, start="manual"),))
    assert kinds(CONFIGURATION, stopped) == [StartCluster, StartAtBoot]
    assert not sees_all(wanted(CONFIGURATION), stopped)


def test_a_port_of_another_cluster_is_refused() -> None:
    configuration = with_provision(Provision(cluster="15/crewai"))
    assert codes(configuration, THERE) == ["port_taken"]


def test_a_port_that_a_program_listens_on_is_refused() -> None:
    assert codes(CONFIGURATION, replace(BARE, port_user="socat (process 7)")) == ["port_taken"]


def test_a_cluster_on_another_port_is_refused() -> None:
    elsewhere = replace(THERE, clusters=(replace(MAIN, port=5433, running=False),))
    assert codes(CONFIGURATION, elsewhere) == ["wrong_port"]


SERVER = ServerFacts(150018, False, True, "UTF8", "C.UTF-8", ("billing", "crewai_main"), 4)


def test_others_databases_need_leave() -> None:
    facts = replace(THERE, server=SERVER)
    assert codes(with_provision(Provision(adopt=False)), facts) == ["not_adopted"]
    provision_plan(wanted(CONFIGURATION), facts)


def test_what_only_a_new_cluster_could_change_is_told_and_not_planned() -> None:
    facts = replace(THERE, server=replace(SERVER, checksums=False, encoding="LATIN1"))
    plan = provision_plan(wanted(CONFIGURATION), facts)
    assert any("no data checksums" in sentence for sentence in plan.told)
    assert any("LATIN1" in sentence for sentence in plan.told)
    assert not any(isinstance(step, CreateCluster) for step in plan.steps)


def test_a_standby_and_an_old_server_are_refused() -> None:
    configuration = replace(CONFIGURATION, postgresql=Postgresql("db.example.org"))
    old = replace(BARE, server=replace(SERVER, version=140012, in_recovery=True))
    assert codes(configuration, old) == ["server_version", "read_only_server"]


@pytest.mark.parametrize("name", ["main", "14/main", "15/", "15/../etc", "x/main"])
def test_a_cluster_has_a_version_and_a_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"provision\.cluster"):
        wanted(with_provision(Provision(cluster=name)))


@pytest.mark.parametrize("host", ["", "localhost", "127.0.0.1", "::1", "/run/postgresql"])
def test_these_hosts_are_this_one(host: str) -> None:
    assert wanted_cluster(replace(CONFIGURATION, postgresql=Postgresql(host))) is not None


@pytest.mark.parametrize("host", ["db.example.org", "10.0.0.5", "db1,db2"])
def test_on_a_server_elsewhere_nothing_is_done_to_clusters_and_settings(host: str) -> None:
    configuration = replace(CONFIGURATION, postgresql=Postgresql(host))
    facts = replace(BARE, missing_packages=(), server=SERVER)
    assert not {CreateCluster, StartCluster, WriteSettings} & set(kinds(configuration, facts))


LISTED = """
[{"version": 15, "cluster": "main", "port": "5433", "running": 1, "owneruid": 101, "start": "manual",
  "pgdata": "/var/lib/postgresql/15/main", "configdir": "/etc/postgresql/15/main",
  "socketdir": "/var/run/postgresql", "config": {"port": "5433"}},
 {"version": 15, "cluster": "half", "configdir": "/etc/postgresql/15/half", "pgdata": null}]
"""


def test_clusters_are_read_from_what_debian_lists() -> None:
    main, half = clusters(LISTED, lambda number: f"user{number}")
    assert main == replace(MAIN, port=5433, owner="user101", start="manual")
    assert (half.name, half.running, half.port) == ("half", False, 0)
    assert clusters("[]", str) == ()
