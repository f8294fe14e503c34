"""Delimited text, streamed as Arrow batches of text.

Every value is the text that was sent. An empty value, quoted or not, is null; nothing else is (`NA`, `null`
and `0000` are texts). A newline inside quotes is part of the value. Each row has `_file` and `_row`; `_row`
is the number of the record as a spreadsheet shows it, the header being 1.

`read_delimited` raises SourceError for a header that differs from the expected columns in their order, a row
with more or fewer values (a trailing comma is one more), an empty line, a file without rows, NUL bytes,
quotation marks that RFC 4180 does not allow, bytes that are not in the encoding, and an unexpected byte order
mark.

Encodings have Python's names and must be supersets of ASCII. `utf-8-sig` is UTF-8 with an optional byte order
mark, `utf-8` is UTF-8 without one.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from warehouse.errors import SourceError
from warehouse.model import raw_schema

# Arrow reads about 32 blocks ahead: blocks of 1 MiB take about 40 MB, and larger blocks are not faster.
BLOCK_BYTES = 1024 * 1024
HEADER_BYTES = 64 * 1024


def read_header(path: Path, *, source: str, file: str, encoding: str, delimiter: str = ",") -> list[str]:
    """Return the column names of the first line. Raises SourceError if there is no such line."""
    with path.open("rb") as handle:
        start = handle.read(HEADER_BYTES)
    if start.startswith(codecs.BOM_UTF8):
        if encoding != "utf-8-sig":
            raise SourceError(source, "an unexpected byte order mark", file=file, row=1, remedy=_LAYOUT)
        start = start.removeprefix(codecs.BOM_UTF8)
    line = re.split(rb"\r\n|\n|\r", start, maxsplit=1)[0]
    if not line.strip():
        reason = "the file is empty" if not start.strip() else "the first line is empty"
        raise SourceError(source, f"{reason}; a header is expected", file=file, row=1)
    if line.lstrip().startswith(b"<"):
        raise SourceError(
            source, "the file is an HTML or XML page; delimited text is expected", file=file, row=1
        )
    try:
        return next(csv.reader([line.decode(encoding)], delimiter=delimiter, strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise SourceError(source, f"the header cannot be read: {error}", file=file, row=1) from error


def read_delimited(
    path: Path,
    columns: tuple[str, ...],
    *,
    source: str,
    file: str,
    encoding: str = "utf-8",
    delimiter: str = ",",
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[pa.RecordBatch]:
    """Yield batches of `raw_schema(columns)` from the file at `path`.

    `source` and `file` name the publisher's table and the file in error messages. `columns` is the expected
    header. `block_bytes` limits memory use and the length of a row. Raises SourceError as the module says.
    """
    header = read_header(path, source=source, file=file, encoding=encoding, delimiter=delimiter)
    check_header(header, columns, source=source, file=file)
    check_characters(path, source=source, file=file, delimiter=delimiter, block_bytes=block_bytes)
    schema = raw_schema(columns)
    row = 2
    for batch in _parsed(path, columns, source, file, encoding, delimiter, block_bytes):
        _check_empty_rows(batch, row, source, file)
        yield pa.record_batch(
            [
                *batch.columns,
                pa.repeat(pa.scalar(file, pa.string()), batch.num_rows),
                pa.arange(row, row + batch.num_rows),
            ],
            schema=schema,
        )
        row += batch.num_rows
    if row == 2:
        raise SourceError(source, "the file has a header and no rows", file=file)


def check_header(header: Sequence[str], columns: Sequence[str], *, source: str, file: str) -> None:
    """Raise SourceError with the columns that are missing, unknown, repeated or out of order."""
    if list(header) == list(columns):
        return
    missing = [name for name in columns if name not in header]
    unknown = [name for name in header if name not in columns]
    repeated = sorted({name for name in header if name in columns and list(header).count(name) > 1})
    parts = [
        f"{what} {', '.join(repr(name) for name in names)}"
        for what, names in (("missing", missing), ("unknown", unknown), ("repeated", repeated))
        if names
    ]
    if not parts:
        index = next(i for i, (got, want) in enumerate(zip(header, columns, strict=True)) if got != want)
        parts = [f"column {index + 1} is {header[index]!r}, expected {columns[index]!r}"]
    raise SourceError(
        source,
        f"the header is not the expected one: {'; '.join(parts)}",
        file=file,
        row=1,
        remedy=_LAYOUT,
    )


def check_characters(path: Path, *, source: str, file: str, delimiter: str, block_bytes: int) -> None:
    """Raise SourceError for a NUL byte or a quotation mark in the middle of a value.

    Arrow accepts both and reads `"1"2` as 12, so the value would change without an error.
    """
    bound = re.escape(delimiter.encode("ascii"))
    stray = re.compile(rb'[^\r\n"' + bound + rb']"[^\r\n"' + bound + rb"]")
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


def _parsed(
    path: Path,
    columns: tuple[str, ...],
    source: str,
    file: str,
    encoding: str,
    delimiter: str,
    block_bytes: int,
) -> Iterator[pa.RecordBatch]:
    ragged: list[pa.csv.InvalidRow] = []
    try:
        reader = pa.csv.open_csv(
            path,
            read_options=pa.csv.ReadOptions(
                use_threads=False,  # only the serial reader numbers the rows in errors
                block_size=block_bytes,
                skip_rows=1,
                column_names=list(columns),
                encoding="utf8" if encoding in ("utf-8", "utf-8-sig") else encoding,
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=_collect_into(ragged),
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types={name: pa.string() for name in columns},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                check_utf8=True,
            ),
        )
        yield from reader
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise _parse_error(error, ragged, path, source, file, encoding) from error


def _collect_into(ragged: list[pa.csv.InvalidRow]) -> Callable[[pa.csv.InvalidRow], str]:
    def collect(row: pa.csv.InvalidRow) -> str:
        ragged.append(row)
        return "error"

    return collect


def _parse_error(
    error: Exception,
    ragged: list[pa.csv.InvalidRow],
    path: Path,
    source: str,
    file: str,
    encoding: str,
) -> SourceError:
    if ragged:
        row = ragged[0]
        return SourceError(
            source,
            f"the row has {row.actual_columns} values, expected {row.expected_columns}: {row.text[:200]!r}",
            file=file,
            row=row.number,
            remedy="If it is the last row, the file is cut short: fetch it again",
        )
    line = _first_undecodable_line(path, encoding)
    if line is not None:
        return SourceError(source, f"line {line} has bytes that are not {encoding}", file=file)
    if path.stat().st_size <= HEADER_BYTES and "Could not skip" in str(error):
        return SourceError(source, "the file has a header and no rows", file=file)
    return SourceError(source, f"the text cannot be parsed into rows: {str(error)[:300]}", file=file)


def _first_undecodable_line(path: Path, encoding: str) -> int | None:
    with path.open("rb") as handle:
        for line, text in enumerate(handle, start=1):
            try:
                text.decode(encoding)
            except UnicodeDecodeError:
                return line
    return None


def _check_empty_rows(batch: pa.RecordBatch, first_row: int, source: str, file: str) -> None:
    if any(column.null_count == 0 for column in batch.columns):
        return
    empty = batch.column(0).is_null()
    for column in batch.columns[1:]:
        empty = pc.and_(empty, column.is_null())
    index = pc.index(empty, True).as_py()
    if index >= 0:
        raise SourceError(source, "the row has no value", file=file, row=first_row + index)


_LAYOUT = (
    "If the publisher changed the layout, declare it in the source's module and raise its reader_version"
)
