"""WTO TiSMoS: trade in services by mode of supply, by economy and sector, annual, from 2005.

Two zip archives, exports and imports, each with one CSV that has one figure in each row: millions of US
dollars by economy, sector, year and mode. Each archive is a part of the pull: when one fails, its rows are
those of the last vintage, or missing. Mode 1 is supply across the border, mode 2 consumption abroad, mode 3
commercial presence (sales of affiliates abroad) and mode 4 presence of natural persons. The publisher prints
no sum of the modes. Mode 3 is no part of the balance of payments, so a mode is never a figure of services
trade: staging names it `mode_1` to `mode_4` in `indicator`, and the figures are in `fct_mode_of_supply`.

There are 55 sectors: items of EBOPS 2010, and groups with codes of their own (`SDASDB3` tourism and business
travel; `SW` trade margins, which other tables count as trade in goods). The total `SOXSW` is the sum of SA,
SB, SC, SDASDB3, SDB1SK21, SDB2SK22, SE, SFSG, SH, SISK1, SJXSJ34, SK23, SK24 and SWSJ34. Sectors overlap.
The WTO calls the data an experimental estimate: every value is `estimated`, and the method (`METH`) is kept
as its status.

Two editions are read. Evidenced of that of 2019, with 2005 to 2017: the addresses below, which answered on
2026-06-01 (Last-Modified 2019-07-30), its eight columns `FLOW` to `METH`, and that `FLOW` is a word.
Evidenced of that of 2005 to 2022, by scripts and an extract for one economy of May 2026: the columns
`REPORTER_CODE`, `REPORTER_NAME`, `INDICATOR_NAME` and `UNIT`, flows `X` and `M`, modes `Mode 1` to `Mode 4`,
the 55 sectors and the sum of the total, the world as only partner, and four modes and 18 years of every
sector. No evidence names the address of its archive, so the older edition is requested.

Inferred: that `REPORTER` has ISO codes of two letters, as the WTO's other tables, or of three; the words
`Exports` and `Imports`; the texts of the world and of the unit, which are those of `wto_digital`; UTF-8, or
else Windows-1252. A file in another spelling is rejected.

Raises SourceError for a header without one of the columns, a flow other than that of the archive, another
mode or unit, an empty code, a year that is not four digits, and a value that is not a decimal number. The
expectation suite checks economies, of reporter and partner, sectors, sums and duplicate keys. Rows of
an unknown reporter, partner or sector are held out of the facts.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

from warehouse.arrow import pa
from warehouse.errors import SourceError
from warehouse.formats.archive import extract_member
from warehouse.formats.columns import DECIMAL, YEAR, require_match, require_values
from warehouse.formats.csv import read_delimited
from warehouse.model import MEBIBYTE, Contract, Note, Part, Plan, Request, Source, no_note

NAME = "wto_tismos"
ADDRESS = "https://www.wto.org/english/res_e/statis_e/daily_update_e"
ENCODING = "cp1252"
MAX_BYTES = 64 * MEBIBYTE
MAX_EXPANDED_BYTES = 1024 * MEBIBYTE
# The archive of each part, and what its column FLOW has.
ARCHIVES = {"exports": "Tismos_exports.zip", "imports": "Tismos_imports.zip"}
FLOWS = {"Tismos_exports.zip": r"(?i)\A(x|exports?)\z", "Tismos_imports.zip": r"(?i)\A(m|imports?)\z"}

CONTRACT = Contract(
    read={
        "FLOW": "flow",
        "REPORTER": "reporter",
        "PARTNER": "partner",
        "INDICATOR": "indicator",
        "YEAR": "year",
        "MODE": "mode",
        "UNIT": "unit",
        "VALUE": "value",
        "METH": "meth",
    },
    spellings={"REPORTER_CODE": "REPORTER"},
    optional=("UNIT", "METH"),
    ignored=("REPORTER_NAME", "INDICATOR_NAME"),
)
COLUMNS = CONTRACT.columns
KEY = ("flow", "reporter", "partner", "indicator", "mode", "year")
# Accepted texts of columns with one meaning; the column of the unit may be absent.
MEANINGS = (
    ("mode", r"(?i)\A(mode ?|m)?[1-4]\z"),
    ("unit", r"\A(Million US dollars?|USM)\z"),
)


def plan() -> Plan:
    """Request the archive of exports and that of imports, each as a part that may fail alone."""
    for part, archive in ARCHIVES.items():
        yield Part(part, _request(archive))


def _request(archive: str) -> Generator[Request, Path, None]:
    yield Request(name=archive, url=f"{ADDRESS}/{archive}", kind="zip", max_bytes=MAX_BYTES)


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the archives at hand. `_row` is the record's number in the CSV, the header being 1.

    Raises SourceError with file and row as the module says.
    """
    if not files or not set(files) <= set(FLOWS):
        raise SourceError(NAME, f"expected the files {', '.join(FLOWS)}, got {', '.join(files) or 'none'}")
    for file, path in files.items():
        table = extract_member(
            path,
            work,
            source=NAME,
            file=file,
            kind="zip",
            max_bytes=MAX_EXPANDED_BYTES,
            suffix=".csv",
            note=note,
        )
        for rows in read_delimited(table, CONTRACT, source=NAME, file=file, note=note, encoding=ENCODING):
            require_values(rows, KEY, source=NAME)
            for column, pattern in (("flow", FLOWS[file]), *MEANINGS):
                require_match(rows, column, pattern, "an unexpected value", source=NAME)
            require_match(rows, "year", YEAR, "not a year of four digits", source=NAME)
            require_match(rows, "value", DECIMAL, "not a plain decimal number", source=NAME)
            yield rows
        table.unlink()


SOURCE = Source(
    name=NAME,
    title="Trade in services by mode of supply (TiSMoS), annual",
    publisher="WTO",
    table="Tismos_exports, Tismos_imports",
    homepage="https://data.wto.org/en/dataset/tismos",
    licence="WTO terms of use (attribution)",
    contract=CONTRACT,
    evidenced="2026-06-01: HTTP 200, Last-Modified 2019-07-30, and public scripts; no recording is at hand",
    columns=COLUMNS,
    key=KEY,
    plan=plan,
    read=read,
)
