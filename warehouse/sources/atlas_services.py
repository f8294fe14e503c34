"""Harvard Growth Lab, Atlas of Economic Complexity: services by economy, five groups, annual, from 1980.

The Dataverse lists the files of the dataset (`doi:10.7910/DVN/NDDMSN`) as JSON; the table is the file of
level 4, found by its label. Dataverse lists a Stata file that it has ingested as `<name>.tab` and serves the
original with `?format=original`; a file that it has not ingested is listed and served as `<name>.dta`.

The file is Stata, with the variables `country_id` (UN M49 as a number: `4` is Afghanistan), `product_id`,
`year`, `export_value` and `import_value` in US dollars, `global_market_share`, and `pci` (missing for product
4000). Products: 4000 unspecified, 4001 travel and tourism, 4002 transport, 4003 communications, computer and
other business services, 4004 insurance and finance. They are groups of EBOPS items. Negative values occur.

The reader returns all rows and variables. The format holds binary doubles; `formats/stata.py` states their
text.

Country 914, "Services Partners", is a balancing entry. Staging maps it to a residual economy that is in no
world total. A zero means a missing value; staging makes it null.

Raises SourceError for a listing that is not a Dataverse answer, that has the file not exactly once or
restricts it, and for other variables. The expectation suite checks codes and duplicate keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from warehouse.errors import SourceError
from warehouse.formats.json import JsonValue, Number, read_json
from warehouse.formats.stata import DOUBLE, INTEGER, read_stata
from warehouse.model import MEBIBYTE, Note, Plan, Request, Source, no_note

NAME = "atlas_services"
SERVER = "https://dataverse.harvard.edu"
DATASET = "doi:10.7910/DVN/NDDMSN"
TABLE = "services_unilateral_country_product_year_4"
LISTING = "dataset.json"
FILE = f"{TABLE}.dta"
INGESTED_FILE = f"{TABLE}.tab"

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
    """Request the listing of the dataset, then the file that it names."""
    request = Request(
        name=LISTING,
        url=f"{SERVER}/api/datasets/:persistentId/",
        params=(("persistentId", DATASET),),
        kind="json",
        max_bytes=16 * MEBIBYTE,
    )
    listing = yield request
    label, number = find_file(listing, request.address)
    yield Request(
        name=FILE,
        url=f"{SERVER}/api/access/datafile/{number}",
        params=(("format", "original"),) if label == INGESTED_FILE else (),
        kind="dta",
        max_bytes=64 * MEBIBYTE,
    )


def find_file(listing: Path, address: str | None = None) -> tuple[str, str]:
    """Return the label and the id of the file of level 4 in a Dataverse listing.

    Raises SourceError if the listing does not have that file exactly once, or restricts it.
    """
    answer = read_json(listing, source=NAME, file=LISTING, address=address)
    status = answer.get("status") if isinstance(answer, dict) else None
    files = _get(answer, "data", "latestVersion", "files")
    if status != "OK" or not isinstance(files, list) or not files:
        message = _get(answer, "message")
        raise SourceError(
            NAME,
            f"the answer is not a Dataverse listing with files (status {status!r}"
            + (f": {message})" if message else ")"),
            address=address,
            file=LISTING,
            remedy=f"Look up the dataset {DATASET} at {SERVER}",
        )
    found = [entry for entry in files if _get(entry, "label") in (FILE, INGESTED_FILE)]
    if len(found) != 1:
        labels = ", ".join(sorted(str(_get(entry, "label")) for entry in files)[:20])
        raise SourceError(
            NAME,
            f"the dataset lists {len(found)} files named {INGESTED_FILE} or {FILE}, expected 1 "
            f"(its files are {labels})",
            address=address,
            file=LISTING,
            remedy=f"Look up the dataset {DATASET} at {SERVER}",
        )
    number = _get(found[0], "dataFile", "id")
    if _get(found[0], "restricted") is not False or not isinstance(number, Number) or not number.isdigit():
        raise SourceError(
            NAME,
            f"the file is restricted or has no id (restricted {_get(found[0], 'restricted')}, id {number})",
            address=address,
            file=LISTING,
            remedy=f"Look up the dataset {DATASET} at {SERVER}",
        )
    return str(_get(found[0], "label")), str(number)


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the Stata file. `_row` is the number of the observation, the first being 1."""
    if sorted(files) != sorted((LISTING, FILE)):
        raise SourceError(NAME, f"expected {LISTING} and {FILE}, got {', '.join(files) or 'none'}")
    yield from read_stata(files[FILE], VARIABLES, source=NAME, file=FILE)


def _get(value: JsonValue, *keys: str) -> JsonValue:
    """Return the value at a path of keys, or None if there is none."""
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
