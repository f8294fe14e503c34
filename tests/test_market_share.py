"""Constant-market-share effects against figures computed from the Atlas's file.

The Stata file is read with the standard library (its layout is that of test_atlas_services), and the effects
are computed as fractions. BaTiS is loaded for one reporter, so its rows must say what is missing.
"""

from __future__ import annotations

import csv
import io
import struct
import zipfile
from collections import defaultdict
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
from test_marts import raw_file, record, records

from warehouse.config import DBT_PROJECT_DIR

START = 109 + 7 + 7 * 33 + 2 * 8 + 7 * 49 + 7 * 33 + 7 * 81 + 5
ROW = struct.Struct("<ihi4d")
RESIDUALS = (914, 999)  # balancing entries
CHINA = 156
TWELVE = tuple(f"S{letter}" for letter in "ABCDEFGHIJKL")
CHANGE = (
    "select * from marts.mart_market_share_change where source = ? and reporter = ? and form = ?"
    " and first_year = ? and last_year = ?"
)
Exports = dict[tuple[int, int], Fraction]  # by country and product


@cache
def atlas(year: int) -> Exports:
    """Return the file's exports of a year in millions of US dollars; a zero stands for missing."""
    rows = ROW.iter_unpack(raw_file("services_unilateral_country_product_year_4.dta").read_bytes()[START:])
    return {
        (country, product): Fraction(repr(exports)) / 1_000_000
        for country, product, of_year, exports, *_ in rows
        if of_year == year and exports and country not in RESIDUALS
    }


def effects(country: int, first: int, last: int) -> tuple[Fraction, ...]:
    """Return change, world, item and competitiveness effect of a country."""
    earlier, later = atlas(first), atlas(last)
    world: dict[int, list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
    for (economy, product), value in earlier.items():
        if (economy, product) in later:
            world[product][0] += value
            world[product][1] += later[economy, product]
    own = {product: value for (economy, product), value in earlier.items() if economy == country}
    start = sum(own.values(), Fraction(0))
    end = sum((value for (economy, _), value in later.items() if economy == country), Fraction(0))
    whole = [sum((pair[side] for pair in world.values()), Fraction(0)) for side in (0, 1)]
    growth = whole[1] / whole[0] - 1
    by_item = sum(
        (value * (world[product][1] / world[product][0] - 1) for product, value in own.items()), Fraction(0)
    )
    change = end - start
    return change, start * growth, by_item - start * growth, change - by_item


def near(found: float | None, expected: Fraction) -> bool:
    return found == pytest.approx(float(expected), rel=1e-9, abs=1e-8)


def test_effects_of_china_by_hand(built: Path) -> None:
    """China from 2017 to 2022 in the Atlas, from the file's doubles.

    4001, 4002, 4003 and 4004 add up to 213 063.58 million in 2017 and to 372 495.31 in 2022, 159 431.73 more.
    The 163 economies that state an item in both years export 29.148218 % more, and
    0.29148218 x 213 063.58 = 62 104.24.
    """
    row = record(built, CHANGE, "atlas_services", "CHN", "items", 2017, 2022)
    own = {product: value for (country, product), value in atlas(2017).items() if country == CHINA}
    assert round(sum(own.values()), 2) == Fraction("213063.58")
    change, world, item, competitiveness = effects(CHINA, 2017, 2022)
    assert [round(float(effect), 2) for effect in (change, world, item, competitiveness)] == [
        *(159431.73, 62104.24, 10968.40, 86359.09)
    ]
    assert near(row["first_value_million"], Fraction(sum(own.values()))) and near(
        row["change_million"], change
    )
    assert near(row["world_effect_million"], world) and near(row["item_effect_million"], item)
    assert near(row["competitiveness_effect_million"], competitiveness)
    assert round(row["world_effect_pct"], 6) == 29.148218
    assert (row["items_counted"], row["last_items_counted"]) == (len(own), 4) == (4, 4)
    economies = {country for country, product in atlas(2017) if (country, product) in atlas(2022)}
    assert row["world_economies"] == len(economies) == 163
    assert row["world_basis"] == "sum of economies" and row["reason"] is None
    assert row["market_effect_million"] is None and row["market_effect_pct"] is None
    assert row["markets_counted"] is None and row["coverage_pct"] is None


@pytest.mark.parametrize(("first", "last"), [(1989, 1990), (1999, 2004), (2021, 2022)])
def test_every_economy_of_the_atlas_equals_fractions_computed_from_the_file(
    built: Path, first: int, last: int
) -> None:
    with (DBT_PROJECT_DIR / "seeds" / "economy_code.csv").open(encoding="utf-8", newline="") as seed:
        codes = {
            line["economy"]: int(line["code"]) for line in csv.DictReader(seed) if line["scheme"] == "atlas"
        }
    found = records(
        built,
        "select * from marts.mart_market_share_change"
        " where source = 'atlas_services' and first_year = ? and last_year = ?",
        first,
        last,
    )
    items = {
        year: {country for country, _ in atlas(year) if sum(cell[0] == country for cell in atlas(year)) > 1}
        for year in (first, last)
    }
    assert {codes[row["reporter"]] for row in found} == items[first] & items[last]
    assert len(found) > 100
    for row in found:
        names = ("change", "world_effect", "item_effect", "competitiveness_effect")
        expected = effects(codes[row["reporter"]], first, last)
        assert all(
            near(row[f"{name}_million"], effect) for name, effect in zip(names, expected, strict=True)
        ), (row, expected)


def test_effects_of_batis_are_missing_for_a_reason(built: Path) -> None:
    """BaTiS of China alone has value and coverage, as in the CSV; without imports of markets no effects."""
    with zipfile.ZipFile(raw_file("OECD-WTO_BATIS_BPM6_December2025_bulk.zip")) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".csv")]
        text = io.TextIOWrapper(archive.open(name), "utf-8-sig", newline="")
        lines = [line for line in csv.DictReader(text) if line["Flow"] == "EXP" and line["Year"] == "2010"]
    assert {line["Reporter"] for line in lines} == {"CHN"}
    cells = [
        (line["Partner"], Fraction(line["Balanced_value"]))
        for line in lines
        if line["Item_code"] in TWELVE and line["Partner"] not in ("W", "WXD") and line["Balanced_value"]
    ]
    (total,) = [
        Fraction(line["Balanced_value"])
        for line in lines
        if line["Item_code"] == "S" and line["Partner"] == "W"
    ]
    row = record(built, CHANGE, "batis", "CHN", "items and markets", 2010, 2015)
    value = sum((value for _, value in cells), Fraction(0))
    assert near(row["first_value_million"], value) and near(row["coverage_pct"], 100 * value / total)
    assert (row["items_counted"], row["markets_counted"]) == (12, len({cell[0] for cell in cells if cell[1]}))
    assert row["reason"] == (
        "imports from the world by the markets of 90 percent of the exports are not loaded"
    )
    assert row["growth_known_pct"] == 0
    effects_found = [value for name, value in row.items() if "_effect_" in name]
    assert effects_found == [None] * 8
    assert records(
        built,
        "select distinct source from marts.mart_market_share_change where reason is null order by source",
    ) == [{"source": "atlas_services"}]
