"""WTO: digitally delivered services, exports and imports by economy, annual, from 2005.

A CSV in Latin-1, or a zip archive with this CSV, with eleven columns and one figure in each row. Flow `X` is
exports and `M` imports; reporters are ISO alpha-2 codes (`NA` is Namibia), `WL` for the world and the WTO's
own codes for groups (`CIS`); the partner is always the world. Values are in millions of US dollars; small
ones have an exponent (`5.90E-07`).

Indicator `DDS` is the total; its parts by service are SF, SG, SH, SI1, SI2, SI3, SJ and SK. They add up to
`DDS` for each economy, and exceed it by 0.5 to 2.2 for the world before 2023. `BREAKING_SERIES` is `B` on the
row of `DDS` alone.

The reader returns all columns of all rows as text. Staging uses the total, `DDS`: the WTO's *estimate* of
services *delivered* by computer networks (mode 1). Trade that is digitally *deliverable* is another quantity,
so `DDS` has a service code of its own, `DDEL`. The parts are delivered services too, and no items of total
services: they stay in the raw table.

Raises SourceError for a header without one of the columns, another flow, mode or unit, an empty code, a year
that is not four digits, and a value that is not a decimal number. The expectation suite checks economies, of
reporter and partner, indicators and duplicate keys. Rows of an unknown one are held out of the facts.

Layout last evidenced: May 2026, edition 2005-2025, by a copy of the file. The WTO offers it as "Full Dataset
(zipped)" of HOMEPAGE; no public evidence names ADDRESS, which `make live` checks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from warehouse.arrow import pa
from warehouse.errors import SourceError
from warehouse.formats.archive import extract_member
from warehouse.formats.columns import DECIMAL, YEAR, require_match, require_one_of, require_values
from warehouse.formats.csv import read_delimited
from warehouse.model import MEBIBYTE, Contract, Note, Plan, Request, Source, no_note

NAME = "wto_digital"
FILE = "DDS_bulk_download.csv"
ADDRESS = f"https://www.wto.org/english/res_e/statis_e/daily_update_e/{FILE}"
ENCODING = "latin-1"
HOMEPAGE = "https://data.wto.org/en/dataset/dideliveredservices"
MAX_EXPANDED_BYTES = 512 * MEBIBYTE
ZIP_START = b"PK\x03\x04"

HEADER = (
    *("FLOW", "REPORTER_CODE", "REPORTER_NAME", "PARTNER", "YEAR", "INDICATOR", "INDICATOR_NAME"),
    *("MODE", "UNIT", "VALUE", "BREAKING_SERIES"),
)
CONTRACT = Contract(
    read={name: name.lower() for name in HEADER}, optional=("REPORTER_NAME", "INDICATOR_NAME")
)
COLUMNS = CONTRACT.columns
# Accepted texts of columns with one meaning: those of the published file, and the codes of older readers.
MEANINGS = (
    ("flow", ("X", "M")),
    ("mode", ("Mode 1", "1")),
    ("unit", ("Million US dollar", "USM")),
)
CODES = ("flow", "reporter_code", "partner", "year", "indicator", "unit")


def plan() -> Plan:
    """Request the file, which may come packed."""
    yield Request(name=FILE, url=ADDRESS, kind="csv or zip", max_bytes=128 * MEBIBYTE)


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Yield the rows. `_row` is the number of the record in the file, the header being 1.

    Raises SourceError with file and row as the module says.
    """
    if list(files) != [FILE]:
        raise SourceError(NAME, f"expected the one file {FILE}, got {', '.join(files) or 'none'}")
    table = unpack(files[FILE], work, note)
    for rows in read_delimited(table, CONTRACT, source=NAME, file=FILE, note=note, encoding=ENCODING):
        require_values(rows, CODES, source=NAME)
        for column, texts in MEANINGS:
            require_one_of(rows, column, texts, "an unexpected value", source=NAME)
        require_match(rows, "year", YEAR, "not a year of four digits", source=NAME)
        require_match(rows, "value", DECIMAL, "not a plain decimal number", source=NAME)
        yield rows
    if table != files[FILE]:
        table.unlink()


def unpack(path: Path, work: Path, note: Note) -> Path:
    """Return the path of the CSV: `path` itself, or the one `*.csv` of a zip archive, extracted."""
    with path.open("rb") as handle:
        if handle.read(len(ZIP_START)) != ZIP_START:
            return path
    note(FILE, "the file is a zip archive")
    return extract_member(
        path,
        work,
        source=NAME,
        file=FILE,
        kind="zip",
        max_bytes=MAX_EXPANDED_BYTES,
        suffix=".csv",
        note=note,
    )


SOURCE = Source(
    name=NAME,
    title="Digitally delivered services trade, annual",
    publisher="WTO",
    table="DDS_bulk_download",
    homepage=HOMEPAGE,
    licence="WTO terms of use (attribution)",
    contract=CONTRACT,
    evidenced="2026-05: a copy of the file, 2005 to 2025; no evidence names the address",
    columns=COLUMNS,
    key=("flow", "reporter_code", "partner", "indicator", "mode", "year"),
    plan=plan,
    read=read,
)
