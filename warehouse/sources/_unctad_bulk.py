"""UNCTADstat bulk files: a CSV in a 7z archive, with three columns for each measure.

The CSV is UTF-8 with a byte order mark and CRLF. First come the dimension columns, a code and its label each
(the year has no label), then for each measure `<measure>`, `<measure> Footnote` and `<measure> Missing
value`. A cell without a value is empty, and the third column states the reason.

Since mid-2026 UNCTAD renames measures report by report (`US$ at current prices in millions` became `Millions
of US$ at current prices`); `MEASURE_SPELLINGS` are accepted too. The name carries the scale: a measure in
thousands is another measure.

The reader returns the dimensions and one measure as text; further measures are drift. It raises SourceError
for a header without a column of the dimensions or of the measure's triplet, a year that is not four digits,
an empty code, and a value that is not a decimal number (`1,234`, `n/a`). The expectation suites check codes
and duplicate keys.

UNCTAD offers the largest reports as several archives, each with an address of its own; a report that is read
here is one archive with one CSV.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from warehouse.errors import SourceError
from warehouse.formats.archive import extract_member
from warehouse.formats.columns import DECIMAL, YEAR, require_match, require_values
from warehouse.formats.csv import read_delimited
from warehouse.model import Contract, Note, Plan, Request, no_note

ADDRESS = "https://unctadstat-api.unctad.org/bulkdownload"
ENCODING = "utf-8-sig"
MEASURE = "US$ at current prices in millions"
MEASURE_SPELLINGS = (
    "Millions of US$ at current prices",
    "US dollars at current prices in millions",
    "Millions of US dollars at current prices",
)
MEASURE_PARTS = ("", " Footnote", " Missing value")
MEASURE_COLUMNS = ("value", "footnote", "missing_value")


@dataclass(frozen=True)
class BulkReport:
    """The layout of a bulk report.

    `name` is UNCTAD's name of the report, such as `US.TradeServCatTotal`. `dimensions` pairs each header with
    the raw column; columns whose header ends in ` Label` may be empty. `measure` is the measure that is read;
    `spellings` are other names of it with the same scale. `ignored_measures` may follow it in any order, or
    be absent. `max_bytes` limits the archive and `max_expanded_bytes` the CSV in it.
    """

    name: str
    dimensions: tuple[tuple[str, str], ...]
    measure: str
    ignored_measures: tuple[str, ...]
    max_bytes: int
    max_expanded_bytes: int
    spellings: tuple[str, ...] = ()

    @property
    def contract(self) -> Contract:
        """Return what the reader requires: dimensions, and the triplet of the measure."""
        measure = zip(_triplet(self.measure), MEASURE_COLUMNS, strict=True)
        return Contract(
            read=dict(self.dimensions) | dict(measure),
            spellings={
                other: name
                for spelling in self.spellings
                for other, name in zip(_triplet(spelling), _triplet(self.measure), strict=True)
            },
            optional=tuple(name for name, _ in self.dimensions if name.endswith(" Label")),
            ignored=tuple(name for measure in self.ignored_measures for name in _triplet(measure)),
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the raw columns in order."""
        return (*(column for _, column in self.dimensions), *MEASURE_COLUMNS)

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the raw columns that must have a value in every row."""
        return tuple(column for header, column in self.dimensions if not header.endswith(" Label"))

    @property
    def archive(self) -> str:
        """Return the file name of the archive in a vintage."""
        return f"{self.name.replace('.', '_')}.csv.7z"


def plan(report: BulkReport) -> Plan:
    """Request the archive of the report."""
    yield Request(
        name=report.archive,
        url=f"{ADDRESS}/{report.name}/{report.name.replace('.', '_')}",
        kind="7z",
        max_bytes=report.max_bytes,
    )


def read(
    report: BulkReport, source: str, files: Mapping[str, Path], work: Path, note: Note = no_note
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the report. `_row` is the number of the record in the CSV, the header being 1.

    Raises SourceError with file and row as the module says.
    """
    if list(files) != [report.archive]:
        raise SourceError(source, f"expected the one file {report.archive}, got {', '.join(files) or 'none'}")
    file = report.archive
    table = extract_member(
        files[file],
        work,
        source=source,
        file=file,
        kind="7z",
        max_bytes=report.max_expanded_bytes,
        suffix=".csv",
        note=note,
    )
    for rows in read_delimited(
        table, report.contract, source=source, file=file, note=note, encoding=ENCODING
    ):
        require_values(rows, report.codes, source=source)
        require_match(rows, "year", YEAR, "not a year of four digits", source=source)
        require_match(rows, "value", DECIMAL, "not a plain decimal number", source=source)
        yield rows
    table.unlink()


def _triplet(measure: str) -> tuple[str, ...]:
    return tuple(f"{measure}{part}" for part in MEASURE_PARTS)
