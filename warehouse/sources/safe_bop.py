"""SAFE: China's balance of payments (BPM6), the time-series workbook.

`plan` requests the landing page and then the attachment titled `中国国际收支平衡表时间序列(BPM6)`, or,
where no link has that title, the one with that text. The address of the workbook changes with each update
(`/safe/file/file/{YYYYMMDD}/{32 hex}.xlsx`, on other pages of SAFE's with `?n=…` behind it), so the title
identifies it. Address and layout were last evidenced on 2026-10-03.

The workbook has six sheets: annual and quarterly, in yuan, US dollars and SDR. A sheet has a title, a unit, a
header with `项目` and the periods (`2010` or `2010Q1`), then the items. The code of an item is part of its
label. Below each item are its rows `贷方` (credit) and `借方` (debit). After `备注：` come notes. Rows are
found by these labels, not by their numbers. Labels are compared without their typography (Unicode's NFKC,
blanks, footnote marks).

The reader returns, for each sheet and period, goods and services (1.A), goods (1.A.a), services (1.A.b) and
its twelve items (1.A.b.1 to 1.A.b.12), each as balance, credit and debit in units of 100 million, debits
negative. `value` is the text of the cell: a number as `formats/xlsx.py` states it, a mark of `NO_FIGURE` such
as `/` where SAFE gives no figure, null if the cell is empty. `sheet` is the name of the sheet in `SHEETS`,
`unit` the text after `单位:`, `item_label` the item's name without its code. `_row` is the row of the sheet.
The total of the current account (code 1), the accounts in `IGNORED_ACCOUNTS` with their rows, and the notes
are not loaded.

Drift: a further sheet, a remark behind a title or beside the unit, a line without figures, a footnote mark.

Each sheet is a part that may fail alone: it is missing, has another title or unit, periods that are repeated,
have a gap or another frequency, an item that is unknown, renamed, missing or repeated, an item without its
credit or debit row, a value outside the periods, or a cell that is neither a number, a mark nor empty. Raises
SourceError for a file that is not a readable workbook. The expectation suite checks that credit and debit add
up to the balance and the twelve items to services.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from warehouse.arrow import pa
from warehouse.errors import SourceError
from warehouse.formats.typography import normal, without_footnote
from warehouse.formats.xlsx import Row, Workbook, read_rows
from warehouse.formats.xlsx_package import cell_name
from warehouse.model import Note, Plan, Request, Source, no_note, raw_schema
from warehouse.sources import _safe
from warehouse.sources._safe import HOST, LICENCE, NUMBER, compact

NAME = "safe_bop"
LANDING_PAGE = f"https://{HOST}/safe/2019/0627/13519.html"
ATTACHMENT_TITLE = "中国国际收支平衡表时间序列(BPM6)"
PAGE_FILE = "landing.html"
WORKBOOK_FILE = "bop_bpm6.xlsx"

Columns = dict[str, list[str | int | None]]
COLUMNS = ("sheet", "unit", "period", "item_code", "item_label", "entry", "value")


@dataclass(frozen=True)
class Sheet:
    """The expected title, unit and frequency of a sheet."""

    title: str
    unit: str
    frequency: str  # A or Q


_ANNUAL_TITLE = "中国国际收支平衡表（年度表）"
_QUARTERLY_TITLE = "中国国际收支平衡表（季度表）"
SHEETS: Mapping[str, Sheet] = {
    "年度BOP（人民币）": Sheet(_ANNUAL_TITLE, "亿元人民币", "A"),
    "季度BOP（人民币）": Sheet(_QUARTERLY_TITLE, "亿元人民币", "Q"),
    "年度BOP（美元） ": Sheet(_ANNUAL_TITLE, "亿美元", "A"),  # the trailing space is as printed in 2024
    "季度BOP（美元）": Sheet(_QUARTERLY_TITLE, "亿美元", "Q"),
    "年度BOP（SDR)": Sheet(_ANNUAL_TITLE, "亿SDR", "A"),  # and so are the two kinds of brackets
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
IGNORED_ACCOUNTS = (
    "1.B",
    "1.C",
    "2",
    "3",
)  # primary and secondary income; capital and financial account; errors and omissions
IGNORED_TOTAL = ("1", "经常账户")
IGNORED_ENTRIES = frozenset({"贷方", "借方", "资产", "负债"})  # the rows of an ignored account

_UNIT_PREFIX = "单位:"
_HEADER_LABEL = "项目"
_NOTES_LABEL = "备注:"
_ITEM = re.compile(r"([0-9]+(?:\.(?:[0-9]+|[A-Za-z]))*)\.?\s*(\S.*)")
_MOST_HEAD_TEXTS = 20  # cells with text above the header
_YEAR = re.compile(r"[0-9]{4}")
_QUARTER = re.compile(r"([0-9]{4})Q([1-4])")
_REMEDY = "Compare the sheet with the layout in warehouse/sources/safe_bop.py and declare what is new"
CONTRACT_TEXT = f"""\
Read by label, of the sheets {", ".join(name.strip() for name in SHEETS)}:

- `sheet` and `unit`: the sheet as declared, and its unit, which must be the text after `{_UNIT_PREFIX}`;
- `period`: the header beside `{_HEADER_LABEL}`, years or quarters without a gap;
- `item_code` and `item_label`: the items {", ".join(ITEMS)}, each with its declared name;
- `entry`: balance in the row of the item, then credit and debit in its rows {" and ".join(ENTRIES)};
- `value`: the cell.

Known and not read: {" ".join(IGNORED_TOTAL)}, the accounts {", ".join(IGNORED_ACCOUNTS)} with their rows, and
the notes. Another item, or another name of one, fails its sheet alone. An item without a line in a seed is
held out of the facts; more than 20 % of such rows reject the load. A further sheet, a remark and a line
without figures are drift."""


def plan() -> Plan:
    """Request the landing page, then the workbook that it links."""
    page = yield Request(PAGE_FILE, LANDING_PAGE, "html")
    yield Request(WORKBOOK_FILE, attachment_address(page.read_bytes()), "xlsx")


def attachment_address(page: bytes) -> str:
    """Return the https address of the attachment with the title `ATTACHMENT_TITLE`.

    Raises SourceError unless exactly one link has the title and leads to an attachment on SAFE's host.
    """
    return _safe.attachment_address(
        NAME,
        page,
        LANDING_PAGE,
        PAGE_FILE,
        ATTACHMENT_TITLE,
        lambda title: compact(title).removesuffix(".xlsx") == ATTACHMENT_TITLE,
    )


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Yield one batch of raw rows for each of the six sheets, in the order of `SHEETS`.

    A sheet that cannot be read is noted as a failed part, with cell and row, and yields nothing. Raises
    SourceError as the module says.
    """
    yield from _safe.read_sheets(NAME, WORKBOOK_FILE, files[WORKBOOK_FILE], SHEETS, _read_sheet, note)


def _sheet_error(sheet: str, row: int | None, reason: str) -> SourceError:
    return SourceError(NAME, f"sheet {sheet!r}: {reason}", file=WORKBOOK_FILE, row=row, remedy=_REMEDY)


def _read_sheet(workbook: Workbook, name: str, printed: list[str], note: Note) -> pa.RecordBatch:
    """Read a sheet into a batch. Each row is loaded, ignored by declaration, or an error.

    `name` is the sheet's name in `SHEETS`, `printed` the names in the workbook that are equal to it.
    """
    if len(printed) != 1:
        names = list(workbook.sheets)
        raise _sheet_error(name, None, f"{len(printed)} sheets have this name; the sheets are {names}")
    rows = read_rows(workbook, printed[0])
    header = _read_head(name, rows, note)
    periods = _read_periods(name, SHEETS[name].frequency, header)

    columns: Columns = {column: [] for column in (*COLUMNS, "_file", "_row")}
    loaded: list[str] = []
    item = ""  # the item that the row belongs to
    due: list[str] = []  # the entries of the item that are still to come
    in_notes = False
    for row in rows:
        label = without_footnote(row.cells.get(1, ""))
        _check_extent(name, row, label, 0 if in_notes else len(periods))
        if in_notes:
            continue
        if label != normal(row.cells.get(1, "")):
            note(WORKBOOK_FILE, f"sheet {name!r}, row {row.number}: a footnote mark behind {label!r}")
        if due:
            if compact(label) != due[0]:
                raise _sheet_error(
                    name, row.number, f"{due[0]} of item {item} is expected, and the row is {label!r}"
                )
            _append_row(columns, name, row, periods, item, ENTRIES[due.pop(0)])
        elif compact(label) == _NOTES_LABEL:
            in_notes = True
        elif not (compact(label) in IGNORED_ENTRIES and item and item not in ITEMS):
            code = _item_code(name, row, label)
            if code is None:
                note(WORKBOOK_FILE, f"sheet {name!r}, row {row.number}: the line {label!r} has no figures")
                continue
            item = code
            if item in loaded:
                raise _sheet_error(name, row.number, f"item {label!r} is repeated")
            if item in ITEMS:
                loaded.append(item)
                _append_row(columns, name, row, periods, item, "balance")
                due = list(ENTRIES)
    if due:
        raise _sheet_error(name, None, f"the sheet ends before {due[0]} of item {item}")
    if missing := [f"{code} {label}" for code, label in ITEMS.items() if code not in loaded]:
        raise _sheet_error(name, None, f"missing items: {missing}")
    return pa.RecordBatch.from_pydict(columns, schema=raw_schema(COLUMNS))


def _append_row(columns: Columns, sheet: str, row: Row, periods: list[str], item: str, entry: str) -> None:
    """Append the cells of a row of the sheet to the raw columns, one for each period."""
    for column, period in enumerate(periods, start=2):
        columns["period"].append(period)
        columns["value"].append(_safe.figure_of(row, column, partial(_sheet_error, sheet)))
        columns["_file"].append(f"{WORKBOOK_FILE}#{sheet}!{cell_name(column, row.number)}")
    for name, value in (
        ("sheet", sheet),
        ("unit", SHEETS[sheet].unit),
        ("item_code", item),
        ("item_label", ITEMS[item]),
        ("entry", entry),
        ("_row", row.number),
    ):
        columns[name].extend([value] * len(periods))


def _read_head(name: str, rows: Iterator[Row], note: Note) -> Row | None:
    """Check the title and the unit above the header of a sheet; return the row of the header.

    A remark behind the title, and a text beside or below title and unit, are noted.
    """
    header = None
    texts: list[str] = []
    last = None
    for row in rows:
        if compact(row.cells.get(1, "")) == _HEADER_LABEL or len(texts) > _MOST_HEAD_TEXTS:
            header = row
            break
        if numbers := [text for text in row.cells.values() if NUMBER.fullmatch(text)]:
            reason = f"{_HEADER_LABEL!r} and periods are expected, found {numbers[:3]}"
            raise _sheet_error(name, row.number, reason)
        texts += row.cells.values()
        last = row.number
    title, unit = compact(SHEETS[name].title), _UNIT_PREFIX + SHEETS[name].unit
    titles = [text for text in texts if compact(text).startswith(title)]
    units = [text for text in texts if compact(text).startswith(_UNIT_PREFIX)]
    if len(titles) != 1:
        raise _sheet_error(name, last, f"the title is {texts}, expected {SHEETS[name].title!r}")
    if [compact(text) for text in units] != [unit]:
        raise _sheet_error(name, last, f"the unit is {units or texts}, expected {unit!r}")
    for text in texts:
        if compact(text) not in (title, unit):
            note(WORKBOOK_FILE, f"sheet {name!r}: the remark {text!r} above the header")
    return header


def _read_periods(sheet: str, frequency: str, row: Row | None) -> list[str]:
    """Return the periods of the header row: years or quarters without gap and repetition."""
    if row is None or compact(row.cells.get(1, "")) != _HEADER_LABEL or len(row.cells) < 2:
        found = [] if row is None else list(row.cells.values())[:3]
        raise _sheet_error(
            sheet, row.number if row else None, f"{_HEADER_LABEL!r} and periods are expected, found {found}"
        )
    periods: list[str] = []
    before: int | None = None
    for column in range(2, max(row.cells) + 1):
        text = without_footnote(row.cells.get(column, ""))
        cell_ref = cell_name(column, row.number)
        count = _period_count(frequency, text)
        if count is None:
            raise _sheet_error(
                sheet, row.number, f"{cell_ref} is {text!r}, not a period of frequency {frequency}"
            )
        if before is not None and count != before + 1:
            raise _sheet_error(
                sheet, row.number, f"{cell_ref} is {text!r} after {periods[-1]!r}: a gap or a repetition"
            )
        before = count
        periods.append(text)
    return periods


def _period_count(frequency: str, text: str) -> int | None:
    """Return the number of the year or quarter, counted from year 0; None if the text is not a period."""
    if frequency == "A":
        return int(text) if _YEAR.fullmatch(text) else None
    quarter = _QUARTER.fullmatch(text)
    return int(quarter[1]) * 4 + int(quarter[2]) if quarter else None


def _check_extent(sheet: str, row: Row, label: str, periods: int) -> None:
    """Raise SourceError for a row without a label and for a value in a column without a period."""
    if not label:
        raise _sheet_error(
            sheet, row.number, f"the row has values and no label: {list(row.cells.values())[:3]}"
        )
    last = max(row.cells)
    if last > periods + 1:
        raise _sheet_error(
            sheet,
            row.number,
            f"{cell_name(last, row.number)} of {label!r} is {row.cells[last]!r}, "
            "and the column has no period",
        )


def _item_code(sheet: str, row: Row, label: str) -> str | None:
    """Return the code in an item's label, or None for a line without figures that is no item.

    Raises SourceError for an item that is neither known nor ignored, and for one of another name.
    """
    match = _ITEM.fullmatch(label)
    code, text = (match[1], compact(match[2])) if match else ("", label)
    if (code in ITEMS and compact(ITEMS[code]) == text) or (code, text) == IGNORED_TOTAL:
        return code
    if any(code == account or code.startswith(f"{account}.") for account in IGNORED_ACCOUNTS):
        return code
    if code in ITEMS:
        raise _sheet_error(sheet, row.number, f"item {code} is named {text!r}, expected {ITEMS[code]!r}")
    if set(row.cells) == {1} and not code:
        return None
    raise _sheet_error(sheet, row.number, f"the row {label!r} is unknown")


SOURCE = Source(
    name=NAME,
    title="Balance of payments of China (BPM6), time series",
    publisher="State Administration of Foreign Exchange (SAFE), China",
    table="中国国际收支平衡表时间序列(BPM6)",
    homepage=LANDING_PAGE,
    licence=LICENCE,
    evidenced="2026-10-03: page, title and sheets",
    contract_text=CONTRACT_TEXT,
    columns=COLUMNS,
    key=("sheet", "period", "item_code", "entry"),
    plan=plan,
    read=read,
    reader_version=2,
)
