"""Parts of a pull that fail alone: their answers in the last vintage are used, and the failure is listed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from serving import CSV, QUICK, failure, names_in, source_with

from warehouse.errors import SourceError
from warehouse.fetch import fetch, read_pull
from warehouse.model import Fetched, Part, Plan, Request

pytest_plugins = ("proxies",)
pytestmark = pytest.mark.usefixtures("no_proxy")
VINTAGE = "2024-05-02"


def plan_of(server: HTTPServer, *names: str) -> Plan:
    """Request a list, then a part of two pages for each name; the plan itself rejects a page `bad`."""

    def pages(name: str):  # type: ignore[no-untyped-def]
        for page in (1, 2):
            url = server.url_for(f"/{name}/{page}")
            answer = yield Request(name=f"{name}.{page}.csv", url=url, kind="csv")
            if b"bad" in answer.read_bytes():
                raise SourceError("toy", "the publisher answered with an error", file=f"{name}.{page}.csv")

    yield Request(name="list.csv", url=server.url_for("/list"), kind="csv")
    for name in names:
        yield Part(name, pages(name))


def serve(server: HTTPServer, **answers: bytes) -> None:
    server.expect_request("/list").respond_with_data(CSV)
    for path, body in answers.items():
        server.expect_request("/" + path.replace("_", "/")).respond_with_data(body)


def held_of(into: Path, fetched: tuple[Fetched, ...]) -> dict[str, tuple[Fetched, Path]]:
    return {file.address: (file, into / file.name) for file in fetched}


@pytest.mark.parametrize("bad_page", [1, 2])
def test_failed_part_has_the_answers_of_the_last_vintage(
    bad_page: int, httpserver: HTTPServer, tmp_path: Path
) -> None:
    serve(httpserver, a_1=CSV, a_2=CSV, b_1=CSV + b"2022,1\n", b_2=CSV + b"2023,1\n")
    source = source_with(lambda: plan_of(httpserver, "a", "b"))
    first = fetch(source, tmp_path / "first", limits=QUICK)
    assert [file.part for file in first] == [None, "a", "a", "b", "b"]
    assert read_pull(tmp_path / "first").failed_parts == ()

    httpserver.clear()
    pages = {"b_1": CSV, "b_2": CSV} | {f"b_{bad_page}": b"year\nbad\n"}
    serve(httpserver, a_1=CSV, a_2=CSV + b"2024,1\n", **pages)
    into = tmp_path / "second"
    held = held_of(tmp_path / "first", first)
    second = fetch(source, into, held=held, last_vintage=VINTAGE, limits=QUICK)
    assert [(file.name, file.carried_from) for file in second] == [
        ("list.csv", None),
        ("a.1.csv", None),
        ("a.2.csv", None),
        ("b.1.csv", VINTAGE),
        ("b.2.csv", VINTAGE),
    ]
    assert (into / "b.1.csv").read_bytes() == CSV + b"2022,1\n"
    assert (into / "a.2.csv").read_bytes() == CSV + b"2024,1\n"
    [failed] = read_pull(into).failed_parts
    assert (failed.part, failed.carried_from) == ("b", VINTAGE)
    assert "the publisher answered with an error" in failed.reason and "toy:" not in failed.reason
    assert names_in(into) == {"list.csv", "a.1.csv", "a.2.csv", "b.1.csv", "b.2.csv", "fetched.json"}

    # A third pull in which it still fails keeps the vintage in which it was fetched.
    third = fetch(
        source, tmp_path / "third", held=held_of(into, second), last_vintage="2024-06-01", limits=QUICK
    )
    assert [file.carried_from for file in third][3:] == [VINTAGE, VINTAGE]


def test_failed_part_without_a_vintage_has_no_answers(httpserver: HTTPServer, tmp_path: Path) -> None:
    serve(httpserver, a_1=CSV, a_2=CSV, b_1=CSV)  # page 2 of b: HTTP 500
    fetched = fetch(source_with(lambda: plan_of(httpserver, "b", "a")), tmp_path, limits=QUICK)
    assert [file.name for file in fetched] == ["list.csv", "a.1.csv", "a.2.csv"]
    [failed] = read_pull(tmp_path).failed_parts
    assert (failed.part, failed.carried_from) == ("b", None) and "HTTP 500" in failed.reason
    assert "b.1.csv" not in names_in(tmp_path)


def test_pull_fails_when_every_part_fails_or_a_request_outside_of_parts(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    serve(httpserver)
    source = source_with(lambda: plan_of(httpserver, "a", "b"))
    assert "a/1" in failure(source, tmp_path / "parts")
    httpserver.clear()
    assert "/list" in failure(source, tmp_path / "list")
