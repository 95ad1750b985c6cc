"""Configuration: parsed strictly, all faults at once, then frozen and passed on."""

from opskit.config.checks import unfit_schema
from opskit.config.environment import engine_in_use, from_environment
from opskit.config.load import Loaded, load, locate
from opskit.config.model import (
    Application,
    Backup,
    Configuration,
    Database,
    Engine,
    Exporter,
    Migrate,
    Misfits,
    Postgresql,
    Rollback,
    Secret,
    TypesProfile,
)
from opskit.config.secrets import read_secret

__all__ = [
    "Application",
    "Backup",
    "Configuration",
    "Database",
    "Engine",
    "Exporter",
    "Loaded",
    "Migrate",
    "Misfits",
    "Postgresql",
    "Rollback",
    "Secret",
    "TypesProfile",
    "engine_in_use",
    "from_environment",
    "load",
    "locate",
    "read_secret",
    "unfit_schema",
]
