"""ONS: the United Kingdom's trade in services by service type and partner country, not seasonally adjusted.

The measure is in millions of pounds sterling, whole numbers. The table is wide: five columns of codes and
labels, then a column for each year and each quarter (`2021`, `2021Q4`); more columns appear as time goes on.
A cell without a figure is `..`: withheld, since it would tell of a single firm, or not collected.

The dataset's page links the current edition; the link changes with each one and is looked up there.

Keeps: every cell, long: one row for each row and period of the table, `..` included, labels as printed
(`CZ` is `Czechia` in some rows and `Czech Republic` in others: the code counts). `_file` names the column
behind its `#`, and `_row` is the row of the table, its header being 1. All codes are kept in raw, totals and
groups beside their members (`W1` the world, `B5` the EU, `D5` the rest, `CS` Serbia with Montenegro).

Declared ignored, in staging and by the seed `ons_services_item`: the three items `10.3.N510`, `10.3.N58` and
`10.3.N59`. They are the ONS's own cuts of item 10.3.5, which is kept, and EBOPS has no code for them.

Refuses: a page without exactly one link to a CSV of the dataset, any other columns in front, a column that is
no period, a period twice or out of order, an empty code or cell, a cell that is neither a whole number nor
`..`. Codes and duplicate keys are not judged here: the expectations do that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.errors import SourceError
from warehouse.formats.csv import check_header, read_delimited, read_header
from warehouse.model import MEBIBYTE, Plan, Request, Source, raw_schema

NAME = "ons_services"
HOST = "www.ons.gov.uk"
DATASET = (
    "/businessindustryandtrade/internationaltrade/datasets/"
    "uktradeinservicesservicetypebypartnercountrynonseasonallyadjusted"
)
PAGE = f"https://{HOST}{DATASET}"
PAGE_FILE = "dataset.html"
TABLE_FILE = "services_by_partner.csv"
ENCODING = "utf-8-sig"
MAX_BYTES = 64 * MEBIBYTE

LABELS = ("Direction", "Service type code", "Service type", "Country code", "Country")
COLUMNS = ("direction", "service_type_code", "service_type", "country_code", "country", "period", "value")
KEY = ("direction", "service_type_code", "country_code", "period")
PERIOD = re.compile(r"[0-9]{4}(Q[1-4])?")
CELL = r"\A(-?[0-9]+|\.\.)\z"

_ASK = "Look at the table by hand, and agree to its new form in warehouse/sources/ons_services.py"


def plan() -> Plan:
    """Ask for the dataset's page, find the table's address in it, and ask for that."""
    page = yield Request(PAGE_FILE, PAGE, "html")
    yield Request(TABLE_FILE, table_address(page.read_bytes()), "csv", max_bytes=MAX_BYTES)


def table_address(page: bytes) -> str:
    """Return the https address of the one CSV of the current edition that the page links.

    Raises SourceError if no link or more than one leads to such a file of this dataset.
    """
    parser = _Links()
    try:
        parser.feed(page.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _page_error(f"the page is not UTF-8 ({error})") from error
    parser.close()
    files = sorted({link for link in parser.links if _is_file_of_the_dataset(link)})
    found = [link for link in files if link.lower().endswith(".csv")]
    if len(found) != 1:
        raise _page_error(
            f"the page links {len(found)} CSV files of the dataset where one was agreed: {files}"
        )
    return urljoin(PAGE, found[0])


def read(files: Mapping[str, Path], work: Path) -> Iterator[pa.RecordBatch]:
    """Yield the cells, one batch for each period of a block of rows.

    Raises `SourceError` naming file, column and row for whatever the module refuses.
    """
    if set(files) != {PAGE_FILE, TABLE_FILE}:
        raise SourceError(
            NAME, f"expected the files {PAGE_FILE} and {TABLE_FILE}, got {', '.join(files) or 'none'}"
        )
    header = read_header(files[TABLE_FILE], source=NAME, file=TABLE_FILE, encoding=ENCODING)
    periods = periods_of(header)
    schema = raw_schema(COLUMNS)
    for batch in read_delimited(
        files[TABLE_FILE], (*LABELS, *periods), source=NAME, file=TABLE_FILE, encoding=ENCODING
    ):
        labels = [batch.column(place) for place in range(len(LABELS))]
        for label, name in zip(labels, LABELS, strict=True):
            _refuse(batch, pc.is_null(label), label, "an empty cell", name)
        for period in periods:
            cells = batch.column(period)
            _refuse(batch, pc.is_null(cells), cells, "an empty cell", period)
            unlike = pc.invert(pc.match_substring_regex(cells, CELL))
            _refuse(batch, unlike, cells, "neither a whole number nor '..'", period)
            named = pa.repeat(pa.scalar(period, pa.string()), batch.num_rows)
            place = pa.repeat(pa.scalar(f"{TABLE_FILE}#{period}", pa.string()), batch.num_rows)
            yield pa.record_batch([*labels, named, cells, place, batch.column("_row")], schema=schema)


def periods_of(header: list[str]) -> tuple[str, ...]:
    """Return the periods that a header names, the years before the quarters, each in the order of time."""
    periods = tuple(header[len(LABELS) :])
    check_header(header[: len(LABELS)], LABELS, source=NAME, file=TABLE_FILE)
    unknown = [name for name in periods if PERIOD.fullmatch(name) is None]
    agreed = sorted(set(periods), key=lambda name: (len(name), name))
    if unknown or not periods or list(periods) != agreed:
        reason = (
            f"columns that are no period: {', '.join(repr(name) for name in unknown)}"
            if unknown
            else f"the periods are not each once and in order: {', '.join(periods) or 'none'}"
        )
        raise SourceError(NAME, reason, file=TABLE_FILE, row=1, remedy=_ASK)
    return periods


def _refuse(rows: pa.RecordBatch, refused: pa.Array, cells: pa.Array, reason: str, column: str) -> None:
    place = pc.index(refused, True).as_py()
    if place < 0:
        return
    text = cells[place].as_py()
    raise SourceError(
        NAME,
        f"{reason} in column {column}" + ("" if text is None else f": {text!r}"),
        file=TABLE_FILE,
        row=rows.column("_row")[place].as_py(),
        remedy=_ASK,
    )


class _Links(HTMLParser):
    """Collects where a page's links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links.extend(value for name, value in attrs if name == "href" and value)


def _is_file_of_the_dataset(link: str) -> bool:
    """Tell whether a link is `/file?uri=<dataset>/current/<name>` on the ONS's own host."""
    try:
        parts = urlsplit(urljoin(PAGE, link))
    except ValueError:
        return False
    if (parts.scheme, parts.netloc, parts.path, parts.fragment) != ("https", HOST, "/file", ""):
        return False
    query = parse_qsl(parts.query)
    current = re.compile(re.escape(DATASET) + r"/current/[^/?#]+")
    return len(query) == 1 and query[0][0] == "uri" and current.fullmatch(query[0][1]) is not None


def _page_error(reason: str) -> SourceError:
    return SourceError(
        NAME,
        reason,
        address=PAGE,
        file=PAGE_FILE,
        remedy="If only a workbook is offered, save its time series sheet as CSV and serve it from a mirror; "
        "if the page has changed, mend warehouse/sources/ons_services.py",
    )


SOURCE = Source(
    name=NAME,
    title="UK trade in services: service type by partner country, non-seasonally adjusted",
    publisher="ONS",
    table="uktradeinservicesservicetypebypartnercountrynonseasonallyadjusted",
    homepage=PAGE,
    licence="Open Government Licence v3.0",
    columns=COLUMNS,
    key=KEY,
    plan=plan,
    read=read,
)
