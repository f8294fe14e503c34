"""BaTiS of OECD and WTO: trade in services of every economy with every other, annual, from 2005.

A CSV in a zip archive beside a workbook with the code lists, 50 million rows, values in millions of US
dollars with six decimals. Each row has three values that must never be added: *reported* by the reporter,
*final* (reported where there is a report, else estimated; `methodology` describes this value), and *balanced*
(reconciled: A's exports to B equal B's imports from A).

Two editions have the same figures. Their headers differ, and so do the meanings of their codes, so the raw
column `edition` records which one was read:

* `oecd`: ISO alpha-3 codes, groups such as `W` (the world), `EU27_2020`, the residual `WXD`; flows `EXP` and
`IMP`; the column `Methodology`.
* `wto`: ISO alpha-2 codes (`NA` is Namibia, `888` Kosovo), groups such as `WL` (the world), `EU`, `GEU`;
flows `X` and `M`; the column `Final_value_methodology`. Published at `WTO_ADDRESS`.

Each edition of the OECD has an address of its own. `plan` requests the first of these that answers:

1. the zip archives that the OECD's dataflow (`DATAFLOW_ADDRESS`) names in annotations `EXT_RESOURCE`, whose
text is `<a href='ADDRESS'>…</a>` (.Stat Suite documentation, "Additional downloads of external resources");
2. `ADDRESS`, the edition that was known when this module was written;
3. `WTO_ADDRESS`.

A server that gives no answer at all fails the pull: the WTO's edition in its place would be a vintage with
the same figures.

The reader returns every row and all columns as text. Staging makes an observation of each cell that has a
value, up to three for a row, and none of an empty cell: 96.5 % of the reported cells are empty. Partners that
did not exist in a year (`SCG` after its end) are empty in all three cells, so they stay in the raw table
only.

Raises SourceError for a header of neither edition, an empty code, type, flow, item or year, a year that is
not four digits, and a value that is not a plain number. The expectation suite checks codes, types, flows and
duplicate keys.

Address and layout last evidenced: 2026-09-16, edition December 2025 (489 581 002 bytes, 50 172 380 rows, 2005
to 2024). That this dataflow has the annotation is not proven: it was seen for another dataset of the OECD.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from warehouse.arrow import pa
from warehouse.errors import SourceError, Unavailable
from warehouse.formats.archive import extract_member
from warehouse.formats.columns import DECIMAL, YEAR, require_match, require_values
from warehouse.formats.csv import read_delimited, read_header
from warehouse.model import MEBIBYTE, Contract, Note, Plan, Request, Source, no_note, raw_schema

NAME = "batis"
ARCHIVE = "batis.zip"
ENCODING = "utf-8-sig"

DATAFLOW = "dataflow.json"
DATAFLOW_ADDRESS = "https://sdmx.oecd.org/public/rest/dataflow/OECD.SDD.TPS/DSD_BATIS@DF_BATIS/latest"
STRUCTURE_JSON = "application/vnd.sdmx.structure+json;version=1.0"
BULK_LINK = re.compile(
    r"""href\s*=\s*["'](https://[a-z0-9.-]+\.oecd\.org/[^"'\s]+\.zip)["']""", re.IGNORECASE
)
# The address contains the month of the edition. When it no longer answers, or the edition is a year old, look
# up the address of the bulk file on HOMEPAGE and set the new month.
EDITION_MONTH = "December2025"
ADDRESS = f"https://webfs-sdd.oecd.org/files/.Stat/BATIS/OECD-WTO_BATIS_BPM6_{EDITION_MONTH}_bulk.zip"
WTO_ADDRESS = "https://www.wto.org/english/res_e/statis_e/daily_update_e/OECD-WTO_BATIS_data_BPM6-1.zip"
HOMEPAGE = "https://www.oecd.org/en/data/datasets/balanced-trade-in-services-batis.html"

MAX_BYTES = 1024 * MEBIBYTE
MAX_EXPANDED_BYTES = 4096 * MEBIBYTE
MIN_BATCH_ROWS = 131_072

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
CONTRACT = Contract(
    read=dict(zip(LAYOUTS["oecd"], COLUMNS[1:], strict=True)),
    spellings={wto: oecd for oecd, wto in zip(LAYOUTS["oecd"], LAYOUTS["wto"], strict=True) if wto != oecd},
)
CONTRACT_TEXT = """\
The other spelling is that of the WTO's edition: by it the reader knows which of the two it reads, and states
it in the raw column `edition`. A row with a reporter, partner or item that no seed has is held out of the
facts; more than 20 % of such rows reject the load. Another flow or type rejects it."""


def plan() -> Plan:
    """Request the archive of the newest edition, at the first address that has it."""
    addresses, failures = [ADDRESS, WTO_ADDRESS], []
    accept = (("Accept", STRUCTURE_JSON),)
    try:
        answer = yield Request(name=DATAFLOW, url=DATAFLOW_ADDRESS, kind="json", headers=accept)
        addresses = [*bulk_addresses(answer), *addresses]
    except SourceError as error:
        failures.append(error)
    for address in dict.fromkeys(addresses):
        try:
            yield Request(name=ARCHIVE, url=address, kind="zip", max_bytes=MAX_BYTES)
            return
        except Unavailable:
            raise
        except SourceError as error:
            failures.append(error)
    raise SourceError(
        NAME,
        "no address has the archive: " + "; ".join(str(one).removeprefix(f"{NAME}: ") for one in failures),
        remedy=f"Look up the address of the bulk file on {HOMEPAGE} and set EDITION_MONTH in the source",
    )


def bulk_addresses(path: Path) -> tuple[str, ...]:
    """Return the addresses of zip archives in the annotations EXT_RESOURCE of an SDMX-JSON structure.

    Of several archives, those whose address contains BATIS are returned. Raises SourceError if the file is
    not JSON.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise SourceError(NAME, f"the dataflow is not JSON: {error}", file=DATAFLOW) from error
    links = dict.fromkeys(link for text in external_resources(found) for link in BULK_LINK.findall(text))
    return tuple(link for link in links if "batis" in link.casefold())


def external_resources(node: Any) -> Iterator[str]:
    """Yield the texts of the annotations EXT_RESOURCE anywhere in a JSON value."""
    if isinstance(node, list):
        for value in node:
            yield from external_resources(value)
    elif isinstance(node, dict):
        if node.get("type") == "EXT_RESOURCE":
            texts = node.get("texts")
            by_language = texts.values() if isinstance(texts, dict) else ()
            yield from (str(text) for text in (node.get("text"), *by_language) if text)
        for value in node.values():
            yield from external_resources(value)


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Yield the rows. `_row` is the number of the record in the CSV, the header being 1.

    Raises SourceError with file and row as the module says.
    """
    if set(files) - {DATAFLOW} != {ARCHIVE}:
        raise SourceError(NAME, f"expected the one file {ARCHIVE}, got {', '.join(files) or 'none'}")
    table = extract_member(
        files[ARCHIVE],
        work,
        source=NAME,
        file=ARCHIVE,
        kind="zip",
        max_bytes=MAX_EXPANDED_BYTES,
        suffix=".csv",
        note=note,
    )
    header = read_header(table, source=NAME, file=ARCHIVE, encoding=ENCODING)
    edition = edition_of(header)
    schema = raw_schema(COLUMNS)
    contract = Contract(read=dict(zip(LAYOUTS[edition], CONTRACT.columns, strict=True)))
    parsed = read_delimited(table, contract, source=NAME, file=ARCHIVE, note=note, encoding=ENCODING)
    for batch in merge_batches(parsed):
        editions = pa.repeat(pa.scalar(edition, pa.string()), batch.num_rows)
        rows = pa.record_batch([editions, *batch.columns], schema=schema)
        require_values(rows, CODES, source=NAME)
        require_match(rows, "year", YEAR, "not a year of four digits", source=NAME)
        for column in VALUES:
            require_match(rows, column, DECIMAL, "not a plain number", source=NAME)
        yield rows
    table.unlink()


def merge_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Merge small batches into batches of at least `MIN_BATCH_ROWS` rows.

    Large batches give the landing large row groups. Larger blocks in the CSV reader would do the same, but it
    reads 32 blocks ahead: with blocks of 64 MiB it would take 2 GiB.
    """
    pending: list[pa.RecordBatch] = []
    for batch in batches:
        pending.append(batch)
        if sum(part.num_rows for part in pending) >= MIN_BATCH_ROWS:
            yield pa.concat_batches(pending)
            pending = []
    if pending:
        yield pa.concat_batches(pending)


def edition_of(header: list[str]) -> str:
    """Return `wto` if the header has a column that only the WTO's edition has, else `oecd`."""
    names = {edition: set(layout) for edition, layout in LAYOUTS.items()}
    return "wto" if (names["wto"] - names["oecd"]) & set(header) else "oecd"


SOURCE = Source(
    name=NAME,
    title="Balanced trade in services (BaTiS, BPM6), bilateral, annual",
    publisher="OECD and WTO",
    table="OECD-WTO_BATIS_BPM6",
    homepage=HOMEPAGE,
    licence="OECD and WTO terms of use",
    contract=CONTRACT,
    contract_text=CONTRACT_TEXT,
    evidenced="2026-09-16: 489 581 002 bytes, 50 172 380 rows, 2005 to 2024",
    columns=COLUMNS,
    key=("edition", "reporter", "partner", "flow", "item_code", "year"),
    plan=plan,
    read=read,
)
