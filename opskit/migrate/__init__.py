"""Migrating a SQLite database to PostgreSQL: profile → schema → copy → finish → verify."""
