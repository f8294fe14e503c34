"""World Bank API v2: 22 World Development Indicators on trade in services, goods, GDP and value added.

Address and layout were last seen in public clients of October 2026; the archiving of indicators (message
175) too. A first answer can take 15 to 60 seconds.

A page is an array of two: a header (`page`, `pages`, `per_page`, `total` and the envelope `sourceid`,
`sourcename`, `lastupdated`) and the observations of the page. The envelope is not loaded: it changes when no
figure does. The API may send fewer observations on a page than requested; all pages are requested then. An
error is an array of one with a `message`, sent with status 200.

Each indicator is a part of the pull, which is read when its pages have arrived: an indicator that the
publisher archived, emptied, or sends in another form fails alone, and keeps the values of the last vintage.
A further key of a header, an observation or an object in it is drift.

The reader returns each observation as text, the value in the digits that were sent. An observation without a
value is a row with null; an empty text is null. `_row` is the position of the observation in its page, the
first being 1.

Raises SourceError for a missing field, a field of another type (such as a value `"n/a"`), an error array, an
empty answer, pages that contradict each other or the request, a number of observations that differs from the
announced one, another indicator than the requested one, and a repeated cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from warehouse.arrow import pa
from warehouse.errors import SourceError
from warehouse.formats.json import JsonValue, Number, read_fields, read_json
from warehouse.model import Contract, Note, Part, Plan, Request, Source, no_note, raw_schema

NAME = "worldbank_wdi"
ADDRESS = "https://api.worldbank.org/v2/country/all/indicator"
PER_PAGE = 20000
MAX_PAGES = 500  # an indicator fits one page; in pages of 50, the default, it has about 350

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
HEADER = Contract(
    read={name: name for name in (*HEADER_COUNTS, "lastupdated")},
    optional=("lastupdated",),
    ignored=("sourceid", "sourcename"),
)
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
OBSERVATION = Contract(read={name: name for name in OBSERVATION_FIELDS})
NAMED = Contract(read={"id": "id", "value": "value"})  # an indicator or a country
_FILE = re.compile(r"(?P<indicator>.+)\.page-(?P<page>[1-9][0-9]*)\.json")
_YEAR = re.compile(r"[0-9]{4}")
_COUNT = re.compile(r"[0-9]{1,9}")
Row = tuple[str | None, ...]  # the values of COLUMNS


@dataclass(frozen=True)
class PageRef:
    """The file of a page, and during the pull its address, for error messages; and where to record drift."""

    file: str
    address: str | None = None
    note: Note = no_note

    def error(self, reason: str, *, row: int | None = None, remedy: str | None = None) -> SourceError:
        """Return a SourceError that names the page."""
        return SourceError(NAME, reason, address=self.address, file=self.file, row=row, remedy=remedy)

    def fields(
        self, value: JsonValue, contract: Contract, name: str, row: int | None = None
    ) -> dict[str, JsonValue]:
        """Return the fields of an object that a contract reads; record the other keys as drift."""
        fail: Callable[[str], SourceError] = partial(self.error, row=row)
        return read_fields(value, contract, name, fail, partial(self.note, self.file))


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
    """Request the indicators, each of which may fail alone."""
    for indicator in INDICATORS:
        yield Part(indicator, plan_indicator(indicator))


def plan_indicator(indicator: str) -> Generator[Request, Path, None]:
    """Request the pages of an indicator, as many as the answers announce, and read them.

    Raises SourceError as the module says, and for an indicator without any value.
    """
    names: dict[int, str] = {}
    files: dict[str, Path] = {}
    page = pages = 1
    while page <= pages:
        page_request = request(indicator, page)
        names[page] = page_request.name
        files[page_request.name] = yield page_request
        page_ref = PageRef(page_request.name, page_request.address)
        pages = read_page(files[page_request.name], page, page_ref).pages
        page += 1
    value = COLUMNS.index("value")
    read_pages = list(_read_indicator(indicator, names, files, no_note))
    if all(row[value] is None for _, rows in read_pages for row in rows):
        raise SourceError(
            NAME,
            f"{indicator} has no value for any economy and year",
            address=request(indicator, 1).address,
            remedy="Look up the indicator at https://data.worldbank.org/indicator",
        )


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
            for file, rows in _read_indicator(indicator, pages[indicator], files, note):
                yield _batch(file, rows)


def _read_indicator(
    indicator: str, names: Mapping[int, str], files: Mapping[str, Path], note: Note
) -> Iterator[tuple[str, list[Row]]]:
    """Yield the file of each page with its rows. Arrow is not used: `plan` would import it for each poll."""
    seen: set[tuple[str, str]] = set()
    first: Page | None = None
    for number in sorted(names):
        page_ref = PageRef(names[number], note=note)
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
        yield page_ref.file, _rows(indicator, page, page_ref, seen)
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
    fields = page_ref.fields(header, HEADER, "the header")
    page, pages, per_page, total = (_count(fields, field, page_ref) for field in HEADER_COUNTS)
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
    lastupdated = fields["lastupdated"]
    return Page(page, pages, per_page, total, None if lastupdated is None else str(lastupdated), observations)


def _rows(indicator: str, page: Page, page_ref: PageRef, seen: set[tuple[str, str]]) -> list[Row]:
    rows: list[Row] = []
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
    return rows


def _batch(file: str, rows: Sequence[Row]) -> pa.RecordBatch:
    count = len(rows)
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    return pa.record_batch(
        [*columns, pa.repeat(pa.scalar(file, pa.string()), count), pa.arange(1, count + 1)],
        schema=raw_schema(COLUMNS),
    )


def _observation(observation: JsonValue, row: int, page_ref: PageRef) -> Row:
    fields = page_ref.fields(observation, OBSERVATION, "the observation", row)
    indicator = page_ref.fields(fields["indicator"], NAMED, "indicator", row)
    country = page_ref.fields(fields["country"], NAMED, "country", row)
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


def _text(value: JsonValue, field: str, row: int, page_ref: PageRef) -> str | None:
    if not isinstance(value, str) or isinstance(value, Number):
        raise page_ref.error(f"{field} is not a text: {_short_repr(value)}", row=row)
    return value or None


def _number(value: JsonValue, field: str, row: int, page_ref: PageRef) -> str:
    if not isinstance(value, Number):
        raise page_ref.error(f"{field} is not a number: {_short_repr(value)}", row=row)
    return value


def _count(header: dict[str, JsonValue], field: str, page_ref: PageRef) -> int:
    value = header[field]
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
    evidenced="2026-10: public clients",
    columns=COLUMNS,
    key=("indicator_id", "country_id", "date"),
    plan=plan,
    read=read,
    contract=OBSERVATION,
)
