"""Amounts in other currencies beside their values in dollars, from a build with exchange rates.

The amounts are those of the publishers' files, the rates those of the fixtures: of imf_exchange_rates from
2017 on, and of unctad_exchange_rates, with other rates for the same years, from 2010 on. Each expected figure
is divided by hand.
"""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import pytest
from cases import case, edits
from conftest import ingest, settings_of
from test_marts import record, records
from test_marts_partner import batis, ons
from unctad_reports import read_report

from warehouse.config import PROJECT_ROOT

DAY = "2026-11-01"
RATES = {"rate_source": "imf_exchange_rates", "rate_vintage": DAY}
EARLIER_RATES = {"rate_source": "unctad_exchange_rates", "rate_vintage": DAY}
NO_RATES = {"partner_rate_source": None, "partner_rate_vintage": None}
# The total and the exports of 2021 in MOFCOM's answer: 52 982.7 and 25 435, 100 million yuan.
TOTAL, EXPORTS = Fraction(5298270), Fraction(2543500)

pytestmark = pytest.mark.slow


def rate(country: str, period: str) -> Fraction:
    """Return a rate as the fixture has it."""
    path = PROJECT_ROOT / "tests" / "fixtures" / "imf_exchange_rates" / "er.csv"
    with path.open(encoding="utf-8", newline="") as file:
        (value,) = [
            row["OBS_VALUE"]
            for row in csv.DictReader(file)
            if (row["COUNTRY"], row["TIME_PERIOD"]) == (country, period)
        ]
    return Fraction(value)


def earlier_rate(economy: str, year: str) -> Fraction:
    """Return a rate for a dollar as UNCTAD's fixture has it."""
    archive = PROJECT_ROOT / "tests" / "fixtures" / "unctad_exchange_rates" / "US_ExchangeRateCrosstab.csv.7z"
    _, *rows = read_report(archive)
    (value,) = [row[5] for row in rows if (row[0], row[1], row[3]) == (year, economy, "842")]
    return Fraction(value)


@pytest.fixture(scope="module")
def built_of_rates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the database of a build of four recorded sources, and of the fixtures of rates."""
    home = tmp_path_factory.mktemp("rates") / "home"
    mirror = case.write_mirror(home.parent / "imf", edits.fixture("imf_exchange_rates")({}), DAY)
    assert ingest(settings_of(home, mirror), "imf_exchange_rates") == DAY
    recorded = ("batis", "curated", "mofcom_totals", "ons_services")
    answers = edits.fixture("unctad_exchange_rates")({})
    return case.build_beside(home, recorded, "unctad_exchange_rates", answers, DAY)


def test_rates_are_of_currencies_by_period(built_of_rates: Path) -> None:
    found = records(
        built_of_rates,
        "select reporter, currency, frequency, count(*) as n, max(period_label) as last,"
        " max_by(value_double, period_start) as rate"
        " from core.fct_indicator where source = 'imf_exchange_rates' group by all order by all",
    )
    assert [(row["reporter"], row["currency"], row["frequency"], row["n"]) for row in found] == [
        ("BGD", "BDT", "M", 2),
        *[("CHN", "CNY", frequency, n) for frequency, n in (("A", 7), ("M", 84), ("Q", 28))],
        *[("EMU", "EUR", frequency, n) for frequency, n in (("A", 7), ("M", 84), ("Q", 28))],
        *[("GBR", "GBP", frequency, n) for frequency, n in (("A", 7), ("M", 84), ("Q", 28))],
        ("NPL", "NPR", "A", 1),
        ("PAK", "PKR", "M", 2),
    ]
    # as clients of the table saw them
    assert (found[0]["last"], found[0]["rate"]) == ("2026-08", 123.1)
    assert (found[-2]["last"], found[-2]["rate"]) == ("2025", 139.12)


def test_rates_of_unctad_are_those_with_the_united_states(built_of_rates: Path) -> None:
    found = records(
        built_of_rates,
        "select reporter, currency, frequency, unit, indicator, count(*) as n, max(period_label) as last,"
        " max_by(value_double, period_start) as rate"
        " from core.fct_indicator where source = 'unctad_exchange_rates' group by all order by all",
    )
    assert {(row["frequency"], row["unit"], row["indicator"]) for row in found} == {
        ("A", "per US dollar", "US.ExchangeRateCrosstab")
    }
    # Brazil's rates of 2024 are not stated; Germany's are of no currency, being those of the euro area
    assert [
        (row["reporter"], row["currency"], row["n"], row["last"], row["rate"])
        for row in sorted(found, key=lambda row: row["reporter"])
    ] == [
        ("BRA", "BRL", 14, "2023", 4.99),
        ("CHN", "CNY", 15, "2024", 7.19),
        ("DEU", None, 15, "2024", 0.93),
        ("GBR", "GBP", 15, "2024", 0.79),
        ("JPN", "JPY", 15, "2024", 151.4),
        ("TUR", "TRY", 15, "2024", 32.8),
    ]
    held = records(built_of_rates, "select * from core.held_row where source = 'unctad_exchange_rates'")
    assert held == []


def test_pounds_and_dollars_are_compared_in_dollars(built_of_rates: Path) -> None:
    """ONS states exports of 8590 million pounds to China in 2019, and BaTiS China's imports in dollars."""
    pounds, dollars = ons("0", "2019")["exports", "CN"], batis()["GBR", "IMP", "2019"]
    assert pounds == 8590
    converted = pounds / rate("GBR", "2019")
    row = record(
        built_of_rates,
        "select * from marts.mart_mirror where reporter = 'GBR' and partner = 'CHN' and flow = 'exports'"
        " and reporter_source = 'ons_services' and partner_source = 'batis' and period_label = '2019'"
        " and service = 'S'",
    )
    assert row["reporter_value_million"] == 8590 and row["reason"] == "currencies differ"
    assert (row["reporter_value_type"], row["partner_value_type"]) == ("reported", "balanced")
    assert row["reporter_value_usd_million"] == pytest.approx(float(converted), rel=1e-12)
    assert row["partner_value_usd_million"] == float(dollars)
    assert row["difference_usd_million"] == pytest.approx(float(converted - dollars), rel=1e-12)
    index = abs(converted - dollars) / ((converted + dollars) / 2)
    assert row["asymmetry_index_usd"] == pytest.approx(float(index), rel=1e-12)
    assert (row["reporter_rate_per_usd"], row["partner_rate_per_usd"]) == (float(rate("GBR", "2019")), None)
    assert {name: row[f"reporter_{name}"] for name in RATES} == RATES and row["usd_reason"] is None
    assert {name: row[name] for name in NO_RATES} == NO_RATES


def test_pounds_of_a_year_without_a_rate_of_the_imf_are_converted_by_unctad(built_of_rates: Path) -> None:
    """The IMF's rates of the fixture begin in 2017; UNCTAD's of 2016 is 0.74 pounds for a dollar."""
    pounds, dollars = ons("0", "2016")["exports", "CN"], batis()["GBR", "IMP", "2016"]
    per_dollar = earlier_rate("826", "2016")
    assert per_dollar == Fraction(74, 100)
    row = record(
        built_of_rates,
        "select * from marts.mart_mirror where reporter = 'GBR' and partner = 'CHN' and flow = 'exports'"
        " and reporter_source = 'ons_services' and partner_source = 'batis' and period_label = '2016'"
        " and service = 'S'",
    )
    assert row["reporter_value_million"] == float(pounds)
    assert row["reporter_value_usd_million"] == pytest.approx(float(pounds / per_dollar), rel=1e-12)
    assert row["difference_usd_million"] == pytest.approx(float(pounds / per_dollar - dollars), rel=1e-12)
    assert (row["reporter_rate_per_usd"], row["partner_rate_per_usd"]) == (0.74, None)
    assert {name: row[f"reporter_{name}"] for name in RATES} == EARLIER_RATES and row["usd_reason"] is None
    assert {name: row[name] for name in NO_RATES} == NO_RATES


def test_rate_of_the_imf_is_used_where_both_state_one(built_of_rates: Path) -> None:
    assert (rate("CHN", "2021"), earlier_rate("156", "2021")) == (Fraction("6.4459"), Fraction("6.45"))
    found = records(
        built_of_rates,
        "select distinct period_label, rate_source, rate_per_usd from marts.mart_reconciliation"
        " where source_b = 'mofcom_totals' and currency = 'CNY' and period_label in ('2012', '2020', '2021')"
        " order by 1",
    )
    assert [tuple(row.values()) for row in found] == [
        ("2012", "unctad_exchange_rates", 6.31),
        ("2020", "imf_exchange_rates", 6.8796),
        ("2021", "imf_exchange_rates", 6.4459),
    ]


def test_yuan_of_two_publishers_are_compared_in_dollars(built_of_rates: Path) -> None:
    row = record(
        built_of_rates,
        "select * from marts.mart_reconciliation where source_a = 'curated' and source_b = 'mofcom_totals'"
        " and flow = 'exports' and period_label = '2021' and currency = 'CNY'",
    )
    assert row["value_b_million"] == float(EXPORTS)
    assert row["value_b_usd_million"] == pytest.approx(float(EXPORTS / rate("CHN", "2021")), rel=1e-12)
    assert row["difference_usd_million"] == 0
    assert (row["rate_per_usd"], row["usd_reason"]) == (float(rate("CHN", "2021")), None)
    assert {name: row[name] for name in RATES} == RATES
    # UNCTAD has a rate of 2012, and none of a year before 2010
    earlier = record(
        built_of_rates,
        "select * from marts.mart_reconciliation where source_a = 'curated' and source_b = 'mofcom_totals'"
        " and flow = 'total' and period_label = '2012' and currency = 'CNY'",
    )
    # 30 422, 100 million yuan, by 6.31 for a dollar
    assert earlier["value_b_million"] == 3042200
    assert earlier["value_b_usd_million"] == pytest.approx(3042200 / 6.31, rel=1e-12)
    assert {name: earlier[name] for name in RATES} == EARLIER_RATES


def test_source_without_dollars_is_compared_in_dollars(built_of_rates: Path) -> None:
    row = record(
        built_of_rates,
        "select * from bi.compare_sources where source = 'mofcom_totals' and reporter = 'CHN'"
        " and period_label = '2021'",
    )
    assert (row["currency"], row["total_million"], row["exports_million"]) == (
        "CNY",
        float(TOTAL),
        float(EXPORTS),
    )
    assert row["total_usd_million"] == pytest.approx(float(TOTAL / rate("CHN", "2021")), rel=1e-12)
    assert row["exports_usd_million"] == pytest.approx(float(EXPORTS / rate("CHN", "2021")), rel=1e-12)
    assert {name: row[name] for name in RATES} == RATES and row["usd_reason"] is None
    row = record(
        built_of_rates,
        "select * from bi.compare_sources where source = 'ons_services' and reporter = 'GBR'"
        " and period_label = '2016'",
    )
    exports = ons("0", "2016")["exports", "W1"]
    assert row["exports_usd_million"] == pytest.approx(float(exports / Fraction(74, 100)), rel=1e-12)
    assert (row["currency"], row["rate_per_usd"], row["usd_reason"]) == ("GBP", 0.74, None)
    assert {name: row[name] for name in RATES} == EARLIER_RATES
    # a source that publishes dollars too is not converted
    others = records(
        built_of_rates,
        "select source, currency, count(*) as years, count(total_usd_million) as converted,"
        " count(rate_per_usd) as rates from bi.compare_sources"
        " where source in ('batis', 'ons_services') group by all order by all",
    )
    assert others == [
        {"source": "batis", "currency": "USD", "years": 15, "converted": 15, "rates": 0},
        {"source": "ons_services", "currency": "GBP", "years": 6, "converted": 6, "rates": 6},
    ]


def test_quarters_in_pounds_are_in_dollars_beside_them(built_of_rates: Path) -> None:
    """ONS states the United Kingdom's quarters in pounds; no source of this build states dollars."""
    found = records(built_of_rates, "select * from bi.quarterly where reporter = 'GBR' order by period_start")
    assert [row["period_label"] for row in found] == [
        f"{year}-Q{quarter}" for year in range(2016, 2022) for quarter in (1, 2, 3, 4)
    ]
    row = next(row for row in found if row["period_label"] == "2019-Q1")
    pounds, per_dollar = ons("0", "2019Q1"), rate("GBR", "2019-Q1")
    for flow in ("exports", "imports"):
        assert row[f"{flow}_million"] == float(pounds[flow, "W1"])
        assert row[f"{flow}_usd_million"] == pytest.approx(float(pounds[flow, "W1"] / per_dollar), rel=1e-12)
    assert (row["currency"], row["rate_per_usd"], row["usd_reason"]) == ("GBP", float(per_dollar), None)
    assert {name: row[name] for name in RATES} == RATES
    # the IMF's fixture has rates from 2017 on, and UNCTAD's those of years
    assert {row["usd_reason"] for row in found if row["period_label"] < "2017"} == {
        "no exchange rate for GBP"
    }
    assert {row["exports_usd_million"] for row in found if row["period_label"] < "2017"} == {None}


def test_months_in_yuan_are_in_dollars_beside_them(built_of_rates: Path) -> None:
    """MOFCOM printed 4319.2 hundred million yuan for July 2021."""
    row = record(built_of_rates, "select * from bi.monthly where period_label = '2021-07'")
    assert (row["currency"], row["total_million"]) == ("CNY", 431920)
    per_dollar = rate("CHN", "2021-M07")
    assert row["total_usd_million"] == pytest.approx(float(431920 / per_dollar), rel=1e-12)
    assert (row["rate_per_usd"], row["usd_reason"]) == (float(per_dollar), None)
    assert {name: row[name] for name in RATES} == RATES


def test_dollars_of_bi_are_those_of_the_marts(built_of_rates: Path) -> None:
    found = record(
        built_of_rates,
        "select count(*) as n, count(rate_per_usd) as rates, count(*) filter (where"
        " exports_usd_million is distinct from exports_million"
        " or total_usd_million is distinct from total_million) as differing from bi.annual"
        " where currency = 'USD'",
    )
    assert found["n"] > 10 and found["rates"] == found["differing"] == 0
