"""The marts of partners, groups, mirrors and regions against figures computed from the raw files.

BaTiS and ONS are read from the sample with the standard library and added as fractions; members of
groups are listed. No expected value is taken from the product's output.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from warehouse.config import DBT_PROJECT_DIR, SAMPLE_DIR

MARTS = DBT_PROJECT_DIR / "models" / "marts"
COLUMNS = {
    "mart_trade_partner": (
        "source, vintage, reporter, partner, partner_name_en, partner_name_zh, frequency, period_label, "
        "currency, value_type, service, flow, value_million, share_pct, growth_pct, partner_rank"
    ),
    "mart_trade_partner_group": (
        "source, vintage, reporter, group_code, group_name_en, group_name_zh, frequency, period_label, "
        "currency, value_type, service, flow, members_counted, members_expected, value_million, "
        "share_pct, growth_pct"
    ),
    "mart_mirror": (
        "reporter, partner, frequency, period_label, service, flow, reporter_source, reporter_vintage, "
        "reporter_value_type, reporter_currency, reporter_value_million, partner_source, "
        "partner_vintage, partner_value_type, partner_currency, partner_value_million, "
        "difference_million, asymmetry_index, reason"
    ),
    "mart_trade_regional": (
        "source, vintage, region, region_name_en, region_name_zh, region_type, period_label, flow, "
        "currency, value_million, share_pct, published_share_pct, growth_pct, published_growth_pct, "
        "services_value_added_share_pct, members_counted, members_expected, basis"
    ),
}
FLOWS = {"exports": "EXP", "imports": "IMP"}


@cache
def batis() -> dict[tuple[str, str, str], Fraction]:
    """China's balanced total services by partner, flow and year, as printed."""
    (path,) = SAMPLE_DIR.rglob("OECD-WTO_BATIS*.zip")
    with zipfile.ZipFile(path) as opened:
        (name,) = opened.namelist()
        text = opened.read(name).decode("utf-8-sig")
    return {
        (row["Partner"], row["Flow"], row["Year"]): Fraction(row["Balanced_value"])
        for row in csv.DictReader(io.StringIO(text))
        if row["Reporter"] == "CHN" and row["Item_code"] == "S" and row["Balanced_value"]
    }


def fetch_rows(built: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(built), read_only=True) as db:
        return db.execute(query, list(values)).fetchall()


def partner_row(built: Path, partner: str, flow: str, year: str) -> tuple[Any, ...]:
    (row,) = fetch_rows(
        built,
        "select value_million, share_pct, growth_pct, partner_rank from marts.mart_trade_partner"
        " where source = 'batis' and reporter = 'CHN' and partner = ? and flow = ? and period_label = ?"
        " and service = 'S' and value_type = 'balanced'",
        partner,
        flow,
        year,
    )
    return row


@pytest.mark.parametrize("mart", COLUMNS)
def test_marts_have_the_documented_columns_in_order(built: Path, mart: str) -> None:
    found = fetch_rows(
        built,
        "select column_name from duckdb_columns() where schema_name = 'marts'"
        " and table_name = ? order by column_index",
        mart,
    )
    assert ", ".join(name for (name,) in found) == COLUMNS[mart]


@pytest.mark.parametrize("mart", COLUMNS)
def test_every_figure_can_be_traced_to_core(built: Path, mart: str) -> None:
    (model,) = yaml.safe_load((MARTS / f"{mart}.yml").read_text("utf-8"))["models"]
    rule, *_ = model["config"]["meta"]["trace"]
    match = " and ".join(f"core.{key} = mart.{key}" for key in rule["keys"])
    value = "reporter_value_million" if mart == "mart_mirror" else "value_million"
    where = re.sub(r"\$(\w+)", r"mart.\1", rule.get("where", "true"))
    ((rows, lost),) = fetch_rows(
        built,
        f"select count(*), count(*) filter (where not exists ("
        f" select 1 from core.{rule['model']} as core where {match} and ({where})))"
        f" from (select * from marts.{mart} where {value} is not null "
        " using sample 200 rows (reservoir, 1)) as mart",
    )
    assert rows > 0
    assert lost == 0


# --- partners -------------------------------------------------------------------------------------


def test_chinas_world_and_the_united_states_by_hand(built: Path) -> None:
    # The digits of the recorded file. The printed figures, 251 327, 408 159 and 70 983, are of another
    # edition: the file differs from them by less than 0.01 %.
    worlds = fetch_rows(
        built,
        "select flow, value_million from core.fct_services_trade where source = 'batis' and reporter = 'CHN'"
        " and service = 'S' and value_type = 'balanced' and period_label = '2019' order by flow",
    )
    assert [(flow, str(value.normalize())) for flow, value in worlds] == [
        ("exports", "251329.113707"),
        ("imports", "408156.617802"),
    ]
    value, share, growth, rank = partner_row(built, "USA", "imports", "2019")
    assert value == 70976.738259
    assert share == pytest.approx(17.389584, abs=1e-6)
    assert growth == pytest.approx(
        float(100 * (batis()["USA", "IMP", "2019"] / batis()["USA", "IMP", "2018"] - 1)), abs=1e-9
    )
    assert rank == 1
    for found, printed in ((251329.113707, 251327), (408156.617802, 408159), (70976.738259, 70983)):
        assert abs(found / printed - 1) < 0.0001


@pytest.mark.parametrize("flow", FLOWS)
def test_partners_are_ranked_by_value(built: Path, flow: str) -> None:
    figures = {
        partner: value
        for (partner, code, year), value in batis().items()
        if code == FLOWS[flow] and year == "2019" and partner not in ("W", "WXD")
    }
    order = sorted(figures, key=lambda partner: -figures[partner])
    assert order[:3] == {"exports": ["HKG", "USA", "KOR"], "imports": ["USA", "HKG", "JPN"]}[flow]
    for rank_by_hand, partner in enumerate(order[:20], 1):
        value, share, _, rank = partner_row(built, partner, flow, "2019")
        assert (value, rank) == (float(figures[partner]), rank_by_hand)
        assert share == pytest.approx(float(100 * figures[partner] / batis()["W", FLOWS[flow], "2019"]))


def test_groups_and_residuals_have_no_rank(built: Path) -> None:
    assert fetch_rows(
        built,
        "select count(*) filter (where partner_rank is not null), count(*) > 0 from marts.mart_trade_partner"
        " join core.dim_economy on partner = economy where economy_type in ('group', 'residual', 'world')",
    ) == [(0, True)]


def test_united_kingdoms_trade_with_china_by_hand(built: Path) -> None:
    assert fetch_rows(
        built,
        "select flow, value_million, currency from marts.mart_trade_partner where source = 'ons_services'"
        " and partner = 'CHN' and period_label = '2021' and service = 'S' order by flow",
    ) == [("exports", 8168.0, "GBP"), ("imports", 2498.0, "GBP")]


# --- groups ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize(
    ("group", "year", "members"),
    [
        ("BRICS", "2019", ["BRA", "RUS", "IND", "ZAF"]),
        ("BRICS", "2011", ["BRA", "RUS", "IND", "ZAF"]),
        ("BRICS", "2010", ["BRA", "RUS", "IND"]),
        ("ASEAN", "2019", ["BRN", "IDN", "KHM", "LAO", "MMR", "MYS", "PHL", "SGP", "THA", "VNM"]),
        ("CPTPP", "2018", ["AUS", "CAN", "JPN", "MEX", "NZL", "SGP"]),
    ],
)
def test_group_is_the_sum_of_its_members_of_that_year(
    built: Path, group: str, year: str, members: list[str], flow: str
) -> None:
    total = sum(batis()[member, FLOWS[flow], year] for member in members)
    (row,) = fetch_rows(
        built,
        "select members_counted, members_expected, value_million, share_pct from"
        " marts.mart_trade_partner_group"
        " where source = 'batis' and reporter = 'CHN' and group_code = ? and flow = ? and period_label = ?"
        " and service = 'S' and value_type = 'balanced'",
        group,
        flow,
        year,
    )
    assert row[:2] == (len(members), len(members))
    assert row[2] == float(total)
    assert row[3] == pytest.approx(float(100 * total / batis()["W", FLOWS[flow], year]))


def test_growth_of_group_is_null_when_members_change(built: Path) -> None:
    found = dict(
        fetch_rows(
            built,
            "select period_label, growth_pct from marts.mart_trade_partner_group where source = 'batis'"
            " and reporter = 'CHN' and group_code = 'BRICS' and flow = 'exports' and service = 'S'",
        )
    )
    four = ["BRA", "RUS", "IND", "ZAF"]
    grown = sum(batis()[member, "EXP", "2012"] for member in four) / sum(
        batis()[member, "EXP", "2011"] for member in four
    )
    assert found["2011"] is None  # South Africa joined
    assert found["2012"] == pytest.approx(float(100 * (grown - 1)))


# --- mirrors --------------------------------------------------------------------------------------


def test_pounds_and_dollars_are_separate_rows(built: Path) -> None:
    assert fetch_rows(
        built,
        "select reporter_value_million, reporter_currency, partner_value_million, partner_currency,"
        " partner_value_type, difference_million, asymmetry_index, reason from marts.mart_mirror"
        " where reporter = 'GBR' and partner = 'CHN' and reporter_source = 'ons_services'"
        " and partner_source = 'batis'"
        " and period_label = '2019' and service = 'S' and flow = 'exports'",
    ) == [(8590.0, "GBP", 13612.949825, "USD", "balanced", None, None, "currencies differ")]


def test_asymmetry_within_a_currency_by_hand(built: Path) -> None:
    # The United States' agencies publish exports of 54.2 billion to China in 2016.
    stated, mirrored = Fraction(54200), batis()["USA", "IMP", "2016"]
    (row,) = fetch_rows(
        built,
        "select reporter_value_million, partner_value_million, difference_million, asymmetry_index, reason"
        " from marts.mart_mirror where reporter = 'USA' and partner = 'CHN' and reporter_source = 'curated'"
        " and partner_source = 'batis' and period_label = '2016' and service = 'S' and flow = 'exports'",
    )
    assert row[:2] == (54200.0, float(mirrored))
    assert row[2] == pytest.approx(float(stated - mirrored))
    assert row[3] == pytest.approx(float((mirrored - stated) / ((mirrored + stated) / 2)))
    assert row[4] is None


# --- regions --------------------------------------------------------------------------------------


def test_published_regions_are_unchanged(built: Path) -> None:
    assert dict(
        fetch_rows(
            built,
            "select region, value_million from marts.mart_trade_regional where source = 'curated'"
            " and period_label = '2018-01/2018-07' and flow = 'total' and basis = 'published'"
            " and region_type = 'nbs_region'",
        )
    ) == {"NBS_EAST": 2483580.0, "NBS_WEST": 198840.0, "NBS_CENTRAL": 159220.0, "NBS_NORTHEAST": 107150.0}


def test_share_of_a_province_is_of_the_printed_total_of_the_country(built: Path) -> None:
    """Lines of the curated files: Beijing 2017, 1 trillion yuan, 21 percent; China 2017, 4 699.11 billion.

    1000 / 4699.11 = 21.280625 %. Hainan, January to June 2021: 13.67 of 2377.44 billion, up by 81.23 percent.
    """
    found = {
        (region, period): tuple(figures)
        for region, period, *figures in fetch_rows(
            built,
            "select region, period_label, share_pct, published_share_pct, published_growth_pct"
            " from marts.mart_trade_regional where flow = 'total'",
        )
    }
    share, printed, growth = found["110000", "2017"]
    assert round(share, 2) == 21.28 and share == pytest.approx(100 * 1000 / 4699.11, rel=1e-14)
    assert (printed, growth) == (21, None)
    share, printed, growth = found["460000", "2021-01/2021-06"]
    assert share == pytest.approx(100 * 13.67 / 2377.44, rel=1e-14)
    assert (printed, growth) == (None, 81.23)
    assert found["NBS_EAST", "2018-01/2018-07"] == (None, 84.2, 12.9)


def test_belt_without_all_its_provinces_has_no_sum(built: Path) -> None:
    assert fetch_rows(
        built,
        "select value_million, members_counted, members_expected, basis from marts.mart_trade_regional"
        " where source = 'curated' and region = 'BTH' and period_label = '2023' and flow = 'total'",
    ) == [(None, 1, 3, "incomplete")]
