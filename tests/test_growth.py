"""Contributions to growth, balances by partner, and growth over any span.

Expected figures are fractions of BaTiS' and UNCTAD's files, which are read with the standard library.
"""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
from test_marts import records, unctad
from test_marts_partner import FLOWS, SAMPLE_DIR, batis

from warehouse.releases.query import query

TWELVE = ["SA", "SB", "SC", "SD", "SE", "SF", "SG", "SH", "SI", "SJ", "SK", "SL"]


@cache
def batis_items() -> dict[tuple[str, str, str], Fraction]:
    """Return China's balanced trade with the world by item, flow and year, as printed."""
    (path,) = SAMPLE_DIR.rglob("OECD-WTO_BATIS*.zip")
    with zipfile.ZipFile(path) as opened:
        (name,) = opened.namelist()
        text = opened.read(name).decode("utf-8-sig")
    return {
        (row["Item_code"], row["Flow"], row["Year"]): Fraction(row["Balanced_value"])
        for row in csv.DictReader(io.StringIO(text))
        if row["Reporter"] == "CHN" and row["Partner"] == "W" and row["Balanced_value"]
    }


@pytest.mark.parametrize("flow", FLOWS)
def test_contributions_of_twelve_items_add_up_to_growth(built: Path, flow: str) -> None:
    """100 x (v(2019) - v(2018)) / S(2018) of each item; exports grew from 233 to 251 thousand million."""
    values, code = batis_items(), FLOWS[flow]
    found = {
        row["service"]: row["growth_contribution_pp"]
        for row in records(
            built,
            "select service, growth_contribution_pp from marts.mart_trade_structure where source = 'batis'"
            " and reporter = 'CHN' and value_type = 'balanced' and period_label = '2019' and flow = ?",
            flow,
        )
    }
    assert set(TWELVE) < set(found)
    for item in [*TWELVE, "S"]:
        expected = 100 * (values[item, code, "2019"] - values[item, code, "2018"]) / values["S", code, "2018"]
        assert found[item] == pytest.approx(float(expected), abs=1e-9)
    assert sum(found[item] for item in TWELVE) == pytest.approx(found["S"], abs=1e-6)


def test_a_balance_and_a_first_year_contribute_nothing(built: Path) -> None:
    for mart in ("mart_trade_structure", "mart_trade_partner"):
        assert (
            records(
                built,
                f"select count(*) as rows, count(growth_contribution_pp) as filled from marts.{mart}"
                " where flow = 'balance' or (source = 'batis' and period_label = '2005')",
            )[0]["filled"]
            == 0
        )
    # no world figure is in the curated list of partners
    assert records(
        built,
        "select distinct growth_contribution_pp as pp from marts.mart_trade_partner where source = 'curated'",
    ) == [{"pp": None}]


@pytest.mark.parametrize("partner", ["USA", "HKG", "SGP"])
def test_contributions_and_balances_of_partners(built: Path, partner: str) -> None:
    figures = batis()
    rows = {
        row["flow"]: row
        for row in records(
            built,
            "select * from marts.mart_trade_partner where source = 'batis' and reporter = 'CHN'"
            " and service = 'S' and value_type = 'balanced' and period_label = '2019' and partner = ?",
            partner,
        )
    }
    exports, imports = (figures[partner, FLOWS[flow], "2019"] for flow in ("exports", "imports"))
    for flow, code in FLOWS.items():
        change = figures[partner, code, "2019"] - figures[partner, code, "2018"]
        expected = 100 * change / figures["W", code, "2018"]
        assert rows[flow]["growth_contribution_pp"] == pytest.approx(float(expected), abs=1e-9)
        assert (rows[flow]["balance_million"], rows[flow]["is_balance_published"]) == (
            float(exports - imports),
            False,
        )
        assert rows[flow]["total_million"] == float(exports + imports)


def test_printed_balance_of_a_partner_comes_first(built: Path) -> None:
    rows = records(
        built,
        "select value_million, balance_million, is_balance_published from marts.mart_trade_partner"
        " where source = 'curated' and flow = 'balance'",
    )
    assert rows
    assert all(row["balance_million"] == row["value_million"] and row["is_balance_published"] for row in rows)


# --- growth over any span -------------------------------------------------------------------------

OF_CHINA = "where source = 'unctad_services' and reporter = 'CHN' and service = 'S'"


def test_growth_of_china_from_2005_to_2019_by_hand(built: Path) -> None:
    """(283192.179 / 78468.733)^(1/14) - 1 = 9.6007 % a year: 78468.733 x 1.096007^14 = 283193."""
    trade = unctad("US_TradeServCatTotal")
    first, last = trade["156", "2005"].exports, trade["156", "2019"].exports
    assert (first, last) == (Fraction("78468.733"), Fraction("283192.179"))
    (row,) = records(built, f"select * from marts.growth_between(2005, 2019) {OF_CHINA} and flow = 'exports'")
    assert (row["first_value_million"], row["last_value_million"]) == (float(first), float(last))
    assert (row["first_year"], row["last_year"], row["years"]) == (2005, 2019, 14)
    assert row["cagr_pct"] == pytest.approx(9.6007, abs=0.0001)
    assert Fraction(1 + row["cagr_pct"] / 100) ** 14 * first == pytest.approx(float(last), rel=1e-12)
    assert (row["reporter_name_en"], row["reporter_name_zh"], row["service_name_en"]) == (
        "China",
        "中国",
        "Total services",
    )


def test_growth_over_one_year_is_that_of_the_mart(built: Path) -> None:
    ((different, compared),) = [
        tuple(row.values())
        for row in records(
            built,
            "select count(*) filter (where abs(cagr_pct - growth_pct) > 1e-9 * (100 + abs(growth_pct))) as a,"
            " count(*) as b from marts.growth_between(2018, 2019) as spans"
            " join marts.mart_trade_structure as mart"
            " using (source, reporter, currency, value_type, service, flow)"
            " where mart.period_label = '2019' and cagr_pct is not null",
        )
    ]
    assert different == 0
    assert compared > 500


@pytest.mark.parametrize(
    ("years", "where"),
    [
        ("2004, 2019", "source = 'unctad_services'"),  # its file begins with 2005
        ("2019, 2030", "source = 'unctad_services'"),
        ("2019, 2005", "source = 'unctad_services'"),
        ("2019, 2019", "source = 'unctad_services'"),
        # processing in SAFE: credits not compiled in 1970, and negative in 1985
        ("1970, 2019", "source = 'safe_bop' and service = 'SA' and flow = 'exports' and currency = 'USD'"),
        ("1985, 2019", "source = 'safe_bop' and service = 'SA' and flow = 'exports' and currency = 'USD'"),
    ],
)
def test_no_growth_without_two_positive_values_in_order(built: Path, years: str, where: str) -> None:
    (row,) = records(
        built,
        f"select count(*) as rows, count(cagr_pct) as rates from marts.growth_between({years}) where {where}",
    )
    assert row["rows"] > 0
    assert row["rates"] == 0


def test_index_of_china_by_hand(built: Path) -> None:
    """100 x 394272.573 / 178338.859 = 221.0806 in 2021, and 100 in 2010."""
    trade = unctad("US_TradeServCatTotal")
    base = trade["156", "2010"].exports
    assert base == Fraction("178338.859")
    found = {
        row["period_year"]: row["index_value"]
        for row in records(
            built,
            f"select period_year, index_value from marts.index_of(2010) {OF_CHINA} and flow = 'exports'",
        )
    }
    expected = {
        int(year): float(100 * flows.exports / base)
        for (code, year), flows in trade.items()
        if code == "156" and flows.exports is not None
    }
    assert found == pytest.approx(expected)
    assert found[2010] == 100
    assert found[2021] == pytest.approx(221.0806, abs=0.0001)


@pytest.mark.parametrize(
    ("year", "where"),
    [
        ("2004", "source = 'unctad_services'"),
        ("1985", "source = 'safe_bop' and service = 'SA' and flow = 'exports' and currency = 'USD'"),
    ],
)
def test_no_index_without_a_positive_base(built: Path, year: str, where: str) -> None:
    (row,) = records(
        built,
        f"select count(*) as rows, count(index_value) as filled from marts.index_of({year}) where {where}",
    )
    assert row["rows"] > 0
    assert row["filled"] == 0


def test_functions_are_kept_in_a_copied_release(built: Path, tmp_path: Path) -> None:
    copied = tmp_path / "renamed copy.duckdb"
    shutil.copyfile(built, copied)
    for call in ("growth_between(2005, 2019)", "index_of(2010)"):
        answer = query(copied, f"select count(*) from marts.{call} {OF_CHINA}", None)
        assert answer.rows[0][0] > 2
    assert {
        row["function_name"]
        for row in records(
            copied,
            "select function_name from duckdb_functions() where schema_name = 'marts'"
            " and function_type = 'table_macro' and comment is not null",
        )
    } == {"growth_between", "index_of"}


def test_functions_have_no_rows_of_balances_and_one_row_per_series(built: Path) -> None:
    series = "source, reporter, currency, value_type, service, flow"
    for call, key in (("growth_between(2018, 2019)", series), ("index_of(2010)", f"{series}, period_year")):
        assert (
            records(
                built,
                f"select {key} from marts.{call} group by {key} having count(*) > 1 or min(flow) = 'balance'",
            )
            == []
        )
