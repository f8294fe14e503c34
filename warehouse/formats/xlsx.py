"""Excel workbooks (.xlsx), read as the text of their own cells.

Keeps: each cell's text exactly as the file holds it. A number is the text of its `<v>` element, digit by
digit (`141.87873043179999`, `-1.2881215062576201E-4`): it never becomes a float here. Shared strings with
their rich-text runs joined and phonetic hints left out, inline strings, strings of formulas (the cached
result), booleans as TRUE and FALSE, sheet names with their stray spaces. A cell without content is absent.

Refuses: a file that is no zip, is cut short, encrypted, damaged or larger unpacked than `MAX_UNPACKED_BYTES`
(declared sizes are summed before anything is unpacked, and zipfile never hands out more than was declared),
document types and entities in the XML, error cells (`#REF!`), formulas without a cached result, and
cells whose place or type is not understood. Nothing is written to disk. Number formats are not applied:
a date is its serial number.

The format: ECMA-376, part 1, chapter 18 (SpreadsheetML) and part 2 (packages).
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
from typing import NamedTuple
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from warehouse.errors import SourceError
from warehouse.model import MEBIBYTE

MAX_UNPACKED_BYTES = 256 * MEBIBYTE
MAX_ENTRIES = 1_000
MAX_ROWS = 1_048_576  # what Excel itself can hold
MAX_COLUMNS = 16_384
CHUNK_BYTES = 256 * 1024

_MAIN = (
    "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}",
    "{http://purl.oclc.org/ooxml/spreadsheetml/main}",  # the strict edition
)
_RELATION_ID = (
    "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id",
    "{http://purl.oclc.org/ooxml/officeDocument/relationships}id",
)
_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_ESCAPED = re.compile(r"_x(?![Dd][89A-Fa-f])([0-9A-Fa-f]{4})_")  # no halves of surrogate pairs
_FETCH_AGAIN = "Fetch the file again; if it stays so, the publisher's file is damaged"


class Row(NamedTuple):
    """One row of a sheet: its number as a person sees it, and its non-empty cells by column (A is 1)."""

    number: int
    cells: dict[int, str]


@dataclass(frozen=True)
class Workbook:
    """An opened workbook: where it lies, whose it is, its sheets (name to part) and its shared strings."""

    path: Path
    source: str
    sheets: dict[str, str]
    strings: tuple[str, ...]


def cell_name(column: int, row: int) -> str:
    """Spell a place as Excel does: column 28, row 4 is `AB4`."""
    letters = ""
    while column:
        column, digit = divmod(column - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return f"{letters}{row}"


def open_workbook(path: Path, source: str) -> Workbook:
    """Check the container, then read the sheets' names and the shared strings.

    `source` names the publisher's table in errors. Raises SourceError for everything the module refuses.
    """
    with _container(path, source) as archive:
        _check_entries(archive, path, source)
        book = _office_document(archive, path, source)
        relations = _relations(archive, book, path, source)
        sheets: dict[str, str] = {}
        for name, relation in _sheet_list(archive, book, path, source):
            kind, part = relations.get(relation, ("", ""))
            if kind != "worksheet":
                raise SourceError(
                    source,
                    f"sheet {name!r} is not a table of cells ({kind or 'no relation'})",
                    file=path.name,
                    remedy="Open the file in Excel and see what became of the sheet",
                )
            if name in sheets:
                raise SourceError(
                    source, f"two sheets are named {name!r}", file=path.name, remedy=_FETCH_AGAIN
                )
            sheets[name] = part
        strings: tuple[str, ...] = ()
        for kind, part in relations.values():
            if kind == "sharedStrings":
                strings = _shared_strings(archive, part, path, source)
    return Workbook(path=path, source=source, sheets=sheets, strings=strings)


def read_rows(workbook: Workbook, sheet: str) -> Iterator[Row]:
    """Stream the rows of one sheet that hold at least one non-empty cell, top down.

    Raises SourceError with sheet and cell for error cells, unknown cell types and broken XML.
    """
    if sheet not in workbook.sheets:
        raise SourceError(
            workbook.source,
            f"there is no sheet {sheet!r} among {sorted(workbook.sheets)}",
            file=workbook.path.name,
            remedy="Compare the sheets' names, spaces included, with those the reader declares",
        )
    target = _SheetTarget(workbook, sheet)
    with _container(workbook.path, workbook.source) as archive:
        part = workbook.sheets[sheet]
        for _ in _parse(archive, part, target, workbook.path, workbook.source):
            yield from target.finished
            target.finished.clear()
    if not target.has_table:
        raise SourceError(
            workbook.source,
            f"sheet {sheet!r} holds no sheetData",
            file=workbook.path.name,
            remedy=_FETCH_AGAIN,
        )


class _SheetTarget:
    """Collects finished rows from the XML events of one worksheet, holding one row at a time."""

    def __init__(self, workbook: Workbook, sheet: str) -> None:
        self.workbook = workbook
        self.sheet = sheet
        self.finished: list[Row] = []
        self.has_table = False
        self.row = 0
        self.column = 0
        self.cells: dict[int, str] = {}
        self.kind = "n"
        self.text: list[str] = []
        self.has_formula = False
        self.phonetic = False
        self.reading = False
        tags = {
            "sheetData": (self._start_table, None),
            "row": (self._start_row, self._end_row),
            "c": (self._start_cell, self._end_cell),
            "v": (self._start_text, self._end_text),
            "t": (self._start_text, self._end_text),
            "f": (self._start_formula, None),
            "rPh": (self._start_phonetic, self._end_phonetic),
        }
        self.starts: dict[str, Callable[[dict[str, str]], None]] = {}
        self.ends: dict[str, Callable[[], None]] = {}
        for name, (start, end) in tags.items():
            for namespace in _MAIN:
                self.starts[namespace + name] = start
                if end is not None:
                    self.ends[namespace + name] = end

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        handler = self.starts.get(tag)
        if handler is not None:
            handler(attributes)

    def end(self, tag: str) -> None:
        handler = self.ends.get(tag)
        if handler is not None:
            handler()

    def data(self, text: str) -> None:
        if self.reading:
            self.text.append(text)

    def close(self) -> None:
        return None

    def _fail(self, reason: str, remedy: str = _FETCH_AGAIN) -> SourceError:
        place = cell_name(self.column, self.row) if self.column else f"row {self.row}"
        return SourceError(
            self.workbook.source,
            f"sheet {self.sheet!r}, {place}: {reason}",
            file=self.workbook.path.name,
            row=self.row or None,
            remedy=remedy,
        )

    def _start_table(self, attributes: dict[str, str]) -> None:
        self.has_table = True

    def _start_row(self, attributes: dict[str, str]) -> None:
        stated = attributes.get("r", str(self.row + 1))
        self.column = 0
        if not stated.isdecimal() or not self.row < int(stated) <= MAX_ROWS:
            raise self._fail(f"the next row is numbered {stated!r}")
        self.row = int(stated)
        self.cells = {}

    def _end_row(self) -> None:
        if self.cells:
            self.finished.append(Row(self.row, self.cells))

    def _start_cell(self, attributes: dict[str, str]) -> None:
        stated = attributes.get("r")
        if stated is None:
            column = self.column + 1
        else:
            match = _REFERENCE.fullmatch(stated)
            if match is None or int(match[2]) != self.row:
                raise self._fail(f"a cell says that it is {stated!r}")
            column = 0
            for letter in match[1]:
                column = column * 26 + ord(letter) - 64
        if not self.column < column <= MAX_COLUMNS:
            raise self._fail(f"the next cell says that it is {stated!r}")
        self.column = column
        self.kind = attributes.get("t", "n")
        self.text = []
        self.has_formula = False

    def _end_cell(self) -> None:
        text = "".join(self.text)
        if not text:
            if self.has_formula and self.kind != "str":
                raise self._fail(
                    "a formula without its cached result",
                    "Open the file in Excel, let it calculate, and save it",
                )
            return
        if self.kind == "s":
            if not text.isdecimal() or int(text) >= len(self.workbook.strings):
                raise self._fail(f"there is no shared string {text!r}")
            text = self.workbook.strings[int(text)]
        elif self.kind in ("str", "inlineStr"):
            text = _unescaped(text)
        elif self.kind == "b":
            if text not in ("0", "1"):
                raise self._fail(f"the boolean is {text!r}")
            text = "TRUE" if text == "1" else "FALSE"
        elif self.kind == "e":
            raise self._fail(
                f"the cell is an error, {text}",
                "The publisher's own formula failed: report it, and wait for a corrected file",
            )
        elif self.kind not in ("n", "d"):
            raise self._fail(f"the cell is of the unknown type {self.kind!r}")
        if text:
            self.cells[self.column] = text

    def _start_text(self, attributes: dict[str, str]) -> None:
        self.reading = not self.phonetic

    def _end_text(self) -> None:
        self.reading = False

    def _start_formula(self, attributes: dict[str, str]) -> None:
        self.has_formula = True

    def _start_phonetic(self, attributes: dict[str, str]) -> None:
        self.phonetic = True

    def _end_phonetic(self) -> None:
        self.phonetic = False


class _StringsTarget:
    """Collects the shared strings: the runs of one `<si>` joined, without phonetic hints."""

    def __init__(self) -> None:
        self.strings: list[str] = []
        self.runs: list[str] = []
        self.phonetic = False
        self.reading = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = _local(tag)
        if name == "si":
            self.runs = []
        elif name == "rPh":
            self.phonetic = True
        elif name == "t":
            self.reading = not self.phonetic

    def end(self, tag: str) -> None:
        name = _local(tag)
        if name == "si":
            self.strings.append(_unescaped("".join(self.runs)))
        elif name == "rPh":
            self.phonetic = False
        elif name == "t":
            self.reading = False

    def data(self, text: str) -> None:
        if self.reading:
            self.runs.append(text)

    def close(self) -> None:
        return None


class _AttributesTarget:
    """Collects the attributes of every element of one name: the small lists of a package."""

    def __init__(self, tags: tuple[str, ...]) -> None:
        self.tags = tags
        self.found: list[dict[str, str]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in self.tags:
            self.found.append(attributes)

    def end(self, tag: str) -> None:
        return None

    def data(self, text: str) -> None:
        return None

    def close(self) -> None:
        return None


_Target = _SheetTarget | _StringsTarget | _AttributesTarget


@contextmanager
def _container(path: Path, source: str) -> Iterator[zipfile.ZipFile]:
    """Open the zip and turn its ways to fail into one SourceError."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise  # a failing disk; EINVAL is a directory whose offsets lead out of the file
        raise SourceError(
            source,
            f"the file is no readable .xlsx, or it is cut short ({error})",
            file=path.name,
            remedy=_FETCH_AGAIN,
        ) from error


def _check_entries(archive: zipfile.ZipFile, path: Path, source: str) -> None:
    entries = archive.infolist()
    reason = ""
    if any(entry.flag_bits & 0x1 for entry in entries):
        reason = "the file is encrypted"
    elif len(entries) > MAX_ENTRIES:
        reason = f"the file holds {len(entries)} parts, more than the {MAX_ENTRIES} allowed"
    elif sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        reason = (
            f"unpacked it would take {sum(entry.file_size for entry in entries)} bytes, "
            f"more than the {MAX_UNPACKED_BYTES} allowed"
        )
    elif len({entry.filename for entry in entries}) < len(entries):
        reason = "the file holds two parts of one name"
    if reason:
        raise SourceError(
            source, reason, file=path.name, remedy="See by hand what the publisher sends before allowing it"
        )


def _parse(archive: zipfile.ZipFile, part: str, target: _Target, path: Path, source: str) -> Iterator[None]:
    """Feed one part to the target piece by piece, giving way after each piece."""
    if part not in archive.namelist():
        raise SourceError(source, f"the part {part} is missing", file=path.name, remedy=_FETCH_AGAIN)
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    try:
        with archive.open(part) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                parser.feed(chunk)
                yield
        parser.close()
        yield
    except DefusedXmlException as error:
        raise SourceError(
            source,
            f"the part {part} declares a document type or an entity, which no workbook needs",
            file=path.name,
            remedy="Do not open the file; ask the publisher",
        ) from error
    except (ParseError, LookupError, ValueError) as error:
        # the last two are the parser's answers to an encoding it does not know or cannot use
        raise SourceError(
            source, f"the part {part} is not well-formed XML ({error})", file=path.name, remedy=_FETCH_AGAIN
        ) from error


def _parse_whole(archive: zipfile.ZipFile, part: str, target: _Target, path: Path, source: str) -> None:
    for _ in _parse(archive, part, target, path, source):
        pass


def _office_document(archive: zipfile.ZipFile, path: Path, source: str) -> str:
    for kind, part in _relations(archive, "", path, source).values():
        if kind == "officeDocument":
            return part
    raise SourceError(
        source, "the package names no workbook in _rels/.rels", file=path.name, remedy=_FETCH_AGAIN
    )


def _relations(archive: zipfile.ZipFile, part: str, path: Path, source: str) -> dict[str, tuple[str, str]]:
    """Return the relations of a part: id to (kind, part named), where kind is the type's last word."""
    folder, name = posixpath.split(part)
    target = _AttributesTarget((_RELATION,))
    _parse_whole(archive, posixpath.join(folder, "_rels", f"{name}.rels"), target, path, source)
    return {
        found.get("Id", ""): (
            found.get("Type", "").rpartition("/")[2],
            posixpath.normpath(posixpath.join("/", folder, found.get("Target", ""))).lstrip("/"),
        )
        for found in target.found
        if found.get("TargetMode") != "External"
    }


def _sheet_list(archive: zipfile.ZipFile, book: str, path: Path, source: str) -> list[tuple[str, str]]:
    """Return (name, relation id) of each sheet in the workbook's own order."""
    target = _AttributesTarget(tuple(namespace + "sheet" for namespace in _MAIN))
    _parse_whole(archive, book, target, path, source)
    if not target.found:
        raise SourceError(source, "the workbook lists no sheet", file=path.name, remedy=_FETCH_AGAIN)
    return [
        (found.get("name", ""), next((found[key] for key in _RELATION_ID if key in found), ""))
        for found in target.found
    ]


def _shared_strings(archive: zipfile.ZipFile, part: str, path: Path, source: str) -> tuple[str, ...]:
    target = _StringsTarget()
    _parse_whole(archive, part, target, path, source)
    return tuple(target.strings)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _unescaped(text: str) -> str:
    """Undo `_x000D_`, the format's way to write characters that XML cannot hold."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text
