"""ONS: the United Kingdom's trade in services by service type and partner country, not seasonally adjusted.

Values are in millions of pounds sterling, whole numbers. The table is wide: five columns of codes and labels,
then a column for each year and each quarter (`2021`, `2021Q4`); columns are added over time. A cell without a
figure is `..`: suppressed because it would disclose a single firm, or not collected. The dataset's page links
the current edition under an address that changes with each one.

The reader returns one row for each cell, `..` included, with the labels as printed (`CZ` is `Czechia` in some
rows and `Czech Republic` in others: the code identifies it). `_file` has the column after its `#`, `_row` is
the row of the table, the header being 1. The raw table has all codes, totals and groups beside their members
(`W1` the world, `B5` the EU, `D5` the rest, `CS` Serbia with Montenegro). Staging ignores the items
`10.3.N510`, `10.3.N58` and `10.3.N59` (seed `ons_services_item`): they are the ONS's own parts of item 10.3.5
and have no EBOPS code.

Raises SourceError for a page without exactly one link to a CSV of the dataset, other leading columns, a
column that is not a period, a period that is repeated or out of order, an empty code or cell, and a cell that
is neither a whole number nor `..`. The expectation suite checks codes and duplicate keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import pyarrow as pa

from warehouse.errors import SourceError
from warehouse.formats.columns import require_match, require_values
from warehouse.formats.csv import read_delimited, read_header
from warehouse.model import MEBIBYTE, Contract, Note, Plan, Request, Source, no_note, raw_schema

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

_REMEDY = "Check the table by hand, and declare its new form in warehouse/sources/ons_services.py"


def plan() -> Plan:
    """Request the dataset's page, then the table that it links."""
    page = yield Request(PAGE_FILE, PAGE, "html")
    yield Request(TABLE_FILE, table_address(page.read_bytes()), "csv", max_bytes=MAX_BYTES)


def table_address(page: bytes) -> str:
    """Return the https address of the CSV of the current edition.

    Raises SourceError if the page does not link exactly one such file of this dataset.
    """
    parser = _Links()
    try:
        parser.feed(page.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _page_error(f"the page is not UTF-8 ({error})") from error
    parser.close()
    files = sorted({link for link in parser.links if _is_dataset_file(link)})
    found = [link for link in files if link.lower().endswith(".csv")]
    if len(found) != 1:
        raise _page_error(
            f"the page links {len(found)} CSV files of the dataset, expected 1; its links are {files}"
        )
    return urljoin(PAGE, found[0])


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Yield the cells, one batch for each period of a block of rows.

    Raises SourceError with file, column and row as the module says.
    """
    if set(files) != {PAGE_FILE, TABLE_FILE}:
        raise SourceError(
            NAME, f"expected the files {PAGE_FILE} and {TABLE_FILE}, got {', '.join(files) or 'none'}"
        )
    header = read_header(files[TABLE_FILE], source=NAME, file=TABLE_FILE, encoding=ENCODING)
    periods = periods_of(header)
    schema = raw_schema(COLUMNS)
    for batch in read_delimited(
        files[TABLE_FILE],
        Contract(read={name: name for name in (*LABELS, *periods)}),
        source=NAME,
        file=TABLE_FILE,
        note=note,
        encoding=ENCODING,
    ):
        require_values(batch, (*LABELS, *periods), source=NAME, remedy=_REMEDY)
        labels = [batch.column(label) for label in LABELS]
        for period in periods:
            reason = "neither a whole number nor '..'"
            require_match(batch, period, CELL, reason, source=NAME, remedy=_REMEDY)
            period_column = pa.repeat(pa.scalar(period, pa.string()), batch.num_rows)
            file_column = pa.repeat(pa.scalar(f"{TABLE_FILE}#{period}", pa.string()), batch.num_rows)
            yield pa.record_batch(
                [*labels, period_column, batch.column(period), file_column, batch.column("_row")],
                schema=schema,
            )


def periods_of(header: list[str]) -> tuple[str, ...]:
    """Return the periods of a header.

    Raises SourceError unless they are the years and then the quarters, each in order.
    """
    periods = tuple(header[len(LABELS) :])
    if tuple(header[: len(LABELS)]) != LABELS:
        raise SourceError(
            NAME,
            f"the header begins with {header[: len(LABELS)]}, expected {list(LABELS)}",
            file=TABLE_FILE,
            row=1,
            remedy=_REMEDY,
        )
    unknown = [name for name in periods if PERIOD.fullmatch(name) is None]
    expected = sorted(set(periods), key=lambda name: (len(name), name))
    if unknown or not periods or list(periods) != expected:
        reason = (
            f"columns that are not a period: {', '.join(repr(name) for name in unknown)}"
            if unknown
            else f"the periods are repeated or out of order: {', '.join(periods) or 'none'}"
        )
        raise SourceError(NAME, reason, file=TABLE_FILE, row=1, remedy=_REMEDY)
    return periods


class _Links(HTMLParser):
    """Collects the targets of a page's links."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links.extend(value for name, value in attrs if name == "href" and value)


def _is_dataset_file(link: str) -> bool:
    """Return whether a link is `/file?uri=<dataset>/current/<name>` on the ONS's host."""
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
        remedy="If the page offers only a workbook, save its time series sheet as CSV and serve it from a "
        "mirror; if the page has changed, change warehouse/sources/ons_services.py",
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
