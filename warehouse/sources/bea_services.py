"""US BEA: trade in services of the United States with China by type of service, annual, million dollars.

Dataset `IntlServTrade` of the BEA's interface, which asks for a free key: set WAREHOUSE_BEA_KEY to it.
Without a key the source is not configured. The key is sent as `UserID`; it is masked in every address and,
since the BEA repeats the request in its answer, in the stored answer too.

Evidenced by clients of 2026 (to 2026-10-03): the address, the parameters and their values (`All`,
`AllAffiliations`, `China`; either one type of service or one country must be named), the types of service
(`AllTypesOfService`, `TelecomCompAndInfo`, …), and of an answer `BEAAPI.Results.Data`, an array of objects
with `TypeOfService`, `TradeDirection`, `Affiliation`, `AreaOrCountry`, `TimePeriod`, `CL_UNIT`, `UNIT_MULT`
and `DataValue`, and `BEAAPI.Results.Error` for a rejected key. Inferred: that the table is annual with
`TimePeriod` a year, `CL_UNIT` `USD`, and `UNIT_MULT` 6, for millions. No answer of this dataset is at hand.

`DataValue` is a text, often with thousands commas (`29,184`); a mark in brackets marks a value that is
not shown: `(D)` would disclose a single firm, `(*)` is less than half a million. It stays as sent, and `_row`
is the position of the object, the first being 1. Only exports and imports are read: rows of
`Balance` and `SupplementalIns` (premiums and losses) are left out.

Raises SourceError for an error of the interface, an answer without the array, an object without a field that
is read, another unit, country, direction or affiliation, a period that is not a year, and a value that is
neither a number nor a mark. The expectation suite checks types of service and duplicate keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from warehouse.arrow import pa
from warehouse.errors import SourceError
from warehouse.formats.json import JsonValue, read_fields, read_json
from warehouse.model import KEY_MASK, Contract, Note, Plan, Request, Source, no_note, raw_schema

NAME = "bea_services"
ADDRESS = "https://apps.bea.gov/api/data"
FILE = "services.json"
COUNTRY = "China"
DIRECTIONS = ("Exports", "Imports")
LEFT_OUT = ("Balance", "SupplementalIns")
FIELDS = {
    "TypeOfService": "type_of_service",
    "TradeDirection": "trade_direction",
    "Affiliation": "affiliation",
    "AreaOrCountry": "area_or_country",
    "TimePeriod": "time_period",
    "CL_UNIT": "cl_unit",
    "UNIT_MULT": "unit_mult",
    "DataValue": "data_value",
}
CONTRACT = Contract(read=FIELDS, ignored=("Year", "TimeSeriesId", "TimeSeriesDescription", "NoteRef"))
# In every row: all affiliations, China, millions of dollars.
EXPECTED = (
    ("Affiliation", ("AllAffiliations",)),
    ("AreaOrCountry", (COUNTRY,)),
    ("CL_UNIT", ("USD",)),
    ("UNIT_MULT", ("6",)),
    ("TradeDirection", DIRECTIONS),
)
YEAR = re.compile(r"[0-9]{4}")
VALUE = re.compile(
    r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?|-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?"
    r"|\([A-Za-z*]{1,3}\)|n\.a\.|\.{3,5}"
)
_REMEDY = "Compare the answer with warehouse/sources/bea_services.py, and declare its new form there"


def plan() -> Plan:
    """Request the table of China, all types of service and years."""
    params = (
        ("UserID", KEY_MASK),
        ("method", "GetData"),
        ("datasetname", "IntlServTrade"),
        ("TypeOfService", "All"),
        ("TradeDirection", "All"),
        ("Affiliation", "AllAffiliations"),
        ("AreaOrCountry", COUNTRY),
        ("Year", "All"),
        ("ResultFormat", "JSON"),
    )
    yield Request(FILE, ADDRESS, "json", params=params)


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Yield one batch with the exports and imports of the answer.

    Raises SourceError with file and row as the module says.
    """
    if list(files) != [FILE]:
        raise SourceError(NAME, f"expected the one file {FILE}, got {', '.join(files) or 'none'}")
    columns: list[list[str | int | None]] = [[] for _ in raw_schema(CONTRACT.columns)]
    for row, item in enumerate(_data(files[FILE]), start=1):
        fail = partial(SourceError, NAME, file=FILE, row=row, remedy=_REMEDY)
        fields = read_fields(item, CONTRACT, "the object", fail, partial(note, FILE))
        texts = {name: _text(value, name, fail) for name, value in fields.items()}
        if texts["TradeDirection"] in LEFT_OUT:
            continue
        _check(texts, fail)
        entries: tuple[str | int, ...] = (*(texts[name] for name in FIELDS), FILE, row)
        for column, entry in zip(columns, entries, strict=True):
            column.append(entry)
    if not columns[0]:
        raise SourceError(NAME, "the answer has no exports and imports", file=FILE, remedy=_REMEDY)
    yield pa.record_batch(columns, schema=raw_schema(CONTRACT.columns))


def _data(path: Path) -> list[JsonValue]:
    """Return the array of an answer; raise SourceError with the error that the BEA states in its place."""
    fail = partial(SourceError, NAME, file=FILE)
    answer = read_json(path, source=NAME, file=FILE)
    inner = answer.get("BEAAPI") if isinstance(answer, dict) else None
    results = inner.get("Results") if isinstance(inner, dict) else None
    if isinstance(results, list) and len(results) == 1:  # of some datasets
        results = results[0]
    for holder in (inner, results):
        if isinstance(holder, dict) and "Error" in holder:
            remedy = "If it names the key, correct WAREHOUSE_BEA_KEY; a new key must be activated by mail"
            raise fail(f"the BEA answers with an error: {repr(holder['Error'])[:300]}", remedy=remedy)
    data = results.get("Data") if isinstance(results, dict) else None
    if isinstance(data, dict):  # an answer of one row
        data = [data]
    if not isinstance(data, list) or not data:
        raise fail("the answer has no array BEAAPI.Results.Data", remedy=_REMEDY)
    return data


def _text(value: JsonValue, name: str, fail: partial[SourceError]) -> str:
    if not isinstance(value, str) or not value.strip():
        raise fail(f"{name} is not a text: {repr(value)[:300]}")
    return str(value).strip()


def _check(texts: Mapping[str, str], fail: partial[SourceError]) -> None:
    """Raise SourceError for a row in another unit, of another table, or with a value of another form."""
    for name, expected in EXPECTED:
        if texts[name] not in expected:
            raise fail(f"{name} is {texts[name]!r}, expected {' or '.join(expected)}")
    if not YEAR.fullmatch(texts["TimePeriod"]):
        raise fail(f"TimePeriod is not a year: {texts['TimePeriod']!r}")
    if not VALUE.fullmatch(texts["DataValue"]):
        raise fail(f"DataValue is neither a number nor a mark: {texts['DataValue']!r}")


SOURCE = Source(
    name=NAME,
    title="US trade in services with China by type of service, annual",
    publisher="BEA",
    table="IntlServTrade",
    homepage="https://www.bea.gov/data/intl-trade-investment/international-services",
    licence="Public domain (US government)",
    evidenced="2026-10-03: address, parameters and form, by clients; no answer of this dataset",
    columns=CONTRACT.columns,
    key=("type_of_service", "trade_direction", "time_period"),
    plan=plan,
    read=read,
    contract=CONTRACT,
    key_variable="WAREHOUSE_BEA_KEY",
)
