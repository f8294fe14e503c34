"""NBS of China: answers in the form that clients of `stream/esData` describe (fixtures/nbs_accounts)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from nbs_mirror import FIXTURES, envelope, nodes, of_fixture, with_parts, write_mirror
from pytest_httpserver import HTTPServer
from werkzeug import Request as Asked
from werkzeug import Response

from warehouse.errors import SourceError
from warehouse.fetch import Limits, fetch, read_pull
from warehouse.model import FailedPart, Request, Source
from warehouse.sources import nbs_accounts
from warehouse.sources.nbs_accounts import PROVINCES, SOURCE

NATION = "new.3.values.000000.json"
BEIJING = "new.6.values.110000.json"
THIS_YEAR = datetime.now(UTC).year


def read(files: dict[str, Path]) -> list[dict[str, Any]]:
    return pa.Table.from_batches(list(SOURCE.read(files, FIXTURES))).to_pylist()


def pull(mirror: Path, into: Path) -> list[dict[str, Any]]:
    """Fetch from a mirror and read the files."""
    return read({file.name: into / file.name for file in fetch(SOURCE, into, mirror=str(mirror))})


def failed_parts(into: Path) -> tuple[FailedPart, ...]:
    return read_pull(into).failed_parts


def cells(rows: list[dict[str, Any]], region: str = "000000") -> dict[tuple[str, str], str | None]:
    """Return the values of a region by indicator and period; every unit must be 亿元."""
    assert {row["unit"] for row in rows} == {"亿元"}
    return {(row["indicator_name"], row["period"]): row["value"] for row in rows if row["region"] == region}


def replaced(*pairs: tuple[str, str]) -> Callable[[bytes], bytes]:
    """Return a function that replaces texts in an answer; each must occur."""

    def change(data: bytes) -> bytes:
        text = data.decode("utf-8")
        for old, new in pairs:
            assert old in text, old
            text = text.replace(old, new)
        return text.encode("utf-8")

    return change


# The figures of the fixture, read by hand from gdp_year.csv of the edition before the fifth census.
NATIONAL = {
    ("国内生产总值", "2021YY"): "1149237",
    ("第三产业增加值", "2021YY"): "614476.4",
    ("国内生产总值", "2020YY"): "1013567",
    ("第三产业增加值", "2020YY"): "551973.7",
    ("国内生产总值", "2019YY"): "986515.2",
    ("第三产业增加值", "2019YY"): "535371",
}


def test_unit_in_brackets_is_split_from_the_name(tmp_path: Path) -> None:
    rows = pull(write_mirror(tmp_path / "mirror"), tmp_path / "files")
    assert cells(rows) == NATIONAL
    assert cells(rows, "110000") == {
        ("地区生产总值", "2021YY"): "1100.5",
        ("第三产业增加值", "2021YY"): "700.25",
        ("地区生产总值", "2020YY"): "1100.5",
        ("第三产业增加值", "2020YY"): None,  # sent as "", never 0
    }
    assert cells(rows, "650000")["地区生产总值", "2020YY"] == "6500.5"
    # 2026 has no values: no rows
    assert Counter(row["region"] for row in rows) == {"000000": 6, **dict.fromkeys(PROVINCES, 4)}
    beijing = next(row for row in rows if row["_file"] == BEIJING and row["_row"] == 4)
    assert (beijing["database"], beijing["indicator"], beijing["region_name"], beijing["period"]) == (
        *("new.6", "third6", "北京市", "2020YY"),
    )


@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param(((" (亿元) ", ""),), id="plain names"),
        pytest.param(((" (亿元) ", "（亿元）"),), id="full-width brackets"),
        pytest.param(((" (亿元) ", " (现价) (亿元)"),), id="at current prices"),
        pytest.param((('"du_name": "亿元"', '"du": "x"'),), id="the unit in the name only"),
        pytest.param((('"value"', '"further": [1], "value"'),), id="a further key"),
    ],
)
def test_typography_of_names_changes_no_row(tmp_path: Path, pairs: tuple[tuple[str, str], ...]) -> None:
    mirror = write_mirror(tmp_path / "mirror", change={NATION: replaced(*pairs)})
    assert cells(pull(mirror, tmp_path / "files")) == NATIONAL


def test_requests_are_those_of_the_interface(tmp_path: Path) -> None:
    asked: list[Request] = []

    def answer(request: Request) -> bytes | None:
        asked.append(request)
        return of_fixture(request)

    write_mirror(tmp_path / "mirror", answer)
    assert len(asked) == 2 * 4 + 1 + 31 == 40
    values = [request for request in asked if ".values." in request.name]
    assert {(request.method, request.url) for request in values} == {
        ("POST", "https://data.stats.gov.cn/dg/website/publicrelease/web/external/stream/esData")
    }
    assert json.loads(values[0].body) == {
        "cid": "table3",
        "indicatorIds": ["gdp3", "third3"],
        "daCatalogId": "",
        "das": [{"text": "全国", "value": "000000000000"}],
        "dts": [f"1949YY-{THIS_YEAR}YY"],
        "showType": "1",
        "rootId": "root3",
    }
    regions = [area for request in values[1:] for area in json.loads(request.body)["das"]]
    assert len(regions) == len({area["value"] for area in regions}) == 31
    assert regions[0] == {"text": "北京市", "value": "110000000000"}
    assert all(json.loads(request.body)["indicatorIds"] == ["gdp6", "third6"] for request in values[1:])
    assert SOURCE.seconds_between_calls >= 2  # a firewall limits the number of calls


# --- names that are equal without their brackets ---


def test_table_that_is_cut_by_period_is_requested_in_all_parts(tmp_path: Path) -> None:
    rows = pull(write_mirror(tmp_path / "mirror", with_parts), tmp_path / "files")
    assert cells(rows) == NATIONAL
    assert {row["_file"] for row in rows if row["region"] == "000000"} == {
        "new.3.1952-2019.values.000000.json",
        "new.3.2020-.values.000000.json",
    }


def test_period_outside_of_a_part_is_rejected(tmp_path: Path) -> None:
    part = "new.3.1952-2019.values.000000.json"
    mirror = write_mirror(tmp_path / "mirror", with_parts, {part: replaced(("2019YY", "2020YY"))})
    pull(mirror, tmp_path / "files")
    [failed] = failed_parts(tmp_path / "files")
    assert failed.part == "new.3.1952-2019.全国"
    assert "the period '2020YY' was not requested" in failed.reason


@pytest.mark.parametrize(
    "names",
    [
        ("国内生产总值 (现价)", "国内生产总值 (不变价)"),
        ("国内生产总值", "国内生产总值 (不变价)"),
        ("国内生产总值", "国内生产总值(1952-2015)"),
        ("国内生产总值(1952-2015)", "国内生产总值(2015-至今)"),
        ("国内生产总值(1952-2015)", "国内生产总值(不变价)(2016-)"),
        ("国内生产总值（-2015）", "国内生产总值(-2010)"),
    ],
)
def test_ambiguous_table_is_rejected_with_all_its_names(tmp_path: Path, names: tuple[str, ...]) -> None:
    change = {"new.3.table.json": lambda _: nodes(*names, "国内生产总值指数")}
    mirror = write_mirror(tmp_path / "mirror", change=change)
    with pytest.raises(SourceError, match="'国内生产总值' is ambiguous without its brackets") as caught:
        pull(mirror, tmp_path / "files")
    assert all(repr(name) in str(caught.value) for name in names)
    assert "指数" not in str(caught.value) and "new.3.table.json" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "is_found"),
    [
        ("国内生产总值 (现价)", True),
        ("国内生产总值(2016-至今)", True),
        ("国内生产总值 （2016年–）", True),
        ("国内生产总值 (不变价)", False),
        ("国内生产总值 (上年=100)", False),
        ("国内生产总值(2016)", False),
        ("人均国内生产总值", False),
    ],
)
def test_brackets_of_the_only_table(tmp_path: Path, name: str, is_found: bool) -> None:
    path = tmp_path / "answer.json"
    path.write_bytes(nodes(name, "国内生产总值指数"))
    if is_found:
        [(_, table_id)] = nbs_accounts._find_parts(path, path.name, "国内生产总值")
        assert table_id == f"id of {name}"
    else:
        with pytest.raises(SourceError, match=r"no table is named '国内生产总值'; the names are .*指数"):
            nbs_accounts._find_parts(path, path.name, "国内生产总值")


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        ((("第一产业增加值 (亿元)", "第三产业增加值 (不变价) (亿元)"),), "'第三产业增加值' is ambiguous"),
        ((("第三产业增加值 (亿元)", "第三产业增加值 (万元)"),), "no node is named '第三产业增加值' in 亿元"),
        (
            (("第三产业增加值 (亿元)", "第三产业增加值 (不变价)"),),
            "no node is named '第三产业增加值' in 亿元",
        ),
        ((("第三产业增加值 (亿元)", "服务业增加值 (亿元)"),), "no node is named '第三产业增加值' in 亿元"),
    ],
)
def test_indicator_is_found_by_name_and_unit(
    tmp_path: Path, pairs: tuple[tuple[str, str], ...], reason: str
) -> None:
    mirror = write_mirror(tmp_path / "mirror", change={"new.3.indicators.json": replaced(*pairs)})
    with pytest.raises(SourceError, match=reason):
        pull(mirror, tmp_path / "files")


# --- answers that are rejected ---


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        (
            (("国内生产总值 (亿元) ", "国内生产总值 (万元) "),),
            "unit of 国内生产总值 is 万元 and 亿元, expected 亿元",
        ),
        ((("亿元", "万元"),), "the unit of 国内生产总值 is 万元 and 万元, expected 亿元"),
        (((" (亿元) ", ""), ('"du_name": "亿元"', '"du_name": ""')), "is missing, expected 亿元"),
        ((("国内生产总值 (亿元) ", "国内生产总值 (上年=100) "),), "is 上年=100 and 亿元, expected"),
        (
            (("国内生产总值 (亿元) ", "国内生产总值 (不变价) (亿元) "),),
            "is 不变价 and 亿元 and 亿元, expected",
        ),
        ((("第三产业增加值", "第二产业增加值"),), r"indicator '第二产业增加值' was not requested.*row 2"),
        ((('"000000000000"', '"110000000000"'),), "the region '110000000000' was not requested"),
        ((("2020YY", "202012MM"),), r"the period '202012MM' was not requested.*row 3"),
        ((("551973.7", "551,973.7"),), r"not a plain decimal number: '551,973.7'.*row 4"),
        ((("551973.7", "—"),), "not a plain decimal number: '—'"),
        ((('"success": true', '"success": false'), ("成功", "请求过于频繁")), "请求过于频繁"),
        ((("20000", "50000"),), "state 50000"),
        ((("[", "{"), ("]", "}")), "JSON"),
        ((("values", "cells"),), "not a period with values"),
        ((("i_showname", "name"),), "not a cell"),
        ((('value":', 'v":'),), "not a cell"),
        ((('"_id": "gdp3"', '"_id": ["gdp3"]'),), "not a cell"),
        ((('"da_name": "全国"', '"da_name": {}'),), "not a cell"),
    ],
)
def test_answer_that_contradicts_the_request_is_rejected(
    tmp_path: Path, pairs: tuple[tuple[str, str], ...], reason: str
) -> None:
    path = tmp_path / NATION
    path.write_bytes(replaced(*pairs)((FIXTURES / NATION).read_bytes()))
    with pytest.raises(SourceError, match=reason):
        read({NATION: path})


def test_answer_without_values_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / NATION
    for data in ([], [{"code": "2020YY", "values": []}], {"list": []}):
        path.write_bytes(envelope(data))
        with pytest.raises(SourceError, match=r"has no values|not a list of periods"):
            read({NATION: path})
    path.write_bytes(
        replaced(*((value, "") for value in NATIONAL.values()))((FIXTURES / NATION).read_bytes())
    )
    with pytest.raises(SourceError, match="the answer has no values"):
        read({NATION: path})
    with pytest.raises(SourceError, match="no file has values"):
        read({"new.3.root.json": FIXTURES / "new.3.root.json"})
    with pytest.raises(SourceError, match="no request of this source has this file name"):
        read({"easyquery.hgyd.json": path})


def test_challenge_of_the_firewall_is_rejected(tmp_path: Path) -> None:
    page = b"<!DOCTYPE html><html><script>location.reload()</script></html>"
    mirror = write_mirror(tmp_path / "mirror", change={BEIJING: lambda _: page})
    rows = pull(mirror, tmp_path / "files")
    [failed] = failed_parts(tmp_path / "files")
    assert failed.part == "new.6.北京市" and "the answer is not json" in failed.reason
    assert len({row["region"] for row in rows}) == 31  # the nation and thirty provinces


def test_challenge_in_place_of_the_tree_fails_the_pull(tmp_path: Path) -> None:
    page = b"<!DOCTYPE html><html><script>location.reload()</script></html>"
    mirror = write_mirror(tmp_path / "mirror", change={"new.3.root.json": lambda _: page})
    with pytest.raises(SourceError, match="the answer is not json"):
        pull(mirror, tmp_path / "files")


# --- POST requests, which no other source sends ---


@pytest.fixture
def posting(httpserver: HTTPServer) -> Source:
    def plan() -> Iterator[Request]:
        yield Request("a.json", httpserver.url_for("/ask"), "json", method="POST", body=b"q=1")

    return nbs_accounts.Source(**(vars(SOURCE) | {"plan": plan, "seconds_between_calls": 0.0}))


def test_post_sends_its_body_and_has_its_own_address(
    httpserver: HTTPServer, posting: Source, tmp_path: Path
) -> None:
    seen: list[tuple[str, bytes, str]] = []

    def answer(asked: Asked) -> Response:
        seen.append((asked.method, asked.get_data(), asked.url))
        return Response('{"a": 1}', content_type="application/json")

    httpserver.expect_request("/ask").respond_with_handler(answer)
    [got] = fetch(posting, tmp_path)
    assert seen[0][:2] == ("POST", b"q=1") and "#" not in seen[0][2]
    # printf q=1 | sha256sum
    assert got.address.split("#")[1] == "02f5e6e36c0369d5dbc9195fb0cf6d5eb415a620d0b80b8bc080039186e26925"


def test_post_follows_no_redirect(httpserver: HTTPServer, posting: Source, tmp_path: Path) -> None:
    httpserver.expect_request("/ask").respond_with_response(
        Response(status=302, headers={"Location": httpserver.url_for("/there")})
    )
    with pytest.raises(SourceError, match="a redirect of a POST"):
        fetch(posting, tmp_path, limits=Limits(attempts=1))
