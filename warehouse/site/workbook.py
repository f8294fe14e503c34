"""Write the tables of schema `bi` as a workbook, with a sheet of column meanings.

A sheet of a table that the release before has with the same rows is copied from its workbook: it takes Python
seconds to write 10 000 rows. The workbook has the same bytes as if every sheet was written.
"""

from __future__ import annotations

import logging
import re
import shutil
import zlib
from collections.abc import Mapping, Set
from datetime import date, datetime
from functools import partial
from pathlib import Path
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

import duckdb
import xlsxwriter  # type: ignore[import-untyped]

# Tables without a sheet, and why: the profile has 60 columns.
LEFT_OUT = {"profile": "it repeats the other tables"}
# A sheet of Excel has at most 1 048 576 rows, and long ones take minutes to write.
MOST_ROWS = 200_000
WIDTH = 18
LOG = logging.getLogger(__name__)
# As XlsxWriter writes them: sheet 1 is the file sheet1.xml.
_SHEET = re.compile(r'<sheet name="(\w+)" sheetId="(\d+)"')


def write_workbook(
    db: duckdb.DuckDBPyConnection,
    path: Path,
    release: str,
    built_at: datetime,
    before: Path | None = None,
    unchanged: Set[str] = frozenset(),
) -> None:
    """Write a sheet for each table of `bi`, after one with the meaning of each column.

    A table of `LEFT_OUT`, or of more than `MOST_ROWS` rows, has no sheet; the first sheet says so, and names
    its Parquet file. `built_at` is the creation time in the file, so that equal releases give equal bytes.
    Sheets of the tables `unchanged` are copied from the workbook `before`, if it is whole and has them.
    """
    tables = db.execute(
        "select table_name, comment, estimated_size from duckdb_tables() where schema_name = 'bi' "
        "order by table_name"
    ).fetchall()
    columns = db.execute(
        """
        select table_name, column_name, comment
        from duckdb_columns() where schema_name = 'bi' order by table_name, column_index
        """
    ).fetchall()
    kept = [name for name, _, rows in tables if name not in LEFT_OUT and rows <= MOST_ROWS]
    missing = [
        (name, "", f"Not in this workbook: {why}. See parquet/{name}.parquet.")
        for name, _, rows in tables
        if (why := LEFT_OUT.get(name) or (f"it has {rows:,} rows" if rows > MOST_ROWS else None))
    ]
    copied = _sheets_of(before, unchanged & set(kept)) if before else {}
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "in_memory": False})
    book.set_properties(
        {
            "title": "Services Trade Warehouse",
            "comments": f"Release {release}",
            "created": built_at.replace(tzinfo=None),
        }
    )
    bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
    meanings = book.add_worksheet("columns")
    meanings.set_column(0, 1, WIDTH)
    meanings.set_column(2, 2, 6 * WIDTH)
    meanings.write_row(0, 0, ["table", "column", "meaning and unit"], bold)
    described = [(name, "", text) for name, text, _ in tables if name in kept]
    described += [*(row for row in columns if row[0] in kept), *missing]
    for index, row in enumerate(sorted(described, key=lambda row: row[0]), start=1):
        for at, value in enumerate(row):
            if value:
                meanings.write_string(index, at, _plain(value))
    for name in kept:
        sheet = book.add_worksheet(name)
        if name in copied:
            sheet.write_blank(0, 0, None, day)  # so that the workbook has the format of days
        else:
            _write_rows(db, name, sheet, bold, day)
    book.close()
    if copied:
        files = {f"xl/worksheets/sheet{number}.xml": name for number, name in enumerate(kept, start=2)}
        _replace(path, {file: copied[name] for file, name in files.items() if name in copied})


def _write_rows(
    db: duckdb.DuckDBPyConnection,
    name: str,
    sheet: xlsxwriter.worksheet.Worksheet,
    bold: xlsxwriter.format.Format,
    day: xlsxwriter.format.Format,
) -> None:
    """Write the rows of a table of `bi` to its sheet, below their headings."""
    found = db.execute(f'select * from bi."{name}" order by all')
    headings = [column[0] for column in found.description or ()]
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(headings) - 1, WIDTH)
    sheet.write_row(0, 0, headings, bold)
    # By the type of a value: `write` would take a text such as `=1` for a formula, and is slower.
    write_day = partial(_write_day, sheet, day)
    writers = {str: sheet.write_string, bool: sheet.write_boolean, date: write_day, datetime: write_day}
    for index, row in enumerate(found.fetchall(), start=1):
        for at, value in enumerate(row):
            if value is not None:
                writers.get(type(value), sheet.write_number)(index, at, value)


def _sheets_of(workbook: Path, names: Set[str]) -> Mapping[str, bytes]:
    """Return the sheets of a workbook with some names, as their files; none of a missing or damaged one."""
    if not workbook.is_file():
        return {}
    try:
        with ZipFile(workbook) as book:
            listed = dict(_SHEET.findall(book.read("xl/workbook.xml").decode()))
            files = {name: f"xl/worksheets/sheet{listed[name]}.xml" for name in names & listed.keys()}
            return {name: book.read(file) for name, file in files.items()}
    except (BadZipFile, KeyError, UnicodeDecodeError, zlib.error) as error:
        LOG.warning("%s is damaged (%s): every sheet is written again", workbook, error)
        return {}


def _replace(path: Path, contents: Mapping[str, bytes]) -> None:
    """Replace the contents of files in a ZIP archive, and keep everything else as it is."""
    made = path.with_name(f".{path.name}.partial")
    with ZipFile(path) as archive, ZipFile(made, "w", compression=ZIP_DEFLATED) as out:
        for info in archive.infolist():
            entry = ZipInfo(info.filename, info.date_time)
            entry.compress_type, entry.external_attr = info.compress_type, info.external_attr
            with out.open(entry, "w") as target:
                if info.filename in contents:
                    target.write(contents[info.filename])
                else:
                    with archive.open(info) as source:
                        shutil.copyfileobj(source, target)
    made.replace(path)


def _plain(text: str) -> str:
    """Return a description without the marks of Markdown and its line breaks."""
    return " ".join(text.replace("`", "").replace("**", "").split())


def _write_day(
    sheet: xlsxwriter.worksheet.Worksheet, day: xlsxwriter.format.Format, row: int, column: int, value: date
) -> None:
    sheet.write_datetime(row, column, value, day)
