"""The process: how it starts, what it tells systemd, how it ends."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.integration.exporter.world import Exporter, World, make_world, running, wait_until

MEGABYTE = 1024 * 1024


class Manager:
    """The service manager's end of NOTIFY_SOCKET."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._socket.settimeout(20)

    def next(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self._socket.recv(4096).decode().splitlines())

    def until(self, key: str) -> dict[str, str]:
        while key not in (message := self.next()):
            pass
        return message

    def falls_silent(self) -> bool:
        """Whether a second passes without a word, once what was under way has come."""
        self._socket.settimeout(1.0)
        try:
            for _ in range(10):
                self.next()
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(20)
        return False

    def close(self) -> None:
        self._socket.close()


@contextmanager
def manager(path: str) -> Generator[Manager]:
    listening = Manager(path)
    try:
        yield listening
    finally:
        listening.close()


@pytest.fixture
def world(tmp_path: Path) -> World:
    """No PostgreSQL needed."""
    return make_world(tmp_path, None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_peace(world: World, number: signal.Signals) -> None:
    with running(world) as exporter:
        exporter.scrape()
        exporter.process.send_signal(number)
        assert exporter.process.wait(20) == 0
    assert "Traceback" not in exporter.words()


def test_it_starts_with_every_database_down_and_says_so(world: World) -> None:
    world.use("postgresql")
    with running(world) as exporter:
        scrape = exporter.scrape()
        assert scrape.all("opskit_database_up").values()
        assert set(scrape.all("opskit_database_up").values()) == {0.0}
        assert exporter.get("/-/healthy").status == 200
        wait_until(lambda: exporter.get("/-/ready").status == 200)


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_systemd_is_told_ready_state_alive_and_stopping(world: World, abstract: bool) -> None:
    path = f"opskit-test-{os.getpid()}" if abstract else str(world.directory / "notify")
    with manager(f"\0{path}" if abstract else path) as systemd:
        address = f"@{path}" if abstract else path
        with running(world, env={"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000"}) as exporter:
            ready = systemd.until("READY")
            assert ready["READY"] == "1"
            assert ready["STATUS"] == f"serving 127.0.0.1:{exporter.port}"
            assert systemd.until("STATUS")["STATUS"] == "main: up on sqlite; walmart: up on sqlite"
            for _ in range(3):
                assert systemd.until("WATCHDOG") == {"WATCHDOG": "1"}
            world.sqlite("main").unlink()
            exporter.scrape()
            assert (
                systemd.until("STATUS")["STATUS"] == "main: down on sqlite (missing); walmart: up on sqlite"
            )
            assert exporter.stop() == 0
            assert systemd.until("STOPPING") == {"STOPPING": "1"}


def test_a_manager_that_does_not_listen_disturbs_nothing(world: World) -> None:
    with running(world, env={"NOTIFY_SOCKET": str(world.directory / "nobody")}) as exporter:
        assert exporter.scrape().value("opskit_database_up", database="main") == 1
        assert exporter.stop() == 0


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1", "127.0.0.1:70000", ":9188", "192.0.2.1:9188"])
def test_a_bad_address_is_a_usage_error(world: World, listen: str) -> None:
    with running(world, "--listen", listen, wait=False) as exporter:
        assert exporter.process.wait(20) == 2
    assert listen in exporter.words()
    assert "ADDRESS:PORT" in exporter.words()


def test_a_port_in_use_is_a_failure_with_a_hint(world: World) -> None:
    with running(world) as first:
        second = make_world_beside(world)
        with running(second, "--listen", f"127.0.0.1:{first.port}", wait=False) as exporter:
            assert exporter.process.wait(20) == 1
        assert "the port is in use" in exporter.words()
        assert "hint" in exporter.words()
        assert first.scrape().value("opskit_database_up", database="main") == 1


def make_world_beside(world: World) -> World:
    directory = world.directory / "beside"
    directory.mkdir()
    return make_world(directory, None)


def test_it_listens_on_ipv6_when_told(world: World) -> None:
    with running(world, "--listen", "[::1]:0", wait=False) as exporter:
        wait_until(lambda: "serving http://[::1]:" in exporter.words() or exporter.process.poll() is not None)
        if exporter.process.poll() is not None:
            pytest.skip("this host has no IPv6")
        assert exporter.stop() == 0


def test_it_stays_small(world: World) -> None:
    with running(world) as exporter:
        for _ in range(20):
            exporter.get()
        statm = Path(f"/proc/{exporter.process.pid}/statm").read_text(encoding="ascii").split()
    resident = int(statm[1]) * os.sysconf("SC_PAGE_SIZE")
    assert resident < 35 * MEGABYTE


def test_heavy_libraries_that_it_can_do_without_stay_out_of_it() -> None:
    script = "import sys, opskit.cli.exporter as one; one.without_openssl(); import opskit.exporter.daemon"
    ask = "print(*{'psycopg', 'sqlglot', 'rich', '_ssl', '_hashlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", f"{script}; {ask}"], capture_output=True, check=True)
    assert done.stdout.strip() == b""


def test_a_socket_that_is_handed_over_is_served_and_outlives_the_exporter(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for _ in range(2):
            waiting = socket.create_connection(("127.0.0.1", port))  # a scrape while nobody serves yet
            waiting.sendall(b"GET /-/healthy HTTP/1.1\r\n\r\n")
            with handed_over(world, listener) as exporter:
                exporter.wait_until_ready()
                assert exporter.port == port
                assert waiting.recv(100).startswith(b"HTTP/1.1 200")
                assert exporter.scrape().value("opskit_database_up", database="main") == 1
                assert exporter.stop() == 0
            waiting.close()


@contextmanager
def handed_over(world: World, listener: socket.socket) -> Generator[Exporter]:
    """The exporter as systemd starts it: the socket is its descriptor 3, meant for its pid."""
    start = f'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3<&{listener.fileno()}'
    opskit = [sys.executable, "-m", "opskit", "exporter", "--config", str(world.config), "--listen", "fd"]
    log = world.directory / "exporter.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-c", start, "bash", *opskit],
            stdout=output,
            stderr=output,
            text=True,
            pass_fds=[listener.fileno()],
        )
    try:
        yield Exporter(process, log)
    finally:
        process.kill()
        process.wait()


def test_a_fault_in_the_configuration_is_a_usage_error(world: World) -> None:
    document = yaml.safe_load(world.config.read_text(encoding="utf-8"))
    world.config.write_text(yaml.safe_dump({**document, "exporter": {"lisen": "x"}}), encoding="utf-8")
    with running(world, wait=False) as exporter:
        assert exporter.process.wait(20) == 2
    assert "exporter.lisen" in exporter.words()


def reload(world: World, exporter: Exporter, document: object, answer: str) -> None:
    """Writes a configuration and lets the exporter read it."""
    world.config.write_text(yaml.safe_dump(document), encoding="utf-8")
    seen = exporter.words().count(answer)
    exporter.process.send_signal(signal.SIGHUP)
    wait_until(lambda: exporter.words().count(answer) > seen)


def test_a_reload_takes_databases_in_and_out_and_loses_no_counter(world: World) -> None:
    document = yaml.safe_load(world.config.read_text(encoding="utf-8"))
    (main, walmart) = document["databases"].items()
    with running(world) as exporter:
        before = exporter.scrape()
        reload(world, exporter, {**document, "databases": dict([main])}, "was read again")
        alone = exporter.scrape()
        page = exporter.get("/").body
        reload(world, exporter, {**document, "databases": dict([walmart, main])}, "was read again")
        after = exporter.scrape()
    assert alone.of_database("main") == before.of_database("main")
    assert not any(("database", "walmart") in labels for _, labels in alone.samples)
    assert b"walmart" not in page
    assert after.of_database("walmart") == before.of_database("walmart")
    counted = "opskit_probe_duration_seconds_count"
    assert after.value(counted, database="main", probe="read") > before.value(
        counted, database="main", probe="read"
    )
    assert after.value(counted, database="walmart", probe="read") == 1
    asked = "opskit_exporter_http_requests_total"
    assert after.value(asked, path="/metrics", code="200") == 2


def test_a_configuration_with_faults_is_not_taken_over_and_that_is_told(world: World) -> None:
    document = yaml.safe_load(world.config.read_text(encoding="utf-8"))
    told = "opskit_exporter_config_last_reload_successful"
    since = "opskit_exporter_config_last_reload_success_timestamp_seconds"
    with running(world) as exporter:
        started = exporter.scrape()
        reload(world, exporter, {**document, "exporter": {"lisen": "x"}}, "is left as it was")
        refused = exporter.scrape()
        reload(world, exporter, document, "was read again")
        mended = exporter.scrape()
    assert [one.value(told) for one in (started, refused, mended)] == [1, 0, 1]
    assert started.value(since) == refused.value(since) < mended.value(since)
    assert refused.value("opskit_database_up", database="walmart") == 1
    assert "exporter.lisen" in exporter.words()


def test_a_process_that_no_longer_turns_lets_the_watchdog_bite(world: World) -> None:
    with manager(str(world.directory / "notify")) as systemd:
        env = {"NOTIFY_SOCKET": str(world.directory / "notify"), "WATCHDOG_USEC": "200000"}
        with running(world, env=env) as exporter:
            systemd.until("WATCHDOG")
            exporter.process.send_signal(signal.SIGSTOP)
            assert systemd.falls_silent()
            exporter.process.send_signal(signal.SIGCONT)
            assert systemd.until("WATCHDOG")


def test_scrapes_within_a_second_of_a_collection_are_answered_from_it(world: World) -> None:
    document = yaml.safe_load(world.config.read_text(encoding="utf-8"))
    world.config.write_text(yaml.safe_dump({**document, "exporter": {"reuse": "1h"}}), encoding="utf-8")
    collected = "opskit_probe_duration_seconds_count"
    with running(world) as exporter:
        first, second = exporter.scrape(), exporter.scrape()
        exporter.get("/")
        world.sqlite("main").unlink()
        third = exporter.scrape()
        reload(world, exporter, document, "was read again")
        missed = exporter.scrape()
        world.sqlite("main").touch()
        mended = exporter.scrape()
    counts = [one.value(collected, database="main", probe="read") for one in (first, second, third)]
    assert counts == [1, 1, 1]
    ups = [one.value("opskit_database_up", database="main") for one in (third, missed, mended)]
    assert ups == [1, 0, 1]
