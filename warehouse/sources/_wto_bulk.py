"""WTO bulk files: one CSV inside a zip, 23 columns, a figure a row.

The layout, shared by the annual merchandise and services tables: Windows-1252, CRLF, codes beside their
labels, values in millions of US dollars (`USM`), one year a row. Reporter and partner codes are text of
three characters (`076` Brazil, `000` the world, `918` the European Union, `LAX` a group), and an ISO code
that is empty for groups and for what has none. `Türkiye`, `Côte d'Ivoire` and `Curaçao` are spelled in that
encoding.

Keeps: all 23 columns as text, of every row that its report does not declare ignored.

Refuses: a header that is not the agreed one, in the agreed order; an indicator, category, classification,
period, frequency or unit that its report does not name; an empty code, a year that is not four digits, a
value that is not a plain decimal. Products, economies and flags are not judged here, nor are duplicate
keys: the expectations do that. Indicators and products overlap each other: no sum over them means anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.errors import SourceError
from warehouse.formats.archive import extract_member
from warehouse.formats.csv import read_delimited
from warehouse.model import Plan, Request, raw_schema

ADDRESS = "https://stats.wto.org/assets/UserGuide"
ENCODING = "cp1252"
DECIMAL = r"\A-?[0-9]+(\.[0-9]+)?\z"
YEAR = r"\A[0-9]{4}\z"

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
COLUMNS = tuple(HEADERS.values())
CODES = ("indicator_code", "reporter_code", "partner_code", "product_code", "year")
KEY = (
    "indicator_code",
    "reporter_code",
    "partner_code",
    "product_classification_code",
    "product_code",
    "year",
)
# What holds of every report: annual values in millions of US dollars.
ANNUAL_MILLIONS = (("period_code", ("A",)), ("frequency_code", ("A",)), ("unit_code", ("USM",)))


@dataclass(frozen=True)
class BulkReport:
    """What one bulk report is made of.

    `name` is the WTO's name of the archive, without its ending. `agreed` names, for a column, every text that
    it may hold; `ignored` names texts whose rows are known and left out. `max_bytes` bounds the answer,
    `max_expanded_bytes` the CSV inside it.
    """

    name: str
    agreed: tuple[tuple[str, tuple[str, ...]], ...]
    ignored: tuple[tuple[str, tuple[str, ...]], ...]
    max_bytes: int
    max_expanded_bytes: int

    @property
    def archive(self) -> str:
        """Return the name of the archive, at the WTO and in a vintage."""
        return f"{self.name}.zip"


def plan(report: BulkReport) -> Plan:
    """Ask for the report's one archive."""
    yield Request(
        name=report.archive, url=f"{ADDRESS}/{report.archive}", kind="zip", max_bytes=report.max_bytes
    )


def read(report: BulkReport, source: str, files: Mapping[str, Path], work: Path) -> Iterator[pa.RecordBatch]:
    """Yield the report's rows; `_row` counts the records of the CSV inside the archive, its header being 1.

    Raises `SourceError` naming file and row for whatever the module refuses.
    """
    if list(files) != [report.archive]:
        raise SourceError(source, f"expected the one file {report.archive}, got {', '.join(files) or 'none'}")
    file = report.archive
    table = extract_member(
        files[file], work, source=source, file=file, kind="zip", max_bytes=report.max_expanded_bytes
    )
    schema = raw_schema(COLUMNS)
    for batch in read_delimited(table, tuple(HEADERS), source=source, file=file, encoding=ENCODING):
        rows = without(pa.record_batch(batch.columns, schema=schema), report.ignored)
        for column, texts in (*ANNUAL_MILLIONS, *report.agreed):
            known = pc.is_in(rows.column(column), value_set=pa.array(texts, pa.string()))
            refuse(rows, column, pc.invert(known), "not agreed", source)
        for column in CODES:
            refuse(rows, column, rows.column(column).is_null(), "an empty code", source)
        refuse_unlike(rows, "year", YEAR, "not a year of four digits", source)
        refuse_unlike(rows, "value", DECIMAL, "not a plain decimal number", source)
        if rows.num_rows:
            yield rows
    table.unlink()


def without(rows: pa.RecordBatch, ignored: tuple[tuple[str, tuple[str, ...]], ...]) -> pa.RecordBatch:
    """Return the rows that hold none of the ignored texts."""
    for column, texts in ignored:
        there = pc.is_in(rows.column(column), value_set=pa.array(texts, pa.string()))
        rows = rows.filter(pc.invert(there))
    return rows


def refuse_unlike(rows: pa.RecordBatch, column: str, pattern: str, reason: str, source: str) -> None:
    """Raise `SourceError` at the first text of a column that is not like the pattern; null passes."""
    unlike = pc.invert(pc.match_substring_regex(rows.column(column), pattern))
    refuse(rows, column, unlike, reason, source)


def refuse(rows: pa.RecordBatch, column: str, refused: pa.Array, reason: str, source: str) -> None:
    """Raise `SourceError` at the first row that is refused, with the text that stands in it."""
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
