"""The sample data are what real applications leave behind: sound by their rules, awkward in their values."""

import json
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import apsw
import pytest

from opskit.demo import sample_values as values
from opskit.demo.sample_data import SampleData, generate
from opskit.errors import ConfigurationError

ROWS = 80_000


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleData:
    return generate(tmp_path_factory.mktemp("sample"), ROWS)


@pytest.fixture(params=["main", "walmart"])
def connection(sample: SampleData, request: pytest.FixtureRequest) -> Iterator[apsw.Connection]:
    connection = apsw.Connection(str(getattr(sample, request.param)))
    yield connection
    connection.close()


@pytest.fixture
def main(sample: SampleData) -> Iterator[apsw.Connection]:
    connection = apsw.Connection(str(sample.main))
    yield connection
    connection.close()


def test_the_tables_hold_exactly_the_rows_asked_for(sample: SampleData) -> None:
    assert sum(sum(tables.values()) for tables in sample.rows.values()) == ROWS
    for file, tables in ((sample.main, sample.rows["main"]), (sample.walmart, sample.rows["walmart"])):
        connection = apsw.Connection(str(file))
        assert {
            table: connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] for table in tables
        } == dict(tables)
        connection.close()


def test_foreign_keys_checks_and_uniqueness_hold(connection: apsw.Connection) -> None:
    assert connection.pragma("integrity_check") == "ok"
    assert list(connection.execute("PRAGMA foreign_key_check")) == []


def test_files_are_in_wal_mode(connection: apsw.Connection) -> None:
    assert connection.pragma("journal_mode") == "wal"


def test_every_view_can_be_read(connection: apsw.Connection) -> None:
    views = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'view'")]
    assert len(views) >= 4
    for view in views:
        assert connection.execute(f'SELECT count(*) FROM "{view}"').fetchone()[0] > 0


def test_the_update_triggers_touch_updated_at(main: apsw.Connection) -> None:
    main.execute("BEGIN; UPDATE users SET role = 'guest' WHERE username = 'user_1'")
    (touched,) = main.execute("SELECT updated_at FROM users WHERE username = 'user_1'").fetchone()
    main.execute("ROLLBACK")
    assert touched >= "2025"


def test_full_text_search_finds_mail(main: apsw.Connection) -> None:
    found = main.execute(
        "SELECT count(*) FROM emails_search WHERE emails_search MATCH 'warehouse'"
    ).fetchone()
    assert found[0] > 0


@pytest.mark.parametrize(
    ("query", "awkward"),
    [
        ("SELECT DISTINCT content FROM messages", values.AWKWARD_TEXTS),
        ("SELECT DISTINCT sequence FROM audit_logs", values.AWKWARD_INTEGERS),
        ("SELECT DISTINCT score FROM security_audit", values.AWKWARD_FLOATS),
        ("SELECT DISTINCT content FROM email_attachments", values.AWKWARD_BLOBS),
        ("SELECT DISTINCT new_value FROM audit_logs", values.AWKWARD_JSON),
    ],
)
def test_every_awkward_value_occurs(
    main: apsw.Connection, query: str, awkward: tuple[values.Value, ...]
) -> None:
    assert set(awkward) <= {value for (value,) in main.execute(query)}


def test_null_stands_beside_the_empty_text(main: apsw.Connection) -> None:
    summaries = {summary for (summary,) in main.execute("SELECT summary FROM messages")}
    assert {None, ""} <= summaries


def test_moments_are_valid_and_spelled_in_every_way(main: apsw.Connection) -> None:
    moments = [moment for (moment,) in main.execute("SELECT created_at FROM messages")]
    assert all(datetime.fromisoformat(moment) for moment in moments)
    assert {len(moment) for moment in moments} == {10, 16, 19, 20, 23, 24, 26}


def test_json_columns_hold_json(main: apsw.Connection) -> None:
    for (text,) in main.execute("SELECT DISTINCT metadata FROM conversations WHERE metadata IS NOT NULL"):
        json.loads(text)


def test_rows_may_refer_to_rows_of_their_own_table(main: apsw.Connection) -> None:
    for table in ("messages", "agent_tasks", "product_families"):
        children = main.execute(
            f"SELECT count(parent_id), count(*) - count(parent_id) FROM {table}"
        ).fetchone()
        assert min(children) > 0


def test_the_same_seed_makes_the_same_files_and_another_seed_others(tmp_path: Path) -> None:
    digests = []
    for name, seed in (("first", 7), ("second", 7), ("third", 8)):
        (tmp_path / name).mkdir()
        digests.append(sha256(generate(tmp_path / name, 1000, seed).main.read_bytes()).digest())
    assert digests[0] == digests[1] != digests[2]


def test_too_few_rows_and_existing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="too few"):
        generate(tmp_path, 10)
    generate(tmp_path, 1000)
    with pytest.raises(ConfigurationError, match="exists already"):
        generate(tmp_path, 1000)
