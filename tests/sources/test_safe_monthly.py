"""SAFE's monthly workbook: printed figures are read as they are, and a sheet of another layout fails alone.

No copy of the workbook is at hand. `goods_and_services.xlsx` is written in its form; its figures are those
that SAFE printed for January 2017, June 2025 and August 2025 (without the last item, government services),
and the other months are empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from workbooks import workbook

from warehouse.errors import SourceError
from warehouse.formats.xlsx import open_workbook, read_rows
from warehouse.model import Request
from warehouse.sources import safe_monthly

FIXTURES = Path(__file__).parents[1] / "fixtures" / "safe_monthly"
DOLLARS, YUAN = "按美元计值", "按人民币计值"
Cells = list[list[str | None]]


@pytest.fixture(scope="module")
def table() -> pa.Table:
    files = {safe_monthly.WORKBOOK_FILE: FIXTURES / "goods_and_services.xlsx"}
    return pa.Table.from_batches(list(safe_monthly.read(files, FIXTURES)))


@pytest.fixture
def cells() -> dict[str, Cells]:
    """Return the rows of each sheet of the fixture, to change and write them."""
    book = open_workbook(FIXTURES / "goods_and_services.xlsx", "test")
    found: dict[str, Cells] = {}
    for name in book.sheets:
        rows: Cells = []
        for row in read_rows(book, name):
            while len(rows) < row.number:
                rows.append([])
            rows[row.number - 1] = [row.cells.get(column) for column in range(1, max(row.cells) + 1)]
        found[name] = rows
    return found


class Notes:
    """What a reader notes: drift, and the reason of each part that failed."""

    def __init__(self) -> None:
        self.drift: list[str] = []
        self.failed: dict[str, str] = {}

    def __call__(self, file: str, detail: str, *, failed_part: str = "") -> None:
        assert file == safe_monthly.WORKBOOK_FILE
        if failed_part:
            self.failed[failed_part] = detail
        else:
            self.drift.append(detail)


def read(path: Path, cells: dict[str, Cells]) -> tuple[list[dict[str, object]], Notes]:
    notes = Notes()
    files = {safe_monthly.WORKBOOK_FILE: workbook(path / "changed.xlsx", cells)}
    rows = [row for batch in safe_monthly.read(files, path, notes) for row in batch.to_pylist()]
    return rows, notes


def requested(page: bytes, path: Path) -> Request:
    """Return the second request of the plan, after a page."""
    (path / "page.html").write_bytes(page)
    plan = safe_monthly.plan()
    assert next(plan).address == "https://www.safe.gov.cn/safe/2018/0427/8886.html"  # type: ignore[union-attr]
    request = plan.send(path / "page.html")
    assert isinstance(request, Request)
    return request


def test_plan_requests_the_page_and_the_linked_workbook(tmp_path: Path) -> None:
    request = requested((FIXTURES / "landing.html").read_bytes(), tmp_path)
    path = "/safe/file/file/20250930/00000000000000000000000000000004.xlsx"
    assert (request.address, request.kind) == (f"https://www.safe.gov.cn{path}", "xlsx")


def test_page_without_the_series_is_rejected(tmp_path: Path) -> None:
    page = (FIXTURES / "landing.html").read_bytes().replace("货物和服务贸易数据".encode(), "数据".encode())
    with pytest.raises(
        SourceError, match=r"0 attachments are titled '国际收支货物和服务贸易数据'.*safe_monthly\.py"
    ):
        requested(page, tmp_path)


# Typed from SAFE's releases: units of 100 million.
@pytest.mark.parametrize(
    ("sheet", "period", "code", "entry", "value"),
    [
        (DOLLARS, "2025-06", "2", "credit", "340"),
        (DOLLARS, "2025-06", "2", "debit", "-485"),
        (DOLLARS, "2025-06", "2", "balance", "-145"),
        (YUAN, "2025-06", "2", "debit", "-3480"),
        (DOLLARS, "2025-08", "2.4", "debit", "-219"),
        (DOLLARS, "2025-08", "2.7", "balance", "0"),
        (YUAN, "2025-08", "0", "credit", "23941"),
        (YUAN, "2017-01", "1", "credit", "12333"),
        (DOLLARS, "2017-01", "2.12", "debit", "-2"),
        (DOLLARS, "2017-01", "2.10", "credit", "48"),
        (DOLLARS, "2025-08", "2.12", "debit", None),
    ],
)
def test_figure_is_the_text_of_its_cell(
    table: pa.Table, sheet: str, period: str, code: str, entry: str, value: str | None
) -> None:
    wanted = {"sheet": sheet, "period": period, "item_code": code, "entry": entry}
    [row] = [row for row in table.to_pylist() if wanted.items() <= row.items()]
    assert row["value"] == value


def test_each_sheet_has_a_row_for_each_item_entry_and_month(table: pa.Table) -> None:
    assert table.num_rows == 2 * 45 * 128  # January 2015 to August 2025
    rows = table.to_pylist()
    assert len({(row["sheet"], row["period"], row["item_code"], row["entry"]) for row in rows}) == len(rows)
    assert {row["period"][:4] for row in rows} == {str(year) for year in range(2015, 2026)}
    assert {(row["sheet"], row["unit"]) for row in rows} == {(DOLLARS, "亿美元"), (YUAN, "亿元")}
    [cell] = [row for row in rows if row["value"] == "2007"]
    assert (cell["_file"], cell["_row"]) == (f"goods_and_services.xlsx#{DOLLARS}!Z6", 6)


def test_october_is_found_by_its_position(cells: dict[str, Cells], tmp_path: Path) -> None:
    """A number has no last zero: the headings of January and October are both 2015.1."""
    assert cells[DOLLARS][3][1] == cells[DOLLARS][3][10] == "2015.1"
    cells[DOLLARS][4][10] = "7"
    rows, notes = read(tmp_path, cells)
    assert [row["period"] for row in rows if row["value"] == "7" and row["item_code"] == "0"] == ["2015-10"]
    assert (notes.drift, notes.failed) == ([], {})


def heading(column: int, text: str) -> Callable[[Cells], None]:
    def change(rows: Cells) -> None:
        rows[3][column] = text

    return change


def cell(row: int, column: int, text: str) -> Callable[[Cells], None]:
    def change(rows: Cells) -> None:
        rows[row - 1] += [None] * (column + 1 - len(rows[row - 1]))
        rows[row - 1][column] = text

    return change


def without(row: int) -> Callable[[Cells], None]:
    def change(rows: Cells) -> None:
        del rows[row - 1]

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (heading(12, "2016.1"), "M4 is '2016.1', and 2015.12 is expected by its position (row 4)"),
        (heading(1, "2014.1"), "B4 is '2014.1', and 2015.1 is expected"),
        (
            cell(3, 0, "单位：万美元"),
            "the unit above the header is ['中国国际收支货物和服务贸易数据', '单位：万美元']",
        ),
        (cell(4, 1, "一月"), "no header with months in 10 rows"),
        (cell(8, 0, "1.商品贸易差额"), "the row '1.商品贸易差额' is unknown (row 8)"),
        (cell(8, 0, "2.服务贸易差额"), "item '2.服务贸易差额' is repeated (row 11)"),
        (without(6), "贷方 of item 0 is expected, and the row is '借方' (row 6)"),
        (cell(6, 25, "2,007"), "Z6 is '2,007', neither a number nor '/'"),
        (cell(6, 129, "5"), "DZ6 is '5', and the column has no month"),
        (lambda rows: rows.__delitem__(slice(46, 49)), "missing items: ['2.12 别处未提及的政府服务']"),
        (lambda rows: rows.__delitem__(slice(48, 50)), "the sheet ends before 借方 of item 2.12"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_sheet_with_unexpected_content_fails_alone_with_its_cell(
    cells: dict[str, Cells], tmp_path: Path, change: Callable[[Cells], None], reason: str
) -> None:
    change(cells[DOLLARS])
    rows, notes = read(tmp_path, cells)
    assert {row["sheet"] for row in rows} == {YUAN}
    assert set(notes.failed) == {DOLLARS}
    assert reason in notes.failed[DOLLARS] and "warehouse/sources/safe_monthly.py" in notes.failed[DOLLARS]


def test_missing_sheet_fails_alone_and_further_one_is_drift(cells: dict[str, Cells], tmp_path: Path) -> None:
    cells["按SDR计值"] = cells.pop(YUAN)
    rows, notes = read(tmp_path, cells)
    assert {row["sheet"] for row in rows} == {DOLLARS}
    assert "0 sheets have this name" in notes.failed[YUAN]
    assert notes.drift == ["further sheet '按SDR计值'"]


def test_typography_changes_no_figure(cells: dict[str, Cells], tmp_path: Path, table: pa.Table) -> None:
    rows = cells[DOLLARS]
    rows[2][0] = "单位: 亿美元"
    rows[7][0] = "１．货物贸易差额"
    rows[13][0] = " 2.1 加工服务差额¹"
    rows[3][9] = "2015.09"
    rows.insert(10, ["其中："])
    found, notes = read(tmp_path, cells)
    figures = ("sheet", "period", "item_code", "entry", "value")
    assert [[row[name] for name in figures] for row in found] == [
        [row[name] for name in figures] for row in table.to_pylist()
    ]
    assert notes.failed == {}
    assert [re.sub(r"'.*", "", text) for text in notes.drift] == ["sheet ", "sheet "]
    assert "row 11: the line '其中:' has no figures" in notes.drift[0]
    assert "row 15: a footnote mark behind '2.1 加工服务差额'" in notes.drift[1]
