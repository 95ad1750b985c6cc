"""`opskit backup restore` brings back exactly what was backed up, and keeps what was there before."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import apsw
import psycopg
import pytest

from opskit.capture.watch import begin_watch
from tests.integration.backup.world import World
from tests.support import query

CRASHING = """
import os, sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.execute("PRAGMA wal_autocheckpoint = 0")
connection.execute("DELETE FROM users")
connection.execute("INSERT INTO users (name) VALUES ('later')")
os.kill(os.getpid(), 9)
"""


def names(file: Path) -> list[str]:
    connection = apsw.Connection(str(file))
    try:
        return [name for (name,) in connection.execute("SELECT CAST(name AS BLOB) FROM users ORDER BY id")]
    finally:
        connection.close()


def test_a_sqlite_file_is_replaced_and_the_one_before_is_kept(world: World) -> None:
    name = world.create()
    before = names(world.file)
    world.file.chmod(0o640)
    connection = apsw.Connection(str(world.file))
    connection.execute("DELETE FROM users; INSERT INTO users (name) VALUES ('later')")
    connection.close()
    restored = world.done("restore", name, "--yes")
    assert names(world.file) == before
    assert names(Path(restored["kept"])) == [b"later"]
    assert stat.S_IMODE(world.file.stat().st_mode) == 0o640
    assert world.file.read_bytes()[18] == 2  # WAL, as before
    assert not world.leftovers()


def test_what_opskit_notes_in_a_followed_file_does_not_come_back(world: World, tmp_path: Path) -> None:
    begin_watch(world.file)
    name = world.create()
    world.done("restore", name, "--into", tmp_path / "copy.db")
    assert own_objects(world.file)
    assert not own_objects(tmp_path / "copy.db")
    assert names(tmp_path / "copy.db") == names(world.file)


def own_objects(file: Path) -> list[tuple[object, ...]]:
    connection = apsw.Connection(str(file))
    try:
        return list(connection.execute("SELECT name FROM sqlite_schema WHERE name LIKE 'opskit%'"))
    finally:
        connection.close()


def test_a_killed_applications_wal_is_not_replayed_over_the_restored_file(world: World) -> None:
    before = names(world.file)
    name = world.create()
    subprocess.run([sys.executable, "-c", CRASHING, str(world.file)], check=False)
    assert world.file.with_name("app.db-wal").stat().st_size > 0
    restored = world.done("restore", name, "--yes")
    assert names(world.file) == before
    assert names(Path(restored["kept"])) == [b"later"]


def test_a_broken_file_is_kept_with_its_companions(world: World) -> None:
    before = names(world.file)
    name = world.create()
    subprocess.run([sys.executable, "-c", CRASHING, str(world.file)], check=False)
    broken = b"no database" * 1000
    world.file.write_bytes(broken)
    wal = world.file.with_name("app.db-wal").read_bytes()
    kept = Path(world.done("restore", name, "--yes")["kept"])
    assert names(world.file) == before
    assert kept.read_bytes() == broken
    assert kept.with_name(f"{kept.name}-wal").read_bytes() == wal


def test_a_missing_file_is_restored_also_beside_a_wal_that_was_left(world: World) -> None:
    before = names(world.file)
    name = world.create()
    subprocess.run([sys.executable, "-c", CRASHING, str(world.file)], check=False)
    world.file.unlink()
    assert world.done("restore", name, "--yes")["kept"] is None
    assert names(world.file) == before


def test_a_link_stays_a_link(world: World) -> None:
    name = world.create()
    real = world.directory / "elsewhere.db"
    shutil.move(world.file, real)
    world.file.symlink_to(real)
    assert world.done("restore", name, "--yes")["target"] == str(real)
    assert world.file.is_symlink()


def test_a_file_that_somebody_has_open_is_not_replaced(world: World) -> None:
    name = world.create()
    connection = apsw.Connection(str(world.file))
    try:
        connection.execute("SELECT id FROM users").fetchall()
        result = world("restore", name, "--yes", "-o", "json")
    finally:
        connection.close()
    assert result.code == 6
    assert result.error["code"] == "target_in_use"
    assert str(os.getpid()) in result.error["message"]


def test_a_postgresql_database_is_replaced_and_the_one_before_is_kept(world: World) -> None:
    world.use("postgresql")
    query(world.database, f"ALTER DATABASE {world.database.name} SET search_path = 'shop', \"$user\", public")
    query(world.database, f"GRANT CONNECT ON DATABASE {world.database.name} TO pg_monitor WITH GRANT OPTION")
    properties = (
        "SELECT array(SELECT item::text FROM unnest(datacl) item ORDER BY 1), setconfig"
        " FROM pg_database JOIN pg_db_role_setting ON setdatabase = oid WHERE datname = current_database()"
    )
    before = query(world.database, properties)
    name = world.create()
    query(world.database, "DELETE FROM users; INSERT INTO users (name) VALUES ('later')")
    kept = world.done("restore", name, "--yes")["kept"]
    assert query(world.database, "SELECT count(*), sum(price)::numeric FROM public.users") == [
        (3000, 4501500)
    ]
    assert query(world.database, properties) == before
    with psycopg.connect(world.database.conninfo, dbname=kept, autocommit=True) as connection:
        assert connection.execute("SELECT name FROM public.users").fetchall() == [("later",)]
    world.drop_kept()
    assert not world.leftovers()


def test_a_database_with_sessions_is_not_replaced(world: World) -> None:
    world.use("postgresql")
    name = world.create()
    with psycopg.connect(world.database.conninfo, application_name="CrewAI-Main"):
        result = world("restore", name, "--yes", "-o", "json")
    assert result.code == 6
    assert "CrewAI-Main" in result.error["message"]


def test_opskits_own_sessions_are_no_hindrance(world: World) -> None:
    world.use("postgresql")
    name = world.create()
    with psycopg.connect(world.database.conninfo, application_name="opskit-exporter") as connection:
        world.done("restore", name, "--yes")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    world.drop_kept()


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_plan_says_what_would_be_done_and_does_nothing(world: World, engine: str) -> None:
    world.use(engine)
    name = world.create()
    result = world("restore", name, "--plan", "-o", "json")
    assert result.code == 3
    kinds = [step["kind"] for step in result.document["result"]["plans"][0]["steps"]]
    assert kinds == ["CheckFiles", "Fill", "Compare", "Swap"]
    assert not world.leftovers()


def test_a_backup_can_be_restored_beside_what_is_live(world: World) -> None:
    name = world.create()
    copy = world.directory / "copy.db"
    assert world.done("restore", name, "--into", copy)["kept"] is None
    assert names(copy) == names(world.file)
    world.use("postgresql")
    name = world.create()
    target = f"{world.database.name}_copy"
    world.done("restore", name, "--into", target)
    with psycopg.connect(world.database.conninfo, dbname=target) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchall() == [(3000,)]
    again = world("restore", name, "--into", target, "-o", "json")
    assert (again.code, again.error["code"]) == (6, "target_exists")
    query(world.database, f"DROP DATABASE {target}")


def test_a_backup_of_the_engine_that_is_not_in_use_is_only_restored_aside(world: World) -> None:
    name = world.create()
    world.use("postgresql")
    result = world("restore", name, "--yes", "-o", "json")
    assert (result.code, result.error["code"]) == (6, "engine_not_in_use")


def test_a_restore_in_place_wants_to_be_confirmed(world: World) -> None:
    name = world.create()
    result = world("restore", name, "-o", "json")
    assert (result.code, result.error["code"]) == (6, "not_confirmed")


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_damaged_backup_is_not_put_in_place(world: World, engine: str) -> None:
    world.use(engine)
    name = world.create()
    file = max((world.backups / name).rglob("*.*z*"), key=lambda one: one.stat().st_size)
    file.write_bytes(file.read_bytes()[:-1])
    result = world("restore", name, "--yes", "-o", "json")
    assert (result.code, result.error["code"]) == (4, "backup_damaged")
    assert not world.leftovers()
