"""Delimited text, streamed as Arrow batches of text.

Every value is the text that was sent. An empty value, quoted or not, is null; nothing else is (`NA`, `null`
and `0000` are texts). A newline inside quotes is part of the value. Each row has `_file` and `_row`; `_row`
is the number of the record as a spreadsheet shows it, the header being 1.

Columns are found by their header, in any order; typography (NFKC, blanks) and the contract's spellings are
allowed for. A further column is noted as drift and not read.

`read_delimited` raises SourceError for a header without a column that the contract reads or with one twice, a
row with more or fewer values than the header (a trailing comma is one more), an empty line, a file without
rows, NUL bytes, quotation marks that RFC 4180 does not allow, and bytes that are not in the encoding.

Encodings have Python's names and must be supersets of ASCII. A byte order mark is not part of the text. A
file of another declared encoding that is UTF-8 all the same is read as UTF-8, and noted.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from functools import partial, reduce
from pathlib import Path

from warehouse.arrow import pa, pacsv, pc
from warehouse.errors import SourceError
from warehouse.formats.typography import normal
from warehouse.model import Contract, Note, raw_schema

# Arrow reads about 32 blocks ahead: blocks of 1 MiB take about 40 MB, and larger blocks are not faster.
BLOCK_BYTES = 1024 * 1024
HEADER_BYTES = 64 * 1024
UTF8 = ("utf-8", "utf-8-sig")
_LAYOUT = (
    "If the publisher changed the layout, declare it in the source's module and raise its reader_version"
)
_UNDECODABLE = re.compile("[\udc80-\udcff]")  # bytes that the handler "surrogateescape" has replaced
_RAGGED = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+): (.*)", re.DOTALL)  # an error of Arrow


def read_header(path: Path, *, source: str, file: str, encoding: str, delimiter: str = ",") -> list[str]:
    """Return the column names of the first line. Raises SourceError if there is no such line."""
    fail = partial(SourceError, source, file=file, row=1)
    with path.open("rb") as handle:
        start = handle.read(HEADER_BYTES)
    start = start.removeprefix(codecs.BOM_UTF8)
    line = re.split(rb"\r\n|\n|\r", start, maxsplit=1)[0]
    if not line.strip():
        reason = "the first line is empty" if start.strip() else "the file is empty"
        raise fail(f"{reason}; a header is expected")
    if line.lstrip().startswith(b"<"):
        raise fail("the file is an HTML or XML page; delimited text is expected")
    try:
        return next(csv.reader([line.decode(encoding)], delimiter=delimiter, strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise fail(f"the header cannot be read: {error}") from error


def read_delimited(
    path: Path,
    contract: Contract,
    *,
    source: str,
    file: str,
    note: Note,
    encoding: str = "utf-8",
    delimiter: str = ",",
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[pa.RecordBatch]:
    """Yield batches of `raw_schema(contract.columns)` from the file at `path`.

    `source` and `file` name the publisher's table and the file in error messages and notes. `block_bytes`
    limits memory use and the length of a row. Raises SourceError as the module says.
    """
    if encoding not in UTF8 and is_utf8(path):
        note(file, f"the text is UTF-8, declared is {encoding}")
        encoding = "utf-8"
    header = read_header(path, source=source, file=file, encoding=encoding, delimiter=delimiter)
    names = match_header(header, contract, source=source, file=file, note=note)
    check_characters(path, source=source, file=file, delimiter=delimiter, block_bytes=block_bytes)
    fail = partial(SourceError, source, file=file)
    schema = raw_schema(contract.columns)
    row = 2
    try:
        for batch in _open_reader(path, names, encoding, delimiter, block_bytes):
            empty = reduce(pc.and_, (column.is_null() for column in batch.columns))
            if (index := pc.index(empty, True).as_py()) >= 0:
                raise fail("the row has no value", row=row + index)
            columns = [
                batch.column(column) if column in names else pa.nulls(batch.num_rows, pa.string())
                for column in contract.columns
            ]
            files = pa.repeat(pa.scalar(file, pa.string()), batch.num_rows)
            rows = pa.arange(row, row + batch.num_rows)
            yield pa.record_batch([*columns, files, rows], schema=schema)
            row += batch.num_rows
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        if (ragged := _RAGGED.search(str(error))) and "\ufffd" not in ragged[4]:
            raise fail(
                f"the row has {ragged[3]} values, expected {ragged[2]}: {ragged[4][:200]!r}",
                row=int(ragged[1]),
                remedy="If it is the last row, the file is cut short: fetch it again",
            ) from error
        if line := _first_undecodable_line(path, encoding):
            raise fail(f"line {line} has bytes that are not {encoding}") from error
        if "Could not skip" not in str(error):  # what Arrow says of a header without a newline
            raise fail(f"the text cannot be parsed into rows: {str(error)[:300]}") from error
    if row == 2:
        raise fail("the file has a header and no rows")


def read_rows(path: Path, *, source: str, file: str, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the values of each row of a comma-separated file, whatever its number of values.

    This is for a table with lines above its header; lines without a value are left out. The number is that
    of the line in which the row ends. Raises SourceError for NUL bytes, a web page, quotation marks that RFC
    4180 does not allow, and bytes that are not in the encoding.
    """
    fail = partial(SourceError, source, file=file)
    check_characters(path, source=source, file=file, delimiter=",", block_bytes=BLOCK_BYTES)
    try:
        with path.open(encoding=encoding, newline="") as handle:
            reader = csv.reader(handle, strict=True)
            for values in reader:
                if reader.line_num == 1 and values and values[0].lstrip().startswith("<"):
                    raise fail("the file is an HTML or XML page; delimited text is expected", row=1)
                if any(values):
                    yield reader.line_num, values
    except csv.Error as error:
        raise fail(f"the text cannot be parsed into rows: {error}", row=reader.line_num) from error
    except UnicodeDecodeError as error:
        raise fail(
            f"line {_first_undecodable_line(path, encoding)} has bytes that are not {encoding}"
        ) from error


def is_utf8(path: Path) -> bool:
    """Return whether a file is UTF-8 text with characters beyond ASCII: no text of another encoding is."""
    decoder, is_ascii = codecs.getincrementaldecoder("utf-8")(), True
    with path.open("rb") as handle:
        try:
            while block := handle.read(BLOCK_BYTES):
                is_ascii = is_ascii and block.isascii()
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return not is_ascii


def match_header(
    header: Sequence[str], contract: Contract, *, source: str, file: str, note: Note, row: int = 1
) -> list[str]:
    """Return for each header its raw column; for one that is not read, a name that no raw column has.

    A further header and one that is only accepted (`spellings`) are noted as drift. Raises SourceError with
    the headers that are missing, and with those that name one column twice.
    """
    known = {normal(name): name for name in contract.read}
    known |= {normal(spelling): name for spelling, name in contract.spellings.items()}
    ignored = {normal(name) for name in contract.ignored}
    found = [known.get(normal(name)) for name in header]
    missing = [name for name in contract.read if name not in found and name not in contract.optional]
    repeated = sorted({name for name in found if name is not None and found.count(name) > 1})
    if missing or repeated:
        faults = {"missing": missing, "repeated": repeated}
        unknown = [name for name, read in zip(header, found, strict=True) if read is None]
        faults["not known"] = [name for name in unknown if normal(name) not in ignored] if missing else []
        parts = [f"{what} {', '.join(map(repr, names))}" for what, names in faults.items() if names]
        reason = f"the header is not the expected one: {'; '.join(parts)}"
        raise SourceError(source, reason, file=file, row=row, remedy=_LAYOUT)
    for name, read in zip(header, found, strict=True):
        if read is None and normal(name) not in ignored:
            note(file, f"further column {name!r}")
        elif read is not None and normal(name) != normal(read):
            note(file, f"column {name!r} is accepted as {read!r}")
    for name in contract.optional:
        if name not in found:
            note(file, f"no column {name!r}")
    return [f"{index}#" if name is None else contract.read[name] for index, name in enumerate(found)]


def check_characters(path: Path, *, source: str, file: str, delimiter: str, block_bytes: int) -> None:
    """Raise SourceError for a NUL byte or a quotation mark in the middle of a value.

    Arrow accepts both and reads `"1"2` as 12, so the value would change without an error.
    """
    letter = rb'[^\r\n"' + re.escape(delimiter.encode("ascii")) + rb"]"
    # It begins with the mark: `re` looks for one at the speed of memchr, and for a letter byte by byte.
    stray = re.compile(b'"(?<=' + letter + b'")(?=' + letter + b")")
    line, carried = 1, b""
    with path.open("rb") as handle:
        if handle.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:  # a quoted value may follow it
            handle.seek(0)
        while block := handle.read(block_bytes):
            block = carried + block
            offset, reason = block.find(b"\0"), "a NUL byte"
            if offset < 0 and b'"' in block and (found := stray.search(block)):
                offset, reason = found.start(), "a quotation mark in the middle of a value"
            if offset >= 0:
                line += block.count(b"\n", 0, offset)
                raise SourceError(source, f"{reason} in line {line}", file=file)
            line += block.count(b"\n", 0, len(block) - 2)
            carried = block[-2:]


def _open_reader(
    path: Path, columns: Sequence[str], encoding: str, delimiter: str, block_bytes: int
) -> pacsv.CSVStreamingReader:
    return pacsv.open_csv(
        path,
        read_options=pacsv.ReadOptions(
            use_threads=False,  # only the serial reader numbers the rows in errors
            block_size=block_bytes,
            skip_rows=1,
            column_names=list(columns),
            encoding="utf8" if encoding in UTF8 else encoding,
        ),
        parse_options=pacsv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False
        ),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            null_values=[""],
            include_columns=[name for name in columns if not name.endswith("#")],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )


def _first_undecodable_line(path: Path, encoding: str) -> int | None:
    with path.open(encoding=encoding, errors="surrogateescape", newline="\n") as handle:
        lines = enumerate(handle, start=1)
        return next((line for line, text in lines if _UNDECODABLE.search(text)), None)
