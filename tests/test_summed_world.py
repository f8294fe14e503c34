"""The Atlas's world against sums computed from its Stata file, which is read with the standard library.

No expected value is taken from the product's output.
"""

from __future__ import annotations

import csv
import struct
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from test_marts import PROJECT, close, raw_file, record, records

BALANCING_ENTRY = 914
ITEMS = range(4000, 4005)
RCA = (
    "select * from marts.mart_competitiveness where source = 'atlas_services' and reporter = ?"
    " and period_label = ? and service = ?"
)


class Line(NamedTuple):
    """A row of the file, in US dollars; `market_share` is the publisher's own share."""

    country: int
    product: int
    year: int
    exports: float
    imports: float
    market_share: float


@cache
def atlas() -> tuple[Line, ...]:
    """Read the Stata file: format 114, little-endian, of a long, an int, a long and four doubles a row."""
    data = raw_file("services_unilateral_country_product_year_4.dta").read_bytes()
    assert data[:3] == b"\x72\x02\x01"
    variables, rows = struct.unpack("<hi", data[4:10])
    assert data[109 : 109 + variables] == b"\xfd\xfc\xfd\xff\xff\xff\xff"
    at = 109 + variables * (1 + 33 + 49 + 33 + 81) + 2 * (variables + 1)
    kind = length = 1
    while kind or length:  # characteristics, up to an empty one
        kind, length = struct.unpack("<bi", data[at : at + 5])
        at += 5 + length
    return tuple(Line(*values[:6]) for values in struct.iter_unpack("<ihi4d", data[at : at + 42 * rows]))


@cache
def exports(year: int) -> dict[tuple[int, int], Fraction]:
    """Return the exports of a year by country and product; a zero means missing."""
    return {
        (line.country, line.product): Fraction(line.exports)
        for line in atlas()
        if line.year == year and line.exports
    }


def atlas_codes() -> dict[str, int]:
    """Return the Atlas's code of each economy."""
    with (PROJECT / "dbt_project" / "seeds" / "economy_code.csv").open(encoding="utf-8", newline="") as seed:
        return {
            line["economy"]: int(line["code"]) for line in csv.DictReader(seed) if line["scheme"] == "atlas"
        }


@cache
def world(year: int) -> dict[int, Fraction]:
    """Return the exports of all economies without the balancing entry, by product."""
    return {
        product: sum(
            value
            for (country, of), value in exports(year).items()
            if of == product and country != BALANCING_ENTRY
        )
        or Fraction(0)
        for product in ITEMS
    }


def test_balancing_entry_imports_what_the_economies_export() -> None:
    """Entry 914 imports the publisher's own sum of the economies' exports, in all years and products."""
    imports = {(line.product, line.year): line.imports for line in atlas() if line.country == BALANCING_ENTRY}
    assert len(imports) == 5 * 43
    for (product, year), value in imports.items():
        assert float(world(year)[product]) == pytest.approx(value, rel=1e-6), (product, year)


def test_market_share_of_the_publisher_counts_the_balancing_entry() -> None:
    """China's travel in 2019: 35831795712 of 1419187607035 and of 1347525623683 more, 1.295 %."""
    (line,) = (line for line in atlas() if (line.country, line.product, line.year) == (156, 4001, 2019))
    assert world(2019)[4001] == 1419187607035
    both = world(2019)[4001] + exports(2019)[BALANCING_ENTRY, 4001]
    assert line.market_share == pytest.approx(float(Fraction(line.exports) / both), rel=1e-6)
    assert round(100 * line.market_share, 3) == 1.295


@pytest.mark.parametrize(
    ("reporter", "country", "service", "rounded"),
    [
        ("CHN", 156, "ATLAS401", 0.6260),
        ("CHN", 156, "ATLAS404", 0.3239),
        ("GBR", 826, "ATLAS401", 0.5981),
        ("GBR", 826, "ATLAS404", 2.1544),
        ("CHN", 156, "ATLAS400", 0.0000),
    ],
)
def test_rca_of_2019_by_hand(built: Path, reporter: str, country: int, service: str, rounded: float) -> None:
    """Expected RCA, computed by hand from exports in US dollars.

    China, travel: (35831795712 / 244359164362) / (1419187607035 / 6058882359734) = 0.6260
    China, finance: (8707219456 / 244359164362) / (666599618394 / 6058882359734) = 0.3239
    United Kingdom, travel: (60511125504 / 431906123776) / (1419187607035 / 6058882359734) = 0.5981
    United Kingdom, finance: (102374252544 / 431906123776) / (666599618394 / 6058882359734) = 2.1544
    """
    product = int(service.removeprefix("ATLAS")) + 3600
    own = {item: exports(2019).get((country, item), Fraction(0)) for item in ITEMS}
    assert sum(world(2019).values()) == 6058882359734
    expected = own[product] / sum(own.values()) / (world(2019)[product] / sum(world(2019).values()))
    row = record(built, RCA, reporter, "2019", service)
    assert close(row["rca"], expected)
    assert round(row["rca"], 4) == rounded
    assert row["world_basis"] == "summed" and row["rca_reason"] is None


@cache
def imports(year: int) -> dict[tuple[int, int], Fraction]:
    """Return the imports of a year by country and product; a zero means missing."""
    return {
        (line.country, line.product): Fraction(line.imports)
        for line in atlas()
        if line.year == year and line.imports
    }


@pytest.mark.parametrize("year", [1980, 2019, 2022])
def test_michaely_index_is_of_the_wholes_of_rca(built: Path, year: int) -> None:
    """Share of the exports less share of the imports, each in the sum of the items, of every economy.

    Null where one of the four named products is missing in a flow, or an amount is missing or negative.
    """
    codes = atlas_codes()
    rows = records(
        built,
        "select * from marts.mart_competitiveness where source = 'atlas_services' and period_label = ?",
        str(year),
    )
    found = 0
    for row in rows:
        country, product = codes[row["reporter"]], int(row["service"].removeprefix("ATLAS")) + 3600
        shares = []
        for flow in (exports(year), imports(year)):
            own = {item: flow[country, item] for item in ITEMS if (country, item) in flow}
            is_whole = own.keys() >= {*range(4001, 4005)} and own.get(product, -1) >= 0
            shares.append(own[product] / sum(own.values()) if is_whole else None)
        if shares[0] is None or shares[1] is None:
            assert row["mi"] is None, row
        else:
            assert row["mi"] == pytest.approx(float(shares[0] - shares[1]), abs=1e-12), row
            found += 1
    assert found > 300


def test_china_in_travel_of_2019_by_hand(built: Path) -> None:
    """Travel in US dollars: 35831795712 / 244359164362 - 254620565504 / 505508177920 = -0.3571."""
    expected = Fraction(35831795712, 244359164362) - Fraction(254620565504, 505508177920)
    assert round(float(expected), 4) == -0.3571
    assert close(record(built, RCA, "CHN", "2019", "ATLAS401")["mi"], expected)


def test_economy_without_a_required_item_has_no_rca(built: Path) -> None:
    """An RCA exactly where the economy has exports of all four named products, and none is negative."""
    codes = atlas_codes()
    rows = records(
        built,
        "select * from marts.mart_competitiveness where source = 'atlas_services'"
        " and period_label in ('1980', '2001', '2022')",
    )
    assert len(rows) > 1500
    found = 0
    for row in rows:
        country, year = codes[row["reporter"]], int(row["period_label"])
        own = {item: exports(year).get((country, item)) for item in ITEMS}
        value = own[int(row["service"].removeprefix("ATLAS")) + 3600]
        is_whole = all(own[item] is not None for item in range(4001, 4005))
        expected = is_whole and value is not None and value >= 0 and country != BALANCING_ENTRY
        assert (row["rca"] is not None) == expected, row
        found += expected
    assert found > 1000


def test_balancing_entry_and_groups_have_no_rca(built: Path) -> None:
    rows = records(
        built,
        "select distinct world_basis, rca_reason from marts.mart_competitiveness"
        " where reporter = 'ATLAS_914'",
    )
    assert rows == [{"world_basis": None, "rca_reason": "only an economy is compared with a summed world"}]
