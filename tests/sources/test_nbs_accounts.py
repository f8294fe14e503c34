"""NBS of China: recorded exchanges of the old interface, documented messages of the new interface."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request as Asked
from werkzeug import Response

from warehouse.errors import SourceError
from warehouse.fetch import Limits, fetch
from warehouse.model import Request, Source
from warehouse.sources import nbs_accounts
from warehouse.sources.nbs_accounts import PROVINCES, RECORDED, SOURCE

FIXTURES = Path(__file__).parents[1] / "fixtures" / "nbs_accounts"


def read(name: str, path: Path) -> list[dict[str, Any]]:
    return pa.Table.from_batches(list(SOURCE.read({name: path}, path.parent))).to_pylist()


def test_missing_cell_is_null_not_zero() -> None:
    # Read by hand from test_stats_gdp.response.json: December 6.2 first; January and February are empty.
    rows = read("easyquery.hgyd.a.json", FIXTURES / "test_stats_gdp.response.json")
    assert [row["value"] for row in rows[-2:]] == [None, None]
    assert (rows[0]["period"], rows[0]["value"], rows[0]["unit"]) == ("202412", "6.2", "%")
    assert {row["region"] for row in rows} == {"000000"} and len(rows) == 12
    money = read("easyquery.hgyd.a.json", FIXTURES / "test_stats_multi_zb.response.json")
    assert (money[0]["value"], money[0]["unit"]) == ("2431022.72", "亿元")


def test_error_message_with_status_200_is_rejected() -> None:
    with pytest.raises(SourceError, match="returncode 501, '对不起"):
        read("easyquery.hgyd.a.json", FIXTURES / "test_invalid_query.response.json")
    with pytest.raises(SourceError, match="have no cells"):
        list(SOURCE.read({"easyquery.csnd.a.json": FIXTURES / "test_get_reg_cities.response.json"}, FIXTURES))


def test_request_bodies_equal_the_recorded_bodies() -> None:
    # From test_stats_gdp.request.txt.
    assert RECORDED[0].body.decode() == (
        "m=QueryData&dbcode=hgyd&rowcode=zb&colcode=sj&wds=%5B%5D&dfwds=%5B%7B%22wdcode%22%3A+%22zb%22%2C+"
        "%22valuecode%22%3A+%22A020101%22%7D%2C+%7B%22wdcode%22%3A+%22sj%22%2C+%22valuecode%22%3A+%222024%22"
        "%7D%5D&k1=1772507777932"
    )
    assert len({request.address for request in RECORDED}) == len(RECORDED) == 6


def test_new_interface_is_requested_for_all_provinces_without_recordings(tmp_path: Path) -> None:
    def envelope(data: Any) -> Path:
        path = tmp_path / "answer.json"
        path.write_text(json.dumps({"success": True, "state": 20000, "data": data}), encoding="utf-8")
        return path

    def node(name: str) -> dict[str, str]:
        return {"_id": f"id of {name}", "name": name}

    plan, requests = SOURCE.plan(), []
    request: Request | None = next(plan)
    while request is not None:
        requests.append(request)
        names = ["国民经济核算", "国内生产总值", "地区生产总值", "第三产业增加值(亿元)"]
        answer = [node("年度数据")] if request.name.endswith("root.json") else [node(name) for name in names]
        there = tmp_path / "nothing" if request.recorded_only else envelope(answer)
        try:
            request = plan.send(there)
        except StopIteration:
            request = None
    values = [json.loads(request.body) for request in requests if ".values." in request.name]
    assert len(requests) == 6 + 2 * 4 + 1 + 31 and len(PROVINCES) == 31
    assert values[0]["das"][0]["value"] == "000000000000" and values[1]["das"][0]["value"] == "110000000000"
    assert values[1]["indicatorIds"] == ["id of 地区生产总值", "id of 第三产业增加值(亿元)"]


def test_values_of_the_new_interface(tmp_path: Path) -> None:
    cell = {
        "_id": "x",
        "i_showname": " 地区生产总值 ",
        "value": "12.30",
        "du_name": "亿元",
        "da_name": "北京市",
    }
    data = [{"code": "2024YY", "values": [cell]}, {"code": "2025YY", "values": []}]
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"success": True, "data": data}), encoding="utf-8")
    [row] = read("new.6.values.110000.json", path)
    assert [row[c] for c in ("database", "indicator_name", "region", "period", "value")] == [
        "new.6",
        "地区生产总值",
        "110000",
        "2024YY",
        "12.30",
    ]
    path.write_text(json.dumps({"success": False, "message": "请求过于频繁"}), encoding="utf-8")
    with pytest.raises(SourceError, match="请求过于频繁"):
        read("new.6.values.110000.json", path)


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


def test_recorded_only_request_is_skipped_without_recording(tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/now").respond_with_json({"a": 1})
    recorded: list[bool] = []

    def plan() -> Any:
        answer = yield Request("old.json", httpserver.url_for("/old"), "json", recorded_only=True)
        recorded.append(answer.exists())
        yield Request("now.json", httpserver.url_for("/now"), "json")

    got = fetch(
        nbs_accounts.Source(**(vars(SOURCE) | {"plan": plan, "seconds_between_calls": 0.0})), tmp_path
    )
    assert recorded == [False] and [file.name for file in got] == ["now.json"]
