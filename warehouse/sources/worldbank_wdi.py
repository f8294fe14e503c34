"""World Bank API v2: 22 World Development Indicators on trade in services, goods, GDP and value added.

A page is an array of two: a header (`page`, `pages`, `per_page`, `total` and the envelope `sourceid`,
`sourcename`, `lastupdated`) and the observations of the page. The envelope is not loaded: it changes when no
figure does. An error is an array of one with a `message`, sent with status 200.

The reader returns each observation as text, the value in the digits that were sent. An observation without a
value is a row with null; an empty text is null. `_row` is the position of the observation in its page, the
first being 1.

Raises SourceError for an unknown or missing field, a field of another type (such as a value `"n/a"`), an
error array, an empty answer, pages that contradict each other or the request, a number of observations that
differs from the announced one, another indicator than the requested one, and a repeated cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from warehouse.errors import SourceError
from warehouse.formats.json import JsonValue, Number, read_json
from warehouse.model import Note, Plan, Request, Source, no_note, raw_schema

NAME = "worldbank_wdi"
ADDRESS = "https://api.worldbank.org/v2/country/all/indicator"
PER_PAGE = 20000
MAX_PAGES = 50  # an indicator fits one page; a header with more than this is an error

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
class PageRef:
    """The file of a page, and during the pull its address, for error messages."""

    file: str
    address: str | None = None

    def error(self, reason: str, *, row: int | None = None, remedy: str | None = None) -> SourceError:
        """Return a SourceError that names the page."""
        return SourceError(NAME, reason, address=self.address, file=self.file, row=row, remedy=remedy)


@dataclass(frozen=True)
class Page:
    """A page: the four counts of its header, `lastupdated`, and its observations."""

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
    """Request the pages of each indicator, as many as the answers announce.

    Raises SourceError with the address if an answer is an error array, empty, or another page.
    """
    for indicator in INDICATORS:
        page = pages = 1
        while page <= pages:
            page_request = request(indicator, page)
            answer = yield page_request
            page_ref = PageRef(page_request.name, page_request.address)
            pages = read_page(answer, page, page_ref).pages
            page += 1


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Yield one batch for each page, in the order of `INDICATORS`.

    Raises SourceError with file and row as the module says.
    """
    pages: dict[str, dict[int, str]] = {}
    for name in files:
        found = _FILE.fullmatch(name)
        if found is None or found["indicator"] not in INDICATORS:
            raise SourceError(NAME, "no request of this source has this file name", file=name)
        pages.setdefault(found["indicator"], {})[int(found["page"])] = name
    if not pages:
        raise SourceError(NAME, "the pull has no files")
    for indicator in INDICATORS:
        if indicator in pages:
            yield from _read_indicator(indicator, pages[indicator], files)


def _read_indicator(
    indicator: str, names: Mapping[int, str], files: Mapping[str, Path]
) -> Iterator[pa.RecordBatch]:
    seen: set[tuple[str, str]] = set()
    first: Page | None = None
    for number in sorted(names):
        page_ref = PageRef(names[number])
        page = read_page(files[page_ref.file], number, page_ref)
        first = first or page
        if (page.pages, page.per_page, page.total, page.lastupdated) != (
            first.pages,
            first.per_page,
            first.total,
            first.lastupdated,
        ):
            raise page_ref.error(
                "the header differs from that of the first page: the table changed during the pull",
                remedy="Pull the source again",
            )
        yield _batch(indicator, page, page_ref, seen)
    if first is not None and sorted(names) != list(range(1, first.pages + 1)):
        raise SourceError(
            NAME,
            f"{indicator} has {first.pages} pages, and the pull has the pages {sorted(names)}",
            file=names[max(names)],
        )


def read_page(path: Path, number: int, page_ref: PageRef) -> Page:
    """Parse a page and check its header against the request and against its observations."""
    answer = read_json(path, source=NAME, file=page_ref.file, address=page_ref.address)
    if not isinstance(answer, list):
        raise page_ref.error("the answer is not a page: expected is an array of a header and observations")
    header = answer[0] if answer else None
    if isinstance(header, dict) and "message" in header:
        raise page_ref.error(
            f"the publisher answered with an error: {_short_repr(header['message'])}",
            remedy="Look up the indicator at https://data.worldbank.org/indicator",
        )
    if not isinstance(header, dict) or len(answer) != 2:
        raise page_ref.error("the answer is not a page: expected is an array of a header and observations")
    observations = answer[1]
    unknown = [key for key in header if key not in (*HEADER_COUNTS, *HEADER_IGNORED)]
    if unknown:
        raise page_ref.error(f"the header has an unknown field: {', '.join(map(repr, unknown))}")
    page, pages, per_page, total = (_count(header, field, page_ref) for field in HEADER_COUNTS)
    if total == 0 or pages == 0 or not observations:
        raise page_ref.error(f"the answer has no observations (total {total}, pages {pages})")
    if not isinstance(observations, list):
        raise page_ref.error("the observations are not an array")
    if page != number:
        raise page_ref.error(f"the answer is page {page}, requested was page {number}")
    if page > pages:
        raise page_ref.error(f"page {page} is after the last page, {pages}")
    if pages > MAX_PAGES:
        raise page_ref.error(f"the header announces {pages} pages, more than the limit of {MAX_PAGES}")
    if per_page == 0 or pages != -(-total // per_page):
        raise page_ref.error(
            f"the counts are inconsistent: {total} observations, {per_page} on each page, {pages} pages"
        )
    expected = min(per_page, total - (page - 1) * per_page)
    if len(observations) != expected:
        raise page_ref.error(
            f"page {page} of {pages} has {len(observations)} observations, expected {expected} from its "
            f"header (total {total}, {per_page} on each page)",
            remedy="The answer was cut short, or the table changed during the pull: pull the source again",
        )
    lastupdated = header.get("lastupdated")
    return Page(page, pages, per_page, total, None if lastupdated is None else str(lastupdated), observations)


def _batch(indicator: str, page: Page, page_ref: PageRef, seen: set[tuple[str, str]]) -> pa.RecordBatch:
    rows: list[tuple[str | None, ...]] = []
    for row, observation in enumerate(page.observations, start=1):
        values = _observation(observation, row, page_ref)
        sent_indicator, _, country, _, _, date, *_ = values
        if sent_indicator != indicator:
            raise page_ref.error(f"the indicator is {sent_indicator!r}, requested was {indicator!r}", row=row)
        if not country:
            raise page_ref.error("country.id is empty", row=row)
        if date is None or not _YEAR.fullmatch(date):
            raise page_ref.error(f"date is not a year: {date!r}", row=row)
        if (country, date) in seen:
            raise page_ref.error(f"{indicator}, {country}, {date} is repeated", row=row)
        seen.add((country, date))
        rows.append(values)
    count = len(rows)
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    return pa.record_batch(
        [*columns, pa.repeat(pa.scalar(page_ref.file, pa.string()), count), pa.arange(1, count + 1)],
        schema=raw_schema(COLUMNS),
    )


def _observation(observation: JsonValue, row: int, page_ref: PageRef) -> tuple[str | None, ...]:
    fields = _fields(observation, OBSERVATION_FIELDS, "the observation", row, page_ref)
    indicator = _fields(fields["indicator"], ("id", "value"), "indicator", row, page_ref)
    country = _fields(fields["country"], ("id", "value"), "country", row, page_ref)
    return (
        _text(indicator["id"], "indicator.id", row, page_ref),
        _text(indicator["value"], "indicator.value", row, page_ref),
        _text(country["id"], "country.id", row, page_ref),
        _text(country["value"], "country.value", row, page_ref),
        _text(fields["countryiso3code"], "countryiso3code", row, page_ref),
        _text(fields["date"], "date", row, page_ref),
        None if fields["value"] is None else _number(fields["value"], "value", row, page_ref),
        _text(fields["unit"], "unit", row, page_ref),
        _text(fields["obs_status"], "obs_status", row, page_ref),
        _number(fields["decimal"], "decimal", row, page_ref),
    )


def _fields(
    value: JsonValue, expected: tuple[str, ...], name: str, row: int, page_ref: PageRef
) -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        raise page_ref.error(f"{name} is not an object: {_short_repr(value)}", row=row)
    unknown = [key for key in value if key not in expected]
    missing = [key for key in expected if key not in value]
    if unknown:
        raise page_ref.error(f"{name} has an unknown field: {', '.join(map(repr, unknown))}", row=row)
    if missing:
        raise page_ref.error(f"{name} has no field {', '.join(map(repr, missing))}", row=row)
    return value


def _text(value: JsonValue, field: str, row: int, page_ref: PageRef) -> str | None:
    if not isinstance(value, str) or isinstance(value, Number):
        raise page_ref.error(f"{field} is not a text: {_short_repr(value)}", row=row)
    return value or None


def _number(value: JsonValue, field: str, row: int, page_ref: PageRef) -> str:
    if not isinstance(value, Number):
        raise page_ref.error(f"{field} is not a number: {_short_repr(value)}", row=row)
    return value


def _count(header: dict[str, JsonValue], field: str, page_ref: PageRef) -> int:
    value = header.get(field)
    # the API also sends counts as texts ("per_page": "50")
    if not isinstance(value, str) or not _COUNT.fullmatch(value):
        raise page_ref.error(f"the header's {field} is not a count: {_short_repr(value)}")
    return int(value)


def _short_repr(value: JsonValue) -> str:
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
