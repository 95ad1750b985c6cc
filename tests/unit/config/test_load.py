"""The configuration is parsed strictly, tells all faults at once, and says where a value is from."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import pytest

from opskit.config import Keep, Loaded, Secret, TypesProfile, load, locate
from opskit.config.load import default_state_dir
from opskit.errors import ConfigurationError, ExitCode, Fault
from opskit.runs.plan import to_json

OUTLINE = """
application:
  env_file: /srv/crewai/.env
  unit: crewai.service
databases:
  main:    {sqlite: /srv/crewai/data/crewai_enhanced.db, postgresql: crewai_main}
  walmart: {sqlite: /srv/crewai/data/walmart_grocery.db, postgresql: crewai_walmart}
postgresql: {host: /var/run/postgresql, port: 5432, parameters: {sslmode: require, connect_timeout: 3}}
migrate:  {types: native, overrides: {main: {emails_enhanced.recipients: jsonb}}}
backup:   {directory: /var/backups/opskit, keep: {last: 7, daily: 14, weekly: 8, monthly: 12}}
rollback: {window: 7d}
exporter: {listen: 127.0.0.1:9188}
"""

SMALL = "databases: {main: {sqlite: app.db, postgresql: app}}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "opskit.yaml"


def loaded(file: Path, text: str, environ: Mapping[str, str] | None = None) -> Loaded:
    file.write_text(text)
    return load(file, environ or {})


def faults(file: Path, text: str, environ: Mapping[str, str] | None = None) -> dict[str, Fault]:
    """The faults of a configuration by key path."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(file, text, environ)
    assert caught.value.exit_code is ExitCode.USAGE
    return {fault.where: fault for fault in caught.value.faults}


def test_the_outline_of_the_documentation_is_accepted(file: Path) -> None:
    configuration = loaded(file, OUTLINE).configuration
    assert list(configuration.databases) == ["main", "walmart"]
    assert configuration.databases["main"].sqlite == Path("/srv/crewai/data/crewai_enhanced.db")
    assert configuration.databases["walmart"].postgresql == "crewai_walmart"
    assert configuration.application.unit == "crewai.service"
    assert configuration.postgresql.parameters == {"sslmode": "require", "connect_timeout": "3"}
    assert configuration.migrate.types is TypesProfile.NATIVE
    assert configuration.migrate.overrides == {"main": {"emails_enhanced.recipients": "jsonb"}}
    assert configuration.backup.keep == Keep(last=7, daily=14, weekly=8, monthly=12)
    assert configuration.rollback.window == 7 * 86400
    assert configuration.exporter.listen == "127.0.0.1:9188"


def test_one_database_is_enough(file: Path) -> None:
    configuration = loaded(file, SMALL).configuration
    assert configuration.postgresql.host == "localhost"
    assert configuration.databases["main"].pool == 20


def test_relative_paths_are_relative_to_the_file(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    relative = """
application: {env_file: .env}
backup: {directory: backups}
postgresql: {password: {file: secret}}
rollback: {directory: way-back}
state_dir: state
"""
    configuration = loaded(file, SMALL + relative).configuration
    assert configuration.databases["main"].sqlite == tmp_path / "app.db"
    assert configuration.application.env_file == tmp_path / ".env"
    assert configuration.backup.directory == tmp_path / "backups"
    assert configuration.rollback.directory == tmp_path / "way-back"
    assert configuration.state_dir == tmp_path / "state"
    assert configuration.postgresql.password == Secret(file=tmp_path / "secret")


def test_five_faults_are_reported_together_each_with_its_key_path(file: Path) -> None:
    found = faults(
        file,
        """
databases:
  main: {sqlite: app.db}
  walmart: {sqlite: w.db, postgresql: w, pool: many}
postgresql: {port: 70000, hots: db1}
migrate: {types: nativ}
rollback: {window: soon}
""",
    )
    assert found.keys() == {
        "databases.main.postgresql",
        "databases.walmart.pool",
        "postgresql.port",
        "postgresql.hots",
        "migrate.types",
        "rollback.window",
    }
    for path, fault in found.items():
        assert fault.message.startswith(f"{path}: ")
    assert found["postgresql.hots"].hint == "did you mean `host`?"
    assert "1 to 65535" in found["postgresql.port"].hint
    assert "native, same" in found["migrate.types"].message
    assert "7d" in found["rollback.window"].hint


def test_a_key_like_no_other_is_answered_with_the_known_ones(file: Path) -> None:
    fault = faults(file, f"{SMALL}exporter: {{zzz: 1}}")["exporter.zzz"]
    assert fault.message == "exporter.zzz: unknown key"
    assert "listen" in fault.hint


def test_a_key_written_twice_is_a_fault_at_its_place(file: Path) -> None:
    text = f"{SMALL}postgresql: {{port: 5432, host: a, port: 5433}}\nbackup: {{}}\nbackup: {{}}"
    assert set(faults(file, text)) == {"postgresql.port", "backup"}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", "databases"),
        ("databases: {}", "databases"),
        ("databases: [main]", "databases"),
        ("databases: {main: app.db}", "databases.main"),
        ("databases: {main: }", "databases.main.sqlite"),
        ("databases: {main: {sqlite: '', postgresql: a}}", "databases.main.sqlite"),
        ("databases: {main: {sqlite: true, postgresql: a}}", "databases.main.sqlite"),
        ("databases: {main: {sqlite: [a], postgresql: a}}", "databases.main.sqlite"),
        ("databases: {main: {sqlite: a, postgresql: a, pool: 0}}", "databases.main.pool"),
        ("databases: {main: {sqlite: a, postgresql: a, pool: true}}", "databases.main.pool"),
        ("databases: {main: {sqlite: a, postgresql: a, pool: 1.5}}", "databases.main.pool"),
        (f"{SMALL}migrate: {{overrides: {{main: jsonb}}}}", "migrate.overrides.main"),
        (f"{SMALL}migrate: {{overrides: {{main: {{a.b: [x]}}}}}}", "migrate.overrides.main.a.b"),
        (f"{SMALL}backup: {{keep: {{daily: lots}}}}", "backup.keep.daily"),
        (f"{SMALL}postgresql: 5432", "postgresql"),
    ],
)
def test_a_value_of_the_wrong_kind_is_a_fault_at_its_place(file: Path, text: str, path: str) -> None:
    assert path in faults(file, text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("2s", 2), ("90", 90), ("15m", 900), ("12h", 43200), ("7d", 604800), ("1.5h", 5400)],
)
def test_durations(file: Path, text: str, seconds: float) -> None:
    assert loaded(file, f"{SMALL}rollback: {{window: {text}}}").configuration.rollback.window == seconds


@pytest.mark.parametrize(("text", "share"), [("50%", 0.5), ("12.5 %", 0.125), ("100%", 1.0)])
def test_shares(file: Path, text: str, share: float) -> None:
    assert loaded(file, f"{SMALL}provision: {{memory: {text}}}").configuration.provision.memory == share


@pytest.mark.parametrize("text", ["0.5", "50", "0%", "101%", "half", "true", "''"])
def test_what_is_no_share(file: Path, text: str) -> None:
    assert "provision.memory" in faults(file, f"{SMALL}provision: {{memory: {text}}}")


@pytest.mark.parametrize("text", ["-5s", "5y", "'5 minutes'", "true", "[5]", "nan", "inf", "''"])
def test_what_is_no_duration(file: Path, text: str) -> None:
    assert "rollback.window" in faults(file, f"{SMALL}rollback: {{window: {text}}}")


@pytest.mark.parametrize("text", ["{env: PW}", "{file: /run/pw}", "{credential: pw}"])
def test_a_secret_is_named_in_one_way(file: Path, text: str) -> None:
    assert loaded(file, f"{SMALL}postgresql: {{password: {text}}}").configuration.postgresql.password


@pytest.mark.parametrize("text", ["{}", "{env: A, file: /b}", "hunter2", "{value: hunter2}", "[hunter2]"])
def test_a_secret_named_in_no_way_or_in_two_is_a_fault_that_never_shows_it(file: Path, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(file, f"{SMALL}postgresql: {{password: {text}}}")
    assert {fault.where.split(".value")[0] for fault in caught.value.faults} == {"postgresql.password"}
    assert "hunter2" not in repr(caught.value.faults)


def test_a_password_among_the_parameters_is_a_fault_that_never_shows_it(file: Path) -> None:
    fault = faults(file, f"{SMALL}postgresql: {{parameters: {{password: hunter2}}}}")
    assert fault.keys() == {"postgresql.parameters.password"}
    assert "hunter2" not in repr(fault)


def test_the_environment_overrides_single_values_and_is_named_as_their_origin(file: Path) -> None:
    result = loaded(
        file,
        f"{SMALL}postgresql: {{host: db1, port: 5433}}",
        {
            "OPSKIT_POSTGRESQL__PORT": "6000",
            "OPSKIT_DATABASES__MAIN__POOL": "3",
            "OPSKIT_EXPORTER__DEADLINE": "750ms",
            "OPSKIT_STATE_DIR": "/srv/state",
            "UNRELATED__KEY": "x",
            "OPSKIT_CONFIG": "/elsewhere.yaml",
        },
    )
    configuration = result.configuration
    assert (configuration.postgresql.host, configuration.postgresql.port) == ("db1", 6000)
    assert configuration.databases["main"].pool == 3
    assert configuration.exporter.deadline == 0.75
    assert result.state_dir() == Path("/srv/state")
    assert result.origins["postgresql.port"] == "environment OPSKIT_POSTGRESQL__PORT"
    assert result.origins["postgresql.host"] == str(file)
    assert result.origins["databases.main.sqlite"] == str(file)


def test_a_fault_in_an_override_names_the_variable(file: Path) -> None:
    found = faults(file, SMALL, {"OPSKIT_POSTGRESQL__PORT": "many", "OPSKIT_POSTGRESQL__PROT": "1"})
    assert "OPSKIT_POSTGRESQL__PORT" in found["postgresql.port"].message
    assert "OPSKIT_POSTGRESQL__PROT" in found["postgresql.prot"].message


def test_a_secret_in_an_override_is_a_fault_that_never_shows_it(file: Path) -> None:
    assert "hunter2" not in repr(faults(file, SMALL, {"OPSKIT_POSTGRESQL__PASSWORD": "hunter2"}))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"databases: [", "not YAML"),
        (b"\xff\xfe\x00", "not YAML"),
        (b"a: !!python/object/apply:os.system [true]", "not YAML"),
        (b"- a\n- b\n", "does not hold a mapping"),
        (b"just words", "does not hold a mapping"),
    ],
)
def test_a_file_that_is_no_mapping_is_named(file: Path, content: bytes, words: str) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=words) as caught:
        load(file, {})
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file") as caught:
        load(file, {})
    assert str(file) in str(caught.value)


def test_the_option_wins_over_the_environment_and_that_over_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    module = import_module("opskit.config.load")  # the package has a function of that name
    monkeypatch.setattr(module, "SYSTEM_FILE", tmp_path / "system.yaml")
    assert locate(None, {}) is None
    (tmp_path / "system.yaml").touch()
    assert locate(None, {}) == tmp_path / "system.yaml"
    (tmp_path / "opskit.yaml").touch()
    assert locate(None, {}) == Path("opskit.yaml")
    assert locate(None, {"OPSKIT_CONFIG": "/env.yaml"}) == Path("/env.yaml")
    assert locate(Path("/option.yaml"), {"OPSKIT_CONFIG": "/env.yaml"}) == Path("/option.yaml")


def test_the_state_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_state_dir({"OPSKIT_STATE_DIR": "/a"}) == Path("/a")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert default_state_dir({}) == Path("/var/lib/opskit")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert default_state_dir({"XDG_STATE_HOME": "/b"}) == Path("/b/opskit")


def test_what_is_shown_of_a_secret_is_its_place(file: Path) -> None:
    result = loaded(file, f"{SMALL}postgresql: {{password: {{file: /etc/opskit/pw}}}}")
    shown = to_json(result.configuration)
    assert "/etc/opskit/pw" in str(shown)


@pytest.mark.parametrize("schema", ["pg_app", "information_schema", "opskit_staging", "a" * 64, '""'])
def test_a_schema_that_cannot_hold_a_database_is_refused(file: Path, schema: str) -> None:
    found = faults(file, f"databases: {{main: {{sqlite: a.db, postgresql: app, schema: {schema}}}}}")
    assert found.keys() == {"databases.main.schema"}


def test_databases_may_share_a_postgresql_database_in_schemas_of_their_own(file: Path) -> None:
    text = """
databases:
  main: {sqlite: a.db, postgresql: app}
  shop: {sqlite: s.db, postgresql: app, schema: shop}
  elsewhere: {sqlite: e.db, postgresql: app, host: db2}
"""
    databases = loaded(file, text).configuration.databases
    assert [one.schema for one in databases.values()] == ["public", "shop", "public"]


def test_two_databases_in_one_schema_are_refused_naming_both(file: Path) -> None:
    found = faults(
        file,
        "databases: {main: {sqlite: a.db, postgresql: app}, shop: {sqlite: s.db, postgresql: app}}\n"
        "postgresql: {port: many}",
    )
    assert found.keys() == {"postgresql.port"}  # what each value is comes first
    found = faults(
        file, "databases: {main: {sqlite: a.db, postgresql: app}, shop: {sqlite: s.db, postgresql: app}}"
    )
    fault = found["databases.shop.schema"]
    assert "main is in schema 'public' of database 'app' already" in fault.message
    assert "shop or main" in fault.hint


@pytest.mark.parametrize(("written", "fold"), [("true", True), ("false", False), ("yes", True)])
def test_folding_is_switched_on_and_off(file: Path, written: str, *, fold: bool) -> None:
    assert loaded(file, f"{SMALL}migrate: {{fold: {written}}}").configuration.migrate.fold is fold
    environ = {"OPSKIT_MIGRATE__FOLD": "true"}
    assert loaded(file, SMALL, environ).configuration.migrate.fold


@pytest.mark.parametrize("written", ["1", "'yes'", "[]"])
def test_folding_is_nothing_but_true_or_false(file: Path, written: str) -> None:
    assert faults(file, f"{SMALL}migrate: {{fold: {written}}}").keys() == {"migrate.fold"}
