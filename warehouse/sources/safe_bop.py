"""SAFE: China's balance of payments (BPM6), the time-series workbook.

Request: the landing page, then the one attachment titled `中国国际收支平衡表时间序列(BPM6)`. The file's own
address changes with each update (`/safe/file/file/{YYYYMMDD}/{32 hex}.xlsx`), so only the title finds it.

Keeps: from each of the six sheets, goods and services (1.A), goods (1.A.a), services (1.A.b) and its twelve
items (1.A.b.1 to 1.A.b.12), each with its balance, credit and debit, for every period of the header, with
the text of the cell as sent: units of 100 million, debits negative, `/` where SAFE gives no figure, null
where the cell is empty. `sheet` is the sheet's name with its stray space or bracket, `unit` what follows
`单位:`, `item_label` the item's name without its code. `_row` is the row in that sheet.

The layout, found by its marks and not by row numbers: title; unit; `项目` and the periods, `2010` or
`2010Q1`; then items. An item's code stands in its label. `贷方` (credit) and `借方` (debit) repeat under each
item, so the item is carried down. After `备注：` come numbered notes.

Ignores, by declaration: the current account's own total (code 1), the accounts under `IGNORED_ACCOUNTS` with
the rows below each, and the notes.

Refuses: a sheet more or less, another title or unit, periods with a gap or twice or of the wrong frequency,
an item that is new, renamed, missing or repeated, an item without its credit or debit row, a value outside
the periods, and any kept cell that is not a number, `/` or empty (`n/a`, `1,234`).

That credit and debit add up to the balance, and twelve items to services, is for the gates to judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pyarrow as pa

from warehouse.errors import SourceError
from warehouse.formats.xlsx import Row, Workbook, open_workbook, read_rows
from warehouse.formats.xlsx_package import cell_name
from warehouse.model import Plan, Request, Source, raw_schema

NAME = "safe_bop"
HOST = "www.safe.gov.cn"
LANDING_PAGE = f"https://{HOST}/safe/2019/0627/13519.html"
ATTACHMENT_TITLE = "中国国际收支平衡表时间序列(BPM6)"
ATTACHMENT_PATH = re.compile(r"/safe/file/file/[0-9]{8}/[0-9a-fA-F]{32}\.xlsx")
PAGE_FILE = "landing.html"
WORKBOOK_FILE = "bop_bpm6.xlsx"

COLUMNS = ("sheet", "unit", "period", "item_code", "item_label", "entry", "value")


@dataclass(frozen=True)
class Sheet:
    """What one sheet must say of itself: its title, its unit and how often its periods come."""

    title: str
    unit: str
    frequency: str  # A or Q


_ANNUAL_TITLE = "中国国际收支平衡表（年度表）"
_QUARTERLY_TITLE = "中国国际收支平衡表（季度表）"
SHEETS: Mapping[str, Sheet] = {
    "年度BOP（人民币）": Sheet(_ANNUAL_TITLE, "亿元人民币", "A"),
    "季度BOP（人民币）": Sheet(_QUARTERLY_TITLE, "亿元人民币", "Q"),
    "年度BOP（美元） ": Sheet(_ANNUAL_TITLE, "亿美元", "A"),  # the trailing space is SAFE's
    "季度BOP（美元）": Sheet(_QUARTERLY_TITLE, "亿美元", "Q"),
    "年度BOP（SDR)": Sheet(_ANNUAL_TITLE, "亿SDR", "A"),  # and so are the unlike brackets
    "季度BOP（SDR）": Sheet(_QUARTERLY_TITLE, "亿SDR", "Q"),
}
ITEMS: Mapping[str, str] = {
    "1.A": "货物和服务",
    "1.A.a": "货物",
    "1.A.b": "服务",
    "1.A.b.1": "加工服务",
    "1.A.b.2": "维护和维修服务",
    "1.A.b.3": "运输",
    "1.A.b.4": "旅行",
    "1.A.b.5": "建设",
    "1.A.b.6": "保险和养老金服务",
    "1.A.b.7": "金融服务",
    "1.A.b.8": "知识产权使用费",
    "1.A.b.9": "电信、计算机和信息服务",
    "1.A.b.10": "其他商业服务",
    "1.A.b.11": "个人、文化和娱乐服务",
    "1.A.b.12": "别处未提及的政府货物和服务",
}
ENTRIES: Mapping[str, str] = {"贷方": "credit", "借方": "debit"}
IGNORED_ACCOUNTS = ("1.B", "1.C", "2", "3")  # primary and secondary income; capital, financial; errors
IGNORED_TOTAL = ("1", "经常账户")
IGNORED_ENTRIES = frozenset({"贷方", "借方", "资产", "负债"})  # the rows below an ignored account
NO_FIGURE = "/"

_UNIT_MARK = "单位:"
_HEADER_MARK = "项目"
_NOTES_MARKS = frozenset({"备注：", "备注:"})
_ITEM = re.compile(r"([0-9]+(?:\.(?:[0-9]+|[A-Za-z]))*)\.?\s*(\S.*)")
_NOTE = re.compile(r"[0-9]+\s*\.\s*\S.*", re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_YEAR = re.compile(r"[0-9]{4}")
_QUARTER = re.compile(r"([0-9]{4})Q([1-4])")
_ASK = "Compare the sheet with the layout stated in warehouse/sources/safe_bop.py and declare what is new"


def plan() -> Plan:
    """Ask for the landing page, find the workbook's address in it by its title, and ask for that."""
    page = yield Request(PAGE_FILE, LANDING_PAGE, "html")
    yield Request(WORKBOOK_FILE, attachment_address(page.read_bytes()), "xlsx")


def attachment_address(page: bytes) -> str:
    """Return the https address of the one attachment with the agreed title.

    Raises SourceError if no link or more than one has it, or if the link leads anywhere but to an
    attachment of SAFE's own host.
    """
    parser = _Links()
    try:
        parser.feed(page.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _page_error(f"the page is not UTF-8 ({error})") from error
    parser.close()
    found = sorted({link for title, link in parser.links if title.removesuffix(".xlsx") == ATTACHMENT_TITLE})
    if len(found) != 1:
        titles = sorted({title for title, _ in parser.links if title})
        raise _page_error(
            f"{len(found)} attachments are titled {ATTACHMENT_TITLE!r} where one was agreed; "
            f"the titles on the page are {titles}"
        )
    elsewhere = f"the link of {ATTACHMENT_TITLE!r} leads to {found[0]!r}, not to an attachment on {HOST}"
    try:
        parts = urlsplit(urljoin(LANDING_PAGE, found[0]))
    except ValueError as error:
        raise _page_error(elsewhere) from error
    if (parts.scheme, parts.netloc, parts.query, parts.fragment) != (
        "https",
        HOST,
        "",
        "",
    ) or ATTACHMENT_PATH.fullmatch(parts.path) is None:
        raise _page_error(elsewhere)
    return f"https://{HOST}{parts.path}"


def read(files: Mapping[str, Path], work: Path) -> Iterator[pa.RecordBatch]:
    """Yield one batch of raw rows for each of the six sheets, in the workbook's order.

    Values are text in units of 100 million. Raises SourceError as the module's head says.
    """
    workbook = open_workbook(files[WORKBOOK_FILE], NAME)
    if set(workbook.sheets) != set(SHEETS):
        raise SourceError(
            NAME,
            f"sheets missing: {sorted(set(SHEETS) - set(workbook.sheets))}, "
            f"sheets unknown: {sorted(set(workbook.sheets) - set(SHEETS))}",
            file=WORKBOOK_FILE,
            remedy="If SAFE renamed or added a sheet, declare it in SHEETS and in the seed that maps it",
        )
    for name in workbook.sheets:
        yield _read_sheet(workbook, name)


class _Links(HTMLParser):
    """Collects the title and href of each link of a page, the title stripped of white space around it."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            stated = dict(attrs)
            self.links.append(((stated.get("title") or "").strip(), (stated.get("href") or "").strip()))


def _page_error(reason: str) -> SourceError:
    return SourceError(
        NAME,
        reason,
        address=LANDING_PAGE,
        file=PAGE_FILE,
        remedy="Open the page in a browser; if SAFE renamed the series, change ATTACHMENT_TITLE",
    )


def _sheet_error(sheet: str, row: int | None, reason: str) -> SourceError:
    return SourceError(NAME, f"sheet {sheet!r}: {reason}", file=WORKBOOK_FILE, row=row, remedy=_ASK)


def _read_sheet(workbook: Workbook, name: str) -> pa.RecordBatch:
    """Read one sheet into a batch: each row of it is kept, ignored by declaration, or an error."""
    declared = SHEETS[name]
    rows = read_rows(workbook, name)
    _expect_alone(name, next(rows, None), declared.title, "title")
    _expect_alone(name, next(rows, None), _UNIT_MARK + declared.unit, "unit")
    periods = _read_periods(name, declared.frequency, next(rows, None))

    columns: dict[str, list[str | int | None]] = {column: [] for column in (*COLUMNS, "_file", "_row")}
    seen: list[str] = []
    item = ""  # the item that the rows below belong to; empty before the first
    expected: list[str] = []  # the entries that item still owes
    in_notes = False
    for row in rows:
        label = row.cells.get(1, "").strip()
        _check_reach(name, row, label, 0 if in_notes else len(periods))
        if in_notes:
            if _NOTE.fullmatch(label) is None:
                raise _sheet_error(name, row.number, f"{label!r} stands among the numbered notes")
            continue
        if expected and label != expected[0]:
            raise _sheet_error(
                name, row.number, f"{expected[0]} of item {item} was due, and the row says {label!r}"
            )
        if expected:
            entry = ENTRIES[expected.pop(0)]
        elif label in _NOTES_MARKS:
            in_notes = True
            continue
        elif label in IGNORED_ENTRIES and item and item not in ITEMS:
            continue
        else:
            item = _item_code(name, row.number, label)
            if item not in ITEMS:
                continue
            if item in seen:
                raise _sheet_error(name, row.number, f"item {label!r} stands twice")
            seen.append(item)
            entry = "balance"
            expected = list(ENTRIES)
        for column, period in enumerate(periods, start=2):
            columns["period"].append(period)
            columns["value"].append(_value(name, row, column))
            columns["_file"].append(f"{WORKBOOK_FILE}#{name}!{cell_name(column, row.number)}")
        count = len(periods)
        for key, value in (
            ("sheet", name),
            ("unit", declared.unit),
            ("item_code", item),
            ("item_label", ITEMS[item]),
            ("entry", entry),
            ("_row", row.number),
        ):
            columns[key].extend([value] * count)
    if expected:
        raise _sheet_error(name, None, f"the sheet ends where {expected[0]} of item {item} was due")
    if missing := [code for code in ITEMS if code not in seen]:
        raise _sheet_error(name, None, f"items missing: {[f'{code} {ITEMS[code]}' for code in missing]}")
    return pa.RecordBatch.from_pydict(columns, schema=raw_schema(COLUMNS))


def _expect_alone(sheet: str, row: Row | None, text: str, what: str) -> None:
    """Demand that a row says just this text in its first column."""
    found = {} if row is None else row.cells
    if {column: cell.strip() for column, cell in found.items()} != {1: text}:
        raise _sheet_error(
            sheet, row.number if row else None, f"the {what} was to be {text!r} and is {list(found.values())}"
        )


def _read_periods(sheet: str, frequency: str, row: Row | None) -> list[str]:
    """Read the header: `项目`, then years or quarters, one after the other without gap or repetition."""
    if row is None or row.cells.get(1, "").strip() != _HEADER_MARK or len(row.cells) < 2:
        found = [] if row is None else list(row.cells.values())[:3]
        raise _sheet_error(
            sheet, row.number if row else None, f"{_HEADER_MARK!r} and periods were due, found {found}"
        )
    periods: list[str] = []
    before: int | None = None
    for column in range(2, max(row.cells) + 1):
        text = row.cells.get(column, "")
        place = cell_name(column, row.number)
        count = _period_count(frequency, text)
        if count is None:
            raise _sheet_error(sheet, row.number, f"{place} holds {text!r}, no {frequency} period")
        if before is not None and count != before + 1:
            raise _sheet_error(
                sheet, row.number, f"{place} holds {text!r} after {periods[-1]!r}: a gap or a repetition"
            )
        before = count
        periods.append(text)
    return periods


def _period_count(frequency: str, text: str) -> int | None:
    """Count years or quarters from year 0, so that neighbours differ by one; None if it is no period."""
    if frequency == "A":
        return int(text) if _YEAR.fullmatch(text) else None
    quarter = _QUARTER.fullmatch(text)
    return int(quarter[1]) * 4 + int(quarter[2]) if quarter else None


def _check_reach(sheet: str, row: Row, label: str, periods: int) -> None:
    """Refuse a row without a label, and a value in a column that has no period."""
    if not label:
        raise _sheet_error(sheet, row.number, f"values without a label: {list(row.cells.values())[:3]}")
    last = max(row.cells)
    if last > periods + 1:
        raise _sheet_error(
            sheet,
            row.number,
            f"{cell_name(last, row.number)} of {label!r} holds {row.cells[last]!r} under no period",
        )


def _item_code(sheet: str, row: int, label: str) -> str:
    """Return the code in an item's label, known by its name or ignored by declaration."""
    match = _ITEM.fullmatch(label)
    code, text = (match[1], match[2]) if match else ("", label)
    if ITEMS.get(code) == text or (code, text) == IGNORED_TOTAL:
        return code
    if any(code == account or code.startswith(f"{account}.") for account in IGNORED_ACCOUNTS):
        return code
    if code in ITEMS:
        raise _sheet_error(sheet, row, f"item {code} was agreed to be {ITEMS[code]!r} and is {text!r}")
    raise _sheet_error(sheet, row, f"the row {label!r} is not known")


def _value(sheet: str, row: Row, column: int) -> str | None:
    """Return the text of a kept cell: a number, `/`, or None for an empty cell."""
    text = row.cells.get(column)
    if text is None or text == NO_FIGURE or _NUMBER.fullmatch(text):
        return text
    raise _sheet_error(
        sheet,
        row.number,
        f"{cell_name(column, row.number)} holds {text!r}, neither a number nor {NO_FIGURE!r}",
    )


SOURCE = Source(
    name=NAME,
    title="Balance of payments of China (BPM6), time series",
    publisher="State Administration of Foreign Exchange (SAFE), China",
    table="中国国际收支平衡表时间序列(BPM6)",
    homepage=LANDING_PAGE,
    licence="None stated; public statistics of SAFE",
    columns=COLUMNS,
    key=("sheet", "period", "item_code", "entry"),
    plan=plan,
    read=read,
    reader_version=2,
)
