"""Printed totals, balances, shares and growth rates are in the facts; a 0 not compiled is no figure.

Figures are typed from the publishers' files; the numbers of rows are those of the staged observations.
"""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse
from test_marts import record, records

from warehouse.config import DBT_PROJECT_DIR

# Observations that are in no fact, with the reason.
DECLARED = {
    "service = 'GS'": "goods and services together, which SAFE prints beside both of them",
}
FACTS = (
    "fct_services_trade",
    "fct_bilateral_services_trade",
    "fct_regional_services_trade",
    "fct_goods_trade",
    "fct_indicator",
)
AMOUNT = {"fct_indicator": "value"}


@pytest.mark.parametrize("source", ["curated", "mofcom_totals", "safe_bop"])
def test_every_staged_figure_is_in_a_fact_or_declared(warehouse: Warehouse, source: str) -> None:
    """Each staged figure is looked for by file, row, flow, indicator, currency and value."""
    facts = " union all ".join(
        "select _file, _row, currency, "
        + ("null as flow, indicator" if fact == "fct_indicator" else "flow, null as indicator")
        + f", {AMOUNT.get(fact, 'value_million')} as value from core.{fact} where source = '{source}'"
        for fact in FACTS
    )
    declared = " or ".join(DECLARED)
    with duckdb.connect(str(warehouse.database), read_only=True) as db:
        db.execute(
            "create temp table staged as select * from read_parquet(?) where value is not null",
            [str(warehouse.home / "staged" / source / "*.parquet")],
        )
        row = db.execute(
            f"with facts as ({facts}) "
            "select count(*), count(*) filter (where exists (select 1 from facts where"
            " facts._file = staged._file and facts._row = staged._row"
            " and facts.currency is not distinct from staged.currency"
            " and facts.flow is not distinct from staged.flow"
            " and (staged.service is not null or facts.indicator = staged.indicator)"
            " and facts.value = staged.value)),"
            f" count(*) filter (where {declared}) from staged"
        ).fetchone()
    assert row is not None
    staged, in_fact, left_out = row
    assert staged == in_fact + left_out
    if source == "curated":
        assert (staged, in_fact, left_out) == (388, 388, 0)
    if source == "mofcom_totals":
        # The recorded page has the four amounts of 2017, 2020 and 2021 in yuan, and the total alone of 2012.
        assert (staged, in_fact) == (13, 13)


def test_totals_and_balances_of_mofcom_are_as_printed(built: Path) -> None:
    """The page prints, in 100 million yuan of 2021: 52 982.7, 25 435.0, 27 547.7, -2 112.8.

    25 435.0 less 27 547.7 is -2 112.7: the printed balance is not the difference of the printed flows.
    """
    found = {
        row["flow"]: row["value_million"]
        for row in records(
            built,
            "select flow, value_million from core.fct_services_trade where source = 'mofcom_totals'"
            " and period_label = '2021' and currency = 'CNY'",
        )
    }
    assert found == {
        "total": Decimal(5298270),
        "exports": Decimal(2543500),
        "imports": Decimal(2754770),
        "balance": Decimal(-211280),
    }
    row = record(
        built,
        "select * from marts.mart_trade_scale where source = 'mofcom_totals' and period_label = '2021'",
    )
    assert (row["total_million"], row["is_total_published"]) == (5298270, True)
    assert (row["balance_million"], row["is_balance_published"]) == (-211280, True)
    computed = record(
        built,
        "select * from marts.mart_trade_scale where source = 'safe_bop' and period_label = '2021'"
        " and currency = 'USD'",
    )
    assert (computed["is_total_published"], computed["is_balance_published"]) == (False, False)


def test_balances_by_service_of_a_release_are_in_the_structure(built: Path) -> None:
    """The page prints a balance of transport of -448.7 hundred million dollars in 2011, and no flows."""
    row = record(
        built,
        "select * from marts.mart_trade_structure where source = 'curated' and service = 'SC'"
        " and period_label = '2011' and flow = 'balance'",
    )
    assert (row["value_million"], row["is_published"], row["currency"]) == (-44870, True, "USD")
    assert row["share_pct"] is row["growth_pct"] is None


def test_total_by_the_fifth_manual_is_no_total_services(built: Path) -> None:
    """The page prints 总计 -76.0 hundred million dollars for 2007, the sum of its items, none of government.

    SAFE's total services of 2007 by the sixth manual: 135 318 exports, 130 128 imports, a surplus.
    """
    rows = records(
        built,
        "select service, value_million, currency from marts.mart_trade_structure where source = 'curated'"
        " and flow = 'balance' and period_label = '2007' and service in ('S', 'SOX_BPM5')",
    )
    assert [(row["service"], row["value_million"], row["currency"]) for row in rows] == [
        ("SOX_BPM5", -7600, "USD")
    ]
    compared = records(
        built,
        "select source from bi.compare_sources where reporter = 'CHN' and period_label = '2007'",
    )
    assert "curated" not in [row["source"] for row in compared]


def test_printed_rates_stand_beside_computed_ones(built: Path) -> None:
    """Printed for 2021: knowledge-intensive exports up by 18 percent, total up by 14.4 percent."""
    rows = {
        row["flow"]: (row["published_growth_pct"], row["growth_pct"])
        for row in records(
            built,
            "select * from marts.mart_trade_structure where source = 'curated' and service = 'KIS'"
            " and period_label = '2021' and flow in ('exports', 'total')",
        )
    }
    assert rows == {"exports": (18, None), "total": (14.4, None)}


# --- not compiled ---------------------------------------------------------------------------------


def spans() -> list[dict[str, str]]:
    with (DBT_PROJECT_DIR / "seeds" / "not_compiled.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_cell_of_a_span_is_printed_as_zero(warehouse: Warehouse) -> None:
    """The workbook has 0 in every cell of a span, and another figure in the period after it."""
    (rows,) = (warehouse.home / "landing" / "safe_bop").glob("*/rows.parquet")
    with duckdb.connect(str(warehouse.database), read_only=True) as db:
        for span in spans():
            first, last = span["first_day"], span["last_day"]
            found = db.execute(
                "select core.period_end > cast($last as date) as is_after, raw.value"
                " from core.fct_services_trade as core inner join read_parquet($rows) as raw"
                " on core._file = raw._file and core._row = raw._row"
                " where core.source = 'safe_bop' and core.service = $service and core.flow = $flow"
                " and core.frequency = 'A' and core.currency = 'USD'"
                " and core.period_start >= cast($first as date)"
                " order by core.period_start",
                {
                    "rows": str(rows),
                    "first": first,
                    "last": last,
                    "service": span["service"],
                    "flow": span["flow"],
                },
            ).fetchall()
            within = [value for is_after, value in found if not is_after]
            after = next(value for is_after, value in found if is_after)
            assert within and set(within) == {"0"}, span
            assert float(after) != 0, span


def test_no_zero_of_safe_is_left_but_one(built: Path) -> None:
    """The credit of 1.A.b.8 in the fourth quarter of 2000 is 0 between quarters with figures: a figure."""
    found = records(
        built,
        "select service, flow, period_label from core.fct_services_trade"
        " where source = 'safe_bop' and value_million = 0",
    )
    assert [tuple(row.values()) for row in found] == [("SH", "exports", "2000-Q4")]


def test_item_not_compiled_has_no_value_and_the_status(built: Path) -> None:
    """Repairs (1.A.b.2) begin with 2015: 36.0504251863 hundred million dollars of exports."""
    found = {
        row["period_label"]: (row["value_million"], row["status"], row["share_pct"], row["growth_pct"])
        for row in records(
            built,
            "select * from marts.mart_trade_structure where source = 'safe_bop' and service = 'SB'"
            " and flow = 'exports' and currency = 'USD' and period_label in ('2014', '2014-Q4', '2015')",
        )
    }
    assert found["2014"] == found["2014-Q4"] == (None, "not compiled", None, None)
    value, status, share, growth = found["2015"]
    assert (value, status, growth) == (3605.04251863, None, None)
    assert share is not None


def test_item_is_no_share_of_a_mix_that_is_not_compiled(built: Path) -> None:
    """In 1960 the workbook has other business services only; in 2014 eleven of twelve."""
    found = {
        row["period_label"]: (row["share_pct"], row["items_not_compiled"])
        for row in records(
            built,
            "select * from marts.mart_trade_structure where source = 'safe_bop' and service = 'SJ'"
            " and flow = 'exports' and currency = 'USD' and period_label in ('1960', '2014')",
        )
    }
    assert found["1960"] == (None, 11)
    share, not_compiled = found["2014"]
    assert 0 < share < 50 and not_compiled == 1
    total = record(
        built,
        "select share_pct from marts.mart_trade_structure where source = 'safe_bop' and service = 'S'"
        " and flow = 'exports' and currency = 'USD' and period_label = '1960'",
    )
    assert total["share_pct"] == 100


def test_computed_figure_has_the_status_of_what_it_is_computed_from(built: Path) -> None:
    """MOFCOM prints 1.26 and 1.06 trillion yuan, both rounded, and 2 325.9 billion together."""
    found = {
        row["flow"]: (row["value_million"], row["is_published"], row["status"])
        for row in records(
            built,
            "select * from marts.mart_digital_trade where source = 'curated' and reporter = 'CHN'"
            " and group_service = 'KIS' and period_label = '2021'",
        )
    }
    assert found == {
        "exports": (1_260_000, True, "stated, rounded"),
        "imports": (1_060_000, True, "stated, rounded"),
        "total": (2_325_900, True, "stated"),
        "balance": (200_000, False, "stated, rounded"),
    }


def test_digital_share_and_concentration_need_compiled_items(built: Path) -> None:
    """Financial services, royalties and culture begin with 1997, repairs with 2015, the twelfth item."""
    digital = record(
        built,
        "select min(period_label) as first, max(share_of_services_pct) as largest"
        " from marts.mart_digital_trade where source = 'safe_bop' and frequency = 'A'",
    )
    assert digital["first"] == "1997" and digital["largest"] < 60
    concentration = record(
        built,
        "select min(period_label) as first, max(hhi_services) as largest from marts.mart_competitiveness"
        " where source = 'safe_bop' and frequency = 'A' and hhi_services is not null",
    )
    assert concentration["first"] == "2015" and concentration["largest"] < 0.3
