"""SAFE: China's monthly trade in goods and services (balance of payments basis), the time-series workbook.

`plan` requests the page of the series and then the attachment whose title has the words
`国际收支货物和服务贸易数据`. Page, sheet in US dollars, header and labels were last evidenced on
2026-10-03 by other clients of the file; the sheet in yuan (`按人民币计值`) and the unit line are those of
SAFE's monthly releases, which print the same table. No copy of the workbook is at hand.

A sheet has lines above the header, one of which states the unit; a header with the months from January 2015
on; then the items, each as a balance (`2.1加工服务差额`) and its rows `贷方` (credit) and `借方` (debit);
then notes, from a label that begins with `注` on. The months are numbers. A number has no last
zero, so `2015.1` is the heading of January and of October. A month is therefore read by its position from
2015.1, and its heading must agree. Labels are compared without their typography.

The reader returns, for each sheet and month, goods and services (0), goods (1), services (2) and its twelve
items (2.1 to 2.12), each as balance, credit and debit in units of 100 million, debits negative. `value` is
the text of the cell, as in `safe_bop`; SAFE prints whole numbers, and says that they are rounded, so parts
need not add up. `period` is `2015-01`, `item_label` the item's name without its code. `_row` is the row of
the sheet.

Drift: a further sheet, a footnote mark, a line without figures.

Each sheet is a part that may fail alone: it is missing, states another unit, has a heading that is not the
next month, an item that is unknown, renamed, missing or repeated, an item without its credit or debit row,
a value outside the months, or a cell that is neither a number, a mark nor empty. Raises SourceError for a
file that is not a readable workbook. The expectation suite checks that credit and debit add up to the
balance, and the items to their totals, within rounding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from warehouse.arrow import pa
from warehouse.errors import SourceError
from warehouse.formats.typography import normal, without_footnote
from warehouse.formats.xlsx import Row, Workbook, read_rows
from warehouse.formats.xlsx_package import cell_name
from warehouse.model import Note, Plan, Request, Source, no_note, raw_schema
from warehouse.sources import _safe
from warehouse.sources._safe import HOST, LICENCE, compact

NAME = "safe_monthly"
LANDING_PAGE = f"https://{HOST}/safe/2018/0427/8886.html"
TITLE_WORDS = "国际收支货物和服务贸易数据"
PAGE_FILE = "landing.html"
WORKBOOK_FILE = "goods_and_services.xlsx"
FIRST_YEAR = 2015

Columns = dict[str, list[str | int | None]]
COLUMNS = ("sheet", "unit", "period", "item_code", "item_label", "entry", "value")
SHEETS: Mapping[str, str] = {"按美元计值": "亿美元", "按人民币计值": "亿元"}  # and their units
ITEMS: Mapping[str, str] = {
    "0": "货物和服务贸易",  # printed without a code
    "1": "货物贸易",
    "2": "服务贸易",
    "2.1": "加工服务",
    "2.2": "维护和维修服务",
    "2.3": "运输",
    "2.4": "旅行",
    "2.5": "建设",
    "2.6": "保险和养老金服务",
    "2.7": "金融服务",
    "2.8": "知识产权使用费",
    "2.9": "电信、计算机和信息服务",
    "2.10": "其他商业服务",
    "2.11": "个人、文化和娱乐服务",
    "2.12": "别处未提及的政府服务",
}
ENTRIES: Mapping[str, str] = {"贷方": "credit", "借方": "debit"}
_BALANCE = re.compile(r"(?:([0-9]+(?:\.[0-9]+)?)\.?)?([^0-9.].*)差额")
_MONTH = re.compile(r"[0-9]{4}\.[0-9]{1,2}")
_MOST_HEAD_ROWS = 10
_REMEDY = "Compare the sheet with the layout in warehouse/sources/safe_monthly.py and declare what is new"
CONTRACT_TEXT = f"""\
Read by label, of the sheets {", ".join(SHEETS)}:

- `sheet` and `unit`: the sheet as declared, and its unit, {" or ".join(SHEETS.values())};
- `period`: the months of the header, from January {FIRST_YEAR} on, by position;
- `item_code` and `item_label`: the items {", ".join(ITEMS)}, each with its declared name;
- `entry`: balance in the row of the item, then credit and debit in its rows {" and ".join(ENTRIES)};
- `value`: the cell.

Known and not read: the notes. Another item, or another name of one, fails its sheet alone. An item without a
line in a seed is held out of the facts; more than 20 % of such rows reject the load. A further sheet, a
footnote mark and a line without figures are drift."""


def plan() -> Plan:
    """Request the page of the series, then the workbook that it links."""
    page = yield Request(PAGE_FILE, LANDING_PAGE, "html")
    address = _safe.attachment_address(
        NAME,
        page.read_bytes(),
        LANDING_PAGE,
        PAGE_FILE,
        TITLE_WORDS,
        lambda title: TITLE_WORDS in compact(title),
    )
    yield Request(WORKBOOK_FILE, address, "xlsx")


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Yield one batch of raw rows for each sheet, in the order of `SHEETS`.

    A sheet that cannot be read is noted as a failed part, with cell and row, and yields nothing. Raises
    SourceError as the module says.
    """
    yield from _safe.read_sheets(NAME, WORKBOOK_FILE, files[WORKBOOK_FILE], SHEETS, _read_sheet, note)


def _error(sheet: str, row: int | None, reason: str) -> SourceError:
    return SourceError(NAME, f"sheet {sheet!r}: {reason}", file=WORKBOOK_FILE, row=row, remedy=_REMEDY)


def _read_sheet(workbook: Workbook, name: str, printed: list[str], note: Note) -> pa.RecordBatch:
    """Read a sheet into a batch. Each row is an item's, or an error; notes are left out."""
    if len(printed) != 1:
        names = list(workbook.sheets)
        raise _error(name, None, f"{len(printed)} sheets have this name; the sheets are {names}")
    rows = read_rows(workbook, printed[0])
    months = _read_head(name, rows)
    columns: Columns = {column: [] for column in (*COLUMNS, "_file", "_row")}
    loaded: list[str] = []
    due: list[str] = []  # the entries of the item that are still to come
    for row in rows:
        label = without_footnote(row.cells.get(1, ""))
        if compact(label).startswith("注"):
            break
        if label != normal(row.cells.get(1, "")):
            note(WORKBOOK_FILE, f"sheet {name!r}, row {row.number}: a footnote mark behind {label!r}")
        if set(row.cells) == {1} and not due and _BALANCE.fullmatch(compact(label)) is None:
            note(WORKBOOK_FILE, f"sheet {name!r}, row {row.number}: the line {label!r} has no figures")
            continue
        if not due:
            loaded.append(_item_code(name, row, label, loaded))
            due = list(ENTRIES)
            entry = "balance"
        elif compact(label) == due[0]:
            entry = ENTRIES[due.pop(0)]
        else:
            reason = f"{due[0]} of item {loaded[-1]} is expected, and the row is {label!r}"
            raise _error(name, row.number, reason)
        _append_row(columns, name, row, months, loaded[-1], entry)
    if due:
        raise _error(name, None, f"the sheet ends before {due[0]} of item {loaded[-1]}")
    if missing := [f"{code} {label}" for code, label in ITEMS.items() if code not in loaded]:
        raise _error(name, None, f"missing items: {missing}")
    return pa.RecordBatch.from_pydict(columns, schema=raw_schema(COLUMNS))


def _read_head(name: str, rows: Iterator[Row]) -> list[str]:
    """Check the unit above the header of a sheet, and return the months of the header."""
    texts: list[str] = []
    number = 0
    for row in rows:
        number = row.number
        if _MONTH.fullmatch(normal(row.cells.get(2, ""))):
            break
        texts += row.cells.values()
        if number > _MOST_HEAD_ROWS:
            raise _error(name, number, f"no header with months in {_MOST_HEAD_ROWS} rows, found {texts[:3]}")
    else:
        raise _error(name, number or None, f"no header with months, found {texts[:3]}")
    units = {unit for text in texts for unit in re.findall(r"亿(?:美元|元)", compact(text))}
    if units != {SHEETS[name]}:
        raise _error(name, number, f"the unit above the header is {texts}, expected {SHEETS[name]!r}")
    return [_month(name, row, column) for column in range(2, max(row.cells) + 1)]


def _month(sheet: str, row: Row, column: int) -> str:
    """Return the month of a column, counted from January 2015; raise SourceError if its heading differs."""
    year, month = FIRST_YEAR + (column - 2) // 12, (column - 2) % 12 + 1
    text = without_footnote(row.cells.get(column, ""))
    headings = {f"{year}.{month}", f"{year}.{month:02}", f"{year}.{str(month).rstrip('0')}"}
    if text not in headings:
        cell = cell_name(column, row.number)
        raise _error(sheet, row.number, f"{cell} is {text!r}, and {year}.{month} is expected by its position")
    return f"{year}-{month:02}"


def _item_code(sheet: str, row: Row, label: str, loaded: list[str]) -> str:
    """Return the code of the item of a balance row; raise SourceError for one that is unknown or repeated."""
    match = _BALANCE.fullmatch(compact(label))
    code = (match[1] or "0") if match else ""
    if match is None or code not in ITEMS or compact(ITEMS[code]) != match[2]:
        raise _error(sheet, row.number, f"the row {label!r} is unknown")
    if code in loaded:
        raise _error(sheet, row.number, f"item {label!r} is repeated")
    return code


def _append_row(columns: Columns, sheet: str, row: Row, months: list[str], item: str, entry: str) -> None:
    """Append the cells of a row of the sheet to the raw columns, one for each month."""
    if (last := max(row.cells)) > len(months) + 1:
        cell = cell_name(last, row.number)
        raise _error(sheet, row.number, f"{cell} is {row.cells[last]!r}, and the column has no month")
    for column, month in enumerate(months, start=2):
        columns["period"].append(month)
        columns["value"].append(_safe.figure_of(row, column, partial(_error, sheet)))
        columns["_file"].append(f"{WORKBOOK_FILE}#{sheet}!{cell_name(column, row.number)}")
    constants: tuple[str | int, ...] = (sheet, SHEETS[sheet], item, ITEMS[item], entry, row.number)
    names = ("sheet", "unit", "item_code", "item_label", "entry", "_row")
    for name, value in zip(names, constants, strict=True):
        columns[name].extend([value] * len(months))


SOURCE = Source(
    name=NAME,
    title="Monthly trade in goods and services of China (balance of payments basis)",
    publisher="State Administration of Foreign Exchange (SAFE), China",
    table="中国国际收支货物和服务贸易数据",
    homepage=LANDING_PAGE,
    licence=LICENCE,
    evidenced="2026-10-03: page, sheet in US dollars, header and labels",
    contract_text=CONTRACT_TEXT,
    columns=COLUMNS,
    key=("sheet", "period", "item_code", "entry"),
    plan=plan,
    read=read,
)
