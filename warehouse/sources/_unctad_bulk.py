"""UNCTADstat bulk files: a CSV inside a 7z archive, three columns to each measure.

The layout: dimension columns (a code and its label; the year alone), then for each measure a triplet
`<measure>`, `<measure> Footnote`, `<measure> Missing value`. UTF-8 with a byte order mark, CRLF. A cell
without a value is empty and has its reason in the third column of the triplet.

Keeps: the dimensions and one measure, as text; `076` and `0000` stay as they are.

Refuses: any column that is neither kept nor declared ignored by its measure's name, a triplet that is not
whole, a year that is not four digits, an empty code, and a value that is not a plain decimal (`1,234`,
`n/a`, `1e5`). Codes are not judged here, nor are duplicate keys: the expectations do that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.errors import SourceError
from warehouse.formats.archive import extract_member
from warehouse.formats.csv import read_delimited, read_header
from warehouse.model import Plan, Request, raw_schema

ADDRESS = "https://unctadstat-api.unctad.org/bulkdownload"
ENCODING = "utf-8-sig"
MEASURE_PARTS = ("", " Footnote", " Missing value")
MEASURE_COLUMNS = ("value", "footnote", "missing_value")
DECIMAL = r"\A-?[0-9]+(\.[0-9]+)?\z"
YEAR = r"\A[0-9]{4}\z"


@dataclass(frozen=True)
class BulkReport:
    """What one bulk report is made of.

    `name` is UNCTAD's, `US.TradeServCatTotal`. `dimensions` pairs each header with our column; those whose
    header ends in ` Label` may be empty. `measure` is kept; `ignored_measures` may or may not be there,
    behind it and in any order. `max_bytes` bounds the answer, `max_expanded_bytes` the CSV inside it.
    """

    name: str
    dimensions: tuple[tuple[str, str], ...]
    measure: str
    ignored_measures: tuple[str, ...]
    max_bytes: int
    max_expanded_bytes: int

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the raw columns in their order."""
        return (*(column for _, column in self.dimensions), *MEASURE_COLUMNS)

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the raw columns that no row may leave empty."""
        return tuple(column for header, column in self.dimensions if not header.endswith(" Label"))

    @property
    def archive(self) -> str:
        """Return the name of the archive in a vintage."""
        return f"{self.name.replace('.', '_')}.csv.7z"


def plan(report: BulkReport) -> Plan:
    """Ask for the report's one archive."""
    yield Request(
        name=report.archive,
        url=f"{ADDRESS}/{report.name}/{report.name.replace('.', '_')}",
        kind="7z",
        max_bytes=report.max_bytes,
    )


def read(report: BulkReport, source: str, files: Mapping[str, Path], work: Path) -> Iterator[pa.RecordBatch]:
    """Yield the report's rows; `_row` counts the records of the CSV inside the archive, its header being 1.

    Raises `SourceError` naming file and row for whatever the module refuses.
    """
    if list(files) != [report.archive]:
        raise SourceError(source, f"expected the one file {report.archive}, got {', '.join(files) or 'none'}")
    file = report.archive
    table = extract_member(
        files[file], work, source=source, file=file, kind="7z", max_bytes=report.max_expanded_bytes
    )
    header = read_header(table, source=source, file=file, encoding=ENCODING)
    agreed = agreed_header(report, header)
    schema = raw_schema(report.columns)
    kept = [*range(len(report.columns)), len(agreed), len(agreed) + 1]  # the last two: _file and _row
    for batch in read_delimited(table, agreed, source=source, file=file, encoding=ENCODING):
        rows = pa.record_batch([batch.column(index) for index in kept], schema=schema)
        for column in report.codes:
            _refuse(rows, column, rows.column(column).is_null(), "an empty code", source)
        _refuse_unlike(rows, "year", YEAR, "not a year of four digits", source)
        _refuse_unlike(rows, "value", DECIMAL, "not a plain decimal number", source)
        yield rows
    table.unlink()


def agreed_header(report: BulkReport, header: list[str]) -> tuple[str, ...]:
    """Return the header that is agreed to, with the ignored measures in the order in which they came."""
    kept = (*(name for name, _ in report.dimensions), *_triplet(report.measure))
    ignored = [name for name in dict.fromkeys(header[len(kept) :]) if name in report.ignored_measures]
    return (*kept, *(name for measure in ignored for name in _triplet(measure)))


def _triplet(measure: str) -> tuple[str, ...]:
    return tuple(f"{measure}{part}" for part in MEASURE_PARTS)


def _refuse_unlike(rows: pa.RecordBatch, column: str, pattern: str, reason: str, source: str) -> None:
    unlike = pc.invert(pc.match_substring_regex(rows.column(column), pattern))
    _refuse(rows, column, unlike, reason, source)


def _refuse(rows: pa.RecordBatch, column: str, refused: pa.Array, reason: str, source: str) -> None:
    place = pc.index(refused, True).as_py()
    if place < 0:
        return
    text = rows.column(column)[place].as_py()
    raise SourceError(
        source,
        f"{reason} in column {column}" + ("" if text is None else f": {text!r}"),
        file=rows.column("_file")[place].as_py(),
        row=rows.column("_row")[place].as_py(),
        remedy="The figures are kept as sent and never mended: ask the publisher, or agree to the new form.",
    )
