"""Configuration: parsed strictly, all faults at once, then frozen and passed on."""

from opskit.config.checks import unfit_schema
from opskit.config.environment import application_password, engine_in_use, environment_key, from_environment
from opskit.config.load import Loaded, load, locate
from opskit.config.model import (
    Administrator,
    Application,
    Backup,
    Configuration,
    Database,
    Encrypt,
    Engine,
    Exporter,
    Keep,
    Migrate,
    Misfits,
    Postgresql,
    Provision,
    Roles,
    Rollback,
    Secret,
    Settings,
    TypesProfile,
)
from opskit.config.secrets import read_secret

__all__ = [
    "Administrator",
    "Application",
    "Backup",
    "Configuration",
    "Database",
    "Encrypt",
    "Engine",
    "Exporter",
    "Keep",
    "Loaded",
    "Migrate",
    "Misfits",
    "Postgresql",
    "Provision",
    "Roles",
    "Rollback",
    "Secret",
    "Settings",
    "TypesProfile",
    "application_password",
    "engine_in_use",
    "environment_key",
    "from_environment",
    "load",
    "locate",
    "read_secret",
    "unfit_schema",
]
