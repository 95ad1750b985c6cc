"""What the application's process knows, and how it would connect. Pure.

Its variables come from its systemd unit first and from its `.env` second: dotenv never overrides a variable
that the process already has.
"""

from collections.abc import Mapping

from opskit.adapters.connect import CONNECT_TIMEOUT_SECONDS, postgresql_parameters
from opskit.config import Configuration, environment_key
from opskit.doctor.facts import Environment, Target, Unit
from opskit.provision.host.env_file import wanted_env

OWN_DEFAULTS = {"POSTGRES_HOST": "localhost", "POSTGRES_PORT": "5432"}
"""What the application takes when a key is not set."""

_FILES = frozenset(
    {"DATABASE_TYPE", "SQLITE_DATABASE_PATH", "DATABASE_PATH", "WALMART_DB_PATH", "WALMART_DATABASE_PATH"}
)
"""Keys, beside POSTGRES_*, that decide where the application's data are."""


def environment(
    configuration: Configuration, file: Mapping[str, str] | None, unit: Unit | None
) -> Environment:
    """What the process knows.

    Args:
        file: what is in its `.env`; None when there is no such file, or none is configured.
    """
    given: Mapping[str, str] = unit.environment if unit else {}
    if file is None:
        return Environment(configuration.application.env_file, exists=False, values=given)
    values = {**file, **given}
    names = [environment_key(configuration, name) for name in configuration.databases]
    needed = ("POSTGRES_USER", "POSTGRES_PASSWORD", *names)
    return Environment(
        configuration.application.env_file,
        exists=True,
        values=values,
        missing=tuple(key for key in needed if not values.get(key)),
        overridden=tuple(sorted(key for key in given if key.startswith("POSTGRES_") or key in _FILES)),
        misleading=_misleading(configuration, file),
        contradicted=any(value != file[key] for key, value in given.items() if key in file and _leads(key)),
    )


def _leads(key: str) -> bool:
    """Does it decide where a session leads, or whether it is let in?"""
    return key.startswith("POSTGRES_") and key != "POSTGRES_MAX_CONNECTIONS"


def _misleading(configuration: Configuration, file: Mapping[str, str]) -> Mapping[str, str]:
    """Keys that lead elsewhere than the configuration does → what they shall be."""
    wanted = wanted_env(configuration)
    accepted: Mapping[str, tuple[str, ...]] = wanted.accepted if wanted else {}
    return {key: shall[0] for key, shall in accepted.items() if file.get(key, shall[0]) not in shall}


def parameters(configuration: Configuration, name: str, environment: Environment) -> dict[str, str | int]:
    """The libpq parameters with which the application would reach a database; holds the password.

    Without an `.env` the configuration says how.

    Raises:
        ConfigurationError: the password that the configuration names cannot be read.
    """
    if not environment.exists:
        return postgresql_parameters(configuration, name)
    values = {**OWN_DEFAULTS, **environment.values}
    password = values.get("POSTGRES_PASSWORD")
    user = values.get("POSTGRES_USER") or configuration.postgresql.user
    encrypted = values.get("POSTGRES_SSL", "").strip().lower() == "true"
    return {
        "host": values["POSTGRES_HOST"],
        "port": values["POSTGRES_PORT"],
        "dbname": values.get(environment_key(configuration, name))
        or configuration.databases[name].postgresql,
        **({"user": user} if user else {}),
        **({"password": password} if password else {}),
        "sslmode": "require" if encrypted else "disable",
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
    }


def target(parameters: Mapping[str, str | int], key: str) -> Target:
    """Where parameters lead, without the password.

    Args:
        key: of the database's name in the `.env`.
    """
    return Target(
        str(parameters["host"]),
        str(parameters["port"]),
        str(parameters["dbname"]),
        str(parameters.get("user", "")),
        key,
    )
