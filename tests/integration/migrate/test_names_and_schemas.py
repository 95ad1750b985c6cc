"""Several files in one PostgreSQL database, a schema each; names in lower case when that is asked for."""

import json
from pathlib import Path

import pytest

from opskit.adapters.manager import Databases
from opskit.host.private_cluster import PrivateCluster
from tests.conftest import TestDatabase
from tests.support import Opskit, make_sqlite, query, relations

SHOP = """
CREATE TABLE Customers (Id INTEGER PRIMARY KEY, Name TEXT NOT NULL, "E-Mail" TEXT, XMIN TEXT);
CREATE TABLE "Order" (
    Id INTEGER PRIMARY KEY AUTOINCREMENT, Customer INTEGER REFERENCES Customers (Id), Total REAL,
    Tax REAL GENERATED ALWAYS AS (Total * 2) STORED, At TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT Positive CHECK (Total >= 0)
);
CREATE INDEX Ix_Order_Customer ON "Order" (Customer) WHERE Total > 1;
CREATE TABLE Log (Id INTEGER PRIMARY KEY, Body TEXT);
CREATE VIEW Sums AS SELECT c.Name AS Who, sum(o.Total) AS Total
    FROM "Order" o JOIN Customers c ON c.Id = o.Customer GROUP BY c.Name;
CREATE VIEW Big AS SELECT Who FROM Sums WHERE Total > 5;
CREATE TRIGGER Logs AFTER INSERT ON "Order"
    BEGIN INSERT INTO Log (Body) VALUES ('order of ' || NEW.Customer); END;
INSERT INTO Customers VALUES (1, 'Ada', 'ada@example.org', 'x'), (2, 'Bob', NULL, 'y');
INSERT INTO "Order" (Customer, Total, At)
    VALUES (1, 10, '2025-08-14 12:33:01'), (2, 2, '2025-08-14 12:33:02');
"""


NAMES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT tgname FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return make_sqlite(tmp_path / "shop.db", SHOP)


@pytest.fixture
def configuration(tmp_path: Path, postgresql: PrivateCluster, database: TestDatabase) -> Path:
    """Two files with tables of the same names, and one PostgreSQL database."""
    for name in ("main", "shop"):
        make_sqlite(
            tmp_path / f"{name}.db",
            "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);"
            f"INSERT INTO users VALUES (1, 'of {name}');"
            "CREATE INDEX by_name ON users (name); CREATE VIEW names AS SELECT name FROM users;",
        )
    file = tmp_path / "opskit.yaml"
    file.write_text(
        f"""
databases:
  main: {{sqlite: main.db, postgresql: {database.name}}}
  shop: {{sqlite: shop.db, postgresql: {database.name}, schema: The Shop}}
postgresql: {{host: {postgresql.socket_directory}, port: {postgresql.port}, user: {postgresql.superuser}}}
"""
    )
    return file


def test_two_files_share_a_database_in_schemas_of_their_own(
    opskit: Opskit, configuration: Path, database: TestDatabase
) -> None:
    result = opskit("migrate", "--config", configuration, "-o", "json")
    assert result.code == 0, result
    for schema, name in (("public", "main"), ("The Shop", "shop")):
        assert query(database, f'SELECT * FROM "{schema}".users') == [(1, f"of {name}")]
        assert query(database, f'SELECT * FROM "{schema}".names') == [(f"of {name}",)]
    assert len(relations(database)) == 2 * len(["users", "users_pkey", "users_id_seq", "by_name", "names"])
    verified = opskit("verify", "--config", configuration, "-o", "json")
    assert verified.code == 0, verified
    query(database, "UPDATE \"The Shop\".users SET name = '?'")
    assert opskit("verify", "--config", configuration, "--database", "main").code == 0
    assert opskit("verify", "--config", configuration, "--database", "shop").code == 3


def test_the_adapters_find_the_tables_of_a_database_in_its_schema_and_no_others(
    opskit: Opskit, configuration: Path, database: TestDatabase
) -> None:
    assert opskit("migrate", "--config", configuration).code == 0
    query(database, "CREATE TABLE only_in_main (a int)")
    with Databases.open(configuration, {"DATABASE_TYPE": "postgresql"}) as databases:
        for name in ("main", "shop"):
            assert databases[name].query_one("SELECT name FROM users") == {"name": f"of {name}"}
            added = databases[name].execute("INSERT INTO users (name) VALUES (?)", ["new"])
            assert added.last_insert_rowid == 2
        assert databases["main"].query("SELECT * FROM only_in_main") == []


def test_a_database_beside_one_that_is_there_leaves_that_alone(
    opskit: Opskit, shop: Path, database: TestDatabase
) -> None:
    query(database, "CREATE TABLE customers (id int); INSERT INTO customers VALUES (42)")
    assert opskit("migrate", shop, database.url).code == 6
    assert opskit("migrate", shop, database.url, "--schema", "shop").code == 0
    assert opskit("verify", shop, database.url, "--schema", "shop").code == 0
    assert query(database, "SELECT * FROM public.customers") == [(42,)]
    assert query(database, 'SELECT count(*) FROM shop."Order"') == [(2,)]
    # its trigger writes to its own schema, whatever the session's search_path
    query(database, 'INSERT INTO shop."Order" ("Customer", "Total") VALUES (1, 7)')
    assert query(database, 'SELECT count(*) FROM shop."Log"') == [(3,)]
    again = opskit("migrate", shop, database.url, "--schema", "shop", "-o", "json")
    assert (again.code, again.error["code"]) == (6, "target_not_empty")
    assert "schema shop" in again.error["message"]


def test_a_failure_leaves_no_schema_behind(opskit: Opskit, tmp_path: Path, database: TestDatabase) -> None:
    empty = make_sqlite(tmp_path / "empty.db", "")
    assert opskit("migrate", empty, database.url, "--schema", "shop").code == 6
    assert query(database, "SELECT 1 FROM pg_namespace WHERE nspname = 'shop'") == []


def test_folded_names_are_found_without_quotes(
    opskit: Opskit, shop: Path, database: TestDatabase, tmp_path: Path
) -> None:
    result = opskit(
        "migrate", shop, database.url, "--fold", "--name-map", tmp_path / "map.json", "-o", "json"
    )
    assert result.code == 0, result
    assert query(database, 'SELECT Id, "e-mail", xmin_ FROM Customers') == [
        (1, "ada@example.org", "x"),
        (2, None, "y"),
    ]
    query(database, 'INSERT INTO "order" (Customer, Total) VALUES (1, 3)')
    assert query(database, "SELECT Body FROM Log WHERE Id = 3") == [("order of 1",)]
    assert query(database, "SELECT Who, Total FROM Sums ORDER BY Who") == [("Ada", 13.0), ("Bob", 2.0)]
    assert query(database, "SELECT Who FROM Big") == [("Ada",)]
    names = [name for (name,) in query(database, NAMES)]
    assert {"ix_order_customer", "positive", "logs", "trigger_logs", "customers_pkey"} <= set(names)
    assert [name for name in names if name != name.lower()] == []
    written = json.loads((tmp_path / "map.json").read_text())
    assert written["tables"]["Order"] == "public.order"
    assert written["columns"]["Customers"]["XMIN"] == "xmin_"
    assert written["columns"]["Sums"] == {"Who": "who", "Total": "total"}
    told = "\n".join(result.document["warnings"])
    assert "names were folded to lower case" in told
    assert "column XMIN of table Customers was renamed to xmin_" in told


def test_verify_looks_for_the_names_that_migrate_made(
    opskit: Opskit, shop: Path, database: TestDatabase
) -> None:
    assert opskit("migrate", shop, database.url, "--fold").code == 0
    verified = opskit("verify", shop, database.url, "--fold", "-o", "json")
    assert verified.code == 0, verified
    assert opskit("verify", shop, database.url).code == 3
