"""Services trade per inhabitant and against GDP, by figures of the publishers' files.

The sample has one publisher of GDP, the World Bank for China, and none of population. The builds of the
fixtures have three and one: GDP and population of UNCTAD are made up there, GDP of NBS is a published one of
2019 to 2021 in a made-up envelope.
"""

# ruff: noqa: E501 (the payloads are tables: a statement and a finding on each line)

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import nbs_mirror
import pytest
from cases import case, edits
from conftest import Warehouse, ingest, once, release_of, settings_of
from spoiled import spoil
from test_marts import SAFE_USD_2021, close, percent, records, unctad, world_bank
from unctad_reports import read_report

from warehouse.config import EXPECTATIONS_DIR, PROJECT_ROOT, SAMPLE_DIR
from warehouse.quality import validate_release
from warehouse.releases.store import DATABASE
from warehouse.releases.trace import Lineage, trace

MART = "marts.mart_trade_per_head"
ROW = f"select * from {MART} where source = ? and reporter = ? and period_label = ? and flow = ? and currency = ?"
NO_GDP = "no GDP of the economy and year is loaded in the currency of the amount"
NO_POPULATION = "no population of the economy and year is loaded"
DAY = "2026-11-01"


def sizes_of(built: Path, *cell: str) -> dict[str | None, dict[str, Any]]:
    """Return the rows of an amount by the publisher of the size."""
    rows = records(built, ROW, *cell)
    found = {row["size_source"]: row for row in rows}
    assert len(found) == len(rows)
    return found


# --- the sample ---------------------------------------------------------------------------------------


def test_world_banks_services_are_divided_by_its_gdp(built: Path) -> None:
    """Every year of the JSON files; in 2021 by hand 339393.21 and 440604.86 of 17820459.51 million dollars."""
    gdp = world_bank("NY.GDP.MKTP.CD", "night-2")
    files = {"exports": "BX.GSR.NFSV.CD", "imports": "BM.GSR.NFSV.CD"}
    trade = {flow: world_bank(indicator, "night-2") for flow, indicator in files.items()}
    rows = records(
        built,
        f"select * from {MART} where source = 'worldbank_wdi' and size_measure = 'GDP' and reporter = 'CHN'",
    )
    found = {(row["flow"], row["period_label"]): row for row in rows}
    years = {year for _, year in found}
    assert len(rows) == len(found) == 3 * len(years) == 123
    assert (min(years), max(years)) == ("1982", "2022")
    for year in years:
        amounts = {flow: values[year] for flow, values in trade.items()}
        assert amounts["exports"] is not None and amounts["imports"] is not None and gdp[year] is not None
        amounts["total"] = amounts["exports"] + amounts["imports"]
        for flow, amount in amounts.items():
            row = found[flow, year]
            assert close(row["share_of_gdp_pct"], percent(amount, gdp[year])), (flow, year)
            assert close(row["gdp_million"], Fraction(gdp[year] or 0) / 1_000_000)
            assert row["is_published"] is (flow != "total")
            assert (row["population_thousand"], row["amount_per_head"], row["reason"]) == (None, None, None)
            assert (row["size_source"], row["size_vintage"]) == ("worldbank_wdi", "2024-07-12")
    shares = [round(found[flow, "2021"]["share_of_gdp_pct"], 6) for flow in ("exports", "imports", "total")]
    assert shares == [1.904514, 2.472466, 4.376981]


def test_total_is_the_share_that_the_world_bank_prints(built: Path) -> None:
    """The indicator BG.GSR.NFSV.GD.ZS, trade in services in percent of GDP: 4.37698070257768 for 2021."""
    printed = world_bank("BG.GSR.NFSV.GD.ZS", "night-2")
    assert printed["2021"] == Fraction("4.37698070257768")
    rows = records(
        built,
        f"select period_label, share_of_gdp_pct from {MART}"
        " where source = 'worldbank_wdi' and size_source = 'worldbank_wdi' and flow = 'total' and reporter = 'CHN'",
    )
    found = {row["period_label"]: row["share_of_gdp_pct"] for row in rows}
    assert found.keys() == {year for year, share in printed.items() if share is not None}
    assert len(found) == 41
    for year, share in found.items():
        assert share == pytest.approx(float(printed[year] or 0), rel=1e-13), year


def test_services_of_safe_and_unctad_are_divided_by_gdp_of_the_world_bank(built: Path) -> None:
    """SAFE's workbook: 3393.9321 hundred million dollars of exports in 2021; UNCTAD's CSV: 394272.573 million."""
    gdp = world_bank("NY.GDP.MKTP.CD", "night-2")["2021"]
    assert gdp is not None
    credit, debit = (Fraction(amount) * 100_000_000 for amount in SAFE_USD_2021["S"])
    of_unctad = unctad("US_TradeServCatTotal")["156", "2021"].exports
    assert of_unctad == Fraction("394272.573")
    for source, flow, amount in (
        ("safe_bop", "exports", credit),
        ("safe_bop", "imports", -debit),
        ("safe_bop", "total", credit - debit),
        ("unctad_services", "exports", of_unctad * 1_000_000),
    ):
        row = sizes_of(built, source, "CHN", "2021", flow, "USD")["worldbank_wdi"]
        assert close(row["share_of_gdp_pct"], 100 * amount / gdp), (source, flow)
        assert row["is_preferred"] is (source == "safe_bop")
    assert round(row["share_of_gdp_pct"], 6) == 2.212471


def test_every_annual_amount_of_unctad_is_beside_both_measures(built: Path) -> None:
    services = unctad("US_TradeServCatTotal")
    amounts = [
        amount
        for cell in services.values()
        for amount in (cell.exports, cell.imports, cell.total)
        if amount is not None
    ]
    assert len(amounts) > 11000
    counted = records(
        built,
        f"select size_measure, count(*) as n from {MART} where source = 'unctad_services' group by 1 order by 1",
    )
    assert [tuple(row.values()) for row in counted] == [("GDP", len(amounts)), ("population", len(amounts))]


def test_amount_without_a_size_has_a_reason(built: Path) -> None:
    """The recorded GDP is of China, in dollars and to 2022; no population is recorded."""
    rows = records(built, ROW + " order by size_measure", "safe_bop", "CHN", "2021", "exports", "CNY")
    assert [(row["size_measure"], row["size_source"], row["reason"]) for row in rows] == [
        ("GDP", None, NO_GDP),
        ("population", None, NO_POPULATION),
    ]
    for cell in (("unctad_services", "BRA", "2021"), ("unctad_services", "CHN", "2024")):
        rows = records(built, ROW + " order by size_measure", *cell, "imports", "USD")
        assert [row["reason"] for row in rows] == [NO_GDP, NO_POPULATION]
        assert {row["share_of_gdp_pct"] for row in rows} | {row["amount_per_head"] for row in rows} == {None}


def traced(release: Path, work: Path, **conditions: str) -> dict[str, Lineage]:
    """Return what a trace of a row finds, by role."""
    found = trace(release, release.parents[1] / "landing", work, MART, conditions)
    assert all(one.is_intact for one in found)
    return {one.role: one for one in found}


def test_row_is_traced_to_the_amounts_and_to_gdp(warehouse: Warehouse, tmp_path: Path) -> None:
    cell = {"source": "unctad_services", "reporter": "CHN", "period_label": "2021", "size_measure": "GDP"}
    found = traced(warehouse.release, tmp_path, **cell, flow="exports")
    assert {role: one.models[-1] for role, one in found.items()} == {
        "amount, or exports and imports": "raw.unctad_services",
        "GDP": "raw.worldbank_wdi",
    }
    assert [one.raw_row["value"] for one in found["GDP"].origins] == ["17820459508852.2"]
    both = traced(warehouse.release, tmp_path, **cell, flow="total")["amount, or exports and imports"]
    assert sorted(Fraction(one.raw_row["value"]) for one in both.origins) == [
        Fraction("394272.573"),
        Fraction("426997.952"),
    ]


# --- with the fixtures of UNCTAD and NBS ----------------------------------------------------------------


@pytest.fixture(scope="session")
def of_fixtures(shared: Path) -> Path:
    """Return the database of a release of four recorded sources and three fixtures; its gate has passed."""
    base = shared / "per-head"

    def make() -> Path:
        home = base / "home"
        for source in ("mofcom_totals", "safe_bop", "unctad_services", "worldbank_wdi"):
            assert ingest(settings_of(home, SAMPLE_DIR / "night-2"), source)
        for name in ("unctad_gdp", "unctad_population"):
            mirror = case.write_mirror(base / name, edits.fixture(name)({}), DAY)
            assert ingest(settings_of(home, mirror), name) == DAY
        assert ingest(settings_of(home, nbs_mirror.write_mirror(base / "nbs")), "nbs_accounts") == DAY
        return release_of(home)

    return Path(once(shared, "per-head", make)) / DATABASE


def sent(name: str, archive: str, year: str, economy: str) -> Fraction:
    """Return a made-up size of the fixture: GDP in millions of dollars, population in thousands."""
    rows = read_report(PROJECT_ROOT / "tests" / "fixtures" / name / archive)
    (value,) = [row[3] for row in rows if row[:2] == [year, economy]]
    return Fraction(value)


def gdp_sent(year: str, economy: str) -> Fraction:
    return sent("unctad_gdp", "US_GDPTotal.csv.7z", year, economy)


def population_sent(year: str, economy: str) -> Fraction:
    return sent("unctad_population", "US_PopTotal.csv.7z", year, economy)


@pytest.mark.slow
def test_two_publishers_of_gdp_are_beside_each_other(of_fixtures: Path) -> None:
    """China's exports of 2021 by UNCTAD, 394272.573 million: of 12 320 000 (made up) and of 17 820 459.5 million."""
    exports = Fraction("394272.573")
    bank = world_bank("NY.GDP.MKTP.CD", "night-2")["2021"]
    assert gdp_sent("2021", "156") == 12320000 and bank is not None
    found = sizes_of(of_fixtures, "unctad_services", "CHN", "2021", "exports", "USD")
    assert found.keys() == {"unctad_gdp", "unctad_population", "worldbank_wdi"}
    assert close(found["unctad_gdp"]["share_of_gdp_pct"], 100 * exports / 12320000)
    assert close(found["worldbank_wdi"]["share_of_gdp_pct"], 100_000_000 * exports / bank)
    assert round(found["unctad_gdp"]["share_of_gdp_pct"], 6) == 3.200264
    assert (found["unctad_gdp"]["gdp_million"], found["unctad_gdp"]["size_vintage"]) == (12320000, DAY)


@pytest.mark.slow
def test_amount_per_head_is_in_units_of_the_currency(of_fixtures: Path) -> None:
    """394272.573 million dollars for 1 545 600 thousand persons (made up) are 255.09 dollars for each."""
    assert population_sent("2021", "156") == 1545600
    china = sizes_of(of_fixtures, "unctad_services", "CHN", "2021", "exports", "USD")["unctad_population"]
    assert round(china["amount_per_head"], 2) == 255.09
    assert (china["population_thousand"], china["gdp_million"], china["share_of_gdp_pct"]) == (
        1545600,
        None,
        None,
    )
    services = unctad("US_TradeServCatTotal")
    for reporter, economy in (("BRA", "076"), ("CHN", "156"), ("WLD", "0000")):
        for year in ("2015", "2020", "2024"):
            row = sizes_of(of_fixtures, "unctad_services", reporter, year, "total", "USD")[
                "unctad_population"
            ]
            total = services[economy, year].total
            assert total is not None
            assert close(row["amount_per_head"], 1000 * total / population_sent(year, economy)), (
                reporter,
                year,
            )


@pytest.mark.slow
def test_yuan_are_divided_by_gdp_in_yuan(of_fixtures: Path) -> None:
    """MOFCOM's total of 2021 is 52 982.7, GDP of NBS in the fixture 1 149 237, both in 100 million yuan."""
    found = sizes_of(of_fixtures, "mofcom_totals", "CHN", "2021", "total", "CNY")
    assert found.keys() == {"nbs_accounts", "unctad_population"}
    assert close(found["nbs_accounts"]["share_of_gdp_pct"], 100 * Fraction("52982.7") / 1149237)
    assert found["nbs_accounts"]["is_published"] is True
    yuan_per_head = 1000 * Fraction(5298270) / population_sent("2021", "156")
    assert close(found["unctad_population"]["amount_per_head"], yuan_per_head)
    dollars = sizes_of(of_fixtures, "safe_bop", "CHN", "2021", "total", "USD")
    assert dollars.keys() == {"unctad_gdp", "unctad_population", "worldbank_wdi"}


@pytest.mark.slow
def test_row_is_traced_to_the_population(of_fixtures: Path, tmp_path: Path) -> None:
    conditions = {"source": "unctad_services", "reporter": "BRA", "period_label": "2020", "flow": "imports"}
    found = traced(of_fixtures.parent, tmp_path, **conditions, size_measure="population")
    assert {role: one.models[-1] for role, one in found.items()} == {
        "amount, or exports and imports": "raw.unctad_services",
        "population": "raw.unctad_population",
    }
    (origin,) = found["population"].origins
    assert Fraction(origin.raw_row["value"]) == population_sent("2020", "076")
    by_gdp = traced(of_fixtures.parent, tmp_path, **conditions, size_measure="GDP")
    assert by_gdp["GDP"].models[-1] == "raw.unctad_gdp"


SPOILED: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "spoiled rows": (
        (
            f"insert into {MART} select * from {MART} where source = 'safe_bop' and period_label = '2015' and currency = 'USD' and size_source = 'worldbank_wdi'",
            f"update {MART} set amount_million = 2 * amount_million where source = 'safe_bop' and period_label = '2016' and currency = 'USD'",
            f"delete from {MART} where reporter = 'BRA' and period_label = '2018' and size_source = 'unctad_gdp'",
            f"update {MART} set gdp_million = 2 * gdp_million where reporter = 'BRA' and period_label = '2019' and size_source = 'unctad_gdp'",
            f"update {MART} set amount_per_head = 2 * amount_per_head where reporter = 'BRA' and period_label = '2017' and size_measure = 'population'",
            f"update {MART} set reason = null where reporter = 'ABW' and period_label = '2020'",
            f"update {MART} set population_thousand = 30000000 where reporter = 'WLD' and period_label = '2020' and size_measure = 'population'",
            f"update {MART} set share_of_gdp_pct = 70 where source = 'unctad_services' and reporter = 'CHN' and period_label = '2021' and size_source = 'unctad_gdp' and flow = 'total'",
            f"update {MART} set amount_per_head = 0.5 where source = 'unctad_services' and reporter = 'CHN' and period_label = '2022' and size_measure = 'population' and flow = 'total'",
        ),
        {
            "keys are unique": "safe_bop, CHN, exports, 2015, USD, reported, GDP of worldbank_wdi occurs 2 times",
            "amounts are those of core": "safe_bop, CHN, 2016, USD, exports beside GDP: core ",
            "sizes are those of core": "unctad_services, BRA, 2018, USD, exports: GDP of unctad_gdp in core 1908000",
            "results follow from the figures": "unctad_services, BRA, 2017, USD, exports: amount ",
            "each row has a result or a reason": "unctad_services, ABW, 2020, USD, exports: GDP of -, share -, per head -, reason -",
            "sizes are of an economy": "WLD, 2020, unctad_population: GDP - million, population 30000000.0 thousand",
            "China has the right order of magnitude": "unctad_services, 2021, USD, GDP of unctad_gdp: 70.0 % of GDP",
        },
    ),
    "empty": (
        (f"delete from {MART}",),
        {
            "amounts are those of core": "mofcom_totals, CHN, 2012, CNY, total beside GDP: core 3042200",
            "no publisher of a size is lost": "unctad_services, GDP of unctad_gdp: 0 results, the current release has 90",
        },
    ),
}


def failures(build: Path, current: Path, work: Path) -> dict[str, str]:
    """Return the details of the failed expectations of the mart."""
    verdict = validate_release(build, current, EXPECTATIONS_DIR, None, work)
    own = [one for one in verdict.findings if one.table == MART]
    assert len(own) == 8
    return {one.expectation: one.detail for one in own if not one.success}


@pytest.mark.slow
@pytest.mark.parametrize("name", SPOILED)
def test_bad_release_is_rejected_by_name(name: str, of_fixtures: Path, tmp_path: Path) -> None:
    statements, findings = SPOILED[name]
    build = spoil(of_fixtures, statements, tmp_path)
    failed = failures(build, of_fixtures, tmp_path / "work")
    for expectation, expected_text in findings.items():
        assert expected_text in failed.get(expectation, ""), f"{expectation}: {failed.get(expectation)}"


def test_every_expectation_of_the_suite_has_a_payload() -> None:
    text = (EXPECTATIONS_DIR / f"{MART}.yml").read_text(encoding="utf-8")
    names = [line.removeprefix("  - name: ") for line in text.splitlines() if line.startswith("  - name: ")]
    assert set(names) == {name for _, findings in SPOILED.values() for name in findings}
