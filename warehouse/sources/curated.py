"""Curated figures: a folder of CSV files that analysts add to, one figure in each row with its page.

They are figures that no table states: categories, regions and partners from releases, speeches and
communiqués. `curated://` lists the files of the folder, `curated://<file>` is one of them. A file is UTF-8 (a
byte order mark is optional) with commas, a header and no empty lines. `_row` is the number of the record, the
header being 1.

Columns: `period` (2021, 2021-Q3, 2021-08, a span 2018-01/2018-07, also written 2018-01..2018-07, or
2016/2020); `area` as the page names it; `area_type`, one of AREA_TYPES; `measure` (trade, growth over the
same period of the previous year, share of the total); `service`; `flow`; `value`; `unit`; `currency`; `page`;
`excerpt` (optional); `status`; `note` (optional).

`area_type` states whose trade with whom the figure is. economy: its trade with the world. partner_economy,
partner_group: China's trade with them. mirror_economy, mirror_group: their own figure of their trade with
China, with their flow. region, province, city, pilot_areas, province x partner: parts of China. With the
suffix "(category)" the figure is a part of services trade and not its total.

`status`: stated (the page states the figure), unverified (no address, a repost, or not checked again),
contradicted (another page states another figure; not in the facts), undated (the page does not state the
period, and `period` is the date of the statement; not in the facts).

`read` raises SourceError for a file in which `examine` finds a problem.
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
from warehouse.model import MEBIBYTE, Note, Plan, Request, Source, no_note, raw_schema

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
PARTIAL_AREA_TYPES = (
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
AREA_TYPES = (
    "economy",
    *PARTIAL_AREA_TYPES,
    *(f"{area_type} (category)" for area_type in PARTIAL_AREA_TYPES),
)
MEASURES = ("trade", "growth", "share")
FLOWS = ("exports", "imports", "total", "balance")
AMOUNTS = ("million", "100 million", "billion", "trillion")
STATUSES = ("stated", "unverified", "contradicted", "undated")
MAX_EXCERPT_CHARACTERS = 300

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
    """A problem in a file: line, column, value, and what is expected. `column` is "" for a whole line."""

    line: int
    column: str
    value: str
    expected: str

    def __str__(self) -> str:
        """Format the problem for an error message."""
        found = f", {self.column} {self.value!r}" if self.column else f": {self.value}"
        return f"line {self.line}{found}; expected {self.expected}"


def one_of(choices: tuple[str, ...]) -> str:
    """Format a list of choices for an error message."""
    return "one of " + ", ".join(choices)


def is_period(text: str) -> bool:
    """Return whether a text is a period; in a span the end must follow the start."""
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
        'the suffix "(category)" if service is a part, and no suffix if it is S, the total',
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
        "a plain decimal number such as 1234.5, without thousands commas, plus sign or words",
    ),
    (
        "value",
        lambda row: not row["value"].startswith("-") or row["measure"] != "trade" or row["flow"] == "balance",
        "an amount that is not negative (only a balance or a growth rate may be negative)",
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
        "an ISO 4217 code such as CNY; for growth and share it may be empty if the page does not state it",
    ),
    (
        "page",
        lambda row: bool(_PAGE.fullmatch(row["page"])) or bool(row["page"] and row["status"] == "unverified"),
        "the page's full address, http:// or https://; without one the status must be unverified",
    ),
    (
        "excerpt",
        lambda row: len(row["excerpt"]) <= MAX_EXCERPT_CHARACTERS,
        f"at most {MAX_EXCERPT_CHARACTERS} characters",
    ),
    ("status", lambda row: row["status"] in STATUSES, one_of(STATUSES)),
)


def examine(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[Problem]]:
    """Return the rows of a file with their record numbers, and all problems in it."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return [], [Problem(line, "", f"byte {error.object[error.start]:#x}", "text in UTF-8")]
    rows: list[tuple[int, dict[str, str]]] = []
    problems: list[Problem] = []
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
                problems.append(
                    Problem(line, "", f"{len(values)} values", f"{len(COLUMNS)} values, one for each column")
                )
                continue
            row = dict(zip(COLUMNS, values, strict=True))
            rows.append((number, row))
            problems += _row_problems(line, row)
            key = tuple(row[name] for name in KEY)
            if key in seen:
                repeated = f"the same figure as line {seen[key]}"
                problems.append(Problem(line, "", repeated, f"one row for each {', '.join(KEY)}"))
            seen.setdefault(key, line)
    except csv.Error as error:
        problems.append(
            Problem(reader.line_num, "", str(error), "comma-separated values, quoted as in RFC 4180")
        )
    if not rows and not problems:
        problems.append(Problem(max(number, 1), "", "no figure", "a header and at least one row"))
    return rows, problems


def _row_problems(line: int, row: Mapping[str, str]) -> Iterator[Problem]:
    for name in COLUMNS:
        if row[name] != row[name].strip() or not all(letter.isprintable() for letter in row[name]):
            yield Problem(
                line, name, row[name], "a text without surrounding spaces, line breaks and control characters"
            )
    for name, is_valid, expected in RULES:
        if not is_valid(row):
            yield Problem(line, name, row[name], expected)


def plan() -> Plan:
    """Request the listing of the folder, then each file in it."""
    listing = yield Request(name=LISTING, url=ADDRESS, kind="json")
    for name in file_names(listing):
        yield Request(name=name, url=f"{ADDRESS}{name}", kind="csv", max_bytes=16 * MEBIBYTE)


def file_names(listing: Path) -> list[str]:
    """Return the file names in a listing.

    Raises SourceError if there are none, or if one is not a plain name of a CSV file.
    """
    names = read_json(listing, source=NAME, file=LISTING, address=ADDRESS)
    if not isinstance(names, list) or not names:
        raise SourceError(
            NAME,
            "the folder of curated figures has no CSV file",
            address=ADDRESS,
            remedy="Set WAREHOUSE_CURATED to a folder with CSV files; see `warehouse curated template`",
        )
    found: list[str] = []
    for name in names:
        if not isinstance(name, str) or not _FILE.fullmatch(name):
            raise SourceError(
                NAME,
                f"the file name {name!r} is not letters, digits, - and _ followed by .csv",
                address=ADDRESS,
                remedy="Rename the file",
            )
        found.append(str(name))
    return found


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Yield one batch for each file. Raises SourceError with the first problem of a file."""
    names = [name for name in files if name != LISTING]
    if not names:
        raise SourceError(NAME, "the pull has no files")
    for name in names:
        rows, problems = examine(files[name])
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise SourceError(
                NAME,
                f"{problems[0]}{more}",
                file=name,
                remedy=f"List all problems with: warehouse curated check {name}",
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
