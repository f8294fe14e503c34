"""WTO Timeseries API: preliminary annual commercial services of all economies with the world, by main sector.

Indicators `ITS_CS_QAX` (exports) and `ITS_CS_QAM` (imports), "preliminary annual estimates based on
quarterly statistics", from 2005, in millions of US dollars. The WTO adds their newest year in April; the
annual table by sector and partner, whose bulk file is `wto_services`, follows in May. The interface asks
for a free key: set WAREHOUSE_WTO_KEY to it. Without a key the source is not configured. The key is sent as
`subscription-key`; it is masked in every address and, if the interface repeats it, in the stored answer.

Evidenced by the WTO's documentation and by clients of 2026 (to 2026-07-07):

- https://apiportal.wto.org/docs/services/version1/operations/get-data-i-i: the address and the parameters.
  `i` is one indicator; `r` reporters, by default all; `p` partners (`000` the world); `ps` periods, by
  default the last eight years, `all` for all; `pc` products, `all` for all of the indicator; `fmt`; `mode`
  `full` or `codes`; `off` records to skip, "for implementing pagination"; `max` records to return, by
  default 500 and at most 1 000 000; `head` `M` for headings that are easy to parse. The text on `off` and
  the rest was read in a client's copy.
- Clients: an object with an array `Dataset`, of objects with the keys below; for services in classification
  `BOP6`, period and frequency `A`, unit `USM` (`Million US dollar`), `Year` a number, `Value` a number such
  as 0.0, flag and `TextValue` null. Product `S` is "Memo item: Total services", `SOX` commercial services.
  `ITS_CS_QAX` and `ITS_CS_QAM` exist, have the year 2025 from April 2026 on, and give that year no flag.
  Names are in Windows-1252 in some answers. HTTP 204 for a request without data, 400 for a bad one; a wrong
  key has `statusCode` and `message`. More than about a request a second is answered with 429.
- https://www.wto.org/english/res_e/statis_e/tradeserv_stat_e.htm: the quarterly table, of about 150
  economies, is updated every quarter, and its release of April has the preliminary annual figures.

Not evidenced: which products the two indicators have beside `S` and `SOX`, their flags (those of
`wto_services` are expected), and whether there is a row of the world. No answer of these indicators is at
hand. `ITS_CS_AX6` and `ITS_CS_AM6` are not requested: they are the table of the bulk file. Nor are the
quarters, `ITS_CS_QX` and `ITS_CS_QM`: the form of their periods is not evidenced.

Pages: each request after the first begins at the last record that is known. Its answer begins with this
record, which shows that the order has not changed; when it has no other, the table is complete, whatever
limit the interface sets. `_row` is the position of the record in its page, the first being 1. An answer in
Windows-1252 is read as such.

Raises SourceError for a message in place of the array, an empty array, a record without a key that is read,
another indicator, partner, classification, period, frequency or unit, a year that is not four digits, a
value that is not a number, and pages that do not continue each other. The expectation suite checks
economies, products, flags and duplicate keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from warehouse.arrow import pa
from warehouse.errors import SourceError
from warehouse.formats.json import JsonValue, Number, read_fields, read_json
from warehouse.model import KEY_MASK, MEBIBYTE, Contract, Note, Plan, Request, Source, no_note, raw_schema

NAME = "wto_timeseries"
ADDRESS = "https://api.wto.org/timeseries/v1/data"
INDICATORS = ("ITS_CS_QAX", "ITS_CS_QAM")
PER_PAGE = 50_000  # a record has some 700 bytes
MAX_PAGES = 100
WORLD = "000"
FIELDS = {
    "IndicatorCode": "indicator_code",
    "Indicator": "indicator",
    "ReportingEconomyCode": "reporter_code",
    "ReportingEconomy": "reporter",
    "PartnerEconomyCode": "partner_code",
    "ProductOrSectorClassificationCode": "product_classification_code",
    "ProductOrSectorCode": "product_code",
    "ProductOrSector": "product",
    "PeriodCode": "period_code",
    "FrequencyCode": "frequency_code",
    "UnitCode": "unit_code",
    "Year": "year",
    "ValueFlagCode": "value_flag_code",
    "ValueFlag": "value_flag",
    "TextValue": "text_value",
    "Value": "value",
}
CONTRACT = Contract(
    read=FIELDS,
    optional=("Indicator", "ReportingEconomy", "ProductOrSector", "ValueFlag", "TextValue"),
    ignored=(
        *("IndicatorCategoryCode", "IndicatorCategory", "PartnerEconomy", "ProductOrSectorClassification"),
        *("Period", "Frequency", "Unit"),
    ),
)
CODES = ("ReportingEconomyCode", "ProductOrSectorCode")
# In every record: the world, EBOPS 2010, years, millions of US dollars.
EXPECTED = {
    "PartnerEconomyCode": WORLD,
    "ProductOrSectorClassificationCode": "BOP6",
    "PeriodCode": "A",
    "FrequencyCode": "A",
    "UnitCode": "USM",
}
YEAR = re.compile(r"[0-9]{4}")
_FILE = re.compile(rf"(?P<indicator>{'|'.join(INDICATORS)})\.page-(?P<page>[1-9][0-9]*)\.json")
_REMEDY = "Compare the answer with warehouse/sources/wto_timeseries.py, and declare its new form there"
_AGAIN = "The table changed during the pull: pull the source again"


def request(indicator: str, page: int, offset: int) -> Request:
    """Return the request for the records of an indicator after the first `offset`."""
    params = (
        ("i", indicator),
        ("r", "all"),
        ("p", WORLD),
        ("ps", "all"),
        ("pc", "all"),
        ("fmt", "json"),
        ("mode", "full"),
        ("head", "M"),
        ("lang", "1"),
        ("off", str(offset)),
        ("max", str(PER_PAGE)),
        ("subscription-key", KEY_MASK),
    )
    return Request(f"{indicator}.page-{page}.json", ADDRESS, "json", params=params, max_bytes=128 * MEBIBYTE)


def plan() -> Plan:
    """Request the pages of both indicators, until one has no further record.

    Raises SourceError for an answer without records.
    """
    for indicator in INDICATORS:
        offset = 0
        for page in range(1, MAX_PAGES + 1):
            asked = request(indicator, page, offset)
            path = yield asked
            records = _records(path, asked.name, asked.address)
            if page > 1 and len(records) == 1:
                break
            offset += len(records) - 1
        else:
            raise SourceError(
                NAME, f"{indicator} has more than {MAX_PAGES} pages", address=asked.address, remedy=_REMEDY
            )


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Yield one batch for each page that has further records, exports first.

    Raises SourceError with file and row as the module says.
    """
    names: dict[str, dict[int, str]] = {indicator: {} for indicator in INDICATORS}
    for name in files:
        found = _FILE.fullmatch(name)
        if found is None:
            raise SourceError(NAME, "no request of this source has this file name", file=name)
        names[found["indicator"]][int(found["page"])] = name
    for indicator, pages in names.items():
        if len(pages) < 2 or sorted(pages) != list(range(1, len(pages) + 1)):
            raise SourceError(NAME, f"{indicator}: expected pages from 1 to a last one, got {sorted(pages)}")
        last: JsonValue = None
        for page in sorted(pages):
            records = _records(files[pages[page]], pages[page])
            if page > 1 and records[0] != last:
                raise SourceError(
                    NAME,
                    f"the page begins with another record than the last of page {page - 1}",
                    file=pages[page],
                    row=1,
                    remedy=_AGAIN,
                )
            if (page > 1 and len(records) == 1) != (page == len(pages)):
                raise SourceError(
                    NAME,
                    f"page {page} of {len(pages)} has {len(records)} records",
                    file=pages[page],
                    remedy=_AGAIN,
                )
            last = records[-1]
            if page < len(pages):
                yield _batch(indicator, pages[page], records, 1 if page == 1 else 2, note)


def _records(path: Path, file: str, address: str | None = None) -> list[JsonValue]:
    """Return the records of a page; raise SourceError with the message that the WTO sends in their place."""
    fail = partial(SourceError, NAME, file=file, address=address)
    answer = read_json(path, source=NAME, file=file, address=address, fallback="cp1252")
    records = answer.get("Dataset") if isinstance(answer, dict) else None
    if isinstance(answer, dict) and records is None:
        for key in ("message", "errors", "title"):
            if key in answer:
                remedy = (
                    "If it names the key, correct WAREHOUSE_WTO_KEY; else compare the request with the module"
                )
                raise fail(f"the WTO answers with an error: {repr(answer[key])[:300]}", remedy=remedy)
    if not isinstance(records, list):
        raise fail("the answer has no array Dataset", remedy=_REMEDY)
    if not records:
        raise fail("the array Dataset is empty", remedy="Look the indicator up at https://stats.wto.org/")
    return records


def _batch(indicator: str, file: str, records: list[JsonValue], first: int, note: Note) -> pa.RecordBatch:
    """Return the rows of a page's records from position `first` on."""
    schema = raw_schema(CONTRACT.columns)
    columns: list[list[str | int | None]] = [[] for _ in schema]
    for row, record in enumerate(records[first - 1 :], start=first):
        fail = partial(SourceError, NAME, file=file, row=row, remedy=_REMEDY)
        fields = read_fields(record, CONTRACT, "the record", fail, partial(note, file))
        texts = {name: _text(value, name, fail) for name, value in fields.items()}
        _check(texts, indicator, fail)
        entries: tuple[str | int | None, ...] = (*(texts[name] for name in FIELDS), file, row)
        for column, entry in zip(columns, entries, strict=True):
            column.append(entry)
    return pa.record_batch(columns, schema=schema)


def _text(value: JsonValue, name: str, fail: partial[SourceError]) -> str | None:
    """Return a field as text: year and value must be numbers, the others texts; null and blank are null."""
    if value is None:
        return None
    if not isinstance(value, str) or isinstance(value, Number) != (name in ("Year", "Value")):
        raise fail(f"{name} is {'no number' if name in ('Year', 'Value') else 'no text'}: {value!r:.300}")
    return str(value).strip() or None


def _check(texts: Mapping[str, str | None], indicator: str, fail: partial[SourceError]) -> None:
    """Raise SourceError for a record of another table or unit, without a code, or with another year."""
    for name, expected in {"IndicatorCode": indicator, **EXPECTED}.items():
        if texts[name] != expected:
            raise fail(f"{name} is {texts[name]!r}, expected {expected!r}")
    for name in CODES:
        if texts[name] is None:
            raise fail(f"{name} is empty")
    if not YEAR.fullmatch(texts["Year"] or ""):
        raise fail(f"Year is not a year of four digits: {texts['Year']!r}")


SOURCE = Source(
    name=NAME,
    title="Commercial services by main sector, preliminary annual estimates",
    publisher="WTO",
    table="ITS_CS_QAX, ITS_CS_QAM",
    homepage="https://stats.wto.org/",
    licence="WTO terms of use (attribution)",
    evidenced="2026-07-07: address, parameters and form, by documentation and clients; no answer of it",
    columns=CONTRACT.columns,
    key=("indicator_code", "reporter_code", "product_code", "year"),
    plan=plan,
    read=read,
    contract=CONTRACT,
    seconds_between_calls=1.5,
    key_variable="WAREHOUSE_WTO_KEY",
)
