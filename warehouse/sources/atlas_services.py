"""Harvard Growth Lab, Atlas of Economic Complexity: services by economy, five groups, annual, from 1980.

The Dataverse lists the files of the dataset (`doi:10.7910/DVN/NDDMSN`) as JSON; the table is the file of
level 4, found by its label: `<name>.csv` (1980 to 2024, evidenced 2026), or `<name>.dta`. Dataverse lists a
file that it has ingested as `<name>.tab` and serves the original, a CSV or a Stata file by its
`originalFileName`, with `?format=original`. Of several files the first of these is taken.

Both formats have `country_id` (UN M49 as a number: `4` is Afghanistan), `product_id`, `year`, `export_value`
and `import_value` in US dollars. Further columns are known and not read: `country_iso3_code`,
`product_services_unilateral_code` (a word: `ict`), `global_market_share`, and until 2024 `pci`. Products:
4000 unspecified, 4001 travel and tourism, 4002 transport, 4003 communications, computer and other business
services, 4004 insurance and finance. They are groups of EBOPS items. Negative values occur.

The reader returns all rows. Stata holds binary doubles; `formats/stata.py` states their text. The values of a
CSV are as sent.

Country 914, "Services Partners", is a balancing entry. Staging maps it to a residual economy that is in no
world total. A zero means a missing value; staging makes it null.

Raises SourceError for a listing that is not a Dataverse answer, that has no such file, has it twice or
restricts it, for a missing column, and for a value that is empty (except the two amounts of a CSV) or no
number. The expectation suite checks codes and duplicate keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from warehouse.arrow import pa
from warehouse.errors import SourceError
from warehouse.formats.columns import require_match, require_values
from warehouse.formats.csv import read_delimited
from warehouse.formats.json import JsonValue, Number, read_json
from warehouse.formats.stata import DOUBLE, INTEGER, read_stata
from warehouse.model import MEBIBYTE, Contract, Note, Plan, Request, Source, no_note

NAME = "atlas_services"
SERVER = "https://dataverse.harvard.edu"
DATASET = "doi:10.7910/DVN/NDDMSN"
TABLE = "services_unilateral_country_product_year_4"
LISTING = "dataset.json"
FILE = f"{TABLE}.dta"
CSV_FILE = f"{TABLE}.csv"
INGESTED_FILE = f"{TABLE}.tab"
LABELS = (CSV_FILE, FILE, INGESTED_FILE)  # in the order of preference

VARIABLES = {
    "country_id": INTEGER,
    "product_id": INTEGER,
    "year": INTEGER,
    "export_value": DOUBLE,
    "import_value": DOUBLE,
}
KEY = ("country_id", "product_id", "year")
CONTRACT = Contract(
    read={name: name for name in VARIABLES},
    ignored=("country_iso3_code", "product_services_unilateral_code", "global_market_share", "pci"),
)
WHOLE_NUMBER = r"\A[0-9]+\z"
NUMBER = r"\A-?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?\z"


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
    name, number, is_ingested = find_file(listing, request.address)
    yield Request(
        name=name,
        url=f"{SERVER}/api/access/datafile/{number}",
        params=(("format", "original"),) if is_ingested else (),
        kind="csv" if name == CSV_FILE else "dta",
        max_bytes=64 * MEBIBYTE,
    )


def find_file(listing: Path, address: str | None = None) -> tuple[str, str, bool]:
    """Return the name, the id and whether Dataverse has ingested it, of the file of level 4 in a listing.

    Raises SourceError if the listing does not have that file, has two of the name, or restricts it.
    """
    fail = partial(
        SourceError,
        NAME,
        address=address,
        file=LISTING,
        remedy=f"Look up the dataset {DATASET} at {SERVER}",
    )
    answer = read_json(listing, source=NAME, file=LISTING, address=address)
    status = answer.get("status") if isinstance(answer, dict) else None
    files = _get(answer, "data", "latestVersion", "files")
    if status != "OK" or not isinstance(files, list) or not files:
        message = _get(answer, "message")
        reason = f": {message})" if message else ")"
        raise fail(f"the answer is not a Dataverse listing with files (status {status!r}{reason}")
    by_label = {label: [entry for entry in files if _get(entry, "label") == label] for label in LABELS}
    found = next((entries for entries in by_label.values() if entries), [])
    if len(found) != 1:
        labels = ", ".join(sorted(str(_get(entry, "label")) for entry in files)[:20])
        raise fail(
            f"the dataset lists {len(found)} files named {' or '.join(LABELS)}, expected 1 "
            f"(its files are {labels})"
        )
    file = found[0]
    number = _get(file, "dataFile", "id")
    if _get(file, "restricted") is not False or not isinstance(number, Number) or not number.isdigit():
        restricted = _get(file, "restricted")
        raise fail(f"the file is restricted or has no id (restricted {restricted}, id {number})")
    label = str(_get(file, "label"))
    if label != INGESTED_FILE:
        return label, str(number), False
    original = [_get(file, "dataFile", key) for key in ("originalFileName", "originalFileFormat")]
    is_csv = any(str(text).lower().endswith("csv") for text in original)
    return CSV_FILE if is_csv else FILE, str(number), True


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the table. `_row` is that of a spreadsheet; in Stata, of the observation, from 1."""
    if set(files) == {LISTING, CSV_FILE}:
        yield from _read_csv(files[CSV_FILE], note)
    elif set(files) == {LISTING, FILE}:
        yield from read_stata(
            files[FILE], VARIABLES, source=NAME, file=FILE, ignored=CONTRACT.ignored, note=note
        )
    else:
        found = ", ".join(files) or "none"
        raise SourceError(NAME, f"expected {LISTING} and {CSV_FILE} or {FILE}, got {found}")


def _read_csv(path: Path, note: Note) -> Iterator[pa.RecordBatch]:
    for batch in read_delimited(path, CONTRACT, source=NAME, file=CSV_FILE, note=note, encoding="utf-8-sig"):
        require_values(batch, KEY, source=NAME)
        for column, kind in VARIABLES.items():
            pattern, reason = (WHOLE_NUMBER, "no whole number") if kind == INTEGER else (NUMBER, "no number")
            require_match(batch, column, pattern, reason, source=NAME)
        yield batch


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
    evidenced="2026: the list of files in public scripts; `.csv` files, 1980 to 2024",
    columns=CONTRACT.columns,
    key=KEY,
    plan=plan,
    read=read,
    contract=CONTRACT,
    reader_version=2,
)
