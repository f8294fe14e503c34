"""Curated figures: a folder of CSV files that analysts add to, one figure a row, each with its page.

What no table states is here: categories, regions and partners from releases, speeches and communiqués. The
folder is the publisher: `curated://` lists its files, `curated://<file>` is one of them. UTF-8 (a byte order
mark may be there), commas, a header, no empty lines; `_row` is the record's number, the header being 1.

Columns: `period` (2021, 2021-Q3, 2021-08, or a span 2018-01/2018-07, also written 2018-01..2018-07, or
2016/2020); `area` as the page names it; `area_type` of AREA_TYPES; `measure` (trade, growth over the same
period of the previous year, share of the total); `service`; `flow`; `value`; `unit`; `currency`; `page`;
`excerpt`, which may be empty; `status`; `note`, which may be empty.

`area_type` says who speaks of what. economy: its trade with the world. partner_economy, partner_group:
China's trade with them. mirror_economy, mirror_group: their own figure of their trade with China, `flow`
being theirs. region, province, city, pilot_areas, province x partner: parts of China. With "(category)"
behind it the figure is a part of the services trade and never its total.

`status`: stated (the page says so), unverified (no address, a repost, or not seen again), contradicted
(another page says otherwise; kept out of facts), undated (the page does not say of which period; `period` is
when it was said; kept out of facts).

Keeps: every figure as it was entered. Refuses: whatever `problems` names, by line and column.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from warehouse.errors import SourceError
from warehouse.formats.json import read_json
from warehouse.model import MEBIBYTE, Plan, Request, Source, raw_schema

NAME = "curated"
ADDRESS = "curated://"
LISTING = "files.json"
COLUMNS = (
    "period",
    "area",
    "area_type",
    "measure",
    "service",
    "flow",
    "value",
    "unit",
    "currency",
    "page",
    "excerpt",
    "status",
    "note",
)
KEY = ("period", "area", "area_type", "measure", "service", "flow", "currency", "page")
PLACES = (
    "partner_economy",
    "partner_group",
    "mirror_economy",
    "mirror_group",
    "region",
    "province",
    "city",
    "pilot_areas",
    "province x partner",
)
AREA_TYPES = ("economy", *PLACES, *(f"{place} (category)" for place in PLACES))
MEASURES = ("trade", "growth", "share")
FLOWS = ("exports", "imports", "total", "balance")
AMOUNTS = ("million", "100 million", "billion", "trillion")
STATUSES = ("stated", "unverified", "contradicted", "undated")
MOST_EXCERPT = 300

_YEAR = r"(?:19|20)\d\d"
_MONTH = rf"{_YEAR}-(?:0[1-9]|1[0-2])"
_PERIOD = re.compile(
    rf"{_YEAR}|{_YEAR}-Q[1-4]|{_MONTH}|(?P<a>{_YEAR})/(?P<b>{_YEAR})|(?P<c>{_MONTH})(?:/|\.\.)(?P<d>{_MONTH})",
    re.ASCII,
)
_SERVICE = re.compile(r"S[A-L]?|KIS|DDS|[a-z][a-z0-9_]*")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_PAGE = re.compile(r"https?://[^\s/]+\.[^\s]+")
_FILE = re.compile(r"[A-Za-z0-9_-]+\.csv")


@dataclass(frozen=True)
class Problem:
    """What is wrong in one place of a file; `column` is empty when it is the whole line."""

    line: int
    column: str
    value: str
    agreed: str

    def __str__(self) -> str:
        """Tell line, column, value and what is agreed."""
        what = f", {self.column} {self.value!r}" if self.column else f": {self.value}"
        return f"line {self.line}{what}: agreed is {self.agreed}"


def one_of(words: tuple[str, ...]) -> str:
    """Spell a choice."""
    return "one of " + ", ".join(words)


def is_period(text: str) -> bool:
    """Tell whether a text is a period whose end is not before its start."""
    found = _PERIOD.fullmatch(text)
    if found is None:
        return False
    start, end = (found["a"], found["b"]) if found["a"] else (found["c"], found["d"])
    return start is None or start < end


Rule = tuple[str, Callable[[Mapping[str, str]], bool], str]
RULES: tuple[Rule, ...] = (
    (
        "period",
        lambda row: is_period(row["period"]),
        "2021, 2021-Q3, 2021-08, 2018-01/2018-07 (or 2018-01..2018-07), or 2016/2020",
    ),
    ("area", lambda row: bool(row["area"]), "the area's name as the page gives it"),
    ("area_type", lambda row: row["area_type"] in AREA_TYPES, one_of(AREA_TYPES)),
    (
        "area_type",
        lambda row: (
            row["area_type"] == "economy"
            or row["area_type"].endswith("(category)") == (row["service"] != "S")
        ),
        '"(category)" behind it if service is a part, and not if it is S, the total',
    ),
    ("measure", lambda row: row["measure"] in MEASURES, one_of(MEASURES)),
    (
        "service",
        lambda row: bool(_SERVICE.fullmatch(row["service"])),
        "S, SA to SL (EBOPS 2010), KIS, DDS, or a lower-case name that seeds/curated_service.csv declares",
    ),
    ("flow", lambda row: row["flow"] in FLOWS, one_of(FLOWS)),
    (
        "value",
        lambda row: bool(_DECIMAL.fullmatch(row["value"])),
        "a plain decimal number, such as 1234.5: no thousands comma, no sign but a minus, no words",
    ),
    (
        "value",
        lambda row: not row["value"].startswith("-") or row["measure"] != "trade" or row["flow"] == "balance",
        "an amount that is not negative (only a balance or a growth may be)",
    ),
    (
        "unit",
        lambda row: row["unit"] in (AMOUNTS if row["measure"] == "trade" else ("percent",)),
        f"{one_of(AMOUNTS)} for trade, percent for growth and share",
    ),
    (
        "currency",
        lambda row: (
            bool(_CURRENCY.fullmatch(row["currency"])) or (not row["currency"] and row["measure"] != "trade")
        ),
        "an ISO 4217 code such as CNY; growth and share may leave it empty if the page does not say in which",
    ),
    (
        "page",
        lambda row: bool(_PAGE.fullmatch(row["page"])) or bool(row["page"] and row["status"] == "unverified"),
        "the page's whole address, http:// or https://; without one the status is unverified",
    ),
    ("excerpt", lambda row: len(row["excerpt"]) <= MOST_EXCERPT, f"at most {MOST_EXCERPT} characters"),
    ("status", lambda row: row["status"] in STATUSES, one_of(STATUSES)),
)


def examine(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[Problem]]:
    """Read a file; return its rows by record number, and every problem in it."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return [], [Problem(line, "", f"byte {error.object[error.start]:#x}", "text in UTF-8")]
    rows: list[tuple[int, dict[str, str]]] = []
    found: list[Problem] = []
    seen: dict[tuple[str, ...], int] = {}
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    number = 0
    try:
        for number, values in enumerate(reader, start=1):
            line = reader.line_num
            if number == 1:
                if tuple(values) != COLUMNS:
                    return [], [Problem(line, "", f"header {','.join(values)}", ",".join(COLUMNS))]
                continue
            if len(values) != len(COLUMNS):
                found.append(
                    Problem(line, "", f"{len(values)} values", f"{len(COLUMNS)} values, one a column")
                )
                continue
            row = dict(zip(COLUMNS, values, strict=True))
            rows.append((number, row))
            found += _wrong(line, row)
            key = tuple(row[name] for name in KEY)
            if key in seen:
                told = f"the same figure as line {seen[key]}"
                found.append(Problem(line, "", told, f"one row for each {', '.join(KEY)}"))
            seen.setdefault(key, line)
    except csv.Error as error:
        found.append(Problem(reader.line_num, "", str(error), "comma-separated values, quoted by RFC 4180"))
    if not rows and not found:
        found.append(Problem(max(number, 1), "", "no figure", "a header and at least one row"))
    return rows, found


def _wrong(line: int, row: Mapping[str, str]) -> Iterator[Problem]:
    for name in COLUMNS:
        if row[name] != row[name].strip() or not all(letter.isprintable() for letter in row[name]):
            yield Problem(
                line, name, row[name], "no space around it, no line break or control character in it"
            )
    for name, holds, agreed in RULES:
        if not holds(row):
            yield Problem(line, name, row[name], agreed)


def plan() -> Plan:
    """Ask for the folder's listing, then for each file in it."""
    listing = yield Request(name=LISTING, url=ADDRESS, kind="json")
    for name in listed(listing):
        yield Request(name=name, url=f"{ADDRESS}{name}", kind="csv", max_bytes=16 * MEBIBYTE)


def listed(listing: Path) -> list[str]:
    """Return the names in a listing; raise when there is none, or one that is no plain name of a CSV file."""
    names = read_json(listing, source=NAME, file=LISTING, address=ADDRESS)
    if not isinstance(names, list) or not names:
        raise SourceError(
            NAME,
            "the folder of curated figures holds no CSV file",
            address=ADDRESS,
            remedy="Point WAREHOUSE_CURATED at one that does; `warehouse curated template` begins a file",
        )
    found: list[str] = []
    for name in names:
        if not isinstance(name, str) or not _FILE.fullmatch(name):
            raise SourceError(
                NAME,
                f"the file name {name!r} is not made of letters, digits, - and _ with .csv behind them",
                address=ADDRESS,
                remedy="Rename it",
            )
        found.append(str(name))
    return found


def read(files: Mapping[str, Path], work: Path) -> Iterator[pa.RecordBatch]:
    """Yield one batch for each file; raise `SourceError` with a file's first problem and their number."""
    names = [name for name in files if name != LISTING]
    if not names:
        raise SourceError(NAME, "an empty answer where data is expected: no files")
    for name in names:
        rows, found = examine(files[name])
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            raise SourceError(
                NAME,
                f"{found[0]}{more}",
                file=name,
                remedy=f"See them all with: warehouse curated check {name}",
            )
        columns = [pa.array([row[column] or None for _, row in rows], pa.string()) for column in COLUMNS]
        lineage = [
            pa.repeat(pa.scalar(name, pa.string()), len(rows)),
            pa.array([n for n, _ in rows], pa.int64()),
        ]
        yield pa.record_batch([*columns, *lineage], schema=raw_schema(COLUMNS))


SOURCE = Source(
    name=NAME,
    title="Figures of releases, speeches and communiqués, entered by hand",
    publisher="Various, each row names its page",
    table="warehouse/curated",
    homepage="https://www.mofcom.gov.cn",
    licence="Single figures, quoted with their page",
    columns=COLUMNS,
    key=KEY,
    plan=plan,
    read=read,
    seconds_between_calls=0.0,
)
