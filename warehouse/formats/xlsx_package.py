"""Checks on the zip and the XML of a workbook, made before calamine reads it.

calamine 0.9 returns empty text for error cells (`#REF!`), skips formulas without a cached result, sorts rows
and cells that are out of order, reads every text as UTF-8, and ignores document types. It does not limit a
part to its declared size, and it allocates all cells between the first and the last one: with one cell in A1
and one in XFD1048576 the process aborts. Each of these is a SourceError here.

Excel's limits and the XML: ECMA-376, part 1, chapter 18 (SpreadsheetML) and part 2 (packages).
"""

from __future__ import annotations

import errno
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from warehouse.errors import SourceError
from warehouse.model import MEBIBYTE

MAX_UNPACKED_BYTES = 256 * MEBIBYTE
MAX_ENTRIES = 1_000
MAX_ROWS = 1_048_576  # Excel's own limits
MAX_COLUMNS = 16_384
MAX_CELLS = 5_000_000  # of one sheet, empty ones included: calamine allocates about 30 bytes for each
FETCH_AGAIN = "Fetch the file again; if the error stays, the publisher's file is damaged"

_WORKBOOK_PART = "xl/workbook.xml"
_RELATIONS_PART = "xl/_rels/workbook.xml.rels"
_PARSED_FOLDERS = frozenset(
    {"_rels", "xl", "xl/_rels"}
)  # of the parts that calamine reads, beside the sheets
_CELL_TYPES = frozenset({"n", "s", "str", "inlineStr", "b", "d", "e"})
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_TABLE = re.compile(rb"<(?:\w+:)?sheetData\b")
_ROW_OR_CELL = re.compile(
    rb"<(?:\w+:)?(?:row(?=[\s/>])([^>]*)>|c(?=[\s/>])([^>]*)(?<!/)>(.+?)</(?:\w+:)?c>)", re.DOTALL
)
_VALUE = re.compile(rb"<(?:\w+:)?v\b[^>]*(?<!/)>([^<]*)<")
_FORMULA = re.compile(rb"<(?:\w+:)?f\b")
_ROW_NUMBER = re.compile(rb"\br\s*=\s*[\"']([^\"']*)")
_CELL_TYPE = re.compile(rb"\bt\s*=\s*[\"']([^\"']*)")

StartElement = Callable[[str, dict[str, str]], None]


@dataclass(frozen=True)
class Package:
    """A workbook file and the publisher's table that it belongs to, for error messages."""

    path: Path
    source: str

    def error(self, reason: str, remedy: str = FETCH_AGAIN, row: int | None = None) -> SourceError:
        """Return a SourceError that names the table and the file."""
        return SourceError(self.source, reason, file=self.path.name, row=row, remedy=remedy)


def cell_name(column: int, row: int) -> str:
    """Return the reference of a cell as Excel writes it: column 28, row 4 is `AB4`."""
    letters = ""
    while column:
        column, digit = divmod(column - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return f"{letters}{row}"


def check_package(package: Package) -> dict[str, str]:
    """Check the zip and its parts, except the sheets, and return the part of each sheet by its name.

    Raises SourceError for a file that is not a zip, is cut short, encrypted or damaged, that exceeds
    `MAX_UNPACKED_BYTES` or `MAX_ENTRIES`, and for XML that is not well-formed UTF-8 or has a document type.
    """
    with _open_zip(package) as archive:
        _check_sizes(archive, package)
        for name in archive.namelist():
            if posixpath.dirname(name) in _PARSED_FOLDERS and name.endswith((".xml", ".rels")):
                _parse(archive.read(name), name, package)
        return _sheet_parts(archive, package)


def check_sheet(package: Package, sheet: str, part: str) -> None:
    """Check the XML of one sheet and its non-empty cells. Raises SourceError with the sheet and the cell."""
    with _open_zip(package) as archive:
        content = _read_part(archive, part, package)  # zipfile checks the declared size and the checksum
    _parse(content, part, package)
    if not _TABLE.search(content):
        raise package.error(f"sheet {sheet!r} has no sheetData")
    row, column, columns = 0, 0, 0
    rows: list[int] = []  # the number of each cell's row
    for row_attributes, cell_attributes, cell in _ROW_OR_CELL.findall(content):
        if not cell:
            number = _first(_ROW_NUMBER, row_attributes) or str(row + 1)
            if not number.isdecimal() or not row < int(number) <= MAX_ROWS:
                raise package.error(f"sheet {sheet!r}: row {number!r} follows row {row}", row=row)
            row, column = int(number), 0
            continue
        reference = _first(_ROW_NUMBER, cell_attributes)
        next_column = _column(reference, row) if reference else column + 1
        if not column < next_column <= MAX_COLUMNS:
            previous = cell_name(column, row) if column else f"the start of row {row}"
            raise package.error(f"sheet {sheet!r}: cell {reference!r} follows {previous}", row=row)
        column = next_column
        if fault := _cell_fault(_first(_CELL_TYPE, cell_attributes) or "n", cell):
            reason, remedy = fault
            raise package.error(f"sheet {sheet!r}, {cell_name(column, row)}: {reason}", remedy, row)
        rows.append(row)
        columns = max(columns, column)
    if rows and (rows[-1] - rows[0] + 1) * columns > MAX_CELLS:
        raise package.error(
            f"sheet {sheet!r} has cells in rows {rows[0]} to {rows[-1]} and in {columns} columns, "
            f"more than the limit of {MAX_CELLS} cells",
            "Open the file in Excel and look for a stray cell far below or right of the table",
        )


def _cell_fault(kind: str, cell: bytes) -> tuple[str, str] | None:
    """Return reason and remedy if the cell of this type must not be read, else None."""
    text = _first(_VALUE, cell).strip()
    if kind not in _CELL_TYPES:
        return f"the cell has the unknown type {kind!r}", FETCH_AGAIN
    if kind == "e":
        return (
            f"the cell is an error, {text}",
            "The publisher's own formula failed: report it, and wait for a corrected file",
        )
    if not text and kind != "str" and _FORMULA.search(cell):
        return "the formula has no cached result", "Open the file in Excel, let it calculate, and save it"
    if kind == "s" and text and not text.isdecimal():
        return f"there is no shared string {text!r}", FETCH_AGAIN
    return None


def _first(pattern: re.Pattern[bytes], content: bytes) -> str:
    match = pattern.search(content)
    return match[1].decode() if match else ""


def _column(reference: str, row: int) -> int:
    """Return the column of a cell reference, or 0 if it is not the reference of a cell in this row."""
    match = _REFERENCE.fullmatch(reference)
    if match is None or int(match[2]) != row:
        return 0
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return column


@contextmanager
def _open_zip(package: Package) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(package.path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise  # a failing disk; EINVAL means that an offset in the zip's directory lies outside the file
        raise package.error(f"the file is not a readable .xlsx, or it is cut short ({error})") from error


def _check_sizes(archive: zipfile.ZipFile, package: Package) -> None:
    """Reject encrypted files and files that exceed the limits, by the sizes that the zip declares."""
    entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    reason = ""
    if any(entry.flag_bits & 0x1 for entry in entries):
        reason = "the file is encrypted"
    elif len(entries) > MAX_ENTRIES:
        reason = f"the file has {len(entries)} parts, more than the limit of {MAX_ENTRIES}"
    elif unpacked > MAX_UNPACKED_BYTES:
        reason = f"unpacked it would take {unpacked} bytes, more than the limit of {MAX_UNPACKED_BYTES}"
    elif len({entry.filename for entry in entries}) < len(entries):
        reason = "the file has two parts of the same name"
    if reason:
        raise package.error(reason, "Check by hand what the publisher sends before allowing it")


def _read_part(archive: zipfile.ZipFile, part: str, package: Package) -> bytes:
    if part not in archive.namelist():
        raise package.error(f"the part {part} is missing")
    return archive.read(part)


def _parse(content: bytes, part: str, package: Package, start: StartElement | None = None) -> None:
    """Parse a part with expat: it must be well-formed, in UTF-8, and without a document type."""

    def check_declaration(version: str, encoding: str | None, standalone: int) -> None:
        if encoding and encoding.lower() not in ("utf-8", "us-ascii"):
            raise package.error(f"the part {part} is not well-formed XML in UTF-8 (it declares {encoding})")

    def reject_document_type(*_: object) -> None:
        raise package.error(
            f"the part {part} declares a document type or an entity, which no workbook needs",
            "Do not open the file; ask the publisher",
        )

    parser = expat.ParserCreate("utf-8")
    parser.XmlDeclHandler = check_declaration
    parser.StartDoctypeDeclHandler = reject_document_type
    parser.StartElementHandler = start
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise package.error(f"the part {part} is not well-formed XML in UTF-8 ({error})") from error


def _sheet_parts(archive: zipfile.ZipFile, package: Package) -> dict[str, str]:
    """Return the part of each sheet by the sheet's name, in the workbook's order."""
    sheets: list[tuple[str, str]] = []
    targets: dict[str, str] = {}

    def start_sheet(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "sheet":
            relation = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            sheets.append((attributes.get("name", ""), relation))

    def start_relation(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "Relationship":
            target = posixpath.normpath(posixpath.join("/xl", attributes.get("Target", "")))
            targets[attributes.get("Id", "")] = target.lstrip("/")

    for part, start in ((_WORKBOOK_PART, start_sheet), (_RELATIONS_PART, start_relation)):
        _parse(_read_part(archive, part, package), part, package, start)
    if not sheets:
        raise package.error("the workbook has no sheet")
    names = [name for name, _ in sheets]
    for name in names:
        if names.count(name) > 1:
            raise package.error(f"two sheets are named {name!r}")
    return {name: targets.get(relation, "") for name, relation in sheets}
