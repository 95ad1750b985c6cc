"""Who reads, who owns, and who comes back."""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from tests.integration.backup.world import World
from tests.support import query


@dataclass(frozen=True)
class Roles:
    """The application's role, which owns what it makes, and one that only reads."""

    application: str
    reader: str
    password: str


@pytest.fixture
def roles(world: World) -> Iterator[Roles]:
    world.use("postgresql")
    mark = secrets.token_hex(4)
    made = Roles(f"App {mark}", f"reader_{mark}", secrets.token_urlsafe())
    query(
        world.database,
        f'CREATE ROLE "{made.application}" LOGIN;'
        f"CREATE ROLE {made.reader} LOGIN PASSWORD '{made.password}';"
        f"CREATE TABLE own (n int); INSERT INTO own VALUES (1);"
        f'ALTER TABLE own OWNER TO "{made.application}";'
        f"GRANT USAGE ON SCHEMA public, shop TO {made.reader};"
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public, shop TO {made.reader};"
        f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA public, shop TO {made.reader}",
    )
    yield made
    world.drop_kept()
    for role in (made.application, made.reader):
        query(world.database, f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')


def as_reader(world: World, roles: Roles) -> None:
    file = world.directory / "password"
    file.write_text(roles.password)
    world.configure(user=roles.reader, password={"file": str(file)})


def test_a_role_that_only_reads_is_enough(world: World, roles: Roles) -> None:
    as_reader(world, roles)
    world.reach(host="127.0.0.1")
    name = world.create()
    assert world("verify", name, "--level", "drill").code == 0
    backup = world.backups / name
    assert all(
        roles.password.encode() not in file.read_bytes() for file in backup.rglob("*") if file.is_file()
    )
    assert b"PASSWORD" not in (backup / "globals.sql").read_bytes()


def test_a_role_that_may_not_read_everything_makes_no_backup(world: World, roles: Roles) -> None:
    as_reader(world, roles)
    world.reach(host="127.0.0.1")
    query(world.database, f"REVOKE SELECT ON own FROM {roles.reader}")
    result = world("create", "-o", "json")
    assert result.code == 4
    assert "permission denied" in result.error["message"]
    assert roles.password not in result.stdout + result.stderr
    assert not world.leftovers()


def test_owners_and_rights_come_back_in_the_drill_and_in_the_restore(world: World, roles: Roles) -> None:
    name = world.create()
    assert world("verify", name, "--level", "drill").code == 0
    owned = (
        "SELECT tableowner, has_table_privilege(%s, 'own', 'SELECT') FROM pg_tables WHERE tablename = 'own'"
    )
    query(world.database, "DROP TABLE own")
    world.done("restore", name, "--yes")
    with psycopg.connect(world.database.conninfo) as connection:
        found = connection.execute(owned, (roles.reader,)).fetchone()
    assert found == (roles.application, True)


def test_a_backup_whose_roles_are_gone_is_not_restored_but_says_what_it_needs(world: World) -> None:
    world.use("postgresql")
    role = f"gone_{secrets.token_hex(4)}"
    query(world.database, f"CREATE ROLE {role}; ALTER TABLE users OWNER TO {role}")
    name = world.create()
    query(world.database, f"ALTER TABLE users OWNER TO postgres; DROP ROLE {role}")
    result = world("restore", name, "--yes", "-o", "json")
    assert (result.code, result.error["code"]) == (6, "roles_missing")
    assert role in result.error["message"]


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed")
def test_what_root_makes_belongs_to_whom_the_directory_belongs(world: World) -> None:
    world.backups.mkdir()
    os.chown(world.backups, 12345, 12345)
    name = world.create()
    world.done("verify", name)
    made = list(world.backups.rglob("*"))
    assert {(one.stat().st_uid, one.stat().st_gid) for one in made} == {(12345, 12345)}
