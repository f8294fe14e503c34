"""Curated figures far from their neighbours: a unit one step off, or a share typed as a fraction.

A figure is compared with the figures of the same area, measure, service, flow and currency of the nearest
periods, amounts at a yearly rate; with the sum and the balance of its flows; and a growth rate with the two
amounts it is of. `checked: <reason>` in the note of a figure confirms it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from warehouse.sources._curated_rules import span_of

MAX_RATIO = 5  # the smallest slip of a unit is 10; in the shipped figures neighbours differ by 2.7
NEIGHBOURS = 4
MAX_GROWTH_PERCENT = 100  # the largest in the shipped figures is 97.22
MAX_GROWTH_GAP = 20  # percentage points; revisions of the year before explain less
CONFIRM = "correct it, or confirm it with `checked: <reason>` in the note"
_CHECKED = re.compile("(^|[^A-Za-z0-9_])checked: *[^ ]")  # also in stg_curated
_STATUSES = ("stated", "unverified")


@dataclass(frozen=True)
class Doubt:
    """Why a figure is implausible; `column` is the column to look at."""

    line: int
    value: str
    reason: str

    def __str__(self) -> str:
        """Format the doubt for `warehouse curated check`."""
        return f"line {self.line}, value {self.value!r} is implausible: {self.reason}; {CONFIRM}"


@dataclass(frozen=True)
class _Figure:
    """A figure: where it is, its months counted from year 0, and its number in millions or percent."""

    file: str
    line: int
    row: Mapping[str, str]
    start: int
    end: int
    number: Decimal

    @property
    def months(self) -> int:
        return self.end - self.start + 1

    @property
    def rate(self) -> Decimal:
        """Return an amount by year, half of it for exports and imports together; a percentage as is."""
        if self.row["measure"] != "trade":
            return self.number
        return self.number * 12 / self.months / (2 if self.row["flow"] == "total" else 1)

    def cell(self, *, without: str = "") -> tuple[str, ...]:
        """Return what a figure is of, without its period and one further column."""
        names = ("area", "area_type", "measure", "service", "flow", "currency")
        return tuple(self.row[name] for name in names if name != without)

    def __str__(self) -> str:
        return (
            f"{self.row['value']} {self.row['unit']} of {self.row['period']} ({self.file} line {self.line})"
        )


def implausible(
    rows_by_file: Mapping[str, Iterable[tuple[int, Mapping[str, str]]]], units: Mapping[str, Decimal]
) -> dict[tuple[str, int], Doubt]:
    """Return the implausible figures of a folder that are not confirmed, by file and record number.

    `rows_by_file` are valid rows; `units` has the millions in one unit. Rows with another status than stated
    and unverified, and rows with an unknown unit, are left out.
    """
    figures = [
        figure
        for file, rows in rows_by_file.items()
        for line, row in rows
        if row["status"] in _STATUSES and (figure := _figure(file, line, row, units))
    ]
    found: dict[tuple[str, int], Doubt] = {}
    for check in (_far_from_neighbours, _wrong_percentages, _too_large_balances):
        for figure, reason in check([one for one in figures if (one.file, one.line) not in found]):
            if not _CHECKED.search(figure.row["note"]):
                found.setdefault((figure.file, figure.line), Doubt(figure.line, figure.row["value"], reason))
    return found


def _figure(file: str, line: int, row: Mapping[str, str], units: Mapping[str, Decimal]) -> _Figure | None:
    scale = units.get(row["unit"]) if row["measure"] == "trade" else Decimal(1)
    if scale is None:
        return None
    first, _, last = span_of(row["period"]).partition("/")
    start, end = _months(first)[0], _months(last or first)[1]
    return _Figure(file, line, row, start, end, Decimal(row["value"]) * scale)


def _months(period: str) -> tuple[int, int]:
    """Return the first and last month of 2021, 2021-Q3 or 2021-08, counted from year 0."""
    year, _, part = period.partition("-")
    start = int(year) * 12
    if part.startswith("Q"):
        start += 3 * (int(part[1]) - 1)
        return start, start + 2
    return (start + int(part) - 1,) * 2 if part else (start, start + 11)


def _far_from_neighbours(figures: list[_Figure]) -> Iterator[tuple[_Figure, str]]:
    """Yield amounts and shares from which most neighbours differ by `MAX_RATIO` or more.

    With fewer than two neighbours, a total of services is compared with its other flows too.
    """
    by_cell, by_area = defaultdict(list), defaultdict(list)
    for figure in figures:
        if figure.row["measure"] != "growth" and figure.row["flow"] != "balance" and figure.number:
            by_cell[figure.cell()].append(figure)
            by_area[figure.cell(without="flow")].append(figure)
    for series in by_cell.values():
        for figure in series:
            neighbours = _nearest(figure, series)
            if len(neighbours) < 2 and figure.row["service"] == "S" and figure.row["measure"] == "trade":
                others = [one for one in by_area[figure.cell(without="flow")] if one not in series]
                neighbours += _nearest(figure, others)
            far = [one for one in neighbours if not 1 / MAX_RATIO < figure.rate / one.rate < MAX_RATIO]
            if 2 * len(far) > len(neighbours):
                ratio = figure.rate / far[0].rate
                times = f"{ratio:.1f} times" if ratio > 1 else f"1/{1 / ratio:.1f} of"
                a_year = ", by year" if figure.row["measure"] == "trade" else ""
                yield figure, f"it is {times} {far[0]}{a_year}"


def _nearest(figure: _Figure, others: list[_Figure]) -> list[_Figure]:
    """Return the other figures with the nearest periods."""

    def distance(other: _Figure) -> int:
        return abs(other.start + other.end - figure.start - figure.end)

    return sorted((one for one in others if one is not figure), key=distance)[:NEIGHBOURS]


def _wrong_percentages(figures: list[_Figure]) -> Iterator[tuple[_Figure, str]]:
    """Yield shares and growth rates that look like fractions, and growth rates that their amounts exclude."""
    amounts = {
        (one.cell(without="measure"), one.start, one.end): one
        for one in figures
        if one.row["measure"] == "trade"
    }
    for figure in figures:
        value, measure = figure.number, figure.row["measure"]
        is_like_fraction = 0 < abs(value) < 1 and len(figure.row["value"].partition(".")[2]) >= 2
        if measure == "share" and not 0 <= value <= 100:
            yield figure, "a share is from 0 to 100 percent"
        elif measure == "share" and 0 < value < 1:
            yield figure, "a share below 1 percent is often a fraction, 0.445 for 44.5"
        elif measure == "growth" and figure.row["flow"] != "balance":
            if value < -100:
                yield figure, "an amount can't shrink by more than 100 percent"
                continue
            key = figure.cell(without="measure")
            now = amounts.get((key, figure.start, figure.end))
            before = amounts.get((key, figure.start - 12, figure.end - 12))
            if now and before and before.number and figure.months <= 12:
                computed = 100 * (now.number / before.number - 1)
                # 0.161 is within the gap of 16.1, so a fraction is found by the rate that it would be.
                is_fraction = is_like_fraction and abs(computed - 100 * value) < abs(computed - value)
                if is_fraction or abs(computed - value) > MAX_GROWTH_GAP:
                    yield figure, f"{now} is {computed:.1f} percent above {before}"
            elif is_like_fraction:
                yield (
                    figure,
                    "a growth rate below 1 with two decimals is often a fraction, 0.161 for 16.1",
                )
            elif value > MAX_GROWTH_PERCENT:
                yield figure, f"a growth rate above {MAX_GROWTH_PERCENT} percent is rare"


def _too_large_balances(figures: list[_Figure]) -> Iterator[tuple[_Figure, str]]:
    """Yield balances that are larger than exports or imports of the same area and period."""
    flows = defaultdict(list)
    for figure in figures:
        if figure.row["measure"] == "trade" and figure.row["flow"] != "balance":
            flows[(figure.cell(without="flow"), figure.start, figure.end)].append(figure)
    for figure in figures:
        if figure.row["measure"] == "trade" and figure.row["flow"] == "balance":
            others = flows[(figure.cell(without="flow"), figure.start, figure.end)]
            largest = max(others, key=lambda one: one.number, default=None)
            if largest and abs(figure.number) > largest.number:
                yield figure, f"the balance is larger than {largest}, which is {largest.row['flow']}"
