"""Looking at everything, without changing anything."""

from collections.abc import Iterator
from pathlib import Path

from opskit.config import Configuration, Loaded, engine_in_use, environment_key
from opskit.config.environment import read_env_file
from opskit.doctor import administration, databases, host, sqlite, unit
from opskit.doctor.application import environment, parameters, target
from opskit.doctor.facts import Database, Environment, Facts, Host, Refused, Unit
from opskit.doctor.refusals import OF_THE_ROLE
from opskit.host.processes import sees_all


def examine(loaded: Loaded) -> Facts:
    """Everything that is to be known about the application's databases, at this moment.

    Raises:
        ConfigurationError: the configuration's password cannot be read, or DATABASE_TYPE is neither of two.
        CommandFailed: systemd, or postgresql-common, does not answer.
    """
    configuration = loaded.configuration
    env_file, service = configuration.application.env_file, configuration.application.unit
    of_unit = unit.look(service, env_file) if service else None
    given = environment(configuration, _file_values(env_file), of_unit)
    here = host.look(_directories(loaded))
    found = tuple(_database(configuration, name, given, here) for name in configuration.databases)
    engine = engine_in_use(configuration, of_unit.environment if of_unit else {})
    return Facts(engine, given, of_unit, found, here, unseen=tuple(_unseen(service, of_unit)))


def _file_values(file: Path | None) -> dict[str, str] | None:
    return dict(read_env_file(file)) if file is not None and file.exists() else None


def _directories(loaded: Loaded) -> Iterator[Path]:
    """What fills its disk: the SQLite files, the backups, the state directory."""
    configuration = loaded.configuration
    yield from (database.sqlite.parent for database in configuration.databases.values())
    yield loaded.state_dir()
    yield configuration.backup.directory or loaded.state_dir()


def _database(configuration: Configuration, name: str, given: Environment, here: Host) -> Database:
    database = configuration.databases[name]
    reached = parameters(configuration, name, given)
    where = target(reached, environment_key(configuration, name))
    answer = databases.look(reached, database.schema)
    role = None
    if isinstance(answer, Refused) and answer.refusal in OF_THE_ROLE:
        role = administration.role(where, configuration, here.clusters)
    return Database(name, database.schema, where, answer, sqlite.look(database.sqlite), role)


def _unseen(service: str | None, of_unit: Unit | None) -> Iterator[str]:
    if not sees_all():
        yield "who has the SQLite files open: only root sees that"
    if service and of_unit is None:
        yield f"what {service} gives the application: systemd does not run this host"
