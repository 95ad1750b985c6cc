"""Every exit code of the contract, by a real command line in a real situation."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import click
import psycopg
import pytest

from opskit.cli.main import run
from opskit.errors import ExitCode
from opskit.host.private_cluster import PrivateCluster, private_cluster
from opskit.runs.lock import exclusive
from tests.conftest import TestDatabase
from tests.support import Opskit, Result, finish, make_sqlite, query, relations

MANY_ROWS = 700_000
"""So that a copy lasts some seconds and can be disturbed in its middle."""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return make_sqlite(tmp_path / "small.db", "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)", USERS)


USERS = ("INSERT INTO users VALUES (?, ?)", [(1, "ann"), (2, "bob")])


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sqlite(
        tmp_path_factory.mktemp("large") / "large.db",
        "CREATE TABLE early (a); INSERT INTO early VALUES (1);"
        "CREATE TABLE events (id INTEGER PRIMARY KEY, body TEXT);"
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        f" WHERE i < {MANY_ROWS}) INSERT INTO events SELECT i, 'event number ' || i FROM n",
    )


@pytest.fixture
def own_cluster() -> Iterator[PrivateCluster]:
    """A cluster that a test may stop."""
    with private_cluster() as cluster:
        cluster.create_database("app")
        yield cluster


def wait_for_copy(process: "subprocess.Popen[str]", conninfo: str) -> int:
    """Waits until the server is in the middle of the copy of `events`; returns its session's pid."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for _ in range(3000):
            row = connection.execute(
                "SELECT pid FROM pg_stat_progress_copy WHERE tuples_processed > 20000"
            ).fetchone()
            if row:
                return row[0]
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
    raise AssertionError("no copy was seen")


def codes(result: Result) -> list[str]:
    return [error["code"] for error in result.document["errors"]]


def test_0_done(opskit: Opskit, small: Path, database: TestDatabase) -> None:
    result = opskit("migrate", small, database.url, "-o", "json")
    assert result.code == ExitCode.DONE
    assert (result.document["ok"], result.document["changed"]) == (True, True)
    assert opskit("verify", small, database.url).code == ExitCode.DONE


def test_1_failed_as_understood_when_the_target_is_unreachable(
    opskit: Opskit, small: Path, tmp_path: Path
) -> None:
    result = opskit("migrate", small, f"postgresql:///app?host={tmp_path}", "-o", "json")
    assert result.code == ExitCode.FAILED
    assert codes(result) == ["target_unreachable"]
    assert opskit.files() == []


def test_2_a_configuration_with_five_faults_names_all_five(opskit: Opskit, tmp_path: Path) -> None:
    (tmp_path / "opskit.yaml").write_text(
        "databases: {main: {sqlite: app.db}}\n"
        "postgresql: {port: 0, usr: x}\n"
        "migrate: {types: fancy}\n"
        "exporter: {deadline: never}\n"
    )
    for command in (("config", "check"), ("migrate",), ("verify",)):
        result = opskit(*command, "-o", "json", cwd=tmp_path)
        assert result.code == ExitCode.USAGE
        assert {error["where"] for error in result.document["errors"]} == {
            "databases.main.postgresql",
            "postgresql.port",
            "postgresql.usr",
            "migrate.types",
            "exporter.deadline",
        }


def test_3_a_plan_with_something_to_do_and_sides_that_differ(
    opskit: Opskit, small: Path, database: TestDatabase
) -> None:
    assert opskit("migrate", small, database.url, "--plan").code == ExitCode.DIFFERENCES
    assert relations(database) == []
    assert opskit("migrate", small, database.url).code == ExitCode.DONE
    query(database, "UPDATE users SET name = 'rob' WHERE id = 2")
    assert opskit("verify", small, database.url).code == ExitCode.DIFFERENCES


def test_4_a_copy_whose_session_is_ended_puts_everything_back(
    opskit: Opskit, large: Path, database: TestDatabase
) -> None:
    process = opskit.start("migrate", large, database.url, "-o", "json")
    pid = wait_for_copy(process, database.conninfo)
    query(database, f"SELECT pg_terminate_backend({pid})")
    result = finish(process)
    assert result.code == ExitCode.REVERTED
    assert codes(result) == ["connection_lost"]
    assert "copy" in result.document["errors"][0]["message"]
    assert "put back" in result.stderr
    assert relations(database) == []
    assert opskit.files() == []


def test_5_a_server_that_stays_away_needs_attention_and_the_same_command_goes_on(
    opskit: Opskit, large: Path, own_cluster: PrivateCluster
) -> None:
    target = own_cluster.conninfo("app")
    process = opskit.start("migrate", large, target, "-o", "json")
    wait_for_copy(process, target)
    own_cluster.stop("immediate")
    result = finish(process)
    assert result.code == ExitCode.ATTENTION
    assert "run the same command again" in result.document["errors"][-1]["hint"]
    own_cluster.start()
    again = opskit("migrate", large, target, "-o", "json")
    assert again.code == ExitCode.DONE
    assert again.document["result"]["rows"] == MANY_ROWS + 1
    database = TestDatabase("app", target, target)
    assert relations(database) == [
        "public.early",
        "public.events",
        "public.events_id_seq",
        "public.events_pkey",
    ]
    assert len([name for name in opskit.files() if name.startswith("backups/")]) == 1


def test_6_a_target_that_is_not_empty_is_refused(opskit: Opskit, small: Path, database: TestDatabase) -> None:
    query(database, "CREATE TABLE already_here (a int)")
    result = opskit("migrate", small, database.url, "-o", "json")
    assert result.code == ExitCode.REFUSED
    assert codes(result) == ["target_not_empty"]
    assert "already_here" in result.error["message"]
    assert relations(database) == ["public.already_here"]


def test_70_a_bug_of_ours_names_the_file_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def stumble() -> None:
        raise ZeroDivisionError("of all things")

    group = click.Group(commands={"stumble": stumble})
    assert (
        run(["stumble", "-o", "json"], click.Group(commands={"stumble": command_with_output(stumble)})) == 70
    )
    assert run(["stumble"], group) == ExitCode.BUG
    captured = capsys.readouterr()
    (error,) = json.loads(captured.out)["errors"]
    log = Path(error["where"])
    assert "ZeroDivisionError: of all things" in log.read_text()
    assert "Traceback" not in captured.err
    for name in captured.err.split():
        if name.startswith("/") and name.endswith(".log"):
            Path(name).unlink(missing_ok=True)


def command_with_output(command: click.Command) -> click.Command:
    command.params.append(click.Option(["-o", "output"], expose_value=False))
    return command


def test_75_a_second_run_is_told_who_is_at_work(
    opskit: Opskit, small: Path, large: Path, database: TestDatabase
) -> None:
    process = opskit.start("migrate", large, database.url, "-o", "json")
    wait_for_copy(process, database.conninfo)
    process.send_signal(signal.SIGSTOP)
    second = opskit("migrate", small, database.url, "-o", "json")
    assert second.code == ExitCode.BUSY
    assert f"pid {process.pid}, opskit migrate" in second.error["message"]
    process.send_signal(signal.SIGCONT)
    assert finish(process).code == ExitCode.DONE


def test_75_also_when_the_second_run_has_another_state_directory(
    opskit: Opskit, small: Path, large: Path, database: TestDatabase, tmp_path: Path
) -> None:
    process = opskit.start("migrate", large, database.url, "-o", "json")
    wait_for_copy(process, database.conninfo)
    process.send_signal(signal.SIGSTOP)
    second = Opskit(tmp_path / "other")("migrate", small, database.url, "-o", "json")
    assert second.code == ExitCode.BUSY
    assert database.name in second.error["message"]
    process.send_signal(signal.SIGCONT)
    assert finish(process).code == ExitCode.DONE
    assert opskit("verify", large, database.url, "--level", "digest").code == ExitCode.DONE


def test_75_the_lock_is_held_by_this_very_process(
    opskit: Opskit, small: Path, database: TestDatabase
) -> None:
    with exclusive(opskit.state_dir, "rehearsal"):
        result = opskit("migrate", small, database.url, "-o", "json")
    assert result.code == ExitCode.BUSY
    assert f"pid {os.getpid()}, opskit rehearsal" in result.error["message"]
    assert relations(database) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_130_an_interrupted_migration_puts_everything_back(
    opskit: Opskit, large: Path, database: TestDatabase, number: signal.Signals
) -> None:
    process = opskit.start("migrate", large, database.url, "-o", "json")
    wait_for_copy(process, database.conninfo)
    process.send_signal(number)
    result = finish(process)
    assert result.code == ExitCode.INTERRUPTED
    assert codes(result) == ["interrupted"]
    assert relations(database) == []
    assert opskit.files() == []


def test_a_usage_error_is_2(opskit: Opskit) -> None:
    result = opskit("migrate", "app.db", "-o", "json")
    assert result.code == ExitCode.USAGE
    assert codes(result) == ["usage"]
    assert opskit("migrate", "--nonsense").code == ExitCode.USAGE
    assert opskit().code == ExitCode.USAGE
