"""MOFCOM: China's total trade in services by year, in yuan from 2010 and in dollars from 1982.

Address, paging and the years 1982 to 2025 were last seen in public clients of 2026-10-02.

`GET …/overyears?pageNumber=N` answers `{"rows": […], "total", "pageSize", "maxPageNum"}`, the newest year
first. A row is a year and eight amounts: total, exports, imports and balance in 100 million yuan and in 100
million dollars. A further key of the page or of a row is drift. Without `pageNumber`, and when the site
fails, the answer is Spring's error page with status 200. The table may have the running year, with the
figures of the months so far: `int_observations_unioned` holds out years that had not ended.

The reader returns every amount as sent, with the publisher's thousands commas. The marks for a missing amount
(`MISSING`) stay texts, null stays null. `_row` is the position in the page, the first being 1.

Raises SourceError for an error page, a missing field, a year that is not a year, is repeated or out of order,
an amount that is neither a number (with or without correct commas) nor a mark for a missing one, pages that
contradict each other, and a number of rows that differs from the announced one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from warehouse.arrow import pa
from warehouse.errors import SourceError
from warehouse.formats.json import JsonValue, read_fields, read_json
from warehouse.model import Contract, Note, Plan, Request, Source, no_note, raw_schema

NAME = "mofcom_totals"
ADDRESS = "https://data.mofcom.gov.cn/datamofcom/front/fwmy/overyears"
REFERER = "https://data.mofcom.gov.cn/fwmy/overtheyears.shtml"
MAX_PAGES = 50  # four decades take five pages
FIELDS = (
    ("year", "year"),
    ("importAndExportVolumeRMB", "total_rmb"),
    ("exportVolumeRMB", "exports_rmb"),
    ("importVolumeRMB", "imports_rmb"),
    ("differenceRMB", "balance_rmb"),
    ("importAndExportVolumeUSD", "total_usd"),
    ("exportVolumeUSD", "exports_usd"),
    ("importVolumeUSD", "imports_usd"),
    ("differenceUSD", "balance_usd"),
)
COUNTS = ("total", "pageSize", "maxPageNum")
PAGE = Contract(read={name: name for name in ("rows", *COUNTS)})
CONTRACT = Contract(read=dict(FIELDS))
COLUMNS = CONTRACT.columns
MISSING = ("", "-", "–", "—", "——", "/")
_FILE = re.compile(r"page-([1-9][0-9]*)\.json")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_COUNT = re.compile(r"[0-9]{1,6}")
_AMOUNT = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,2})?")

ErrorFactory = Callable[..., SourceError]


@dataclass(frozen=True)
class Page:
    """A page: its rows as text and its three counts."""

    rows: list[tuple[str | None, ...]]
    total: int
    page_size: int
    pages: int


def request(page: int) -> Request:
    """Return the request for one page."""
    return Request(
        name=f"page-{page}.json",
        url=ADDRESS,
        kind="json",
        params=(("pageNumber", str(page)),),
        headers=(("Referer", REFERER),),
    )


def plan() -> Plan:
    """Request the pages, as many as the answers announce."""
    page = pages = 1
    while page <= pages:
        page_request = request(page)
        answer = yield page_request
        pages = read_page(answer, page, page_request.name, page_request.address).pages
        page += 1


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Yield one batch for each page. Raises SourceError with file and row as the module says."""
    numbers: dict[int, str] = {}
    for name in files:
        found = _FILE.fullmatch(name)
        if found is None:
            raise SourceError(NAME, "no request of this source has this file name", file=name)
        numbers[int(found[1])] = name
    first: Page | None = None
    last_year = "9999"
    for number in sorted(numbers):
        file = numbers[number]
        page = read_page(files[file], number, file, note=note)
        first = first or page
        if (page.total, page.page_size, page.pages) != (first.total, first.page_size, first.pages):
            reason = "the counts differ from those of the first page: the table changed during the pull"
            raise SourceError(NAME, reason, file=file, remedy="Pull the source again")
        for row, values in enumerate(page.rows, start=1):
            year = str(values[0])
            if year >= last_year:
                reason = f"year {year} follows {last_year}; expected are distinct years, the newest first"
                raise SourceError(NAME, reason, file=file, row=row)
            last_year = year
        columns = [pa.array(column, pa.string()) for column in zip(*page.rows, strict=True)]
        count = len(page.rows)
        yield pa.record_batch(
            [*columns, pa.repeat(pa.scalar(file, pa.string()), count), pa.arange(1, count + 1)],
            schema=raw_schema(COLUMNS),
        )
    if first is None or sorted(numbers) != list(range(1, first.pages + 1)):
        raise SourceError(
            NAME, f"the pull has the pages {sorted(numbers)}, expected are 1 to {first.pages if first else 1}"
        )


def read_page(path: Path, number: int, file: str, address: str | None = None, note: Note = no_note) -> Page:
    """Parse a page and check its rows against its counts; record further keys as drift."""

    def error(reason: str, row: int | None = None, remedy: str | None = None) -> SourceError:
        return SourceError(NAME, reason, address=address, file=file, row=row, remedy=remedy)

    answer = read_json(path, source=NAME, file=file, address=address)
    if not isinstance(answer, dict) or "rows" not in answer:
        raise error(
            f"the answer is not a page: {str(answer)[:200]!r}",
            remedy="The site sends its error page with status 200: check pageNumber, or try again later",
        )
    fields = read_fields(answer, PAGE, "the page", error, partial(note, file))
    total, size, pages = (_count(fields, name, error) for name in COUNTS)
    rows = fields["rows"]
    if not isinstance(rows, list) or not rows or total == 0:
        raise error(f"the page has no rows (total {total})")
    if size == 0 or pages != -(-total // size) or not number <= pages <= MAX_PAGES:
        raise error(
            f"the counts are inconsistent: {total} rows, {size} on each page, page {number} of {pages}"
        )
    expected = min(size, total - (number - 1) * size)
    if len(rows) != expected:
        raise error(f"page {number} has {len(rows)} rows, expected {expected} from its counts")
    texts = []
    for row, value in enumerate(rows, start=1):
        row_error = partial(error, row=row)
        texts.append(_row(read_fields(value, CONTRACT, "the row", row_error, partial(note, file)), row_error))
    return Page(texts, total, size, pages)


def _row(fields: Mapping[str, JsonValue], error: ErrorFactory) -> tuple[str | None, ...]:
    texts: list[str | None] = []
    for name in CONTRACT.read:
        text = fields[name]
        if text is not None and not isinstance(text, str):
            raise error(f"{name} is not a text, a number or null: {text!r}")
        if name == "year" and (text is None or not _YEAR.fullmatch(text)):
            raise error(f"{text!r} is not a year")
        if text is not None and text not in MISSING and not _AMOUNT.fullmatch(text):
            raise error(
                f"{name} is {text!r}, neither an amount nor a mark for a missing one",
                remedy="Values are loaded as sent: check the site, or declare the new form in this source's "
                "module",
            )
        texts.append(None if text is None else str(text))
    return tuple(texts)


def _count(answer: Mapping[str, JsonValue], name: str, error: ErrorFactory) -> int:
    value = answer[name]
    if not isinstance(value, str) or not _COUNT.fullmatch(value):
        raise error(f"{name} is not a count: {value!r}")
    return int(value)


SOURCE = Source(
    name=NAME,
    title="China's trade in services by year",
    publisher="Ministry of Commerce of China (MOFCOM)",
    table="fwmy/overyears",
    homepage="https://data.mofcom.gov.cn/fwmy/overtheyears.shtml",
    licence="No licence stated; official statistics published for public use",
    evidenced="2026-10-02: 44 rows, 1982 to 2025, in public clients",
    columns=COLUMNS,
    key=("year",),
    plan=plan,
    read=read,
    contract=CONTRACT,
    seconds_between_calls=1.5,
)
