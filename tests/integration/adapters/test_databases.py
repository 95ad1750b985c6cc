"""The manager of named databases, sync and async, and the examples of the documentation."""

import asyncio
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

import opskit
from opskit import AsyncDatabases, ConfigurationError, Databases, Engine, Health, open_sqlite
from opskit.host.commands import run
from opskit.host.private_cluster import PrivateCluster
from tests.conftest import TestDatabase

ROOT = Path(__file__).parents[3]


@pytest.fixture
def environ(engine: Engine, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """The environment of an application that has both databases on the engine."""
    if engine is Engine.SQLITE:
        for name in ("main", "walmart"):
            with open_sqlite(tmp_path / f"{name}.db", create=True) as db:
                db.query("SELECT 1")
        yield {
            "DATABASE_TYPE": "sqlite",
            "SQLITE_DATABASE_PATH": str(tmp_path / "main.db"),
            "WALMART_DB_PATH": str(tmp_path / "walmart.db"),
        }
        return
    cluster: PrivateCluster = request.getfixturevalue("postgresql")
    database = request.getfixturevalue("database")
    yield {
        "DATABASE_TYPE": "postgresql",
        "POSTGRES_HOST": str(cluster.socket_directory),
        "POSTGRES_PORT": str(cluster.port),
        "POSTGRES_USER": cluster.superuser,
        "POSTGRES_DB": database.name,
        "POSTGRES_WALMART_DB": "postgres",
    }


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No opskit.yaml lies in the working directory."""
    monkeypatch.chdir(tmp_path)


def broken(environ: Mapping[str, str]) -> dict[str, str]:
    """The same environment, but for a walmart database that is not there."""
    return {**environ, "WALMART_DB_PATH": "nowhere.db", "POSTGRES_WALMART_DB": "nowhere"}


def test_both_databases_are_opened_from_the_environment(environ: Mapping[str, str], engine: Engine) -> None:
    with Databases.open(environ=environ) as databases:
        assert list(databases) == ["main", "walmart"]
        assert [(db.name, db.engine, db.limit) for db in databases.values()] == [
            ("main", engine, 20),
            ("walmart", engine, 15),
        ]
        for db in databases.values():
            assert db.query("SELECT 1 AS one") == [{"one": 1}]
        assert {name: one.total_queries for name, one in databases.metrics().items()} == {
            "main": 1,
            "walmart": 1,
        }


def test_a_configuration_file_goes_first(tmp_path: Path) -> None:
    file = tmp_path / "opskit.yaml"
    file.write_text("databases:\n  shop:\n    sqlite: shop.db\n    postgresql: shop\n    pool: 3\n")
    with open_sqlite(tmp_path / "shop.db", create=True) as db:
        db.query("SELECT 1")
    with Databases.open(environ={}) as found, Databases.open(file, {"DATABASE_TYPE": "sqlite"}) as named:
        assert list(found) == list(named) == ["shop"]
        assert found["shop"].limit == 3
        assert found["shop"].query_one("SELECT 1 AS one") == {"one": 1}


def test_a_configuration_without_a_password_takes_the_applications_own(
    postgresql: PrivateCluster, database: TestDatabase, tmp_path: Path
) -> None:
    role = f"{database.name}_application"
    with psycopg.connect(database.conninfo, autocommit=True) as session:
        session.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'only-in-the-env-file'".encode())
    file, env_file = tmp_path / "opskit.yaml", tmp_path / ".env"
    env_file.write_text(
        f"DATABASE_TYPE=postgresql\nPOSTGRES_USER={role}\nPOSTGRES_PASSWORD=only-in-the-env-file\n"
    )
    file.write_text(
        f"application: {{env_file: {env_file}}}\n"
        f"postgresql: {{host: 127.0.0.1, port: {postgresql.port}, user: {role}}}\n"
        f"databases: {{main: {{sqlite: main.db, postgresql: {database.name}}}}}\n"
    )
    with Databases.open(file, {}) as databases:
        assert databases["main"].query_one("SELECT current_user AS name") == {"name": role}
    with psycopg.connect(database.conninfo, autocommit=True) as session:
        session.execute(f"DROP ROLE {role}".encode())


def test_an_unknown_engine_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="mysql"):
        Databases.open(environ={"DATABASE_TYPE": "mysql"})


def test_an_unknown_name_is_told_with_the_known_ones(environ: Mapping[str, str]) -> None:
    with Databases.open(environ=environ) as databases:
        assert "shop" not in databases
        with pytest.raises(KeyError, match="main, walmart"):
            databases["shop"]


def test_health_is_told_of_each_and_of_all(environ: Mapping[str, str]) -> None:
    with Databases.open(environ=environ) as databases:
        health = databases.health()
        assert health.healthy
        assert all(one.healthy for one in health.databases.values())
    with Databases.open(environ=broken(environ)) as databases:
        health = databases.health()
        assert not health.healthy
        assert {name: one.healthy for name, one in health.databases.items()} == {
            "main": True,
            "walmart": False,
        }


def test_health_is_watched_and_changes_are_told(environ: Mapping[str, str]) -> None:
    told: list[tuple[str, bool]] = []
    changed = threading.Event()

    def on_change(name: str, health: Health) -> None:
        told.append((name, health.healthy))
        if told[-1] == ("main", False):
            changed.set()

    databases = Databases.open(environ=environ)
    first = databases.health()
    databases.watch(0.02, on_change)
    databases["main"].close()
    assert changed.wait(20)
    databases.close()
    databases.close()
    assert first.healthy
    assert told.count(("main", False)) == 1
    assert "opskit-health" not in [thread.name for thread in threading.enumerate()]


def test_the_async_manager_does_the_same(environ: Mapping[str, str]) -> None:
    async def work() -> None:
        told: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()
        async with AsyncDatabases.open(environ=broken(environ)) as databases:
            assert list(databases) == ["main", "walmart"]
            assert await databases["main"].query("SELECT 1 AS one") == [{"one": 1}]
            health = await databases.health()
            assert (health.healthy, health.databases["main"].healthy) == (False, True)
            assert (await databases.metrics())["main"].total_queries == 1
            databases.watch(60, lambda name, health: told.put_nowait((name, health.healthy)))
            assert sorted([await told.get(), await told.get()]) == [("main", True), ("walmart", False)]
            with pytest.raises(KeyError, match="main, walmart"):
                databases["shop"]

    asyncio.run(asyncio.wait_for(work(), 60))


def test_the_documented_examples_run(environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    text = (ROOT / "docs/adapters.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        exec(compile(example, "docs/adapters.md", "exec"), {"__name__": "example"})


def test_naming_the_package_loads_no_driver() -> None:
    code = "import sys, opskit, opskit.cli.main; print({'apsw', 'psycopg', 'yaml'} & set(sys.modules))"
    assert run([sys.executable, "-c", code]).strip() == "set()"


def test_every_public_name_can_be_imported() -> None:
    for name in opskit.__all__:
        assert getattr(opskit, name) is not None
    with pytest.raises(AttributeError):
        _ = opskit.no_such_name  # pyright: ignore[reportAttributeAccessIssue] - that is the case
