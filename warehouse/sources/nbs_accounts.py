"""National Bureau of Statistics of China: GDP and value added, national and by province.

There are two interfaces. The old one, `POST easyquery.htm`, is closed; only a mirror that has the recorded
exchanges answers it. It answers `{"returncode": 200, "returndata": {"datanodes", "wdnodes"}}`: a node is a
value with the codes of its indicator (`zb`), region (`reg`, absent for the nation) and period (`sj`);
`wdnodes` have the names of the codes and the units. **A missing cell is `hasdata: false, data: 0.0, strdata:
""`, never 0.** An error is `returncode: 501` with a text and status 200.

The new one is requested if no exchange is recorded: the tree of indicators (`queryIndexTreeAsync`, code 3 for
national and 6 for provincial years), the indicators of a table (`queryIndicatorsByCid`), then the values
(`POST getEsDataByCidAndDt`), one call for each province. An envelope has `success` and `data`; a year is
`{"code": "2024YY", "values": [{"i_showname", "value", "du_name", …}]}`; values are texts, and a year that is
not published has none. Identifiers are looked up by name at each pull, because they change with the edition.

The reader returns each cell with the name of its indicator, its unit and period as sent, the region as six
digits (000000 is the nation) and the value in the digits that were sent (`strdata`), null if missing.
`database` is that of the old interface (`hgyd` …), or `new.3` and `new.6`. `_row` is the position of the cell
in its answer, the first being 1.

Raises SourceError for an error with a good status, a code that `wdnodes` does not name, a value that is not a
plain decimal, a cell whose `hasdata` contradicts its `strdata`, and a table or indicator that is not found.
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
from warehouse.model import Note, Plan, Request, Source, no_note, raw_schema

NAME = "nbs_accounts"
OLD = "https://data.stats.gov.cn/easyquery.htm"
NEW = "https://data.stats.gov.cn/dg/website/publicrelease/web/external"
COLUMNS = ("database", "indicator", "indicator_name", "unit", "region", "region_name", "period", "value")
YEARS = "1949YY-2100YY"  # all years, without reading the clock


def exchange(
    name: str,
    database: str,
    rows: str,
    fixed: tuple[str, str] | None,
    requested: tuple[tuple[str, str], ...],
    at: str,
) -> Request:
    """Return a recorded request to the old interface, its body equal to the recorded one byte for byte.

    `fixed` and `requested` pair a dimension (`zb`, `reg`, `sj`) with a code; `at` is the client's clock in
    ms.
    """
    dimensions = [
        json.dumps([{"wdcode": dimension, "valuecode": code} for dimension, code in pairs])
        for pairs in ((fixed,) if fixed else (), requested)
    ]
    body = (
        ("m", "QueryData"),
        ("dbcode", database),
        ("rowcode", rows),
        ("colcode", "sj"),
        ("wds", dimensions[0]),
        ("dfwds", dimensions[1]),
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
    # The request names Beijing; the national database has no regions and answers for the nation.
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

# The new interface: the branch of the trees; for each tree its code, the table and the indicators.
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
_LOOKUP_FILE = re.compile(r"new\.[36]\.(?:root|branch|table|indicators)\.json")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_NEW_HEADERS = (
    ("Content-Type", "application/json;charset=UTF-8"),
    ("Accept", "application/json"),
    ("X-Requested-With", "XMLHttpRequest"),
    ("Referer", "https://data.stats.gov.cn/dg/website/page.html"),
)
Row = tuple[str | None, ...]


def plan() -> Plan:
    """Request the recorded exchanges; if there are none, request the values of the new interface."""
    recorded = 0
    for request in RECORDED:
        answer = yield request
        recorded += answer.exists()
    if not recorded:
        for code, table, indicators in TREES:
            yield from _tree_requests(code, table, indicators)


def _tree_requests(code: str, table: str, indicators: tuple[str, ...]) -> Plan:
    root = yield _lookup(f"new.{code}.root.json", "new/queryIndexTreeAsync", (("pid", ""), ("code", code)))
    root_id = _find_id(root, f"new.{code}.root.json", None)
    name = f"new.{code}.branch.json"
    branch = yield _lookup(name, "new/queryIndexTreeAsync", (("pid", root_id), ("code", code)))
    branch_id = _find_id(branch, name, ACCOUNTS)
    name = f"new.{code}.table.json"
    tables = yield _lookup(name, "new/queryIndexTreeAsync", (("pid", branch_id), ("code", code)))
    table_id = _find_id(tables, name, table)
    name = f"new.{code}.indicators.json"
    found = yield _lookup(name, "new/queryIndicatorsByCid", (("cid", table_id), ("dt", ""), ("name", "")))
    indicator_ids = [_find_id(found, name, indicator) for indicator in indicators]
    for region in (NATION,) if code == "3" else PROVINCES:
        body = {
            "cid": table_id,
            "indicatorIds": indicator_ids,
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
            body=json.dumps(body, ensure_ascii=False).encode("utf-8"),
        )


def _lookup(name: str, path: str, params: tuple[tuple[str, str], ...]) -> Request:
    return Request(name=name, url=f"{NEW}/{path}", kind="json", params=params, headers=_NEW_HEADERS)


def _find_id(path: Path, file: str, name: str | None) -> str:
    """Return the `_id` of the node or indicator with this name; if `name` is None, of the only node."""
    data = _data(path, file)
    nodes = data.get("list") if isinstance(data, dict) else data
    ids: dict[str, str] = {}
    for node in nodes if isinstance(nodes, list) else []:
        if isinstance(node, dict):
            label = node.get("i_showname") or node.get("name")
            ids[re.sub(r"\s*[(（][^)）]*[)）]\s*$", "", str(label)).strip()] = str(node.get("_id") or "")
    found = ids.get(name) if name else next(iter(ids.values()), None) if len(ids) == 1 else None
    if not found:
        raise SourceError(
            NAME,
            f"no node is named {name or '(the root)'!r}; the nodes are {', '.join(ids) or 'none'}",
            file=file,
            remedy="Look up the table on data.stats.gov.cn, and set its name in this source's module",
        )
    return found


def _data(path: Path, file: str) -> JsonValue:
    """Return the data in the envelope of the new interface. Raises SourceError for an error envelope."""
    answer = read_json(path, source=NAME, file=file)
    if not isinstance(answer, dict) or answer.get("success") is not True or "data" not in answer:
        message = answer.get("message") if isinstance(answer, dict) else answer
        raise SourceError(
            NAME,
            f"the publisher answered with an error: {str(message)[:200]!r}",
            file=file,
            remedy="Try again later and with longer pauses: a firewall limits the interface",
        )
    return answer["data"]


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Yield one batch for each answer with values. Raises SourceError as the module says."""
    has_rows = False
    for file, path in files.items():
        old, new = _OLD_FILE.fullmatch(file), _VALUES_FILE.fullmatch(file)
        if old:
            try:
                rows = list(_old_rows(path, file, old[1]))
            except (LookupError, TypeError, AttributeError) as error:
                reason = f"the answer has an unknown structure: {type(error).__name__} {error}"
                raise SourceError(NAME, reason, file=file) from error
        elif new:
            rows = list(_new_rows(path, file, f"new.{new[1]}", new[2]))
        elif _LOOKUP_FILE.fullmatch(file):
            continue
        else:
            raise SourceError(NAME, "no request of this source has this file name", file=file)
        if not rows:
            continue
        has_rows = True
        columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
        count = len(rows)
        yield pa.record_batch(
            [*columns, pa.repeat(pa.scalar(file, pa.string()), count), pa.arange(1, count + 1)],
            schema=raw_schema(COLUMNS),
        )
    if not has_rows:
        raise SourceError(NAME, "the answers have no cells")


def _old_rows(path: Path, file: str, database: str) -> Iterator[Row]:
    answer = read_json(path, source=NAME, file=file)
    data: Any = answer.get("returndata") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or answer.get("returncode") != "200" or not isinstance(data, dict):
        code = answer.get("returncode") if isinstance(answer, dict) else None
        raise SourceError(
            NAME, f"the publisher answered with an error: returncode {code}, {str(data)[:200]!r}", file=file
        )
    names = {
        (str(dimension["wdcode"]), str(node["code"])): node
        for dimension in data["wdnodes"]
        for node in dimension["nodes"]
        if node is not None
    }
    for row, node in enumerate(data["datanodes"], start=1):
        codes = {str(pair["wdcode"]): str(pair["valuecode"]) for pair in node["wds"]}
        if not {"zb", "sj"} <= set(codes) <= {"zb", "reg", "sj"}:
            raise SourceError(
                NAME,
                f"the cell has the dimensions {', '.join(codes)}, expected zb, sj and reg",
                file=file,
                row=row,
            )
        unnamed = [code for code in codes.items() if code not in names]
        if unnamed:
            raise SourceError(NAME, f"wdnodes has no name for the code {unnamed[0]}", file=file, row=row)
        has_data, text = node["data"]["hasdata"], node["data"]["strdata"]
        if has_data is not bool(text):
            raise SourceError(NAME, f"hasdata is {has_data} and strdata is {text!r}", file=file, row=row)
        indicator = names["zb", codes["zb"]]
        region = codes.get("reg", NATION)
        yield (
            database,
            codes["zb"],
            str(indicator["name"]),
            str(indicator["unit"]) or None,
            region,
            str(names["reg", region]["name"]) if "reg" in codes else None,
            codes["sj"],
            _decimal(text, file, row) if has_data else None,
        )


def _new_rows(path: Path, file: str, database: str, region: str) -> Iterator[Row]:
    data: Any = _data(path, file)
    if not isinstance(data, list):
        raise SourceError(NAME, "the data is not a list of periods", file=file)
    row = 0
    for period in data:
        if (
            not isinstance(period, dict)
            or not isinstance(period.get("values"), list)
            or not period.get("code")
        ):
            raise SourceError(NAME, f"not a period with values: {str(period)[:200]!r}", file=file)
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
        raise SourceError(NAME, f"the value is not a plain decimal number: {text!r}", file=file, row=row)
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
