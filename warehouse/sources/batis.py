"""BaTiS of OECD and WTO: trade in services of every economy with every other, annual, from 2005.

The measure is in millions of US dollars, six decimals. One CSV inside a zip, 50 million rows. Each row has
three values side by side that must never be added: *reported* by the reporter, *final* (reported where
there is a report, estimated elsewhere; `methodology` is of this one), and *balanced* (reconciled: A's
exports to B equal B's imports from A).

Two editions carry the same figures, and the CSV's header tells which one it is; the raw column `edition`
passes it on, since the same letters mean different things in the two:

* `oecd`: ISO alpha-3 codes, groups such as `W` (the world), `EU27_2020`, the residual `WXD`; flows
  `EXP` and `IMP`; the column `Methodology`. This is the one that is asked for.
* `wto`: ISO alpha-2 codes (`NA` is Namibia, `888` Kosovo), groups such as `WL` (the world), `EU`, `GEU`;
  flows `X` and `M`; the column `Final_value_methodology`. Published at `WTO_ADDRESS`; a mirror may send it.

Keeps: every row and all of its columns, as text. Staging makes one observation of each cell that holds a
value, so up to three of a row, and none of an empty cell: 96.5 % of the reported cells are empty, and as
rows they would be most of the table and say nothing. Partners that did not exist in a year (`SCG` after
its end) are empty in all three cells; they too are dropped there and stay in raw.

Refuses: a header that is neither edition's, an empty code, type, flow, item or year, a year that is not four
digits, a value that is not a plain number. Codes, types, flows and duplicate keys are not judged here: the
expectations do that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.errors import SourceError
from warehouse.formats.archive import extract_member
from warehouse.formats.csv import read_delimited, read_header
from warehouse.model import MEBIBYTE, Plan, Request, Source, raw_schema

NAME = "batis"
ARCHIVE = "batis.zip"
ENCODING = "utf-8-sig"

# The month of the edition is a part of the address, and a new edition comes under a new one. When the old one
# no longer answers, or a year has passed, look up the bulk file's address on HOMEPAGE and put its month here.
EDITION_MONTH = "December2025"
ADDRESS = f"https://webfs-sdd.oecd.org/files/.Stat/BATIS/OECD-WTO_BATIS_BPM6_{EDITION_MONTH}_bulk.zip"
WTO_ADDRESS = "https://www.wto.org/english/res_e/statis_e/daily_update_e/OECD-WTO_BATIS_data_BPM6-1.zip"
HOMEPAGE = "https://www.oecd.org/en/data/datasets/balanced-trade-in-services-batis.html"

MAX_BYTES = 1024 * MEBIBYTE
MAX_EXPANDED_BYTES = 4096 * MEBIBYTE
ROWS_TOGETHER = 131_072

CODES = ("reporter", "type_reporter", "partner", "type_partner", "flow", "item_code", "type_item", "year")
VALUES = ("reported_value", "final_value", "balanced_value")
COLUMNS = ("edition", *CODES, "reported_value", "final_value", "methodology", "balanced_value")
LAYOUTS: Mapping[str, tuple[str, ...]] = {
    edition: (
        *("Reporter", "type_Reporter", "Partner", "type_Partner", "Flow", "Item_code", "type_Item", "Year"),
        *("Reported_value", "Final_value", methodology, "Balanced_value"),
    )
    for edition, methodology in (("oecd", "Methodology"), ("wto", "Final_value_methodology"))
}
YEAR = r"\A[0-9]{4}\z"
NUMBER = r"\A-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?\z"


def plan() -> Plan:
    """Ask for the one archive of the OECD's edition."""
    yield Request(name=ARCHIVE, url=ADDRESS, kind="zip", max_bytes=MAX_BYTES)


def read(files: Mapping[str, Path], work: Path) -> Iterator[pa.RecordBatch]:
    """Yield the rows; `_row` counts the records of the CSV inside the archive, its header being 1.

    Raises `SourceError` naming file and row for whatever the module refuses.
    """
    if list(files) != [ARCHIVE]:
        raise SourceError(NAME, f"expected the one file {ARCHIVE}, got {', '.join(files) or 'none'}")
    table = extract_member(
        files[ARCHIVE], work, source=NAME, file=ARCHIVE, kind="zip", max_bytes=MAX_EXPANDED_BYTES
    )
    header = read_header(table, source=NAME, file=ARCHIVE, encoding=ENCODING)
    edition = edition_of(header)
    schema = raw_schema(COLUMNS)
    parsed = read_delimited(table, LAYOUTS[edition], source=NAME, file=ARCHIVE, encoding=ENCODING)
    for batch in gathered(parsed):
        told = pa.repeat(pa.scalar(edition, pa.string()), batch.num_rows)
        rows = pa.record_batch([told, *batch.columns], schema=schema)
        for column in CODES:
            _refuse(rows, column, rows.column(column).is_null(), "an empty cell")
        _refuse_unlike(rows, "year", YEAR, "not a year of four digits")
        for column in VALUES:
            _refuse_unlike(rows, column, NUMBER, "not a plain number")
        yield rows
    table.unlink()


def gathered(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Join small batches until they hold `ROWS_TOGETHER` rows, so that the landing's row groups are large.

    Larger blocks in the CSV reader would do the same, but it reads 32 of them ahead: 64 MiB each are 2 GiB.
    """
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(one.num_rows for one in waiting) >= ROWS_TOGETHER:
            yield pa.concat_batches(waiting)
            waiting = []
    if waiting:
        yield pa.concat_batches(waiting)


def edition_of(header: list[str]) -> str:
    """Tell the edition from the one column that only it has; hold others against the OECD's layout."""
    own = {edition: set(layout) for edition, layout in LAYOUTS.items()}
    return "wto" if (own["wto"] - own["oecd"]) & set(header) else "oecd"


def _refuse_unlike(rows: pa.RecordBatch, column: str, pattern: str, reason: str) -> None:
    texts = rows.column(column)
    if texts.null_count < len(texts):
        _refuse(rows, column, pc.invert(pc.match_substring_regex(texts, pattern)), reason)


def _refuse(rows: pa.RecordBatch, column: str, refused: pa.Array, reason: str) -> None:
    place = pc.index(refused, True).as_py()
    if place < 0:
        return
    text = rows.column(column)[place].as_py()
    raise SourceError(
        NAME,
        f"{reason} in column {column}" + ("" if text is None else f": {text!r}"),
        file=rows.column("_file")[place].as_py(),
        row=rows.column("_row")[place].as_py(),
        remedy="The figures are kept as sent and never mended: ask the publisher, or agree to the new form.",
    )


SOURCE = Source(
    name=NAME,
    title="Balanced trade in services (BaTiS, BPM6), bilateral, annual",
    publisher="OECD and WTO",
    table="OECD-WTO_BATIS_BPM6",
    homepage=HOMEPAGE,
    licence="OECD and WTO terms of use",
    columns=COLUMNS,
    key=("edition", "reporter", "partner", "flow", "item_code", "year"),
    plan=plan,
    read=read,
)
