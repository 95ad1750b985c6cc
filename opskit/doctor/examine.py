"""Looking at everything, without changing anything."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from opskit.backup.place import Place
from opskit.config import Engine, Loaded, engine_in_use, environment_key
from opskit.config.environment import read_env_file
from opskit.doctor import administration, databases, host, sqlite, unit
from opskit.doctor.application import environment, parameters, target
from opskit.doctor.facts import Database, Environment, Facts, FileState, Host, Refused, Unit
from opskit.doctor.refusals import OF_THE_ROLE
from opskit.errors import ConfigurationError
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
    user = of_unit.user if of_unit else ""
    found = tuple(_database(loaded, name, given, here, user) for name in configuration.databases)
    engine = engine_in_use(configuration, of_unit.environment if of_unit else {})
    return Facts(engine, given, of_unit, found, here, unseen=tuple(_unseen(service, of_unit, found)))


def _file_values(file: Path | None) -> Mapping[str, str] | None:
    """What the `.env` sets; None when there is none."""
    if file is None:
        return None
    values = read_env_file(file)
    return values if values or file.exists() else None


def _directories(loaded: Loaded) -> Iterator[Path]:
    """What fills its disk: the SQLite files, the backups, the state directory."""
    configuration = loaded.configuration
    yield from (database.sqlite.parent for database in configuration.databases.values())
    yield loaded.state_dir()
    yield configuration.backup.directory or loaded.state_dir()


def _database(loaded: Loaded, name: str, given: Environment, here: Host, user: str) -> Database:
    configuration = loaded.configuration
    database = configuration.databases[name]
    reached = parameters(configuration, name, given)
    where = target(reached, environment_key(configuration, name))
    answer = databases.look(reached, database.schema)
    role = None
    if isinstance(answer, Refused) and answer.refusal in OF_THE_ROLE:
        role = administration.role(where, configuration, here.clusters)
    file = sqlite.look(database.sqlite, user)
    return Database(name, database.schema, where, answer, file, role, _newest_backup(loaded, name))


def _newest_backup(loaded: Loaded, name: str) -> str:
    """The id of the newest backup of a SQLite file that nothing is known to be wrong with."""
    try:
        backups = Place(loaded.configuration, loaded.state_dir()).shelf.backups()
    except ConfigurationError:  # this user may not read them
        return ""
    fit = [
        one.id
        for one in backups
        if one.database == name and one.sound and one.manifest and one.manifest.engine is Engine.SQLITE
    ]
    return fit[-1] if fit else ""


def _unseen(service: str | None, of_unit: Unit | None, found: Iterable[Database]) -> Iterator[str]:
    for file in (one.sqlite for one in found):
        if file.state is FileState.UNCHECKED:
            yield f"whether {file.file} is whole: {file.detail}"
    if not sees_all():
        yield "who has the SQLite files open: only root sees that"
    if service and of_unit is None:
        yield f"what {service} gives the application: systemd does not run this host"
