"""Write the tables of schema `bi` as a workbook, with a sheet of column meanings."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from pathlib import Path

import duckdb
import xlsxwriter  # type: ignore[import-untyped]

# The profile repeats the other tables in 60 columns; readers of it have its Parquet file.
LEFT_OUT = ("profile",)
# A sheet of Excel has at most 1 048 576 rows, and long ones take minutes to write.
MOST_ROWS = 200_000
WIDTH = 18


def write_workbook(db: duckdb.DuckDBPyConnection, path: Path, release: str, built_at: datetime) -> None:
    """Write a sheet for each table of `bi`, after one with the meaning of each column.

    A table of more than `MOST_ROWS` rows has no sheet; the first sheet names its Parquet file. `built_at` is
    the creation time in the file, so that equal releases give equal bytes.
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
    too_long = [
        (name, "", f"Not in this workbook: it has {rows:,} rows. See parquet/{name}.parquet.")
        for name, _, rows in tables
        if rows > MOST_ROWS
    ]
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
    described += [*(row for row in columns if row[0] in kept), *too_long]
    for index, row in enumerate(sorted(described, key=lambda row: row[0]), start=1):
        for at, value in enumerate(row):
            if value:
                meanings.write_string(index, at, _plain(value))
    for name in kept:
        found = db.execute(f'select * from bi."{name}" order by all')
        headings = [column[0] for column in found.description or ()]
        sheet = book.add_worksheet(name)
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
    book.close()


def _plain(text: str) -> str:
    """Return a description without the marks of Markdown and its line breaks."""
    return " ".join(text.replace("`", "").replace("**", "").split())


def _write_day(
    sheet: xlsxwriter.worksheet.Worksheet, day: xlsxwriter.format.Format, row: int, column: int, value: date
) -> None:
    sheet.write_datetime(row, column, value, day)
