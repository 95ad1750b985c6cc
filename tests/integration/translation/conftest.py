"""Both engines, filled once a module; what a test creates is rolled back."""

from collections.abc import Iterator

import apsw
import psycopg
import pytest

from opskit.host.private_cluster import PrivateCluster
from opskit.schema.names import quote
from opskit.schema.sqlite_file import rows
from tests.integration.translation.engines import TABLES, TYPES, Engines


@pytest.fixture(scope="module")
def filled(postgresql: PrivateCluster) -> Iterator[Engines]:
    sqlite = apsw.Connection(":memory:")
    sqlite.execute(TABLES)
    postgresql.create_database("translation")
    with psycopg.connect(postgresql.conninfo("translation")) as connection:
        _fill(sqlite, connection)
        yield Engines(sqlite, connection)
    sqlite.close()
    with psycopg.connect(postgresql.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE translation")


def _fill(sqlite: apsw.Connection, connection: psycopg.Connection) -> None:
    """The rows as a migration stores them: dates without a zone are UTC."""
    connection.execute("SET TIME ZONE 'UTC'")
    for table, types in TYPES.items():
        columns = ", ".join(f"{quote(name)} {type_}" for name, type_ in types.items())
        connection.execute(f"CREATE TABLE {table} ({columns})".encode())
        values = ", ".join("%s" if one == "bytea" else f"%s::text::{one}" for one in types.values())
        content = rows(sqlite, f"SELECT * FROM {table}")
        connection.cursor().executemany(f"INSERT INTO {table} VALUES ({values})".encode(), content)
    connection.execute("ALTER TABLE item ADD PRIMARY KEY (id)")
    connection.execute("ALTER TABLE part ADD PRIMARY KEY (item_id, name)")
    connection.execute("SET TIME ZONE 'America/New_York'")
    connection.commit()


@pytest.fixture
def engines(filled: Engines) -> Iterator[Engines]:
    filled.sqlite.execute("BEGIN")
    yield filled
    filled.sqlite.execute("ROLLBACK")
    filled.postgresql.rollback()
