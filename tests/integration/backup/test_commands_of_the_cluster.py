"""What the commands say about backups of the cluster where there are none, or none yet."""

import pytest

from tests.integration.backup.world import World

REPOSITORY = {"repository": {"path": "/srv/repository"}}
LABEL = "20261123-083630F"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("create", "--type", "full"), "no_pgbackrest"),
        (("restore",), "no_backup_named"),
        (("restore", "main-20261123T051504Z", "--to-time", "latest"), "not_of_the_cluster"),
    ],
)
def test_what_contradicts_itself_is_a_mistake_in_the_call(
    world: World, arguments: tuple[str, ...], code: str
) -> None:
    result = world(*arguments, "-o", "json")
    assert (result.code, result.error["code"]) == (2, code)


@pytest.mark.parametrize(
    "arguments", [("show", LABEL), ("verify", LABEL), ("restore", "--to-time", "latest"), ("restore", LABEL)]
)
def test_without_pgbackrest_in_the_configuration_its_backups_are_refused(
    world: World, arguments: tuple[str, ...]
) -> None:
    result = world(*arguments, "-o", "json")
    assert (result.code, result.error["code"]) == (6, "no_pgbackrest")


def test_until_provision_has_set_it_up_nothing_is_backed_up_elsewhere_instead(world: World) -> None:
    world.configure(pgbackrest=REPOSITORY)
    world.use("postgresql")
    result = world("create", "-o", "json")
    assert (result.code, result.error["code"]) == (6, "not_provisioned")
    assert not world.names()


def test_files_of_sqlite_are_backed_up_as_before(world: World) -> None:
    world.configure(pgbackrest=REPOSITORY)
    name = world.create()
    listed = world("list")
    assert name in listed.stdout
    assert "opskit.conf is missing" in listed.stderr
    assert world("verify", "--level", "drill").code == 0
    assert world("prune", "--yes").code == 0


def test_a_single_database_is_no_backup_of_the_cluster(world: World) -> None:
    world.configure(pgbackrest=REPOSITORY)
    world.use("postgresql")
    result = world("create", "--database", "main", "-o", "json")
    assert (result.code, result.error["code"]) == (2, "whole_cluster")
