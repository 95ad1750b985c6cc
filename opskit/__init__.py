"""opskit: move an application off SQLite onto PostgreSQL, run it there, and come back with nothing lost."""

__version__ = "0.1.0"
