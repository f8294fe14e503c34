"""Response bodies that are broken, resumed, compressed or too large."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from serving import CSV, QUICK, Script, failure, head, send, send_then_reset, serving, source_for

from warehouse.fetch import fetch

pytest_plugins = ("proxies",)
pytestmark = pytest.mark.usefixtures("no_proxy")
FIRST, SECOND = gzip.compress(CSV[:10]), gzip.compress(CSV[10:])  # members of one body


@pytest.mark.parametrize("breaks", [send, send_then_reset], ids=["closed", "reset"])
def test_broken_body_is_resumed(tmp_path: Path, breaks: Callable[..., Script]) -> None:
    first = head(Content_Length=27, ETag='"v1"', Accept_Ranges="bytes")
    rest = head("206 Partial Content", Content_Length=17, Content_Range="bytes 10-26/27", ETag='"v1"')
    busy = send(head("503 Busy", Content_Length=0))
    with serving(breaks(first, CSV[:10]), busy, send(rest, CSV[10:])) as (url, requests):
        fetched = fetch(source_for(url), tmp_path, limits=QUICK)
    assert (tmp_path / "data.csv").read_bytes() == CSV
    assert "Range:" not in requests[0]
    for request in requests[1:]:
        assert "Range: bytes=10-\r\n" in request and 'If-Range: "v1"\r\n' in request
    assert fetched[0].size_bytes == 27


def test_body_broken_twice_is_resumed_twice_by_date(tmp_path: Path) -> None:
    day = "Wed, 23 Jul 2025 10:00:00 GMT"
    first = head(Content_Length=27, ETag='W/"weak"', Last_Modified=day, Accept_Ranges="bytes")
    second = head("206 Partial Content", Content_Length=10, Content_Range="bytes 10-19/27")
    third = head("206 Partial Content", Content_Length=7, Content_Range="bytes 20-26/*")
    with serving(send(first, CSV[:10]), send(second, CSV[10:20]), send(third, CSV[20:])) as (url, requests):
        fetch(source_for(url), tmp_path, limits=QUICK)
    assert (tmp_path / "data.csv").read_bytes() == CSV
    assert f"If-Range: {day}\r\n" in requests[1] and "Range: bytes=20-\r\n" in requests[2]


def test_changed_body_starts_over(tmp_path: Path) -> None:
    first = head(Content_Length=40, ETag='"v1"', Accept_Ranges="bytes")
    with serving(send(first, b"an older text"), send(head(Content_Length=27), CSV)) as (url, requests):
        fetch(source_for(url), tmp_path, limits=QUICK)
    assert (tmp_path / "data.csv").read_bytes() == CSV
    assert len(requests) == 2 and "Range: bytes=13-" in requests[1]


@pytest.mark.parametrize(
    "unfit",
    [
        head("206 Partial Content", Content_Length=18, Content_Range="bytes 9-26/27"),
        head("206 Partial Content", Content_Length=17, Content_Range="bytes 10-26/30"),
        head("206 Partial Content", Content_Length=17, Content_Range="bytes 10-26/27", ETag='"v2"'),
        head("206 Partial Content", Content_Length=17),
        head("416 Range Not Satisfiable", Content_Length=0),
    ],
    ids=["elsewhere", "another length", "another version", "no length", "rejected"],
)
def test_part_that_does_not_fit_starts_over(tmp_path: Path, unfit: bytes) -> None:
    first = head(Content_Length=27, ETag='"v1"', Accept_Ranges="bytes")
    with serving(send(first, CSV[:10]), send(unfit, CSV[10:]), send(head(Content_Length=27), CSV)) as (
        url,
        requests,
    ):
        fetch(source_for(url), tmp_path, limits=QUICK)
    assert (tmp_path / "data.csv").read_bytes() == CSV
    assert len(requests) == 3 and "Range:" not in requests[2]


@pytest.mark.parametrize(
    "headers",
    [{"ETag": '"v1"'}, {"Accept_Ranges": "bytes"}, {"Accept_Ranges": "bytes", "ETag": 'W/"v1"'}],
    ids=["no ranges offered", "no validator", "a weak validator"],
)
def test_without_ranges_and_validator_a_body_starts_over(tmp_path: Path, headers: dict[str, str]) -> None:
    whole = head(Content_Length=27, **headers)
    with serving(send(whole, CSV[:10]), send(whole, CSV)) as (url, requests):
        fetch(source_for(url), tmp_path, limits=QUICK)
    assert (tmp_path / "data.csv").read_bytes() == CSV
    assert "Range:" not in requests[1]


def test_body_shorter_than_announced_is_an_error(tmp_path: Path) -> None:
    with serving(send(head(Content_Length=28), CSV)) as (url, requests):
        message = failure(source_for(f"{url}/t.csv"), tmp_path)
    assert len(requests) == 3
    assert "toy: no complete answer in 3 attempts" in message and "27 bytes read, 1 more expected" in message
    assert f"{url}/t.csv" in message


def test_chunks_that_break_off_are_an_error(tmp_path: Path) -> None:
    with serving(send(head(Transfer_Encoding="chunked"), b"1b\r\n" + CSV[:9])) as (url, _):
        assert "the body broke off" in failure(source_for(url), tmp_path)


def test_body_longer_than_announced_is_an_error(tmp_path: Path) -> None:
    with serving(send(head(Content_Length=10), b'{"a": "12345"}')) as (url, _):
        assert "cut off before its end" in failure(source_for(url, kind="json"), tmp_path)


def test_partial_answer_longer_than_the_rest_restarts_the_download(tmp_path: Path) -> None:
    first = head(Content_Length=27, ETag='"v1"', Accept_Ranges="bytes")
    long = head("206 Partial Content", Content_Length=20, Content_Range="bytes 10-26/27")
    whole = send(head(Content_Length=27), CSV)
    with serving(send(first, CSV[:10]), send(long, CSV[10:], b"xyz"), whole) as (url, requests):
        fetch(source_for(url), tmp_path, limits=QUICK)
    assert (tmp_path / "data.csv").read_bytes() == CSV
    assert "Range:" not in requests[2]


def test_compressed_body_is_decoded(tmp_path: Path) -> None:
    packed = gzip.compress(CSV)
    reply = head(Content_Length=len(packed), Content_Encoding="gzip", ETag='"v1"', Accept_Ranges="bytes")
    with serving(send(reply, packed[:20]), send(reply, packed)) as (url, requests):
        fetched = fetch(source_for(url), tmp_path, limits=QUICK)
    assert (tmp_path / "data.csv").read_bytes() == CSV and fetched[0].size_bytes == 27
    assert "Range:" not in requests[1]  # a partial compressed body is not resumed


@pytest.mark.parametrize(
    "packed",
    [
        [FIRST + SECOND],
        [FIRST, gzip.compress(b""), SECOND],
        [FIRST[:-3], FIRST[-3:] + SECOND[:1], SECOND[1:]],
        [gzip.compress(CSV) + bytes(300)],
        [gzip.compress(CSV), bytes(3), bytes(300)],
    ],
    ids=["at once", "in chunks", "divided elsewhere", "zeros after", "zeros in chunks"],
)
def test_all_members_of_a_compressed_body_are_decoded(packed: list[bytes], tmp_path: Path) -> None:
    chunks = [f"{len(one):x}\r\n".encode() + one + b"\r\n" for one in packed]
    reply = head(Transfer_Encoding="chunked", Content_Encoding="gzip")
    with serving(send(reply, *chunks, b"0\r\n\r\n")) as (url, _):
        fetch(source_for(url), tmp_path, limits=QUICK)
    assert (tmp_path / "data.csv").read_bytes() == CSV


@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        ("gzip", gzip.compress(CSV)[:-9], "ended early"),
        ("gzip", b"plain text", "damaged"),
        ("gzip", gzip.compress(CSV) + b"plain text", "damaged"),
        ("gzip", gzip.compress(CSV) + gzip.compress(CSV)[:-9], "ended early"),
        ("deflate", zlib.compress(CSV) + b"plain text", "damaged"),
        ("br", b"plain text", "encoded as 'br', which was not requested"),
    ],
    ids=[
        "cut off",
        "not compressed",
        "text after gzip",
        "second member cut off",
        "text after deflate",
        "unknown",
    ],
)
def test_incomplete_compressed_body_is_an_error(
    tmp_path: Path, encoding: str, body: bytes, reason: str
) -> None:
    with serving(send(head(Content_Length=len(body), Content_Encoding=encoding), body)) as (url, _):
        assert reason in failure(source_for(url), tmp_path)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (head(Content_Length=101) + b"x" * 101, "101 bytes are announced"),
        (head(Transfer_Encoding="chunked") + b"65\r\n" + b"x" * 101 + b"\r\n0\r\n\r\n", "more than 100"),
        (head(Content_Encoding="gzip") + gzip.compress(b"x" * 10_000_000), "more than 100"),
        (head(Content_Encoding="gzip") + gzip.compress(b"x" * 60) * 2, "more than 100"),
    ],
    ids=["announced", "chunked", "compressed", "two members"],
)
def test_body_above_the_limit_is_rejected(tmp_path: Path, reply: bytes, reason: str) -> None:
    written: list[int] = []
    with serving(send(reply)) as (url, requests):
        message = failure(
            source_for(url, max_bytes=100), tmp_path, progress=lambda request, size: written.append(size)
        )
    assert reason in message and "the limit is 100" in message
    assert len(requests) == 1 and not written
