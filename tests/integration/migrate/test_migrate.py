"""A SQLite database arrives whole: tables, keys, indexes, checks, views, sequences, and every row."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from opskit.host.private_cluster import PrivateCluster
from tests.conftest import TestDatabase
from tests.support import Opskit, make_sqlite, query, relations

SHOP = """
CREATE TABLE customers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    mail TEXT UNIQUE,
    active BOOLEAN DEFAULT 1,
    balance DECIMAL(10,2) DEFAULT 0,
    created TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE orders (
    id TEXT PRIMARY KEY,
    customer INTEGER REFERENCES customers ON DELETE CASCADE,
    status TEXT DEFAULT 'new' CHECK (status IN ('new', 'paid')),
    total REAL, doubled REAL AS (total * 2) STORED,
    notes TEXT
);
CREATE TABLE "Order Lines" (order_id TEXT, line INT, xmin TEXT, PRIMARY KEY (order_id, line)) WITHOUT ROWID;
CREATE TABLE log (at TEXT, what TEXT);
CREATE INDEX orders_open ON orders (customer, total DESC) WHERE status = 'new';
CREATE UNIQUE INDEX customers_lower ON customers (lower(name));
CREATE VIEW paid AS
    SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer WHERE o.status = 'paid';
CREATE TRIGGER touch AFTER UPDATE ON orders BEGIN SELECT 1; END;
INSERT INTO customers (name, mail, balance, created) VALUES
    ('Ann', 'ann@example.org', 12.5, '2025-08-14 12:33:01'),
    ('Böb "🐘"', NULL, -0.01, '2025-08-14T12:33:01.5Z');
INSERT INTO customers VALUES (41, 'Gone', NULL, 0, 0, NULL); DELETE FROM customers WHERE id = 41;
INSERT INTO orders (id, customer, status, total, notes) VALUES
    ('a', 1, 'paid', 9.99, 'line one' || char(10) || 'line\\two'),
    ('b', 2, 'new', 1e15, ''), ('c', NULL, 'new', NULL, NULL);
INSERT INTO "Order Lines" VALUES ('a', 1, 'x'), ('a', 2, char(30) || char(31));
INSERT INTO log VALUES ('t', 'same'), ('t', 'same'), (NULL, NULL);
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return make_sqlite(tmp_path / "shop.db", SHOP)


@pytest.fixture
def second(postgresql: PrivateCluster, database: TestDatabase) -> Iterator[TestDatabase]:
    """Another fresh database beside `database`."""
    name = f"{database.name}_second"
    postgresql.create_database(name)
    yield TestDatabase(name, postgresql.conninfo(name), "")
    with psycopg.connect(postgresql.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def project(
    tmp_path: Path, shop: Path, postgresql: PrivateCluster, database: TestDatabase, second: TestDatabase
) -> Path:
    """A directory with a configuration of two databases."""
    make_sqlite(
        tmp_path / "w.db",
        "CREATE TABLE w (id INTEGER PRIMARY KEY, at TEXT, tags TEXT);"
        "INSERT INTO w VALUES (1, '2025-08-14', '[1, 2]')",
    )
    (tmp_path / "opskit.yaml").write_text(
        f"databases:\n  main: {{sqlite: {shop.name}, postgresql: {database.name}}}\n"
        f"  walmart: {{sqlite: w.db, postgresql: {second.name}}}\n"
        f"postgresql: {{host: {postgresql.socket_directory}, port: {postgresql.port}, user: postgres}}\n"
        "migrate: {overrides: {walmart: {w.at: date, w.tags: jsonb}}}\n"
    )
    return tmp_path


def test_a_whole_database(opskit: Opskit, shop: Path, database: TestDatabase, tmp_path: Path) -> None:
    report, names = tmp_path / "report.json", tmp_path / "names.json"
    result = opskit("migrate", shop, database.url, "--report", report, "--name-map", names, "-o", "json")
    assert result.code == 0, result
    document = result.document
    assert document["result"]["verified"] is True
    assert document["result"]["rows"] == 10
    (told,) = document["result"]["databases"]
    assert {table["target"]: table["rows"] for table in told["tables"]} == {
        "customers": 2,
        "orders": 3,
        "Order Lines": 2,
        "log": 3,
    }
    assert told["views"] == ["paid"]
    assert told["triggers"] == ["touch"]
    assert any("xmin" in warning for warning in document["warnings"])

    assert json.loads(report.read_text()) == document["result"]
    assert json.loads(names.read_text()) == {
        "tables": {},
        "columns": {"Order Lines": {"xmin": "xmin_"}},
    }
    assert Path(told["backup"]).exists()
    assert opskit.files() == [f"backups/{Path(told['backup']).name}"]

    assert query(database, "SELECT name, mail, active, balance::text, created::text FROM customers") == [
        (
            "Ann",
            "ann@example.org",
            True,
            "12.50",
            query(database, "SELECT '2025-08-14 12:33:01+00'::timestamptz::text")[0][0],
        ),
        (
            'Böb "🐘"',
            None,
            True,
            "-0.01",
            query(database, "SELECT '2025-08-14 12:33:01.5+00'::timestamptz::text")[0][0],
        ),
    ]
    assert query(database, "SELECT id, total, doubled, notes FROM orders ORDER BY id") == [
        ("a", 9.99, 19.98, "line one\nline\\two"),
        ("b", 1e15, 2e15, ""),
        ("c", None, None, None),
    ]
    assert query(database, 'SELECT "xmin_" FROM "Order Lines" ORDER BY line') == [("x",), ("\x1e\x1f",)]
    assert query(database, "SELECT * FROM paid") == [("a", "Ann")]


def test_rules_hold_afterwards(opskit: Opskit, shop: Path, database: TestDatabase) -> None:
    assert opskit("migrate", shop, database.url).code == 0
    for statement, state in (
        ("INSERT INTO customers (name) VALUES ('ANN')", "23505"),
        ("INSERT INTO customers (name, mail) VALUES ('x', 'ann@example.org')", "23505"),
        ("INSERT INTO customers (name) VALUES (NULL)", "23502"),
        ("INSERT INTO orders (id, customer) VALUES ('z', 99)", "23503"),
        ("INSERT INTO orders (id, status) VALUES ('z', 'lost')", "23514"),
        ("INSERT INTO \"Order Lines\" VALUES ('a', 1, '')", "23505"),
    ):
        with pytest.raises(psycopg.Error) as caught:
            query(database, statement)
        assert caught.value.sqlstate == state, statement
    query(database, "DELETE FROM customers WHERE id = 1")
    assert query(database, "SELECT id FROM orders ORDER BY id") == [("b",), ("c",)]


def test_keys_go_on_after_the_highest_ever_given_out(
    opskit: Opskit, shop: Path, database: TestDatabase
) -> None:
    assert opskit("migrate", shop, database.url).code == 0
    query(database, "INSERT INTO customers (name) VALUES ('next')")
    assert query(database, "SELECT id, active, balance::text FROM customers WHERE name = 'next'") == [
        (42, True, "0.00")
    ]


def test_a_plan_changes_nothing_and_is_what_is_executed(
    opskit: Opskit, shop: Path, database: TestDatabase
) -> None:
    before = shop.read_bytes()
    planned = opskit("migrate", shop, database.url, "--plan", "-o", "json")
    assert planned.code == 3
    assert (planned.document["ok"], planned.document["changed"]) == (False, False)
    steps = [step["title"] for step in planned.document["result"]["plan"]["steps"]]
    assert relations(database) == []
    assert opskit.files() == []
    assert shop.read_bytes() == before

    assert opskit("migrate", shop, database.url).code == 0
    (journal,) = (opskit.state_dir / "runs").iterdir()
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    done = [event["step"] for event in events if event["event"] == "done"]
    without_time = [title.split(" to ")[0] for title in steps]
    assert [title.split(" to ")[0] for title in done] == without_time
    assert events[-1]["event"] == "finished"

    text = opskit("migrate", shop, database.url, "--plan")
    assert text.code == 6


def test_a_second_run_is_refused_and_changes_nothing(
    opskit: Opskit, shop: Path, database: TestDatabase
) -> None:
    assert opskit("migrate", shop, database.url).code == 0
    before = relations(database)
    files = opskit.files()
    again = opskit("migrate", shop, database.url, "-o", "json")
    assert again.code == 6
    assert again.error["code"] == "target_not_empty"
    assert relations(database) == before
    assert opskit.files() == files


def test_orphans_are_kept_and_their_foreign_key_is_not_valid_and_told(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    source = make_sqlite(
        tmp_path / "orphans.db",
        "CREATE TABLE p (id INTEGER PRIMARY KEY);"
        "CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p, secret);"
        "INSERT INTO c VALUES (1, 7, 'very secret')",
    )
    result = opskit("migrate", source, database.url, "-o", "json")
    assert result.code == 0
    (warning,) = [one for one in result.document["warnings"] if "NOT VALID" in one]
    assert "foreign key" in warning
    assert "(p)=(7)" in warning
    assert "secret" not in warning
    assert query(database, "SELECT convalidated FROM pg_constraint WHERE contype = 'f'") == [(False,)]
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        query(database, "INSERT INTO c VALUES (2, 8)")


def test_rows_that_break_a_check_are_kept_and_not_quoted(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    source = make_sqlite(
        tmp_path / "checks.db",
        "PRAGMA ignore_check_constraints = ON; CREATE TABLE t (a INT CHECK (a > 0), secret);"
        "INSERT INTO t VALUES (-1, 'very secret')",
    )
    result = opskit("migrate", source, database.url, "-o", "json")
    assert result.code == 0
    assert any("NOT VALID" in one for one in result.document["warnings"])
    assert "very secret" not in result.stdout + result.stderr


def test_both_databases_of_a_configuration(opskit: Opskit, project: Path, second: TestDatabase) -> None:
    assert opskit("migrate", "--plan", cwd=project).code == 3
    result = opskit("migrate", "-o", "json", cwd=project)
    assert result.code == 0, result
    assert [one["name"] for one in result.document["result"]["databases"]] == ["main", "walmart"]
    types = query(second, "SELECT at::text, tags->0, pg_typeof(tags)::text FROM w")
    assert types == [("2025-08-14", 1, "jsonb")]
    assert opskit("verify", cwd=project).code == 0
    assert opskit("verify", "--database", "walmart", cwd=project).code == 0


def test_when_one_of_two_databases_cannot_be_migrated_neither_is(
    opskit: Opskit, project: Path, database: TestDatabase, second: TestDatabase
) -> None:
    query(second, "CREATE TABLE w (a int)")
    result = opskit("migrate", "-o", "json", cwd=project)
    assert result.code == 6
    assert second.name in result.error["message"]
    assert relations(database) == []


def test_an_override_that_does_not_fit_can_be_refused_with_its_column(
    opskit: Opskit, project: Path, database: TestDatabase
) -> None:
    file = project / "opskit.yaml"
    wrong = "overrides: {main: {customers.name: bigint, orders.nothing: text}}"
    file.write_text(file.read_text().replace("overrides: {walmart: {w.at: date, w.tags: jsonb}}", wrong))
    result = opskit("migrate", "--misfits", "refuse", "-o", "json", cwd=project)
    assert result.code == 6
    messages = [error["message"] for error in result.document["errors"]]
    assert messages[0].startswith("customers.name: 2 of 2 values do not fit bigint, e.g. id=1: '")
    assert "orders.nothing names no column" in messages[1]
    assert relations(database) == []


def test_the_same_profile_keeps_what_reads_back_as_before(
    opskit: Opskit, shop: Path, database: TestDatabase
) -> None:
    result = opskit("migrate", shop, database.url, "--types", "same", "-o", "json")
    assert result.code == 0
    assert query(database, "SELECT active, created FROM customers ORDER BY id") == [
        (1, "2025-08-14 12:33:01"),
        (1, "2025-08-14T12:33:01.5Z"),
    ]


def test_a_table_the_application_makes_meanwhile_is_left_alone(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    """The application creates tables at run time; one that gets in between makes the publication fail."""
    source = make_sqlite(
        tmp_path / "big.db",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);"
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)"
        " INSERT INTO users SELECT i, 'user ' || i FROM n",
    )
    process = opskit.start("migrate", source, database.url, "-o", "json")
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        while not connection.execute(
            "SELECT 1 FROM pg_namespace WHERE nspname = 'opskit_staging'"
        ).fetchone():
            assert process.poll() is None
        connection.execute("CREATE TABLE users (theirs text); INSERT INTO users VALUES ('precious')")
    stdout, _ = process.communicate(timeout=120)
    assert process.returncode == 4
    (error,) = json.loads(stdout)["errors"]
    assert "users" in error["message"]
    assert "stop the application" in error["hint"]
    assert query(database, "SELECT theirs FROM public.users") == [("precious",)]
    assert relations(database) == ["public.users"]


def test_names_that_postgresql_makes_up_itself_do_not_get_in_the_way(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    source = make_sqlite(
        tmp_path / "names.db",
        "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE a_id_seq (x); CREATE TABLE a_pkey (y);"
        "CREATE TABLE _a (z); CREATE INDEX a_id_seq1 ON a (id); INSERT INTO a VALUES (5)",
    )
    result = opskit("migrate", source, database.url, "-o", "json")
    assert result.code == 0, result
    assert result.document["warnings"] == []
    query(database, "INSERT INTO a DEFAULT VALUES")
    assert query(database, "SELECT max(id) FROM a") == [(6,)]


def test_a_database_with_schema_and_role_settings_that_would_change_values(
    opskit: Opskit, shop: Path, database: TestDatabase
) -> None:
    for setting in (
        "datestyle = 'German'",
        "extra_float_digits = -3",
        "bytea_output = 'escape'",
        "search_path = 'nowhere'",
        "standard_conforming_strings = off",
        "statement_timeout = '100ms'",
    ):
        query(database, f"ALTER DATABASE {database.name} SET {setting}")
    assert opskit("migrate", shop, database.url).code == 0
    assert opskit("verify", shop, database.url).code == 0


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_a_utf16_database(opskit: Opskit, tmp_path: Path, database: TestDatabase, encoding: str) -> None:
    source = make_sqlite(
        tmp_path / "wide.db",
        f"PRAGMA encoding = '{encoding}'; CREATE TABLE größen (id INTEGER PRIMARY KEY, wert TEXT, b BLOB);"
        "INSERT INTO größen VALUES (1, 'Größe 🐘' || char(10) || '\\', x'00ff'), (2, char(31), NULL)",
    )
    result = opskit("migrate", source, database.url, "-o", "json")
    assert result.code == 0, result
    assert query(database, "SELECT wert, b FROM größen ORDER BY id") == [
        ("Größe 🐘\n\\", b"\x00\xff"),
        ("\x1f", None),
    ]
    assert opskit("verify", source, database.url).code == 0


def test_progress_goes_to_stderr_and_the_result_to_stdout(
    opskit: Opskit, shop: Path, database: TestDatabase
) -> None:
    result = opskit("migrate", shop, database.url, "--progress", "json", "-o", "json")
    assert [json.loads(line) for line in result.stderr.splitlines()]
    assert result.document["ok"]


def test_a_plain_role_that_owns_the_database_is_enough_and_its_password_stays_secret(
    opskit: Opskit, shop: Path, database: TestDatabase, postgresql: PrivateCluster
) -> None:
    owner, secret = f"{database.name}_owner", "hunter2-very-secret"
    query(database, f"CREATE ROLE {owner} LOGIN PASSWORD '{secret}'")
    query(database, f"ALTER DATABASE {database.name} OWNER TO {owner}")
    target = f"postgresql://{owner}:{secret}@127.0.0.1:{postgresql.port}/{database.name}"
    try:
        results = [opskit("migrate", shop, target, "-v", "-o", "json"), opskit("verify", shop, target)]
        assert [result.code for result in results] == [0, 0]
        printed = "".join(result.stdout + result.stderr for result in results)
        written = b"".join(path.read_bytes() for path in opskit.state_dir.rglob("*") if path.is_file())
        assert secret not in printed
        assert secret.encode() not in written
    finally:
        query(database, f"REASSIGN OWNED BY {owner} TO postgres; DROP ROLE {owner}")
