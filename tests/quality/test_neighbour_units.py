"""The expectations of the release gate that compare amounts of several publishers, on a few rows.

They report a factor of ten also where the two publishers differ, and leave out what an analyst confirmed.
"""

from __future__ import annotations

import duckdb
import pytest
import yaml

from warehouse.config import EXPECTATIONS_DIR

NEIGHBOURS = "no source differs from its neighbours by a unit"
SHIFTED = "no source shifted as a whole"
REMEDY = 'Correct it, or write "checked: <reason>" into its note'
WITH_CURATED = (
    "fct_services_trade",
    "fct_bilateral_services_trade",
    "fct_regional_services_trade",
    "fct_indicator",
)
ROW = (
    "select '{source}' as source, 'CHN' as reporter, '{partner}' as partner, '310000' as region, "
    "'S' as service, "
    "'share_pct' as indicator, 'exports' as flow, 'A' as frequency, "
    "make_date({year}, 1, 1) as period_start, make_date({year}, 12, 31) as period_end, "
    "'{year}' as period_label, 'USD' as currency, 'million' as unit, 'reported' as value_type, "
    "{status} as status, cast({value} as decimal(38, 9)) as value_million, "
    "cast({value} as decimal(38, 9)) as value"
)
Row = tuple[str, int, float, str | None]


def query_of(table: str, name: str) -> str:
    suite = yaml.safe_load((EXPECTATIONS_DIR / f"core.{table}.yml").read_text("utf-8"))
    (found,) = (one["query"] for one in suite["expectations"] if one["name"] == name)
    return str(found)


def table_of(rows: list[Row], partner: str) -> str:
    """Return SQL for rows of source (also with its partner, after a slash), year, value and status."""
    return " union all ".join(
        ROW.format(
            source=source.partition("/")[0],
            partner=source.partition("/")[2] or partner,
            year=year,
            value=value,
            status=f"'{status}'" if status else "cast(null as varchar)",
        )
        for source, year, value, status in rows
    )


def findings(table: str, name: str, rows: list[Row], released: list[Row]) -> list[str]:
    """Run an expectation on rows; `released` are those of the current release."""
    partner = "FRA" if "bilateral" in table else "WLD"
    with duckdb.connect() as db:
        db.execute("attach ':memory:' as current")
        db.execute("create schema core")
        db.execute("create table current.decided_source (source varchar)")
        db.execute(f"create table current.{table} as {table_of(released, partner)}")
        db.execute(
            "create table core.dim_source as select * from "
            "(values ('safe_bop', 'SAFE'), ('batis', 'BaTiS')) as sources (source, title_en)"
        )
        db.execute(f"create table core.batch as {table_of(rows, partner)}")
        query = query_of(table, name).replace("{batch}", "core.batch")
        return [finding for (finding,) in db.execute(query).fetchall()]


SAFE: list[Row] = [("safe_bop", year, 100, None) for year in (2020, 2021, 2022)]


@pytest.mark.parametrize("table", ["fct_services_trade", "fct_bilateral_services_trade", "fct_goods_trade"])
@pytest.mark.parametrize(("ratio", "is_found"), [(2.49, False), (9.9, True), (0.101, True), (4.9, False)])
def test_factor_of_ten_in_one_period_is_found(table: str, ratio: float, is_found: bool) -> None:
    """SAFE and the World Bank differ by 2.49 in the sample; of 9.947 a figure of an analyst was published."""
    values = {2020: 110, 2021: 100 * ratio, 2022: 90}
    rows: list[Row] = [("wto_services", year, value, None) for year, value in values.items()]
    found = findings(table, NEIGHBOURS, [*SAFE, *rows], SAFE)
    assert [one.partition(": ")[0].split(", ")[::2] for one in found] == (
        [["wto_services", "2021"]] if is_found else []
    )


@pytest.mark.parametrize("table", ["fct_services_trade", "fct_bilateral_services_trade"])
def test_confirmed_figure_is_not_compared_with_neighbours(table: str) -> None:
    typed: Row = ("curated", 2021, 1200, "stated")
    (found,) = (one for one in findings(table, NEIGHBOURS, [*SAFE, typed], SAFE) if "all periods" not in one)
    assert found.startswith("curated, ") and found.endswith(f"(SAFE). {REMEDY}")
    assert findings(table, NEIGHBOURS, [*SAFE, (*typed[:3], "stated, rounded, checked")], SAFE) == []
    # A flag of another publisher is no confirmation, and the remedy is not for it.
    flagged: Row = ("wto_services", 2021, 1200, "stated, checked")
    assert findings(table, NEIGHBOURS, [*SAFE, flagged], SAFE)[0].endswith("(SAFE)")


def test_figure_of_an_analyst_is_compared_by_itself() -> None:
    """The median of several partners, of which one is wrong, is right."""
    partners = ("FRA", "DEU", "JPN")
    batis: list[Row] = [(f"batis/{partner}", 2021, 100, None) for partner in partners]
    typed: list[Row] = [
        (f"curated/{partner}", 2021, value, "stated")
        for partner, value in zip(partners, (99, 990, 101), strict=True)
    ]
    (found,) = findings("fct_bilateral_services_trade", NEIGHBOURS, [*batis, *typed], batis)
    assert found.startswith("curated, exports of S in USD, 2021, CHN with DEU: ")
    assert "the median of 1 values is 9.9 times" in found


@pytest.mark.parametrize("table", WITH_CURATED)
def test_confirmed_figures_may_shift(table: str) -> None:
    """The analyst corrects a series of which all figures were typed ten times too large."""
    years = (2020, 2021, 2022)
    released: list[Row] = [("curated", year, 1000, "stated") for year in years]
    (found,) = findings(table, SHIFTED, [("curated", year, 100, "stated") for year in years], released)
    assert found.endswith(f". {REMEDY}")
    confirmed: list[Row] = [("curated", year, 100, "stated, checked") for year in years]
    assert findings(table, SHIFTED, confirmed, released) == []
    flagged: list[Row] = [("safe_bop", year, 100, "stated, checked") for year in years]
    before: list[Row] = [("safe_bop", year, 1000, None) for year in years]
    assert findings(table, SHIFTED, flagged, before)[0].endswith("(0.5 to 2 is expected)")
