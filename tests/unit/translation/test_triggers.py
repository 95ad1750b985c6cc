"""What a trigger's translation looks like, and what is refused with its reason."""

import apsw
import pytest

from opskit.schema.model import Affinity, Column, Schema, Table, Trigger, ascii_fold
from opskit.schema.names import map_names
from opskit.schema.sqlite_reader import read_schema
from opskit.schema.translation import TriggerTranslation, Untranslatable, translate_trigger

TABLES = """
CREATE TABLE t (id INTEGER PRIMARY KEY, k TEXT UNIQUE, v INTEGER, r REAL, b BOOLEAN, at DATETIME,
  twice INTEGER AS (v * 2) STORED);
CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT, v INTEGER, b BOOLEAN, at DATETIME);
CREATE TABLE child (id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t(id));
CREATE TABLE keyed (a TEXT, b TEXT, n INTEGER CHECK (n > 0), UNIQUE (a));
CREATE UNIQUE INDEX keyed_lower ON keyed (lower(b));
CREATE TABLE loose (a TEXT PRIMARY KEY, n INTEGER DEFAULT 1);
CREATE TRIGGER loose_out AFTER DELETE ON loose BEGIN DELETE FROM log; END;
CREATE VIEW v AS SELECT id, k FROM t;
CREATE VIRTUAL TABLE t_search USING fts5(k, content='');
"""
PG_TYPES = {"INTEGER": "bigint", "TEXT": "text", "REAL": "double precision", "BOOLEAN": "boolean"}
_REFUSALS = """
AFTER INSERT ON t BEGIN INSERT INTO t_search (rowid, k) VALUES (NEW.id, NEW.k); END
  t_search is a virtual table (fts5)
AFTER DELETE ON t BEGIN DELETE FROM t_search WHERE rowid = OLD.id; END
  t_search is a virtual table (fts5)
AFTER INSERT ON t BEGIN INSERT INTO log (v) VALUES (last_insert_rowid()); END
  last_insert_rowid()
AFTER INSERT ON t BEGIN INSERT INTO log (v) VALUES (changes()); END
  changes()
AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES (json_object('v', NEW.v)); END
  json_object()
AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES (NEW.missing); END
  no column NEW.missing
AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES (k); END
  no column k
AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES (OLD.k); END
  no column OLD.k
AFTER INSERT ON t BEGIN INSERT INTO nowhere VALUES (1); END
  no table nowhere
AFTER INSERT ON t BEGIN INSERT INTO log (missing) VALUES (1); END
  no column missing
AFTER INSERT ON t BEGIN INSERT INTO log (v, what) VALUES (1); END
  1 values are written to 2 columns
AFTER INSERT ON t BEGIN INSERT INTO log (v) VALUES (NEW.r); END
  does not fit the column's type bigint
AFTER INSERT ON t BEGIN INSERT INTO log (b) VALUES (2); END
  2 does not fit the column's type boolean
AFTER INSERT ON t BEGIN INSERT INTO log (at) VALUES (NEW.k); END
  timestamp
AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES (NEW.at); END
  does not keep how SQLite writes it
AFTER INSERT ON t BEGIN INSERT INTO log (id, v) VALUES (NULL, 1), (5, 2); END
  some of its rows only
AFTER INSERT ON t BEGIN INSERT INTO log (v) SELECT count(*) FROM t; END
  after each row
AFTER INSERT ON t BEGIN INSERT INTO log (v) SELECT count(*) FROM v; END
  after each row
AFTER INSERT ON t BEGIN INSERT INTO v VALUES (1, 'x'); END
  writes the view v
AFTER INSERT ON t BEGIN INSERT OR REPLACE INTO keyed VALUES (NEW.k, 'x', 1); END
  unique index
AFTER INSERT ON t BEGIN INSERT OR IGNORE INTO keyed VALUES (NEW.k, 'x', NEW.v); END
  CHECK
AFTER INSERT ON t BEGIN REPLACE INTO loose VALUES (NEW.k, 1); END
  DELETE triggers
AFTER INSERT ON child BEGIN REPLACE INTO t (id, k) VALUES (1, 'x'); END
  to which other tables refer
AFTER INSERT ON t BEGIN INSERT OR FAIL INTO log (v) VALUES (1); END
  not translated
AFTER INSERT ON t BEGIN INSERT INTO loose VALUES ('x', 1) ON CONFLICT (n) DO NOTHING; END
  names no unique key
AFTER INSERT ON t BEGIN UPDATE OR IGNORE loose SET a = 'x'; END
  could not be parsed
AFTER INSERT ON t BEGIN UPDATE loose SET n = u.v FROM t AS u WHERE u.k = a; END
  UPDATE … FROM
AFTER INSERT ON t BEGIN UPDATE loose SET (a, n) = ('x', 1); END
  not translated
AFTER INSERT ON t BEGIN UPDATE loose SET n = (SELECT max(n) + 1 FROM loose); END
  other rows of the same table
AFTER INSERT ON t BEGIN SELECT RAISE(IGNORE); END
  RAISE(IGNORE)
AFTER INSERT ON t BEGIN SELECT RAISE(FAIL, 'x'); END
  RAISE(FAIL)
BEFORE INSERT ON t BEGIN DELETE FROM log; SELECT RAISE(FAIL, 'x'); END
  RAISE(FAIL)
AFTER INSERT ON t BEGIN SELECT CASE v WHEN 1 THEN RAISE(ABORT, 'x') ELSE RAISE(ABORT, 'y') END FROM t; END
  which row comes first
AFTER INSERT ON t BEGIN SELECT notify(NEW.id); END
  notify()
BEFORE INSERT ON t BEGIN INSERT INTO log (v) VALUES (NEW.id); END
  NEW.id is not known before
BEFORE INSERT ON t WHEN NEW.rowid > 5 BEGIN DELETE FROM log; END
  NEW.rowid is not known before
BEFORE UPDATE ON t BEGIN INSERT INTO log (v) VALUES (NEW.twice); END
  NEW.twice is not known before
BEFORE UPDATE ON t BEGIN UPDATE t SET v = 1 WHERE id = NEW.id; END
  leaves undefined
BEFORE INSERT ON t BEGIN INSERT INTO child (t_id) VALUES (1); END
  not there yet
AFTER UPDATE OF v, twice ON t BEGIN DELETE FROM log; END
  UPDATE OF twice names no column
AFTER UPDATE OF v, missing ON t BEGIN DELETE FROM log; END
  UPDATE OF missing names no column
INSTEAD OF UPDATE OF k ON v BEGIN DELETE FROM log; END
  of some columns
AFTER INSERT ON t BEGIN SELECT RAISE(ABORT, 'x') FROM log AS new WHERE new.v = 1; END
  called NEW or OLD
""".strip().splitlines()
REFUSED = list(zip(_REFUSALS[::2], map(str.strip, _REFUSALS[1::2]), strict=True))
"""A trigger on one line, and part of the reason why it is refused on the next."""


def schema_of(*triggers: str) -> Schema:
    connection = apsw.Connection(":memory:")
    try:
        connection.execute(TABLES)
        for number, trigger in enumerate(triggers, 1):
            connection.execute(f"CREATE TRIGGER tr{number} {trigger}")
        return read_schema(connection)
    finally:
        connection.close()


def translated(*triggers: str) -> list[TriggerTranslation | Untranslatable]:
    schema = schema_of(*triggers)
    types = {
        ascii_fold(table.name): {
            ascii_fold(column.name): PG_TYPES.get(column.declared, "timestamp with time zone")
            for column in table.columns
        }
        for table in schema.tables
    }
    own = [trigger for trigger in schema.triggers if trigger.name.startswith("tr")]
    return [translate_trigger(trigger, schema, types, map_names(schema)) for trigger in own]


def made(*triggers: str) -> list[TriggerTranslation]:
    found = translated(*triggers)
    assert [one for one in found if isinstance(one, Untranslatable)] == []
    return [one for one in found if isinstance(one, TriggerTranslation)]


@pytest.mark.parametrize(("trigger", "reason"), REFUSED)
def test_a_trigger_without_an_exact_counterpart_is_refused_with_its_reason(trigger: str, reason: str) -> None:
    (found,) = translated(trigger)
    assert isinstance(found, Untranslatable)
    assert reason in found.reason


def test_a_trigger_becomes_a_function_without_schema_names_and_a_trigger() -> None:
    (found,) = made("AFTER UPDATE OF v, k ON t WHEN NEW.v > OLD.v BEGIN DELETE FROM log WHERE v = OLD.v; END")
    function = """CREATE FUNCTION "trigger_tr1"() RETURNS trigger LANGUAGE plpgsql AS $opskit$
BEGIN
  IF (NEW."v" > OLD."v") THEN
    DELETE FROM "log" WHERE ("log"."v" = OLD."v");
  END IF;
  RETURN NULL;
END
$opskit$"""
    trigger = (
        'CREATE TRIGGER "tr1" AFTER UPDATE OF "v", "k" ON "t" FOR EACH ROW EXECUTE FUNCTION "trigger_tr1"()'
    )
    assert found == TriggerTranslation("tr1", "trigger_tr1", (function, trigger))


def test_a_trigger_that_could_reach_itself_is_not_fired_while_it_runs() -> None:
    (found,) = made("AFTER UPDATE ON t BEGIN UPDATE t SET v = 1 WHERE id = NEW.id; END")
    function, trigger = found.statements
    assert "PERFORM set_config('opskit.trigger_tr1', 'on', true);" in function
    assert "PERFORM set_config('opskit.trigger_tr1', 'off', true);" in function
    assert "WHEN (current_setting('opskit.trigger_tr1', true) IS DISTINCT FROM 'on')" in trigger


def test_a_before_trigger_hands_on_its_row() -> None:
    inserted, deleted = made(
        "BEFORE INSERT ON t BEGIN DELETE FROM log; END", "BEFORE DELETE ON t BEGIN DELETE FROM log; END"
    )
    assert "RETURN NEW;" in inserted.statements[0]
    assert "RETURN OLD;" in deleted.statements[0]


def test_a_select_that_raises_nothing_does_nothing() -> None:
    (found,) = made("AFTER INSERT ON t BEGIN SELECT v FROM log; END")
    assert "SELECT" not in found.statements[0]


def test_a_text_that_looks_like_the_end_of_the_function_does_not_end_it() -> None:
    (found,) = made("AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES ('$opskit$'); END")
    assert found.statements[0].endswith("$opskit1$")


def test_names_are_changed_where_their_order_would_be_another_and_this_is_told() -> None:
    body = "BEGIN DELETE FROM log; END"
    first, second = made(f"AFTER INSERT ON t {body}", f"AFTER INSERT ON t {body}")
    assert (first.name, second.name) == ("t02_tr1", "t01_tr2")
    assert "trigger tr1 is called t02_tr1" in first.told[0]


def test_what_a_statement_of_several_rows_sees_differently_is_told() -> None:
    counting, failing = made(
        "AFTER INSERT ON child BEGIN UPDATE t SET v = (SELECT count(*) FROM child WHERE t_id = t.id); END",
        "BEFORE INSERT ON t WHEN NEW.v < 0 BEGIN SELECT RAISE(FAIL, 'negative'); END",
    )
    assert "runs it after each row" in counting.told[0]
    assert "RAISE(FAIL)" in failing.told[0]


def test_a_trigger_on_its_own_row_or_with_its_own_values_tells_nothing() -> None:
    (found,) = made(
        "AFTER UPDATE ON t BEGIN UPDATE t SET at = datetime('now'), b = NEW.v > 1 WHERE (id = NEW.id); END"
    )
    assert found.told == ()


def test_names_that_had_to_change_are_used_as_they_are_on_postgresql() -> None:
    table = Table("t" * 70, (Column("xmin", "INTEGER", Affinity.INTEGER),))
    body = f"BEGIN UPDATE {table.name} SET xmin = NEW.XMIN; INSERT INTO {table.name} (xmin) VALUES (1); END"
    trigger = Trigger("n" * 70, table.name, f"CREATE TRIGGER n AFTER UPDATE OF XMIN ON {table.name} {body}")
    schema = Schema((table,), triggers=(trigger,))
    names = map_names(schema)
    found = translate_trigger(trigger, schema, {table.name: {"xmin": "bigint"}}, names)
    assert isinstance(found, TriggerTranslation)
    relation, sql = names.relation(table.name), " ".join(found.statements)
    assert f'UPDATE "{relation}" SET "xmin_" = (NEW."xmin_"::bigint);' in sql
    assert f'INSERT INTO "{relation}" ("xmin_") VALUES (1);' in sql
    assert f'AFTER UPDATE OF "xmin_" ON "{relation}"' in sql
    assert len(found.name) == len(found.function) == 63


def test_sql_that_is_no_trigger_is_refused() -> None:
    schema = schema_of("AFTER INSERT ON t BEGIN DELETE FROM log; END")
    broken = Trigger("x", "t", "CREATE TRIGGER x AFTER INSERT ON t")
    found = translate_trigger(broken, schema, {}, map_names(schema))
    assert found == Untranslatable("its SQL could not be parsed")
