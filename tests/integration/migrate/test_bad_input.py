"""Bad input is refused by name with a remedy, and nothing has changed on either side."""

import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from opskit.host.private_cluster import PrivateCluster
from tests.conftest import TestDatabase
from tests.support import Opskit, Result, finish, make_sqlite, query, relations

HOLDER = """
import sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return make_sqlite(
        tmp_path / "data" / "app.db",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);"
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
        " INSERT INTO users SELECT i, 'user ' || i FROM n",
    )


def contents(directory: Path) -> Mapping[str, bytes | None]:
    """Every file below a directory with its bytes."""
    return {
        str(path.relative_to(directory)): path.read_bytes() if path.is_file() else None
        for path in directory.rglob("*")
    }


def refused(
    opskit: Opskit, source: Path, target: str, *options: str, environ: Mapping[str, str] | None = None
) -> Result:
    """The result of a migration that must fail and leave the source's directory as it was."""
    before = contents(source.parent)
    result = opskit("migrate", source, target, *options, "-o", "json", environ=environ)
    assert result.code in (1, 6), result
    assert contents(source.parent) == before
    assert result.error["hint"]
    assert "\n" not in result.error["message"]
    assert "Traceback" not in result.stderr
    assert opskit.files() == []
    return result


def damaged(damage: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def apply(file: Path) -> None:
        file.write_bytes(damage(file.read_bytes()))

    return apply


def replaced_by_a_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


@dataclass(frozen=True, slots=True)
class Bad:
    """What is done to a good file, and the code and words of the refusal."""

    make: Callable[[Path], object]
    code: str
    words: str


BAD = {
    "no such file": Bad(Path.unlink, "sqlite_missing", "does not exist"),
    "a directory": Bad(replaced_by_a_directory, "sqlite_missing", "is not a file"),
    "text": Bad(damaged(lambda _: b"hello, I am no database\n" * 50), "sqlite_not_a_database", "encrypted"),
    "encrypted": Bad(damaged(lambda data: os.urandom(len(data))), "sqlite_not_a_database", "encrypted"),
    "an empty file": Bad(damaged(lambda _: b""), "nothing_to_migrate", "holds no table"),
    "cut in half": Bad(damaged(lambda data: data[: len(data) // 2]), "sqlite_corrupt", "corrupt"),
    "a page of zeros": Bad(
        damaged(lambda data: data[:8192] + bytes(4096) + data[12288:]), "sqlite_corrupt", "corrupt"
    ),
    "a page of noise": Bad(
        damaged(lambda data: data[:8192] + b"\xa5" * 4096 + data[12288:]), "sqlite_corrupt", "corrupt"
    ),
    "a broken schema": Bad(
        damaged(lambda data: data.replace(b"CREATE TABLE", b"CREATE GABLE")), "sqlite_corrupt", "corrupt"
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_source_that_cannot_be_read(opskit: Opskit, good: Path, database: TestDatabase, name: str) -> None:
    bad = BAD[name]
    bad.make(good)
    result = refused(opskit, good, database.url)
    assert result.code == 6
    assert result.error["code"] == bad.code
    assert bad.words in result.error["message"]
    assert str(good) in result.error["message"]
    assert relations(database) == []


@contextmanager
def locked(file: Path) -> Generator[None]:
    """Another process holds the file exclusively."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        yield
        holder.kill()


def test_a_source_that_is_locked_by_another_process(
    opskit: Opskit, good: Path, database: TestDatabase
) -> None:
    with locked(good):
        before = contents(good.parent)
        result = opskit("migrate", good, database.url, "-o", "json")
        assert contents(good.parent) == before
    assert (result.code, result.error["code"]) == (6, "sqlite_locked")
    assert str(good) in result.error["message"]
    assert "fuser" in result.error["hint"]
    assert relations(database) == []
    assert opskit("migrate", good, database.url).code == 0


@pytest.mark.parametrize(
    "value", ["CAST(x'6100' AS TEXT)", "CAST(x'ff61' AS TEXT)", "CAST(x'edb080' AS TEXT)"]
)
def test_text_that_postgresql_cannot_store_can_be_refused_by_table_column_and_key(
    opskit: Opskit, tmp_path: Path, database: TestDatabase, value: str
) -> None:
    (tmp_path / "data").mkdir()
    source = make_sqlite(
        tmp_path / "data" / "text.db",
        "CREATE TABLE notes (id TEXT PRIMARY KEY, title TEXT, body TEXT);"
        f"INSERT INTO notes VALUES ('k1', 'fine', 'fine'), ('k2', 'fine', {value})",
    )
    result = refused(opskit, source, database.url, "--misfits", "refuse")
    assert result.error["code"] == "unfit_text"
    assert "table notes, column body, row id=k2" in result.error["message"]
    assert "bytea" in result.error["hint"]
    assert relations(database) == []


def test_a_target_that_is_not_empty(opskit: Opskit, good: Path, database: TestDatabase) -> None:
    query(database, "CREATE VIEW mine AS SELECT 1 AS one")
    result = refused(opskit, good, database.url)
    assert (result.code, result.error["code"]) == (6, "target_not_empty")
    assert "mine" in result.error["message"]
    assert relations(database) == ["public.mine"]


def test_a_target_with_only_an_extension_is_empty(opskit: Opskit, good: Path, database: TestDatabase) -> None:
    query(database, "CREATE EXTENSION pg_stat_statements")
    assert opskit("migrate", good, database.url).code == 0


@pytest.mark.parametrize("target", ["host=127.0.0.1 port=1 dbname=x", "postgresql://127.0.0.1:1/x"])
def test_a_target_that_is_unreachable(opskit: Opskit, good: Path, target: str) -> None:
    result = refused(opskit, good, target)
    assert (result.code, result.error["code"]) == (1, "target_unreachable")


def test_a_target_database_that_does_not_exist(
    opskit: Opskit, good: Path, postgresql: PrivateCluster
) -> None:
    result = refused(opskit, good, postgresql.conninfo("nowhere"))
    assert (result.code, result.error["code"]) == (1, "missing_database_or_role")
    assert "nowhere" in result.error["message"]


@pytest.fixture
def role(database: TestDatabase) -> Iterator[str]:
    """A role with a password that owns nothing."""
    name = f"{database.name}_role"
    query(database, f"CREATE ROLE {name} LOGIN PASSWORD 'correct-horse'")
    yield name
    query(database, f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.mark.parametrize("place", ["url", "keywords", "PGPASSWORD"])
def test_a_wrong_password_appears_nowhere(
    opskit: Opskit, good: Path, database: TestDatabase, postgresql: PrivateCluster, role: str, *, place: str
) -> None:
    secret = "hunter2-very-secret"
    where = f"127.0.0.1:{postgresql.port}/{database.name}"
    target = {
        "url": f"postgresql://{role}:{secret}@{where}",
        "keywords": f"{postgresql.conninfo(database.name, role, host='127.0.0.1')} password={secret}",
        "PGPASSWORD": f"postgresql://{role}@{where}",
    }[place]
    environ = {"PGPASSWORD": secret} if place == "PGPASSWORD" else {}
    result = refused(opskit, good, target, environ=environ)
    assert (result.code, result.error["code"]) == (1, "authentication_failed")
    for arguments in (("-v", "-o", "json"), ("--plan",), ("--log-format", "json", "-v")):
        again = opskit("migrate", good, target, *arguments, environ=environ)
        assert again.code == 1
        assert secret not in again.stdout + again.stderr
    assert secret not in result.stdout + result.stderr
    written = [path.read_text() for path in opskit.state_dir.rglob("*") if path.is_file()]
    assert secret not in "".join(written)
    assert relations(database) == []


def test_a_password_missing_altogether(
    opskit: Opskit, good: Path, database: TestDatabase, postgresql: PrivateCluster, role: str
) -> None:
    result = refused(
        opskit,
        good,
        postgresql.conninfo(database.name, role, host="127.0.0.1"),
        environ={"PGPASSFILE": "/dev/null"},
    )
    assert (result.code, result.error["code"]) == (1, "authentication_failed")


def test_a_database_in_an_encoding_that_cannot_hold_every_text(
    opskit: Opskit, good: Path, postgresql: PrivateCluster, database: TestDatabase
) -> None:
    latin = f"{database.name}_latin"
    query(database, f"CREATE DATABASE {latin} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        result = refused(opskit, good, postgresql.conninfo(latin))
        assert (result.code, result.error["code"]) == (6, "target_encoding")
        assert "LATIN1" in result.error["message"]
        assert "UTF8" in result.error["hint"]
    finally:
        query(database, f"DROP DATABASE {latin} WITH (FORCE)")


def test_a_role_that_may_not_create(
    opskit: Opskit, good: Path, database: TestDatabase, postgresql: PrivateCluster, role: str
) -> None:
    result = refused(opskit, good, f"{postgresql.conninfo(database.name)} user={role}")
    assert (result.code, result.error["code"]) == (6, "permission_denied")
    assert "owner" in result.error["hint"]
    assert relations(database) == []


def test_a_role_that_may_not_connect(
    opskit: Opskit, good: Path, database: TestDatabase, postgresql: PrivateCluster, role: str
) -> None:
    query(database, f"REVOKE CONNECT ON DATABASE {database.name} FROM public")
    result = refused(opskit, good, f"{postgresql.conninfo(database.name)} user={role}")
    assert (result.code, result.error["code"]) == (1, "permission_denied")


def test_a_report_that_cannot_be_written_is_told_before_anything_is_done(
    opskit: Opskit, good: Path, database: TestDatabase, tmp_path: Path
) -> None:
    result = opskit("migrate", good, database.url, "--report", tmp_path / "no" / "report.json", "-o", "json")
    assert (result.code, result.error["code"]) == (2, "cannot_write")
    assert relations(database) == []


def test_a_state_directory_that_cannot_be_used(good: Path, database: TestDatabase, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = Opskit(tmp_path / "file" / "state")("migrate", good, database.url, "-o", "json")
    assert (result.code, result.error["code"]) == (2, "state_dir")
    assert relations(database) == []


def test_a_disk_too_small_for_the_copy(opskit: Opskit, good: Path, database: TestDatabase) -> None:
    small = ("sh", "-c", 'ulimit -f 32; exec "$@"', "sh")  # no file may grow beyond some kilobytes
    result = finish(opskit.start("migrate", good, database.url, "-o", "json", wrapper=small))
    assert (result.code, result.error["code"]) == (6, "no_copy")
    assert str(good) in result.error["message"]
    assert opskit.files() == []
    assert relations(database) == []


def test_copies_that_have_no_directory(opskit: Opskit, good: Path, database: TestDatabase) -> None:
    opskit.state_dir.mkdir()
    (opskit.state_dir / "backups").touch()
    result = opskit("migrate", good, database.url, "-o", "json")
    assert (result.code, result.error["code"]) == (6, "no_copy")
    assert relations(database) == []
