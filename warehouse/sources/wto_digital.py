"""WTO: digitally delivered services, exports and imports by economy, annual, from 2005.

A CSV in Latin-1 with eleven columns and one figure in each row. Flow `X` is exports and `M` imports;
reporters are ISO alpha-2 codes (`NA` is Namibia) with the WTO's own codes for groups; the partner is the
world; indicator `DDS` is the total, the others are its parts by service. Values are in millions of US
dollars.

The reader returns all columns of all rows as text. Staging uses the total, `DDS`: the WTO's *estimate* of
services *delivered* by computer networks (mode 1). Trade that is digitally *deliverable* is another quantity,
so `DDS` has a service code of its own.

Raises SourceError for another header or flow, an empty code, a year that is not four digits, and a value that
is not a plain decimal. The expectation suite checks units, economies, indicators and duplicate keys.

The layout follows other readers of the file; no original was available, and the fixture is made by hand.
`make live` checks the address and the texts of MODE, UNIT and PARTNER.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from warehouse.errors import SourceError
from warehouse.formats.columns import DECIMAL, YEAR, require_match, require_one_of, require_values
from warehouse.formats.csv import read_delimited
from warehouse.model import MEBIBYTE, Contract, Note, Plan, Request, Source, no_note

NAME = "wto_digital"
FILE = "DDS_bulk_download.csv"
ADDRESS = f"https://www.wto.org/english/res_e/statis_e/daily_update_e/{FILE}"
ENCODING = "latin-1"

HEADER = (
    *("FLOW", "REPORTER_CODE", "REPORTER_NAME", "PARTNER", "YEAR", "INDICATOR", "INDICATOR_NAME"),
    *("MODE", "UNIT", "VALUE", "BREAKING_SERIES"),
)
CONTRACT = Contract(
    read={name: name.lower() for name in HEADER}, optional=("REPORTER_NAME", "INDICATOR_NAME")
)
COLUMNS = CONTRACT.columns
CODES = ("flow", "reporter_code", "partner", "year", "indicator", "unit")


def plan() -> Plan:
    """Request the file."""
    yield Request(name=FILE, url=ADDRESS, kind="csv", max_bytes=128 * MEBIBYTE)


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Yield the rows. `_row` is the number of the record in the file, the header being 1.

    Raises SourceError with file and row as the module says.
    """
    if list(files) != [FILE]:
        raise SourceError(NAME, f"expected the one file {FILE}, got {', '.join(files) or 'none'}")
    for rows in read_delimited(files[FILE], CONTRACT, source=NAME, file=FILE, note=note, encoding=ENCODING):
        require_values(rows, CODES, source=NAME)
        require_one_of(rows, "flow", ("X", "M"), "an unexpected value", source=NAME)
        require_match(rows, "year", YEAR, "not a year of four digits", source=NAME)
        require_match(rows, "value", DECIMAL, "not a plain decimal number", source=NAME)
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
