"""What a first configuration is made from."""

from pathlib import Path

import pytest

from opskit.config.discover import discover
from tests.support import make_sqlite


def database(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    return make_sqlite(file, "CREATE TABLE notes (text)")


def found(base: Path, env: str | None = None) -> dict[str, Path]:
    file = base / ".env"
    if env is not None:
        file.write_text(env)
    configuration = discover(base, file if env is not None else None, None).configuration
    return {name: one.sqlite for name, one in configuration.databases.items()}


def test_the_keys_of_the_env_file_say_where_both_databases_are(tmp_path: Path) -> None:
    env = "SQLITE_DATABASE_PATH=./db/main.db\nWALMART_DB_PATH=/var/lib/shop.db\n"
    assert found(tmp_path, env) == {"main": tmp_path / "db/main.db", "walmart": Path("/var/lib/shop.db")}


def test_the_guides_own_files_are_known_without_a_word_in_the_env_file(tmp_path: Path) -> None:
    database(tmp_path / "data/crewai_enhanced.db")
    other = database(tmp_path / "data/cache.db")
    discovery = discover(tmp_path, None, None)
    assert set(discovery.configuration.databases) == {"main", "walmart"}
    assert discovery.aside == (other,)
    assert not discovery.guessed


def test_of_another_application_each_sqlite_file_is_a_database_with_a_name_that_postgresql_takes(
    tmp_path: Path,
) -> None:
    first, second = database(tmp_path / "My Shop.sqlite3"), database(tmp_path / "data/my-shop.db")
    assert found(tmp_path, "PORT=3000\n") == {"my_shop": first, "my_shop_2": second}


@pytest.mark.parametrize(
    "name", ["backups/old.db", "node_modules/fixture.db", ".cache/hidden.db", ".hidden.db", "a/b/deep.db"]
)
def test_backups_and_hidden_files_are_not_taken_for_databases(tmp_path: Path, name: str) -> None:
    database(tmp_path / name)
    discovery = discover(tmp_path, None, None)
    assert discovery.guessed
    assert discovery.aside == ()


def test_what_only_looks_like_a_database_is_none(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    (tmp_path / "notes.db").write_text("SQLite format 2")
    (tmp_path / "directory.db").mkdir()
    assert discover(tmp_path, None, None).guessed


def test_a_server_on_this_host_is_reached_by_its_socket_and_without_a_password(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTGRES_HOST=localhost\nPOSTGRES_PORT=5433\nPOSTGRES_PASSWORD=secret\n")
    server = discover(tmp_path, tmp_path / ".env", None).configuration.postgresql
    assert (server.host, server.port, server.password) == ("/var/run/postgresql", 5433, None)


def test_a_server_elsewhere_keeps_its_name_and_its_password_stays_where_it_is(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "POSTGRES_HOST=db.example.org\nPOSTGRES_SSL=true\nPOSTGRES_PASSWORD=secret\n"
    )
    server = discover(tmp_path, tmp_path / ".env", None).configuration.postgresql
    assert server.host == "db.example.org"
    assert dict(server.parameters) == {"sslmode": "require"}
    assert "secret" not in repr(server)
