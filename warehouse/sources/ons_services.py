"""ONS: the United Kingdom's trade in services by service type and partner country, not seasonally adjusted.

The dataset's page links the current edition under an address that changes with each one: a workbook with the
sheet `Sheet 1. Time Series` (evidenced 2026-06 and later), or a CSV (until 2022), which is preferred where
both are linked. Both have the same table, with a title of two lines above its header.

Values are in millions of pounds sterling, whole numbers. The table is wide: five columns of codes and labels,
beginning with `Direction`, then a column for each year and each quarter (`2021`, `2021Q4`); columns are
added over time. A cell without a figure has a mark: `..` (suppressed because it would disclose a single firm,
or not collected; until 2022), `C` (suppressed), `-` (nil or less than half a million), or a shorthand such as
`[x]`.

The reader returns one row for each cell, marks included, with the labels as printed (`CZ` is `Czechia` in
some rows and `Czech Republic` in others: the code identifies it). `_file` has after its `#` the column of the
CSV, or sheet and cell of the workbook; `_row` is the row of the table as a spreadsheet shows it. The raw
table has all codes, totals and groups beside their members (`W1` the world, `B5` the EU, `D5` the rest, `CS`
Serbia with Montenegro). Staging makes a mark null with the mark as status, and ignores the items
`10.3.N510`, `10.3.N58` and `10.3.N59` (seed `ons_services_item`): they are the ONS's own parts of item 10.3.5
and have no EBOPS code.

Drift: a line above the header or below the table, a further column, another sheet of the workbook.

Raises SourceError for a page without a link to a file of the dataset or with several CSVs, a file without the
header, a column that is missing or repeated, a further column that names a year, an empty code or
cell, and a cell that is neither a whole number nor a mark. The expectation suite checks codes and duplicate
keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urljoin, urlsplit

from warehouse.arrow import pa
from warehouse.errors import SourceError
from warehouse.formats import csv
from warehouse.formats.html import read_links
from warehouse.formats.typography import normal
from warehouse.formats.xlsx import open_workbook, read_rows
from warehouse.formats.xlsx_package import cell_name
from warehouse.model import MEBIBYTE, Contract, Note, Plan, Request, Source, no_note, raw_schema

NAME = "ons_services"
HOST = "www.ons.gov.uk"
DATASET = (
    "/businessindustryandtrade/internationaltrade/datasets/"
    "uktradeinservicesservicetypebypartnercountrynonseasonallyadjusted"
)
PAGE = f"https://{HOST}{DATASET}"
PAGE_FILE = "dataset.html"
TABLE_FILE = "services_by_partner.csv"
WORKBOOK_FILE = "services_by_partner.xlsx"
SHEET = "Sheet 1. Time Series"
ENCODING = "utf-8-sig"
MAX_BYTES = 64 * MEBIBYTE

CONTRACT = Contract(
    read={
        "Direction": "direction",
        "Service type code": "service_type_code",
        "Service type": "service_type",
        "Country code": "country_code",
        "Country": "country",
    }
)
LABELS = tuple(CONTRACT.read)
COLUMNS = (*CONTRACT.columns, "period", "value")
KEY = ("direction", "service_type_code", "country_code", "period")
PERIOD = re.compile(r"([0-9]{4}) ?(Q[1-4])?")
# A figure, or a mark in its place; the shorthand in brackets is that of the Government Statistical Service.
CELL = re.compile(r"-?[0-9]+|\.\.|[Cc]|[-–]|\[[a-z]{1,5}\]")
MOST_HEAD_ROWS = 20  # rows with a value above the header

_LIKE_PERIOD = re.compile(r"(?:19|20)[0-9]{2}")
_REMARK = re.compile(r"\S+\s+\S")  # a text of several words
_REMEDY = "Check the table by hand, and declare its new form in warehouse/sources/ons_services.py"
_BATCH_ROWS = 1000


class TableRow(NamedTuple):
    """A row of the table in either format: its number, and its values by column, the first being 1."""

    number: int
    cells: Mapping[int, str]


def plan() -> Plan:
    """Request the dataset's page, then the table that it links."""
    page = yield Request(PAGE_FILE, PAGE, "html")
    address = table_address(page.read_bytes())
    name, kind = (TABLE_FILE, "csv") if address.lower().endswith(".csv") else (WORKBOOK_FILE, "xlsx")
    yield Request(name, address, kind, max_bytes=MAX_BYTES)


def table_address(page: bytes) -> str:
    """Return the https address of the table of the current edition: its CSV, else its first workbook.

    Raises SourceError if the page links no file of this dataset, or several CSVs of it.
    """
    try:
        links = read_links(page)
    except UnicodeDecodeError as error:
        raise _page_error(f"the page is not UTF-8 ({error})") from error
    files = list(dict.fromkeys(link.target for link in links if _is_dataset_file(link.target)))
    tables = [link for link in files if link.lower().endswith(".csv")]
    workbooks = [link for link in files if link.lower().endswith(".xlsx")]
    if len(tables) > 1 or not (tables or workbooks):
        raise _page_error(
            f"the page links {len(tables)} CSV files of the dataset, expected 1, and {len(workbooks)} "
            f"workbooks; its links are {files}"
        )
    return urljoin(PAGE, (tables or workbooks)[0])


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Yield the cells of the table, row by row.

    Raises SourceError with file, column and row as the module says.
    """
    file = WORKBOOK_FILE if WORKBOOK_FILE in files else TABLE_FILE
    if set(files) != {PAGE_FILE, file}:
        found = ", ".join(files) or "none"
        reason = f"expected the files {PAGE_FILE} and {TABLE_FILE} or {WORKBOOK_FILE}, got {found}"
        raise SourceError(NAME, reason)
    sheet, rows = _rows_of_csv(files[file]) if file == TABLE_FILE else _rows_of_workbook(files[file], note)
    header = _find_header(rows, file, note)
    labels, periods = match_header(header, file, note)
    width = max(header.cells)
    schema = raw_schema(COLUMNS)
    columns: list[list[Any]] = [[] for _ in schema.names]
    for row in rows:
        cells = {column: text for column, text in row.cells.items() if text.strip()}
        if set(cells) == {1} and _REMARK.match(cells[1]):
            note(file, f"row {row.number}: the line {cells[1]!r}")
            continue
        if file == TABLE_FILE and len(row.cells) != width:
            reason = f"the row has {len(row.cells)} values, expected {width}: {list(cells.values())[:8]}"
            remedy = "If it is the last row, the file is cut short: fetch it again"
            raise SourceError(NAME, reason, file=file, row=row.number, remedy=remedy)
        codes = [_value(cells, labels[label], label, file, row.number) for label in LABELS]
        for period, column in periods.items():
            value = _value(cells, column, header.cells[column], file, row.number).strip()
            if CELL.fullmatch(value) is None:
                reason = f"neither a whole number nor '..' in column {period}: {value!r}"
                raise SourceError(NAME, reason, file=file, row=row.number, remedy=_REMEDY)
            location = period if sheet is None else f"{sheet}!{cell_name(column, row.number)}"
            entries = (*codes, period, value, f"{file}#{location}", row.number)
            for target, entry in zip(columns, entries, strict=True):
                target.append(entry)
        if len(columns[0]) >= _BATCH_ROWS * len(periods):
            yield pa.record_batch(columns, schema=schema)
            columns = [[] for _ in schema.names]
    if columns[0]:
        yield pa.record_batch(columns, schema=schema)


def _rows_of_csv(path: Path) -> tuple[None, Iterator[TableRow]]:
    rows = csv.read_rows(path, source=NAME, file=TABLE_FILE, encoding=ENCODING)
    return None, (TableRow(number, dict(enumerate(values, start=1))) for number, values in rows)


def _rows_of_workbook(path: Path, note: Note) -> tuple[str, Iterator[TableRow]]:
    """Return the sheet with the time series and its rows. Raises SourceError unless there is exactly one."""
    workbook = open_workbook(path, NAME)
    found = [name for name in workbook.sheets if normal(name).lower() == SHEET.lower()]
    found = found or [name for name in workbook.sheets if normal(name).lower().endswith("time series")]
    if len(found) != 1:
        reason = (
            f"{len(found)} sheets are named {SHEET!r}, expected 1; the sheets are {list(workbook.sheets)}"
        )
        raise SourceError(NAME, reason, file=WORKBOOK_FILE, remedy=_REMEDY)
    for name in workbook.sheets:
        if name not in found:
            note(WORKBOOK_FILE, f"further sheet {name!r}")
    return found[0], (TableRow(row.number, row.cells) for row in read_rows(workbook, found[0]))


def _find_header(rows: Iterator[TableRow], file: str, note: Note) -> TableRow:
    """Return the row whose first cell is `Direction`; the lines above it are noted."""
    passed: list[str] = []
    for row in rows:
        if normal(row.cells.get(1, "")) == LABELS[0]:
            for text in passed:
                note(file, f"the line {text!r} above the header")
            return row
        passed.append(" ".join(text for text in row.cells.values() if text.strip()))
        if len(passed) > MOST_HEAD_ROWS:
            break
    reason = f"no row begins with {LABELS[0]!r}; the first rows are {passed[:3]}"
    raise SourceError(NAME, reason, file=file, row=1, remedy=_REMEDY)


def match_header(header: TableRow, file: str, note: Note) -> tuple[dict[str, int], dict[str, int]]:
    """Return the columns of the labels and of the periods, each by name. A further column is noted.

    Raises SourceError for a label that is missing or repeated, a period that is repeated, a header without
    periods, and a further column that names a year.
    """
    labels: dict[str, int] = {}
    periods: dict[str, int] = {}
    faults: list[str] = []
    for column, text in header.cells.items():
        name = normal(text)
        period = PERIOD.fullmatch(name)
        found, key = (periods, f"{period[1]}{period[2] or ''}") if period else (labels, name)
        if key in found:
            faults.append(f"{text!r} is repeated")
        elif period or name in LABELS:
            found[key] = column
        elif _LIKE_PERIOD.search(name):
            faults.append(f"{text!r} is not a period such as 2021 or 2021Q4")
        elif name:
            note(file, f"further column {text!r}")
    faults += [f"missing {label!r}" for label in LABELS if label not in labels]
    faults += [] if periods else ["no column is a period"]
    if faults:
        reason = f"the header is not the expected one: {'; '.join(faults)}"
        raise SourceError(NAME, reason, file=file, row=header.number, remedy=_REMEDY)
    return labels, periods


def _value(cells: Mapping[int, str], column: int, name: str, file: str, row: int) -> str:
    """Return the text of a cell. Raises SourceError for an empty one."""
    if column not in cells:
        reason = f"a value is missing in column {name}"
        raise SourceError(NAME, reason, file=file, row=row, remedy=_REMEDY)
    return cells[column]


def _is_dataset_file(link: str) -> bool:
    """Return whether a link is `/file?uri=<dataset>/current/<name>` on the ONS's host."""
    try:
        parts = urlsplit(urljoin(PAGE, link))
    except ValueError:
        return False
    if (parts.scheme, parts.netloc, parts.path, parts.fragment) != ("https", HOST, "/file", ""):
        return False
    query = parse_qsl(parts.query)
    current = re.compile(re.escape(DATASET) + r"/current/[^/?#]+")
    return len(query) == 1 and query[0][0] == "uri" and current.fullmatch(query[0][1]) is not None


def _page_error(reason: str) -> SourceError:
    return SourceError(
        NAME,
        reason,
        address=PAGE,
        file=PAGE_FILE,
        remedy="Open the page in a browser; if it has changed, save the table as CSV and serve it from a "
        "mirror, and change warehouse/sources/ons_services.py",
    )


SOURCE = Source(
    name=NAME,
    title="UK trade in services: service type by partner country, non-seasonally adjusted",
    publisher="ONS",
    table="uktradeinservicesservicetypebypartnercountrynonseasonallyadjusted",
    homepage=PAGE,
    licence="Open Government Licence v3.0",
    evidenced="2026-06: the page links a workbook, sheet `Sheet 1. Time Series`, in public scripts",
    columns=COLUMNS,
    key=KEY,
    plan=plan,
    read=read,
    contract=CONTRACT,
)
