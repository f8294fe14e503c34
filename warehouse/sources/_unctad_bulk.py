"""UNCTADstat bulk files: a CSV in a 7z archive, with three columns for each measure.

The CSV is UTF-8 with a byte order mark and CRLF. First come the dimension columns, a code and its label each
(the year has no label), then for each measure `<measure>`, `<measure> Footnote` and `<measure> Missing
value`. A cell without a value is empty, and the third column states the reason. Quarters are `2024Q01`, as in
clients of UNCTAD's keyed interface of 2025; `2024Q1` and `2024-Q1` are accepted too.

Since mid-2026 UNCTAD renames measures report by report (`US$ at current prices in millions` became `Millions
of US$ at current prices`); `MEASURE_SPELLINGS` are accepted too. The name carries the scale: a measure in
thousands is another measure.

The reader returns the dimensions and one measure as text, and the values of the measures that a report names
besides; further measures are drift. It raises SourceError for a header without a column of the dimensions, of
the measure's triplet or of a named value, a year that is not four digits, another form of a quarter, an empty
code, and a value that is not a decimal number (`1,234`, `n/a`). The expectation suites check codes and
duplicate keys.

A report is one archive, whose name is that of the report with `_` for `.`. UNCTAD offers the largest reports
as several archives with names of their own: when the request for the single archive fails, `plan` requests
the list of archives (`bulkfiles`, a JSON array with `fileBlobName`, as in clients of 2025 and 2026; the names
of several parts were not seen), and then each of them. Each archive holds one CSV, with the same columns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from warehouse.arrow import pa
from warehouse.errors import SourceError, Unavailable
from warehouse.formats.archive import extract_member
from warehouse.formats.columns import DECIMAL, YEAR, require_match, require_values
from warehouse.formats.csv import read_delimited
from warehouse.model import MEBIBYTE, Contract, Note, Plan, Request, Source, no_note

ADDRESS = "https://unctadstat-api.unctad.org/bulkdownload"
LIST_ADDRESS = "https://unctadstat-api.unctad.org/api/reportMetadata"
LIST = "bulkfiles.json"
BLOB_NAME = re.compile(r"[A-Za-z0-9_-]{1,96}")
ENCODING = "utf-8-sig"
MEASURE = "US$ at current prices in millions"
MEASURE_SPELLINGS = (
    "Millions of US$ at current prices",
    "US dollars at current prices in millions",
    "Millions of US dollars at current prices",
)
LICENCE = "CC BY 3.0 IGO (UNCTADstat terms of use)"
QUARTER = r"\A[0-9]{4}-?Q0?[1-4]\z"
# The column of the period, the form of its values, and what to call another form.
PERIODS = {
    "year": (YEAR, "not a year of four digits"),
    "period": (QUARTER, "not a quarter such as 2024Q01"),
}
MEASURE_PARTS = ("", " Footnote", " Missing value")
MEASURE_COLUMNS = ("value", "footnote", "missing_value")


@dataclass(frozen=True)
class BulkReport:
    """The layout of a bulk report.

    `name` is UNCTAD's name of the report, such as `US.TradeServCatTotal`. `codes_of` are the headers of its
    codes, the period first (`Year` or `Period`); each but the year has a label. `measure` is the measure that
    is read; `spellings` are other names of it with the same scale. `values_of` names further measures whose
    values are read, each with its raw column. `ignored_measures` may follow in any order, or be absent.
    `max_bytes` limits the archive and `max_expanded_bytes` the CSV in it.
    """

    name: str
    codes_of: tuple[str, ...]
    ignored_measures: tuple[str, ...]
    measure: str = MEASURE
    spellings: tuple[str, ...] = MEASURE_SPELLINGS
    values_of: tuple[tuple[str, str], ...] = ()
    max_bytes: int = 128 * MEBIBYTE
    max_expanded_bytes: int = 2048 * MEBIBYTE

    @property
    def dimensions(self) -> tuple[tuple[str, str], ...]:
        """Return each header of a dimension with its raw column: `ForeignEconomy`, `foreign_economy`."""
        headers = [
            name
            for code in self.codes_of
            for name in ((code,) if code == "Year" else (code, f"{code} Label"))
        ]
        return tuple(
            (name, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).replace(" ", "_").lower()) for name in headers
        )

    @property
    def contract(self) -> Contract:
        """Return what the reader requires: dimensions, the triplet of the measure, and further values."""
        measure = zip(_triplet(self.measure), MEASURE_COLUMNS, strict=True)
        return Contract(
            read=dict(self.dimensions) | dict(measure) | dict(self.values_of),
            spellings={
                other: name
                for spelling in self.spellings
                for other, name in zip(_triplet(spelling), _triplet(self.measure), strict=True)
            },
            optional=tuple(name for name, _ in self.dimensions if name.endswith(" Label")),
            ignored=(
                *(name for measure in self.ignored_measures for name in _triplet(measure)),
                *(name for measure, _ in self.values_of for name in _triplet(measure)[1:]),
            ),
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the raw columns in order."""
        further = (column for _, column in self.values_of)
        return (*(column for _, column in self.dimensions), *MEASURE_COLUMNS, *further)

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the raw columns that must have a value in every row."""
        return tuple(column for header, column in self.dimensions if not header.endswith(" Label"))

    @property
    def archive(self) -> str:
        """Return the file name of the archive in a vintage."""
        return f"{self.name.replace('.', '_')}.csv.7z"


def source_of(name: str, report: BulkReport, *, title: str, evidenced: str) -> Source:
    """Return the source of a report; its codes identify a row."""
    return Source(
        name=name,
        title=title,
        publisher="UNCTAD",
        table=report.name,
        homepage=f"https://unctadstat.unctad.org/datacentre/reportInfo/{report.name}",
        licence=LICENCE,
        contract=report.contract,
        evidenced=evidenced,
        columns=report.columns,
        key=report.codes,
        plan=partial(plan, name, report),
        read=partial(read, report, name),
    )


def plan(source: str, report: BulkReport) -> Plan:
    """Request the archive of the report, or the archives that UNCTAD lists when that one is refused.

    Raises SourceError when no archive is at the address and the list cannot be used either.
    """
    try:
        yield archive_request(report, report.name.replace(".", "_"))
        return
    except Unavailable:
        raise
    except SourceError as error:
        refused = error
    try:
        listing = yield Request(name=LIST, url=f"{LIST_ADDRESS}/{report.name}/bulkfiles/en", kind="json")
    except SourceError as error:
        raise refused from error
    for blob in listed_archives(source, listing):
        yield archive_request(report, blob)


def archive_request(report: BulkReport, blob: str) -> Request:
    """Return the request for an archive of the report by its name."""
    return Request(
        name=f"{blob}.csv.7z",
        url=f"{ADDRESS}/{report.name}/{blob}",
        kind="7z",
        max_bytes=report.max_bytes,
    )


def listed_archives(source: str, listing: Path) -> tuple[str, ...]:
    """Return the names of a report's archives from UNCTAD's list, in its order.

    Raises SourceError for a list without entries, and for an entry without a plain `fileBlobName`.
    """
    try:
        entries = json.loads(listing.read_text(encoding="utf-8-sig"))
        names = tuple(dict.fromkeys(entry["fileBlobName"] for entry in entries))
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(
            source, f"not a list of archives with fileBlobName: {type(error).__name__}: {error}", file=LIST
        ) from error
    strange = [name for name in names if not isinstance(name, str) or not BLOB_NAME.fullmatch(name)]
    if strange or not names:
        found = f"the name {strange[0]!r}" if strange else "no archive"
        raise SourceError(source, f"the list of archives has {found}", file=LIST)
    return names


def read(
    report: BulkReport, source: str, files: Mapping[str, Path], work: Path, note: Note = no_note
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the report. `_row` is the number of the record in its CSV, the header being 1.

    Raises SourceError with file and row as the module says.
    """
    archives = [name for name in files if name != LIST]
    if not archives or (LIST not in files and archives != [report.archive]):
        raise SourceError(source, f"expected the one file {report.archive}, got {', '.join(files) or 'none'}")
    for file in archives:
        yield from _read_archive(report, source, file, files[file], work, note)


def _read_archive(
    report: BulkReport, source: str, file: str, archive: Path, work: Path, note: Note
) -> Iterator[pa.RecordBatch]:
    table = extract_member(
        archive,
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
        for column, (form, reason) in PERIODS.items():
            if column in report.columns:
                require_match(rows, column, form, reason, source=source)
        for column in ("value", *(column for _, column in report.values_of)):
            require_match(rows, column, DECIMAL, "not a plain decimal number", source=source)
        yield rows
    table.unlink()


def _triplet(measure: str) -> tuple[str, ...]:
    return tuple(f"{measure}{part}" for part in MEASURE_PARTS)
