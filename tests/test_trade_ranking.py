"""Rankings of economies against figures computed from UNCTAD's CSV and the Atlas's Stata file.

Both files are read with the standard library and divided as fractions. No expected value is taken from the
product's output.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import pytest
from test_marts import close, record, records, reporter_of_economy, unctad
from test_summed_world import BALANCING_ENTRY, exports, world

from warehouse.config import PROJECT_ROOT

sys.path.insert(0, str(PROJECT_ROOT / "docs"))
import mart_pages

COLUMNS = (
    "source, vintage, reporter, frequency, period_start, period_end, period_label, currency, value_type, "
    "source_name, reporter_name_en, reporter_name_zh, reporter_type, service, service_name_en, "
    "service_name_zh, service_level, is_main_item, flow, status, value_million, world_million, world_basis, "
    "world_share_pct, world_rank, economies_ranked, rank_change, cumulative_share_pct, coverage_pct, "
    "hhi_economies"
)
RANKED = (
    "select * from marts.mart_trade_ranking where source = ? and reporter = ? and period_label = ?"
    " and service = ? and flow = ?"
)


def test_mart_has_the_documented_columns_in_order(built: Path) -> None:
    found = records(
        built,
        "select column_name from information_schema.columns"
        " where table_schema = 'marts' and table_name = 'mart_trade_ranking' order by ordinal_position",
    )
    assert [row["column_name"] for row in found] == COLUMNS.split(", ")


def test_unctad_exports_of_2023_by_hand(built: Path) -> None:
    """All economies of 2023: rank, share, cumulative share and concentration by fractions from the CSV."""
    services = unctad("US_TradeServCatTotal")
    reporters = reporter_of_economy(built)
    own = {
        reporters[economy]: cell.exports
        for (economy, year), cell in services.items()
        if year == "2023" and economy != "0000" and cell.exports is not None
    }
    before = {
        reporters[economy]: cell.exports
        for (economy, year), cell in services.items()
        if year == "2022" and economy != "0000" and cell.exports is not None
    }
    whole = services["0000", "2023"].exports
    assert whole is not None and len(own) > 180
    concentration = sum((value / sum(own.values())) ** 2 for value in own.values())
    rows = {
        row["reporter"]: row
        for row in records(
            built,
            "select * from marts.mart_trade_ranking where source = 'unctad_services'"
            " and period_label = '2023' and flow = 'exports'",
        )
    }
    assert rows.keys() == own.keys()
    for reporter, value in own.items():
        row = rows[reporter]
        rank = 1 + sum(other > value for other in own.values())
        assert row["world_rank"] == rank
        assert row["economies_ranked"] == len(own)
        assert row["rank_change"] == change_of(reporter, before, own), reporter
        assert close(row["world_share_pct"], 100 * value / whole)
        held = sum(other for other in own.values() if other >= value)
        assert close(row["cumulative_share_pct"], 100 * held / whole)
        assert close(row["coverage_pct"], 100 * sum(own.values()) / whole)
        assert row["hhi_economies"] == pytest.approx(float(concentration), rel=1e-12)
        assert row["world_basis"] == "stated"


def change_of(reporter: str, before: dict[str, Fraction], own: dict[str, Fraction]) -> int | None:
    """Return the places that an economy gained among the economies of both years, null if it is in one."""
    if reporter not in before or reporter not in own:
        return None
    both = before.keys() & own.keys()
    earlier, later = (sum(year[other] > year[reporter] for other in both) for year in (before, own))
    return earlier - later


def test_an_economy_that_was_missing_takes_no_place(built: Path) -> None:
    """UNCTAD has no Netherlands in 2005, which are 5th in 2006: China is 8th after 7th, and lost no place."""
    services = unctad("US_TradeServCatTotal")
    reporters = reporter_of_economy(built)
    before, own = (
        {
            reporters[economy]: cell.exports + cell.imports
            for (economy, of), cell in services.items()
            if of == year and economy != "0000" and cell.exports is not None and cell.imports is not None
        }
        for year in ("2005", "2006")
    )
    assert "NLD" not in before and "NLD" in own
    rows = {
        row["reporter"]: row
        for row in records(
            built,
            "select reporter, world_rank, rank_change from marts.mart_trade_ranking"
            " where source = 'unctad_services' and period_label = '2006' and flow = 'total'",
        )
    }
    assert rows.keys() == own.keys()
    assert {reporter: row["rank_change"] for reporter, row in rows.items()} == {
        reporter: change_of(reporter, before, own) for reporter in own
    }
    assert (rows["CHN"]["world_rank"], rows["CHN"]["rank_change"]) == (8, 0)
    assert (rows["NLD"]["world_rank"], rows["NLD"]["rank_change"]) == (5, None)


def test_question_of_the_rank_counts_the_economies_of_both_years(built: Path) -> None:
    _, sql = mart_pages.read_question(mart_pages.QUESTIONS / "03_rank_by_year.sql")
    found = {row["year"]: row for row in records(built, sql)}
    assert (found["2006"]["world_rank"], found["2006"]["places_gained"]) == (8, 0)
    assert found["2005"]["world_rank"] == 7


def test_china_in_unctad_by_hand(built: Path) -> None:
    """China in 2021: exports 394272.573 of 6407102.088, 6.153680 %; imports 426997.952."""
    row = record(built, RANKED, "unctad_services", "CHN", "2021", "S", "exports")
    assert (row["value_million"], row["world_million"]) == (394272.573, 6407102.088)
    assert round(row["world_share_pct"], 6) == 6.153680
    totals = record(built, RANKED, "unctad_services", "CHN", "2021", "S", "total")
    assert totals["value_million"] == 821270.525


@pytest.mark.parametrize(("service", "product"), [("ATLAS401", 4001), ("ATLAS404", 4004)])
def test_atlas_exports_of_2019_by_hand(built: Path, service: str, product: int) -> None:
    """Ranks and shares in the sum of the economies, without the balancing entry."""
    own = {
        country: value
        for (country, of), value in exports(2019).items()
        if of == product and country != BALANCING_ENTRY
    }
    rows = records(
        built,
        "select * from marts.mart_trade_ranking where source = 'atlas_services' and period_label = '2019'"
        " and flow = 'exports' and service = ? order by world_rank, reporter",
        service,
    )
    values = sorted(own.values(), reverse=True)
    assert len(rows) == len(values) > 160
    held = Fraction(0)
    for rank, (row, value) in enumerate(zip(rows, values, strict=True), start=1):
        held += value
        assert row["world_rank"] == rank, "no two economies have the same exports"
        assert close(row["value_million"], value / 1_000_000)
        assert close(row["world_share_pct"], 100 * value / world(2019)[product])
        assert close(row["cumulative_share_pct"], 100 * held / world(2019)[product])
        assert row["world_basis"] == "summed" and row["coverage_pct"] is None
    (china,) = (row for row in rows if row["reporter"] == "CHN")
    assert close(china["value_million"], own[156] / 1_000_000)
    assert rows[0]["reporter"] == "USA"


def test_unspecified_services_and_single_publishers_are_not_ranked(built: Path) -> None:
    """Of ATLAS400 about 30 economies have exports; the WTO's recorded file has six economies."""
    assert 20 < sum(of == 4000 for _, of in exports(2019)) < 50
    found = records(built, "select distinct source, service from marts.mart_trade_ranking order by all")
    assert [(row["source"], row["service"]) for row in found] == [
        ("atlas_services", "ATLAS401"),
        ("atlas_services", "ATLAS402"),
        ("atlas_services", "ATLAS403"),
        ("atlas_services", "ATLAS404"),
        ("data360_digital", "DDS"),
        ("unctad_services", "S"),
    ]
