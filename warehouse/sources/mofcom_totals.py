"""MOFCOM: China's trade in services as a whole, by year, in yuan from 2010 and in dollars from 1982.

The format: `GET …/overyears?pageNumber=N` answers `{"rows": […], "total", "pageSize", "maxPageNum"}`,
the newest year first. A row is a year and eight amounts: both flows together, exports, imports and their
difference, in 100 million yuan and in 100 million dollars. Without `pageNumber`, and when the site fails,
Spring's error page comes with status 200.

Keeps: every amount as sent, thousands commas included, which are the publisher's own form; what stands for a
missing one (`""`, `—`, `-`) stays as that text, null stays null. `_row` is the place in its page, from 1.

Refuses: an error page; a field more or fewer; a year that is not one, is given twice, or out of order; an
amount that is neither a number, with or without commas in their places, nor a sign for a missing one; pages
that contradict each other, or hold other than announced.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from warehouse.errors import SourceError
from warehouse.formats.json import JsonValue, read_json
from warehouse.model import Plan, Request, Source, raw_schema

NAME = "mofcom_totals"
ADDRESS = "https://data.mofcom.gov.cn/datamofcom/front/fwmy/overyears"
REFERER = "https://data.mofcom.gov.cn/fwmy/overtheyears.shtml"
MAX_PAGES = 50  # five pages hold four decades: a number beyond this is a mistake
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
COLUMNS = tuple(column for _, column in FIELDS)
COUNTS = ("total", "pageSize", "maxPageNum")
MISSING = ("", "—", "-")
_FILE = re.compile(r"page-([1-9][0-9]*)\.json")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_COUNT = re.compile(r"[0-9]{1,6}")
_AMOUNT = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?")

Refusal = Callable[..., SourceError]


@dataclass(frozen=True)
class Page:
    """One page: rows as text, and the three counts beside them."""

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
    """Ask for page after page, as many as the first announces."""
    page = pages = 1
    while page <= pages:
        asked = request(page)
        answer = yield asked
        pages = read_page(answer, page, asked.name, asked.address).pages
        page += 1


def read(files: Mapping[str, Path], work: Path) -> Iterator[pa.RecordBatch]:
    """Yield one batch for each page; raise `SourceError` naming file and row for what the module refuses."""
    numbers: dict[int, str] = {}
    for name in files:
        found = _FILE.fullmatch(name)
        if found is None:
            raise SourceError(NAME, "a file that no request of this source asks for", file=name)
        numbers[int(found[1])] = name
    first: Page | None = None
    last_year = "9999"
    for number in sorted(numbers):
        file = numbers[number]
        page = read_page(files[file], number, file)
        first = first or page
        if (page.total, page.page_size, page.pages) != (first.total, first.page_size, first.pages):
            reason = "its counts contradict the first page's: the table changed during the pull"
            raise SourceError(NAME, reason, file=file, remedy="Pull it again")
        for row, values in enumerate(page.rows, start=1):
            year = str(values[0])
            if year >= last_year:
                reason = f"year {year} after {last_year}, where the newest comes first and each once"
                raise SourceError(NAME, reason, file=file, row=row)
            last_year = year
        columns = [pa.array(column, pa.string()) for column in zip(*page.rows, strict=True)]
        count = len(page.rows)
        yield pa.record_batch(
            [*columns, pa.repeat(pa.scalar(file, pa.string()), count), pa.arange(1, count + 1)],
            schema=raw_schema(COLUMNS),
        )
    if first is None or sorted(numbers) != list(range(1, first.pages + 1)):
        raise SourceError(NAME, f"the pull holds the pages {sorted(numbers)}, which are not all there are")


def read_page(path: Path, number: int, file: str, address: str | None = None) -> Page:
    """Parse one page and hold its rows against its counts."""

    def error(reason: str, row: int | None = None, remedy: str | None = None) -> SourceError:
        return SourceError(NAME, reason, address=address, file=file, row=row, remedy=remedy)

    answer = read_json(path, source=NAME, file=file, address=address)
    if not isinstance(answer, dict) or "rows" not in answer:
        raise error(
            f"not a page but {str(answer)[:200]!r}",
            remedy="The site sends its error page with status 200: see that pageNumber is asked for, or wait",
        )
    unknown = sorted(set(answer) - {"rows", *COUNTS})
    if unknown:
        raise error(f"the page has a field that was not agreed: {', '.join(map(repr, unknown))}")
    total, size, pages = (_count(answer, name, error) for name in COUNTS)
    listed = answer["rows"]
    if not isinstance(listed, list) or not listed or total == 0:
        raise error(f"an empty answer where data is expected (total {total})")
    if size == 0 or pages != -(-total // size) or not number <= pages <= MAX_PAGES:
        raise error(f"{total} rows at {size} a page cannot make page {number} of {pages}")
    expected = min(size, total - (number - 1) * size)
    if len(listed) != expected:
        raise error(f"{len(listed)} rows on page {number} where the counts announce {expected}")
    return Page([_row(one, row, error) for row, one in enumerate(listed, start=1)], total, size, pages)


def _row(value: JsonValue, row: int, error: Refusal) -> tuple[str | None, ...]:
    names = tuple(name for name, _ in FIELDS)
    if not isinstance(value, dict) or set(value) != set(names):
        held = sorted(value) if isinstance(value, dict) else value
        raise error(f"the fields are {held}, agreed are {sorted(names)}", row)
    texts: list[str | None] = []
    for name in names:
        text = value[name]
        if text is not None and not isinstance(text, str):
            raise error(f"{name} is neither text nor number nor null: {text!r}", row)
        if name == "year" and (text is None or not _YEAR.fullmatch(text)):
            raise error(f"{text!r} is not a year", row)
        if text is not None and text not in MISSING and not _AMOUNT.fullmatch(text):
            raise error(
                f"{name} is {text!r}, neither an amount nor a sign for a missing one",
                row,
                "The figures are kept as sent and never mended: look at the site, or agree to the new form",
            )
        texts.append(None if text is None else str(text))
    return tuple(texts)


def _count(answer: Mapping[str, JsonValue], name: str, error: Refusal) -> int:
    value = answer.get(name)
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
    columns=COLUMNS,
    key=("year",),
    plan=plan,
    read=read,
    seconds_between_calls=1.5,
)
