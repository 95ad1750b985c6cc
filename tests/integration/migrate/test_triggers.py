"""Triggers move with their tables, do not fire during the copy, and work where the application is."""

from pathlib import Path

import psycopg
import pytest

from tests.conftest import TestDatabase
from tests.support import Opskit, make_sqlite, query

SCHEMA = """
CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL, updated_at TIMESTAMP);
CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, item INTEGER, old REAL, new REAL);
INSERT INTO items VALUES (1, 'a', 1.5, '2024-01-01 00:00:00'), (2, 'b', 200, '2024-01-01 00:00:00');
CREATE TRIGGER items_updated_at AFTER UPDATE ON items BEGIN
  UPDATE items SET updated_at = CURRENT_TIMESTAMP WHERE id = NEW.id;
END;
CREATE TRIGGER items_audit AFTER UPDATE OF price ON items WHEN OLD.price IS NOT NEW.price BEGIN
  INSERT INTO audit (item, old, new) VALUES (NEW.id, OLD.price, NEW.price);
END;
CREATE TRIGGER items_guard BEFORE DELETE ON items WHEN OLD.price > 100 BEGIN
  SELECT RAISE(ABORT, 'too dear to delete');
END;
CREATE TRIGGER items_unknown AFTER INSERT ON items BEGIN
  UPDATE items SET name = json_object(NEW.name, 1) WHERE id = NEW.id;
END;
"""


def test_triggers_work_after_the_move_and_left_no_trace_in_the_copy(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    file = make_sqlite(tmp_path / "shop.db", SCHEMA)
    result = opskit("migrate", file, database.url, "-o", "json")
    assert result.code == 0
    (report,) = result.document["result"]["databases"]
    assert report["triggers"] == ["items_updated_at", "items_audit", "items_guard"]
    assert [told for told in report["told"] if told.startswith("trigger items_unknown of table items")]
    assert query(database, "SELECT count(*) FROM audit") == [(0,)]
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        connection.execute("SET search_path = pg_catalog")
        connection.execute("UPDATE public.items SET price = 2.5 WHERE id = 1")
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="too dear to delete"):
            connection.execute("DELETE FROM public.items WHERE id = 2")
    assert query(database, "SELECT id, item, old, new FROM audit") == [(1, 1, 1.5, 2.5)]
    touched = "SELECT id FROM items WHERE updated_at > now() - interval '1 minute'"
    assert query(database, touched) == [(1,)]
    assert query(database, "SELECT count(*) FROM items") == [(2,)]
