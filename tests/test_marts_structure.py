"""Advantage, digital groups and reconciliation against figures computed from the raw files.

UNCTAD's CSV, the World Bank's JSON and BaTiS' CSV are read with the standard library and divided as
fractions. SAFE's figures are those of core, which test_safe_bop compares with the workbook's cells. No
expected value is taken from the product's output.
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

import pytest
import yaml
from test_marts import close, raw_file, record, records, reporter_of_economy, unctad, world_bank

MARTS = Path(__file__).resolve().parent.parent / "dbt_project" / "models" / "marts"

COLUMNS = {
    "mart_competitiveness": (
        "source, vintage, reporter, frequency, period_start, period_end, period_label, currency, "
        "value_type, source_name, reporter_name_en, reporter_name_zh, reporter_type, service, "
        "service_name_en, service_name_zh, service_level, is_main_item, exports_status, imports_status, rca, "
        "rsca, world_basis, rca_reason, tc, mi, hhi_services, hhi_partners"
    ),
    "mart_digital_trade": (
        "source, vintage, reporter, reporter_name_en, reporter_name_zh, reporter_type, frequency, "
        "period_start, period_end, period_label, currency, value_type, source_name, status, group_service, "
        "group_name_en, group_name_zh, definition, definition_source_url, flow, value_million, "
        "is_published, services_million, services_source, services_vintage, share_of_services_pct, "
        "share_reason, world_share_pct, world_rank, growth_pct, is_small_base"
    ),
    "mart_reconciliation": (
        "source_a, source_a_name, vintage_a, value_type_a, source_b, source_b_name, vintage_b, "
        "value_type_b, is_same_value_type, concept_a, concept_b, is_same_concept, reporter, "
        "reporter_name_en, reporter_name_zh, reporter_type, partner, service, service_name_en, "
        "service_name_zh, service_level, is_main_item, flow, frequency, period_start, period_end, "
        "period_label, currency, value_a_million, status_a, value_b_million, status_b, difference_million, "
        "difference_pct, "
        "tolerance_million, is_apart, break_year, break_reason, gap_at_break_million, "
        "mean_gap_since_break_million, value_a_usd_million, value_b_usd_million, difference_usd_million, "
        "usd_reason, rate_per_usd, rate_source, rate_vintage"
    ),
}

TWELVE = ["SA", "SB", "SC", "SD", "SE", "SF", "SG", "SH", "SI", "SJ", "SK", "SL"]
COMPETITIVENESS = (
    "select * from marts.mart_competitiveness"
    " where source = ? and reporter = ? and period_label = ?"
    " and currency = 'USD' and value_type = ? and service = ?"
)


@pytest.mark.parametrize("mart", sorted(COLUMNS))
def test_marts_have_the_documented_columns_in_order(built: Path, mart: str) -> None:
    found = records(
        built,
        "select column_name, data_type from information_schema.columns"
        " where table_schema = 'marts' and table_name = ? order by ordinal_position",
        mart,
    )
    assert [row["column_name"] for row in found] == COLUMNS[mart].split(", ")
    (model,) = yaml.safe_load((MARTS / f"{mart}.yml").read_text("utf-8"))["models"]
    assert model["config"]["contract"] == {"enforced": True}
    assert re.search(r"One row per [^.]+\.$", model["description"].strip()), "the grain ends the description"
    assert [column["name"] for column in model["columns"]] == COLUMNS[mart].split(", ")
    assert [column["name"] for column in model["columns"] if not column["description"].strip()] == []


def test_every_measure_has_a_formula_and_a_reference() -> None:
    text = (MARTS / "measures_structure.md").read_text("utf-8")
    blocks = dict(re.findall(r"{% docs (\w+) %}(.*?){% enddocs %}", text, re.DOTALL))
    assert len(blocks) >= 11
    assert [
        name for name in sorted(blocks) if name != "break_year" and "Reference:" not in blocks[name]
    ] == []


@pytest.mark.parametrize("mart", ["mart_competitiveness", "mart_digital_trade"])
def test_every_row_can_be_traced_to_its_core_rows(built: Path, mart: str) -> None:
    (model,) = yaml.safe_load((MARTS / f"{mart}.yml").read_text("utf-8"))["models"]
    trace, *_ = model["config"]["meta"]["trace"]
    keys = " and ".join(f"core.{key} = mart.{key}" for key in trace["keys"])
    where = re.sub(r"\$(\w+)", r"mart.\1", trace.get("where", "true"))
    found = record(
        built,
        f"select (select count(*) from marts.{mart}) as all_rows, (select count(*) from marts.{mart} as mart"
        f" where exists (select 1 from core.{trace['model']} as core "
        f"where {keys} and ({where}))) as led",
    )
    assert found["led"] == found["all_rows"] > 0


# --- advantage ------------------------------------------------------------------------------------


def test_china_in_unctad_by_hand(built: Path) -> None:
    """Expected RCA of all services and TC of 2021, computed by hand.

    RCA = (394272.573 / 3710294.673) / (6407102.088 / 28697090.868) = 0.475953
    TC = (394272.573 - 426997.952) / (394272.573 + 426997.952) = -32725.379 / 821270.525 = -0.0398472586
    """
    services, goods = unctad("US_TradeServCatTotal"), unctad("US_TradeMerchTotal")
    own, world = services["156", "2021"].exports, services["0000", "2021"].exports
    own_goods, world_goods = goods["156", "2021"].exports, goods["0000", "2021"].exports
    assert own and world and own_goods and world_goods
    assert own == Fraction("394272.573") and own_goods == Fraction("3316022.1")
    rca = own / (own + own_goods) / (world / (world + world_goods))
    row = record(built, COMPETITIVENESS, "unctad_services", "CHN", "2021", "reported", "S")
    assert close(row["rca"], rca)
    assert round(row["rca"], 6) == 0.475953
    assert close(row["rsca"], (rca - 1) / (rca + 1))
    assert round(row["tc"], 10) == -0.0398472586
    assert row["mi"] == 0
    assert row["hhi_services"] is None and row["hhi_partners"] is None


def test_every_unctad_row_equals_fractions_computed_from_the_file(built: Path) -> None:
    services, goods = unctad("US_TradeServCatTotal"), unctad("US_TradeMerchTotal")
    expected: list[tuple[str, Fraction | None, Fraction | None]] = []
    for (economy, year), own in services.items():
        shares = []
        for code in (economy, "0000"):
            exports = services[code, year].exports
            goods_exports = goods[code, year].exports if (code, year) in goods else None
            is_whole = exports is not None and goods_exports is not None and exports + goods_exports > 0
            shares.append(exports / (exports + goods_exports) if is_whole else None)
        rca = None if None in shares or not shares[1] else shares[0] / shares[1]
        tc = own.balance / own.total if own.total else None
        expected.append((year, rca, tc))
    rows = records(
        built,
        "select period_label, rca, tc from marts.mart_competitiveness where source = 'unctad_services'"
        " and service = 'S' order by period_label, rca nulls first, tc nulls first",
    )
    assert len(rows) == len(expected) > 3900
    expected.sort(
        key=lambda row_key: (
            row_key[0],
            -1.0 if row_key[1] is None else float(row_key[1]),
            -2.0 if row_key[2] is None else float(row_key[2]),
        )
    )
    for row, (year, rca, tc) in zip(rows, expected, strict=True):
        assert row["period_label"] == year
        assert close(row["rca"], rca) and close(row["tc"], tc), (row, year)


def test_safe_indices_by_hand(built: Path) -> None:
    """Expected values of 2021, computed as fractions from core's figures."""
    figures = {
        (row["service"], row["flow"]): Fraction(row["value_million"])
        for row in records(
            built,
            "select service, flow, value_million from core.fct_services_trade"
            " where source = 'safe_bop' and period_label = '2021' and currency = 'USD'",
        )
    }
    total, imports = figures["S", "exports"], figures["S", "imports"]
    assert round(total / 10) == 33939 and round(imports / 10) == 44060
    whole = sum(figures[item, "exports"] for item in TWELVE)
    concentration = sum((figures[item, "exports"] / whole) ** 2 for item in TWELVE)
    for item in TWELVE:
        x, m = figures[item, "exports"], figures[item, "imports"]
        row = record(built, COMPETITIVENESS, "safe_bop", "CHN", "2021", "reported", item)
        assert row["rca"] is None and row["rsca"] is None, "SAFE publishes no world total"
        assert close(row["tc"], (x - m) / (x + m))
        assert close(row["mi"], x / total - m / imports)
        assert row["hhi_services"] == pytest.approx(float(concentration), rel=1e-14)
        assert row["hhi_partners"] is None


@cache
def batis_exports(item: str, year: str) -> dict[str, Fraction]:
    """Return China's balanced exports of an item by partner, as in the archive's CSV."""
    with zipfile.ZipFile(raw_file("OECD-WTO_BATIS_BPM6_*_bulk.zip")) as archive:
        (name,) = archive.namelist()
        text = io.StringIO(archive.read(name).decode("utf-8-sig"), newline="")
    return {
        line["Partner"]: Fraction(line["Balanced_value"])
        for line in csv.DictReader(text)
        if (line["Reporter"], line["Flow"], line["Item_code"], line["Year"]) == ("CHN", "EXP", item, year)
        and line["Balanced_value"]
    }


@pytest.mark.parametrize("item", ["S", "SC", "SI"])
def test_concentration_over_partners_by_hand(built: Path, item: str) -> None:
    """Sum the squared shares of all partners except the world (W) and the residual (WXD)."""
    partners = batis_exports(item, "2019")
    assert len(partners) > 190
    expected = sum(
        (value / partners["W"]) ** 2 for code, value in partners.items() if code not in ("W", "WXD")
    )
    row = record(built, COMPETITIVENESS, "batis", "CHN", "2019", "balanced", item)
    assert row["hhi_partners"] == pytest.approx(float(expected), rel=1e-12)
    twelve = {code: batis_exports(code, "2019")["W"] for code in TWELVE}
    over_services = sum((value / sum(twelve.values())) ** 2 for value in twelve.values())
    assert row["hhi_services"] == pytest.approx(float(over_services), rel=1e-12)


# --- digital groups -------------------------------------------------------------------------------


def test_safe_groups_are_the_sum_of_six(built: Path) -> None:
    members = "('SF', 'SG', 'SH', 'SI', 'SJ', 'SK')"
    found = record(
        built,
        "select max(value_million) filter (where service = 'S') as whole,"
        f" sum(value_million) filter (where service in {members}) as six from core.fct_services_trade"
        " where source = 'safe_bop' and flow = 'exports' and period_label = '2021' and currency = 'USD'",
    )
    rows = records(
        built,
        "select * from marts.mart_digital_trade where source = 'safe_bop' and flow = 'exports'"
        " and period_label = '2021' and currency = 'USD' order by group_service",
    )
    assert [row["group_service"] for row in rows] == ["DDS", "KIS"]
    for row in rows:
        assert close(row["value_million"], Fraction(found["six"]))
        assert close(row["share_of_services_pct"], 100 * Fraction(found["six"]) / Fraction(found["whole"]))
        assert row["is_published"] is False
        assert row["definition_source_url"].startswith("https://")


def data360(built: Path) -> list[dict[str, Any]]:
    return records(
        built,
        "select mart.*, core.value_million as published from marts.mart_digital_trade as mart"
        " left join core.fct_services_trade as core on core.source = mart.source"
        " and core.reporter = mart.reporter and core.service = mart.group_service and core.flow = mart.flow"
        " and core.period_label = mart.period_label where mart.source = 'data360_digital'",
    )


def test_data360_is_as_published(built: Path) -> None:
    rows = [row for row in data360(built) if row["flow"] in ("exports", "imports")]
    assert len(rows) > 5000
    assert {row["group_service"] for row in rows} == {"DDS"}
    assert {row["is_published"] for row in rows} == {True}
    assert all(row["value_million"] == float(row["published"]) for row in rows)


def test_every_share_of_data360_is_of_the_total_in_the_file_of_unctad(built: Path) -> None:
    """Divide the amounts of Data360 by exports and imports of UNCTAD's CSV, economy by economy."""
    totals = unctad("US_TradeServCatTotal")
    economies = {reporter: economy for economy, reporter in reporter_of_economy(built).items()}
    rows = [row for row in data360(built) if row["flow"] != "balance"]
    computed = 0
    for row in rows:
        total = totals.get((economies.get(row["reporter"], "-"), row["period_label"]))
        whole = getattr(total, row["flow"]) if total else None
        share = 100 * Fraction(row["value_million"]) / whole if whole else None
        assert close(row["share_of_services_pct"], share), row
        assert row["services_source"] == ("unctad_services" if whole is not None else None)
        assert close(row["services_million"], whole)
        computed += share is not None
    assert len(rows) == 7823
    assert computed > 7700


def test_digital_share_of_china_by_hand(built: Path) -> None:
    """Year 2020, million USD.

    Data360, DDS: exports 151509, imports 134792, world 3324128 (exports).
    UNCTAD, services: exports 280628.773, imports 381087.719.
    151509 / 280628.773 = 53.98912 %; 286301 / 661716.492 = 43.26641 %; 151509 / 3324128 = 4.55786 %.
    Larger exporters: USA, GBR, IRL, DEU, IND.
    """
    rows = {
        row["flow"]: row
        for row in data360(built)
        if row["reporter"] == "CHN" and row["period_label"] == "2020"
    }
    assert [rows[flow]["value_million"] for flow in ("exports", "imports", "total", "balance")] == [
        151509,
        134792,
        286301,
        16717,
    ]
    assert round(rows["exports"]["share_of_services_pct"], 5) == 53.98912
    assert round(rows["total"]["share_of_services_pct"], 5) == 43.26641
    assert round(rows["exports"]["world_share_pct"], 5) == 4.55786
    assert rows["exports"]["world_rank"] == 6
    balance = rows["balance"]
    assert balance["share_of_services_pct"] is balance["world_rank"] is balance["growth_pct"] is None
    claims = records(
        built,
        "select source, found_value from marts.mart_claim"
        " where claim_id = 'digital_share_2020' and source = 'data360_digital'",
    )
    assert [claim["found_value"] for claim in claims] == [rows["total"]["share_of_services_pct"]]


def test_rank_needs_most_of_the_world(built: Path) -> None:
    """The recorded file of the WTO has up to six economies, below a tenth of its world: no rank."""
    rows = records(
        built,
        "select source, count(*) as n, count(world_rank) as ranked, min(world_rank) as first"
        " from marts.mart_digital_trade where flow = 'exports' group by source",
    )
    found = {row["source"]: (row["ranked"], row["first"]) for row in rows}
    assert found["wto_digital"] == (0, None)
    assert found["data360_digital"][0] > 2500 and found["data360_digital"][1] == 1
    assert {source for source, (ranked, _) in found.items() if ranked} == {"data360_digital"}


def test_printed_total_of_mofcom_goes_before_the_sum_of_rounded_flows(built: Path) -> None:
    """Printed for 2021: 2.3259 trillion yuan, exports 1.26 and imports 1.06 trillion, together 2.32."""
    rows = {
        row["flow"]: (row["value_million"], row["is_published"])
        for row in records(
            built,
            "select * from marts.mart_digital_trade where source = 'curated' and group_service = 'KIS'"
            " and period_label = '2021' and currency = 'CNY'",
        )
    }
    assert rows == {
        "exports": (1260000, True),
        "imports": (1060000, True),
        "total": (2325900, True),
        "balance": (200000, False),
    }
    found = records(
        built,
        "select distinct found_value from marts.mart_claim where source = 'curated' and unit = 'CNY billion'"
        " and claim_id like '%2021' and abs(found_value - 2325.9) < 10",
    )
    assert [row["found_value"] for row in found] == [2325.9]


def test_delivered_services_are_those_of_the_wto(built: Path) -> None:
    """Figures of the file, growth by hand.

    Exports of China 2024: 220567.7463, 2023: 207958.7245; 12609.0218 / 207958.7245 = 6.0632 %.
    Both flows 2024: 220567.7463 + 165195.8992 = 385763.6455, 2023: 207958.7245 + 159600.5807 = 367559.3052;
    18204.3403 / 367559.3052 = 4.9528 %.
    """
    rows = {
        (row["reporter"], row["flow"], row["period_label"]): row
        for row in records(built, "select * from marts.mart_digital_trade where source = 'wto_digital'")
    }
    assert {row["group_service"] for row in rows.values()} == {"DDEL"}
    assert {row["value_type"] for row in rows.values()} == {"estimated"}
    assert {row["share_of_services_pct"] for row in rows.values()} == {None}
    exports, total = rows["CHN", "exports", "2024"], rows["CHN", "total", "2024"]
    assert exports["value_million"] == 220567.7463 and exports["is_published"] is True
    assert round(exports["growth_pct"], 4) == 6.0632
    assert round(total["value_million"], 4) == 385763.6455 and total["is_published"] is False
    assert round(total["growth_pct"], 4) == 4.9528
    assert rows["WLD", "exports", "2025"]["value_million"] == 5258860.132
    assert {key: row["status"] for key, row in rows.items() if row["status"]} == {
        ("CHN", "exports", "2014"): "breaking series: B",
        ("CHN", "imports", "2014"): "breaking series: B",
        # computed from both flows
        ("CHN", "total", "2014"): "breaking series: B",
        ("CHN", "balance", "2014"): "breaking series: B",
    }
    assert rows["CHN", "exports", "2024"]["definition"].startswith("Services that the WTO estimates")


def test_breaks_of_the_wto_are_the_status_of_their_figures(built: Path) -> None:
    found = records(
        built,
        "select reporter, flow, period_label, status from core.fct_services_trade"
        " where source = 'wto_digital' and status is not null order by flow",
    )
    assert [tuple(row.values()) for row in found] == [
        ("CHN", "exports", "2014", "breaking series: B"),
        ("CHN", "imports", "2014", "breaking series: B"),
    ]


# --- reconciliation -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flow", "indicator", "gap_of_2010", "gap_of_2015"),
    [
        ("exports", "BX.GSR.NFSV.CD", "0.038361244", "1234.958143201"),
        ("imports", "BM.GSR.NFSV.CD", "0.058136356", "178.68694124"),
    ],
)
def test_unctad_and_the_world_bank_differ_from_2015(
    built: Path, flow: str, indicator: str, gap_of_2010: str, gap_of_2015: str
) -> None:
    """Both files, read by hand: at most 0.058 million apart from 2005 to 2014, by 178 and more from 2015.

    UNCTAD prints thousands of dollars, the World Bank more digits than a dollar: they round by half of
    0.001 and of 0.000001 million. Only 2010 differs by more before 2015, and is no break.
    """
    bank = {
        year: None if value is None else value / 10**6
        for year, value in world_bank(indicator, "night-2").items()
    }
    rows = {
        row["period_label"]: row
        for row in records(
            built,
            "select * from marts.mart_reconciliation where source_a = 'unctad_services'"
            " and source_b = 'worldbank_wdi' and reporter = 'CHN' and service = 'S' and flow = ?",
            flow,
        )
    }
    assert min(rows) == "2005" and len(rows) >= 18
    gaps = {}
    for year, row in rows.items():
        a, b = getattr(unctad("US_TradeServCatTotal")["156", year], flow), bank[year]
        assert a is not None and b is not None
        gaps[year] = abs(a - b)
        assert close(row["value_a_million"], a) and close(row["value_b_million"], b)
        assert close(row["difference_million"], a - b)
        assert close(row["difference_pct"], 200 * (a - b) / (a + b))
        assert row["tolerance_million"] == 0.0005005
        assert row["is_apart"] == (gaps[year] > Fraction("0.0005005"))
        assert row["is_apart"] == (year == "2010" or int(year) >= 2015)
        assert row["break_year"] == 2015
    assert max(gap for year, gap in gaps.items() if int(year) < 2015) == gaps["2010"] == Fraction(gap_of_2010)
    since = [gap for year, gap in gaps.items() if int(year) >= 2015]
    assert gaps["2015"] == Fraction(gap_of_2015) and min(since) > 178
    for row in rows.values():
        assert close(row["gap_at_break_million"], gaps["2015"])
        assert close(row["mean_gap_since_break_million"], sum(since) / len(since))


def test_early_gaps_are_no_veto_of_a_break(built: Path) -> None:
    """SAFE and UNCTAD on China's exports: apart by 5 841 and 8 911 in 2005 and 2006, together to 2014."""
    rows = {
        int(row["period_label"]): row
        for row in records(
            built,
            "select * from marts.mart_reconciliation where source_a = 'safe_bop'"
            " and source_b = 'unctad_services' and service = 'S' and flow = 'exports' and currency = 'USD'",
        )
    }
    assert sorted(rows) == list(range(2005, 2024))
    assert {year for year, row in rows.items() if row["is_apart"] and year < 2015} == {2005, 2006, 2010}
    assert {year for year, row in rows.items() if row["is_apart"] and year >= 2015} == set(range(2015, 2024))
    for year, printed in ((2005, "78468.733"), (2014, "219140.752"), (2015, "218633.994")):
        assert unctad("US_TradeServCatTotal")["156", str(year)].exports == Fraction(printed)
        assert rows[year]["value_b_million"] == float(printed)
    # The cells of SAFE's workbook, in hundred millions: 843.098811762394, 2191.40751663906, 2173.99035856799.
    assert rows[2005]["difference_million"] == 5841.1481762394
    assert rows[2014]["difference_million"] == -0.000336094
    assert {(row["break_year"], row["gap_at_break_million"]) for row in rows.values()} == {
        (2015, 1234.958143201)
    }


def test_difference_of_the_last_year_alone_is_no_break(built: Path) -> None:
    """SAFE has revised 2022 since the World Bank's edition: 3 542.6 million. It may be revised there too."""
    rows = records(
        built,
        "select * from marts.mart_reconciliation where source_a = 'safe_bop' and source_b = 'worldbank_wdi'"
        " and service = 'S' and flow = 'exports' order by period_label",
    )
    assert [row["is_apart"] for row in rows[-3:]] == [False, False, True]
    assert rows[-1]["period_label"] == "2022" and round(rows[-1]["difference_million"], 1) == 3542.6
    assert {row["break_year"] for row in rows} == {None}
    assert {row["gap_at_break_million"] for row in rows} == {None}


def test_printed_precision_of_releases_is_coarse(built: Path) -> None:
    """The Ministry of Commerce prints 15 406.8 hundred million yuan for 2017, and 2.85 trillion for 2022."""
    rows = records(
        built,
        "select period_label, value_a_million, tolerance_million from marts.mart_reconciliation"
        " where source_a = 'curated' and source_b = 'safe_bop' and currency = 'CNY' and flow = 'exports'"
        " and period_label in ('2017', '2022') order by period_label",
    )
    assert [tuple(row.values()) for row in rows] == [
        ("2017", 1540680.0, 5.0000005),
        ("2022", 2850000.0, 5000.0000005),
    ]


def test_modelled_figures_beside_reported_ones_are_marked(built: Path) -> None:
    """BaTiS has balanced values only in the sample: 34 series beside reported ones.

    They are of 15 years; the two of repairs are of 5, since SAFE compiled none before 2015.
    """
    found = records(
        built,
        "select value_type_a, value_type_b, is_same_value_type, count(*) as rows,"
        " count(distinct source_a) filter (where source_a = 'batis') as of_batis, count(break_year) as broken"
        " from marts.mart_reconciliation where service <> 'G' group by all order by all",
    )
    assert found == [
        {
            "value_type_a": "balanced",
            "value_type_b": "reported",
            "is_same_value_type": False,
            "rows": 32 * 15 + 2 * 5,
            "of_batis": 1,
            "broken": 0,
        },
        {
            "value_type_a": "reported",
            "value_type_b": "reported",
            "is_same_value_type": True,
            "rows": 238 + 4,  # 4 printed totals of MOFCOM and the same in curated
            "of_batis": 0,
            "broken": 2 * (18 + 19),
        },
    ]


def test_values_in_dollars_are_beside_the_published_ones(built: Path) -> None:
    found = records(
        built,
        "select currency, usd_reason, count(*) = count(value_a_million) as published,"
        " count(*) = count(*) filter (where value_a_usd_million = value_a_million"
        " and value_b_usd_million = value_b_million and difference_usd_million = difference_million)"
        " as in_dollars,"
        " count(value_a_usd_million) + count(value_b_usd_million) + count(difference_usd_million) as figures"
        " from marts.mart_reconciliation group by currency, usd_reason order by currency",
    )
    assert [row["currency"] for row in found] == ["CNY", "USD"]
    yuan, dollars = found
    assert (yuan["usd_reason"], yuan["published"], yuan["figures"]) == ("no exchange rate for CNY", True, 0)
    assert (dollars["usd_reason"], dollars["published"], dollars["in_dollars"]) == (None, True, True)


def test_pairs_are_complete(built: Path) -> None:
    """Count the pairs independently: of n sources in a cell, n (n - 1) / 2 pairs."""
    three = "('safe_bop', 'unctad_services', 'worldbank_wdi')"
    found = record(
        built,
        "select (select sum(n * (n - 1) / 2) from (select count(distinct source) as n"
        f" from core.fct_services_trade where source in {three}"
        " group by reporter, service, flow, period_label, currency)) as expected,"
        " (select count(*) from marts.mart_reconciliation"
        f" where source_a in {three} and source_b in {three} and service <> 'G') as pairs",
    )
    assert found["pairs"] == found["expected"] > 100


def test_goods_by_customs_and_by_the_balance_of_payments_are_marked(built: Path) -> None:
    """China's goods exports of 2021: 3 316 022.1 million by UNCTAD's file, 3 215 838.27 by the World Bank's.

    The one is of customs, the other of the balance of payments: 100 183.8 million apart, 3.0675 % of both.
    """
    customs, bank = (
        unctad("US_TradeMerchTotal")["156", "2021"].exports,
        world_bank("BX.GSR.MRCH.CD", "night-2"),
    )
    payments = bank["2021"]
    assert customs == Fraction("3316022.1") and payments is not None
    row = record(
        built,
        "select * from marts.mart_reconciliation where source_a = 'unctad_goods'"
        " and source_b = 'worldbank_wdi' and service = 'G' and flow = 'exports'"
        " and reporter = 'CHN' and period_label = '2021'",
    )
    assert (row["concept_a"], row["concept_b"], row["is_same_concept"]) == (
        "customs",
        "balance of payments",
        False,
    )
    assert (row["service_name_en"], row["service_name_zh"]) == ("Goods", "货物")
    difference = customs - payments / 10**6
    assert close(row["difference_million"], difference)
    assert row["difference_million"] == pytest.approx(100183.8, abs=0.1)
    assert row["difference_pct"] == pytest.approx(3.0675, abs=0.0001)
    assert row["is_apart"]


def test_unctad_and_the_wto_print_the_same_goods(built: Path) -> None:
    """China's goods exports of 2021: 3 316 022 in the WTO's file, which prints whole millions."""
    row = record(
        built,
        "select * from marts.mart_reconciliation where source_a = 'unctad_goods'"
        " and source_b = 'wto_merchandise' and service = 'G' and flow = 'exports'"
        " and reporter = 'CHN' and period_label = '2021'",
    )
    assert (row["value_a_million"], row["value_b_million"]) == (3316022.1, 3316022)
    assert (row["concept_a"], row["is_same_concept"], row["is_same_value_type"]) == ("customs", True, True)
    assert not row["is_apart"]


def test_pairs_of_goods_are_complete(built: Path) -> None:
    """Count the cells that two files have: UNCTAD's and the World Bank's, both of China, from 1982 on."""
    bank = [
        year
        for flow in ("BX", "BM")
        for year, value in world_bank(f"{flow}.GSR.MRCH.CD", "night-2").items()
        if value is not None
    ]
    found = record(
        built,
        "select count(*) as pairs from marts.mart_reconciliation where service = 'G'"
        " and source_a = 'unctad_goods' and source_b = 'worldbank_wdi'",
    )
    assert found["pairs"] == len(bank) == 82


def test_concepts_of_services_are_marked(built: Path) -> None:
    """The ministry's totals are no balance of payments; figures entered by hand are of several concepts."""
    assert records(
        built,
        "select distinct source_a, source_b, is_same_concept from marts.mart_reconciliation"
        " where service = 'S' and source_b = 'safe_bop' order by all",
    ) == [
        {"source_a": "batis", "source_b": "safe_bop", "is_same_concept": True},
        {"source_a": "curated", "source_b": "safe_bop", "is_same_concept": None},
        {"source_a": "mofcom_totals", "source_b": "safe_bop", "is_same_concept": False},
    ]


@pytest.mark.parametrize("side", ["a", "b"])
def test_every_goods_pair_is_traced_to_both_core_rows(built: Path, side: str) -> None:
    (model,) = yaml.safe_load((MARTS / "mart_reconciliation.yml").read_text("utf-8"))["models"]
    (rule,) = [
        rule
        for rule in model["config"]["meta"]["trace"]
        if rule["role"] == f"source_{side}'s figure of goods" and rule["model"] == "fct_goods_trade"
    ]
    keys = " and ".join(f"core.{key} = mart.{key}" for key in rule["keys"])
    where = re.sub(r"\$(\w+)", r"mart.\1", rule["where"])
    found = record(
        built,
        "select (select count(*) from marts.mart_reconciliation where service = 'G') as pairs,"
        " count(*) as found, count(*) filter ("
        f"cast(cast(core.value_million as varchar) as double) = mart.value_{side}_million) as equal"
        " from marts.mart_reconciliation as mart"
        f" join core.fct_goods_trade as core on {keys} and {where}",
    )
    assert found["pairs"] == found["found"] == found["equal"] > 20000
