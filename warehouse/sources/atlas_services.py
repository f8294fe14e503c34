"""Harvard Growth Lab, Atlas of Economic Complexity: services by economy, five groups, annual, from 1980.

The way to the file: the Dataverse lists the dataset (`doi:10.7910/DVN/NDDMSN`) as JSON; among its files is
the one of level 4, by its label. Dataverse keeps a Stata file that it has read in as `<name>.tab` and hands
out the original on `?format=original`; one that it has not read in is listed and handed out as
`<name>.dta`.

The file: Stata, the variables `country_id` (UN M49 as a number: `4` is Afghanistan), `product_id`, `year`,
`export_value` and `import_value` in US dollars, `global_market_share`, `pci` (missing for product 4000).
Products: 4000 unspecified, 4001 travel and tourism, 4002 transport, 4003 communications, computer and other
business services, 4004 insurance and finance: groups of EBOPS items, not single ones. Negative values
occur.

Keeps: all rows and variables. The format holds binary doubles: `formats/stata.py` says how they become
text, the one exception to "no published digit passes through a float".

Country 914, "Services Partners", is a balancing entry: kept in raw, staged under a residual economy of its
own, and no part of any world total. A zero stands for missing; staging says so.

Refuses: a listing that is no Dataverse answer, names the file not once, or restricts it; other variables.
Codes are not judged here, nor are duplicate keys: the expectations do that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from warehouse.errors import SourceError
from warehouse.formats.json import JsonValue, Number, read_json
from warehouse.formats.stata import DOUBLE, INTEGER, read_stata
from warehouse.model import MEBIBYTE, Plan, Request, Source

NAME = "atlas_services"
SERVER = "https://dataverse.harvard.edu"
DATASET = "doi:10.7910/DVN/NDDMSN"
TABLE = "services_unilateral_country_product_year_4"
LISTING = "dataset.json"
FILE = f"{TABLE}.dta"
READ_IN = f"{TABLE}.tab"

VARIABLES = {
    "country_id": INTEGER,
    "product_id": INTEGER,
    "year": INTEGER,
    "export_value": DOUBLE,
    "import_value": DOUBLE,
    "global_market_share": DOUBLE,
    "pci": DOUBLE,
}


def plan() -> Plan:
    """Ask for the dataset's listing, then for the file that it names."""
    request = Request(
        name=LISTING,
        url=f"{SERVER}/api/datasets/:persistentId/",
        params=(("persistentId", DATASET),),
        kind="json",
        max_bytes=16 * MEBIBYTE,
    )
    listing = yield request
    label, number = listed_file(listing, request.address)
    yield Request(
        name=FILE,
        url=f"{SERVER}/api/access/datafile/{number}",
        params=(("format", "original"),) if label == READ_IN else (),
        kind="dta",
        max_bytes=64 * MEBIBYTE,
    )


def listed_file(listing: Path, address: str | None = None) -> tuple[str, str]:
    """Return the label and the number of the one file of level 4 in a Dataverse listing."""
    answer = read_json(listing, source=NAME, file=LISTING, address=address)
    status = answer.get("status") if isinstance(answer, dict) else None
    files = _within(answer, "data", "latestVersion", "files")
    if status != "OK" or not isinstance(files, list) or not files:
        told = _within(answer, "message")
        raise SourceError(
            NAME,
            f"not a Dataverse listing with files (status {status!r}" + (f": {told})" if told else ")"),
            address=address,
            file=LISTING,
            remedy=f"Look the dataset {DATASET} up at {SERVER}.",
        )
    named = [one for one in files if _within(one, "label") in (FILE, READ_IN)]
    if len(named) != 1:
        held = ", ".join(sorted(str(_within(one, "label")) for one in files)[:20])
        raise SourceError(
            NAME,
            f"the dataset must list exactly one file {READ_IN} or {FILE}, and lists {len(named)} "
            f"(it lists {held})",
            address=address,
            file=LISTING,
            remedy=f"Look the dataset {DATASET} up at {SERVER}.",
        )
    number = _within(named[0], "dataFile", "id")
    if _within(named[0], "restricted") is not False or not isinstance(number, Number) or not number.isdigit():
        raise SourceError(
            NAME, "the file is restricted, or listed without a number", address=address, file=LISTING
        )
    return str(_within(named[0], "label")), str(number)


def read(files: Mapping[str, Path], work: Path) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the Stata file; `_row` is the observation's number, the first being 1."""
    if sorted(files) != sorted((LISTING, FILE)):
        raise SourceError(NAME, f"expected {LISTING} and {FILE}, got {', '.join(files) or 'none'}")
    yield from read_stata(files[FILE], VARIABLES, source=NAME, file=FILE)


def _within(value: JsonValue, *keys: str) -> JsonValue:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


SOURCE = Source(
    name=NAME,
    title="Services trade by economy, five groups of services, annual",
    publisher="Harvard Growth Lab",
    table=TABLE,
    homepage="https://doi.org/10.7910/DVN/NDDMSN",
    licence="CC0 1.0",
    columns=tuple(VARIABLES),
    key=("country_id", "product_id", "year"),
    plan=plan,
    read=read,
)
