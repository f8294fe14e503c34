"""WTO: digitally delivered services, exports and imports by economy, annual, from 2005.

The format: CSV in Latin-1, eleven columns, a figure a row. Flow `X` is exports and `M` imports; reporters
are ISO alpha-2 (`NA` is Namibia) with the WTO's own codes for groups; the partner is the world; the
indicator `DDS` is the total, others are its parts by service. Values are in millions of US dollars.

Keeps: all eleven columns of all rows, as text. Staged is the total, `DDS`: what the WTO *estimates to have
been delivered* by computer networks (mode 1). That is another quantity than trade that is digitally
*deliverable*, and has a service code of its own.

Refuses: another header, flow, or unit, an empty code, a year that is not four digits, a value that is not a
plain decimal. Economies, indicators and duplicate keys are for the expectations.

No file of it was at hand where this was written: the layout is known from those who read it, and the
fixture is made by hand. The live probe tells whether the address and the texts of MODE, UNIT and PARTNER
are right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.errors import SourceError
from warehouse.formats.csv import read_delimited
from warehouse.model import MEBIBYTE, Plan, Request, Source, raw_schema
from warehouse.sources._wto_bulk import DECIMAL, YEAR, refuse, refuse_unlike

NAME = "wto_digital"
FILE = "DDS_bulk_download.csv"
ADDRESS = f"https://www.wto.org/english/res_e/statis_e/daily_update_e/{FILE}"
ENCODING = "latin-1"

HEADER = (
    *("FLOW", "REPORTER_CODE", "REPORTER_NAME", "PARTNER", "YEAR", "INDICATOR", "INDICATOR_NAME"),
    *("MODE", "UNIT", "VALUE", "BREAKING_SERIES"),
)
COLUMNS = tuple(name.lower() for name in HEADER)
CODES = ("flow", "reporter_code", "partner", "year", "indicator", "unit")


def plan() -> Plan:
    """Ask for the one file."""
    yield Request(name=FILE, url=ADDRESS, kind="csv", max_bytes=128 * MEBIBYTE)


def read(files: Mapping[str, Path], work: Path) -> Iterator[pa.RecordBatch]:
    """Yield the rows; `_row` counts the records of the file, its header being 1.

    Raises `SourceError` naming file and row for whatever the module refuses.
    """
    if list(files) != [FILE]:
        raise SourceError(NAME, f"expected the one file {FILE}, got {', '.join(files) or 'none'}")
    schema = raw_schema(COLUMNS)
    for batch in read_delimited(files[FILE], HEADER, source=NAME, file=FILE, encoding=ENCODING):
        rows = pa.record_batch(batch.columns, schema=schema)
        for column in CODES:
            refuse(rows, column, rows.column(column).is_null(), "an empty code", NAME)
        known = pc.is_in(rows.column("flow"), value_set=pa.array(("X", "M"), pa.string()))
        refuse(rows, "flow", pc.invert(known), "not agreed", NAME)
        refuse_unlike(rows, "year", YEAR, "not a year of four digits", NAME)
        refuse_unlike(rows, "value", DECIMAL, "not a plain decimal number", NAME)
        yield rows


SOURCE = Source(
    name=NAME,
    title="Digitally delivered services trade, annual",
    publisher="WTO",
    table="DDS_bulk_download",
    homepage="https://www.wto.org/english/res_e/statis_e/gstdh_digital_services_e.htm",
    licence="WTO terms of use (attribution)",
    columns=COLUMNS,
    key=("flow", "reporter_code", "partner", "indicator", "mode", "year"),
    plan=plan,
    read=read,
)
