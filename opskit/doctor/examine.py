"""Looking at everything, without changing anything."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from opskit.backup.manifest import Manifest, PostgresqlOrigin
from opskit.backup.place import Place
from opskit.config import Engine, Loaded, engine_in_use, environment_key
from opskit.config.environment import read_env_file
from opskit.doctor import administration, databases, host, sqlite, unit
from opskit.doctor.application import environment, parameters, target
from opskit.doctor.facts import Database, Dump, Environment, Facts, FileState, Host, Refused, Unit
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
    unseen = tuple(_unseen(service, of_unit, found))
    whole = configuration.backup.pgbackrest is not None
    return Facts(engine, given, of_unit, found, here, unseen=unseen, pgbackrest=whole)


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
    backups = _sound_backups(loaded, name)
    files = [one.id for one in backups if one.engine is Engine.SQLITE]
    dumps = [
        Dump(one.seconds, one.origin.size) for one in backups if isinstance(one.origin, PostgresqlOrigin)
    ]
    newest, dump = files[-1] if files else "", dumps[-1] if dumps else None
    return Database(name, database.schema, where, answer, file, role, newest, dump)


def _sound_backups(loaded: Loaded, name: str) -> tuple[Manifest, ...]:
    """The backups of a database that nothing is known to be wrong with, oldest first."""
    try:
        backups = Place(loaded.configuration, loaded.state_dir()).shelf.backups()
    except ConfigurationError:  # this user may not read them
        return ()
    return tuple(one.manifest for one in backups if one.manifest and one.sound and name in one.databases)


def _unseen(service: str | None, of_unit: Unit | None, found: Iterable[Database]) -> Iterator[str]:
    for file in (one.sqlite for one in found):
        if file.state is FileState.UNCHECKED:
            yield f"whether {file.file} is whole: {file.detail}"
    if not sees_all():
        yield "who has the SQLite files open: only root sees that"
    if service and of_unit is None:
        yield f"what {service} gives the application: systemd does not run this host"
