"""What is understood of a request, an address and a failure, without a socket."""

import os
from contextlib import suppress
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.errors import ConfigurationError
from opskit.exporter.exposition import accepts_gzip
from opskit.exporter.listening import Address, listening, parse_listen
from opskit.exporter.reasons import connection_reason
from opskit.exporter.service import scrape_seconds
from opskit.exporter.serving import BadRequest, Request, parse_request


def test_a_request_is_its_method_path_and_headers() -> None:
    request = parse_request(b"GET /metrics?x=1 HTTP/1.1\r\nHost: here\r\nAccept:  text/plain ")
    assert request == Request("GET", "/metrics", "x=1", {"host": "here", "accept": "text/plain"})


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_bad_request(head: bytes) -> None:
    with suppress(BadRequest):
        assert parse_request(head).path.startswith("/")


def test_a_request_line_that_is_too_long_is_said_to_be() -> None:
    with pytest.raises(BadRequest) as refused:
        parse_request(b"GET /" + b"a" * 4000 + b" HTTP/1.1")
    assert refused.value.status is HTTPStatus.REQUEST_URI_TOO_LONG


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 2.0),
        ("10", 2.0),
        ("1", 0.75),
        ("0.1", 0.05),
        ("nonsense", 2.0),
        ("-3", 0.0),
        ("inf", 2.0),
        ("nan", 2.0),
    ],
)
def test_a_scrape_ends_before_prometheus_gives_up(header: str | None, seconds: float) -> None:
    headers = {} if header is None else {"x-prometheus-scrape-timeout-seconds": header}
    assert scrape_seconds(2.0, Request("GET", "/metrics", "", headers)) == seconds


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9188", Address("127.0.0.1", 9188)),
        ("[::1]:9188", Address("::1", 9188)),
        ("localhost:0", Address("localhost", 0)),
    ],
)
def test_an_address_is_read(text: str, address: Address) -> None:
    assert parse_listen(text) == address
    assert str(parse_listen(text)) == text


@pytest.mark.parametrize(
    "text", ["", ":9188", "9188", "127.0.0.1", "127.0.0.1:", "a:99999", "::1:9188", "a b:1"]
)
def test_what_is_no_address_is_a_usage_error(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_listen(text)


@pytest.mark.parametrize(
    "environ",
    [{}, {"LISTEN_PID": "1", "LISTEN_FDS": "1"}, {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2"}],
    ids=["none", "for another process", "two"],
)
def test_a_socket_that_nobody_hands_over_is_a_usage_error(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="systemd"):
        listening("fd", environ)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [("gzip", True), ("deflate, GZIP;q=1.0", True), ("", False), ("deflate", False), ("x-gzip-no", False)],
)
def test_gzip_is_sent_to_who_takes_it(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) == accepted


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("FATAL:  the database system is starting up", "starting_up"),
        ("FATAL:  the database system is not yet accepting connections", "starting_up"),
        ("FATAL:  the database system is shutting down", "shutting_down"),
        ("FATAL:  sorry, too many clients already", "too_many_connections"),
        ('FATAL:  password authentication failed for user "u"', "authentication"),
        ('FATAL:  no pg_hba.conf entry for host "::1"', "authentication"),
        ('FATAL:  database "x" does not exist', "database_missing"),
        ('FATAL:  role "x" does not exist', "role_missing"),
        ("could not translate host name", "host_unknown"),
        ('connection to server at "x", port 1 failed: Connection refused', "not_running"),
        ("FATAL:  Zu viele Verbindungen", "connection"),
    ],
)
def test_a_failed_connection_has_a_reason_out_of_few(words: str, reason: str) -> None:
    assert connection_reason(words) == reason
