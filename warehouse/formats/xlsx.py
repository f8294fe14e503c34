"""Excel workbooks (.xlsx), read with python-calamine as rows of text.

A number cell holds a double. Its text is the shortest decimal form of that double, without an exponent and
without `.0`: the cell `3393.9321019559002` reads `3393.9321019559`, and `5.2900000000000003E-2` reads
`0.0529`. Both forms are the same double; the longer one is only Excel's 17-digit serialisation.

Texts keep their spaces; rich-text runs are joined and phonetic hints left out. Booleans read TRUE and FALSE.
Cells with a date format read as ISO 8601. Formulas read as their cached result. In merged cells the first one
has the value. Cells without content are absent.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import NamedTuple

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from warehouse.errors import SourceError
from warehouse.formats.xlsx_package import FETCH_AGAIN, Fail, cell_name, check_package, check_sheet

CellValue = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta


class Row(NamedTuple):
    """One row of a sheet: its number as Excel shows it, and its non-empty cells by column (A is 1)."""

    number: int
    cells: dict[int, str]


@dataclass(frozen=True)
class Workbook:
    """An opened workbook.

    `sheets` maps each sheet's name, in the workbook's order and with its spaces, to its part in the zip.
    `hidden` holds the names of the hidden sheets. `fail` makes an error that names the table and the file.
    """

    path: Path
    fail: Fail
    sheets: dict[str, str]
    hidden: frozenset[str]
    calamine: CalamineWorkbook


def open_workbook(path: Path, source: str) -> Workbook:
    """Check the file and open it. `source` names the publisher's table in errors.

    Raises SourceError for a file that `check_package` rejects, and for a sheet that is not a worksheet (a
    chart, a macro).
    """
    fail = partial(SourceError, source, file=path.name, remedy=FETCH_AGAIN)
    parts = check_package(path, fail)
    with _calamine_errors(fail):
        book = CalamineWorkbook.from_path(path)
    for sheet in book.sheets_metadata:
        if sheet.typ is not SheetTypeEnum.WorkSheet:
            raise fail(
                f"sheet {sheet.name!r} is not a worksheet but a {sheet.typ}".replace("SheetTypeEnum.", ""),
                remedy="Open the file in Excel and check what the sheet has become",
            )
    is_hidden = {sheet.name: sheet.visible is not SheetVisibleEnum.Visible for sheet in book.sheets_metadata}
    return Workbook(path, fail, parts, frozenset(filter(is_hidden.get, is_hidden)), book)


def read_rows(workbook: Workbook, sheet: str) -> Iterator[Row]:
    """Yield the rows of a sheet that hold at least one non-empty cell, from top to bottom.

    Raises SourceError for a sheet that is missing or that `check_sheet` rejects, and for a number that is not
    finite, with sheet and cell.
    """
    fail = workbook.fail
    if sheet not in workbook.sheets:
        raise fail(
            f"the workbook has no sheet {sheet!r}; its sheets are {sorted(workbook.sheets)}",
            remedy="Compare the sheet names, including spaces, with the names that the reader declares",
        )
    check_sheet(workbook.path, sheet, workbook.sheets[sheet], fail)
    with _calamine_errors(fail, f"sheet {sheet!r}: "):
        table = workbook.calamine.get_sheet_by_name(sheet)
        values = table.to_python(skip_empty_area=True)
    first_row, first_column = table.start or (0, 0)  # the indices of the first value, from 0
    for number, row in enumerate(values, start=first_row + 1):
        found = {column: value for column, value in enumerate(row, start=first_column + 1) if value != ""}
        for column, value in found.items():
            if isinstance(value, float) and not math.isfinite(value):
                cell_ref = cell_name(column, number)
                raise fail(f"sheet {sheet!r}, {cell_ref}: the number {value} is not finite", row=number)
        if found:
            yield Row(number, {column: cell_text(value) for column, value in found.items()})


def cell_text(value: CellValue) -> str:
    """Return the text of a cell's value; for a number the shortest plain decimal form of its double."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        text = repr(value)
        if "e" in text:
            text = format(Decimal(text), "f")
        return text.removesuffix(".0")
    if isinstance(value, dt.timedelta):
        return str(value)
    return value.isoformat()


@contextmanager
def _calamine_errors(fail: Fail, location: str = "") -> Iterator[None]:
    try:
        yield
    except CalamineError as error:
        raise fail(f"{location}calamine cannot read the workbook ({error})") from error
