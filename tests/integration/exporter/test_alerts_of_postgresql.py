"""Alerts fire for their failure and end with it: PostgreSQL."""

import shutil
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
import yaml

from tests.integration.exporter.own_server import Server, as_server, own_server, replica
from tests.integration.exporter.servers import suspended
from tests.integration.exporter.watch import Watch, watching
from tests.integration.exporter.world import Exporter, World, make_world, running, wait_until

DAMAGED_AT = 8192 + 100
"""Somewhere in a table's second page."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with own_server() as server:
        yield server


@pytest.fixture
def world(tmp_path: Path, server: Server) -> World:
    world = make_world(tmp_path, server.cluster)
    world.use("postgresql")
    return world


@pytest.fixture
def exporter(world: World) -> Iterator[Exporter]:
    with running(world) as exporter:
        yield exporter


@pytest.fixture
def watch(world: World, exporter: Exporter) -> Iterator[Watch]:
    """Nobody has made a backup here."""
    with watching(world.directory, exporter, besides=["OpskitBackupMissing"]) as watch:
        watch.ends()
        yield watch


@contextmanager
def meanwhile(work: Callable[[], object]) -> Generator[None]:
    """Work that the end of the block, or somebody else, ends."""

    def quietly() -> None:
        with suppress(psycopg.Error):
            work()

    thread = threading.Thread(target=quietly)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@contextmanager
def session_that_blocks_another(server: Server) -> Generator[None]:
    """One is idle in its transaction, the other waits for it."""
    with server.connect() as holder, server.connect() as waiter:
        holder.execute("BEGIN; LOCK TABLE users")
        with meanwhile(lambda: waiter.execute("SELECT count(*) FROM users")):
            try:
                yield
            finally:
                holder.execute("ROLLBACK")


@contextmanager
def statement_that_runs_and_runs(server: Server) -> Generator[None]:
    with server.connect() as runner, meanwhile(lambda: runner.execute("SELECT pg_sleep(600)")):
        try:
            yield
        finally:
            runner.cancel_safe()


@contextmanager
def sessions(server: Server, count: int) -> Generator[None]:
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(server.connect())
        yield


def deadlock(server: Server) -> None:
    """The one who looks first is ended."""
    first, second = "SELECT pg_advisory_xact_lock(1)", "SELECT pg_advisory_xact_lock(2)"
    with server.connect() as one, server.connect() as other:
        one.execute(f"SET deadlock_timeout = '100ms'; BEGIN; {first}")
        other.execute(f"SET deadlock_timeout = '10s'; BEGIN; {second}")
        with meanwhile(lambda: one.execute(second)):
            other.execute(first)


def test_a_healthy_server_is_quiet_and_sessions_that_block_fail_or_crowd_it_are_not(
    server: Server, watch: Watch
) -> None:
    watch.is_quiet()
    with (
        session_that_blocks_another(server),
        statement_that_runs_and_runs(server),
        sessions(server, 30),
        server.after(
            ["ALTER DATABASE walmart SET default_transaction_read_only = on"],
            ["ALTER DATABASE walmart RESET ALL"],
        ),
    ):
        watch.fires(
            "OpskitSessionsBlocked",
            "OpskitTransactionIdle",
            "OpskitTransactionLong",
            "OpskitConnectionsNearLimit",
            "OpskitDatabaseReadOnly",
        )
    watch.ends()
    deadlock(server)
    watch.fires("OpskitDeadlocks")
    watch.ends()
    server.cluster.stop()
    watch.fires("OpskitDatabaseDown")
    server.cluster.start()
    watch.ends()


def test_what_grows_old_unseen_in_a_database(server: Server, watch: Watch) -> None:
    with (
        server.after(
            ["BEGIN; INSERT INTO users VALUES (9); PREPARE TRANSACTION 'forgotten'"],
            ["ROLLBACK PREPARED 'forgotten'"],
        ),
        server.after(["SELECT setval('log_id_seq', 2000000000)"], ["SELECT setval('log_id_seq', 1)"]),
        server.after(
            ["ALTER SYSTEM SET max_connections = 50", "SELECT pg_reload_conf()"],
            ["ALTER SYSTEM RESET max_connections", "SELECT pg_reload_conf()"],
        ),
        server.after(
            [
                "CREATE TABLE dead AS SELECT generate_series(1, 150000) AS id",
                "DELETE FROM dead",
                "SELECT pg_stat_force_next_flush()",
            ],
            ["DROP TABLE dead"],
        ),
        server.after(["DROP EXTENSION pg_stat_statements"], ["CREATE EXTENSION pg_stat_statements"]),
    ):
        server.run("CREATE TABLE twice AS SELECT 1 AS id FROM generate_series(1, 2)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            server.run("CREATE UNIQUE INDEX CONCURRENTLY once ON twice (id)")
        server.run("SELECT 1")
        watch.fires(
            "OpskitPreparedTransactionLeft",
            "OpskitSequenceNearEnd",
            "OpskitSettingsPendingRestart",
            "OpskitTableNotVacuumed",
            "OpskitStatementStatsMissing",
            "OpskitIndexInvalid",
        )
        server.run("DROP TABLE twice")
    watch.ends()


def archive(server: Server) -> None:
    """Ends log files until the server has archived one."""
    archived = "SELECT 1 FROM pg_stat_archiver WHERE last_archived_time > last_failed_time"
    wait_until(lambda: server.run("INSERT INTO users VALUES (1)", "SELECT pg_switch_wal()", archived))


def test_a_log_that_is_not_archived_or_not_read_and_blocks_that_are_damaged(
    server: Server, watch: Watch
) -> None:
    full = server.data / "archive_is_full"
    full.touch()
    server.run("SELECT pg_create_physical_replication_slot('nobody', true)")
    for _ in range(3):  # of four a checkpoint, which may come at any time, would leave nothing to the slot
        server.run("INSERT INTO users VALUES (1)", "SELECT pg_switch_wal()")
    watch.fires("OpskitArchivingFails", "OpskitSlotRetainsLog")
    for _ in range(4):
        server.run("INSERT INTO users VALUES (1)", "SELECT pg_switch_wal()")
    full.unlink()
    server.run("CHECKPOINT")
    watch.fires("OpskitSlotLost")
    server.run("SELECT pg_drop_replication_slot('nobody')")
    archive(server)
    watch.ends()

    server.run(
        "CREATE TABLE damaged AS SELECT n, repeat('x', 500) AS x FROM generate_series(1, 100) n", "CHECKPOINT"
    )
    ((path,),) = server.run("SELECT pg_relation_filepath('damaged')")
    server.cluster.stop()
    with (server.data / str(path)).open("r+b") as file:
        file.seek(DAMAGED_AT)
        file.write(b"not what was written")
    server.cluster.start()
    with pytest.raises(psycopg.errors.DataCorrupted):
        server.run("SELECT sum(length(x)) FROM damaged")
    watch.fires("OpskitChecksumFailures")
    server.run("DROP TABLE damaged", "SELECT pg_stat_reset()")
    archive(server)
    watch.ends()


def use_up_transactions(server: Server, number: int) -> None:
    """The next transaction of the stopped server has this number; half a megabyte says how each ended."""
    segment = server.data / "pg_xact" / f"{number >> 20:04X}"
    segment.write_bytes(bytes(32 * 8192))
    shutil.chown(segment, server.data.owner(), server.data.group())
    as_server("pg_resetwal", "-x", str(number), "-D", server.data)


def test_transactions_that_nobody_freezes(server: Server, watch: Watch) -> None:
    """A server that does not vacuum by itself would freeze at once; one that does has its time for that."""
    with server.after(
        ["ALTER SYSTEM SET autovacuum = on", "ALTER SYSTEM SET autovacuum_naptime = '1d'"],
        ["ALTER SYSTEM RESET autovacuum", "ALTER SYSTEM RESET autovacuum_naptime", "SELECT pg_reload_conf()"],
    ):
        server.cluster.stop()
        use_up_transactions(server, 1_300_000_000)
        server.cluster.start()
        watch.fires("OpskitVacuumBehind", "OpskitWraparoundNear")
    for database in ("main", "walmart"):
        server.run("VACUUM (FREEZE)", database=database)
    watch.ends("OpskitVacuumBehind", "OpskitWraparoundNear")


RECEIVED = "SELECT 1 FROM pg_stat_replication WHERE flush_lsn = pg_current_wal_flush_lsn()"


def test_a_replica_that_does_not_keep_up_or_is_gone(server: Server, watch: Watch, tmp_path: Path) -> None:
    keep = server.after(  # a checkpoint could remove what the replica is about to fetch
        ["ALTER SYSTEM SET wal_keep_size = '1GB'", "SELECT pg_reload_conf()"],
        ["ALTER SYSTEM RESET wal_keep_size", "SELECT pg_reload_conf()"],
    )
    with keep, replica(server, tmp_path) as session:
        session.execute("SELECT pg_wal_replay_pause()")
        for _ in range(18):
            server.run("INSERT INTO users VALUES (1)", "SELECT pg_switch_wal()")
            wait_until(lambda: server.run(RECEIVED))
        watch.fires("OpskitReplicaLagging")
        session.execute("SELECT pg_wal_replay_resume()")
        watch.ends("OpskitReplicaLagging")
    watch.fires("OpskitReplicaGone")
    watch.ends("OpskitReplicaGone")


def test_an_exporter_that_has_too_much_to_tell_and_a_server_that_hangs(server: Server, world: World) -> None:
    document = yaml.safe_load(world.config.read_text(encoding="utf-8"))
    world.config.write_text(
        yaml.safe_dump({**document, "exporter": {"reuse": "0s", "top_statements": 200}}), encoding="utf-8"
    )
    for database in ("main", "walmart"):
        many = [f"SELECT {', '.join('1' * count)}" for count in range(1, 220)]
        server.run(*many, database=database)
    with (
        running(world) as exporter,
        watching(world.directory, exporter, seconds=2, besides=["OpskitBackupMissing"]) as watch,
    ):
        watch.fires("OpskitSeriesDropped")
        for database in ("main", "walmart"):
            server.run("SELECT pg_stat_statements_reset()", database=database)
        watch.ends()
        with suspended(server.cluster.pid):
            watch.fires("OpskitScrapeSlow")
        watch.ends()
