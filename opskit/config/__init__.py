"""Configuration: parsed strictly, all faults at once, then frozen and passed on."""

from opskit.config.backups import S3, Backup, Encrypt, Keep, Pgbackrest, Repository, Sftp
from opskit.config.checks import is_local, unfit_schema
from opskit.config.environment import application_password, engine_in_use, environment_key, from_environment
from opskit.config.load import Loaded, load, locate, read_document
from opskit.config.model import (
    Administrator,
    Application,
    Configuration,
    Database,
    Engine,
    Exporter,
    Migrate,
    Misfits,
    Postgresql,
    Provision,
    Roles,
    Rollback,
    Settings,
    TypesProfile,
)
from opskit.config.secrets import Secret, read_secret

__all__ = [
    "S3",
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
    "Pgbackrest",
    "Postgresql",
    "Provision",
    "Repository",
    "Roles",
    "Rollback",
    "Secret",
    "Settings",
    "Sftp",
    "TypesProfile",
    "application_password",
    "engine_in_use",
    "environment_key",
    "from_environment",
    "is_local",
    "load",
    "locate",
    "read_document",
    "read_secret",
    "unfit_schema",
]
