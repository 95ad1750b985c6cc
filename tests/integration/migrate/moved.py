"""Databases made by a script and migrated, and what is told about them."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql

from opskit.host.private_cluster import PrivateCluster
from tests.conftest import TestDatabase
from tests.support import Opskit, make_sqlite, query


def migrated(opskit: Opskit, database: TestDatabase, script: str) -> list[str]:
    """What is told about the migration of a database made by this script."""
    file = make_sqlite(opskit.state_dir.parent / "source.db", script)
    result = opskit("migrate", file, database.url, "-o", "json")
    assert result.code == 0, result
    assert opskit("verify", file, database.url).code == 0
    return result.document["result"]["databases"][0]["told"]


def about(told: list[str], *words: str) -> str:
    """The only sentence with all these words."""
    (sentence,) = (one for one in told if all(word in one for word in words))
    return sentence


@dataclass(frozen=True, slots=True)
class Moved:
    """A migrated database that a module's tests share, and what was told about it."""

    database: TestDatabase
    told: list[str]

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        return query(self.database, statement)

    def attempt(self, statement: str) -> None:
        """Executes a statement and takes it back."""
        with psycopg.connect(self.database.conninfo) as connection:
            connection.execute(statement.encode())
            connection.rollback()


@contextmanager
def moved_database(
    postgresql: PrivateCluster, directories: pytest.TempPathFactory, script: str
) -> Generator[Moved]:
    """The database made by a script, migrated; dropped at the end."""
    name = f"moved_{os.urandom(4).hex()}"
    postgresql.create_database(name)
    address = postgresql.conninfo(name)
    database = TestDatabase(name, address, address)
    yield Moved(database, migrated(Opskit(directories.mktemp("moved") / "state"), database, script))
    with psycopg.connect(postgresql.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
