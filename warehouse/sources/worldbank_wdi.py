"""World Bank API v2: 22 World Development Indicators on trade in services, goods, GDP and value added.

The format: a page is an array of two, a header (`page`, `pages`, `per_page`, `total` and the envelope
`sourceid`, `sourcename`, `lastupdated`) and the page's observations. The envelope is read and ignored: it
changes when nothing else does. An error is an array of one with a `message`, sent with status 200.

Keeps: each observation as text, the value in the digits that were sent; gaps stay rows without a value.
An empty text is null. `_row` is the observation's place in its page's array, the first being 1.

Refuses: a field that is not declared here, or is missing, or of another type (a value that is a text such
as `"n/a"`, for one); an error array; an empty answer; pages that contradict each other or the request;
fewer or more observations than announced; another indicator than the one asked for; a cell given twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from warehouse.errors import SourceError
from warehouse.formats.json import JsonValue, Number, read_json
from warehouse.model import Plan, Request, Source, raw_schema

NAME = "worldbank_wdi"
ADDRESS = "https://api.worldbank.org/v2/country/all/indicator"
PER_PAGE = 20000
MAX_PAGES = 50  # an indicator fits one page today; a header that asks for more than this is a mistake

INDICATORS = (
    "BG.GSR.NFSV.GD.ZS",
    "BM.GSR.CMCP.ZS",
    "BM.GSR.INSF.ZS",
    "BM.GSR.MRCH.CD",
    "BM.GSR.NFSV.CD",
    "BM.GSR.ROYL.CD",
    "BM.GSR.TOTL.CD",
    "BM.GSR.TRAN.ZS",
    "BM.GSR.TRVL.ZS",
    "BX.GSR.CCIS.ZS",
    "BX.GSR.CMCP.ZS",
    "BX.GSR.INSF.ZS",
    "BX.GSR.MRCH.CD",
    "BX.GSR.NFSV.CD",
    "BX.GSR.ROYL.CD",
    "BX.GSR.TOTL.CD",
    "BX.GSR.TRAN.ZS",
    "BX.GSR.TRVL.ZS",
    "NV.SRV.TOTL.ZS",
    "NY.GDP.MKTP.CD",
    "TM.VAL.SERV.CD.WT",
    "TX.VAL.SERV.CD.WT",
)

COLUMNS = (
    "indicator_id",
    "indicator_name",
    "country_id",
    "country_name",
    "countryiso3code",
    "date",
    "value",
    "unit",
    "obs_status",
    "decimal",
)

HEADER_COUNTS = ("page", "pages", "per_page", "total")
HEADER_IGNORED = ("sourceid", "sourcename", "lastupdated")
OBSERVATION_FIELDS = (
    "indicator",
    "country",
    "countryiso3code",
    "date",
    "value",
    "unit",
    "obs_status",
    "decimal",
)
_FILE = re.compile(r"(?P<indicator>.+)\.page-(?P<page>[1-9][0-9]*)\.json")
_YEAR = re.compile(r"[0-9]{4}")
_COUNT = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Place:
    """Where a page came from, for messages: a file of a vintage, or an address during the pull."""

    file: str
    address: str | None = None

    def error(self, reason: str, *, row: int | None = None, remedy: str | None = None) -> SourceError:
        """Compose the error at this place."""
        return SourceError(NAME, reason, address=self.address, file=self.file, row=row, remedy=remedy)


@dataclass(frozen=True)
class Page:
    """One page: the four counts of its header, the publisher's date line, and its observations."""

    page: int
    pages: int
    per_page: int
    total: int
    lastupdated: str | None
    observations: list[JsonValue]


def request(indicator: str, page: int) -> Request:
    """Return the request for one page of one indicator, all economies and all years."""
    return Request(
        name=f"{indicator}.page-{page}.json",
        url=f"{ADDRESS}/{indicator}",
        kind="json",
        params=(("format", "json"), ("per_page", str(PER_PAGE)), ("page", str(page))),
    )


def plan() -> Plan:
    """Ask for each indicator's pages, the next one only while the last answer says that there is one.

    Raises `SourceError` naming the address when an answer is an error array, empty, or another page.
    """
    for indicator in INDICATORS:
        page = pages = 1
        while page <= pages:
            asked = request(indicator, page)
            answer = yield asked
            pages = read_page(answer, page, Place(asked.name, asked.address)).pages
            page += 1


def read(files: Mapping[str, Path], work: Path) -> Iterator[pa.RecordBatch]:
    """Yield one batch for each page, indicator by indicator in the order of `INDICATORS`.

    Raises `SourceError` naming file and row for whatever the module refuses.
    """
    pages: dict[str, dict[int, str]] = {}
    for name in files:
        found = _FILE.fullmatch(name)
        if found is None or found["indicator"] not in INDICATORS:
            raise SourceError(NAME, "a file that no request of this source asks for", file=name)
        pages.setdefault(found["indicator"], {})[int(found["page"])] = name
    if not pages:
        raise SourceError(NAME, "an empty answer where data is expected: no files")
    for indicator in INDICATORS:
        if indicator in pages:
            yield from _read_indicator(indicator, pages[indicator], files)


def _read_indicator(
    indicator: str, names: Mapping[int, str], files: Mapping[str, Path]
) -> Iterator[pa.RecordBatch]:
    seen: set[tuple[str, str]] = set()
    first: Page | None = None
    for number in sorted(names):
        place = Place(names[number])
        page = read_page(files[place.file], number, place)
        first = first or page
        if (page.pages, page.per_page, page.total, page.lastupdated) != (
            first.pages,
            first.per_page,
            first.total,
            first.lastupdated,
        ):
            raise place.error(
                "its header contradicts the first page's: the table changed during the pull",
                remedy="Pull it again.",
            )
        yield _batch(indicator, page, place, seen)
    if first is not None and sorted(names) != list(range(1, first.pages + 1)):
        raise SourceError(
            NAME,
            f"{indicator} has {first.pages} pages, and the pull holds {sorted(names)}",
            file=names[max(names)],
        )


def read_page(path: Path, number: int, place: Place) -> Page:
    """Parse one page and hold its header against the page asked for and against the observations in it."""
    answer = read_json(path, source=NAME, file=place.file, address=place.address)
    if not isinstance(answer, list):
        raise place.error("not a page: an array of a header and its observations is expected")
    header = answer[0] if answer else None
    if isinstance(header, dict) and "message" in header:
        raise place.error(
            f"the publisher answers with an error: {_flat(header['message'])}",
            remedy="Look the indicator up at https://data.worldbank.org/indicator",
        )
    if not isinstance(header, dict) or len(answer) != 2:
        raise place.error("not a page: an array of a header and its observations is expected")
    observations = answer[1]
    unknown = [key for key in header if key not in (*HEADER_COUNTS, *HEADER_IGNORED)]
    if unknown:
        raise place.error(f"the header has a field that was not agreed: {', '.join(map(repr, unknown))}")
    page, pages, per_page, total = (_count(header, field, place) for field in HEADER_COUNTS)
    if total == 0 or pages == 0 or not observations:
        raise place.error(f"an empty answer where data is expected (total {total}, pages {pages})")
    if not isinstance(observations, list):
        raise place.error("the observations are not an array")
    if page != number:
        raise place.error(f"page {page} was sent where page {number} was asked for")
    if page > pages:
        raise place.error(f"page {page} lies beyond the last, which is {pages}")
    if pages > MAX_PAGES:
        raise place.error(f"{pages} pages, and more than {MAX_PAGES} are not believed")
    if per_page == 0 or pages != -(-total // per_page):
        raise place.error(f"{total} observations at {per_page} a page cannot make {pages} pages")
    expected = min(per_page, total - (page - 1) * per_page)
    if len(observations) != expected:
        raise place.error(
            f"{len(observations)} observations on page {page} of {pages} where the header announces "
            f"{expected} (total {total}, {per_page} a page)",
            remedy="The answer was cut, or the table changed during the pull: pull it again.",
        )
    lastupdated = header.get("lastupdated")
    return Page(page, pages, per_page, total, None if lastupdated is None else str(lastupdated), observations)


def _batch(indicator: str, page: Page, place: Place, seen: set[tuple[str, str]]) -> pa.RecordBatch:
    rows: list[tuple[str | None, ...]] = []
    for row, observation in enumerate(page.observations, start=1):
        values = _observation(observation, row, place)
        asked, _, country, _, _, date, *_ = values
        if asked != indicator:
            raise place.error(f"indicator {asked!r} where {indicator!r} was asked for", row=row)
        if not country:
            raise place.error("an empty country.id", row=row)
        if date is None or not _YEAR.fullmatch(date):
            raise place.error(f"the date is not a year: {date!r}", row=row)
        if (country, date) in seen:
            raise place.error(f"{indicator}, {country}, {date} is given twice", row=row)
        seen.add((country, date))
        rows.append(values)
    count = len(rows)
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    return pa.record_batch(
        [*columns, pa.repeat(pa.scalar(place.file, pa.string()), count), pa.arange(1, count + 1)],
        schema=raw_schema(COLUMNS),
    )


def _observation(observation: JsonValue, row: int, place: Place) -> tuple[str | None, ...]:
    fields = _fields(observation, OBSERVATION_FIELDS, "the observation", row, place)
    indicator = _fields(fields["indicator"], ("id", "value"), "indicator", row, place)
    country = _fields(fields["country"], ("id", "value"), "country", row, place)
    return (
        _text(indicator["id"], "indicator.id", row, place),
        _text(indicator["value"], "indicator.value", row, place),
        _text(country["id"], "country.id", row, place),
        _text(country["value"], "country.value", row, place),
        _text(fields["countryiso3code"], "countryiso3code", row, place),
        _text(fields["date"], "date", row, place),
        None if fields["value"] is None else _number(fields["value"], "value", row, place),
        _text(fields["unit"], "unit", row, place),
        _text(fields["obs_status"], "obs_status", row, place),
        _number(fields["decimal"], "decimal", row, place),
    )


def _fields(
    value: JsonValue, agreed: tuple[str, ...], what: str, row: int, place: Place
) -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        raise place.error(f"{what} is not an object: {value!r}", row=row)
    unknown = [key for key in value if key not in agreed]
    missing = [key for key in agreed if key not in value]
    if unknown:
        raise place.error(f"{what} has a field that was not agreed: {', '.join(map(repr, unknown))}", row=row)
    if missing:
        raise place.error(f"{what} lacks the field {', '.join(map(repr, missing))}", row=row)
    return value


def _text(value: JsonValue, field: str, row: int, place: Place) -> str | None:
    if not isinstance(value, str) or isinstance(value, Number):
        raise place.error(f"{field} is not a text: {_flat(value)}", row=row)
    return value or None


def _number(value: JsonValue, field: str, row: int, place: Place) -> str:
    if not isinstance(value, Number):
        raise place.error(f"{field} is not a number: {_flat(value)}", row=row)
    return value


def _count(header: dict[str, JsonValue], field: str, place: Place) -> int:
    value = header.get(field)
    # A count has also been sent as a text ("per_page": "50").
    if not isinstance(value, str) or not _COUNT.fullmatch(value):
        raise place.error(f"the header's {field} is not a count: {_flat(value)}")
    return int(value)


def _flat(value: JsonValue) -> str:
    return repr(value)[:300]


SOURCE = Source(
    name=NAME,
    title="World Development Indicators: services, goods, GDP",
    publisher="World Bank",
    table="World Development Indicators",
    homepage="https://databank.worldbank.org/source/world-development-indicators",
    licence="CC BY 4.0",
    columns=COLUMNS,
    key=("indicator_id", "country_id", "date"),
    plan=plan,
    read=read,
)
