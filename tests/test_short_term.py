"""Quarters and months against figures computed from the raw files.

SAFE's cells are read from the workbook's XML and curated months from the CSV file, both with the standard
library. No expected value is taken from the product's output.
"""

from __future__ import annotations

import csv
import re
import zipfile
from fractions import Fraction
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from test_marts import close, raw_file, record, records

from warehouse.config import DBT_PROJECT_DIR, PROJECT_ROOT

MARTS = DBT_PROJECT_DIR / "models" / "marts"
COLUMNS = (
    "source, vintage, reporter, frequency, period_start, period_end, period_label, currency, value_type, "
    "source_name, reporter_name_en, reporter_name_zh, reporter_type, status, service, service_name_en, "
    "service_name_zh, service_level, is_main_item, flow, value_million, is_published, is_derived, "
    "growth_on_previous_pct, growth_on_year_pct, is_small_base, rolling_year_million, "
    "rolling_year_growth_pct, year_to_date_million, is_year_to_date_published, year_to_date_growth_pct, "
    "seasonally_adjusted_million, seasonally_adjusted_growth_pct, adjustment, adjustment_reason, "
    "is_preferred"
)
QUARTER = (
    "select * from marts.mart_trade_short_term where source = 'safe_bop' and currency = 'USD'"
    " and service = 'S' and flow = ? and period_label = ?"
)
MONTHS = (
    "select * from marts.mart_trade_short_term where frequency = 'M' and service = 'S' order by period_label"
)


@cache
def quarters_in_dollars() -> dict[str, str]:
    """Return the numbers of sheet 季度BOP（美元）, the fourth of SAFE's workbook, by cell."""
    with zipfile.ZipFile(raw_file("b61d4761d25b53c4c9a63a9e9153c4d5.xlsx")) as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet4.xml"))  # noqa: S314
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    return {
        cell.attrib["r"]: cell.findtext("m:v", "", space)
        for cell in sheet.iterfind(".//m:c", space)
        if cell.attrib.get("t") != "s"
    }


def amounts(columns: str, row: int) -> list[Fraction]:
    """Return the amounts of columns, in millions; the sheet has hundred millions, with 15 digits."""
    return [
        abs(100 * Fraction(f"{float(quarters_in_dollars()[f'{column}{row}']):.15g}"))
        for column in columns.split()
    ]


@cache
def curated() -> dict[tuple[str, str, str], Fraction]:
    """Return the amounts of all services in millions of yuan, by period and flow."""
    text = (PROJECT_ROOT / "warehouse" / "curated" / "national_releases.csv").read_text("utf-8")
    return {
        (line["period"], line["service"], line["flow"]): 100 * Fraction(line["value"])
        for line in csv.DictReader(text.splitlines())
        if line["measure"] == "trade" and line["currency"] == "CNY" and line["unit"] == "100 million"
    }


def test_mart_has_the_documented_columns_in_order(built: Path) -> None:
    found = records(
        built,
        "select column_name from information_schema.columns"
        " where table_schema = 'marts' and table_name = 'mart_trade_short_term' order by ordinal_position",
    )
    assert [row["column_name"] for row in found] == COLUMNS.split(", ")
    model = yaml.safe_load((MARTS / "mart_trade_short_term.yml").read_text("utf-8"))["models"][0]
    assert [column["name"] for column in model["columns"]] == COLUMNS.split(", ")
    assert re.search(r"One row per [^.]+\.$", model["description"].strip()), "the grain ends the description"


# Row 16 is 服务 贷方 (exports), row 17 服务 借方 (imports, with a minus sign).
# Column DA, the last, is 2023-Q4.
@pytest.mark.parametrize(("flow", "row"), [("exports", 16), ("imports", 17)])
def test_quarters_of_safe_are_compared_as_in_the_workbook(built: Path, flow: str, row: int) -> None:
    """Exports by hand: 855.334 on 783.599 is 9.15 %, on 868.543 -1.52 %; 2023 is 3320.548 on 3724.953."""
    of_2022, of_2023 = amounts("CT CU CV CW", row), amounts("CX CY CZ DA", row)
    last = record(built, QUARTER, flow, "2023-Q4")
    assert close(last["value_million"], of_2023[3])
    assert close(last["growth_on_previous_pct"], 100 * (of_2023[3] / of_2023[2] - 1))
    assert close(last["growth_on_year_pct"], 100 * (of_2023[3] / of_2022[3] - 1))
    assert close(last["rolling_year_million"], sum(of_2023))
    assert close(last["rolling_year_growth_pct"], 100 * (sum(of_2023) / sum(of_2022) - 1))
    third = record(built, QUARTER, flow, "2023-Q3")
    assert close(third["rolling_year_million"], of_2022[3] + sum(of_2023[:3]))
    assert close(third["year_to_date_million"], sum(of_2023[:3]))
    assert close(third["year_to_date_growth_pct"], 100 * (sum(of_2023[:3]) / sum(of_2022[:3]) - 1))
    assert third["is_year_to_date_published"] is False
    if flow == "exports":
        assert round(last["growth_on_previous_pct"], 2) == 9.15
        assert round(last["growth_on_year_pct"], 2) == -1.52
        assert round(last["rolling_year_million"], 1) == 332054.8


def test_total_and_balance_of_a_quarter_follow_from_its_flows(built: Path) -> None:
    (exports, before), (imports, before_imports) = amounts("DA CZ", 16), amounts("DA CZ", 17)
    total, balance = (record(built, QUARTER, flow, "2023-Q4") for flow in ("total", "balance"))
    assert close(total["value_million"], exports + imports) and total["is_published"] is False
    assert close(total["growth_on_previous_pct"], 100 * ((exports + imports) / (before + before_imports) - 1))
    assert close(balance["value_million"], exports - imports) and balance["value_million"] < 0
    assert {balance[name] for name in COLUMNS.split(", ") if name.endswith("growth_pct")} == {None}
    assert balance["growth_on_previous_pct"] is None and balance["growth_on_year_pct"] is None
    assert balance["adjustment_reason"] == "a balance is not adjusted"
    year = sum(amounts("CX CY CZ DA", 16)) - sum(amounts("CX CY CZ DA", 17))
    assert close(balance["rolling_year_million"], year)


def test_first_quarters_of_a_series_have_no_year(built: Path) -> None:
    """The sheet begins with 1998-Q1 in column B."""
    first, third, fourth = (record(built, QUARTER, "exports", f"1998-Q{number}") for number in (1, 3, 4))
    assert first["growth_on_previous_pct"] is None and first["rolling_year_million"] is None
    assert third["growth_on_year_pct"] is None and third["rolling_year_million"] is None
    assert close(third["year_to_date_million"], sum(amounts("B C D", 16)))
    assert close(fourth["rolling_year_million"], sum(amounts("B C D E", 16)))
    assert fourth["rolling_year_growth_pct"] is None


def test_adjusted_quarters_keep_the_level_of_the_year(built: Path) -> None:
    """The seasonal factors of a year multiply to 1 within 2.5 % in every series.

    The sums of the years of all services, which have no quarter far from the others, differ by 1 % at most.
    """
    years = (
        "select source, currency, service, flow, year(period_start) as year,"
        " avg(ln(value_million / seasonally_adjusted_million)) as factor,"
        " sum(seasonally_adjusted_million) / sum(value_million) - 1 as difference"
        " from marts.mart_trade_short_term where adjustment = 'STL' group by all having count(*) = 4"
    )
    found = record(
        built,
        "select count(*) as n, max(abs(factor)) as factor, median(abs(difference)) as middle,"
        f" max(abs(difference)) filter (where service = 'S') as of_all_services from ({years})",
    )
    assert found["n"] > 2000
    assert found["factor"] < 0.025
    assert found["middle"] < 0.004
    assert 0 < found["of_all_services"] < 0.01


def test_adjustment_takes_the_season_away(built: Path) -> None:
    """China's exports rose by 8 to 11 % in each fourth quarter of 2015 to 2019, adjusted by less than 3 %.

    Columns BR to CK of the sheet are 2015-Q1 to 2019-Q4.
    """
    raw = amounts("BR BS BT BU BV BW BX BY BZ CA CB CC CD CE CF CG CH CI CJ CK", 16)
    rises = [float(raw[year + 3] / raw[year + 2] - 1) for year in range(0, 20, 4)]
    found = records(
        built,
        "select growth_on_previous_pct as raw, seasonally_adjusted_growth_pct as adjusted"
        " from marts.mart_trade_short_term where source = 'safe_bop' and currency = 'USD' and service = 'S'"
        " and flow = 'exports' and quarter(period_start) = 4 and year(period_start) between 2015 and 2019"
        " order by period_start",
    )
    assert [row["raw"] / 100 for row in found] == pytest.approx(rises)
    assert 0.08 < min(rises) < max(rises) < 0.12
    assert max(abs(row["adjusted"]) for row in found) < 3


def test_series_that_are_not_adjusted_say_why(built: Path) -> None:
    """Row 40 of the sheet, 知识产权使用费 贷方 (exports of SH), has a zero."""
    found = records(
        built,
        "select distinct adjustment_reason from marts.mart_trade_short_term where source = 'safe_bop'"
        " and currency = 'USD' and service = 'SH' and flow = 'exports'",
    )
    assert [row["adjustment_reason"] for row in found] == ["a quarter is zero or negative"]
    smallest = min(
        float(value)
        for cell, value in quarters_in_dollars().items()
        if re.fullmatch(r"[A-Z]+40", cell) and value
    )
    assert smallest <= 0


def test_months_follow_from_cumulative_figures(built: Path) -> None:
    """June 2019 is 26124.6 less 21893.4 hundred million yuan.

    July 2021 is printed, and equals 28093.6 less 23774.4. November 2021 is left out: January to October is
    printed as 4.2 trillion.
    """
    months = {(row["period_label"], row["flow"]): row for row in records(built, MONTHS)}
    figures = curated()
    june = months["2019-06", "total"]
    assert close(
        june["value_million"],
        figures["2019-01/2019-06", "S", "total"] - figures["2019-01/2019-05", "S", "total"],
    )
    assert june["value_million"] == 423120 and june["is_derived"] and not june["is_published"]
    assert june["year_to_date_million"] == 2612460 and june["is_year_to_date_published"]
    july = months["2021-07", "total"]
    assert close(july["value_million"], figures["2021-07", "S", "total"]) and july["value_million"] == 431920
    assert july["is_published"] and not july["is_derived"]
    assert figures["2021-01/2021-07", "S", "total"] - figures["2021-01/2021-06", "S", "total"] == 431920
    assert july["year_to_date_million"] == 2809360
    assert figures["2021-01/2021-10", "S", "total"] == 4200000
    assert {label for label, _ in months} == {"2019-06", "2020-12", "2021-07", "2021-12"}
    assert {row["adjustment_reason"] for row in months.values()} == {"months are not adjusted"}
    assert {row["is_preferred"] for row in months.values()} == {True}


def test_year_to_date_of_december_is_the_year(built: Path) -> None:
    """The total of 2021 is 52982.7 hundred million yuan after 45642.7; exports of 2020 are 19356.7."""
    months = {(row["period_label"], row["flow"]): row for row in records(built, MONTHS)}
    figures = curated()
    december = months["2021-12", "total"]
    assert figures["2021", "S", "total"] == 5298270 and figures["2020", "S", "total"] == 4564270
    assert (december["value_million"], december["year_to_date_million"]) == (619730, 5298270)
    assert december["is_year_to_date_published"]
    growth = 100 * (figures["2021", "S", "total"] / figures["2020", "S", "total"] - 1)
    assert close(december["year_to_date_growth_pct"], growth)
    exports = months["2020-12", "exports"]
    assert exports["year_to_date_million"] == 1935670 == figures["2020", "S", "exports"]
    assert exports["is_year_to_date_published"]


def test_year_to_date_of_the_fourth_quarter_is_the_year_of_the_source(built: Path) -> None:
    """SAFE prints years of exports and imports, and no total."""
    rows = {
        flow: record(built, QUARTER, flow, "2021-Q4") for flow in ("exports", "imports", "total", "balance")
    }
    years = {
        row["flow"]: row["value_million_double"]
        for row in records(
            built,
            "select flow, value_million_double from core.fct_services_trade where source = 'safe_bop'"
            " and frequency = 'A' and currency = 'USD' and service = 'S' and period_label = '2021'",
        )
    }
    assert years.keys() == {"exports", "imports"}
    for flow in years:
        assert rows[flow]["year_to_date_million"] == years[flow] and rows[flow]["is_year_to_date_published"]
    assert rows["total"]["year_to_date_million"] == pytest.approx(sum(years.values()), rel=1e-14)
    assert not rows["total"]["is_year_to_date_published"]
    assert not rows["balance"]["is_year_to_date_published"]


def test_growth_of_quarters_is_that_of_the_structure(built: Path) -> None:
    found = record(
        built,
        "select count(*) as n, count(*) filter (where short.growth_on_year_pct is distinct from"
        " structure.growth_pct or short.value_million is distinct from structure.value_million"
        " or short.is_preferred <> structure.is_preferred) as differing"
        " from marts.mart_trade_short_term as short inner join marts.mart_trade_structure as structure"
        " using (source, reporter, frequency, period_start, currency, value_type, service, flow)"
        " where frequency = 'Q'",
    )
    assert found["n"] > 10000 and found["differing"] == 0


def test_months_of_bi_are_as_published_without_a_rate(built: Path) -> None:
    """The months of the recorded sources are in yuan, and the sample has no exchange rates.

    National releases, lines 21 and 99: 6197.3 and 2316.2 hundred million yuan.
    """
    found = records(built, "select * from bi.monthly order by period_label")
    exports = float(curated()["2021-07", "S", "exports"])
    assert [(row["period_label"], row["exports_million"], row["total_million"]) for row in found] == [
        ("2019-06", None, 423120),
        ("2020-12", 231620, None),
        ("2021-07", exports, 431920),
        ("2021-12", None, 619730),
    ]
    without = ("total_usd_million", "exports_usd_million", "rate_per_usd", "rate_source", "rate_vintage")
    assert {row[name] for row in found for name in without} == {None}
    assert {(row["currency"], row["usd_reason"]) for row in found} == {("CNY", "no exchange rate for CNY")}
