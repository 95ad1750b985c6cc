"""The HTTP side: few paths, bounded clients, a page that is safe to open."""

import re
import socket
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
import yaml

from tests.integration.exporter.world import Exporter, World, running, wait_until


@contextmanager
def client(exporter: Exporter) -> Generator[socket.socket]:
    with socket.create_connection(("127.0.0.1", exporter.port), timeout=20) as connection:
        yield connection


def answer_to(exporter: Exporter, *sent: bytes) -> bytes:
    """What the exporter answers to bytes that are not quite a request, up to the end of the connection."""
    with client(exporter) as connection:
        for part in sent:
            connection.sendall(part)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_it_is_healthy_and_ready(exporter: Exporter) -> None:
    assert exporter.get("/-/ready").status == 200
    assert exporter.get("/-/healthy").status == 200


def test_other_paths_are_not_found_and_other_methods_not_allowed(exporter: Exporter) -> None:
    for path in ("/nothing", "/metrics/", "//", "/-/healthy/..", "/%6detrics"):
        assert exporter.get(path).status == 404
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "BREW"):
        answer = exporter.get(method=method)
        assert answer.status == 405
        assert answer.headers["allow"] == "GET, HEAD"


def test_a_query_is_ignored(exporter: Exporter) -> None:
    assert exporter.get("/metrics?name[]=x&debug=1").status == 200


def test_head_is_get_without_the_body(exporter: Exporter) -> None:
    head, get = exporter.get("/-/healthy", "HEAD"), exporter.get("/-/healthy")
    assert head.status == 200
    assert head.body == b""
    assert head.headers["content-length"] == str(len(get.body))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /" + b"a" * 500_000, 414),
        (b"GET / HTTP/1.1\r\n" + b"X-Long: " + b"a" * 500_000, 431),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET http://elsewhere/ HTTP/1.1\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
    ],
    ids=["long-line", "endless-line", "endless-header", "nonsense", "no-colon", "proxy", "tls", "http2"],
)
def test_a_bad_request_is_refused_and_the_next_one_served(
    exporter: Exporter, request_: bytes, expected: int
) -> None:
    assert status(answer_to(exporter, request_)) == expected
    assert exporter.scrape().all("opskit_exporter_http_requests_total", path="other", code=str(expected))


def test_slow_clients_are_refused_in_time_and_hold_nobody_up(exporter: Exporter) -> None:
    with ThreadPoolExecutor(8) as clients:
        slow = [clients.submit(answer_to, exporter, b"GET /metrics HTTP/1.1\r\nX-Slow:") for _ in range(8)]
        exporter.scrape()
        assert {status(answer.result()) for answer in slow} == {408}


def test_a_client_that_trickles_is_refused_all_the_same(exporter: Exporter) -> None:
    with client(exporter) as connection:
        connection.settimeout(0.2)
        start, answer = time.monotonic(), b""
        while not answer and time.monotonic() < start + 15:
            connection.sendall(b"X")
            try:
                answer = connection.recv(65536)
            except TimeoutError:
                continue
    assert status(answer) == 408


def test_more_clients_than_it_serves_are_told_so_at_once(exporter: Exporter) -> None:
    with ExitStack() as stack:
        for _ in range(32):
            stack.enter_context(client(exporter)).sendall(b"GET")
        wait_until(lambda: exporter.get().status == 503)
    wait_until(lambda: exporter.get().status == 200)


def test_clients_that_go_away_leave_nothing_behind(exporter: Exporter) -> None:
    for _ in range(50):
        with client(exporter) as connection:
            connection.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
    wait_until(lambda: exporter.get().status == 200)
    assert exporter.stop() == 0
    assert "Traceback" not in exporter.words()


def test_every_answer_forbids_what_a_browser_might_do_with_it(exporter: Exporter) -> None:
    for path in ("/", "/metrics", "/-/healthy", "/nothing"):
        headers = exporter.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_the_page_shows_both_databases_and_needs_nothing_from_elsewhere(
    world: World, exporter: Exporter
) -> None:
    world.sqlite("walmart").unlink()
    answer = exporter.get("/")
    page = answer.body.decode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    nonce = re.search(r'<style nonce="([^"]+)">', page)
    assert nonce
    assert f"style-src 'nonce-{nonce[1]}';" in answer.headers["content-security-policy"]
    assert nonce[1] not in exporter.get("/").body.decode()
    assert "1 of 2 databases is down" in page
    assert "Down: the file does not exist." in page
    assert 'href="/metrics"' in page
    assert not re.search(r"src=|url\(|https?:|<script|style=| on\w+=", page)


def test_the_page_loads_itself_again_unless_told_to_stand_still(exporter: Exporter) -> None:
    assert b'http-equiv="refresh"' in exporter.get("/").body
    assert b'http-equiv="refresh"' not in exporter.get("/?still").body


def test_the_page_escapes_what_the_configuration_says(world: World) -> None:
    document = yaml.safe_load(world.config.read_text(encoding="utf-8"))
    document["databases"] = {'<script>"&': document["databases"]["main"]}
    world.config.write_text(yaml.safe_dump(document), encoding="utf-8")
    with running(world) as exporter:
        page = exporter.get("/").body.decode()
        assert exporter.scrape().value("opskit_database_up", database='<script>"&') == 1
    assert "&lt;script&gt;&quot;&amp;" in page
    assert "<script" not in page
