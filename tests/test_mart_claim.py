"""mart_claim against figures computed from the raw files, independently of the product.

UNCTAD's CSV and the World Bank's JSON are read with the standard library and divided as fractions;
SAFE's figures are copied from the workbook's cells, those of press releases and Data360 from their lines.
NBS and UNCTAD's services by partner, which are not in the sample, are landed from the fixtures of their
sources.
Each verdict is written by hand: no expected value is taken from the product's output.
"""

from __future__ import annotations

import csv
import io
import json
import re
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import py7zr
import pytest
from cases import case, edits
from conftest import ingest, settings_of
from nbs_mirror import write_mirror
from unctad_reports import read_report

from warehouse.build import steps
from warehouse.releases.store import DATABASE

PROJECT = Path(__file__).resolve().parent.parent
SAMPLE = PROJECT / "warehouse" / "sample"
SEED = PROJECT / "dbt_project" / "seeds" / "claim.csv"

COLUMNS = (
    "claim_id, period_start, period_end, period_label, area, area_name_en, area_name_zh, measure, "
    "flow, comparator, claimed_value, unit, found_value, source, source_name, vintage, "
    "basis_named, is_named_basis, difference, difference_pct, verdict, best_verdict, "
    "named_basis_source, named_basis_value, named_basis_verdict, other_period_source, other_period_vintage, "
    "other_period_indicator, other_period_region, other_period_label, other_period_value_pct, reason"
)
CHINA, UNITED_STATES, WORLD = "156", "840", "0000"
EXPORTS, IMPORTS = "02", "01"

# The workbook's annual sheets, 100 million; debits are negative in the workbook and positive in this table.
SAFE_USD = {  # sheet 年度BOP（美元）, rows 16 and 17, columns BO, BT, BU
    ("exports", 2015): "2173.9903585679899",
    ("imports", 2015): "4357.1934394124",
    ("exports", 2020): "2288.8336467679001",
    ("imports", 2020): "3814.13736078785",
    ("exports", 2021): "3393.9321019559002",
    ("imports", 2021): "4406.0486361754001",
}
SAFE_CNY = {  # sheet 年度BOP（人民币）, columns L and M
    ("S", "exports"): ("15746.2560904416", "21876.891264605001"),  # row 16
    ("S", "imports"): ("26293.2489808502", "28412.199106276901"),  # row 17
    ("SF", "exports"): ("205.763746692757", "322.399682441236"),  # row 34
    ("SF", "imports"): ("863.94468226993297", "1247.89512195456"),  # row 35
    ("SG", "exports"): ("333.572778385611", "295.19342223794501"),  # row 37
    ("SG", "imports"): ("276.07505618980503", "285.15850920809697"),  # row 38
    ("SH", "exports"): ("591.23347041808597", "758.91984528516195"),  # row 40
    ("SH", "imports"): ("2608.9822324214201", "3023.0117676158602"),  # row 41
    ("SI", "exports"): ("2684.6279591091002", "3270.6137492818698"),  # row 43
    ("SI", "imports"): ("2244.2116321969302", "2580.4250852322798"),  # row 44
    ("SJ", "exports"): ("4806.5685869823601", "5604.0769347743399"),  # row 46
    ("SJ", "imports"): ("3466.2113793100398", "3418.90280885328"),  # row 47
    ("SK", "exports"): ("70.033588816921807", "92.847757279750198"),  # row 49
    ("SK", "imports"): ("206.75538767784099", "211.58840711045201"),  # row 50
}
KNOWLEDGE_INTENSIVE = ("SF", "SG", "SH", "SI", "SJ", "SK")


def records(built: Path, query: str, *parameters: object) -> list[dict[str, Any]]:
    with duckdb.connect(str(built), read_only=True) as connection:
        cursor = connection.execute(query, parameters)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def claim_row(built: Path, claim: str, source: str, vintage: str | None = None) -> dict[str, Any]:
    found = records(
        built,
        "select * from marts.mart_claim where claim_id = ? and source = ? and vintage = coalesce(?, vintage)",
        claim,
        source,
        vintage,
    )
    assert len(found) == 1, f"{len(found)} rows for {claim} from {source}"
    return found[0]


def assert_claim(row: dict[str, Any], found: Fraction, verdict: str) -> None:
    assert row["found_value"] == pytest.approx(float(found), rel=1e-12)
    assert row["verdict"] == verdict, row
    assert row["difference"] == pytest.approx(float(found) - row["claimed_value"], rel=1e-9, abs=1e-9)
    assert row["difference_pct"] == pytest.approx(
        100 * (float(found) / row["claimed_value"] - 1), rel=1e-9, abs=1e-9
    )


@cache
def unctad(table: str) -> dict[tuple[str, str, int], Fraction]:
    """Return the file's values in USD million by (M49 code, flow, year)."""
    (path,) = (SAMPLE / "night-2").rglob(f"{table}.csv.7z")
    with py7zr.SevenZipFile(path) as archive:
        factory = py7zr.io.BytesIOFactory(64 * 1024 * 1024)
        archive.extractall(factory=factory)
    (member,) = factory.products.values()
    member.seek(0)
    lines = csv.DictReader(io.StringIO(member.read().decode("utf-8-sig"), newline=""))
    return {
        (line["Economy"], line["Flow"], int(line["Year"])): Fraction(
            line["US$ at current prices in millions"]
        )
        for line in lines
        if line["US$ at current prices in millions"]
    }


def services(economy: str, flow: str, year: int) -> Fraction:
    return unctad("US_TradeServCatTotal")[economy, flow, year]


def total(economy: str, year: int) -> Fraction:
    return services(economy, EXPORTS, year) + services(economy, IMPORTS, year)


def deficit(year: int) -> Fraction:
    return services(CHINA, IMPORTS, year) - services(CHINA, EXPORTS, year)


def world_bank(indicator: str, night: str, year: str) -> Fraction:
    (path,) = (SAMPLE / night).rglob(f"{indicator}.json")
    rows = json.loads(path.read_text("utf-8"), parse_float=str, parse_int=str)[1]
    (value,) = [row["value"] for row in rows if row["countryiso3code"] == "CHN" and row["date"] == year]
    return Fraction(value)


def safe(service: str, flow: str, year: int) -> Fraction:
    """Return SAFE's amount in 100 million yuan."""
    return Fraction(SAFE_CNY[service, flow][year - 2020])


def test_mart_claim_columns(built: Path) -> None:
    with duckdb.connect(str(built), read_only=True) as connection:
        columns = [row[0] for row in connection.execute("describe marts.mart_claim").fetchall()]
    assert columns == COLUMNS.split(", ")


def test_every_claim_has_row_verdict_and_reason(built: Path) -> None:
    claims = {line["claim_id"]: line for line in csv.DictReader(SEED.open(encoding="utf-8", newline=""))}
    rows = records(built, "select * from marts.mart_claim")
    assert len(claims) == 42
    assert {row["claim_id"] for row in rows} == set(claims)
    for row in rows:
        claim = claims[row["claim_id"]]
        assert row["verdict"] in ("reproduced", "near", "differs", "untestable")
        assert len(row["reason"]) > 20
        assert row["claimed_value"] == (float(claim["value"]) if claim["value"] else None)
        assert (row["period_label"], row["area"], row["unit"]) == (
            claim["period"],
            claim["area"],
            claim["unit"],
        )
        is_untestable = row["verdict"] == "untestable"
        assert (
            is_untestable
            == (row["found_value"] is None)
            == (row["source"] is None)
            == (row["vintage"] is None)
        )
    assert len({(row["claim_id"], row["source"], row["vintage"]) for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("claim", "missing"),
    [
        ("bilateral_agreements_2020", "a count of the services trade agreements signed"),
        ("services_gdp_share_world_2021", "in GDP of the world (WLD), 2021"),
        ("region_east_2020", "its ten provinces"),
        ("region_three_belts_2020", "provinces of the three belts"),
        ("partner_brics_2020", "members of BRICS"),
        ("partner_belt_road_2020", "65 Belt and Road economies"),
        ("partner_belt_road_share_change", "2015 and 2020"),
    ],
)
def test_untestable_claim_names_missing_data(built: Path, claim: str, missing: str) -> None:
    # No regional or partner figure of 2020 is available: the bilateral table ends earlier.
    (row,) = records(built, "select * from marts.mart_claim where claim_id = ?", claim)
    assert row["verdict"] == "untestable"
    assert row["reason"].startswith("Missing: ")
    assert missing in row["reason"]
    assert re.search(r"Published at: \S.* https?://\S+$", row["reason"])


@pytest.mark.parametrize(
    ("claim", "found", "verdict"),
    [
        # 394.272573 against 392.2, which is 0.5 % less
        ("services_exports_2021", lambda: services(CHINA, EXPORTS, 2021) / 1000, "near"),
        # 426.997952 against 441.3: 3.2 % less
        ("services_imports_2021", lambda: services(CHINA, IMPORTS, 2021) / 1000, "near"),
        ("services_total_2021", lambda: total(CHINA, 2021) / 1000, "near"),
        # 25.5 against 28, and 84.9 against 78: more than a point off
        (
            "services_total_growth_2015_2021",
            lambda: 100 * (total(CHINA, 2021) / total(CHINA, 2015) - 1),
            "differs",
        ),
        ("services_deficit_shrink_2015_2021", lambda: 100 * (1 - deficit(2021) / deficit(2015)), "differs"),
        # 100.459 rounds to 100.5 and not to 100.4
        ("services_deficit_2020", lambda: deficit(2020) / 1000, "near"),
        (
            "import_share_2020",
            lambda: 100 * services(CHINA, IMPORTS, 2020) / total(CHINA, 2020),
            "reproduced",
        ),
        (
            "export_share_2020",
            lambda: 100 * services(CHINA, EXPORTS, 2020) / total(CHINA, 2020),
            "reproduced",
        ),
        (
            "import_minus_export_share_2015_2019",
            lambda: min(100 * deficit(year) / total(CHINA, year) for year in range(2015, 2020)),
            "reproduced",
        ),
        # 7.29 against 7.8, 6.15 against 6.5, 9.77 against 9.7 and 12.77 against 13.1: within a point
        (
            "world_share_imports_2021",
            lambda: 100 * services(CHINA, IMPORTS, 2021) / services(WORLD, IMPORTS, 2021),
            "near",
        ),
        (
            "world_share_exports_2021",
            lambda: 100 * services(CHINA, EXPORTS, 2021) / services(WORLD, EXPORTS, 2021),
            "near",
        ),
        (
            "us_world_share_imports_2021",
            lambda: 100 * services(UNITED_STATES, IMPORTS, 2021) / services(WORLD, IMPORTS, 2021),
            "near",
        ),
        (
            "us_world_share_exports_2021",
            lambda: 100 * services(UNITED_STATES, EXPORTS, 2021) / services(WORLD, EXPORTS, 2021),
            "near",
        ),
    ],
)
def test_claims_against_unctad(built: Path, claim: str, found: Any, verdict: str) -> None:
    assert_claim(claim_row(built, claim, "unctad_services"), found(), verdict)


def test_rank_is_count_of_larger_economies_plus_one(built: Path) -> None:
    cells = unctad("US_TradeServCatTotal")
    economies = {code for code, _, year in cells if year == 2021 and len(code) == 3}
    totals = {
        code: total(code, 2021)
        for code in economies
        if (code, EXPORTS, 2021) in cells and (code, IMPORTS, 2021) in cells
    }
    rank = 1 + sum(amount > totals[CHINA] for amount in totals.values())
    assert rank == 2
    assert_claim(claim_row(built, "services_rank_2021", "unctad_services"), Fraction(rank), "reproduced")


def test_direction_is_the_difference_between_first_and_last_year(built: Path) -> None:
    def share(year: int) -> Fraction:
        return 100 * total(CHINA, year) / total(WORLD, year)

    def advantage(year: int) -> Fraction:
        goods = unctad("US_TradeMerchTotal")
        own, world = (
            services(economy, EXPORTS, year)
            / (services(economy, EXPORTS, year) + goods[economy, EXPORTS, year])
            for economy in (CHINA, WORLD)
        )
        return own / world

    for claim, change in (
        ("world_share_down_since_2018", share(2021) - share(2018)),
        ("services_rca_trend_2015_2021", advantage(2021) - advantage(2015)),
    ):
        assert change > 0
        row = claim_row(built, claim, "unctad_services")
        assert row["found_value"] == pytest.approx(float(change), rel=1e-9)
        assert (row["verdict"], row["claimed_value"], row["difference"]) == ("differs", None, None)


@pytest.mark.parametrize(
    ("claim", "service", "flow", "verdict"),
    [
        ("export_growth_culture_2021", "SK", "exports", "differs"),  # 32.6 against 35
        ("export_growth_ip_2021", "SH", "exports", "differs"),  # 28.4 against 26.9
        ("export_growth_ict_2021", "SI", "exports", "near"),  # 21.8 against 22.3
        ("import_growth_finance_2021", "SG", "imports", "differs"),  # 3.3 against 57.5
        ("import_growth_insurance_2021", "SF", "imports", "differs"),  # 44.4 against 21.5
    ],
)
def test_growth_in_yuan_is_compared_in_yuan(
    built: Path, claim: str, service: str, flow: str, verdict: str
) -> None:
    growth = 100 * (safe(service, flow, 2021) / safe(service, flow, 2020) - 1)
    assert_claim(claim_row(built, claim, "safe_bop"), growth, verdict)


def test_levels_of_safe_are_compared_in_the_currency_of_the_claim(built: Path) -> None:
    usd = {cell: Fraction(text) / 10 for cell, text in SAFE_USD.items()}  # to billions
    gap = {year: usd["imports", year] - usd["exports", year] for year in (2015, 2020, 2021)}
    both = {year: usd["imports", year] + usd["exports", year] for year in (2015, 2021)}
    for claim, found, verdict in (
        ("services_exports_2021", usd["exports", 2021], "differs"),  # 339.4 against 392.2
        ("services_imports_2021", usd["imports", 2021], "near"),  # 440.6 against 441.3
        ("services_total_2021", both[2021], "differs"),  # 780.0 against 833.5
        ("services_deficit_2020", gap[2020], "differs"),  # 152.5 against 100.4
        ("services_total_growth_2015_2021", 100 * (both[2021] / both[2015] - 1), "differs"),
        ("services_deficit_shrink_2015_2021", 100 * (1 - gap[2021] / gap[2015]), "differs"),
    ):
        assert_claim(claim_row(built, claim, "safe_bop"), found, verdict)


def test_knowledge_intensive_services_of_safe_are_the_sum_of_six_categories(built: Path) -> None:
    amounts = {
        (flow, year): sum(safe(service, flow, year) for service in KNOWLEDGE_INTENSIVE)
        for flow in ("exports", "imports")
        for year in (2020, 2021)
    }
    both = {year: amounts["exports", year] + amounts["imports", year] for year in (2020, 2021)}
    for claim, found, verdict in (
        ("kis_exports_2021", amounts["exports", 2021] / 10, "differs"),  # 1034 against 1300
        ("kis_imports_2021", amounts["imports", 2021] / 10, "reproduced"),  # 1077 against about 1100
        ("kis_total_2021", both[2021] / 10, "differs"),  # 2111 against 2300
        ("kis_growth_2021", 100 * (both[2021] / both[2020] - 1), "near"),  # 15.0 against 14
    ):
        row = claim_row(built, claim, "safe_bop")
        assert_claim(row, Fraction(found), verdict)
        assert "sum of its categories as inferred" in row["reason"]
    share = 100 * amounts["exports", 2021] / safe("S", "exports", 2021)
    # the row is in dollars; the reason gives the same share in yuan: 47.283
    assert (
        f"{float(share):.4f}".rstrip("0") in claim_row(built, "kis_export_share_2021", "safe_bop")["reason"]
    )


@pytest.mark.parametrize(("night", "vintage"), [("night-1", "2022-09-16"), ("night-2", "2024-07-12")])
def test_each_vintage_of_the_world_bank_is_compared_separately(built: Path, night: str, vintage: str) -> None:
    exports = world_bank("BX.GSR.NFSV.CD", night, "2021") / 10**9
    assert_claim(claim_row(built, "services_exports_2021", "worldbank_wdi", vintage), exports, "differs")
    share = world_bank("NV.SRV.TOTL.ZS", night, "2020")
    assert_claim(claim_row(built, "services_gdp_share_2020", "worldbank_wdi", vintage), share, "reproduced")


@pytest.mark.parametrize(
    ("claim", "found", "verdict"),
    [
        # MOFCOM's releases, 100 million yuan: 23259, 12600, 10600; exports in all 25435.0, imports 27547.7
        # of claims of about 2300, 1300 and 1100
        ("kis_total_2021", Fraction("2325.9"), "reproduced"),
        ("kis_exports_2021", Fraction(1260), "reproduced"),
        ("kis_imports_2021", Fraction(1060), "reproduced"),
        ("kis_growth_2021", Fraction("14.4"), "reproduced"),
        ("kis_export_share_2021", 100 * Fraction(12600) / Fraction("25435.0"), "near"),  # 49.54
        ("kis_import_share_2021", 100 * Fraction(10600) / Fraction("27547.7"), "reproduced"),  # 38.48
        # 19356.7 and 26286 of 45642.7
        ("export_share_2020", 100 * Fraction("19356.7") / Fraction("45642.7"), "reproduced"),
        ("import_share_2020", 100 * Fraction(26286) / Fraction("45642.7"), "reproduced"),
        # 294.76 in print elsewhere: it does not round to 294.0
        ("digital_total_2020", Fraction("294.76"), "near"),
    ],
)
def test_claims_against_curated_figures(built: Path, claim: str, found: Fraction, verdict: str) -> None:
    assert_claim(claim_row(built, claim, "curated"), found, verdict)


def test_figure_of_the_named_publisher_is_beside_those_of_others(built: Path) -> None:
    # MOFCOM is named, and its release has 23259 hundred million yuan; SAFE's figures have another basis
    row = claim_row(built, "kis_total_2021", "safe_bop")
    assert (row["flow"], row["comparator"], row["basis_named"], row["is_named_basis"]) == (
        *("total", "~", "MOFCOM"),
        False,
    )
    assert (row["named_basis_source"], row["named_basis_verdict"]) == ("curated", "reproduced")
    assert row["named_basis_value"] == pytest.approx(2325.9, rel=1e-12)
    assert (row["verdict"], row["best_verdict"]) == ("differs", "reproduced")
    assert claim_row(built, "kis_total_2021", "curated")["is_named_basis"]
    # UNCTAD is named for the claim of 833.5 billion dollars
    rows = records(built, "select * from marts.mart_claim where claim_id = 'services_total_2021'")
    assert {row["source"] for row in rows if row["is_named_basis"]} == {"unctad_services"}
    assert {row["named_basis_source"] for row in rows} == {"unctad_services"}


def test_growth_that_is_printed_for_a_part_of_the_year_is_beside_the_claim(built: Path) -> None:
    # curated/national_releases.csv, lines 36 to 39: January to November 2021, of MOFCOM's release
    found = {
        claim: claim_row(built, claim, "safe_bop")
        for claim in ("import_growth_finance_2021", "export_growth_culture_2021", "export_growth_ict_2021")
    }
    assert {row["other_period_label"] for row in found.values()} == {"2021-01/2021-11"}
    assert {row["other_period_source"] for row in found.values()} == {"curated"}
    assert [row["other_period_value_pct"] for row in found.values()] == [57.0, 36.2, 23.3]
    # it decides nothing: SAFE's figures of the year give 3.3 %
    assert found["import_growth_finance_2021"]["verdict"] == "differs"
    # none is printed for insurance, and none for an amount
    for claim in ("import_growth_insurance_2021", "services_total_2021"):
        row = claim_row(built, claim, "safe_bop")
        assert (row["other_period_label"], row["other_period_value_pct"]) == (None, None)


def test_share_of_a_region_that_is_printed_for_another_year_is_beside_the_claim(built: Path) -> None:
    # curated/regional_figures.csv: "2018-01/2018-07,East China,region,share,S,total,84.2,percent", of MOFCOM
    [row] = records(built, "select * from marts.mart_claim where claim_id = 'region_east_2020'")
    assert (row["other_period_source"], row["other_period_region"]) == ("curated", "NBS_EAST")
    assert (row["other_period_label"], row["other_period_value_pct"]) == ("2018-01/2018-07", 84.2)
    assert row["verdict"] == "untestable", "a figure of another year decides nothing"
    # no publisher prints a share of the three belts together, and those of the whole economy name no region
    [belts] = records(built, "select * from marts.mart_claim where claim_id = 'region_three_belts_2020'")
    assert (belts["other_period_source"], belts["other_period_region"]) == (None, None)
    finance = claim_row(built, "import_growth_finance_2021", "safe_bop")
    assert (finance["other_period_region"], finance["other_period_value_pct"]) == (None, 57.0)


def test_claims_against_digitally_deliverable_services_of_data360(built: Path) -> None:
    # UNCTAD_DE_DIG_SERVTRADE_ANN_EXP and _IMP, China, USD million
    exported = {2015: 91104, 2016: 91510, 2017: 100239, 2018: 129525, 2019: 140765, 2020: 151509}
    imported = {2015: 82985, 2017: 102318, 2018: 119561, 2020: 134792}
    both = {year: Fraction(exported[year] + imported[year]) for year in imported}
    for claim, found, verdict in (
        ("digital_total_2015", both[2015] / 1000, "near"),  # 174.1 against 179.4
        ("digital_total_2020", both[2020] / 1000, "near"),  # 286.3 against 294.0
        ("digital_growth_2018", 100 * (both[2018] / both[2017] - 1), "near"),  # 22.97 against 23.2
        # shares of the services trade in UNCTAD's table
        ("digital_share_2015", 100 * both[2015] / total(CHINA, 2015), "differs"),  # 26.6 against 31
        ("digital_share_2020", 100 * both[2020] / total(CHINA, 2020), "differs"),  # 43.3 against 39
        ("digital_export_share_2020", 100 * exported[2020] / services(CHINA, EXPORTS, 2020), "reproduced"),
        (
            "digital_export_share_long_run",
            min(100 * exported[year] / services(CHINA, EXPORTS, year) for year in exported),
            "reproduced",
        ),
    ):
        assert_claim(claim_row(built, claim, "data360_digital"), found, verdict)
    assert "of unctad_services" in claim_row(built, "digital_share_2020", "data360_digital")["reason"]


@pytest.fixture(scope="module")
def built_of_nbs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the database of a build of NBS and the curated figures."""
    home = tmp_path_factory.mktemp("nbs") / "home"
    settings = settings_of(home, write_mirror(home.parent / "mirror"))
    assert ingest(settings, "nbs_accounts") == "2026-11-01"
    assert ingest(settings_of(home, SAMPLE / "night-2"), "curated")
    build = steps.load(settings)
    assert build is not None
    return settings.build / steps.transform(settings, build) / DATABASE


@pytest.mark.slow
def test_value_added_share_of_nbs_is_the_ratio_of_two_amounts(built_of_nbs: Path) -> None:
    # fixtures/nbs_accounts, 2020, 100 million yuan: tertiary 551 973.7 of 1 013 567, which is 54.4585 %
    share = 100 * Fraction("551973.7") / Fraction(1013567)
    row = claim_row(built_of_nbs, "services_gdp_share_2020", "nbs_accounts", "2026-11-01")
    assert_claim(row, share, "reproduced")
    assert "value added of services in GDP, CNY, reported" in row["reason"]


@pytest.mark.slow
def test_amounts_of_nbs_are_staged_in_million_yuan(built_of_nbs: Path) -> None:
    found = records(
        built_of_nbs,
        "select indicator, period_label, currency, unit, cast(value as varchar) as value"
        " from core.fct_indicator where source = 'nbs_accounts' and region is null order by all",
    )
    assert {(row["currency"], row["unit"]) for row in found} == {("CNY", "million")}
    assert {(row["indicator"], row["period_label"]): Fraction(row["value"]) for row in found} == {
        ("NBS.GDP", "2019"): 98651520,
        ("NBS.GDP", "2020"): 101356700,
        ("NBS.GDP", "2021"): 114923700,
        ("NBS.VA_TERTIARY", "2019"): 53537100,
        ("NBS.VA_TERTIARY", "2020"): 55197370,
        ("NBS.VA_TERTIARY", "2021"): 61447640,
    }
    # The share is beside the trade of a region: Hainan in 2021, 700.25 of 4600.5 in the fixture
    (hainan,) = records(
        built_of_nbs,
        "select distinct services_value_added_share_pct as share from marts.mart_trade_regional"
        " where region = '460000' and period_label = '2021'",
    )
    assert hainan["share"] == pytest.approx(100 * 700.25 / 4600.5, rel=1e-12)


PARTNERS = PROJECT / "tests" / "fixtures" / "unctad_services_by_partner" / "US_TradeServCatByPartner.csv.7z"


@pytest.fixture(scope="module")
def built_of_partners(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the database of a build of UNCTAD's services by partner."""
    home = tmp_path_factory.mktemp("partners") / "home"
    answers = edits.fixture("unctad_services_by_partner")({})
    return case.build_beside(home, (), "unctad_services_by_partner", answers, "2026-11-01")


def partner_total(year: int, codes: set[str]) -> Fraction:
    """Return China's exports and imports with partners, in USD million, from the fixture."""
    _, *rows = read_report(PARTNERS)
    amounts = [
        Fraction(row[9])
        for row in rows
        if (row[0], row[1], row[7]) == (str(year), CHINA, "S") and row[3] in codes
    ]
    assert len(amounts) == 2 * len(codes)
    return sum(amounts, Fraction(0))


@pytest.mark.slow
def test_claims_of_partners_are_judged_with_unctads_table(built_of_partners: Path) -> None:
    _, *rows = read_report(PARTNERS)
    brics = {"076", "356", "643", "710"}  # Brazil, India, Russia and South Africa
    belt_and_road = {row[3] for row in rows if row[1] == CHINA and len(row[3]) == 3} - {"076", "710"}
    assert len(belt_and_road) == 65
    shares = [
        100 * partner_total(year, belt_and_road) / partner_total(year, {WORLD}) for year in (2015, 2020)
    ]
    for claim, found, verdict in (
        ("partner_brics_2020", partner_total(2020, brics) / 1000, "differs"),
        ("partner_belt_road_2020", partner_total(2020, belt_and_road) / 1000, "differs"),
        ("partner_belt_road_share_change", shares[1] - shares[0], "near"),
    ):
        assert_claim(claim_row(built_of_partners, claim, "unctad_services_by_partner"), found, verdict)


@pytest.mark.slow
def test_partners_of_unctad_are_in_the_marts_of_partners(built_of_partners: Path) -> None:
    _, *rows = read_report(PARTNERS)
    imports = {
        row[3]: float(row[9])
        for row in rows
        if (row[0], row[1], row[5], row[7]) == ("2020", CHINA, IMPORTS, "S")
    }
    where = "reporter = 'CHN' and period_label = '2020' and service = 'S' and flow = 'imports'"
    partners = records(
        built_of_partners, f"select partner, value_million from marts.mart_trade_partner where {where}"
    )
    assert len(partners) == len(imports) - 1 == 67  # without the world
    assert {row["partner"]: row["value_million"] for row in partners}["BRA"] == imports["076"]
    (group,) = records(
        built_of_partners,
        f"select * from marts.mart_trade_partner_group where {where} and group_code = 'BRICS'"
        " and composition = 'as of the period'",
    )
    brics = sum(imports[code] for code in ("076", "356", "643", "710"))
    assert group["value_million"] == pytest.approx(brics)
    # Brazil states 1003.5 of exports, and China its imports
    mirrors = records(
        built_of_partners,
        "select reporter_value_million, partner_value_million from marts.mart_mirror"
        f" where {where} and partner = 'BRA'",
    )
    assert mirrors == [{"reporter_value_million": imports["076"], "partner_value_million": 1003.5}]
