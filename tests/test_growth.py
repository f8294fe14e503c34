"""Contributions to growth, balances by partner, and growth over any span.

Expected figures are fractions of BaTiS' and UNCTAD's files, which are read with the standard library.
"""

from __future__ import annotations

import csv
import io
import zipfile
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
from test_marts import records
from test_marts_partner import FLOWS, SAMPLE_DIR, batis

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
