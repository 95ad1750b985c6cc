"""What the application's own environment says, and where secrets are read from."""

from pathlib import Path

import pytest

from opskit.config import (
    Application,
    Configuration,
    Database,
    Engine,
    Postgresql,
    Secret,
    application_password,
    engine_in_use,
    from_environment,
    read_secret,
)
from opskit.errors import ConfigurationError


def configured(env_file: Path | None) -> Configuration:
    database = Database(Path("app.db"), "app")
    return Configuration({"main": database}, Application(env_file=env_file))


@pytest.mark.parametrize(
    ("line", "engine"),
    [
        ("DATABASE_TYPE=postgresql", Engine.POSTGRESQL),
        ("DATABASE_TYPE=PostgreSQL", Engine.POSTGRESQL),
        ("export DATABASE_TYPE = postgresql ", Engine.POSTGRESQL),
        ("DATABASE_TYPE='postgresql'", Engine.POSTGRESQL),
        ('DATABASE_TYPE="postgresql"', Engine.POSTGRESQL),
        ("DATABASE_TYPE=`postgresql`", Engine.POSTGRESQL),
        ('DATABASE_TYPE="postgresql"   # since Monday', Engine.POSTGRESQL),
        ("DATABASE_TYPE=postgresql # since Monday", Engine.POSTGRESQL),
        ("DATABASE_TYPE=postgresql#since Monday", Engine.POSTGRESQL),
        ("\ufeffDATABASE_TYPE=postgresql", Engine.POSTGRESQL),
        ("DATABASE_TYPE=sqlite\nDATABASE_TYPE=postgresql", Engine.POSTGRESQL),
        ("# DATABASE_TYPE=postgresql", Engine.SQLITE),
        ("MY_DATABASE_TYPE=postgresql", Engine.SQLITE),
        ("DATABASE_TYPE=", Engine.SQLITE),
        ("DATABASE_TYPE=''", Engine.SQLITE),
        ("", Engine.SQLITE),
    ],
)
def test_the_engine_is_read_from_the_env_file_as_dotenv_reads_it(
    tmp_path: Path, line: str, engine: Engine
) -> None:
    file = tmp_path / ".env"
    file.write_text(f"{line}\nB='#2'\n")
    assert engine_in_use(configured(file), {}) is engine


def test_a_variable_of_the_process_wins_over_the_env_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("DATABASE_TYPE=sqlite\n")
    assert engine_in_use(configured(file), {"DATABASE_TYPE": "postgresql"}) is Engine.POSTGRESQL


def test_without_any_word_it_is_sqlite(tmp_path: Path) -> None:
    assert engine_in_use(configured(None), {}) is Engine.SQLITE
    assert engine_in_use(configured(tmp_path / "missing"), {}) is Engine.SQLITE


def test_the_env_file_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("DATABASE_TYPE=sqlite\n")
    assert engine_in_use(configured(file), {}) is Engine.SQLITE
    file.write_text("DATABASE_TYPE=postgresql\n")
    assert engine_in_use(configured(file), {}) is Engine.POSTGRESQL


def test_another_engine_is_refused_and_the_file_named(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"# caf\xe9\nDATABASE_TYPE=oracle\n")
    with pytest.raises(ConfigurationError, match="oracle") as caught:
        engine_in_use(configured(file), {})
    assert caught.value.faults[0].where == str(file)
    assert "postgresql" in caught.value.faults[0].hint


def test_the_applications_own_variables_are_a_configuration() -> None:
    configuration = from_environment(
        {
            "SQLITE_DATABASE_PATH": "/a.db",
            "WALMART_DATABASE_PATH": "/w.db",
            "POSTGRES_HOST": "db1",
            "POSTGRES_PORT": "5433",
            "POSTGRES_DB": "a",
            "POSTGRES_USER": "u",
            "POSTGRES_PASSWORD": "hunter2",
            "POSTGRES_SSL": "true",
            "POSTGRES_MAX_CONNECTIONS": "7",
        }
    )
    assert configuration.databases["main"].sqlite == Path("/a.db")
    assert configuration.databases["walmart"].sqlite == Path("/w.db")
    assert (configuration.databases["main"].postgresql, configuration.databases["main"].pool) == ("a", 7)
    assert configuration.databases["walmart"].postgresql == "crewai_walmart"
    assert configuration.postgresql.password == Secret(env="POSTGRES_PASSWORD")
    assert configuration.postgresql.parameters == {"sslmode": "require"}
    assert "hunter2" not in repr(configuration)


def test_a_port_that_is_no_number_is_named() -> None:
    with pytest.raises(ConfigurationError, match="POSTGRES_PORT"):
        from_environment({"POSTGRES_PORT": "five"})


def test_secrets_come_from_the_environment_a_file_or_a_credential(tmp_path: Path) -> None:
    file = tmp_path / "pw"
    file.write_text("hunter2\n")
    assert read_secret(Secret(env="PW"), {"PW": "hunter2"}) == "hunter2"
    assert read_secret(Secret(file=file), {}) == "hunter2"
    assert read_secret(Secret(credential="pw"), {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == "hunter2"
    assert read_secret(None, {}) is None


@pytest.mark.parametrize("content", [b"", b"\n", b"hunter2\xff"])
def test_a_file_that_holds_no_secret_is_named_and_never_shown(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "pw"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="holds no secret") as caught:
        read_secret(Secret(file=file), {})
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_secret_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="the environment has no PW"):
        read_secret(Secret(env="PW"), {"PW": ""})
    with pytest.raises(ConfigurationError, match="No such file"):
        read_secret(Secret(file=tmp_path / "none"), {})


def test_the_applications_password_is_only_taken_for_its_own_role(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("POSTGRES_USER=crewai_user\nPOSTGRES_PASSWORD=secret\n")
    application = Application(env_file=env_file)

    def password(user: str, environ: dict[str, str]) -> str | None:
        return application_password(Configuration({}, application, Postgresql(user=user)), environ)

    assert password("crewai_user", {}) == "secret"
    assert password("crewai_user", {"POSTGRES_PASSWORD": "of the process"}) == "of the process"
    assert password("opskit_monitor", {}) is None
