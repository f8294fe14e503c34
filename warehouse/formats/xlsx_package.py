"""Checks on the zip and the XML of a workbook, made before calamine reads it.

calamine 0.9 returns empty text for error cells (`#REF!`), skips formulas without a cached result, sorts rows
and cells that are out of order, reads every text as UTF-8, and ignores document types. It does not limit a
part to its declared size, and it allocates all cells between the first and the last one: with one cell in A1
and one in XFD1048576 the process aborts. Each of these is a SourceError here.

Excel's limits and the XML: ECMA-376, part 1, chapter 18 (SpreadsheetML) and part 2 (packages). `fail` makes a
SourceError that names the publisher's table and the file; its default remedy is to fetch the file again.
"""

from __future__ import annotations

import errno
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial, reduce
from pathlib import Path
from xml.parsers import expat

from warehouse.errors import SourceError
from warehouse.model import MEBIBYTE

Fail = partial[SourceError]

FETCH_AGAIN = "Fetch the file again; if the error stays, the publisher's file is damaged"
MAX_UNPACKED_BYTES = 256 * MEBIBYTE
MAX_ENTRIES = 1_000
MAX_ROWS = 1_048_576  # Excel's own limits
MAX_COLUMNS = 16_384
MAX_CELLS = 5_000_000  # of one sheet, empty ones included: calamine allocates about 30 bytes for each

_INDEX = ("xl/workbook.xml", "xl/_rels/workbook.xml.rels")  # the parts that list the sheets
# The parts that calamine reads, beside the sheets.
_PARSED = re.compile(r"(?:_rels/|xl/|xl/_rels/)[^/]+\.(?:xml|rels)")
_CELL_TYPES = frozenset({"n", "s", "str", "inlineStr", "b", "d", "e"})
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_TABLE = re.compile(rb"<(?:\w+:)?sheetData\b")
# Without backtracking, which a table of many cells takes most of its time for. An empty cell does not match.
_CELL_ENDS = rb"</(?:\w+:)?c>"
_ROW_OR_CELL = re.compile(
    rb"<(?:\w+:)?+(?:row(?=[\s/>])([^>]*+)>"
    rb"|c(?=[\s/>])([^>]*+)(?<!/)>(?!%b)([^<]*+(?:(?!%b)<[^<]*+)*+)<)" % (_CELL_ENDS, _CELL_ENDS)
)
_VALUE = re.compile(rb"<(?:\w+:)?v\b[^>]*(?<!/)>([^<]*)<")
_FORMULA = re.compile(rb"<(?:\w+:)?f\b")
_R = re.compile(rb"\br\s*=\s*[\"']([^\"']*)")  # the attribute with the number of a row, or a cell's reference
_T = re.compile(rb"\bt\s*=\s*[\"']([^\"']*)")  # the attribute with the type of a cell


def cell_name(column: int, row: int) -> str:
    """Return the reference of a cell as Excel writes it: column 28, row 4 is `AB4`."""
    letters = ""
    while column:
        column, digit = divmod(column - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return f"{letters}{row}"


def check_package(path: Path, fail: Fail) -> dict[str, str]:
    """Check the zip and its parts, except the sheets, and return the part of each sheet by its name.

    Raises SourceError for a file that is not a zip, is cut short, encrypted or damaged, that exceeds
    `MAX_UNPACKED_BYTES` or `MAX_ENTRIES`, and for XML that is not well-formed UTF-8 or has a document type.
    """
    attributes: dict[str, list[dict[str, str]]] = {"sheet": [], "Relationship": []}
    with _open_zip(path, fail) as archive:
        _check_sizes(archive.infolist(), fail)
        for part in archive.namelist():
            if _PARSED.fullmatch(part):
                _parse(archive.read(part), part, fail, attributes if part in _INDEX else None)
        for part in _INDEX:
            if part not in archive.namelist():
                raise fail(f"the part {part} is missing")
    if not attributes["sheet"]:
        raise fail("the workbook has no sheet")
    targets = {
        relation.get("Id"): posixpath.normpath(posixpath.join("xl", relation.get("Target", ""))).lstrip("/")
        for relation in attributes["Relationship"]
    }
    sheets: dict[str, str] = {}
    for sheet in attributes["sheet"]:
        name = sheet.get("name", "")
        if name in sheets:
            raise fail(f"two sheets are named {name!r}")
        relation_id = next((value for key, value in sheet.items() if key.endswith(":id")), "")
        sheets[name] = targets.get(relation_id, "")
    return sheets


def check_sheet(path: Path, sheet: str, part: str, fail: Fail) -> None:
    """Check the XML of one sheet and its non-empty cells. Raises SourceError with the sheet and the cell."""
    with _open_zip(path, fail) as archive:
        if part not in archive.namelist():
            raise fail(f"the part {part} is missing")
        content = archive.read(part)  # zipfile checks the declared size and the checksum
    _parse(content, part, fail)
    if not _TABLE.search(content):
        raise fail(f"sheet {sheet!r} has no sheetData")
    row, column, columns = 0, 0, 0
    rows: list[int] = []  # the number of each cell's row
    for row_attributes, cell_attributes, cell in _ROW_OR_CELL.findall(content):
        if not cell:
            number = _first(_R, row_attributes) or str(row + 1)
            if not number.isdecimal() or not row < int(number) <= MAX_ROWS:
                raise fail(f"sheet {sheet!r}: row {number!r} follows row {row}", row=row)
            row, column = int(number), 0
            continue
        reference = _first(_R, cell_attributes)
        next_column = _column(reference, row) if reference else column + 1
        if not column < next_column <= MAX_COLUMNS:
            previous = cell_name(column, row) if column else f"the start of row {row}"
            raise fail(f"sheet {sheet!r}: cell {reference!r} follows {previous}", row=row)
        column = next_column
        if fault := _cell_fault(_first(_T, cell_attributes) or "n", cell):
            reason, remedy = fault
            raise fail(f"sheet {sheet!r}, {cell_name(column, row)}: {reason}", remedy=remedy, row=row)
        rows.append(row)
        columns = max(columns, column)
    if rows and (rows[-1] - rows[0] + 1) * columns > MAX_CELLS:
        raise fail(
            f"sheet {sheet!r} has cells in rows {rows[0]} to {rows[-1]} and in {columns} columns, "
            f"more than the limit of {MAX_CELLS} cells",
            remedy="Open the file in Excel and look for a stray cell far below or right of the table",
        )


def _cell_fault(kind: str, cell: bytes) -> tuple[str, str] | None:
    """Return reason and remedy if the cell of this type must not be read, else None."""
    if kind not in _CELL_TYPES:
        return f"the cell has the unknown type {kind!r}", FETCH_AGAIN
    if kind == "e":
        remedy = "The publisher's own formula failed: report it, and wait for a corrected file"
        return f"the cell is an error, {_value(cell)}", remedy
    if kind != "str" and _FORMULA.search(cell) and not _value(cell):
        return "the formula has no cached result", "Open the file in Excel, let it calculate, and save it"
    if kind == "s" and (text := _value(cell)) and not text.isdecimal():
        return f"there is no shared string {text!r}", FETCH_AGAIN
    return None


def _value(cell: bytes) -> str:
    """Return the text of the value of a cell, empty if it has none."""
    return _first(_VALUE, cell).strip()


def _first(pattern: re.Pattern[bytes], content: bytes) -> str:
    match = pattern.search(content)
    return match[1].decode() if match else ""


def _column(reference: str, row: int) -> int:
    """Return the column of a cell reference, or 0 if it is not the reference of a cell in this row."""
    match = _REFERENCE.fullmatch(reference)
    if match is None or int(match[2]) != row:
        return 0
    return _column_of(match[1])


@cache
def _column_of(letters: str) -> int:
    """Return the number of a column of one to three letters: `AB` is 28."""
    return reduce(lambda column, letter: column * 26 + ord(letter) - ord("A") + 1, letters, 0)


@contextmanager
def _open_zip(path: Path, fail: Fail) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise  # a failing disk; EINVAL means that an offset in the zip's directory lies outside the file
        raise fail(f"the file is not a readable .xlsx, or it is cut short ({error})") from error


def _check_sizes(entries: list[zipfile.ZipInfo], fail: Fail) -> None:
    """Reject encrypted files and files that exceed the limits, by the sizes that the zip declares."""
    unpacked = sum(entry.file_size for entry in entries)
    fault = ""
    if any(entry.flag_bits & 0x1 for entry in entries):
        fault = "the file is encrypted"
    elif len(entries) > MAX_ENTRIES:
        fault = f"the file has {len(entries)} parts, more than the limit of {MAX_ENTRIES}"
    elif unpacked > MAX_UNPACKED_BYTES:
        fault = f"unpacked it would take {unpacked} bytes, more than the limit of {MAX_UNPACKED_BYTES}"
    elif len({entry.filename for entry in entries}) < len(entries):
        fault = "the file has two parts of the same name"
    if fault:
        raise fail(fault, remedy="Check by hand what the publisher sends before allowing it")


def _parse(
    content: bytes, part: str, fail: Fail, attributes: dict[str, list[dict[str, str]]] | None = None
) -> None:
    """Parse a part with expat: it must be well-formed, in UTF-8, and without a document type.

    The attributes of the elements that are keys of `attributes` are appended there.
    """

    def check_declaration(version: str, encoding: str | None, standalone: int) -> None:
        if encoding and encoding.lower() not in ("utf-8", "us-ascii"):
            raise fail(f"the part {part} is not well-formed XML in UTF-8 (it declares {encoding})")

    def reject_document_type(*_: object) -> None:
        reason = "declares a document type or an entity, which no workbook needs"
        raise fail(f"the part {part} {reason}", remedy="Do not open the file; ask the publisher")

    def collect(tag: str, found: dict[str, str]) -> None:
        if attributes is not None and (name := tag.rpartition(":")[2]) in attributes:
            attributes[name].append(found)

    parser = expat.ParserCreate("utf-8")
    parser.XmlDeclHandler = check_declaration
    parser.StartDoctypeDeclHandler = reject_document_type
    parser.StartElementHandler = None if attributes is None else collect
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise fail(f"the part {part} is not well-formed XML in UTF-8 ({error})") from error
