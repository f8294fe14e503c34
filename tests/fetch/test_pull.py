"""A pull: its plan, its files, their list, and a disk that fails."""

from __future__ import annotations

import errno
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from serving import (
    CSV,
    PAGE,
    QUICK,
    failure,
    files_no_larger_than,
    names_in,
    source_for,
    source_of,
    source_with,
)

from warehouse import __version__
from warehouse.errors import SourceError, WarehouseError
from warehouse.fetch import fetch, read_fetched
from warehouse.fetch.download import disk_errors
from warehouse.files import sha256_of
from warehouse.model import Plan, Request

pytest_plugins = ("proxies",)
pytestmark = pytest.mark.usefixtures("no_proxy")


def test_pull_runs_its_plan_and_lists_the_answers(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_oneshot_request("/list").respond_with_data(
        "<!DOCTYPE html><html>table-7.csv</html>", headers={"ETag": '"a"', "Content-Type": "text/html"}
    )
    httpserver.expect_oneshot_request(
        "/table-7.csv", query_string={"format": "csv", "page": "1 & 2"}
    ).respond_with_data(CSV)
    sizes: list[tuple[str, int]] = []

    def plan() -> Plan:
        page = yield Request(name="list.html", url=httpserver.url_for("/list"), kind="html")
        table = "table-7.csv" if b"table-7.csv" in page.read_bytes() else "lost"
        params = (("format", "csv"), ("page", "1 & 2"))
        yield Request(name="table.csv", url=httpserver.url_for(f"/{table}"), kind="csv", params=params)

    before = datetime.now(UTC).replace(microsecond=0)
    into = tmp_path / "not yet" / "files"
    fetched = fetch(
        source_with(plan),
        into,
        limits=QUICK,
        progress=lambda request, size: sizes.append((request.name, size)),
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
    assert sizes[-1] == ("table.csv", 27)
    assert read_fetched(into) == fetched
    assert names_in(into) == {"list.html", "table.csv", "fetched.json"}


def test_user_agent_and_identity_encoding_are_sent(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/").respond_with_data(CSV)
    headers = (("Referer", "https://publisher.example/"), ("User-Agent", "Mozilla/5.0"))
    fetch(source_for(httpserver.url_for("/"), headers=headers), tmp_path, limits=QUICK)
    sent = httpserver.log[0][0].headers
    assert sent["User-Agent"].startswith(f"services-trade-warehouse/{__version__} (")
    assert "python-requests" not in sent["User-Agent"]
    assert sent["Accept-Encoding"] == "identity"
    assert sent["Referer"] == "https://publisher.example/"


def test_reading_an_incomplete_pull_fails(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="never completed"):
        read_fetched(tmp_path)


def test_failed_pull_removes_an_older_list(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_ordered_request("/").respond_with_data(CSV)
    httpserver.expect_ordered_request("/").respond_with_data("gone", status=404)
    source = source_for(httpserver.url_for("/"))
    fetch(source, tmp_path, limits=QUICK)
    assert (tmp_path / "fetched.json").exists()
    assert "HTTP 404" in failure(source, tmp_path)


def test_plan_without_requests_is_an_error(tmp_path: Path) -> None:
    assert "requested nothing" in failure(source_of(), tmp_path)


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
def test_name_that_is_not_a_plain_file_is_rejected(name: str, tmp_path: Path) -> None:
    source = source_for("http://127.0.0.1:9/never", name=name)
    assert "can't be a file of the pull" in failure(source, tmp_path / "into")
    assert names_in(tmp_path) <= {"into"} and not names_in(tmp_path / "into")


def test_repeated_name_is_rejected(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/").respond_with_data(CSV)
    twice = [Request(name=name, url=httpserver.url_for("/"), kind="csv") for name in ("A.csv", "a.csv")]
    assert "occurs twice" in failure(source_of(*twice), tmp_path)


# --- the disk -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "named"), [(20, "data.csv.part"), (100, "fetched.json")])
def test_full_disk_is_reported_and_leaves_no_partial_file(
    httpserver: HTTPServer, tmp_path: Path, size: int, named: str
) -> None:
    httpserver.expect_request("/").respond_with_data(CSV)
    with files_no_larger_than(size):
        message = failure(source_for(httpserver.url_for("/")), tmp_path)
    assert str(tmp_path / named) in message and "Free space" in message
    assert len(httpserver.log) == 1


@pytest.mark.parametrize(
    ("code", "remedy"),
    [(errno.ENOSPC, "Free space"), (errno.EDQUOT, "Free space"), (errno.EROFS, "is writable")],
)
def test_remedy_fits_the_disk_error(tmp_path: Path, code: int, remedy: str) -> None:
    with pytest.raises(WarehouseError, match=remedy), disk_errors(tmp_path / "x"):
        raise OSError(code, "no")


def test_failed_answer_leaves_earlier_answers_without_list(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/a").respond_with_data(CSV)
    httpserver.expect_request("/b").respond_with_data(PAGE)
    pair = [Request(name=f"{name}.csv", url=httpserver.url_for(f"/{name}"), kind="csv") for name in "ab"]
    with pytest.raises(SourceError):
        fetch(source_of(*pair), tmp_path, limits=QUICK)
    assert names_in(tmp_path) == {"a.csv"}
