"""The expectation of the release gate that compares regions with their economy, on a few rows."""

from __future__ import annotations

import duckdb
import pytest
import yaml

from warehouse.config import EXPECTATIONS_DIR

NAME = "no region differs from its economy by a unit"
SUITE = EXPECTATIONS_DIR / "core.fct_regional_services_trade.yml"
(QUERY,) = (
    one["query"] for one in yaml.safe_load(SUITE.read_text("utf-8"))["expectations"] if one["name"] == NAME
)


def findings(
    economy: dict[str, float], flow: str, region_million: float, status: str = "stated"
) -> list[str]:
    with duckdb.connect() as db:
        db.execute("create schema core")
        db.execute("attach ':memory:' as current")
        db.execute("create table current.decided_source (source varchar)")
        period = "'A' as frequency, date '2010-01-01' as period_start, date '2010-12-31' as period_end"
        of_economy = " union all ".join(
            f"select 'CHN' as reporter, 'S' as service, '{name}' as flow, {period}, 'USD' as currency, "
            f"{value}::double as value_million"
            for name, value in economy.items()
        )
        db.execute(f"create table core.fct_services_trade as {of_economy}")
        db.execute(
            "create table core.regional as select 'curated' as source, 'CHN' as reporter, "
            f"'310000' as region, 'S' as service, '{flow}' as flow, {period}, '2010' as period_label, "
            f"'USD' as currency, '{status}' as status, {region_million}::double as value_million"
        )
        return [finding for (finding,) in db.execute(QUERY.replace("{batch}", "core.regional")).fetchall()]


@pytest.mark.parametrize(
    ("economy", "flow", "region_million", "is_found"),
    [
        ({"exports": 100, "imports": 150}, "total", 1200, False),
        ({"exports": 100, "imports": 150}, "total", 1300, True),
        ({"total": 250}, "total", 1300, True),
        ({"exports": 100, "imports": 150}, "balance", -1300, True),
        ({"exports": 100}, "exports", 600, True),
        ({"imports": 100}, "exports", 600, False),
        # Neither says how much the economy trades: a balance, or one of two flows.
        ({"balance": -50}, "total", 1300, False),
        ({"exports": 100, "balance": -50}, "total", 1300, False),
    ],
)
def test_region_is_compared_with_what_its_economy_trades(
    economy: dict[str, float], flow: str, region_million: float, is_found: bool
) -> None:
    assert bool(findings(economy, flow, region_million)) is is_found


def test_figure_that_an_analyst_confirmed_is_not_compared() -> None:
    (found,) = findings({"exports": 100}, "exports", 600)
    assert found.endswith('of the economy 100.0. Correct it, or write "checked: <reason>" into its note')
    assert findings({"exports": 100}, "exports", 600, "unverified, about, checked") == []
