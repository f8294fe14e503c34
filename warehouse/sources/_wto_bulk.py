"""WTO bulk files: a CSV in a zip archive, 23 columns, one figure in each row.

The annual merchandise and services tables share this layout: Windows-1252 or UTF-8 (`Türkiye`,
`Côte d'Ivoire`), CRLF, codes beside their labels, values in millions of US dollars (`USM`), one row for each
year. Reporter and
partner codes are texts of three characters (`076` Brazil, `000` the world, `918` the European Union, `LAX` a
group); the ISO code is empty for groups and for economies that have none.

Flags qualify a value: `E` estimate, `B` break in series, `P` provisional, `C`. They stay with the value as
its status; an estimate has a value type of its own.

The reader returns all 23 columns as text, except rows that the report ignores. It raises SourceError for a
header without a column that is read, for an indicator, category, classification, period, frequency or unit
that the report does not expect, an empty code, a year that is not four digits, and a value that is not a
decimal number. The expectation suites check products, economies, flags and duplicate keys. Indicators and
products overlap: sums over them have no meaning.

Address and layout last evidenced: 2026-06-01 (HTTP 200, Last-Modified 2026-04-22).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from warehouse.arrow import pa, pc
from warehouse.errors import SourceError
from warehouse.formats.archive import extract_member
from warehouse.formats.columns import DECIMAL, YEAR, require_match, require_one_of, require_values
from warehouse.formats.csv import read_delimited
from warehouse.model import Contract, Note, Plan, Request, no_note

ADDRESS = "https://stats.wto.org/assets/UserGuide"
ENCODING = "cp1252"

HEADERS = {
    "IndicatorCategory": "indicator_category",
    "IndicatorCode": "indicator_code",
    "Indicator": "indicator",
    "ReporterCode": "reporter_code",
    "ReporterISO3A": "reporter_iso3a",
    "Reporter": "reporter",
    "PartnerCode": "partner_code",
    "PartnerISO3A": "partner_iso3a",
    "Partner": "partner",
    "ProductClassificationCode": "product_classification_code",
    "ProductClassification": "product_classification",
    "ProductCode": "product_code",
    "Product": "product",
    "PeriodCode": "period_code",
    "Period": "period",
    "FrequencyCode": "frequency_code",
    "Frequency": "frequency",
    "UnitCode": "unit_code",
    "Unit": "unit",
    "Year": "year",
    "ValueFlagCode": "value_flag_code",
    "ValueFlag": "value_flag",
    "Value": "value",
}
CONTRACT = Contract(
    read=HEADERS,
    optional=(
        *("IndicatorCategory", "Indicator", "ReporterISO3A", "Reporter", "PartnerISO3A", "Partner"),
        *("ProductClassification", "Product", "Period", "Frequency", "Unit", "ValueFlag"),
    ),
)
COLUMNS = CONTRACT.columns
CODES = ("indicator_code", "reporter_code", "partner_code", "product_code", "year")
KEY = (
    "indicator_code",
    "reporter_code",
    "partner_code",
    "product_classification_code",
    "product_code",
    "year",
)
# In every report: annual values in millions of US dollars.
ANNUAL_MILLIONS = (("period_code", ("A",)), ("frequency_code", ("A",)), ("unit_code", ("USM",)))


@dataclass(frozen=True)
class BulkReport:
    """The contract of a bulk report.

    `name` is the WTO's name of the archive, without its suffix. `expected` lists for a column every value
    that it may have; `ignored` lists values whose rows are left out. `max_bytes` limits the archive and
    `max_expanded_bytes` the CSV in it.
    """

    name: str
    expected: tuple[tuple[str, tuple[str, ...]], ...]
    ignored: tuple[tuple[str, tuple[str, ...]], ...]
    max_bytes: int
    max_expanded_bytes: int

    @property
    def archive(self) -> str:
        """Return the file name of the archive, at the WTO and in a vintage."""
        return f"{self.name}.zip"


def plan(report: BulkReport) -> Plan:
    """Request the archive of the report."""
    yield Request(
        name=report.archive, url=f"{ADDRESS}/{report.archive}", kind="zip", max_bytes=report.max_bytes
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
        kind="zip",
        max_bytes=report.max_expanded_bytes,
        suffix=".csv",
        note=note,
    )
    for batch in read_delimited(table, CONTRACT, source=source, file=file, note=note, encoding=ENCODING):
        rows = drop_rows(batch, report.ignored)
        for column, values in (*ANNUAL_MILLIONS, *report.expected):
            require_one_of(rows, column, values, "an unexpected value", source=source)
        require_values(rows, CODES, source=source)
        require_match(rows, "year", YEAR, "not a year of four digits", source=source)
        require_match(rows, "value", DECIMAL, "not a plain decimal number", source=source)
        if rows.num_rows:
            yield rows
    table.unlink()


def drop_rows(rows: pa.RecordBatch, ignored: tuple[tuple[str, tuple[str, ...]], ...]) -> pa.RecordBatch:
    """Return the rows without those that have an ignored value in its column."""
    for column, values in ignored:
        is_ignored = pc.is_in(rows.column(column), value_set=pa.array(values, pa.string()))
        rows = rows.filter(pc.invert(is_ignored))
    return rows
