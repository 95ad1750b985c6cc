"""The cluster and its settings, on this host's own postgresql-common."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opskit.host.scratch import scratch_directory
from opskit.provision.here import clusters_here
from tests.integration.migrate.kills import soon
from tests.integration.provision.debian_host import DebianHost, debian_host, missing
from tests.support import finish

pytestmark = pytest.mark.skipif(missing() != "", reason=missing())


@pytest.fixture
def bare() -> Iterator[DebianHost]:
    """A host without a cluster."""
    with host() as bare:
        yield bare


@pytest.fixture(scope="module")
def settled() -> Iterator[DebianHost]:
    """A host for all tests that begin with one that is as the configuration says."""
    with host() as settled:
        yield settled


@pytest.fixture
def ready(settled: DebianHost) -> DebianHost:
    """A host that is as the configuration says."""
    settled.configure()
    settled.set_up()
    return settled


@contextmanager
def host() -> Iterator[DebianHost]:
    with (
        scratch_directory() as directory,
        debian_host(directory) as host,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("PG_CLUSTER_CONF_ROOT", host.environ["PG_CLUSTER_CONF_ROOT"])
        yield host


def test_a_bare_host_becomes_what_the_configuration_says_and_stays_so(bare: DebianHost) -> None:
    planned = bare.provision("--plan")
    assert planned.code == 3
    assert all(step["why"] for step in planned.document["result"]["plan"]["steps"])
    assert not bare.conf.exists()

    done = bare.provision("--yes")
    assert (done.code, done.document["changed"]) == (0, True)
    assert done.document["result"]["plan"]["steps"] == planned.document["result"]["plan"]["steps"]
    assert bare.show("data_checksums") == "on"
    assert bare.show("wal_level") == "logical"
    assert bare.show("shared_preload_libraries") == "pg_stat_statements"
    assert (
        bare.sql("SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database")
        == [("UTF8", "C.UTF-8")] * 4
    )
    assert bare.sql("SELECT name FROM pg_settings WHERE pending_restart") == []

    again = bare.provision("--yes")
    assert (again.code, again.document["changed"]) == (0, False)
    assert bare.provision("--check").code == 0


def test_a_setting_that_the_server_refuses_undoes_everything(bare: DebianHost) -> None:
    bare.configure("parameters: {work_mem: banana}")
    refused = bare.provision("--yes")
    assert refused.code == 4
    assert refused.error["code"] == "settings_refused"
    assert "banana" in refused.error["message"]
    assert clusters_here() == ()
    assert not Path("/var/lib/postgresql/15", bare.cluster).exists()


def test_the_plan_names_every_setting_with_its_reason(bare: DebianHost) -> None:
    planned = bare.opskit("provision", "--plan", cwd=bare.directory, environ=bare.environ)
    lines = planned.stdout.splitlines()
    assert lines[1:3] == [
        f"   1. create cluster 15/{bare.cluster} on port {bare.port}",
        f"        there is no cluster 15/{bare.cluster}",
    ]
    assert "        jit shall be off: short statements lose more to compiling than they win" in lines


def test_without_a_terminal_and_without_yes_nothing_is_done(bare: DebianHost) -> None:
    refused = bare.provision()
    assert (refused.code, refused.error["code"]) == (6, "not_confirmed")
    assert clusters_here() == ()


def test_a_second_one_at_the_same_time_is_told_who_is_at_work(bare: DebianHost) -> None:
    first = bare.opskit.start("provision", "--yes", cwd=bare.directory, environ=bare.environ)
    wait_for_step(bare, "create cluster")
    second = bare.provision("--yes")
    assert (second.code, second.error["code"]) == (75, "busy")
    assert f"pid {first.pid}" in second.error["message"]
    assert finish(first).code == 0


def test_killed_while_it_makes_the_cluster_the_next_run_waits_and_completes_it(bare: DebianHost) -> None:
    first = bare.opskit.start("provision", "--yes", cwd=bare.directory, environ=bare.environ)
    wait_for_step(bare, "create cluster")
    first.kill()
    finish(first)
    second = bare.provision("--yes")
    assert second.code == 0, second.stderr
    assert len(second.document["result"]["interrupted_runs"]) == 1
    assert bare.provision("--check").code == 0


def test_interrupted_everything_is_put_back(bare: DebianHost) -> None:
    first = bare.opskit.start("provision", "--yes", cwd=bare.directory, environ=bare.environ)
    wait_for_step(bare, "create database")
    first.send_signal(signal.SIGINT)
    assert finish(first).code == 130
    assert clusters_here() == ()
    assert bare.directory.joinpath(".env").read_text() == ""


def test_each_drift_of_settings_is_named_and_repaired(ready: DebianHost) -> None:
    ready.sql("ALTER SYSTEM SET log_lock_waits = off")
    later = ready.conf / "conf.d" / "99-dba.conf"
    later.write_text("# ours\njit = on   # faster\nvacuum_cost_limit = 333\n")
    ready.ours.write_text(ready.ours.read_text().replace("log_temp_files = '64MB'", "log_temp_files = '1MB'"))
    (ready.conf / "start.conf").write_text("disabled\n")
    ready.sql("SELECT pg_reload_conf()")
    assert ready.drift() == [
        "log_temp_files is 1MB, shall be 64MB: sorts that by far do not fit into work_mem are logged",
        f"jit is on, set in {later} line 2, shall be off",
        "log_lock_waits is off, set by ALTER SYSTEM, shall be on",
        "settings files have changed",
        "start at boot is disabled, shall be auto",
    ]
    ready.set_up()
    assert ready.drift() == []
    assert [ready.show(name) for name in ("log_lock_waits", "jit", "vacuum_cost_limit")] == [
        "on",
        "off",
        "333",
    ]
    assert (
        later.read_text() == "# ours\n# opskit: set elsewhere: jit = on   # faster\nvacuum_cost_limit = 333\n"
    )


def test_a_settings_file_that_the_server_may_not_read_hides_nothing(ready: DebianHost) -> None:
    ready.sql("ALTER SYSTEM SET log_lock_waits = off")
    ready.ours.chmod(0o600)
    assert "the file's access is 0600 root:root, shall be 0644 root:root" in ready.drift()
    ready.set_up()
    assert ready.drift() == []
    assert ready.show("log_lock_waits") == "on"


def test_a_stopped_cluster_is_started_and_then_looked_at(ready: DebianHost) -> None:
    ready.sql("ALTER SYSTEM SET log_lock_waits = off")
    ready.control("stop")
    assert ready.drift() == [f"cluster 15/{ready.cluster} does not run"]
    done = ready.provision("--yes")
    assert [step["kind"] for step in done.document["result"]["plan"]["steps"]] == [
        "StartCluster",
        "ResetSetting",
        "Reload",
    ]
    assert ready.show("log_lock_waits") == "on"


def test_a_crashed_server_is_started_and_has_what_was_committed(ready: DebianHost) -> None:
    ready.sql("CREATE TABLE public.kept AS SELECT generate_series(1, 100000) AS i")
    data = Path(ready.show("data_directory"))
    postmaster = int((data / "postmaster.pid").read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGKILL)
    assert soon(lambda: not Path(f"/proc/{postmaster}").exists())  # until then its socket counts as in use
    assert ready.drift() == [f"cluster 15/{ready.cluster} does not run"]
    ready.set_up()
    assert ready.sql("SELECT count(*) FROM public.kept") == [(100000,)]
    ready.sql("DROP TABLE public.kept")


def test_a_value_that_only_a_start_reads_restarts_a_server_that_nobody_else_uses(ready: DebianHost) -> None:
    ready.configure("parameters: {max_connections: '150'}")
    done = ready.provision("--yes")
    assert [step["kind"] for step in done.document["result"]["plan"]["steps"]] == ["WriteSettings", "Restart"]
    assert ready.show("max_connections") == "150"


def test_others_at_work_are_not_disturbed_by_a_restart(ready: DebianHost) -> None:
    ready.configure("parameters: {max_connections: '150'}")
    connection = ready.door.connect("postgres")
    with connection:
        connection.execute("SET application_name = 'billing'")
        done = ready.provision("--yes")
        assert (done.code, done.document["changed"]) == (0, True)
        waits = "waits for a restart, which others would notice: max_connections is 100, shall be 150"
        assert waits in done.document["warnings"]
        assert ready.provision("--check").code == 0
        connection.execute("SELECT 1")
    assert ready.provision("--yes").code == 0
    assert ready.show("max_connections") == "150"


def test_a_failed_start_puts_the_old_settings_back_into_force(ready: DebianHost) -> None:
    before = ready.ours.read_bytes()
    ready.configure("parameters: {shared_buffers: 800GB, jit: 'on'}")
    failed = ready.provision("--yes")
    assert failed.code == 4, failed.stderr
    assert ready.ours.read_bytes() == before
    assert ready.show("jit") == "off"


def test_a_busy_cluster_of_others_is_adopted_with_what_it_has(bare: DebianHost) -> None:
    bare.create_cluster("--", "--encoding=LATIN1", "--locale=C")
    bare.sql("CREATE DATABASE billing")
    bare.sql("ALTER SYSTEM SET shared_preload_libraries = auto_explain")
    bare.sql("ALTER SYSTEM SET max_connections = 222")
    bare.control("restart")
    conf = (bare.conf / "postgresql.conf").read_bytes()

    done = bare.provision("--yes")
    assert done.code == 0, done.stderr
    assert any("no data checksums" in told for told in done.document["warnings"])
    assert any("waits for a restart" in told for told in done.document["warnings"])
    assert bare.provision("--check").code == 0
    bare.control("restart")
    assert bare.show("shared_preload_libraries") == "auto_explain, pg_stat_statements"
    assert bare.show("max_connections") == "222"
    assert (bare.conf / "postgresql.conf").read_bytes() == conf
    assert bare.provision("--check").code == 0


def test_a_cluster_of_others_is_left_alone_where_it_shall_not_be_adopted(bare: DebianHost) -> None:
    bare.create_cluster()
    bare.sql("CREATE DATABASE billing")
    bare.configure("adopt: false")
    refused = bare.provision("--yes")
    assert (refused.code, refused.error["code"]) == (6, "not_adopted")
    assert not bare.ours.exists()


def test_settings_can_be_left_to_others(bare: DebianHost) -> None:
    bare.create_cluster()
    bare.configure("settings: leave")
    done = bare.provision("--yes")
    assert done.code == 0
    assert not bare.ours.exists()
    needs = "wal_level is replica, and opskit needs logical: provision.settings is leave"
    assert needs in done.document["warnings"]


def test_a_server_that_hangs_is_told_of_and_not_waited_for_without_end(ready: DebianHost) -> None:
    (cluster,) = [one for one in clusters_here() if one.name == ready.cluster]
    postmaster = int((cluster.data / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGSTOP)
    try:
        looked = ready.provision("--check")
    finally:
        os.kill(postmaster, signal.SIGCONT)
    assert (looked.code, looked.error["code"]) == (1, "server_not_started")


def wait_for_step(host: DebianHost, begun: str) -> None:
    """Until the journal says that a step is begun."""
    deadline = time.monotonic() + 60
    while not any(
        f'"event": "intent", "step": "{begun}' in file.read_text()
        for file in (host.directory / "state" / "runs").glob("*.jsonl")
    ):
        assert time.monotonic() < deadline, f"{begun} has not begun"
        time.sleep(0.002)
