"""The application made its schema in PostgreSQL itself: the data goes into it, the schema stays as it was."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from opskit.host.private_cluster import PrivateCluster
from tests.conftest import TestDatabase
from tests.support import Opskit, Result, make_sqlite, query, relations

APPLICATION = """
CREATE TABLE alembic_version (version_num TEXT PRIMARY KEY);
CREATE TABLE Users (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(20) NOT NULL, active BOOLEAN, mood TEXT,
    joined DATETIME, shout TEXT AS (upper(name)), boss INTEGER REFERENCES Users,
    team INTEGER REFERENCES teams DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE teams (id INTEGER PRIMARY KEY, title TEXT UNIQUE, lead INTEGER REFERENCES Users);
CREATE TABLE settings (key TEXT PRIMARY KEY, value JSON);
CREATE TABLE drafts (id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO alembic_version VALUES ('abc123');
INSERT INTO Users (id, name, active, mood, joined, boss, team) VALUES
    (1, 'Ann', 1, 'it''s ok', '2025-08-14 12:33:01.5', NULL, 1), (2, 'Bo', 0, NULL, NULL, 1, 1),
    (90, 'Gone', 0, NULL, NULL, NULL, NULL);
INSERT INTO teams VALUES (1, 'A', 2), (7, 'B', NULL);
DELETE FROM Users WHERE id = 90;
INSERT INTO settings VALUES ('theme', '{"dark": true, "dark": false}');
"""

SCHEMA = """
CREATE TYPE mood AS ENUM ('it''s ok', 'bad');
CREATE DOMAIN short AS varchar(20) CHECK (value <> '');
CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('abc123');
CREATE TABLE users (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name short NOT NULL, active boolean, mood mood,
    joined timestamp, boss integer REFERENCES users, team integer,
    source text NOT NULL DEFAULT 'import', shout text GENERATED ALWAYS AS (upper(name)) STORED
);
CREATE TABLE teams (id serial PRIMARY KEY, title text UNIQUE, lead integer REFERENCES users);
ALTER TABLE users ADD CONSTRAINT users_team_fk FOREIGN KEY (team) REFERENCES teams;
CREATE TABLE settings (key text PRIMARY KEY, value json);
CREATE TABLE outbox (id serial PRIMARY KEY, what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN INSERT INTO outbox (what) VALUES (TG_NAME); RETURN NEW; END$$;
CREATE TRIGGER t_on AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER t_always AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER t_off AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION note();
ALTER TABLE users ENABLE ALWAYS TRIGGER t_always, DISABLE TRIGGER t_off;
"""

MADE = """
SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT tgname || tgenabled::text || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT attrelid::regclass::text || attname || attnotnull || atttypid::regtype FROM pg_attribute
    WHERE attnum > 0 AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
ORDER BY 1
"""
"""Everything that makes the schema what it is."""


@pytest.fixture
def application(tmp_path: Path) -> Path:
    return make_sqlite(tmp_path / "application.db", APPLICATION)


@pytest.fixture
def made(database: TestDatabase) -> TestDatabase:
    """A database in which the application has made its schema."""
    query(database, SCHEMA)
    return database


def into(opskit: Opskit, source: Path, target: TestDatabase, *options: str) -> Result:
    return opskit("migrate", source, target.url, "--into-existing", "-o", "json", *options)


def told(result: Result) -> str:
    return "\n".join(result.document["warnings"])


def test_rows_arrive_in_the_types_that_the_application_chose(
    opskit: Opskit, application: Path, made: TestDatabase
) -> None:
    result = into(opskit, application, made)
    assert result.code == 0, result.stdout
    assert query(
        made, "SELECT id, name, active, mood::text, joined::text, boss, team FROM users ORDER BY id"
    ) == [
        (1, "Ann", True, "it's ok", "2025-08-14 12:33:01.5", None, 1),
        (2, "Bo", False, None, None, 1, 1),
    ]
    assert query(made, "SELECT id, title, lead FROM teams ORDER BY id") == [(1, "A", 2), (7, "B", None)]
    assert query(made, "SELECT value::text FROM settings") == [('{"dark": true, "dark": false}',)]
    assert "opskit_staging" not in str(relations(made))


def test_the_schema_stays_as_the_application_made_it(
    opskit: Opskit, application: Path, made: TestDatabase
) -> None:
    before = query(made, MADE)
    assert into(opskit, application, made).code == 0
    assert query(made, MADE) == before


def test_columns_of_the_target_alone_take_their_defaults_or_are_computed(
    opskit: Opskit, application: Path, made: TestDatabase
) -> None:
    result = into(opskit, application, made)
    assert query(made, "SELECT source, shout FROM users ORDER BY id") == [("import", "ANN"), ("import", "BO")]
    assert "table users: only in the target, so they take their defaults: source" in told(result)


def test_triggers_rest_while_rows_are_moved_in_and_are_named(
    opskit: Opskit, application: Path, made: TestDatabase
) -> None:
    result = into(opskit, application, made)
    assert query(made, "SELECT what FROM outbox") == []
    assert "trigger t_on of table users does not fire" in told(result)
    assert "t_off" not in told(result)
    query(made, "INSERT INTO users (name) VALUES ('New')")
    assert query(made, "SELECT what FROM outbox ORDER BY 1") == [("t_always",), ("t_on",)]


def test_keys_go_on_after_the_highest_ever_given_out(
    opskit: Opskit, application: Path, made: TestDatabase
) -> None:
    assert into(opskit, application, made).code == 0
    assert query(made, "INSERT INTO users (name) VALUES ('New') RETURNING id") == [(91,)]
    assert query(made, "INSERT INTO teams (title) VALUES ('C') RETURNING id") == [(8,)]
    assert query(made, "INSERT INTO outbox (what) VALUES ('x') RETURNING id > 0") == [(True,)]


def test_the_records_of_the_migration_tool_are_left_alone(
    opskit: Opskit, application: Path, made: TestDatabase
) -> None:
    query(made, "UPDATE alembic_version SET version_num = 'def456'")
    result = into(opskit, application, made)
    assert query(made, "SELECT version_num FROM alembic_version") == [("def456",)]
    assert "left alone, as migration tools keep their records there: alembic_version" in told(result)


def test_an_empty_table_without_a_home_is_told(opskit: Opskit, application: Path, made: TestDatabase) -> None:
    result = into(opskit, application, made)
    assert "table drafts has no counterpart in the target; it holds no row" in told(result)


def test_the_name_map_says_what_tables_are_called(
    opskit: Opskit, application: Path, made: TestDatabase
) -> None:
    result = into(opskit, application, made)
    assert result.document["result"]["name_map"]["tables"] == {"Users": "public.users"}


def test_it_verifies_afterwards_and_a_changed_value_is_found(
    opskit: Opskit, application: Path, made: TestDatabase
) -> None:
    assert into(opskit, application, made).code == 0
    verified = opskit("verify", application, made.url, "--into-existing", "-o", "json")
    assert verified.code == 0, verified.stdout
    query(made, "UPDATE users SET mood = 'bad' WHERE id = 1")
    verified = opskit("verify", application, made.url, "--into-existing", "-o", "json")
    assert verified.code == 3
    assert "mood" in verified.stdout


def test_the_plan_changes_nothing(opskit: Opskit, application: Path, made: TestDatabase) -> None:
    result = into(opskit, application, made, "--plan")
    assert result.code == 3
    assert "move 5 rows into 3 tables of schema public" in result.stdout
    assert query(made, "SELECT FROM users") == []
    assert "opskit_staging" not in str(relations(made))


HOMELESS = """
CREATE TABLE tags (id INTEGER PRIMARY KEY); INSERT INTO tags VALUES (1), (2);
CREATE TABLE notes (
    id INTEGER PRIMARY KEY, colour TEXT, empty TEXT, size INTEGER, at TIME, who TEXT, part TEXT
);
INSERT INTO notes VALUES
    (1, 'red', NULL, 70000, '12:30', NULL, 'a'), (2, NULL, NULL, 'many', NULL, 'x', 'b'),
    (3, 'blue', NULL, 1, NULL, 'a long name', 'c');
"""


def test_everything_that_has_no_place_is_refused_at_once(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    source = make_sqlite(tmp_path / "notes.db", HOMELESS)
    query(
        database,
        "CREATE TABLE notes (id int PRIMARY KEY, size smallint, at time, who varchar(5) NOT NULL, part point,"
        " owner int NOT NULL)",
    )
    before = relations(database)
    result = into(opskit, source, database)
    assert result.code == 6
    assert {(error["code"], error["where"]) for error in result.document["errors"]} == {
        ("no_home", "tags"),
        ("no_home", "notes.colour"),
        ("misfit", "notes.size"),
        ("misfit", "notes.who"),
        ("null", "notes.who"),
        ("unknown_type", "notes.part"),
        ("no_value", "notes.owner"),
    }
    (size,) = (error for error in result.document["errors"] if error["where"] == "notes.size")
    assert size["message"] == "notes.size: 2 of 3 values do not fit smallint, e.g. id=1: 70000, id=2: 'many'"
    assert relations(database) == before


SEEDED = """
CREATE TABLE experiments (id INTEGER PRIMARY KEY, name TEXT UNIQUE, stage TEXT);
CREATE TABLE runs (id INTEGER PRIMARY KEY); INSERT INTO runs VALUES (1);
"""


@pytest.fixture
def seeded(database: TestDatabase) -> TestDatabase:
    """A schema whose migrations put rows into it."""
    query(database, SEEDED.partition("INSERT")[0])
    query(database, "INSERT INTO experiments VALUES (0, 'Default', 'active'), (1, 'First', 'active')")
    return database


def test_rows_that_migrations_made_give_way_to_the_sources(
    opskit: Opskit, tmp_path: Path, seeded: TestDatabase
) -> None:
    rows = "INSERT INTO experiments VALUES (0, 'First', 'deleted'), (1, 'Default', 'active'), (2, 'x', NULL)"
    result = into(opskit, make_sqlite(tmp_path / "s.db", f"{SEEDED} {rows}"), seeded)
    assert result.code == 0, result.stdout
    assert query(seeded, "SELECT * FROM experiments ORDER BY 1") == [
        (0, "First", "deleted"),
        (1, "Default", "active"),
        (2, "x", None),
    ]
    replaced = (
        "table experiments: the source's rows replace 2 of the same keys that stood there, of which 2 differ"
    )
    assert replaced in told(result)


def test_a_database_in_use_is_not_taken_for_one_with_its_migrations_rows(
    opskit: Opskit, tmp_path: Path, seeded: TestDatabase
) -> None:
    rows = "INSERT INTO experiments VALUES (0, 'Default', 'active'), (1, 'First', 'active')"
    source = make_sqlite(tmp_path / "s.db", f"{SEEDED} {rows}")
    assert into(opskit, source, seeded).code == 0
    assert into(opskit, source, seeded).code == 0  # all is the same: nothing is lost
    query(seeded, "UPDATE experiments SET name = 'changed since' WHERE id = 1")
    result = into(opskit, source, seeded)
    assert (result.code, result.error["code"]) == (6, "target_not_empty")
    assert query(seeded, "SELECT name FROM experiments WHERE id = 1") == [("changed since",)]


def test_rows_that_the_source_does_not_have_are_refused_by_their_keys(
    opskit: Opskit, tmp_path: Path, seeded: TestDatabase
) -> None:
    source = make_sqlite(tmp_path / "s.db", f"{SEEDED} INSERT INTO experiments VALUES (1, 'x', 'y')")
    result = into(opskit, source, seeded)
    assert (result.code, result.error["code"]) == (6, "target_not_empty")
    assert result.error["message"] == "table experiments holds 2 rows, which the source does not have: id=0"


def test_rows_of_a_table_that_is_empty_in_the_source_stay(
    opskit: Opskit, tmp_path: Path, seeded: TestDatabase
) -> None:
    result = into(opskit, make_sqlite(tmp_path / "s.db", SEEDED), seeded)
    assert result.code == 0, result.stdout
    assert query(seeded, "SELECT count(*) FROM experiments") == [(2,)]
    assert "table experiments keeps its 2 rows, the source has none" in told(result)


def test_rows_that_stay_may_not_refer_to_rows_that_are_replaced(
    opskit: Opskit, tmp_path: Path, seeded: TestDatabase
) -> None:
    query(seeded, "CREATE TABLE audit (experiment int REFERENCES experiments ON DELETE CASCADE)")
    query(seeded, "INSERT INTO audit VALUES (1)")
    rows = "INSERT INTO experiments VALUES (0, 'a', 'b'), (1, 'c', 'd')"
    result = into(opskit, make_sqlite(tmp_path / "s.db", f"{SEEDED} {rows}"), seeded)
    assert (result.code, result.error["where"]) == (6, "audit")


BROKEN = """
CREATE TABLE parent (id INTEGER PRIMARY KEY); CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER);
INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1, 1), (2, 77);
"""


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ("CONSTRAINT must_be FOREIGN KEY (parent) REFERENCES parent", "(parent)=(77)"),
        ("CONSTRAINT must_be CHECK (parent < 10)", "must_be"),
        ("CONSTRAINT must_be EXCLUDE ((parent > 0) WITH =)", "must_be"),
    ],
)
def test_rows_that_break_a_rule_of_the_schema_change_nothing(
    opskit: Opskit, tmp_path: Path, database: TestDatabase, rule: str, named: str
) -> None:
    query(database, "CREATE TABLE parent (id serial PRIMARY KEY)")
    query(database, f"CREATE TABLE child (id serial PRIMARY KEY, parent int, {rule})")
    result = into(opskit, make_sqlite(tmp_path / "b.db", BROKEN), database)
    assert (result.code, result.error["code"], result.error["where"]) == (4, "rule_broken", "child")
    assert "table child, must_be" in result.error["message"]
    assert named in result.error["message"]
    assert query(database, "SELECT FROM parent") == []
    assert query(database, "SELECT is_called FROM parent_id_seq") == [(False,)]
    assert "opskit_staging" not in str(relations(database))


def test_the_owner_of_the_tables_needs_no_other_rights(
    opskit: Opskit, application: Path, database: TestDatabase, postgresql: PrivateCluster
) -> None:
    owner = f"{database.name}_owner"
    query(database, f"CREATE ROLE {owner} LOGIN; ALTER DATABASE {database.name} OWNER TO {owner}")
    with psycopg.connect(postgresql.conninfo(database.name, owner), autocommit=True) as connection:
        connection.execute(SCHEMA.encode())
    target = TestDatabase(database.name, "", postgresql.conninfo(database.name, owner))
    try:
        result = into(opskit, application, target)
        assert result.code == 0, result.stdout
    finally:
        query(database, f"REASSIGN OWNED BY {owner} TO postgres; DROP ROLE {owner}")


def test_a_role_that_does_not_own_the_tables_is_refused(
    opskit: Opskit, application: Path, made: TestDatabase, postgresql: PrivateCluster
) -> None:
    role = f"{made.name}_role"
    query(made, f"CREATE ROLE {role} LOGIN; ALTER DATABASE {made.name} OWNER TO {role}")
    query(made, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    try:
        result = into(opskit, application, TestDatabase(made.name, "", postgresql.conninfo(made.name, role)))
        assert result.code == 6
        assert {error["where"] for error in result.document["errors"]} == {"users", "teams", "settings"}
    finally:
        query(made, f"REASSIGN OWNED BY {role} TO postgres; DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.fixture
def second(postgresql: PrivateCluster, made: TestDatabase) -> Iterator[TestDatabase]:
    """Another database with a schema of its own."""
    name = f"{made.name}_second"
    postgresql.create_database(name)
    other = TestDatabase(name, postgresql.conninfo(name), "")
    query(other, "CREATE TABLE parent (id int PRIMARY KEY)")
    query(other, "CREATE TABLE child (id int, parent int REFERENCES parent)")
    yield other
    query(made, f"DROP DATABASE {name} WITH (FORCE)")


def test_of_several_databases_all_are_filled_or_none(
    opskit: Opskit,
    tmp_path: Path,
    application: Path,
    *,
    postgresql: PrivateCluster,
    made: TestDatabase,
    second: TestDatabase,
) -> None:
    broken = make_sqlite(tmp_path / "broken.db", BROKEN)
    (tmp_path / "opskit.yaml").write_text(
        f"databases:\n  main: {{sqlite: {application.name}, postgresql: {made.name}}}\n"
        f"  other: {{sqlite: {broken.name}, postgresql: {second.name}}}\n"
        f"postgresql: {{host: {postgresql.socket_directory}, port: {postgresql.port}, user: postgres}}\n"
    )
    result = opskit("migrate", "--into-existing", "-o", "json", cwd=tmp_path)
    assert (result.code, result.error["code"]) == (4, "rule_broken")
    assert query(made, "SELECT FROM users") == query(second, "SELECT FROM parent") == []
    query(second, "ALTER TABLE child DROP CONSTRAINT child_parent_fkey")
    assert opskit("migrate", "--into-existing", cwd=tmp_path).code == 0
    assert query(made, "SELECT count(*) FROM users") == [(2,)]
    assert query(second, "SELECT count(*) FROM child") == [(2,)]


def test_a_search_index_stays_behind_as_the_application_has_its_own(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    script = "CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT); INSERT INTO t VALUES (1, 'x');"
    search = "CREATE VIRTUAL TABLE t_search USING fts5(body); INSERT INTO t_search VALUES ('x');"
    source = make_sqlite(tmp_path / "s.db", f"{script} {search}")
    query(
        database,
        "CREATE TABLE t (id int PRIMARY KEY, body text,"
        " search tsvector GENERATED ALWAYS AS (to_tsvector('simple', body)) STORED)",
    )
    result = into(opskit, source, database)
    assert result.code == 0, result.stdout
    assert "table t_search has no counterpart in the target; its 1 rows are left behind" in told(result)
    assert query(database, "SELECT id FROM t WHERE search @@ 'x'") == [(1,)]
    assert opskit("verify", source, database.url, "--into-existing").code == 0
