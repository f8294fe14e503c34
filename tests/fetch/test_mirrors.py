"""Answers from mirrors: a directory or an HTTP base address with an index.json."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from serving import (
    CSV,
    PAGE,
    QUICK,
    accepted_answer,
    failure,
    files_no_larger_than,
    names_in,
    respond_304_for_v1,
    source_for,
    source_of,
)

from warehouse.errors import NotConfigured, SourceError
from warehouse.fetch import Limits, fetch, read_fetched
from warehouse.files import sha256_of
from warehouse.model import Fetched, Request

pytest_plugins = ("proxies",)
pytestmark = pytest.mark.usefixtures("no_proxy")


ADDRESS = "https://publisher.example/t?format=csv"
FROM_PUBLISHER = source_for("https://publisher.example/t", params=(("format", "csv"),))


def mirror_at(folder: Path, **entry: object) -> Path:
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "t.csv").write_bytes(CSV)
    message = {
        "address": ADDRESS,
        "file": "in/t.csv",
        "retrieved_at": "2022-09-16T08:00:00+08:00",
        "content_type": "text/csv",
        "sha256": sha256_of(folder / "in" / "t.csv"),
    } | entry
    answers = [{name: value for name, value in message.items() if value is not None}]
    (folder / "index.json").write_text(json.dumps({"name": "recorded", "answers": answers}))
    return folder


def test_directory_replaces_the_publisher(tmp_path: Path) -> None:
    mirror = mirror_at(tmp_path / "mirror")
    sizes: list[int] = []
    into = tmp_path / "into"
    fetched = fetch(
        FROM_PUBLISHER, into, mirror=str(mirror), progress=lambda request, size: sizes.append(size)
    )
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
    assert read_fetched(into) == fetched and sizes == [27]


def test_mirror_without_time_uses_the_current_time(tmp_path: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    mirror = mirror_at(tmp_path / "mirror", retrieved_at=None, sha256=None, content_type=None)
    fetched = fetch(FROM_PUBLISHER, tmp_path / "into", mirror=str(mirror))
    assert before <= fetched[0].retrieved_at <= datetime.now(UTC)
    assert fetched[0].content_type is None


def test_address_that_the_index_does_not_list_is_an_error(tmp_path: Path) -> None:
    mirror = mirror_at(tmp_path / "mirror", address=ADDRESS + "&page=2")
    with pytest.raises(NotConfigured) as first:
        fetch(FROM_PUBLISHER, tmp_path / "into", mirror=str(mirror))
    assert str(first.value).startswith(f"toy: the mirror recorded has no recording of it (address {ADDRESS})")
    assert not list((tmp_path / "into").iterdir())
    # A source that has a vintage was recorded before: the answer is missing.
    with pytest.raises(SourceError) as later:
        fetch(FROM_PUBLISHER, tmp_path / "into", mirror=str(mirror), last_vintage="2020-01-01")
    assert not isinstance(later.value, NotConfigured)
    assert str(later.value).startswith(f"toy: the mirror recorded holds no answer for {ADDRESS}")


def test_checksum_of_the_index_is_verified(tmp_path: Path) -> None:
    mirror = mirror_at(tmp_path / "mirror", sha256="0" * 64)
    message = failure(FROM_PUBLISHER, tmp_path / "into", mirror=str(mirror))
    assert "0" * 64 in message and "SHA-256" in message and ADDRESS in message


def test_size_and_kind_of_a_mirrored_answer_are_checked(tmp_path: Path) -> None:
    mirror = mirror_at(tmp_path / "mirror", sha256=None)
    (mirror / "in" / "t.csv").write_bytes(PAGE)
    assert "not csv: it is HTML" in failure(FROM_PUBLISHER, tmp_path / "into", mirror=str(mirror))
    small = source_for("https://publisher.example/t", params=(("format", "csv"),), max_bytes=20)
    assert "too large" in failure(small, tmp_path / "into", mirror=str(mirror))


@pytest.mark.parametrize(
    "file", ["../out.csv", "in/../../out.csv", "", ".", "in\\t.csv", "linked.csv", "/etc/passwd"]
)
def test_file_outside_the_mirror_is_rejected(tmp_path: Path, file: str) -> None:
    (tmp_path / "out.csv").write_bytes(CSV)
    mirror = mirror_at(tmp_path / "mirror", file=file, sha256=None)
    (mirror / "linked.csv").symlink_to(tmp_path / "out.csv")
    message = failure(FROM_PUBLISHER, tmp_path / "into", mirror=str(mirror))
    assert f"the mirror {mirror}" in message or "the mirror recorded" in message
    assert "inside the mirror" in message or "out of the mirror" in message


def test_missing_file_of_mirror_is_reported_with_path(tmp_path: Path) -> None:
    mirror = mirror_at(tmp_path / "mirror", file="in/lost.csv")
    message = failure(FROM_PUBLISHER, tmp_path / "into", mirror=str(mirror))
    assert "in/lost.csv does not exist" in message


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
def test_invalid_index_is_rejected(tmp_path: Path, index: str | None, reason: str) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    if index is not None:
        (mirror / "index.json").write_text(index)
    message = failure(FROM_PUBLISHER, tmp_path / "into", mirror=str(mirror))
    assert reason in message and str(mirror) in message


@pytest.mark.parametrize("message", ["2022-09-16T00:00:00", "yesterday", 20220916])
def test_time_without_a_time_zone_is_rejected(tmp_path: Path, message: object) -> None:
    mirror = mirror_at(tmp_path / "mirror", retrieved_at=message)
    assert "retrieved_at" in failure(FROM_PUBLISHER, tmp_path / "into", mirror=str(mirror))


def serve_mirror(server: HTTPServer, folder: Path) -> str:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            server.expect_request(f"/mirror/{path.relative_to(folder)}").respond_with_data(
                path.read_bytes(), headers={"ETag": f'"{sha256_of(path)[:8]}"'}
            )
    return server.url_for("/mirror/")


def test_index_of_http_mirror_is_read_once(httpserver: HTTPServer, tmp_path: Path) -> None:
    base = serve_mirror(httpserver, mirror_at(tmp_path / "mirror"))
    params = (("format", "csv"),)
    headers = (("ClientSecret", "hush"),)
    pair = [
        Request(name=name, url="https://publisher.example/t", kind="csv", params=params, headers=headers)
        for name in ("a.csv", "b.csv")
    ]
    start = time.monotonic()
    fetched = fetch(source_of(*pair, pace=5), tmp_path / "into", mirror=base, limits=Limits())
    assert time.monotonic() - start < 5  # the publisher's pace is not the mirror's
    assert [request.path for request, _ in httpserver.log] == [
        "/mirror/index.json",
        "/mirror/in/t.csv",
        "/mirror/in/t.csv",
    ]
    assert "ClientSecret" not in httpserver.log[1][0].headers
    assert {file.address for file in fetched} == {ADDRESS} and {file.via for file in fetched} == {"recorded"}
    assert fetched[0].retrieved_at == datetime(2022, 9, 16, tzinfo=UTC)
    assert names_in(tmp_path / "into") == {"a.csv", "b.csv", "fetched.json"}


def test_304_of_an_http_mirror_is_checked_against_its_index(httpserver: HTTPServer, tmp_path: Path) -> None:
    folder = mirror_at(tmp_path / "mirror")
    httpserver.expect_request("/index.json").respond_with_data((folder / "index.json").read_bytes())
    httpserver.expect_request("/in/t.csv").respond_with_handler(respond_304_for_v1)
    accepted_answers = accepted_answer(tmp_path, ADDRESS, via="recorded")
    base = httpserver.url_for("")
    fetched = fetch(FROM_PUBLISHER, tmp_path / "into", mirror=base, held=accepted_answers, limits=QUICK)
    assert httpserver.log[1][1].status_code == 304
    assert fetched[0].retrieved_at == datetime(2022, 9, 16, tzinfo=UTC)


def test_http_mirror_is_checked_against_its_index(httpserver: HTTPServer, tmp_path: Path) -> None:
    base = serve_mirror(httpserver, mirror_at(tmp_path / "mirror", sha256="0" * 64))
    assert "SHA-256" in failure(FROM_PUBLISHER, tmp_path / "into", mirror=base)
    other = source_for("https://publisher.example/other")
    assert "has no recording of it (address https://publisher.example/other)" in failure(
        other, tmp_path / "into", mirror=base
    )


def test_http_mirror_without_an_index_is_an_error(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/index.json").respond_with_data("no", status=404)
    message = failure(FROM_PUBLISHER, tmp_path / "into", mirror=httpserver.url_for(""))
    assert "HTTP 404" in message and "/index.json" in message


def test_full_disk_is_reported_for_a_mirror(tmp_path: Path) -> None:
    mirror = mirror_at(tmp_path / "mirror")
    with files_no_larger_than(20):
        message = failure(FROM_PUBLISHER, tmp_path / "into", mirror=str(mirror))
    assert "data.csv.part" in message and "Free space" in message
