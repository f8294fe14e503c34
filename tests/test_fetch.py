"""Fetch, over real HTTP on loopback: what comes is whole and of its kind, or an error that says why."""

from __future__ import annotations

import base64
import email.utils
import errno
import gzip
import io
import json
import logging
import re
import resource
import socket
import ssl
import struct
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import py7zr
import pyarrow as pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_httpserver import HTTPServer
from werkzeug import Request as Asked
from werkzeug import Response

from warehouse.errors import SourceError, WarehouseError
from warehouse.fetch import Limits, fetch, http, read_fetched
from warehouse.fetch.content import excerpt
from warehouse.fetch.download import disk_errors
from warehouse.files import sha256_of
from warehouse.model import Fetched, Plan, Request, Source

CSV = b"year,value\n2021,394272.573\n"
QUICK = Limits(
    connect_seconds=1,
    read_seconds=0.4,
    deadline_seconds=10,
    attempts=3,
    backoff_seconds=0.01,
    backoff_cap_seconds=0.02,
    retry_after_cap_seconds=5,
    seconds_between_calls=0,
)


@pytest.fixture(autouse=True)
def _no_proxy_between(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def never_read(files: Mapping[str, Path], work: Path) -> Iterator[pa.RecordBatch]:
    raise AssertionError("fetch does not read")


def source_of(plan: Callable[[], Plan], pace: float = 0.0) -> Source:
    return Source(
        name="toy",
        title="Toy",
        publisher="Nobody",
        table="Nothing",
        homepage="https://publisher.example/",
        licence="none",
        columns=("year", "value"),
        key=("year",),
        plan=plan,
        read=never_read,
        seconds_between_calls=pace,
    )


def asking(*requests: Request, pace: float = 0.0) -> Source:
    def plan() -> Plan:
        for request in requests:  # not `yield from`: a tuple can't be sent the answers
            _ = yield request

    return source_of(plan, pace)


def one(url: str, kind: str = "csv", name: str = "data.csv", **more: object) -> Source:
    return asking(Request(name=name, url=url, kind=kind, **more))  # type: ignore[arg-type]


def leftovers(into: Path) -> set[str]:
    return {path.name for path in into.iterdir()} if into.exists() else set()


def failure(source: Source, into: Path, limits: Limits = QUICK, **more: object) -> str:
    """Return the text of the error that a pull ends in, having seen that it left nothing half."""
    with pytest.raises(WarehouseError) as caught:
        fetch(source, into, limits=limits, **more)  # type: ignore[arg-type]
    assert not [name for name in leftovers(into) if "part" in name or name == "fetched.json"]
    return str(caught.value)


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged, except by the tests' own server."""
    return [
        f"{record.levelname} {record.getMessage()}"
        for record in caplog.records
        if not record.name.startswith("werkzeug")
    ]


# --- a server that misbehaves on the wire -------------------------------------------------------------

Script = Callable[[socket.socket, str], None]


@contextmanager
def serving(*scripts: Script) -> Iterator[tuple[str, list[str]]]:
    """Answer the n-th connection by the n-th script (the last serves the rest); yield address, requests."""
    heard: list[str] = []
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.01)

    def serve() -> None:
        count = 0
        while not over.is_set():
            try:
                line, _ = listener.accept()
            except TimeoutError:
                continue
            with line:
                line.settimeout(2)
                request = b""
                while b"\r\n\r\n" not in request:
                    request += line.recv(4096)
                heard.append(request.decode("latin-1"))
                with suppress(OSError):  # the client hung up on us, as some tests mean it to
                    scripts[min(count, len(scripts) - 1)](line, heard[-1])
            count += 1

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heard
    finally:
        over.set()
        thread.join()
        listener.close()


def head(status: str = "200 OK", **headers: object) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def send(*parts: bytes) -> Script:
    return lambda line, request: line.sendall(b"".join(parts))


def send_then_reset(*parts: bytes) -> Script:
    def script(line: socket.socket, request: str) -> None:
        line.sendall(b"".join(parts))
        time.sleep(0.05)  # else the reset overtakes the bytes
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return script


def drip(first: bytes, drop: bytes, seconds: float = 0.05) -> Script:
    def script(line: socket.socket, request: str) -> None:
        line.sendall(first)
        for _ in range(200):
            line.sendall(drop)
            time.sleep(seconds)

    return script


# --- a pull that goes well ----------------------------------------------------------------------------


def test_a_pull_drives_its_plan_and_lists_what_came(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_oneshot_request("/list").respond_with_data(
        "<!DOCTYPE html><html>table-7.csv</html>", headers={"ETag": '"a"', "Content-Type": "text/html"}
    )
    httpserver.expect_oneshot_request(
        "/table-7.csv", query_string={"format": "csv", "page": "1 & 2"}
    ).respond_with_data(CSV)
    seen: list[tuple[str, int]] = []

    def plan() -> Plan:
        page = yield Request(name="list.html", url=httpserver.url_for("/list"), kind="html")
        table = "table-7.csv" if b"table-7.csv" in page.read_bytes() else "lost"
        params = (("format", "csv"), ("page", "1 & 2"))
        yield Request(name="table.csv", url=httpserver.url_for(f"/{table}"), kind="csv", params=params)

    before = datetime.now(UTC).replace(microsecond=0)
    into = tmp_path / "not yet" / "files"
    fetched = fetch(
        source_of(plan), into, limits=QUICK, progress=lambda asked, size: seen.append((asked.name, size))
    )

    httpserver.check_assertions()
    assert [file.name for file in fetched] == ["list.html", "table.csv"]
    assert (into / "table.csv").read_bytes() == CSV
    page, table = fetched
    assert table.address == httpserver.url_for("/table-7.csv") + "?format=csv&page=1+%26+2"
    assert (table.size_bytes, table.sha256) == (27, sha256_of(into / "table.csv"))
    assert before <= table.retrieved_at <= datetime.now(UTC)
    assert table.via == "publisher"
    assert (page.etag, page.content_type) == ('"a"', "text/html")
    assert seen[-1] == ("table.csv", 27)
    assert read_fetched(into) == fetched
    assert leftovers(into) == {"list.html", "table.csv", "fetched.json"}


def test_we_say_who_we_are_and_ask_for_plain_bytes(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/").respond_with_data(CSV)
    headers = (("Referer", "https://publisher.example/"), ("User-Agent", "Mozilla/5.0"))
    fetch(one(httpserver.url_for("/"), headers=headers), tmp_path, limits=QUICK)
    sent = httpserver.log[0][0].headers
    assert sent["User-Agent"].startswith("services-trade-warehouse/0.1.0 (")
    assert "python-requests" not in sent["User-Agent"]
    assert sent["Accept-Encoding"] == "identity"
    assert sent["Referer"] == "https://publisher.example/"


def test_an_unfinished_pull_has_no_list(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="never completed"):
        read_fetched(tmp_path)


def test_a_pull_that_fails_takes_an_older_list_away(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_ordered_request("/").respond_with_data(CSV)
    httpserver.expect_ordered_request("/").respond_with_data("gone", status=404)
    source = one(httpserver.url_for("/"))
    fetch(source, tmp_path, limits=QUICK)
    assert (tmp_path / "fetched.json").exists()
    assert "HTTP 404" in failure(source, tmp_path)


def test_a_plan_that_asks_for_nothing_is_an_error(tmp_path: Path) -> None:
    assert "requested nothing" in failure(asking(), tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "../up.csv",
        "a/b.csv",
        "a\\b.csv",
        "/etc/x",
        "",
        ".",
        "..",
        ".hidden",
        "fetched.json",
        "Fetched.JSON",
        "x.part",
        "c:x",
        "a\nb",
    ],
)
def test_a_name_that_is_no_plain_file_is_refused(name: str, tmp_path: Path) -> None:
    source = one("http://127.0.0.1:9/never", name=name)
    assert "can't be a file of the pull" in failure(source, tmp_path / "into")
    assert leftovers(tmp_path) <= {"into"} and not leftovers(tmp_path / "into")


def test_a_name_that_occurs_twice_is_refused(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/").respond_with_data(CSV)
    twice = [Request(name=name, url=httpserver.url_for("/"), kind="csv") for name in ("A.csv", "a.csv")]
    assert "occurs twice" in failure(asking(*twice), tmp_path)


# --- passing faults -----------------------------------------------------------------------------------


def test_429_with_retry_after_then_503_then_right(
    httpserver: HTTPServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    httpserver.expect_ordered_request("/").respond_with_data(
        "slow down", status=429, headers={"Retry-After": "1"}
    )
    httpserver.expect_ordered_request("/").respond_with_data("busy", status=503)
    httpserver.expect_ordered_request("/").respond_with_data(CSV)
    start = time.monotonic()
    fetch(one(httpserver.url_for("/")), tmp_path, limits=QUICK)
    assert time.monotonic() - start >= 1.0
    assert len(httpserver.log) == 3
    first, second, done = logged(caplog)
    assert "HTTP 429" in first and "HTTP 503" in second and "27 bytes" in done


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_status_is_tried_again(httpserver: HTTPServer, tmp_path: Path, status: int) -> None:
    httpserver.expect_ordered_request("/").respond_with_data("busy", status=status)
    httpserver.expect_ordered_request("/").respond_with_data(CSV)
    assert fetch(one(httpserver.url_for("/")), tmp_path, limits=QUICK)[0].size_bytes == 27


def test_a_400_with_a_page_is_sporadic(httpserver: HTTPServer, tmp_path: Path) -> None:
    page = "\n<html><head><title>Bad Request</title></head></html>"
    httpserver.expect_ordered_request("/").respond_with_data(page, status=400)
    httpserver.expect_ordered_request("/").respond_with_data(CSV)
    fetch(one(httpserver.url_for("/")), tmp_path, limits=QUICK)
    assert len(httpserver.log) == 2


@pytest.mark.parametrize("status", [204, 400, 401, 403, 404, 410, 501])
def test_any_other_status_fails_at_once(httpserver: HTTPServer, tmp_path: Path, status: int) -> None:
    httpserver.expect_request("/x").respond_with_data('{"message": "no such table"}', status=status)
    told = failure(one(httpserver.url_for("/x")), tmp_path)
    assert len(httpserver.log) == 1
    assert told.startswith(f"toy: HTTP {status}") and httpserver.url_for("/x") in told
    assert "no such table" in told or status == 204


def test_attempts_are_bounded(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/").respond_with_data("busy", status=503)
    told = failure(one(httpserver.url_for("/")), tmp_path)
    assert len(httpserver.log) == 3
    assert "no complete answer in 3 attempts: HTTP 503" in told and "'busy'" in told


def test_retry_after_is_read_as_seconds_or_date() -> None:
    later = email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 80 < http.retry_after_seconds(later) <= 90
    assert http.retry_after_seconds("7") == 7
    assert [http.retry_after_seconds(told) for told in (None, "", "soon", "-3")] == [0, 0, 0, 0]
    assert http.retry_after_seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0


def test_retry_after_is_honoured_up_to_a_cap(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_ordered_request("/").respond_with_data(
        "later", status=503, headers={"Retry-After": "86400"}
    )
    httpserver.expect_ordered_request("/").respond_with_data(CSV)
    start = time.monotonic()
    fetch(one(httpserver.url_for("/")), tmp_path, limits=replace(QUICK, retry_after_cap_seconds=0.3))
    assert 0.3 <= time.monotonic() - start < 5


def test_a_wait_that_outlasts_the_deadline_is_not_begun(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/").respond_with_data("later", status=503, headers={"Retry-After": "60"})
    limits = replace(QUICK, retry_after_cap_seconds=60, deadline_seconds=8)
    start = time.monotonic()
    assert "in 1 attempt: HTTP 503" in failure(one(httpserver.url_for("/")), tmp_path, limits)
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
    failure(one(httpserver.url_for("/")), tmp_path, limits)
    waits = [wait for wait in waits if wait > 0]  # the pace sleeps too, for no time
    assert len(waits) == 5
    for wait, least in zip(waits, (1, 2, 4, 6, 6), strict=True):
        assert least <= wait <= min(least + 1, 6)
    assert waits[0] != 1 and waits[1] != 2


def test_a_refused_connection_is_a_passing_fault(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    told = failure(one(f"http://127.0.0.1:{port}/x"), tmp_path)
    assert "3 attempts" in told and "refused" in told and f":{port}/x" in told


def test_a_server_that_hangs_is_left(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with serving(lambda line, request: time.sleep(0.6), send(head(Content_Length=27), CSV)) as (url, heard):
        fetch(one(url), tmp_path, limits=QUICK)
    assert len(heard) == 2 and "Read timed out" in logged(caplog)[0]


@pytest.mark.parametrize(
    ("first", "drop"),
    [
        (head(Content_Length=100000), b"x"),
        (head(Transfer_Encoding="chunked"), b"1\r\nx\r\n"),
        (head(Transfer_Encoding="chunked") + b"5;", b"x"),
        (head(Connection="close"), b"x"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
        (b"HT", b"T"),
    ],
    ids=["body", "chunked", "within a chunk's length", "no length", "headers", "status line"],
)
def test_a_drip_ends_at_the_deadline(tmp_path: Path, first: bytes, drop: bytes) -> None:
    limits = replace(QUICK, deadline_seconds=0.5)
    start = time.monotonic()
    with serving(drip(first, drop)) as (url, _):
        told = failure(one(url), tmp_path, limits)
        took = time.monotonic() - start
    assert "the deadline of 0.5 s passed" in told
    assert took < 5  # the drip itself would go on for 10 s


# --- the body -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("breaks", [send, send_then_reset], ids=["closed", "reset"])
def test_a_broken_body_is_resumed(tmp_path: Path, breaks: Callable[..., Script]) -> None:
    first = head(Content_Length=27, ETag='"v1"', Accept_Ranges="bytes")
    rest = head("206 Partial Content", Content_Length=17, Content_Range="bytes 10-26/27", ETag='"v1"')
    busy = send(head("503 Busy", Content_Length=0))
    with serving(breaks(first, CSV[:10]), busy, send(rest, CSV[10:])) as (url, heard):
        fetched = fetch(one(url), tmp_path, limits=QUICK)
    assert (tmp_path / "data.csv").read_bytes() == CSV
    assert "Range:" not in heard[0]
    for request in heard[1:]:
        assert "Range: bytes=10-\r\n" in request and 'If-Range: "v1"\r\n' in request
    assert fetched[0].size_bytes == 27


def test_a_body_broken_twice_is_resumed_twice_by_date(tmp_path: Path) -> None:
    day = "Wed, 23 Jul 2025 10:00:00 GMT"
    first = head(Content_Length=27, ETag='W/"weak"', Last_Modified=day, Accept_Ranges="bytes")
    second = head("206 Partial Content", Content_Length=10, Content_Range="bytes 10-19/27")
    third = head("206 Partial Content", Content_Length=7, Content_Range="bytes 20-26/*")
    with serving(send(first, CSV[:10]), send(second, CSV[10:20]), send(third, CSV[20:])) as (url, heard):
        fetch(one(url), tmp_path, limits=QUICK)
    assert (tmp_path / "data.csv").read_bytes() == CSV
    assert f"If-Range: {day}\r\n" in heard[1] and "Range: bytes=20-\r\n" in heard[2]


def test_a_body_that_has_changed_starts_over(tmp_path: Path) -> None:
    first = head(Content_Length=40, ETag='"v1"', Accept_Ranges="bytes")
    with serving(send(first, b"an older text"), send(head(Content_Length=27), CSV)) as (url, heard):
        fetch(one(url), tmp_path, limits=QUICK)
    assert (tmp_path / "data.csv").read_bytes() == CSV
    assert len(heard) == 2 and "Range: bytes=13-" in heard[1]


@pytest.mark.parametrize(
    "unfit",
    [
        head("206 Partial Content", Content_Length=18, Content_Range="bytes 9-26/27"),
        head("206 Partial Content", Content_Length=17, Content_Range="bytes 10-26/30"),
        head("206 Partial Content", Content_Length=17, Content_Range="bytes 10-26/27", ETag='"v2"'),
        head("206 Partial Content", Content_Length=17),
        head("416 Range Not Satisfiable", Content_Length=0),
    ],
    ids=["elsewhere", "another length", "another version", "unsaid", "refused"],
)
def test_a_part_that_does_not_fit_starts_over(tmp_path: Path, unfit: bytes) -> None:
    first = head(Content_Length=27, ETag='"v1"', Accept_Ranges="bytes")
    with serving(send(first, CSV[:10]), send(unfit, CSV[10:]), send(head(Content_Length=27), CSV)) as (
        url,
        heard,
    ):
        fetch(one(url), tmp_path, limits=QUICK)
    assert (tmp_path / "data.csv").read_bytes() == CSV
    assert len(heard) == 3 and "Range:" not in heard[2]


@pytest.mark.parametrize(
    "headers",
    [{"ETag": '"v1"'}, {"Accept_Ranges": "bytes"}, {"Accept_Ranges": "bytes", "ETag": 'W/"v1"'}],
    ids=["no ranges offered", "no validator", "a weak validator"],
)
def test_without_ranges_and_validator_a_body_starts_over(tmp_path: Path, headers: dict[str, str]) -> None:
    whole = head(Content_Length=27, **headers)
    with serving(send(whole, CSV[:10]), send(whole, CSV)) as (url, heard):
        fetch(one(url), tmp_path, limits=QUICK)
    assert (tmp_path / "data.csv").read_bytes() == CSV
    assert "Range:" not in heard[1]


def test_a_body_shorter_than_announced_is_an_error(tmp_path: Path) -> None:
    with serving(send(head(Content_Length=28), CSV)) as (url, heard):
        told = failure(one(f"{url}/t.csv"), tmp_path)
    assert len(heard) == 3
    assert "toy: no complete answer in 3 attempts" in told and "27 bytes read, 1 more expected" in told
    assert f"{url}/t.csv" in told


def test_chunks_that_break_off_are_an_error(tmp_path: Path) -> None:
    with serving(send(head(Transfer_Encoding="chunked"), b"1b\r\n" + CSV[:9])) as (url, _):
        assert "the body broke off" in failure(one(url), tmp_path)


def test_a_body_longer_than_announced_is_an_error(tmp_path: Path) -> None:
    with serving(send(head(Content_Length=10), b'{"a": "12345"}')) as (url, _):
        assert "cut off before its end" in failure(one(url, kind="json"), tmp_path)


def test_a_partial_answer_longer_than_the_rest_starts_over(tmp_path: Path) -> None:
    first = head(Content_Length=27, ETag='"v1"', Accept_Ranges="bytes")
    long = head("206 Partial Content", Content_Length=20, Content_Range="bytes 10-26/27")
    whole = send(head(Content_Length=27), CSV)
    with serving(send(first, CSV[:10]), send(long, CSV[10:], b"xyz"), whole) as (url, heard):
        fetch(one(url), tmp_path, limits=QUICK)
    assert (tmp_path / "data.csv").read_bytes() == CSV
    assert "Range:" not in heard[2]


def test_a_body_compressed_unasked_is_decoded(tmp_path: Path) -> None:
    packed = gzip.compress(CSV)
    reply = head(Content_Length=len(packed), Content_Encoding="gzip", ETag='"v1"', Accept_Ranges="bytes")
    with serving(send(reply, packed[:20]), send(reply, packed)) as (url, heard):
        fetched = fetch(one(url), tmp_path, limits=QUICK)
    assert (tmp_path / "data.csv").read_bytes() == CSV and fetched[0].size_bytes == 27
    assert "Range:" not in heard[1]  # a range of compressed bytes is none of ours


def spelled(value: str | bytes) -> str:
    """Name a case without what an archive's clock puts into its bytes: two workers must collect the same."""
    return re.sub(r"\d+", "n", value) if isinstance(value, str) else "bytes"


@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        ("gzip", gzip.compress(CSV)[:-9], "ended early"),
        ("gzip", b"plain text", "damaged"),
        ("br", b"plain text", "encoded as 'br', which was not requested"),
    ],
    ids=spelled,
)
def test_a_compressed_body_that_is_not_whole_is_an_error(
    tmp_path: Path, encoding: str, body: bytes, reason: str
) -> None:
    with serving(send(head(Content_Length=len(body), Content_Encoding=encoding), body)) as (url, _):
        assert reason in failure(one(url), tmp_path)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (head(Content_Length=101) + b"x" * 101, "101 bytes are announced"),
        (head(Transfer_Encoding="chunked") + b"65\r\n" + b"x" * 101 + b"\r\n0\r\n\r\n", "more than 100"),
        (head(Content_Encoding="gzip") + gzip.compress(b"x" * 10_000_000), "more than 100"),
    ],
    ids=["announced", "chunked", "compressed"],
)
def test_a_body_that_is_too_large_is_not_kept(tmp_path: Path, reply: bytes, reason: str) -> None:
    written: list[int] = []
    with serving(send(reply)) as (url, heard):
        told = failure(one(url, max_bytes=100), tmp_path, progress=lambda asked, size: written.append(size))
    assert reason in told and "the limit is 100" in told
    assert len(heard) == 1 and not written


# --- conditional requests -----------------------------------------------------------------------------


def kept(tmp_path: Path, address: str, via: str = "publisher") -> dict[str, tuple[Fetched, Path]]:
    path = tmp_path / "accepted.csv"
    path.write_bytes(CSV)
    known = Fetched(
        name="old-name.csv",
        address=address,
        sha256=sha256_of(path),
        size_bytes=27,
        retrieved_at=datetime(2024, 7, 12, tzinfo=UTC),
        content_type="text/csv",
        etag='"v1"',
        last_modified="Fri, 12 Jul 2024 00:00:00 GMT",
        via=via,
    )
    return {address: (known, path)}


def conditional(request: Asked) -> Response:
    if request.headers.get("If-None-Match") == '"v1"' and request.headers.get("If-Modified-Since"):
        return Response(status=304, headers={"ETag": '"v1"'})
    return Response(b"year,value\n2021,1\n", headers={"ETag": '"v2"'})


def test_a_304_stands_for_the_held_bytes(httpserver: HTTPServer, tmp_path: Path) -> None:
    url = httpserver.url_for("/t.csv")
    httpserver.expect_request("/t.csv").respond_with_handler(conditional)
    before = datetime.now(UTC).replace(microsecond=0)
    seen: list[int] = []
    into = tmp_path / "into"
    held = kept(tmp_path, url)
    fetched = fetch(one(url), into, held=held, limits=QUICK, progress=lambda asked, size: seen.append(size))
    assert httpserver.log[0][1].status_code == 304
    assert (into / "data.csv").read_bytes() == CSV
    assert (fetched[0].name, fetched[0].etag, fetched[0].content_type) == ("data.csv", '"v1"', "text/csv")
    assert fetched[0].last_modified == "Fri, 12 Jul 2024 00:00:00 GMT"
    assert fetched[0].retrieved_at >= before  # the publisher has just said so again
    assert seen == [27]


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_304_for_damaged_bytes_asks_for_the_whole(
    httpserver: HTTPServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    url = httpserver.url_for("/t.csv")
    httpserver.expect_request("/t.csv").respond_with_handler(conditional)
    held = kept(tmp_path, url)
    accepted = held[url][1]
    if damage == "gone":
        accepted.unlink()
    else:
        accepted.write_bytes(b"rotten")
    fetched = fetch(one(url), tmp_path / "into", held=held, limits=QUICK)
    assert (tmp_path / "into" / "data.csv").read_bytes() == b"year,value\n2021,1\n"
    assert fetched[0].etag == '"v2"'
    assert logged(caplog)[0].startswith(f"ERROR toy: the accepted file {accepted} is missing or")


def test_a_changed_answer_is_received_whole(httpserver: HTTPServer, tmp_path: Path) -> None:
    url = httpserver.url_for("/t.csv")
    httpserver.expect_request("/t.csv").respond_with_data("year,value\n2021,1\n", headers={"ETag": '"v2"'})
    fetched = fetch(one(url), tmp_path / "into", held=kept(tmp_path, url), limits=QUICK)
    assert (fetched[0].etag, fetched[0].size_bytes) == ('"v2"', 18)


def test_validators_go_only_to_where_they_came_from(httpserver: HTTPServer, tmp_path: Path) -> None:
    url = httpserver.url_for("/t.csv")
    httpserver.expect_request("/t.csv").respond_with_handler(conditional)
    fetch(one(url), tmp_path / "into", held=kept(tmp_path, url, via="a mirror"), limits=QUICK)
    assert "If-None-Match" not in httpserver.log[0][0].headers


def test_an_unasked_304_is_an_error(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/").respond_with_data(status=304)
    assert "HTTP 304" in failure(one(httpserver.url_for("/")), tmp_path)


# --- redirects, TLS, proxies, pace, secrets -----------------------------------------------------------


def test_a_redirect_is_followed_and_keeps_the_address_asked_for(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    httpserver.expect_request("/old").respond_with_data(status=301, headers={"Location": "/new"})
    httpserver.expect_request("/new").respond_with_data(CSV)
    fetched = fetch(one(httpserver.url_for("/old")), tmp_path, limits=QUICK)
    assert fetched[0].address == httpserver.url_for("/old")


def test_a_redirect_in_a_circle_ends(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/a").respond_with_data(status=302, headers={"Location": "/b"})
    httpserver.expect_request("/b").respond_with_data(status=302, headers={"Location": "/a"})
    told = failure(one(httpserver.url_for("/a")), tmp_path)
    assert "more than 5 redirects" in told and httpserver.url_for("/a") in told
    assert len(httpserver.log) == 6


def test_a_redirect_away_from_http_is_refused(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/a").respond_with_data(status=302, headers={"Location": "file:///etc/passwd"})
    assert "a redirect to an address that is not HTTP" in failure(one(httpserver.url_for("/a")), tmp_path)


def test_another_host_is_not_sent_the_source_s_headers(httpserver: HTTPServer, tmp_path: Path) -> None:
    with serving(send(head(Content_Length=27), CSV)) as (elsewhere, heard):
        httpserver.expect_request("/here").respond_with_data(status=302, headers={"Location": "/near"})
        httpserver.expect_request("/near").respond_with_data(status=302, headers={"Location": elsewhere})
        headers = (("ClientSecret", "hush"), ("Accept", "text/csv"))
        fetch(one(httpserver.url_for("/here"), headers=headers), tmp_path, limits=QUICK)
    assert [asked.headers["ClientSecret"] for asked, _ in httpserver.log] == ["hush", "hush"]
    assert (
        "hush" not in heard[0] and "Accept: text/csv" in heard[0] and "services-trade-warehouse" in heard[0]
    )


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sign a certificate for localhost with its own key; key and certificate in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture(scope="module")
def secure_server(certificate: Path) -> Iterator[HTTPServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HTTPServer(host="localhost", port=0, ssl_context=context) as server:
        yield server


@pytest.fixture
def secure(secure_server: HTTPServer) -> HTTPServer:
    secure_server.clear()
    secure_server.expect_request("/t.csv").respond_with_data(CSV)
    return secure_server


def test_a_certificate_nobody_vouches_for_is_refused(
    secure: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    told = failure(one(secure.url_for("/t.csv")), tmp_path)
    assert "certificate is not trusted" in told and "REQUESTS_CA_BUNDLE" in told
    assert not secure.log


def test_an_institute_s_own_certificates_are_honoured(
    secure: HTTPServer, tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert fetch(one(secure.url_for("/t.csv")), tmp_path, limits=QUICK)[0].size_bytes == 27


def test_a_certificate_bundle_that_is_not_there_is_told(
    secure: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "lost.pem"))
    assert "lost.pem" in failure(one(secure.url_for("/t.csv")), tmp_path)


def test_a_redirect_from_https_to_http_is_refused(
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
    assert f"from https to http, the last to {plain}" in failure(one(secure.url_for("/moved")), tmp_path)
    assert not httpserver.log


def test_proxy_variables_are_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(send(head(Content_Length=27), CSV)) as (proxy, heard):
        monkeypatch.setenv("http_proxy", proxy)
        fetch(one("http://publisher.example/t.csv"), tmp_path, limits=QUICK)
    assert heard[0].startswith("GET http://publisher.example/t.csv HTTP/1.1")


def times_of_two_calls(url: str, tmp_path: Path, **more: object) -> list[float]:
    seen: list[float] = []
    pair = [Request(name=name, url=url, kind="csv") for name in ("a.csv", "b.csv")]
    source = asking(*pair, pace=0.4)
    limits = replace(QUICK, seconds_between_calls=None)
    fetch(source, tmp_path, limits=limits, progress=lambda *_: seen.append(time.monotonic()), **more)  # type: ignore[arg-type]
    return seen


def test_the_pace_is_kept_from_call_to_call_and_pull_to_pull(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/").respond_with_data(CSV)
    url = httpserver.url_for("/")
    seen = times_of_two_calls(url, tmp_path / "a") + times_of_two_calls(url, tmp_path / "b")
    gaps = [after - before for before, after in pairwise(seen)]
    # Seen when an answer is read, which may be late for the first of two and make the gap look shorter.
    assert len(gaps) == 3 and all(gap > 0.2 for gap in gaps)


def test_a_secret_is_told_nowhere(
    httpserver: HTTPServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    httpserver.expect_ordered_request("/t").respond_with_data("busy", status=503)
    httpserver.expect_ordered_request("/t").respond_with_data(CSV)
    address = httpserver.url_for("/t").replace("//", "//me:hush@")
    params = (("format", "csv"), ("api_key", "hush"))
    fetched = fetch(one(address, params=params), tmp_path, limits=QUICK)
    asked = httpserver.log[0][0]
    assert asked.args["api_key"] == "hush"
    assert asked.headers["Authorization"] == "Basic " + base64.b64encode(b"me:hush").decode()
    assert fetched[0].address == httpserver.url_for("/t").replace("//", "//***@") + "?format=csv&api_key=***"
    assert "hush" not in (tmp_path / "fetched.json").read_text()
    told = " ".join(logged(caplog))
    assert "api_key=***" in told and "hush" not in told


def test_a_secret_is_not_in_the_error_of_a_broken_connection(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    source = one(f"http://me:hush@127.0.0.1:{port}/x", params=(("token", "hush"),))
    told = failure(source, tmp_path) + " ".join(logged(caplog))
    assert "token=***" in told and "hush" not in told


# --- kinds, by their bytes ----------------------------------------------------------------------------


def zipped(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, f"the content of {name}" * 20)
    return packed.getvalue()


def seven_zipped() -> bytes:
    packed = io.BytesIO()
    with py7zr.SevenZipFile(packed, "w") as archive:
        archive.writestr("year,value\n" * 50, "t.csv")
    return packed.getvalue()


XLSX = zipped("[Content_Types].xml", "xl/workbook.xml")
SEVEN = seven_zipped()
PAGE = b"\xef\xbb\xbf\n<!DOCTYPE html><html><body>\xe7\xbb\xb4\xe6\x8a\xa4 maintenance</body></html>"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("csv", CSV),
        ("csv", b"\xef\xbb\xbf" + CSV),
        ("csv", "économie\n".encode("cp1252")),
        ("html", PAGE),
        ("html", b'<?xml version="1.0"?>\n<!DOCTYPE html>\n<p>'),
        ("json", b'\xef\xbb\xbf {"a": [1]}\n'),
        ("json", b"[]"),
        ("xlsx", XLSX),
        ("zip", zipped("t.csv")),
        ("7z", SEVEN),
    ],
)
def test_the_right_kind_is_taken(httpserver: HTTPServer, tmp_path: Path, kind: str, body: bytes) -> None:
    httpserver.expect_request("/").respond_with_data(body, content_type="application/octet-stream")
    fetch(one(httpserver.url_for("/"), kind=kind), tmp_path, limits=QUICK)
    assert (tmp_path / "data.csv").read_bytes() == body


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        *((kind, b"", "it is empty") for kind in ("csv", "html", "json", "xlsx", "zip", "7z")),
        *((kind, PAGE, "it is HTML or XML") for kind in ("csv", "json", "xlsx", "zip", "7z")),
        ("csv", XLSX, "contains null bytes"),
        ("csv", b"<?xml version='1.0'?><Error/>", "it is HTML or XML"),
        ("html", b"year,value", "does not begin as HTML"),
        ("html", b"<?xml version='1.0'?><Error/>", "does not begin as HTML"),
        ("json", b"year,value", "neither { nor ["),
        ("json", b'[{"page":1},[{"value":', "cut off"),
        ("json", b'{"a": [1]', "cut off"),
        ("zip", zipped("t.csv")[:-10], "cut off or damaged"),
        ("zip", zipped("t.csv")[:60], "cut off or damaged"),
        ("zip", b"x" + zipped("t.csv"), "no header of zip"),
        ("zip", SEVEN, "no header of zip"),
        ("zip", zipped(), "no header of zip"),
        ("xlsx", XLSX[: len(XLSX) // 2], "cut off or damaged"),
        ("xlsx", zipped("t.csv"), "lacks [Content_Types].xml, xl/workbook.xml"),
        ("7z", SEVEN[:-1], f"cut off at {len(SEVEN) - 1} of {len(SEVEN)} bytes"),
        ("7z", SEVEN[:20], "first header is cut off"),
        ("7z", SEVEN[:12] + b"\xff" + SEVEN[13:], "first header is cut off or damaged"),
        ("7z", SEVEN[:-1] + bytes([SEVEN[-1] ^ 1]), "end header is damaged"),
        ("7z", zipped("t.csv"), "no header of 7z"),
        ("parquet", b"PAR1", "no such kind"),
    ],
    ids=spelled,
)
def test_the_wrong_kind_is_an_error_that_says_what_came(
    httpserver: HTTPServer, tmp_path: Path, kind: str, body: bytes, reason: str
) -> None:
    httpserver.expect_request("/t").respond_with_data(body, content_type="text/csv")
    told = failure(one(httpserver.url_for("/t"), kind=kind), tmp_path)
    assert told.startswith(f"toy: the answer is not {kind}: ") and reason in told
    assert httpserver.url_for("/t") in told and "data.csv" in told
    assert "维护 maintenance" in told or body != PAGE
    assert "data.csv" not in leftovers(tmp_path)


def test_the_beginning_that_is_told_is_short_and_printable() -> None:
    assert excerpt(b"a\x00\x1b[31m\r\n b\xff" + b"c" * 200) == "a[31m b" + "c" * 73


# --- mirrors ------------------------------------------------------------------------------------------

ADDRESS = "https://publisher.example/t?format=csv"
FROM_PUBLISHER = one("https://publisher.example/t", params=(("format", "csv"),))


def mirror_at(folder: Path, **entry: object) -> Path:
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "t.csv").write_bytes(CSV)
    told = {
        "address": ADDRESS,
        "file": "in/t.csv",
        "retrieved_at": "2022-09-16T08:00:00+08:00",
        "content_type": "text/csv",
        "sha256": sha256_of(folder / "in" / "t.csv"),
    } | entry
    answers = [{name: value for name, value in told.items() if value is not None}]
    (folder / "index.json").write_text(json.dumps({"name": "recorded", "answers": answers}))
    return folder


def test_a_directory_answers_in_place_of_the_publisher(tmp_path: Path) -> None:
    mirror = mirror_at(tmp_path / "mirror")
    seen: list[int] = []
    into = tmp_path / "into"
    fetched = fetch(FROM_PUBLISHER, into, mirror=str(mirror), progress=lambda asked, size: seen.append(size))
    assert (into / "data.csv").read_bytes() == CSV
    assert fetched[0] == Fetched(
        name="data.csv",
        address=ADDRESS,
        sha256=sha256_of(mirror / "in" / "t.csv"),
        size_bytes=27,
        retrieved_at=datetime(2022, 9, 16, tzinfo=UTC),
        content_type="text/csv",
        etag=None,
        last_modified=None,
        via="recorded",
    )
    assert read_fetched(into) == fetched and seen == [27]


def test_a_mirror_that_names_no_time_answers_now(tmp_path: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    mirror = mirror_at(tmp_path / "mirror", retrieved_at=None, sha256=None, content_type=None)
    fetched = fetch(FROM_PUBLISHER, tmp_path / "into", mirror=str(mirror))
    assert before <= fetched[0].retrieved_at <= datetime.now(UTC)
    assert fetched[0].content_type is None


def test_a_mirror_is_held_to_its_index(tmp_path: Path) -> None:
    mirror = mirror_at(tmp_path / "mirror", address=ADDRESS + "&page=2")
    told = failure(FROM_PUBLISHER, tmp_path / "into", mirror=str(mirror))
    assert told.startswith(f"toy: the mirror recorded holds no answer for {ADDRESS}")


def test_a_mirror_s_checksum_is_verified(tmp_path: Path) -> None:
    mirror = mirror_at(tmp_path / "mirror", sha256="0" * 64)
    told = failure(FROM_PUBLISHER, tmp_path / "into", mirror=str(mirror))
    assert "0" * 64 in told and "SHA-256" in told and ADDRESS in told


def test_a_mirror_s_answer_is_judged_too(tmp_path: Path) -> None:
    mirror = mirror_at(tmp_path / "mirror", sha256=None)
    (mirror / "in" / "t.csv").write_bytes(PAGE)
    assert "not csv: it is HTML" in failure(FROM_PUBLISHER, tmp_path / "into", mirror=str(mirror))
    small = one("https://publisher.example/t", params=(("format", "csv"),), max_bytes=20)
    assert "too large" in failure(small, tmp_path / "into", mirror=str(mirror))


@pytest.mark.parametrize(
    "file", ["../out.csv", "in/../../out.csv", "", ".", "in\\t.csv", "linked.csv", "/etc/passwd"]
)
def test_a_mirror_s_file_stays_in_the_mirror(tmp_path: Path, file: str) -> None:
    (tmp_path / "out.csv").write_bytes(CSV)
    mirror = mirror_at(tmp_path / "mirror", file=file, sha256=None)
    (mirror / "linked.csv").symlink_to(tmp_path / "out.csv")
    told = failure(FROM_PUBLISHER, tmp_path / "into", mirror=str(mirror))
    assert f"the mirror {mirror}" in told or "the mirror recorded" in told
    assert ("inside the mirror" in told or "out of the mirror" in told)


def test_a_mirror_s_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    mirror = mirror_at(tmp_path / "mirror", file="in/lost.csv")
    told = failure(FROM_PUBLISHER, tmp_path / "into", mirror=str(mirror))
    assert "in/lost.csv does not exist" in told


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        (None, "holds no index.json"),
        ("{", "can't be read: Invalid JSON"),
        ("[]", "can't be read: Input should be an object"),
        ('{"name": "x"}', "can't be read: answers Field required"),
        ('{"name": "x", "answers": [{"file": "a"}]}', "can't be read: answers 0 address Field required"),
        ('{"name": "x", "answers": [{"address": "a"}]}', "can't be read: answers 0 file Field required"),
        ('{"name": "x", "answers": [{"address": "a", "file": "b"}, {"address": "a", "file": "c"}]}', "once"),
        ('{"name": "publisher", "answers": []}', "it needs a name (not 'publisher')"),
    ],
)
def test_a_mirror_without_a_sound_index_is_refused(tmp_path: Path, index: str | None, reason: str) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    if index is not None:
        (mirror / "index.json").write_text(index)
    told = failure(FROM_PUBLISHER, tmp_path / "into", mirror=str(mirror))
    assert reason in told and str(mirror) in told


@pytest.mark.parametrize("told", ["2022-09-16T00:00:00", "yesterday", 20220916])
def test_a_mirror_s_time_must_be_plain(tmp_path: Path, told: object) -> None:
    mirror = mirror_at(tmp_path / "mirror", retrieved_at=told)
    assert "retrieved_at" in failure(FROM_PUBLISHER, tmp_path / "into", mirror=str(mirror))


def serve_mirror(server: HTTPServer, folder: Path) -> str:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            server.expect_request(f"/mirror/{path.relative_to(folder)}").respond_with_data(
                path.read_bytes(), headers={"ETag": f'"{sha256_of(path)[:8]}"'}
            )
    return server.url_for("/mirror/")


def test_a_mirror_speaks_http_and_its_index_is_read_once(httpserver: HTTPServer, tmp_path: Path) -> None:
    base = serve_mirror(httpserver, mirror_at(tmp_path / "mirror"))
    params = (("format", "csv"),)
    headers = (("ClientSecret", "hush"),)
    pair = [
        Request(name=name, url="https://publisher.example/t", kind="csv", params=params, headers=headers)
        for name in ("a.csv", "b.csv")
    ]
    start = time.monotonic()
    fetched = fetch(asking(*pair, pace=5), tmp_path / "into", mirror=base, limits=Limits())
    assert time.monotonic() - start < 5  # the publisher's pace is not the mirror's
    assert [asked.path for asked, _ in httpserver.log] == [
        "/mirror/index.json",
        "/mirror/in/t.csv",
        "/mirror/in/t.csv",
    ]
    assert "ClientSecret" not in httpserver.log[1][0].headers
    assert {file.address for file in fetched} == {ADDRESS} and {file.via for file in fetched} == {"recorded"}
    assert fetched[0].retrieved_at == datetime(2022, 9, 16, tzinfo=UTC)
    assert leftovers(tmp_path / "into") == {"a.csv", "b.csv", "fetched.json"}


def test_an_http_mirror_s_304_is_checked_against_its_index(httpserver: HTTPServer, tmp_path: Path) -> None:
    folder = mirror_at(tmp_path / "mirror")
    httpserver.expect_request("/index.json").respond_with_data((folder / "index.json").read_bytes())
    httpserver.expect_request("/in/t.csv").respond_with_handler(conditional)
    held = kept(tmp_path, ADDRESS, via="recorded")
    base = httpserver.url_for("")
    fetched = fetch(FROM_PUBLISHER, tmp_path / "into", mirror=base, held=held, limits=QUICK)
    assert httpserver.log[1][1].status_code == 304
    assert fetched[0].retrieved_at == datetime(2022, 9, 16, tzinfo=UTC)


def test_an_http_mirror_is_held_to_its_index(httpserver: HTTPServer, tmp_path: Path) -> None:
    base = serve_mirror(httpserver, mirror_at(tmp_path / "mirror", sha256="0" * 64))
    assert "SHA-256" in failure(FROM_PUBLISHER, tmp_path / "into", mirror=base)
    other = one("https://publisher.example/other")
    assert "holds no answer for https://publisher.example/other" in failure(
        other, tmp_path / "into", mirror=base
    )


def test_an_http_mirror_without_an_index_is_told(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/index.json").respond_with_data("no", status=404)
    told = failure(FROM_PUBLISHER, tmp_path / "into", mirror=httpserver.url_for(""))
    assert "HTTP 404" in told and "/index.json" in told


# --- the disk -----------------------------------------------------------------------------------------


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Have the kernel refuse to write past a size, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(("size", "named"), [(20, "data.csv.part"), (100, "fetched.json")])
def test_a_full_disk_is_told_and_leaves_nothing(
    httpserver: HTTPServer, tmp_path: Path, size: int, named: str
) -> None:
    httpserver.expect_request("/").respond_with_data(CSV)
    with files_no_larger_than(size):
        told = failure(one(httpserver.url_for("/")), tmp_path)
    assert str(tmp_path / named) in told and "Free space" in told
    assert len(httpserver.log) == 1


def test_a_full_disk_under_a_mirror_is_told(tmp_path: Path) -> None:
    mirror = mirror_at(tmp_path / "mirror")
    with files_no_larger_than(20):
        told = failure(FROM_PUBLISHER, tmp_path / "into", mirror=str(mirror))
    assert "data.csv.part" in told and "Free space" in told


@pytest.mark.parametrize(
    ("code", "remedy"),
    [(errno.ENOSPC, "Free space"), (errno.EDQUOT, "Free space"), (errno.EROFS, "is writable")],
)
def test_the_remedy_fits_the_disk_s_trouble(tmp_path: Path, code: int, remedy: str) -> None:
    with pytest.raises(WarehouseError, match=remedy), disk_errors(tmp_path / "x"):
        raise OSError(code, "no")


def test_a_failed_answer_leaves_those_before_it_but_no_list(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/a").respond_with_data(CSV)
    httpserver.expect_request("/b").respond_with_data(PAGE)
    pair = [Request(name=f"{name}.csv", url=httpserver.url_for(f"/{name}"), kind="csv") for name in "ab"]
    with pytest.raises(SourceError):
        fetch(asking(*pair), tmp_path, limits=QUICK)
    assert leftovers(tmp_path) == {"a.csv"}
