"""Delimited text to Arrow batches of text, streamed at the speed of C.

Keeps: every value as the text that was sent; an empty value, quoted or not, is null and nothing else
is (`NA`, `null` and `0000` stay). Newlines inside quoted values are part of the value. Each row carries
`_file` and `_row`: the record's number as a spreadsheet shows it, the header being row 1.

Refuses: a header other than the agreed columns in the agreed order, a row with more or fewer values
(a trailing comma is one more), an empty line, a file without rows, NUL bytes, quotation marks that RFC 4180
does not allow, bytes that are not in the agreed encoding, a byte order mark where none was agreed.

Encodings carry Python's names; all must be supersets of ASCII. `utf-8-sig` is UTF-8 in which a byte order
mark is agreed (it may be missing), `utf-8` is UTF-8 without one.
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

# Arrow reads some 32 blocks ahead: 1 MiB holds about 40 MB in memory, and larger blocks are no faster.
BLOCK_BYTES = 1024 * 1024
HEADER_BYTES = 64 * 1024


def read_header(path: Path, *, source: str, file: str, encoding: str, delimiter: str = ",") -> list[str]:
    """Return the column names of the first line; raise `SourceError` when there is no such line."""
    with path.open("rb") as handle:
        start = handle.read(HEADER_BYTES)
    if start.startswith(codecs.BOM_UTF8):
        if encoding != "utf-8-sig":
            raise SourceError(
                source, "a byte order mark where none was agreed", file=file, row=1, remedy=_LAYOUT
            )
        start = start.removeprefix(codecs.BOM_UTF8)
    line = re.split(rb"\r\n|\n|\r", start, maxsplit=1)[0]
    if not line.strip():
        reason = "an empty file" if not start.strip() else "an empty line"
        raise SourceError(source, f"{reason} where a header is expected", file=file, row=1)
    if line.lstrip().startswith(b"<"):
        raise SourceError(source, "an HTML or XML page where delimited text is expected", file=file, row=1)
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
    """Yield batches of `raw_schema(columns)` from the file at `path`, which is called `file` in messages.

    `block_bytes` bounds memory and the longest row. Raises `SourceError` for whatever the module refuses.
    """
    header = read_header(path, source=source, file=file, encoding=encoding, delimiter=delimiter)
    check_header(header, columns, source=source, file=file)
    refuse_malformed(path, source=source, file=file, delimiter=delimiter, block_bytes=block_bytes)
    schema = raw_schema(columns)
    row = 2
    for batch in _parsed(path, columns, source, file, encoding, delimiter, block_bytes):
        _refuse_empty_rows(batch, row, source, file)
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
        raise SourceError(source, "an empty answer where data is expected: a header and no rows", file=file)


def check_header(header: Sequence[str], columns: Sequence[str], *, source: str, file: str) -> None:
    """Raise `SourceError` naming what is missing, unknown, repeated or out of place in a header."""
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
        place = next(i for i, (got, want) in enumerate(zip(header, columns, strict=True)) if got != want)
        parts = [f"column {place + 1} is {header[place]!r} and should be {columns[place]!r}"]
    raise SourceError(
        source,
        f"the header is not the agreed one: {'; '.join(parts)}",
        file=file,
        row=1,
        remedy=_LAYOUT,
    )


def refuse_malformed(path: Path, *, source: str, file: str, delimiter: str, block_bytes: int) -> None:
    """Raise `SourceError` at a NUL byte, or at a quotation mark in the middle of a value.

    Arrow's reader takes both, and joins `"1"2` to 12: bytes would change without a word.
    """
    bound = re.escape(delimiter.encode("ascii"))
    stray = re.compile(rb'[^\r\n"' + bound + rb']"[^\r\n"' + bound + rb"]")
    line, carried = 1, b""
    with path.open("rb") as handle:
        if handle.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:  # a quoted value may begin right behind it
            handle.seek(0)
        while block := handle.read(block_bytes):
            block = carried + block
            where, reason = block.find(b"\0"), "a NUL byte"
            if where < 0 and b'"' in block and (found := stray.search(block)):
                where, reason = found.start(), "a quotation mark in the middle of a value"
            if where >= 0:
                line += block.count(b"\n", 0, where)
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
                use_threads=False,  # rows are numbered in errors only by the serial reader
                block_size=block_bytes,
                skip_rows=1,
                column_names=list(columns),
                encoding="utf8" if encoding in ("utf-8", "utf-8-sig") else encoding,
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=_remember(ragged),
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
        raise _explained(error, ragged, path, source, file, encoding) from error


def _remember(ragged: list[pa.csv.InvalidRow]) -> Callable[[pa.csv.InvalidRow], str]:
    def refuse(row: pa.csv.InvalidRow) -> str:
        ragged.append(row)
        return "error"

    return refuse


def _explained(
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
            f"{row.actual_columns} values where {row.expected_columns} are agreed: {row.text[:200]!r}",
            file=file,
            row=row.number,
            remedy="If it is the last row, the file was cut short: fetch it again.",
        )
    line = _first_undecodable_line(path, encoding)
    if line is not None:
        return SourceError(source, f"bytes that are not {encoding} in line {line}", file=file)
    if path.stat().st_size <= HEADER_BYTES and "Could not skip" in str(error):
        return SourceError(source, "an empty answer where data is expected: a header and no rows", file=file)
    return SourceError(source, f"the text cannot be read as rows: {str(error)[:300]}", file=file)


def _first_undecodable_line(path: Path, encoding: str) -> int | None:
    with path.open("rb") as handle:
        for line, text in enumerate(handle, start=1):
            try:
                text.decode(encoding)
            except UnicodeDecodeError:
                return line
    return None


def _refuse_empty_rows(batch: pa.RecordBatch, first_row: int, source: str, file: str) -> None:
    if any(column.null_count == 0 for column in batch.columns):
        return
    empty = batch.column(0).is_null()
    for column in batch.columns[1:]:
        empty = pc.and_(empty, column.is_null())
    place = pc.index(empty, True).as_py()
    if place >= 0:
        raise SourceError(source, "a row without any value", file=file, row=first_row + place)


_LAYOUT = "If the publisher changed its layout, agree to it in the source's file and raise reader_version."
