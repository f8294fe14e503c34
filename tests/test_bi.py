"""Schema bi: a plain sum over its rows counts nothing twice. Expected figures are of publishers' files."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import pytest
from test_marts_partner import FLOWS, SAMPLE_DIR, batis

FIGURES = (
    "annual",
    "bloc",
    "compare_sources",
    "digital",
    "mix",
    "monthly",
    "partner",
    "profile",
    "quarterly",
    "regional",
)
# Lists of revisions, claims and sources: rows to count, not amounts to add.
TRUST = ("claim_verdict", "freshness", "revision", "revision_summary")
OF_ECONOMIES = tuple(table for table in FIGURES if table != "regional")


def rows(built: Path, query: str, *parameters: object) -> list[tuple[object, ...]]:
    with duckdb.connect(str(built), read_only=True) as db:
        return db.execute(query, parameters).fetchall()


def test_schema_has_its_tables(built: Path) -> None:
    found = rows(built, "select table_name from duckdb_tables() where schema_name = 'bi' order by 1")
    assert [name for (name,) in found] == sorted(FIGURES + TRUST)


@pytest.mark.parametrize("table", OF_ECONOMIES)
def test_no_group_of_economies_is_a_row(built: Path, table: str) -> None:
    columns = ["reporter"] + ["partner"] * (table == "partner")
    for column in columns:
        assert not rows(
            built,
            f"select distinct {column} from bi.{table} where {column} not in "
            "(select economy from core.dim_economy where economy_type in ('economy', 'dissolved'))",
        )


@pytest.mark.parametrize("table", ["annual", "profile"])
def test_sum_over_economies_is_the_world(built: Path, table: str) -> None:
    # US.TradeServCatTotal.csv: the world's exports of all services in 2019 are 6399247.621; China is of SAFE
    [(total,)] = rows(built, f"select sum(exports_usd_million) from bi.{table} where period_label = '2019'")
    assert total == pytest.approx(6399247.621, rel=0.01)


def test_sum_over_items_is_the_total(built: Path) -> None:
    # the workbook's sheet 年度BOP（美元）, rows 16 and 17, column BU: 3393.93 and 4406.05 hundred million
    query = (
        "select sum(value_usd_million) from bi.mix "
        "where reporter = 'CHN' and period_label = '2021' and flow = ?"
    )
    assert rows(built, query, "exports") == [(pytest.approx(339393.21019559),)]
    assert rows(built, query, "imports") == [(pytest.approx(440604.86361754),)]
    [(share,)] = rows(built, query.replace("value_usd_million", "share_pct"), "exports")
    assert share == pytest.approx(100)


def test_sum_over_quarters_is_the_year(built: Path) -> None:
    query = "select sum(exports_usd_million) from bi.{} where reporter = 'CHN' and period_label like '2021%'"
    [(quarters,)], [(year,)] = (rows(built, query.format(table)) for table in ("quarterly", "annual"))
    assert quarters == pytest.approx(year, rel=1e-6)


def test_sum_over_partners_is_most_of_the_world(built: Path) -> None:
    # the file's row of China and W, balanced: 251329.113707 in 2019; residuals are no partner economies
    query = (
        "select sum(value_usd_million) from bi.partner "
        "where reporter = 'CHN' and period_label = '2019' and flow = ?"
    )
    [(exports,)] = rows(built, query, "exports")
    assert 0.99 * 251329.113707 < exports <= 251329.113707


def test_sum_over_years_of_a_bloc_is_that_of_its_members(built: Path) -> None:
    # China with Brazil, India and Russia in BaTiS' file, balanced; South Africa joined after 2009
    world = batis()
    brics = ["BRA", "IND", "RUS"]
    expected = {
        flow: sum(world[partner, code, "2009"] for partner in brics)
        + sum(world[partner, code, "2019"] for partner in [*brics, "ZAF"])
        for flow, code in FLOWS.items()
    }
    found = rows(
        built,
        "select flow, sum(value_usd_million) from bi.bloc where reporter = 'CHN' and group_code = 'BRICS' "
        "and period_label in ('2009', '2019') group by flow",
    )
    assert dict(found) == {flow: pytest.approx(float(value)) for flow, value in expected.items()}


def test_blocs_are_well_covered_and_of_one_source(built: Path) -> None:
    [(coverage, compositions)] = rows(
        built,
        "select min(coverage_pct), max(rows) from (select *, count(*) over "
        "(partition by reporter, group_code, flow, period_label) as rows from bi.bloc)",
    )
    assert coverage >= 90
    assert compositions == 1
    # its first summit was in 2009: a composition held fixed would have the years before
    [(first,)] = rows(built, "select min(period_label) from bi.bloc where group_code = 'BRICS'")
    assert first == "2009"


def test_provinces_have_the_printed_totals_in_dollars(built: Path) -> None:
    # regional_figures.csv: Shanghai 2010 1046.7 and Beijing 2023 1535, hundred million dollars;
    # the groups of provinces that hold them have no row
    (path,) = SAMPLE_DIR.rglob("regional_figures.csv")
    with path.open(encoding="utf-8-sig", newline="") as opened:
        printed = sorted(
            (row["area"], row["period"], float(row["value"]) * 100)
            for row in csv.DictReader(opened)
            if (row["measure"], row["service"], row["currency"]) == ("trade", "S", "USD")
            and row["area_type"] == "province"
            and row["period"].isdigit()
        )
    assert printed == [("Beijing", "2023", 153500), ("Shanghai", "2010", 104670)]
    found = rows(
        built, "select region_name_en, period_label, total_usd_million from bi.regional order by region"
    )
    assert found == [(name, year, pytest.approx(value)) for name, year, value in printed]


@pytest.mark.parametrize("table", ["annual", "profile"])
def test_change_of_source_is_marked(built: Path, table: str) -> None:
    # SAFE's workbook ends with 2023; UNCTAD's file has 445892 for 2024
    found = rows(
        built,
        f"select period_label, source, is_source_break from bi.{table} "
        "where reporter = 'CHN' and period_label >= '2022' order by 1",
    )
    assert found == [
        ("2022", "safe_bop", False),
        ("2023", "safe_bop", False),
        ("2024", "unctad_services", True),
    ]


def test_sum_for_china_is_one_figure(built: Path) -> None:
    # BX.GSR.NFSV.CD of 2021: 339393210195.59 dollars, as SAFE states; the mart has it 25 times
    query = "select sum(exports_{}million) from {} where reporter = 'CHN' and period_label = '2021'"
    assert rows(built, query.format("usd_", "bi.annual")) == [(pytest.approx(339393.21019559),)]
    [(of_all,)] = rows(built, query.format("", "marts.mart_trade_scale"))
    assert of_all > 8_000_000


def test_provinces_show_that_their_figures_are_unverified(built: Path) -> None:
    found = rows(built, "select region, total_status, value_type from bi.regional order by 1")
    assert found == [("110000", "unverified", "reported"), ("310000", "unverified", "reported")]


@pytest.mark.parametrize("table", FIGURES)
def test_every_table_says_of_what_kind_its_figures_are(built: Path, table: str) -> None:
    columns = {
        str(name)
        for (name,) in rows(
            built,
            "select column_name from duckdb_columns() where schema_name = 'bi' and table_name = ?",
            table,
        )
    }
    assert {"source", "source_name", "vintage", "value_type"} <= columns
    assert "is_source_break" in columns or table == "compare_sources"  # its key has the source
    assert "is_small_base" in columns or not any(column.endswith("growth_pct") for column in columns)
    assert not rows(built, f"select 1 from bi.{table} where value_type is null limit 1")


def test_growth_from_a_tiny_base_is_marked_by_flow(built: Path) -> None:
    # the workbook's columns of 1966 and 1967: 0.006 and 0.1588 hundred million dollars of exports
    found = rows(
        built,
        "select exports_growth_pct > 1000, is_exports_small_base, is_imports_small_base from bi.annual "
        "where reporter = 'CHN' and period_label = '1967'",
    )
    assert found == [(True, True, False)]


NAMES = {
    "reporter": ("reporter_name_en", "reporter_name_zh"),
    "service": ("service_name_en", "service_name_zh"),
}
NAMES |= {"source": ("source_name",), "region": ("region_name_en", "region_name_zh")}
NAMES |= {"partner": ("partner_name_en", "partner_name_zh"), "area": ("area_name_en", "area_name_zh")}
# The partner of these is always the world.
WITHOUT_PARTNER_NAMES = {"mart_reconciliation"}


def test_codes_have_their_names_beside_them(built: Path) -> None:
    tables: dict[str, set[str]] = {}
    for table, column in rows(
        built,
        "select table_name, column_name from duckdb_columns() where schema_name in ('marts', 'bi')",
    ):
        tables.setdefault(str(table), set()).add(str(column))
    assert len(tables) >= 36
    missing = [
        f"{table}: {code}"
        for table, columns in tables.items()
        for code, names in NAMES.items()
        if code in columns
        and not columns.issuperset(names)
        and not (code == "partner" and table in WITHOUT_PARTNER_NAMES)
    ]
    assert missing == []
