"""National Bureau of Statistics of China: GDP and value added, national and by province.

Two interfaces. The old one, `POST easyquery.htm`, is closed: what was recorded of it is answered by a
mirror that holds the exchanges, and asked of nobody else. It answers `{"returncode": 200, "returndata":
{"datanodes", "wdnodes"}}`: a node is a value by codes of indicator (`zb`), region (`reg`, absent for the
nation) and period (`sj`); `wdnodes` name the codes and give the units. **A missing cell is `hasdata: false,
data: 0.0, strdata: ""`, never 0.** An error is `returncode: 501` and a text, with status 200.

The new one is asked when no exchange is recorded: the tree of indicators (`queryIndexTreeAsync`, code 3
national and 6 provincial years), the indicators of a table (`queryIndicatorsByCid`), then its values
(`POST getEsDataByCidAndDt`), one call for each province. An envelope has `success` and `data`; a year is
`{"code": "2024YY", "values": [{"i_showname", "value", "du_name", …}]}`; values are texts, and a year that
is not published has none. Identifiers are looked up by name at each pull: they change with the edition.

Keeps: each cell by the name of its indicator, its unit and period as sent; its region by six digits, 000000
being the nation, which the old interface leaves out and the new one spells with twelve; the value in the
digits that were sent (`strdata`), null where missing. `database` is the old interface's (`hgyd` …), or
`new.3` and `new.6`. `_row` is the cell's place in its answer, from 1.

Refuses: an error inside a good status; a cell whose code no `wdnodes` names; a value that is not a plain
decimal; a cell with data and without digits, or the other way round; a table or indicator not found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa

from warehouse.errors import SourceError
from warehouse.formats.json import JsonValue, read_json
from warehouse.model import Plan, Request, Source, raw_schema

NAME = "nbs_accounts"
OLD = "https://data.stats.gov.cn/easyquery.htm"
NEW = "https://data.stats.gov.cn/dg/website/publicrelease/web/external"
COLUMNS = ("database", "indicator", "indicator_name", "unit", "region", "region_name", "period", "value")
YEARS = "1949YY-2100YY"  # all that there are: no clock is asked


def exchange(
    name: str,
    database: str,
    rows: str,
    fixed: tuple[str, str] | None,
    asked: tuple[tuple[str, str], ...],
    at: str,
) -> Request:
    """Return a recorded question to the old interface, its body spelled byte for byte as it was sent.

    `fixed` and `asked` pair a dimension (`zb`, `reg`, `sj`) with a code; `at` is the caller's clock in ms.
    """
    spelled = [
        json.dumps([{"wdcode": dimension, "valuecode": code} for dimension, code in pairs])
        for pairs in ((fixed,) if fixed else (), asked)
    ]
    body = (
        ("m", "QueryData"),
        ("dbcode", database),
        ("rowcode", rows),
        ("colcode", "sj"),
        ("wds", spelled[0]),
        ("dfwds", spelled[1]),
        ("k1", at),
    )
    return Request(
        name=f"easyquery.{database}.{name}.json",
        url=OLD,
        kind="json",
        headers=(
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("X-Requested-With", "XMLHttpRequest"),
        ),
        method="POST",
        body=urlencode(body).encode("ascii"),
        recorded_only=True,
    )


BEIJING = ("reg", "110000")
RECORDED = (
    exchange(
        "industrial_value_added", "hgyd", "zb", None, (("zb", "A020101"), ("sj", "2024")), "1772507777932"
    ),
    # It asks for Beijing; the national database knows no regions and answers for the nation.
    exchange(
        "industrial_value_added_of_one_month",
        "hgyd",
        "zb",
        BEIJING,
        (("zb", "A020101"), ("sj", "202312")),
        "1772507778302",
    ),
    exchange(
        "money_supply", "hgyd", "zb", None, (("zb", "A0D0101"), ("sj", "202112,202201")), "1772508084739"
    ),
    exchange(
        "consumer_prices_of_one_month",
        "fsyd",
        "zb",
        BEIJING,
        (("zb", "A010101"), ("sj", "202312")),
        "1772508085868",
    ),
    exchange("consumer_prices_by_province", "fsyd", "reg", ("zb", "A01010101"), (), "1772508087320"),
    exchange("prefectures", "fsnd", "zb", BEIJING, (("zb", "A010101"), ("sj", "2023")), "1772507819019"),
)

# The new interface: code of the tree, its branch, the table in it, and the indicators that are asked for.
ACCOUNTS = "国民经济核算"
TREES = (
    ("3", "国内生产总值", ("国内生产总值", "第三产业增加值")),
    ("6", "地区生产总值", ("地区生产总值", "第三产业增加值")),
)
NATION = "000000"
PROVINCES = tuple(
    f"{code}0000"
    for code in (
        *(11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46),
        *(50, 51, 52, 53, 54, 61, 62, 63, 64, 65),
    )
)

_OLD_FILE = re.compile(r"easyquery\.([a-z]+)\.[a-z_]+\.json")
_VALUES_FILE = re.compile(r"new\.([36])\.values\.([0-9]{6})\.json")
_LOOKED_UP_FILE = re.compile(r"new\.[36]\.(?:root|branch|table|indicators)\.json")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_NEW_HEADERS = (
    ("Content-Type", "application/json;charset=UTF-8"),
    ("Accept", "application/json"),
    ("X-Requested-With", "XMLHttpRequest"),
    ("Referer", "https://data.stats.gov.cn/dg/website/page.html"),
)
Row = tuple[str | None, ...]


def plan() -> Plan:
    """Ask for the recorded exchanges; where there are none, walk the new interface down to its values."""
    recorded = 0
    for request in RECORDED:
        answer = yield request
        recorded += answer.exists()
    if not recorded:
        for code, table, indicators in TREES:
            yield from _walk(code, table, indicators)


def _walk(code: str, table: str, indicators: tuple[str, ...]) -> Plan:
    root = yield _look_up(f"new.{code}.root.json", "new/queryIndexTreeAsync", (("pid", ""), ("code", code)))
    root_id = _identifier(root, f"new.{code}.root.json", None)
    name = f"new.{code}.branch.json"
    branch = yield _look_up(name, "new/queryIndexTreeAsync", (("pid", root_id), ("code", code)))
    branch_id = _identifier(branch, name, ACCOUNTS)
    name = f"new.{code}.table.json"
    tables = yield _look_up(name, "new/queryIndexTreeAsync", (("pid", branch_id), ("code", code)))
    table_id = _identifier(tables, name, table)
    name = f"new.{code}.indicators.json"
    found = yield _look_up(name, "new/queryIndicatorsByCid", (("cid", table_id), ("dt", ""), ("name", "")))
    wanted = [_identifier(found, name, indicator) for indicator in indicators]
    for region in (NATION,) if code == "3" else PROVINCES:
        asked = {
            "cid": table_id,
            "indicatorIds": wanted,
            "daCatalogId": "",
            "das": [{"text": "", "value": f"{region}000000"}],
            "dts": [YEARS],
            "showType": "1",
            "rootId": root_id,
        }
        yield Request(
            name=f"new.{code}.values.{region}.json",
            url=f"{NEW}/getEsDataByCidAndDt",
            kind="json",
            headers=_NEW_HEADERS,
            method="POST",
            body=json.dumps(asked, ensure_ascii=False).encode("utf-8"),
        )


def _look_up(name: str, path: str, params: tuple[tuple[str, str], ...]) -> Request:
    return Request(name=name, url=f"{NEW}/{path}", kind="json", params=params, headers=_NEW_HEADERS)


def _identifier(path: Path, file: str, wanted: str | None) -> str:
    """Return the `_id` of the node or indicator of a name; of the one there is, when no name is given."""
    data = _data(path, file)
    listed = data.get("list") if isinstance(data, dict) else data
    named: dict[str, str] = {}
    for node in listed if isinstance(listed, list) else []:
        if isinstance(node, dict):
            called = node.get("i_showname") or node.get("name")
            named[re.sub(r"\s*[(（][^)）]*[)）]\s*$", "", str(called)).strip()] = str(node.get("_id") or "")
    found = named.get(wanted) if wanted else next(iter(named.values()), None) if len(named) == 1 else None
    if not found:
        raise SourceError(
            NAME,
            f"no node is named {wanted or '(the root)'!r}; there are {', '.join(named) or 'none'}",
            file=file,
            remedy="Look the table up on data.stats.gov.cn and name it in warehouse/sources/nbs_accounts.py",
        )
    return found


def _data(path: Path, file: str) -> JsonValue:
    """Return the data of the new interface's envelope; raise with its message when it tells of a failure."""
    answer = read_json(path, source=NAME, file=file)
    if not isinstance(answer, dict) or answer.get("success") is not True or "data" not in answer:
        told = answer.get("message") if isinstance(answer, dict) else answer
        raise SourceError(
            NAME,
            f"the publisher answers with an error: {str(told)[:200]!r}",
            file=file,
            remedy="Ask again later, and more slowly: a firewall stands in front of the interface",
        )
    return answer["data"]


def read(files: Mapping[str, Path], work: Path) -> Iterator[pa.RecordBatch]:
    """Yield one batch for each answer that holds values; raise `SourceError` for what the module refuses."""
    read_any = False
    for file, path in files.items():
        old, new = _OLD_FILE.fullmatch(file), _VALUES_FILE.fullmatch(file)
        if old:
            try:
                rows = list(_old_rows(path, file, old[1]))
            except (LookupError, TypeError, AttributeError) as error:
                reason = f"not an exchange as agreed: {type(error).__name__} {error}"
                raise SourceError(NAME, reason, file=file) from error
        elif new:
            rows = list(_new_rows(path, file, f"new.{new[1]}", new[2]))
        elif _LOOKED_UP_FILE.fullmatch(file):
            continue
        else:
            raise SourceError(NAME, "a file that no request of this source asks for", file=file)
        if not rows:
            continue
        read_any = True
        columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
        count = len(rows)
        yield pa.record_batch(
            [*columns, pa.repeat(pa.scalar(file, pa.string()), count), pa.arange(1, count + 1)],
            schema=raw_schema(COLUMNS),
        )
    if not read_any:
        raise SourceError(NAME, "an empty answer where data is expected: no cells")


def _old_rows(path: Path, file: str, database: str) -> Iterator[Row]:
    answer = read_json(path, source=NAME, file=file)
    told: Any = answer.get("returndata") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or answer.get("returncode") != "200" or not isinstance(told, dict):
        code = answer.get("returncode") if isinstance(answer, dict) else None
        raise SourceError(
            NAME, f"the publisher answers with an error: returncode {code}, {str(told)[:200]!r}", file=file
        )
    names = {
        (str(dimension["wdcode"]), str(node["code"])): node
        for dimension in told["wdnodes"]
        for node in dimension["nodes"]
        if node is not None
    }
    for row, node in enumerate(told["datanodes"], start=1):
        place = {str(one["wdcode"]): str(one["valuecode"]) for one in node["wds"]}
        if not {"zb", "sj"} <= set(place) <= {"zb", "reg", "sj"}:
            raise SourceError(NAME, f"a cell placed by {', '.join(place)}", file=file, row=row)
        unnamed = [code for code in place.items() if code not in names]
        if unnamed:
            raise SourceError(NAME, f"a cell of {unnamed[0]}, which no wdnodes names", file=file, row=row)
        has, text = node["data"]["hasdata"], node["data"]["strdata"]
        if has is not bool(text):
            raise SourceError(NAME, f"hasdata is {has} and strdata {text!r}", file=file, row=row)
        indicator = names["zb", place["zb"]]
        region = place.get("reg", NATION)
        yield (
            database,
            place["zb"],
            str(indicator["name"]),
            str(indicator["unit"]) or None,
            region,
            str(names["reg", region]["name"]) if "reg" in place else None,
            place["sj"],
            _decimal(text, file, row) if has else None,
        )


def _new_rows(path: Path, file: str, database: str, region: str) -> Iterator[Row]:
    data: Any = _data(path, file)
    if not isinstance(data, list):
        raise SourceError(NAME, "the data are not a list of periods", file=file)
    row = 0
    for period in data:
        if (
            not isinstance(period, dict)
            or not isinstance(period.get("values"), list)
            or not period.get("code")
        ):
            raise SourceError(NAME, f"not a period with its values: {str(period)[:200]!r}", file=file)
        for cell in period["values"]:
            row += 1
            if not isinstance(cell, dict) or not cell.get("_id") or not cell.get("i_showname"):
                raise SourceError(NAME, f"not a cell: {str(cell)[:200]!r}", file=file, row=row)
            text = cell.get("value")
            yield (
                database,
                str(cell["_id"]),
                str(cell["i_showname"]).strip(),
                str(cell.get("du_name") or "") or None,
                region,
                str(cell.get("da_name") or "") or None,
                str(period["code"]),
                _decimal(text, file, row) if text not in (None, "") else None,
            )


def _decimal(text: JsonValue, file: str, row: int) -> str:
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        raise SourceError(NAME, f"not a plain decimal number: {text!r}", file=file, row=row)
    return str(text)


SOURCE = Source(
    name=NAME,
    title="GDP and value added, national and by province",
    publisher="National Bureau of Statistics of China (NBS)",
    table="国民经济核算",
    homepage="https://data.stats.gov.cn",
    licence="No licence stated; official statistics published for public use",
    columns=COLUMNS,
    key=("database", "indicator", "region", "period"),
    plan=plan,
    read=read,
    seconds_between_calls=3.0,
)
