"""SOURCE and TARGET on the command line, or the databases of the configuration."""

from pathlib import Path

import pytest

from opskit.cli.command import Invocation
from opskit.cli.endpoints import endpoints
from opskit.config import TypesProfile
from opskit.errors import ConfigurationError

HERE = Invocation(None, "text", "none")

CONFIGURATION = """
databases:
  main: {sqlite: a.db, postgresql: a}
  walmart: {sqlite: w.db, postgresql: w}
postgresql: {host: /run/pg, user: u, password: {file: pw}}
migrate: {types: same, overrides: {main: {t.c: TIMESTAMPTZ}}}
backup: {directory: /backups}
state_dir: /state
"""


def configured(tmp_path: Path, text: str = CONFIGURATION) -> Invocation:
    (tmp_path / "opskit.yaml").write_text(text.replace("pw", str(tmp_path / "pw")))
    (tmp_path / "pw").write_text("hunter2\n")
    return Invocation(tmp_path / "opskit.yaml", "text", "none")


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("app.db", "app.db"),
        ("/srv/app.db", "/srv/app.db"),
        ("sqlite:///app.db", "app.db"),
        ("sqlite:////srv/app.db", "/srv/app.db"),
        ("sqlite:////srv/my%20app.db", "/srv/my app.db"),
        ("sqlite:app.db", "app.db"),
        ("data:2025.db", "data:2025.db"),
    ],
)
def test_the_source_is_a_path_or_a_url(source: str, path: str) -> None:
    (one,) = endpoints(HERE, source, "dbname=x", ()).databases
    assert one.source == Path(path)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("postgresql://u:hunter2@db1:5433/app", "db1:5433/app"),
        ("postgres://u:hunter2@db1/app?sslmode=require", "db1:5432/app"),
        ("host=/run/pg dbname=app password=hunter2", "/run/pg:5432/app"),
        ("dbname=app", "localhost:5432/app"),
        ("user=u", "localhost:5432/u"),
    ],
)
def test_a_target_is_called_by_its_place_never_by_its_password(target: str, name: str) -> None:
    (one,) = endpoints(HERE, "app.db", target, ()).databases
    assert one.target_name == name
    assert "hunter2" not in repr(one)


@pytest.mark.parametrize("target", ["nonsense", "postgresql://u:p%zz@h/db", "host=", "x=hunter2", "port='"])
def test_a_malformed_target_is_refused_without_being_shown(target: str) -> None:
    try:
        endpoints(HERE, "app.db", target, ())
    except ConfigurationError as error:
        assert target not in repr(error.faults)  # noqa: PT017  some spellings are good enough for libpq
    else:
        assert target == "host="


def test_a_source_needs_a_target_and_goes_without_names() -> None:
    for target, names in ((None, ()), ("dbname=x", ("main",))):
        with pytest.raises(ConfigurationError, match="SOURCE needs TARGET"):
            endpoints(HERE, "app.db", target, names)


def test_without_a_source_the_configuration_is_asked(tmp_path: Path) -> None:
    found = endpoints(configured(tmp_path), None, None, ())
    assert [one.name for one in found.databases] == ["main", "walmart"]
    main = found.databases[0]
    assert main.source == tmp_path / "a.db"
    assert main.target_name == "/run/pg:5432/a"
    assert main.overrides == {"t.c": "timestamp with time zone"}
    assert (found.state_dir, found.backups) == (Path("/state"), Path("/backups"))
    assert found.types is TypesProfile.SAME
    assert "hunter2" not in repr(found)


def test_a_database_goes_to_the_schema_that_is_named(tmp_path: Path) -> None:
    (one,) = endpoints(HERE, "app.db", "dbname=x", ()).databases
    assert one.schema == "public"
    (one,) = endpoints(HERE, "app.db", "dbname=x", (), schema="walmart").databases
    assert one.schema == "walmart"
    text = CONFIGURATION.replace("postgresql: w}", "postgresql: a, schema: walmart}")
    found = endpoints(configured(tmp_path, text), None, None, ())
    assert [one.schema for one in found.databases] == ["public", "walmart"]


@pytest.mark.parametrize("schema", ["pg_app", "information_schema", "opskit_staging", ""])
def test_a_schema_that_cannot_hold_a_database_is_refused(schema: str) -> None:
    with pytest.raises(ConfigurationError, match="--schema"):
        endpoints(HERE, "app.db", "dbname=x", (), schema=schema)


def test_the_configuration_names_the_schemas_of_its_databases(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--schema goes with SOURCE and TARGET"):
        endpoints(configured(tmp_path), None, None, (), schema="walmart")


def test_names_are_folded_by_the_option_or_by_the_configuration(tmp_path: Path) -> None:
    assert not endpoints(HERE, "app.db", "dbname=x", ()).fold
    assert endpoints(HERE, "app.db", "dbname=x", (), fold=True).fold
    assert endpoints(configured(tmp_path), None, None, (), fold=True).fold
    text = CONFIGURATION.replace("types: same", "types: same, fold: true")
    assert endpoints(configured(tmp_path, text), None, None, ()).fold


def test_single_databases_can_be_named(tmp_path: Path) -> None:
    found = endpoints(configured(tmp_path), None, None, ("walmart",))
    assert [one.name for one in found.databases] == ["walmart"]
    with pytest.raises(ConfigurationError, match="no database shop") as caught:
        endpoints(configured(tmp_path), None, None, ("shop",))
    assert "main, walmart" in caught.value.faults[0].hint


def test_an_override_to_an_unknown_type_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"migrate.overrides.main.t.c.*money"):
        endpoints(configured(tmp_path, CONFIGURATION.replace("TIMESTAMPTZ", "money")), None, None, ())


def test_no_configuration_at_all_is_told_with_the_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPSKIT_CONFIG", raising=False)
    with pytest.raises(ConfigurationError, match=r"./opskit.yaml"):
        endpoints(HERE, None, None, ())
