"""Retries, the deadline, conditional requests, redirects, TLS, proxies and pacing, on loopback."""

from __future__ import annotations

import email.utils
import logging
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from serving import (
    CSV,
    QUICK,
    accepted_answer,
    drip,
    failure,
    head,
    log_lines,
    respond_304_for_v1,
    send,
    server_context,
    serving,
    sign_certificate,
    source_for,
    source_of,
)

from warehouse.fetch import fetch, http
from warehouse.model import Request

pytest_plugins = ("proxies",)
pytestmark = pytest.mark.usefixtures("no_proxy")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sign_certificate(tmp_path_factory.mktemp("tls") / "localhost.pem")


@pytest.fixture(scope="module")
def secure_server(certificate: Path) -> Iterator[HTTPServer]:
    with HTTPServer(host="localhost", port=0, ssl_context=server_context(certificate)) as server:
        yield server


@pytest.fixture
def secure(secure_server: HTTPServer) -> HTTPServer:
    secure_server.clear()
    secure_server.expect_request("/t.csv").respond_with_data(CSV)
    return secure_server


# --- retries and the deadline -------------------------------------------------------------------------


def test_429_with_retry_after_then_503_then_200(
    httpserver: HTTPServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    httpserver.expect_ordered_request("/").respond_with_data(
        "slow down", status=429, headers={"Retry-After": "1"}
    )
    httpserver.expect_ordered_request("/").respond_with_data("busy", status=503)
    httpserver.expect_ordered_request("/").respond_with_data(CSV)
    start = time.monotonic()
    fetch(source_for(httpserver.url_for("/")), tmp_path, limits=QUICK)
    assert time.monotonic() - start >= 1.0
    assert len(httpserver.log) == 3
    first, second, done = log_lines(caplog)
    assert "HTTP 429" in first and "HTTP 503" in second and "27 bytes" in done


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_transient_status_is_retried(httpserver: HTTPServer, tmp_path: Path, status: int) -> None:
    httpserver.expect_ordered_request("/").respond_with_data("busy", status=status)
    httpserver.expect_ordered_request("/").respond_with_data(CSV)
    assert fetch(source_for(httpserver.url_for("/")), tmp_path, limits=QUICK)[0].size_bytes == 27


def test_400_with_an_html_page_is_retried(httpserver: HTTPServer, tmp_path: Path) -> None:
    page = "\n<html><head><title>Bad Request</title></head></html>"
    httpserver.expect_ordered_request("/").respond_with_data(page, status=400)
    httpserver.expect_ordered_request("/").respond_with_data(CSV)
    fetch(source_for(httpserver.url_for("/")), tmp_path, limits=QUICK)
    assert len(httpserver.log) == 2


@pytest.mark.parametrize("status", [204, 400, 401, 403, 404, 410, 501])
def test_any_other_status_fails_at_once(httpserver: HTTPServer, tmp_path: Path, status: int) -> None:
    httpserver.expect_request("/x").respond_with_data('{"message": "no such table"}', status=status)
    message = failure(source_for(httpserver.url_for("/x")), tmp_path)
    assert len(httpserver.log) == 1
    assert message.startswith(f"toy: HTTP {status}") and httpserver.url_for("/x") in message
    assert "no such table" in message or status == 204


def test_attempts_are_bounded(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/").respond_with_data("busy", status=503)
    message = failure(source_for(httpserver.url_for("/")), tmp_path)
    assert len(httpserver.log) == 3
    assert "no complete answer in 3 attempts: HTTP 503" in message and "'busy'" in message


def test_retry_after_is_parsed_as_seconds_or_date() -> None:
    later = email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 80 < http.retry_after_seconds(later) <= 90
    assert http.retry_after_seconds("7") == 7
    assert [http.retry_after_seconds(header) for header in (None, "", "soon", "-3")] == [0, 0, 0, 0]
    assert http.retry_after_seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0


def test_retry_after_is_honoured_up_to_a_cap(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_ordered_request("/").respond_with_data(
        "later", status=503, headers={"Retry-After": "86400"}
    )
    httpserver.expect_ordered_request("/").respond_with_data(CSV)
    start = time.monotonic()
    fetch(source_for(httpserver.url_for("/")), tmp_path, limits=replace(QUICK, retry_after_cap_seconds=0.3))
    assert 0.3 <= time.monotonic() - start < 5


def test_wait_beyond_the_deadline_is_not_started(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/").respond_with_data("later", status=503, headers={"Retry-After": "60"})
    limits = replace(QUICK, retry_after_cap_seconds=60, deadline_seconds=8)
    start = time.monotonic()
    assert "in 1 attempt: HTTP 503" in failure(source_for(httpserver.url_for("/")), tmp_path, limits)
    assert time.monotonic() - start < 5


def test_waits_grow_with_jitter(
    httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/").respond_with_data("busy", status=503)
    waits: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    limits = replace(
        QUICK, attempts=6, backoff_seconds=1, backoff_cap_seconds=6, deadline_seconds=100, read_seconds=5
    )
    failure(source_for(httpserver.url_for("/")), tmp_path, limits)
    waits = [wait for wait in waits if wait > 0]  # the pace sleeps too, for no time
    assert len(waits) == 5
    for wait, least in zip(waits, (1, 2, 4, 6, 6), strict=True):
        assert least <= wait <= min(least + 1, 6)
    assert waits[0] != 1 and waits[1] != 2


def test_refused_connection_is_retried(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    message = failure(source_for(f"http://127.0.0.1:{port}/x"), tmp_path)
    assert "3 attempts" in message and "refused" in message and f":{port}/x" in message


def test_server_that_hangs_is_retried(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with serving(lambda connection, request: time.sleep(0.6), send(head(Content_Length=27), CSV)) as (
        url,
        requests,
    ):
        fetch(source_for(url), tmp_path, limits=QUICK)
    assert len(requests) == 2 and "Read timed out" in log_lines(caplog)[0]


@pytest.mark.parametrize(
    ("first", "drop"),
    [
        (head(Content_Length=100000), b"x"),
        (head(Transfer_Encoding="chunked"), b"1\r\nx\r\n"),
        (head(Transfer_Encoding="chunked") + b"5;", b"x"),
        (head(Connection="close"), b"x"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
        (b"HT", b"T"),
        (head(Transfer_Encoding="chunked") + b"0\r\n", b"X-Slow: x\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=[
        "body",
        "chunked",
        "within a chunk's length",
        "no length",
        "headers",
        "status line",
        "trailers",
        "interim responses",
    ],
)
def test_single_bytes_do_not_exceed_the_deadline(tmp_path: Path, first: bytes, drop: bytes) -> None:
    limits = replace(QUICK, deadline_seconds=0.5)
    start = time.monotonic()
    with serving(drip(first, drop)) as (url, _):
        message = failure(source_for(url), tmp_path, limits)
        took = time.monotonic() - start
    assert "the deadline of 0.5 s passed" in message
    assert took < 5  # the drip itself would go on for 10 s


@pytest.mark.parametrize(
    "first", [head(Content_Length=100000), b"HTTP/1.1 200 OK\r\nX-Slow: "], ids=["body", "headers"]
)
def test_single_bytes_over_tls_do_not_exceed_the_deadline(
    tmp_path: Path, first: bytes, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    limits = replace(QUICK, deadline_seconds=0.5)
    start = time.monotonic()
    with serving(drip(first, b"x"), tls=server_context(certificate)) as (url, requests):
        message = failure(source_for(url), tmp_path, limits)
        took = time.monotonic() - start
    assert requests and "the deadline of 0.5 s passed" in message
    assert took < 5


def test_single_bytes_of_a_proxy_do_not_exceed_the_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = replace(QUICK, deadline_seconds=0.5)
    start = time.monotonic()
    with serving(drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x")) as (proxy, requests):
        monkeypatch.setenv("https_proxy", proxy)
        message = failure(source_for("https://publisher.example/t.csv"), tmp_path, limits)
        took = time.monotonic() - start
    assert requests[0].startswith("CONNECT publisher.example:443")
    assert "the deadline of 0.5 s passed" in message
    assert took < 5


def test_each_file_has_a_separate_deadline(tmp_path: Path) -> None:
    """The connection stays open, so the second response is read from the first connection."""

    def two_answers(connection: socket.socket, request: str) -> None:
        for _ in range(2):
            time.sleep(0.3)
            connection.sendall(head(Content_Length=27) + CSV)
            connection.recv(4096)

    limits = replace(QUICK, deadline_seconds=0.5)
    with serving(two_answers) as (url, requests):
        pair = [Request(name=name, url=url, kind="csv") for name in ("a.csv", "b.csv")]
        fetched = fetch(source_of(*pair), tmp_path, limits=limits)
    assert [file.size_bytes for file in fetched] == [27, 27] and len(requests) == 1


# --- conditional requests ------------------------------------------------------------------------------


def test_304_copies_the_accepted_answer(httpserver: HTTPServer, tmp_path: Path) -> None:
    url = httpserver.url_for("/t.csv")
    httpserver.expect_request("/t.csv").respond_with_handler(respond_304_for_v1)
    before = datetime.now(UTC).replace(microsecond=0)
    sizes: list[int] = []
    into = tmp_path / "into"
    accepted_answers = accepted_answer(tmp_path, url)
    fetched = fetch(
        source_for(url),
        into,
        held=accepted_answers,
        limits=QUICK,
        progress=lambda request, size: sizes.append(size),
    )
    assert httpserver.log[0][1].status_code == 304
    assert (into / "data.csv").read_bytes() == CSV
    assert (fetched[0].name, fetched[0].etag, fetched[0].content_type) == ("data.csv", '"v1"', "text/csv")
    assert fetched[0].last_modified == "Fri, 12 Jul 2024 00:00:00 GMT"
    assert fetched[0].retrieved_at >= before  # the publisher has confirmed it now
    assert sizes == [27]


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_304_for_a_damaged_file_requests_the_complete_file(
    httpserver: HTTPServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    url = httpserver.url_for("/t.csv")
    httpserver.expect_request("/t.csv").respond_with_handler(respond_304_for_v1)
    accepted_answers = accepted_answer(tmp_path, url)
    accepted = accepted_answers[url][1]
    if damage == "gone":
        accepted.unlink()
    else:
        accepted.write_bytes(b"damaged")
    fetched = fetch(source_for(url), tmp_path / "into", held=accepted_answers, limits=QUICK)
    assert (tmp_path / "into" / "data.csv").read_bytes() == b"year,value\n2021,1\n"
    assert fetched[0].etag == '"v2"'
    assert log_lines(caplog)[0].startswith(f"ERROR toy: the accepted file {accepted} is missing or")


def test_changed_answer_is_received(httpserver: HTTPServer, tmp_path: Path) -> None:
    url = httpserver.url_for("/t.csv")
    httpserver.expect_request("/t.csv").respond_with_data("year,value\n2021,1\n", headers={"ETag": '"v2"'})
    fetched = fetch(source_for(url), tmp_path / "into", held=accepted_answer(tmp_path, url), limits=QUICK)
    assert (fetched[0].etag, fetched[0].size_bytes) == ('"v2"', 18)


def test_validators_are_sent_only_to_the_server_that_issued_them(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    url = httpserver.url_for("/t.csv")
    httpserver.expect_request("/t.csv").respond_with_handler(respond_304_for_v1)
    fetch(
        source_for(url), tmp_path / "into", held=accepted_answer(tmp_path, url, via="a mirror"), limits=QUICK
    )
    assert "If-None-Match" not in httpserver.log[0][0].headers


def test_unrequested_304_is_an_error(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/").respond_with_data(status=304)
    assert "HTTP 304" in failure(source_for(httpserver.url_for("/")), tmp_path)


# --- redirects, TLS, proxies, pace --------------------------------------------------------------------


def test_redirect_is_followed_and_the_requested_address_recorded(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    httpserver.expect_request("/old").respond_with_data(status=301, headers={"Location": "/new"})
    httpserver.expect_request("/new").respond_with_data(CSV)
    fetched = fetch(source_for(httpserver.url_for("/old")), tmp_path, limits=QUICK)
    assert fetched[0].address == httpserver.url_for("/old")


def test_redirect_loop_is_an_error(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/a").respond_with_data(status=302, headers={"Location": "/b"})
    httpserver.expect_request("/b").respond_with_data(status=302, headers={"Location": "/a"})
    message = failure(source_for(httpserver.url_for("/a")), tmp_path)
    assert "more than 5 redirects" in message and httpserver.url_for("/a") in message
    assert len(httpserver.log) == 6


def test_redirect_away_from_http_is_rejected(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/a").respond_with_data(status=302, headers={"Location": "file:///etc/passwd"})
    assert "a redirect to an address that is not HTTP" in failure(
        source_for(httpserver.url_for("/a")), tmp_path
    )


def test_redirect_to_an_unreadable_address_is_rejected(tmp_path: Path) -> None:
    with serving(send(head("302 Found", Location="http://[x/", Content_Length=0))) as (url, _):
        assert "a redirect to an address that cannot be read" in failure(source_for(url), tmp_path)


def test_body_of_a_redirect_is_not_read(tmp_path: Path) -> None:
    endless = drip(head("302 Found", Location="/new", Content_Length=100000), b"x")
    start = time.monotonic()
    with serving(endless, send(head(Content_Length=27), CSV)) as (url, requests):
        fetch(source_for(url), tmp_path, limits=QUICK)
        took = time.monotonic() - start
    assert requests[1].startswith("GET /new ") and took < 5


def test_redirect_to_another_host_drops_the_headers_of_the_source(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    with serving(send(head(Content_Length=27), CSV)) as (elsewhere, requests):
        httpserver.expect_request("/here").respond_with_data(status=302, headers={"Location": "/near"})
        httpserver.expect_request("/near").respond_with_data(status=302, headers={"Location": elsewhere})
        headers = (("ClientSecret", "hush"), ("Accept", "text/csv"))
        fetch(source_for(httpserver.url_for("/here"), headers=headers), tmp_path, limits=QUICK)
    assert [request.headers["ClientSecret"] for request, _ in httpserver.log] == ["hush", "hush"]
    assert (
        "hush" not in requests[0]
        and "Accept: text/csv" in requests[0]
        and "services-trade-warehouse" in requests[0]
    )


def test_untrusted_certificate_is_rejected(
    secure: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    message = failure(source_for(secure.url_for("/t.csv")), tmp_path)
    assert "certificate is not trusted" in message and "REQUESTS_CA_BUNDLE" in message
    assert not secure.log


def test_requests_ca_bundle_is_honoured(
    secure: HTTPServer, tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert fetch(source_for(secure.url_for("/t.csv")), tmp_path, limits=QUICK)[0].size_bytes == 27


def test_missing_certificate_bundle_is_reported_with_path(
    secure: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "lost.pem"))
    assert "lost.pem" in failure(source_for(secure.url_for("/t.csv")), tmp_path)


def test_redirect_from_https_to_http_is_rejected(
    secure: HTTPServer,
    httpserver: HTTPServer,
    tmp_path: Path,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    plain = httpserver.url_for("/t.csv")
    httpserver.expect_request("/t.csv").respond_with_data(CSV)
    secure.expect_request("/moved").respond_with_data(status=302, headers={"Location": plain})
    assert f"from https to http, the last to {plain}" in failure(
        source_for(secure.url_for("/moved")), tmp_path
    )
    assert not httpserver.log


def test_proxy_variables_are_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(send(head(Content_Length=27), CSV)) as (proxy, requests):
        monkeypatch.setenv("http_proxy", proxy)
        fetch(source_for("http://publisher.example/t.csv"), tmp_path, limits=QUICK)
    assert requests[0].startswith("GET http://publisher.example/t.csv HTTP/1.1")


def times_of_two_calls(url: str, tmp_path: Path, **more: object) -> list[float]:
    times: list[float] = []
    pair = [Request(name=name, url=url, kind="csv") for name in ("a.csv", "b.csv")]
    source = source_of(*pair, pace=0.4)
    limits = replace(QUICK, seconds_between_calls=None)
    fetch(source, tmp_path, limits=limits, progress=lambda *_: times.append(time.monotonic()), **more)  # type: ignore[arg-type]
    return times


def test_calls_to_a_host_are_paced_across_pulls(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/").respond_with_data(CSV)
    url = httpserver.url_for("/")
    times = times_of_two_calls(url, tmp_path / "a") + times_of_two_calls(url, tmp_path / "b")
    gaps = [after - before for before, after in pairwise(times)]
    # Measured when an answer is read, which may be late for the first of two and shorten the gap.
    assert len(gaps) == 3 and all(gap > 0.2 for gap in gaps)
