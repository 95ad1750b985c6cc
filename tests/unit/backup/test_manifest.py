"""A manifest reads back as it was written, and not at all when a byte of it is another."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.backup.manifest import (
    Damaged,
    FileSum,
    Manifest,
    PostgresqlOrigin,
    SqliteOrigin,
    TableSum,
    backup_id,
    free_id,
    is_backup_id,
    moment_of,
    parse,
    written,
)
from opskit.config import Engine

AT = datetime(2026, 11, 23, 5, 15, 4, tzinfo=UTC)
SQLITE = SqliteOrigin("/srv/app.db", 4096, "wal")
POSTGRESQL = PostgresqlOrigin(
    "localhost:5432/app",
    "app",
    8_000_000,
    "owner",
    "UTF8",
    "C.UTF-8",
    "C.UTF-8",
    None,
    (("", "CONNECT", False), ("app", "CREATE", True)),
    (("", "work_mem=8MB"),),
    ("owner", "app"),
    15,
)


def manifest(origin: SqliteOrigin | PostgresqlOrigin) -> Manifest:
    return Manifest(
        backup_id("main", AT),
        "main",
        ("other",),
        AT,
        1.5,
        Engine.SQLITE,
        origin,
        {"opskit": "0.1.0"},
        (TableSum('"pub“lic"."t"', 3, "ff"),),
        (FileSum("dump/toc.dat", 10, "cd" * 32),),
    )


@pytest.mark.parametrize("origin", [SQLITE, POSTGRESQL])
def test_it_reads_back_as_written(origin: SqliteOrigin | PostgresqlOrigin) -> None:
    assert parse(*written(manifest(origin))) == manifest(origin)


@given(st.data())
def test_a_flipped_bit_anywhere_is_found(data: st.DataObject) -> None:
    content, proof = written(manifest(POSTGRESQL))
    both = bytearray(content + proof)
    both[data.draw(st.integers(0, len(both) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Damaged):
        parse(bytes(both[: len(content)]), bytes(both[len(content) :]))


@given(st.text(min_size=1))
def test_any_databases_backup_has_a_name_that_is_a_directorys(database: str) -> None:
    name = backup_id(database, AT)
    assert is_backup_id(name)
    assert "/" not in name
    assert not name.startswith(".")
    assert moment_of(name) == AT


def test_two_backups_of_the_same_second_have_two_names() -> None:
    first = backup_id("main", AT)
    assert free_id("main", AT, frozenset({first})) == "main-20261123T051505Z"
