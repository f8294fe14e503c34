"""National Bureau of Statistics of China (NBS): GDP and value added of the tertiary industry, by year.

Two trees of annual tables are walked, national (code 3) and by province (code 6): the nodes below the root
and below 国民经济核算 (`new/queryIndexTreeAsync`), the indicators of the table (`new/queryIndicatorsByCid`),
then the values (`POST stream/esData`), one call for each region. Identifiers are looked up by name at each
pull, because they change with the edition. The form is that of clients published between June and October
2026: `stream/esData` replaced `getEsDataByCidAndDt` on 2026-06-05, and answers 500 without `showType`.

An answer is `{"success": true, "state": 20000, "message": …, "data": …}`. `data` is a list of nodes, or an
object with the `list` of indicators, or a list of periods `{"code": "2024YY", "values": [cell, …]}`. A cell
has `_id`, `i_showname`, `value` (a text, empty if missing), `du_name` (the unit), `da` (12 digits of the
region) and `da_name`. A period that is not published has no values.

**Names.** `i_showname` ends with the unit in brackets, `地区生产总值 (亿元) `, or is the name alone. Texts
are compared in NFKC. The brackets at the end of a name are

- of an indicator: the unit, which must be `UNIT` and equal `du_name`;
- of a table: the years of a part, `国内生产总值(1952-2015)` or `国内生产总值(2016-至今)`. A table that is cut
  by period is requested in all its parts, which must not overlap; a part has cells of its own years only;
- of either: `现价`, `当年价` or `当年价格`, at current prices.

With other brackets (`不变价`, at constant prices) it is another table or indicator. Two names that differ
only in brackets are an error that states both, unless they are parts of a table.

**Years.** A request ends with the current year, `1949YY-2026YY`. The publisher's page sends such ranges
(captured on 2026-10-02), and so do most clients. Not used, because there is less evidence for them: an empty
`dts`, with which two clients obtain every period, and a range beyond the current year. The address of a POST
in the index of a mirror has the digest of its body, so these addresses change on 1 January.

**Pace.** After about 100 calls in a row a firewall answers with a JavaScript challenge, which is rejected as
not JSON. A pull is 40 calls, and 32 more if the provincial table is cut into two parts.

Raises SourceError for an error with a good status, a table or indicator that is not found or ambiguous, an
indicator, unit, region or period that was not requested, a value that is not a plain decimal, and an answer
without values.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from warehouse.arrow import pa
from warehouse.errors import SourceError
from warehouse.formats.json import JsonValue, read_json
from warehouse.model import Note, Part, Plan, Request, Source, no_note, raw_schema

NAME = "nbs_accounts"
BASE = "https://data.stats.gov.cn/dg/website/publicrelease/web/external"
COLUMNS = ("database", "indicator", "indicator_name", "unit", "region", "region_name", "period", "value")
BRANCH = "国民经济核算"
UNIT = "亿元"  # 100 million yuan
CURRENT_PRICES = {"现价", "当年价", "当年价格"}
FIRST_YEAR = 1949
NATION = {"000000": "全国"}
PROVINCES = {
    **{"110000": "北京市", "120000": "天津市", "130000": "河北省", "140000": "山西省"},
    **{"150000": "内蒙古自治区", "210000": "辽宁省", "220000": "吉林省", "230000": "黑龙江省"},
    **{"310000": "上海市", "320000": "江苏省", "330000": "浙江省", "340000": "安徽省"},
    **{"350000": "福建省", "360000": "江西省", "370000": "山东省", "410000": "河南省"},
    **{"420000": "湖北省", "430000": "湖南省", "440000": "广东省", "450000": "广西壮族自治区"},
    **{"460000": "海南省", "500000": "重庆市", "510000": "四川省", "520000": "贵州省"},
    **{"530000": "云南省", "540000": "西藏自治区", "610000": "陕西省", "620000": "甘肃省"},
    **{"630000": "青海省", "640000": "宁夏回族自治区", "650000": "新疆维吾尔自治区"},
}


class Table(NamedTuple):
    """A table of a tree: its name, the indicators that are requested, and the regions by code."""

    name: str
    indicators: tuple[str, ...]
    regions: Mapping[str, str]


TABLES = {  # by the code of the tree
    "3": Table("国内生产总值", ("国内生产总值", "第三产业增加值"), NATION),
    "6": Table("地区生产总值", ("地区生产总值", "第三产业增加值"), PROVINCES),
}


class _Label(NamedTuple):
    """A name as printed, in NFKC: the name, and the texts in the brackets at its end."""

    name: str
    brackets: tuple[str, ...]


class _Part(NamedTuple):
    """The first and last year of a part of a table; None where it is open, or the table is not cut."""

    first: int | None
    last: int | None


_WHOLE = _Part(None, None)
_BRACKETS_AT_END = re.compile(r"(.*?)\s*\(([^()]*)\)\s*")
_PART = re.compile(r"([0-9]{4})?\s*年?\s*[-–—~至]\s*(?:([0-9]{4})\s*年?|至?今)?")
_VALUES_FILE = re.compile(r"new\.([36])\.(?:([0-9]{4})?-([0-9]{4})?\.)?values\.([0-9]{6})\.json")
_LOOKUP_FILE = re.compile(r"new\.[36]\.(?:root|branch|table|(?:[0-9]*-[0-9]*\.)?indicators)\.json")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?")
_PERIOD = re.compile(r"([0-9]{4})YY")
_HEADERS = (
    ("Content-Type", "application/json;charset=UTF-8"),
    ("Accept", "application/json"),
    ("X-Requested-With", "XMLHttpRequest"),
    ("Referer", "https://data.stats.gov.cn/dg/website/page.html"),
)
Row = tuple[str | None, ...]
CONTRACT_TEXT = f"""\
Read of each cell: `indicator` (`_id`), `indicator_name` (`i_showname`, without brackets), `unit` ({UNIT}),
`region` (six digits; 000000 is the nation), `region_name` (`da_name`), `period`, and `value` in the digits
sent. `database` is the tree, new.3 or new.6. Other tables, indicators and keys are ignored. An answer with
another unit, or with an indicator, region or period that was not requested, fails its region alone. A row
with an indicator or region that no seed has is held out of the facts; more than 20 % reject the load."""


def plan() -> Plan:
    """Request the tree, the indicators and the values of each table."""
    for code, table in TABLES.items():
        root = yield _tree_request(f"new.{code}.root.json", "", code)
        root_id = _only_id(root, f"new.{code}.root.json")
        branches = yield _tree_request(f"new.{code}.branch.json", root_id, code)
        branch_id = _find_id(branches, f"new.{code}.branch.json", BRANCH, ())
        tables = yield _tree_request(f"new.{code}.table.json", branch_id, code)
        for part, table_id in _find_parts(tables, f"new.{code}.table.json", table.name):
            prefix = f"new.{code}" if part == _WHOLE else f"new.{code}.{part.first or ''}-{part.last or ''}"
            yield from _part_requests(prefix, part, table, table_id, root_id)


def _part_requests(prefix: str, part: _Part, table: Table, table_id: str, root_id: str) -> Plan:
    file = f"{prefix}.indicators.json"
    params = (("cid", table_id), ("dt", ""), ("name", ""))
    found = yield Request(
        name=file, url=f"{BASE}/new/queryIndicatorsByCid", kind="json", params=params, headers=_HEADERS
    )
    indicator_ids = [_find_id(found, file, indicator, (UNIT,)) for indicator in table.indicators]
    this_year = datetime.now(UTC).year
    years = f"{part.first or FIRST_YEAR}YY-{min(part.last or this_year, this_year)}YY"
    for region, name in table.regions.items():
        body = {
            "cid": table_id,
            "indicatorIds": indicator_ids,
            "daCatalogId": "",
            "das": [{"text": name, "value": f"{region}000000"}],
            "dts": [years],
            "showType": "1",
            "rootId": root_id,
        }
        request = Request(
            name=f"{prefix}.values.{region}.json",
            url=f"{BASE}/stream/esData",
            kind="json",
            headers=_HEADERS,
            method="POST",
            body=json.dumps(body, ensure_ascii=False).encode("utf-8"),
        )
        yield Part(f"{prefix}.{name}", _region_request(request))


def _region_request(request: Request) -> Generator[Request, Path, None]:
    """Request the values of one region; an answer that cannot be read fails this region alone."""
    answer = yield request
    _rows(answer, request.name)


def _tree_request(file: str, parent_id: str, code: str) -> Request:
    params = (("pid", parent_id), ("code", code))
    return Request(
        name=file, url=f"{BASE}/new/queryIndexTreeAsync", kind="json", params=params, headers=_HEADERS
    )


def _data(path: Path, file: str) -> JsonValue:
    """Return the data of an answer. Raises SourceError for an error message."""
    answer = read_json(path, source=NAME, file=file)
    is_good = (
        isinstance(answer, dict)
        and answer.get("success") is True
        and answer.get("state") in (None, "20000")
        and "data" in answer
    )
    if not is_good or not isinstance(answer, dict):
        message = answer.get("message") if isinstance(answer, dict) else answer
        state = answer.get("state") if isinstance(answer, dict) else None
        raise SourceError(
            NAME,
            f"the publisher answered with an error: state {state}, {str(message)[:200]!r}",
            file=file,
            remedy="Try again later: a firewall limits the number of calls",
        )
    return answer["data"]


def _split(text: str) -> _Label:
    """Split the brackets at the end of a name from it: `地区生产总值 (当年价格) (亿元) ` has two."""
    name = " ".join(unicodedata.normalize("NFKC", text).split())
    brackets: list[str] = []
    while (match := _BRACKETS_AT_END.fullmatch(name)) and match[1]:
        name = match[1]
        brackets.insert(0, match[2].strip())
    return _Label(name, tuple(brackets))


def _nodes(path: Path, file: str) -> list[tuple[str, str]]:
    """Return the names, as sent, and the identifiers of the nodes or indicators of an answer."""
    data = _data(path, file)
    nodes = data.get("list") if isinstance(data, dict) else data
    found = []
    for node in nodes if isinstance(nodes, list) else []:
        node_id = node.get("_id") if isinstance(node, dict) else None
        if not isinstance(node, dict) or not isinstance(node_id, str) or not node_id:
            raise SourceError(NAME, f"not a node with an _id: {str(node)[:200]!r}", file=file)
        name = node.get("i_showname") or node.get("name") or node.get("_name") or ""
        found.append((str(name).strip(), node_id))
    return found


def _only_id(path: Path, file: str) -> str:
    nodes = _nodes(path, file)
    if len(nodes) != 1:
        raise _not_found(file, "one root is expected", (name for name, _ in nodes))
    return nodes[0][1]


def _find_id(path: Path, file: str, name: str, units: tuple[str, ...]) -> str:
    """Return the identifier of the only node or indicator with this name.

    Brackets at the end of its name must be among `units`, or say that it is at current prices. Raises
    SourceError with all names of the answer if there is none, or more than one.
    """
    nodes = _nodes(path, file)
    named = [(label, node_id) for label, node_id in nodes if _split(label).name == name]
    if len(named) > 1:
        raise _ambiguous(file, name, (label for label, _ in named))
    if not named or set(_split(named[0][0]).brackets) - CURRENT_PRICES - set(units):
        units_text = f" in {', '.join(units)}" if units else ""
        raise _not_found(file, f"no node is named {name!r}{units_text}", (label for label, _ in nodes))
    return named[0][1]


def _find_parts(path: Path, file: str, name: str) -> list[tuple[_Part, str]]:
    """Return the parts of a table by year, with their identifiers; a table that is not cut is one part.

    Raises SourceError if there is none, or if names that differ in brackets are not parts of it.
    """
    nodes = _nodes(path, file)
    named = [(label, node_id) for label, node_id in nodes if _split(label).name == name]
    parts: list[tuple[_Part, str]] = []
    for label, node_id in named:
        brackets = [text for text in _split(label).brackets if text not in CURRENT_PRICES]
        years = _PART.fullmatch(brackets[0]) if len(brackets) == 1 else None
        if not brackets:
            parts.append((_WHOLE, node_id))
        elif years and any(years.groups()):
            first, last = (int(year) if year else None for year in years.groups())
            parts.append((_Part(first, last), node_id))
    parts.sort(key=lambda found: found[0].first or 0)
    overlaps = any((before.last or 9999) >= (after.first or 0) for (before, _), (after, _) in pairwise(parts))
    if len(named) > 1 and (overlaps or len(parts) < len(named)):
        raise _ambiguous(file, name, (label for label, _ in named))
    if not parts:
        raise _not_found(file, f"no table is named {name!r}", (label for label, _ in nodes))
    return parts


def _ambiguous(file: str, name: str, labels: Iterable[str]) -> SourceError:
    return _not_found(file, f"{name!r} is ambiguous without its brackets", labels)


def _not_found(file: str, reason: str, labels: Iterable[str]) -> SourceError:
    return SourceError(
        NAME,
        f"{reason}; the names are {', '.join(map(repr, labels)) or 'none'}",
        file=file,
        remedy="Look up the table on data.stats.gov.cn, and correct the names in this source's module",
    )


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Yield one batch for each answer with values. Raises SourceError as the module says."""
    has_rows = False
    for file, path in files.items():
        if _LOOKUP_FILE.fullmatch(file):
            continue
        rows = _rows(path, file)
        has_rows = True
        columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
        count = len(rows)
        yield pa.record_batch(
            [*columns, pa.repeat(pa.scalar(file, pa.string()), count), pa.arange(1, count + 1)],
            schema=raw_schema(COLUMNS),
        )
    if not has_rows:
        raise SourceError(NAME, "no file has values")


def _rows(path: Path, file: str) -> list[Row]:
    """Return the cells of one answer with values: one region of one table, or of a part of it."""
    match = _VALUES_FILE.fullmatch(file)
    if not match:
        raise SourceError(NAME, "no request of this source has this file name", file=file)
    code, region = match[1], match[4]
    part = _Part(*(int(year) if year else None for year in (match[2], match[3])))
    data = _data(path, file)
    if not isinstance(data, list):
        raise SourceError(NAME, "the data is not a list of periods", file=file)
    rows: list[Row] = []
    for period in data:
        values = period.get("values") if isinstance(period, dict) else None
        if not isinstance(period, dict) or not isinstance(values, list):
            raise SourceError(NAME, f"not a period with values: {str(period)[:200]!r}", file=file)
        for cell in values:
            rows.append(_row(cell, period.get("code"), part, code, region, file, len(rows) + 1))
    if not any(row[-1] is not None for row in rows):
        raise SourceError(
            NAME,
            "the answer has no values",
            file=file,
            remedy="Fetch again; if it stays so, look up the region on data.stats.gov.cn",
        )
    return rows


def _row(cell: Any, period: Any, part: _Part, code: str, region: str, file: str, row: int) -> Row:
    """Return a cell as a row, after comparing it with what was requested."""

    def error(reason: str) -> SourceError:
        return SourceError(NAME, reason, file=file, row=row)

    if not _is_cell(cell):
        raise error(f"not a cell: {str(cell)[:200]!r}")
    name, brackets = _split(cell["i_showname"])
    if name not in TABLES[code].indicators:
        raise error(f"the indicator {name!r} was not requested")
    units = [text for text in brackets if text not in CURRENT_PRICES]
    units += [unicodedata.normalize("NFKC", cell["du_name"]).strip()] if cell.get("du_name") else []
    if set(units) != {UNIT}:
        raise error(f"the unit of {name} is {' and '.join(units) or 'missing'}, expected {UNIT}")
    if cell.get("da") and cell["da"] != f"{region}000000":
        raise error(f"the region {cell['da']!r} was not requested")
    year = _PERIOD.fullmatch(str(period))
    if not year or not (part.first or 0) <= int(year[1]) <= (part.last or 9999):
        raise error(f"the period {period!r} was not requested")
    return (
        f"new.{code}",
        cell["_id"],
        name,
        UNIT,
        region,
        cell.get("da_name") or None,
        str(period),
        _decimal(cell["value"], error),
    )


def _is_cell(cell: Any) -> bool:
    return (
        isinstance(cell, dict)
        and "value" in cell
        and all(cell.get(name) and isinstance(cell[name], str) for name in ("_id", "i_showname"))
        and all(isinstance(cell.get(name), str | None) for name in ("du_name", "da", "da_name"))
    )


def _decimal(value: JsonValue, error: Callable[[str], SourceError]) -> str | None:
    if value in (None, ""):
        return None
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise error(f"the value is not a plain decimal number: {value!r}")
    return str(value)


SOURCE = Source(
    name=NAME,
    title="GDP and value added, national and by province",
    publisher="National Bureau of Statistics of China (NBS)",
    table=BRANCH,
    homepage="https://data.stats.gov.cn",
    licence="No licence stated; official statistics published for public use",
    evidenced="2026-10-02: requests and answers in public clients; no recording is at hand",
    contract_text=CONTRACT_TEXT,
    columns=COLUMNS,
    key=("database", "indicator_name", "region", "period"),
    plan=plan,
    read=read,
    seconds_between_calls=3.0,
)
