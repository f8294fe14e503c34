"""The marts of vintages against figures computed from the World Bank's files of two editions.

Figures are read from `warehouse/sample/night-1` and `night-2` with the standard library, as fractions.
"""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.config import SAMPLE_DIR

FIRST, SECOND = "2022-09-16", "2024-07-12"
NIGHTS = {FIRST: "night-1", SECOND: "night-2"}
TOTALS = {"BX": "BX.GSR.NFSV.CD", "BM": "BM.GSR.NFSV.CD", "TX": "BX.GSR.NFSV.CD", "TM": "BM.GSR.NFSV.CD"}
PARTS = ("BX.GSR.ROYL.CD", "BM.GSR.ROYL.CD", "TX.VAL.SERV.CD.WT", "TM.VAL.SERV.CD.WT")


@cache
def published(indicator: str, vintage: str) -> dict[int, Fraction]:
    """Return the figures of China by year, in dollars or percent as printed."""
    file = SAMPLE_DIR / NIGHTS[vintage] / "api.worldbank.org/v2/country/all/indicator" / f"{indicator}.json"
    _, entries = json.loads(file.read_text(encoding="utf-8"), parse_float=str, parse_int=str)
    return {
        int(entry["date"]): Fraction(entry["value"])
        for entry in entries
        if entry["value"] is not None and entry["countryiso3code"] == "CHN"
    }


@cache
def indicators() -> tuple[str, ...]:
    return tuple(
        sorted(path.stem for path in (SAMPLE_DIR / "night-1").rglob("*.json") if path.stem != "index")
    )


def is_amount(indicator: str) -> bool:
    return ".CD" in indicator


def growth_of(indicator: str, year: int, vintage: str) -> Fraction | None:
    figures = published(indicator, vintage)
    if not is_amount(indicator) or year not in figures or figures.get(year - 1, 0) <= 0:
        return None
    return (figures[year] - figures[year - 1]) / figures[year - 1] * 100


def share_of(indicator: str, year: int, vintage: str) -> Fraction | None:
    total = published(TOTALS[indicator[:2]], vintage).get(year) if indicator in PARTS else None
    return published(indicator, vintage)[year] / total * 100 if total else None


def records(built: Path, query: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(built), read_only=True) as db:
        result = db.execute(query)
        names = [name for name, *_ in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def close(found: float | None, expected: Fraction | None) -> bool:
    if found is None or expected is None:
        return found is None and expected is None
    return found == pytest.approx(float(expected), rel=1e-9, abs=1e-9)


def test_each_vintage_says_what_its_file_says(built: Path) -> None:
    """A figure has two rows where the files differ in its value, the year before, or its total."""
    expected = {}
    for indicator in indicators():
        first, second = published(indicator, FIRST), published(indicator, SECOND)
        for year in first.keys() | second.keys():
            bases = [published(indicator, vintage).get(year - 1) for vintage in NIGHTS]
            is_revised = first.get(year) != second.get(year) or (
                is_amount(indicator) and bases[0] != bases[1]
            )
            if indicator in PARTS:
                totals = [published(TOTALS[indicator[:2]], vintage).get(year) for vintage in NIGHTS]
                is_revised = is_revised or totals[0] != totals[1]
            for vintage in NIGHTS:
                if is_revised and year in published(indicator, vintage):
                    expected[indicator, year, vintage] = published(indicator, vintage)[year]
    found = {
        (row["indicator"], int(row["period_label"]), row["vintage"]): row
        for row in records(built, "select * from marts.mart_vintage where source = 'worldbank_wdi'")
    }
    assert found.keys() == expected.keys()
    assert len(found) == 332, "143 figures changed: 286 rows; 22 are new and 24 were withdrawn"
    for cell, row in found.items():
        indicator, year, vintage = cell
        scale = Fraction(1, 1_000_000) if is_amount(indicator) else 1
        assert close(row["value"], expected[cell] * scale), cell
        assert close(row["growth_pct"], growth_of(*cell)), cell
        assert close(row["share_pct"], share_of(*cell)), cell
        assert row["age_days"] == (date.fromisoformat(vintage) - date(year, 12, 31)).days
        assert row["is_first"] == (vintage == FIRST or year not in published(indicator, FIRST))
        assert row["is_latest"] == (vintage == SECOND)
        assert row["vintage_number"] == list(NIGHTS).index(vintage) + 1


@pytest.mark.parametrize(
    ("indicator", "vintage", "value", "growth", "share"),
    [
        # 338440775474.07 after 228883364676.79 dollars; the year before was not revised
        ("BX.GSR.NFSV.CD", FIRST, 338440.77547407, 47.8660434549, None),
        ("BX.GSR.NFSV.CD", SECOND, 339393.21019559, 48.2821657550, None),
        # 17734062645371.4 after 14687673892882, then 17820459508852.2 after 14687744162801: both were revised
        ("NY.GDP.MKTP.CD", FIRST, 17734062.6453714, 20.7411246649, None),
        ("NY.GDP.MKTP.CD", SECOND, 17820459.5088522, 21.3287711940, None),
        # 46848669192.85 of 438357268882.14, then 46894697500.69 of 440604863617.54 dollars
        ("BM.GSR.ROYL.CD", FIRST, 46848.66919285, 23.7070489989, 10.6873257314),
        ("BM.GSR.ROYL.CD", SECOND, 46894.69750069, 23.8285898288, 10.6432546195),
    ],
)
def test_growth_and_share_are_of_one_vintage(
    indicator: str, vintage: str, value: float, growth: float, share: float | None, built: Path
) -> None:
    [row] = records(
        built,
        "select value, growth_pct, share_pct from marts.mart_vintage "
        f"where indicator = '{indicator}' and period_label = '2021' and vintage = '{vintage}'",
    )
    assert row["value"] == value
    assert row["growth_pct"] == pytest.approx(growth, rel=1e-10)
    assert row["share_pct"] == (None if share is None else pytest.approx(share, rel=1e-10))


def test_any_vintage_is_the_rows_in_force(built: Path) -> None:
    """The condition of the description finds what core has: the latest figures of all revised cells."""
    latest = records(
        built,
        "select count(*) as n from marts.mart_vintage where source = 'worldbank_wdi' "
        f"and vintage <= '{SECOND}' and (until_vintage is null or '{SECOND}' < until_vintage)",
    )
    assert latest == [{"n": 143 + 22}]
    between = records(
        built,
        "select count(*) as n from marts.mart_vintage where source = 'worldbank_wdi' "
        "and vintage <= '2023-01-01' and (until_vintage is null or '2023-01-01' < until_vintage)",
    )
    assert between == [{"n": 143 + 24}]


@pytest.mark.parametrize("day", ["2022-09-16", "2023-06-01", "2024-07-11", "2024-07-12"])
def test_rows_in_force_are_the_as_of_values(day: str, built: Path) -> None:
    """core.services_trade_as_of undoes the revisions of a day by itself, without the spans of the mart."""
    in_force = (
        "select indicator, service, flow, period_label, value from marts.mart_vintage "
        f"where source = 'worldbank_wdi' and service not in ('G', 'GS') and vintage <= '{day}' "
        f"and (until_vintage is null or until_vintage > '{day}') order by all"
    )
    as_of = (
        "select indicator, service, flow, period_label, cast(value_million as double) as value "
        f"from core.services_trade_as_of(date '{day}') where source = 'worldbank_wdi' "
        "and (indicator, period_label) in (select (indicator, period_label) from marts.mart_vintage) "
        "order by all"
    )
    found = records(built, in_force)
    assert len(found) == (12 if day == SECOND else 6 + 24), "2021 of 6 series, 2022, 24 withdrawn"
    assert found == records(built, as_of)


@pytest.mark.parametrize("measure", ["level", "growth"])
def test_bias_of_old_figures_of_gdp(measure: str, built: Path) -> None:
    """GDP of 1960 to 2015, six years or more before 2022-09-16: level in percent, growth in points."""
    revisions = []
    for year in range(1960, 2016):
        if measure == "level":
            old, new = (published("NY.GDP.MKTP.CD", vintage)[year] for vintage in NIGHTS)
            revisions.append((new - old) / old * 100)
        elif year > 1960:
            old_rate, new_rate = (growth_of("NY.GDP.MKTP.CD", year, vintage) for vintage in NIGHTS)
            assert old_rate is not None and new_rate is not None
            revisions.append(new_rate - old_rate)
    changed = [revision for revision in revisions if revision]
    [row] = records(
        built,
        "select * from marts.mart_revision_bias where indicator = 'NY.GDP.MKTP.CD' "
        f"and measure = '{measure}' and age_class = 'over 5'",
    )
    assert row["revised_count"] == len(changed) == (56 if measure == "level" else 55)
    assert row["figure_count"] == (56 if measure == "level" else None)
    assert row["mean_revision"] == pytest.approx(float(sum(changed) / len(changed)), rel=1e-9)
    assert row["mean_absolute_revision"] == pytest.approx(
        float(sum(map(abs, changed)) / len(changed)), rel=1e-9
    )
    upward = sum(revision > 0 for revision in changed)
    assert row["upward_pct"] == pytest.approx(100 * upward / len(changed))


def test_unrevised_figures_are_the_base_of_a_bias(built: Path) -> None:
    # of the editions' common years only 2021 differs; 1982 to 2015 are 34 figures over 5 years old
    first, second = (published("BX.GSR.NFSV.CD", vintage) for vintage in NIGHTS)
    assert [year for year in first if first[year] != second[year]] == [2021]
    assert len([year for year in first if year <= 2015]) == 34
    found = records(
        built,
        "select age_class, figure_count, revised_count, mean_revision from marts.mart_revision_bias "
        "where indicator = 'BX.GSR.NFSV.CD' and measure = 'level' order by age_from_years",
    )
    assert [tuple(row.values())[:3] for row in found] == [
        ("under 1", 1, 1),
        ("1", 1, 0),
        ("2", 1, 0),
        ("3 to 5", 3, 0),
        ("over 5", 34, 0),
    ]
    # 339393210195.59 over 338440775474.07
    assert found[0]["mean_revision"] == pytest.approx(0.281418431389, rel=1e-10)
