"""DDL that SQLite takes, for tables that only PostgreSQL has."""

import apsw

from opskit.capture.derived import add_column, create_table
from opskit.schema.sqlite_file import rows, scalar
from opskit.schema.target_schema import PgColumn, PgForeignKey, PgIndex, PgKey, PgSequence, PgTable

SEQUENCE = PgSequence("public", "s", "bigint", 1, 1, 2**63 - 1, False, 1, True)
TABLE = PgTable(
    "orders",
    columns=(
        PgColumn("id", "bigint", not_null=True, identity="by default", sequence=SEQUENCE),
        PgColumn("status", "text", not_null=True, default="'new'::text"),
        PgColumn("done", "boolean", default="false"),
        PgColumn("price", "numeric(10,2)", default="'-1.5'::numeric"),
        PgColumn("at", "timestamp with time zone", default="now()"),
        PgColumn("token", "uuid", default="gen_random_uuid()"),
        PgColumn("parent", "bigint"),
    ),
    primary_key=PgKey("orders_pkey", ("id",), primary=True),
    unique=(PgKey("orders_token", ("token",)),),
    foreign_keys=(PgForeignKey("f", ("parent",), "public", "orders", ("id",), on_delete="SET NULL"),),
    indexes=(
        PgIndex("orders_pkey", "", "", ("id",), True, None, True, "orders_pkey"),
        PgIndex("by_status", "", "", ("status",), False, None, True, None),
        PgIndex("partial", "", "", ("status",), False, "done", True, None),
        PgIndex("lowered", "", "", ("lower(status)",), False, None, True, None),
    ),
)


def made() -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    for statement in create_table(TABLE):
        rows(connection, statement)
    return connection


def test_rows_get_what_they_would_get_in_postgresql() -> None:
    connection = made()
    rows(connection, "INSERT INTO orders (parent) VALUES (NULL)")
    (row,) = rows(connection, "SELECT id, status, done, price, token FROM orders")
    assert row == (1, "new", 0, -1.5, None)
    assert len(str(scalar(connection, "SELECT at FROM orders"))) == len("2026-01-02 03:04:05")


def test_keys_and_plain_indexes_come_along() -> None:
    connection = made()
    assert rows(connection, "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL") == [
        ("by_status",)
    ]
    assert rows(connection, "SELECT name FROM sqlite_schema WHERE sql LIKE '%AUTOINCREMENT%'") == [
        ("orders",)
    ]
    assert scalar(connection, "SELECT \"table\" FROM pragma_foreign_key_list('orders')") == "orders"
    assert len(rows(connection, "PRAGMA index_list(orders)")) == 2


def test_a_column_is_added_to_rows_that_are_there() -> None:
    connection = made()
    rows(connection, "INSERT INTO orders (parent) VALUES (NULL)")
    rows(connection, add_column("orders", PgColumn("rank", "integer", not_null=True, default="5")))
    rows(connection, add_column("orders", PgColumn("seen", "timestamp with time zone", default="now()")))
    rows(connection, add_column("orders", PgColumn("must", "text", not_null=True)))
    assert rows(connection, "SELECT rank, seen, must FROM orders") == [(5, None, None)]
