"""The columns of a file of curated figures, the rules of each, and the problems of a file by line and column.

The rules need no other file, except those on units and currencies: `Vocabulary` has the areas, services and
units of the seeds.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from warehouse.config import SEEDS_DIR

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
STATUSES = ("stated", "unverified", "contradicted", "undated")
PRINTED = ("rounded", "about", "more than", "less than")  # also in stg_curated
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
_PRINTED = re.compile(r"\bprinted: *(?P<word>[^;]*)")
_WHOLE_YEAR = re.compile(rf"(?P<year>{_YEAR})-01(?:/|\.\.)(?P=year)-12", re.ASCII)
SAVE_AS = 'in Excel, save the file as "CSV UTF-8 (Comma delimited)"'
_GBK = ", text in GBK as Excel on a Chinese Windows saves it"
_CP1252 = ", text in another encoding, such as Windows-1252 of Excel in Europe"
_HAN = re.compile("[\u4e00-\u9fff]{2}")
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class Vocabulary:
    """What the seeds know: currencies by area and area type, services, and the millions in a unit."""

    areas: Mapping[tuple[str, str], tuple[str, ...]]
    services: frozenset[str]
    units: Mapping[str, Decimal]


def read_vocabulary(seeds: Path = SEEDS_DIR) -> Vocabulary:
    """Return the areas, services and units of the seeds `curated_*.csv`."""

    def lines(name: str) -> Iterator[dict[str, str]]:
        with (seeds / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            header, *records = csv.reader(file)
        yield from (dict(zip(header, record, strict=True)) for record in records)

    areas = {
        (line["area"], line["area_type"]): tuple(line["currencies"].split()) for line in lines("curated_area")
    }
    services = frozenset(line["service"] for line in lines("curated_service"))
    return Vocabulary(
        areas, services, {line["unit"]: Decimal(line["millions"]) for line in lines("curated_unit")}
    )


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


def is_printed_word_known(note: str) -> bool:
    """Return whether a note says at most once, and in a known word, how the page prints an inexact figure."""
    words = [found["word"].strip() for found in _PRINTED.finditer(note)]
    return not words or (len(words) == 1 and words[0] in PRINTED and f"printed: {words[0]}" in note)


def span_of(period: str) -> str:
    """Return a period with `/` for `..`, and January to December as the year."""
    whole = _WHOLE_YEAR.fullmatch(period)
    return whole["year"] if whole else period.replace("..", "/")


Rule = tuple[str, Callable[[Mapping[str, str]], bool], str]
RULES: tuple[Rule, ...] = (
    (
        "period",
        lambda row: is_period(row["period"]),
        "2021, 2021-Q3, 2021-08, 2018-01/2018-07 (or 2018-01..2018-07), or 2016/2020; "
        "if Excel made a date of it, format the column as text and enter it again",
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
        "a plain decimal number such as 1234.5 in the digits 0 to 9, with - as the minus sign, without "
        "thousands commas, spaces, plus sign or words",
    ),
    (
        "value",
        lambda row: not row["value"].startswith("-") or row["measure"] != "trade" or row["flow"] == "balance",
        "an amount that is not negative (only a balance or a growth rate may be negative)",
    ),
    (
        "unit",
        lambda row: (row["unit"] == "percent") == (row["measure"] != "trade") and bool(row["unit"]),
        "a unit of amounts such as million, 100 million or 亿 for trade, percent for growth and share",
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
    (
        "note",
        lambda row: is_printed_word_known(row["note"]),
        f"after `printed:` {one_of(PRINTED)}, then a semicolon or the end of the note",
    ),
)


def examine(
    path: Path,
    vocabulary: Vocabulary | None = None,
    seen: MutableMapping[tuple[str, ...], str] | None = None,
) -> tuple[list[tuple[int, dict[str, str]]], list[Problem]]:
    """Return the rows of a file with their record numbers, and all problems in it.

    Empty rows, and empty columns behind the last one, are ignored. With `vocabulary` the units and currencies
    are checked too. `seen` has the keys of the figures of the files before, and receives those of this one.
    """
    text, problem = _decode(path.read_bytes())
    if problem:
        return [], [problem]
    rows: list[tuple[int, dict[str, str]]] = []
    problems: list[Problem] = []
    seen = {} if seen is None else seen
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            line = reader.line_num
            values = _without_empty_end(cells)
            if number == 1:
                if tuple(values) != COLUMNS:
                    return [], [_header_problem(line, text)]
                continue
            if not any(values):
                continue
            if len(values) != len(COLUMNS):
                problems.append(
                    Problem(line, "", f"{len(values)} values", f"{len(COLUMNS)} values, one for each column")
                )
                continue
            row = dict(zip(COLUMNS, values, strict=True))
            rows.append((number, row))
            problems += _row_problems(line, row)
            if vocabulary:
                problems += _vocabulary_problems(line, row, vocabulary)
            key = tuple(row[name] for name in KEY)
            if key in seen:
                repeated = f"the same figure as {seen[key].removeprefix(f'{path.name} ')}"
                problems.append(Problem(line, "", repeated, f"one row for each {', '.join(KEY)}"))
            seen.setdefault(key, f"{path.name} line {line}")
    except csv.Error as error:
        problems.append(
            Problem(reader.line_num, "", str(error), "comma-separated values, quoted as in RFC 4180")
        )
    if not rows and not problems:
        problems.append(Problem(max(number, 1), "", "no figure", "a header and at least one row"))
    return rows, problems


def unknown_codes(rows: Iterable[tuple[int, Mapping[str, str]]], vocabulary: Vocabulary) -> Iterator[Problem]:
    """Yield the areas and services that no seed has, each once, with the line to add.

    Such figures land and are held out of the tables (core.held_row) until the seed has the line.
    """
    found: set[tuple[str, ...]] = set()
    for line, row in rows:
        area, service = (row["area"], row["area_type"]), (row["service"],)
        if area not in vocabulary.areas and area not in found:
            line_to_add = (
                f"{_quoted(row['area'])},{row['area_type']},<reporter>,<partner>,<region>,<currencies>"
            )
            expected = f"an area of dbt_project/seeds/curated_area.csv: add {line_to_add},,<source_url>"
            yield Problem(line, "area", row["area"], expected)
        if service[0] not in vocabulary.services and service not in found:
            expected = "a service of dbt_project/seeds/curated_service.csv: add "
            yield Problem(
                line, "service", service[0], f"{expected}{service[0]},<code of services.csv>,,<source_url>"
            )
        found |= {area, service}


def not_ended(rows: Iterable[tuple[int, Mapping[str, str]]], today: date) -> Iterator[Problem]:
    """Yield the periods that have not ended on a day: a year typed wrong, a part of a year, or a forecast.

    Such figures land and are held out of the tables (core.held_row).
    """
    for line, row in rows:
        start, _, end = span_of(row["period"]).partition("/")
        year, _, part = (end or start).partition("-")
        month = f"{3 * int(part[1]):02}" if part.startswith("Q") else part or "12"
        if row["status"] in ("stated", "unverified") and f"{year}-{month}" >= f"{today:%Y-%m}":
            expected = f"a period that ended before {today}: the figure is held out of the tables until then"
            yield Problem(line, "period", row["period"], expected)


def _decode(data: bytes) -> tuple[str, Problem | None]:
    """Return the text of a file, or the problem with its encoding."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "", Problem(1, "", "text in UTF-16", f"text in UTF-8: {SAVE_AS}")
    try:
        return data.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"byte {data[error.start]:#x}{_GBK if _is_gbk(data) else _CP1252}"
        return "", Problem(line, "", found, f"text in UTF-8: {SAVE_AS}")


def _is_gbk(data: bytes) -> bool:
    """Return whether bytes are GBK: Chinese of GB 2312 alone, or with words of two characters.

    An accented letter of Windows-1252 and the letter after it are one character of GBK too.
    """
    try:
        data.decode("gb2312")
    except UnicodeDecodeError:
        try:
            return _HAN.search(data.decode("gb18030")) is not None
        except UnicodeDecodeError:
            return False
    return True


def _without_empty_end(cells: list[str]) -> list[str]:
    """Return a record without the empty or blank columns behind the last one, which Excel adds."""
    return cells if any(cell.strip() for cell in cells[len(COLUMNS) :]) else cells[: len(COLUMNS)]


def _header_problem(line: int, text: str) -> Problem:
    """Return the problem of a first line that is not the header, with its separator if it is no comma."""
    header = text.splitlines()[0]
    for separator, name in _SEPARATORS.items():
        if separator in header and "," not in header:
            expected = (
                f"commas between the columns: {SAVE_AS}, or set the list separator of Windows to a comma"
            )
            return Problem(line, "", f"header {header}, with {name} between the columns", expected)
    return Problem(line, "", f"header {header}", ",".join(COLUMNS))


def _quoted(text: str) -> str:
    return f'"{text}"' if "," in text else text


def _row_problems(line: int, row: Mapping[str, str]) -> Iterator[Problem]:
    for name in COLUMNS:
        if row[name] != row[name].strip() or not all(letter.isprintable() for letter in row[name]):
            yield Problem(
                line,
                name,
                row[name],
                "a text without surrounding spaces, non-breaking spaces, line breaks and control characters",
            )
    for name, is_valid, expected in RULES:
        if not is_valid(row):
            yield Problem(line, name, row[name], expected)


def _vocabulary_problems(line: int, row: Mapping[str, str], vocabulary: Vocabulary) -> Iterator[Problem]:
    """Yield an unknown unit, and a currency in which the area states no figures."""
    is_amount = row["measure"] == "trade" and row["unit"] not in ("", "percent")  # problems by RULES
    if is_amount and row["unit"] not in vocabulary.units:
        expected = f"{one_of(tuple(vocabulary.units))}; or add {row['unit']},<millions>,<source_url> to "
        yield Problem(line, "unit", row["unit"], f"{expected}dbt_project/seeds/curated_unit.csv")
    currencies = vocabulary.areas.get((row["area"], row["area_type"]), ())
    is_code = _CURRENCY.fullmatch(row["currency"])  # otherwise it is a problem by RULES
    if currencies and is_code and row["currency"] not in currencies:
        expected = f"{' or '.join(currencies)}, the ISO 4217 codes in dbt_project/seeds/curated_area.csv for"
        yield Problem(line, "currency", row["currency"], f"{expected} {row['area']}, {row['area_type']}")
