"""kill -9 at any moment, then `--resume`: the same result as undisturbed, and nothing left over."""

import random
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from opskit.host.private_cluster import PrivateCluster
from tests.conftest import TestDatabase
from tests.integration.migrate.kills import begun, dump, journals, kill_when, left_behind, written
from tests.support import Opskit, Result, make_sqlite, query


def numbers(last: int) -> str:
    """A table `n` with the numbers 1 to last."""
    return f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {last})"


SMALL = f"""
CREATE TABLE kinds (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE);
CREATE TABLE events (
    id INTEGER PRIMARY KEY, kind INTEGER REFERENCES kinds, body TEXT CHECK (length(body) < 100),
    at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, doubled INTEGER AS (id * 2) STORED
);
CREATE TABLE lines (page TEXT, line INTEGER, text TEXT, PRIMARY KEY (page, line)) WITHOUT ROWID;
CREATE TABLE "odd ""name" (a, b);
CREATE INDEX events_body ON events (body);
CREATE UNIQUE INDEX events_at ON events (at, id) WHERE kind = 1;
CREATE VIEW latest AS SELECT id, body FROM events WHERE id > 490;
CREATE TRIGGER touch AFTER UPDATE ON kinds BEGIN UPDATE events SET kind = kind WHERE kind = new.id; END;
INSERT INTO kinds (name) VALUES ('a'), ('b');
{numbers(500)} INSERT INTO events SELECT i, i % 2 + 1, 'event number ' || i, '2025-08-14 12:33:01' FROM n;
INSERT INTO events VALUES (501, 1, CAST(x'6e6f00' AS TEXT), '2025-08-14 12:33:01');
{numbers(200)} INSERT INTO lines SELECT 'p' || (i / 10), i % 10, 'text' FROM n;
INSERT INTO "odd ""name" VALUES (1, 'x'), ('two', NULL);
"""
"""Something of everything that is a step: keys, indexes, rules, a view, a trigger, a row set aside."""

LARGE = f"""
{SMALL}
CREATE TABLE big (id INTEGER PRIMARY KEY, body TEXT, at TIMESTAMP);
CREATE INDEX big_at ON big (at, id);
{numbers(22000)} INSERT INTO big SELECT i, 'row ' || i || hex(zeroblob(400)), '2025-08-14 12:33:01' FROM n;
"""
"""Large enough that workers are started."""

KINDS = ("small", "large", "two")


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration that can be called again and again."""

    arguments: tuple[str | Path, ...]
    databases: tuple[TestDatabase, ...]

    def dumps(self) -> list[tuple[list[str], list[str]]]:
        return [dump(database) for database in self.databases]


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """What a migration makes when it is left alone, and how many lines its journal has."""

    dumps: list[tuple[list[str], list[str]]]
    lines: int


Prepare = Callable[[str], Migration]


@contextmanager
def fresh(postgresql: PrivateCluster, name: str) -> Generator[TestDatabase]:
    postgresql.create_database(name)
    address = f"host={postgresql.socket_directory}&port={postgresql.port}"
    yield TestDatabase(name, postgresql.conninfo(name), f"postgresql://postgres@/{name}?{address}")
    with psycopg.connect(postgresql.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sources")
    make_sqlite(directory / "small.db", SMALL)
    make_sqlite(directory / "large.db", LARGE)
    return directory


@contextmanager
def preparing(postgresql: PrivateCluster, sources: Path, directory: Path, name: str) -> Generator[Prepare]:
    """Makes migrations of a kind, each into fresh databases."""
    with ExitStack() as stack:

        def prepare(kind: str) -> Migration:
            first = stack.enter_context(fresh(postgresql, f"resume_{name}_{kind}"))
            if kind != "two":
                return Migration(("migrate", sources / f"{kind}.db", first.url, "--jobs", "2"), (first,))
            second = stack.enter_context(fresh(postgresql, f"resume_{name}_second"))
            file = directory / "opskit.yaml"
            server = f"{{host: {postgresql.socket_directory}, port: {postgresql.port}, user: postgres}}"
            file.write_text(
                f"databases:\n  one: {{sqlite: {sources / 'small.db'}, postgresql: {first.name}}}\n"
                f"  two: {{sqlite: {sources / 'small.db'}, postgresql: {second.name}}}\n"
                f"postgresql: {server}\n"
            )
            return Migration(("migrate", "--config", file), (first, second))

        yield prepare


@pytest.fixture
def prepare(postgresql: PrivateCluster, sources: Path, tmp_path: Path) -> Iterator[Prepare]:
    with preparing(postgresql, sources, tmp_path, "killed") as prepare:
        yield prepare


@pytest.fixture(scope="module")
def undisturbed(
    postgresql: PrivateCluster, sources: Path, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Undisturbed]:
    found: dict[str, Undisturbed] = {}
    for kind in KINDS:
        directory = tmp_path_factory.mktemp(kind)
        with preparing(postgresql, sources, directory, "undisturbed") as prepare:
            migration, opskit = prepare(kind), Opskit(directory / "state")
            assert opskit(*migration.arguments).code == 0
            (journal,) = journals(opskit)
            found[kind] = Undisturbed(migration.dumps(), journal.read_text().count("\n"))
    return found


def moments(count: int, kills: int, seed: int) -> list[tuple[float, ...]]:
    """When processes are killed: after so much of the journal, the same at every run of the tests."""
    chance = random.Random(seed)
    return [tuple(round(chance.random(), 2) for _ in range(kills)) for _ in range(count)]


MOMENTS = [
    *(("small", fractions) for fractions in moments(20, 1, seed=1)),
    *(("small", fractions) for fractions in moments(5, 3, seed=2)),
    *(("two", fractions) for fractions in moments(3, 2, seed=3)),
    *(("large", fractions) for fractions in moments(6, 1, seed=4)),
]
"""47 kills; three more come before there is a journal."""


@pytest.mark.parametrize(("kind", "fractions"), MOMENTS)
def test_killed_at_any_moment_and_resumed(
    opskit: Opskit,
    prepare: Prepare,
    undisturbed: Mapping[str, Undisturbed],
    kind: str,
    fractions: Sequence[float],
) -> None:
    migration = prepare(kind)
    for fraction in fractions:
        process = opskit.start(*migration.arguments, "--resume")
        lines = 1 + round(fraction * (undisturbed[kind].lines - 2))
        if not kill_when(process, written(opskit, lines)):  # what a resumed run has to write is less
            assert process.returncode == 0
            break
    else:
        assert opskit(*migration.arguments, "--resume").code == 0
    assert migration.dumps() == undisturbed[kind].dumps
    assert left_behind(opskit, *migration.databases, backups=len(migration.databases)) == []


@pytest.mark.parametrize("pattern", ["lock", "backups/*.scratch", "backups/*.scratch/*.db"])
def test_killed_before_there_is_a_journal(
    opskit: Opskit, prepare: Prepare, undisturbed: Mapping[str, Undisturbed], pattern: str
) -> None:
    migration = prepare("small")
    process = opskit.start(*migration.arguments)
    assert kill_when(process, lambda: any(opskit.state_dir.glob(pattern)))
    assert opskit(*migration.arguments, "--resume").code == 0
    assert migration.dumps() == undisturbed["small"].dumps
    assert left_behind(opskit, *migration.databases, backups=1) == []


def first_step(opskit: Opskit) -> str:
    """The first step of the latest run."""
    lines = journals(opskit)[-1].read_text().splitlines()
    return next(line for line in lines if '"intent"' in line)


def killed_in(opskit: Opskit, migration: Migration, words: str, *options: str) -> None:
    process = opskit.start(*migration.arguments, *options)
    assert kill_when(process, begun(opskit, words)), words


def resumed(opskit: Opskit, migration: Migration, *options: str) -> Result:
    result = opskit(*migration.arguments, "--resume", *options, "-o", "json")
    assert result.code == 0, result
    assert left_behind(opskit, *migration.databases, backups=len(migration.databases)) == []
    return result


def test_whole_tables_are_kept_and_the_report_is_about_all_of_them(
    opskit: Opskit, prepare: Prepare, undisturbed: Mapping[str, Undisturbed]
) -> None:
    migration = prepare("large")
    killed_in(opskit, migration, "verify every row of")
    result = resumed(opskit, migration).document["result"]
    assert "go on in the staging schema opskit_staging with 5 tables" in first_step(opskit)
    assert "copy" not in journals(opskit)[-1].read_text()
    assert (result["rows"], result["rejected"], result["verified"]) == (22704, 1, True)
    (database,) = result["databases"]
    assert Path(database["backup"]).stat().st_size > 16 * 1024 * 1024
    assert len(database["backup_sha256"]) == 64
    assert migration.dumps() == undisturbed["large"].dumps


def test_what_a_resumed_run_had_done_is_kept_too(opskit: Opskit, prepare: Prepare) -> None:
    migration = prepare("small")
    killed_in(opskit, migration, "copy")
    killed_in(opskit, migration, "verify every row of", "--resume")
    resumed(opskit, migration)
    assert "with 4 tables" in first_step(opskit)


def test_killed_after_publishing_one_of_two_databases(
    opskit: Opskit, prepare: Prepare, undisturbed: Mapping[str, Undisturbed]
) -> None:
    migration = prepare("two")
    killed_in(opskit, migration, "two: publish")
    resumed(opskit, migration)
    assert migration.dumps() == undisturbed["two"].dumps


def test_a_database_that_was_being_put_back_is_not_taken_for_published(
    opskit: Opskit, prepare: Prepare, undisturbed: Mapping[str, Undisturbed]
) -> None:
    migration = prepare("small")
    assert opskit(*migration.arguments).code == 0
    (journal,) = journals(opskit)
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:-1]))
    for (name,) in query(
        migration.databases[0], "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
    ):
        query(migration.databases[0], f"DROP TABLE {name} CASCADE")
    query(migration.databases[0], "DROP FUNCTION trigger_touch()")
    resumed(opskit, migration)
    assert migration.dumps() == undisturbed["small"].dumps


def test_other_types_make_other_columns_which_are_copied_again(opskit: Opskit, prepare: Prepare) -> None:
    migration = prepare("small")
    killed_in(opskit, migration, "verify every row of")
    resumed(opskit, migration, "--types", "same")
    assert "with 3 tables" in first_step(opskit)  # all but events, whose column `at` is text now
    kept = query(migration.databases[0], "SELECT pg_typeof(at)::text FROM events LIMIT 1")
    assert kept == [("text",)]
    result = opskit("verify", *migration.arguments[1:3])
    assert result.code == 0, result


@pytest.mark.parametrize(
    ("tampering", "kept"),
    [
        ("DELETE FROM opskit_staging.lines WHERE line = 3", 3),
        ("ALTER TABLE opskit_staging.lines ADD COLUMN more text", 3),
        ("ALTER TABLE opskit_staging.lines ALTER text TYPE varchar(10)", 3),
        ("DROP TABLE opskit_staging.lines", 3),
        ("CREATE TABLE opskit_staging.mine (a int)", 4),
        ("DROP SCHEMA opskit_staging CASCADE", 0),
    ],
)
def test_what_somebody_changed_in_staging_meanwhile_is_not_believed(
    opskit: Opskit, prepare: Prepare, undisturbed: Mapping[str, Undisturbed], tampering: str, kept: int
) -> None:
    migration = prepare("small")
    killed_in(opskit, migration, "verify every row of")
    query(migration.databases[0], tampering)
    resumed(opskit, migration)
    assert (f"with {kept} tables" if kept else "make the staging schema") in first_step(opskit)
    assert migration.dumps() == undisturbed["small"].dumps


def test_values_changed_in_staging_meanwhile_are_found_by_verification(
    opskit: Opskit, prepare: Prepare
) -> None:
    migration = prepare("small")
    killed_in(opskit, migration, "verify every row of")
    query(migration.databases[0], "UPDATE opskit_staging.lines SET text = 'other' WHERE page = 'p3'")
    result = opskit(*migration.arguments, "--resume", "-o", "json")
    assert result.code == 4
    assert all("table lines: changed: page=p3" in error["message"] for error in result.document["errors"])
    resumed(opskit, migration)


def test_without_its_backup_a_killed_run_is_done_again_from_the_start(
    opskit: Opskit, prepare: Prepare, undisturbed: Mapping[str, Undisturbed]
) -> None:
    migration = prepare("small")
    killed_in(opskit, migration, "verify every row of")
    for file in opskit.files():
        (opskit.state_dir / file).unlink()
    resumed(opskit, migration)
    assert "make the staging schema" in first_step(opskit)
    assert migration.dumps() == undisturbed["small"].dumps


def test_with_nothing_to_resume_it_is_a_migration_like_any_other(opskit: Opskit, prepare: Prepare) -> None:
    resumed(opskit, prepare("small"))
    assert "make the staging schema" in first_step(opskit)


def test_another_file_of_the_same_name_does_not_go_on_with_it(
    opskit: Opskit, prepare: Prepare, tmp_path: Path
) -> None:
    migration = prepare("small")
    killed_in(opskit, migration, "verify every row of")
    other = make_sqlite(tmp_path / "small.db", "CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    result = opskit("migrate", other, migration.databases[0].url, "--resume", "-o", "json")
    assert result.code == 0, result
    assert result.document["result"]["rows"] == 1


def test_what_was_written_to_the_source_meanwhile_stays_behind_and_that_is_told(
    opskit: Opskit, prepare: Prepare, undisturbed: Mapping[str, Undisturbed], tmp_path: Path
) -> None:
    (database,) = prepare("small").databases
    source = make_sqlite(tmp_path / "small.db", SMALL)
    migration = Migration(("migrate", source, database.url), (database,))
    killed_in(opskit, migration, "verify every row of")
    make_sqlite(source, "INSERT INTO kinds (name) VALUES ('late')")
    result = resumed(opskit, migration)
    assert any(
        "what was written to the source since then is not" in one for one in result.document["warnings"]
    )
    assert migration.dumps() == undisturbed["small"].dumps
    assert opskit("verify", source, database.url).code == 3
