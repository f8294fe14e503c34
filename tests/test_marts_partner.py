"""The marts of partners, groups, mirrors and regions against figures computed from the raw files.

BaTiS and ONS are read from the sample with the standard library and added as fractions; members of
groups are listed. No expected value is taken from the product's output.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from decimal import Decimal
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
        "source, source_name, vintage, reporter, reporter_name_en, reporter_name_zh, reporter_type, "
        "partner, partner_name_en, partner_name_zh, partner_type, frequency, period_start, period_end, "
        "period_label, currency, value_type, service, service_name_en, service_name_zh, service_level, "
        "is_main_item, flow, status, value_million, share_pct, growth_pct, is_small_base, "
        "growth_contribution_pp, total_million, is_total_published, balance_million, is_balance_published, "
        "partner_rank, partners_counted, partners_share_pct"
    ),
    "mart_trade_partner_group": (
        "source, source_name, vintage, reporter, reporter_name_en, reporter_name_zh, reporter_type, "
        "group_code, group_name_en, group_name_zh, composition, is_before_founding, frequency, "
        "period_start, period_end, period_label, currency, value_type, service, service_name_en, "
        "service_name_zh, service_level, is_main_item, flow, status, members_counted, members_expected, "
        "coverage_pct, is_complete, value_million, share_pct, growth_pct, is_small_base"
    ),
    "mart_mirror": (
        "reporter, reporter_name_en, reporter_name_zh, reporter_type, partner, partner_name_en, "
        "partner_name_zh, partner_type, frequency, period_start, period_end, period_label, service, "
        "service_name_en, service_name_zh, service_level, is_main_item, flow, reporter_source, "
        "reporter_source_name, reporter_vintage, reporter_value_type, reporter_currency, "
        "reporter_value_million, reporter_status, partner_source, partner_source_name, partner_vintage, "
        "partner_value_type, partner_currency, partner_value_million, partner_status, is_same_value_type, "
        "difference_million, asymmetry_index, reason, reporter_value_usd_million, "
        "partner_value_usd_million, difference_usd_million, asymmetry_index_usd, usd_reason, "
        "reporter_rate_per_usd, reporter_rate_source, reporter_rate_vintage, "
        "partner_rate_per_usd, partner_rate_source, partner_rate_vintage"
    ),
    "mart_trade_regional": (
        "source, source_name, vintage, reporter, reporter_name_en, reporter_name_zh, region, region_name_en, "
        "region_name_zh, region_type, frequency, "
        "period_start, period_end, period_label, flow, currency, value_type, status, value_million, "
        "share_pct, share_reason, published_share_pct, growth_pct, published_growth_pct, "
        "services_value_added_share_pct, value_added_reason, members_counted, members_expected, basis"
    ),
}
FLOWS = {"exports": "EXP", "imports": "IMP"}
OF_PERIOD, FIXED = "as of the period", "fixed 2024"
ASEAN = ["BRN", "IDN", "KHM", "LAO", "MMR", "MYS", "PHL", "SGP", "THA", "VNM"]


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


@cache
def construction_with_uk() -> tuple[Fraction, Fraction]:
    """China's exports of construction to the United Kingdom in 2019 as printed: in `batis`, in `batis_sdmx`.

    The second file states them as the United Kingdom's imports; both values are balanced.
    """
    (path,) = SAMPLE_DIR.rglob("OECD-WTO_BATIS*.zip")
    with zipfile.ZipFile(path) as opened:
        (name,) = opened.namelist()
        bulk = opened.read(name).decode("utf-8-sig")
    (older,) = (
        Fraction(row["Balanced_value"])
        for row in csv.DictReader(io.StringIO(bulk))
        if (row["Reporter"], row["Partner"], row["Flow"]) == ("CHN", "GBR", "EXP")
        and (row["Item_code"], row["Year"]) == ("SE", "2019")
    )
    (path,) = SAMPLE_DIR.rglob("batis.csv")
    with path.open(encoding="utf-8", newline="") as opened:
        (newer,) = (
            Fraction(row["OBS_VALUE"])
            for row in csv.DictReader(opened)
            if (row["REF_AREA"], row["COUNTERPART_AREA"], row["TRADE_FLOW"]) == ("GBR", "CHN", "M")
            and (row["SERVICE"], row["TIME_PERIOD"], row["ADJUSTMENT"]) == ("SE", "2019", "B")
        )
    return older, newer


@cache
def ons(service_code: str, year: str) -> dict[tuple[str, str], Fraction]:
    """Return the United Kingdom's trade of a year by flow and partner code, as printed, without the "C"."""
    (path,) = SAMPLE_DIR.rglob("service_trade.csv")
    with path.open(encoding="utf-8-sig", newline="") as opened:
        return {
            (row["Direction"].lower(), row["Country code"]): Fraction(row[year])
            for row in csv.DictReader(opened)
            if row["Service type code"] == service_code and re.fullmatch(r"-?\d+", row[year])
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


def test_single_partners_have_no_rank(built: Path) -> None:
    """The agencies' pages name one partner, China, and no world: the United States 54.2 billion in 2016."""
    assert fetch_rows(
        built,
        "select count(*) > 20, count(partner_rank), count(partners_share_pct), max(partners_counted)"
        " from marts.mart_trade_partner where source = 'curated' and flow <> 'balance'",
    ) == [(True, 0, 0, 1)]
    assert fetch_rows(
        built,
        "select value_million, share_pct, partner_rank from marts.mart_trade_partner where source = 'curated'"
        " and reporter = 'USA' and partner = 'CHN' and period_label = '2016' and flow = 'exports'"
        " and service = 'S'",
    ) == [(54200.0, None, None)]


def test_ranks_need_four_fifths_of_the_world(built: Path) -> None:
    """ONS names 67 economies: 291 090 of 327 295 million of exports in 2019, 88.94 %.

    The codes of economies have two letters, but CS, Serbia and Montenegro, which is a group.
    """
    printed = ons("0", "2019")
    named = {
        partner: value
        for (flow, partner), value in printed.items()
        if flow == "exports" and re.fullmatch("[A-Z]{2}", partner) and partner != "CS"
    }
    whole = printed["exports", "W1"]
    assert (len(named), sum(named.values()), whole) == (67, 291090, 327295)
    rows = fetch_rows(
        built,
        "select iso2, value_million, share_pct, partner_rank, partners_counted, partners_share_pct"
        " from marts.mart_trade_partner join core.dim_economy on partner = economy"
        " where source = 'ons_services' and period_label = '2019' and service = 'S' and flow = 'exports'"
        " and economy_type = 'economy' order by partner_rank",
    )
    largest = sorted(named.values(), reverse=True)
    assert len(rows) == 67
    for iso2, value, share, rank, counted, covered in rows:
        assert (value, rank) == (named[iso2], 1 + largest.index(named[iso2]))
        assert share == pytest.approx(float(100 * named[iso2] / whole))
        assert (counted, covered) == (67, pytest.approx(float(Fraction(29109000, 327295))))
    assert rows[0][0] == "US"


def test_ranks_are_null_where_partners_are_suppressed(built: Path) -> None:
    """Of manufacturing services ONS names economies with less than four fifths: the rest is suppressed."""
    rows = fetch_rows(
        built,
        "select flow, period_label, count(*), count(partner_rank), count(share_pct), min(partners_share_pct)"
        " from marts.mart_trade_partner where source = 'ons_services' and service = 'SA' and frequency = 'A'"
        " and partners_share_pct < 80 group by all",
    )
    assert rows
    for flow, year, count, ranks, shares, covered in rows:
        printed = ons("1", year)
        named = sum(
            value
            for (of_flow, partner), value in printed.items()
            if of_flow == flow and re.fullmatch("[A-Z]{2}", partner) and partner != "CS"
        )
        assert covered == pytest.approx(float(100 * named / printed[flow, "W1"]))
        assert (ranks, shares) == (0, count)


def test_growth_from_small_bases_is_marked(built: Path) -> None:
    """Pakistan's transport services to the United Kingdom, 8 million in 2020 and 431 in 2021: 5 287.5 %."""
    growth = (
        "select growth_pct, is_small_base from marts.mart_trade_partner where source = 'ons_services'"
        " and partner = ? and service = ? and flow = ? and period_label = ?"
    )
    assert (ons("3", "2020")["imports", "PK"], ons("3", "2021")["imports", "PK"]) == (8, 431)
    assert fetch_rows(built, growth, "PAK", "SC", "imports", "2021") == [(5287.5, True)]
    assert ons("0", "2020")["exports", "CN"] > 1000
    assert [marked for _, marked in fetch_rows(built, growth, "CHN", "S", "exports", "2021")] == [False]
    steep = fetch_rows(
        built,
        "select partner, flow, period_label, is_small_base from marts.mart_trade_partner"
        " where source = 'batis' and service = 'S' and growth_pct > 1000",
    )
    assert len(steep) == 13
    for partner, flow, year, marked in steep:
        assert marked == (batis()[partner, FLOWS[flow], str(int(year) - 1)] < 10)
    assert fetch_rows(
        built,
        "select count(*) from (select growth_pct, is_small_base from marts.mart_trade_partner union all"
        " select growth_pct, is_small_base from marts.mart_trade_partner_group)"
        " where (growth_pct is null) <> (is_small_base is null)",
    ) == [(0,)]


# --- groups ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize(
    ("group", "composition", "year", "members"),
    [
        ("BRICS", OF_PERIOD, "2019", ["BRA", "RUS", "IND", "ZAF"]),
        ("BRICS", OF_PERIOD, "2011", ["BRA", "RUS", "IND", "ZAF"]),
        ("BRICS", OF_PERIOD, "2010", ["BRA", "RUS", "IND"]),
        ("ASEAN", OF_PERIOD, "2019", ASEAN),
        ("CPTPP", OF_PERIOD, "2018", ["AUS", "CAN", "JPN", "MEX", "NZL", "SGP"]),
        ("BRICS", FIXED, "2005", ["BRA", "RUS", "IND", "ZAF", "EGY", "ETH", "IRN", "ARE"]),
        ("BRICS", FIXED, "2019", ["BRA", "RUS", "IND", "ZAF", "EGY", "ETH", "IRN", "ARE"]),
        ("ASEAN", FIXED, "2019", ASEAN),
        ("RCEP", FIXED, "2005", [*ASEAN, "AUS", "JPN", "KOR", "NZL"]),
        ("DEPA", FIXED, "2012", ["CHL", "KOR", "NZL", "SGP"]),
    ],
)
def test_group_is_the_sum_of_its_members(
    built: Path, group: str, composition: str, year: str, members: list[str], flow: str
) -> None:
    total = sum(batis()[member, FLOWS[flow], year] for member in members)
    (row,) = fetch_rows(
        built,
        "select members_counted, members_expected, coverage_pct, is_complete, value_million, share_pct"
        " from marts.mart_trade_partner_group"
        " where source = 'batis' and reporter = 'CHN' and group_code = ? and flow = ? and period_label = ?"
        " and service = 'S' and value_type = 'balanced' and composition = ?",
        group,
        flow,
        year,
        composition,
    )
    assert row[:4] == (len(members), len(members), 100, True)
    assert row[4] == float(total)
    assert row[5] == pytest.approx(float(100 * total / batis()["W", FLOWS[flow], year]))


def test_growth_of_group_is_null_when_members_change(built: Path) -> None:
    found = {
        (composition, year): growth
        for composition, year, growth in fetch_rows(
            built,
            "select composition, period_label, growth_pct from marts.mart_trade_partner_group"
            " where source = 'batis' and reporter = 'CHN' and group_code = 'BRICS' and flow = 'exports'"
            " and service = 'S'",
        )
    }
    four = ["BRA", "RUS", "IND", "ZAF"]
    eight = [*four, "EGY", "ETH", "IRN", "ARE"]

    def growth_of(members: list[str], year: int) -> float:
        now, before = (sum(batis()[member, "EXP", str(of)] for member in members) for of in (year, year - 1))
        return float(100 * (now / before - 1))

    assert found[OF_PERIOD, "2011"] is None  # South Africa joined
    assert found[OF_PERIOD, "2012"] == pytest.approx(growth_of(four, 2012))
    assert found[FIXED, "2011"] == pytest.approx(growth_of(eight, 2011))
    assert found[FIXED, "2012"] == pytest.approx(growth_of(eight, 2012))


def test_group_of_which_china_alone_is_named_is_no_whole(built: Path) -> None:
    """The United States' agencies name China only: 54.2 billion is not its trade with BRICS or RCEP."""
    rows = fetch_rows(
        built,
        "select group_code, composition, members_counted, members_expected, is_complete, value_million,"
        " share_pct, growth_pct from marts.mart_trade_partner_group where source = 'curated'"
        " and reporter = 'USA' and period_label = '2016' and flow = 'exports' order by all",
    )
    assert rows == [
        ("BRICS", OF_PERIOD, 1, 5, False, 54200.0, None, None),
        ("BRICS", FIXED, 1, 9, False, 54200.0, None, None),
        ("BRIMOU", OF_PERIOD, 1, 36, False, 54200.0, None, None),
        ("BRIMOU", FIXED, 1, 150, False, 54200.0, None, None),
        ("G20", OF_PERIOD, 1, 18, False, 54200.0, None, None),
        ("G20", FIXED, 1, 18, False, 54200.0, None, None),
        ("RCEP", FIXED, 1, 15, False, 54200.0, None, None),
    ]
    assert fetch_rows(
        built,
        "select count(share_pct), count(growth_pct) from marts.mart_trade_partner_group"
        " where source = 'curated'",
    ) == [(0, 0)]


def test_partial_group_has_a_sum_and_no_share(built: Path) -> None:
    """Five of ASEAN's ten members are in ONS's list: 9 753 million of exports in 2019. BRICS is complete."""
    printed = ons("0", "2019")
    five = sum(printed["exports", member] for member in ("ID", "MY", "PH", "SG", "TH"))
    brics = sum(printed["exports", member] for member in ("BR", "RU", "IN", "CN", "ZA"))
    assert five == 9753 and ("exports", "VN") not in printed
    of_group = (
        "select value_million, members_counted, members_expected, coverage_pct, is_complete, share_pct"
        " from marts.mart_trade_partner_group where source = 'ons_services' and group_code = ?"
        " and period_label = '2019' and service = 'S' and flow = 'exports' and composition = ?"
    )
    assert fetch_rows(built, of_group, "ASEAN", OF_PERIOD) == [(9753.0, 5, 10, 50.0, False, None)]
    (row,) = fetch_rows(built, of_group, "BRICS", OF_PERIOD)
    assert row[:5] == (float(brics), 5, 5, 100.0, True)
    assert row[5] == pytest.approx(float(100 * brics / printed["exports", "W1"]))
    # Egypt and Iran are in the list too, Ethiopia and the United Arab Emirates are not: 7 of 9.
    (row,) = fetch_rows(built, of_group, "BRICS", FIXED)
    assert row[1:3] == (7, 9) and row[5] is None
    assert row[0] == float(brics + printed["exports", "EG"] + printed["exports", "IR"])


def test_partial_groups_print_a_share_from_ninety_percent_of_their_members_on(built: Path) -> None:
    """Of 20 413 sums over ONS's partners 16 439 lack a member: the same counts as in release 0.2."""
    (row,) = fetch_rows(
        built,
        "select count(*), count(*) filter (where not is_complete),"
        " count(*) filter (where coverage_pct < 90 and (share_pct is not null or growth_pct is not null)),"
        " min(coverage_pct) filter (where share_pct is not null) >= 90"
        " from marts.mart_trade_partner_group where source = 'ons_services' and composition = ?",
        OF_PERIOD,
    )
    assert row == (20413, 16439, 0, True)


@pytest.mark.parametrize("group", ["BRI65", "BRIMOU"])
def test_belt_and_road_begins_with_the_initiative(built: Path, group: str) -> None:
    rows = fetch_rows(
        built,
        "select composition, period_label, is_before_founding from marts.mart_trade_partner_group"
        " where source = 'batis' and group_code = ? and flow = 'exports' and service = 'S' order by all",
        group,
    )
    assert [row for row in rows if row[0] == OF_PERIOD] == [
        (OF_PERIOD, str(year), False) for year in range(2013, 2020)
    ]
    assert [row for row in rows if row[0] == FIXED] == [
        (FIXED, str(year), year < 2013) for year in range(2005, 2020)
    ]


# --- mirrors --------------------------------------------------------------------------------------


def test_two_editions_of_batis_are_side_by_side(built: Path) -> None:
    older, newer = construction_with_uk()
    assert (older, newer) == (Fraction("73.416110"), Fraction("118.508120"))
    assert fetch_rows(
        built,
        "select source, vintage, reporter, partner, flow, value_type, value_million, status"
        " from core.fct_bilateral_services_trade where service = 'SE' and period_label = '2019'"
        " and value_type = 'balanced' and ((reporter = 'CHN' and partner = 'GBR' and flow = 'exports')"
        " or (reporter = 'GBR' and partner = 'CHN' and flow = 'imports')) order by source",
    ) == [
        ("batis", "2021-01-01", "CHN", "GBR", "exports", "balanced", Decimal("73.416110"), None),
        ("batis_sdmx", "2025-12-31", "GBR", "CHN", "imports", "balanced", Decimal("118.508120"), "I"),
    ]
    assert fetch_rows(
        built,
        "select source, value_million from marts.mart_trade_partner where service = 'SE'"
        " and reporter = 'CHN' and partner = 'GBR' and flow = 'imports' and period_label = '2019' order by 1",
    ) == [("batis", 66.595056), ("batis_sdmx", 54.784679)]


def test_two_editions_of_batis_are_no_mirror(built: Path) -> None:
    """Both values are balanced: the difference is that of the editions, not of what two economies state."""
    pairs = fetch_rows(
        built,
        "select reporter_source, partner_source, count(*) from marts.mart_mirror"
        " where 'batis_sdmx' in (reporter_source, partner_source) group by all order by all",
    )
    # the ONS's exports of SE, SI and SJ3 to China and India from 2016 on; one of them is printed as ".."
    mirrored = sum(
        ("exports", partner) in ons(code, str(year))
        for partner in ("CN", "IN")
        for code in ("5", "9", "10.3")
        for year in range(2016, 2022)
    )
    assert mirrored == 35
    assert pairs == [("batis_sdmx", "ons_services", mirrored), ("ons_services", "batis_sdmx", mirrored)]
    assert fetch_rows(
        built,
        "select count(*) from marts.mart_mirror"
        " where reporter_value_type = 'balanced' and partner_value_type = 'balanced'",
    ) == [(0,)]


def test_pounds_and_dollars_are_separate_rows(built: Path) -> None:
    assert fetch_rows(
        built,
        "select reporter_value_million, reporter_currency, partner_value_million, partner_currency,"
        " partner_value_type, difference_million, asymmetry_index, reason from marts.mart_mirror"
        " where reporter = 'GBR' and partner = 'CHN' and reporter_source = 'ons_services'"
        " and partner_source = 'batis'"
        " and period_label = '2019' and service = 'S' and flow = 'exports'",
    ) == [(8590.0, "GBP", 13612.949825, "USD", "balanced", None, None, "currencies differ")]
    assert fetch_rows(
        built,
        "select reporter_value_usd_million, partner_value_usd_million, difference_usd_million,"
        " asymmetry_index_usd, usd_reason from marts.mart_mirror"
        " where reporter = 'GBR' and partner = 'CHN' and reporter_source = 'ons_services'"
        " and partner_source = 'batis'"
        " and period_label = '2019' and service = 'S' and flow = 'exports'",
    ) == [(None, 13612.949825, None, None, "no exchange rate for GBP")]


def test_indices_of_unlike_kinds_are_marked(built: Path) -> None:
    """In the sample each index is of a reported figure and one that BaTiS balanced; dollars need no rate."""
    assert fetch_rows(
        built,
        "select is_same_value_type, count(*), count(asymmetry_index_usd), usd_reason, count(*) filter (where"
        " asymmetry_index_usd = asymmetry_index and difference_usd_million = difference_million)"
        " from marts.mart_mirror where reason is null group by all",
    ) == [(False, 8, 8, None, 8)]
    assert fetch_rows(
        built,
        "select distinct is_same_value_type, reporter_value_type < partner_value_type from marts.mart_mirror"
        " where reporter_source = 'batis'",
    ) == [(False, True)]


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
