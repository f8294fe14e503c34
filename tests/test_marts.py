"""The marts against figures computed from the raw files, independently of the warehouse.

UNCTAD's CSV and the World Bank's JSON are read with the standard library and divided as fractions; SAFE's
figures are copied from the workbook's cells. No expected value is taken from the product's output.
"""

from __future__ import annotations

import csv
import io
import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import py7zr
import pytest
import yaml
from conftest import Warehouse
from recordings import WITHOUT_RECORDING

from warehouse.landing.freshness import CALENDAR, last_overdue

PROJECT = Path(__file__).resolve().parent.parent
SAMPLE = PROJECT / "warehouse" / "sample"
MARTS = PROJECT / "dbt_project" / "models" / "marts"

COLUMNS = {
    "mart_trade_scale": (
        "source, vintage, reporter, reporter_name_en, reporter_name_zh, reporter_type, exports_status, "
        "imports_status, total_status, frequency, period_start, period_end, period_label, currency, "
        "value_type, source_name, exports_million, imports_million, total_million, is_total_published, "
        "balance_million, is_balance_published, exports_growth_pct, imports_growth_pct, total_growth_pct, "
        "is_exports_small_base, is_imports_small_base, is_small_base, export_share_pct, import_share_pct, "
        "world_export_share_pct, world_import_share_pct, world_total_share_pct, world_export_rank, "
        "world_import_rank, world_rank, economies_ranked, world_coverage_pct, "
        "services_share_of_trade_pct, services_share_reason, openness_pct, "
        "openness_reason, is_preferred"
    ),
    "mart_trade_structure": (
        "source, vintage, reporter, frequency, period_start, period_end, period_label, currency, "
        "value_type, source_name, reporter_name_en, reporter_name_zh, reporter_type, status, service, "
        "service_name_en, service_name_zh, service_level, is_main_item, is_knowledge_intensive, "
        "is_digitally_deliverable, flow, value_million, is_published, share_pct, items_not_compiled, "
        "published_share_pct, growth_pct, is_small_base, published_growth_pct, growth_contribution_pp, "
        "is_preferred"
    ),
    "mart_revision": (
        "source, source_name, series, reporter, reporter_name_en, reporter_name_zh, partner, "
        "partner_name_en, partner_name_zh, region, region_name_en, region_name_zh, service, "
        "service_name_en, service_name_zh, flow, indicator, frequency, period_start, period_end, "
        "period_label, currency, unit, value_type, previous_vintage, vintage, previous_value, value, "
        "change, change_pct, kind"
    ),
    "mart_freshness": (
        "source, source_name, publisher_table, series, last_success_at, latest_vintage, latest_period, "
        "publication_lag_days, expected_cells, present_cells, missing_cells, status, set_aside_vintage, "
        "set_aside_reason, held_observations, failed_parts, drift_notes"
    ),
}


@dataclass(frozen=True)
class Trade:
    """Exports and imports of an economy and year, in USD million; None where the file has no such line."""

    exports: Fraction | None
    imports: Fraction | None

    @property
    def total(self) -> Fraction | None:
        return None if self.exports is None or self.imports is None else self.exports + self.imports

    @property
    def balance(self) -> Fraction | None:
        return None if self.exports is None or self.imports is None else self.exports - self.imports


@contextmanager
def reading(built: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(str(built), read_only=True)
    try:
        yield connection
    finally:
        connection.close()


def records(built: Path, query: str, *parameters: object) -> list[dict[str, Any]]:
    with reading(built) as connection:
        cursor = connection.execute(query, parameters)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def record(built: Path, query: str, *parameters: object) -> dict[str, Any]:
    found = records(built, query, *parameters)
    assert len(found) == 1, f"{len(found)} rows for {parameters}"
    return found[0]


def raw_file(name: str, night: str = "night-2") -> Path:
    found = sorted((SAMPLE / night).rglob(name))
    assert len(found) == 1, f"the sample has {len(found)} files {name}"
    return found[0]


@cache
def unctad_lines(table: str) -> tuple[dict[str, str], ...]:
    """Return the CSV's lines, each with its number in the file (the header is 1) under `_line`."""
    with py7zr.SevenZipFile(raw_file(f"{table}.csv.7z")) as archive:
        factory = py7zr.io.BytesIOFactory(64 * 1024 * 1024)
        archive.extractall(factory=factory)
    (member,) = factory.products.values()
    member.seek(0)
    text = io.StringIO(member.read().decode("utf-8-sig"), newline="")
    return tuple(dict(line, _line=str(number)) for number, line in enumerate(csv.DictReader(text), start=2))


@cache
def unctad(table: str) -> dict[tuple[str, str], Trade]:
    """Return the file's trade by (M49 code, year): flow 02 is exports, 01 is imports."""
    found: dict[tuple[str, str], dict[str, Fraction]] = {}
    for line in unctad_lines(table):
        value = line["US$ at current prices in millions"]
        if value:
            found.setdefault((line["Economy"], line["Year"]), {})[line["Flow"]] = Fraction(value)
    return {cell: Trade(flows.get("02"), flows.get("01")) for cell, flows in found.items()}


@cache
def world_bank(indicator: str, night: str) -> dict[str, Fraction | None]:
    """Return an indicator of China by year, in the publisher's unit."""
    page = json.loads(raw_file(f"{indicator}.json", night).read_text("utf-8"), parse_float=str, parse_int=str)
    return {
        row["date"]: None if row["value"] is None else Fraction(row["value"])
        for row in page[1]
        if row["countryiso3code"] == "CHN"
    }


def percent(numerator: Fraction | None, denominator: Fraction | None) -> Fraction | None:
    return None if numerator is None or not denominator else 100 * numerator / denominator


def growth(current: Fraction | None, previous: Fraction | None) -> Fraction | None:
    return None if current is None or not previous else 100 * (current - previous) / previous


def close(found: float | None, expected: Fraction | float | None) -> bool:
    """Return whether a double is the expected figure, to the rounding of four operations on doubles."""
    if found is None or expected is None:
        return found is expected
    return found == pytest.approx(float(expected), rel=1e-15 * 8, abs=1e-13)


def scale(built: Path, source: str, reporter: str, period: str, currency: str = "USD") -> dict[str, Any]:
    return record(
        built,
        "select * from marts.mart_trade_scale"
        " where source = ? and reporter = ? and period_label = ? and currency = ?",
        source,
        reporter,
        period,
        currency,
    )


# --- columns and descriptions ---------------------------------------------------------------------


@pytest.mark.parametrize("mart", sorted(COLUMNS))
def test_marts_have_the_documented_columns_in_order(built: Path, mart: str) -> None:
    found = records(
        built,
        "select column_name, data_type from information_schema.columns"
        " where table_schema = 'marts' and table_name = ? order by ordinal_position",
        mart,
    )
    assert [row["column_name"] for row in found] == COLUMNS[mart].split(", ")
    for row in found:
        if row["column_name"].endswith(("_million", "_pct")):
            assert row["data_type"] == "DOUBLE", row


@pytest.mark.parametrize("mart", sorted(COLUMNS))
def test_every_mart_and_column_is_described(mart: str) -> None:
    (model,) = yaml.safe_load((MARTS / f"{mart}.yml").read_text("utf-8"))["models"]
    assert model["config"]["contract"] == {"enforced": True}
    assert re.search(r"One row per [^.]+\.$", model["description"].strip()), (
        "the description ends with the grain"
    )
    assert [column["name"] for column in model["columns"]] == COLUMNS[mart].split(", ")
    for column in model["columns"]:
        assert column["description"].strip(), column["name"]
        assert column["data_type"], column["name"]


def test_every_measure_block_has_a_reference() -> None:
    text = (MARTS / "measures.md").read_text("utf-8")
    blocks = dict(re.findall(r"{% docs (\w+) %}(.*?){% enddocs %}", text, re.DOTALL))
    measures = {
        name for name in blocks if name.endswith(("_pct", "_million", "_rank", "_days")) or name == "change"
    }
    assert len(measures) >= 12
    assert [name for name in sorted(measures) if "Reference:" not in blocks[name]] == []


@pytest.mark.parametrize("mart", ["mart_trade_scale", "mart_trade_structure", "mart_revision"])
def test_every_row_can_be_traced_to_its_core_rows(built: Path, mart: str) -> None:
    (model,) = yaml.safe_load((MARTS / f"{mart}.yml").read_text("utf-8"))["models"]
    trace, *_ = model["config"]["meta"]["trace"]
    match = " and ".join(f"core.{key} is not distinct from mart.{key}" for key in trace["keys"])
    where = re.sub(r"\$(\w+)", r"mart.\1", trace.get("where", "true"))
    found = record(
        built,
        f"select count(*) as marts, count(*) filter (where matches = 0) as lost from ("
        f" select mart.*, (select count(*) from core.{trace['model']} as core"
        f" where {match} and ({where})) as matches from marts.{mart} as mart)",
    )
    assert found["marts"] > 0
    assert found["lost"] == 0


# --- UNCTAD: China by hand ------------------------------------------------------------------------


def test_china_in_unctad_by_hand(built: Path) -> None:
    """Compute the expected values by hand from the lines of economies 156 and 0000 of both files.

    services  2020  exports 280628.773    imports 381087.719
    services  2021  exports 394272.573    imports 426997.952    world 6407102.088 and 5859878.437
    goods     2021  exports 3316022.1     imports 2679412
    larger totals in 2021: only 840 (United States), 1390515, so the rank is 2
    """
    row = scale(built, "unctad_services", "CHN", "2021")
    assert row["exports_million"] == 394272.573
    assert row["imports_million"] == 426997.952
    assert row["total_million"] == 821270.525  # 394272.573 + 426997.952
    assert row["balance_million"] == -32725.379  # 394272.573 - 426997.952
    assert round(row["exports_growth_pct"], 6) == 40.496133  # 394272.573 / 280628.773 = 1.40496133
    assert round(row["imports_growth_pct"], 6) == 12.047156  # 426997.952 / 381087.719 = 1.12047156
    assert round(row["total_growth_pct"], 6) == 24.112144  # 821270.525 / 661716.492 = 1.24112144
    assert round(row["export_share_pct"], 6) == 48.007637  # 394272.573 / 821270.525
    assert round(row["import_share_pct"], 6) == 51.992363  # 426997.952 / 821270.525
    assert round(row["world_export_share_pct"], 6) == 6.153680  # 394272.573 / 6407102.088
    assert round(row["world_import_share_pct"], 6) == 7.286806  # 426997.952 / 5859878.437
    assert round(row["world_total_share_pct"], 6) == 6.694969  # 821270.525 / 12266980.525
    assert row["world_rank"] == 2
    assert round(row["services_share_of_trade_pct"], 6) == 12.047911  # 821270.525 / (821270.525 + 5995434.1)
    # GDP of 2021 in the World Bank's file of 2024-07-12: 17820459508852.2 USD
    assert round(row["openness_pct"], 6) == 4.608582  # 821270.525 / 17820459.5088522
    assert row["reporter_name_en"] == "China"
    assert row["reporter_name_zh"] == "中国"
    assert row["is_preferred"] is False  # SAFE states the twelve items too


@pytest.mark.parametrize(("year", "rank"), [("2019", 2), ("2020", 3), ("2021", 2), ("2022", 3), ("2023", 4)])
def test_rank_of_china_is_count_of_larger_totals_plus_one(built: Path, year: str, rank: int) -> None:
    """Count the larger totals: 840 always, 372 in 2020 (736788.449), 276 in 2022 and 2023, 826 in 2023."""
    trade = unctad("US_TradeServCatTotal")
    own = trade["156", year].total
    assert own is not None
    larger = [
        economy
        for (economy, of_year), cell in trade.items()
        if of_year == year and len(economy) == 3 and cell.total is not None and cell.total > own
    ]
    assert len(larger) + 1 == rank
    assert scale(built, "unctad_services", "CHN", year)["world_rank"] == rank


# --- UNCTAD: every row ----------------------------------------------------------------------------


@cache
def reporter_of_economy(built: Path) -> dict[str, str]:
    """Pair M49 codes with reporters by lineage: a core row has the number of its line."""
    economy_on_line = {int(line["_line"]): line["Economy"] for line in unctad_lines("US_TradeServCatTotal")}
    rows = records(
        built, "select distinct reporter, _row from core.fct_services_trade where source = 'unctad_services'"
    )
    pairs = {(economy_on_line[row["_row"]], row["reporter"]) for row in rows}
    assert len(pairs) == 207  # 206 economies and the world
    assert len({economy for economy, _ in pairs}) == len({reporter for _, reporter in pairs}) == 207
    return dict(pairs)


def test_every_unctad_row_equals_fractions_computed_from_the_file(built: Path) -> None:
    services, goods = unctad("US_TradeServCatTotal"), unctad("US_TradeMerchTotal")
    gdp = world_bank("NY.GDP.MKTP.CD", "night-2")
    reporters = reporter_of_economy(built)
    rows = {
        (row["reporter"], row["period_label"]): row
        for row in records(built, "select * from marts.mart_trade_scale where source = 'unctad_services'")
    }
    assert len(rows) == len(services) > 3900
    nothing = Trade(None, None)
    totals = {
        year: sorted(
            cell.total
            for (economy, of_year), cell in services.items()
            if of_year == year and economy != "0000" and cell.total is not None
        )
        for year in {year for _, year in services}
    }
    amounts = {
        (year, flow): sorted(
            amount
            for (economy, of_year), cell in services.items()
            if of_year == year and economy != "0000" and (amount := getattr(cell, flow)) is not None
        )
        for year in totals
        for flow in ("exports", "imports")
    }

    def rank_by(flow: str, economy: str, year: str) -> int | None:
        amount = getattr(services[economy, year], flow)
        if economy == "0000" or amount is None:
            return None
        return 1 + len(amounts[year, flow]) - bisect_right(amounts[year, flow], amount)

    wrong = []
    for (economy, year), own in services.items():
        before = services.get((economy, str(int(year) - 1)), nothing)
        world = services["0000", year]
        merchandise = goods.get((economy, year), nothing).total
        expected: dict[str, Fraction | int | None] = {
            "exports_million": own.exports,
            "imports_million": own.imports,
            "total_million": own.total,
            "balance_million": own.balance,
            "exports_growth_pct": growth(own.exports, before.exports),
            "imports_growth_pct": growth(own.imports, before.imports),
            "total_growth_pct": growth(own.total, before.total),
            "export_share_pct": percent(own.exports, own.total),
            "import_share_pct": percent(own.imports, own.total),
            "world_export_share_pct": percent(own.exports, world.exports),
            "world_import_share_pct": percent(own.imports, world.imports),
            "world_total_share_pct": percent(own.total, world.total),
            "world_export_rank": rank_by("exports", economy, year),
            "world_import_rank": rank_by("imports", economy, year),
            "world_rank": 1 + len(totals[year]) - bisect_right(totals[year], own.total)
            if economy != "0000" and own.total is not None
            else None,
            "economies_ranked": len(totals[year]) if economy != "0000" and own.total is not None else None,
            "world_coverage_pct": percent(sum(totals[year], Fraction(0)), world.total)
            if economy != "0000" and own.total is not None
            else None,
            "services_share_of_trade_pct": percent(
                own.total, None if own.total is None or merchandise is None else own.total + merchandise
            ),
            "openness_pct": percent(own.total, (gdp.get(year) or Fraction(0)) / 1_000_000)
            if economy == "156"
            else None,
        }
        row = rows[reporters[economy], year]
        wrong += [
            (economy, year, measure, row[measure], value)
            for measure, value in expected.items()
            if not close(row[measure], Fraction(value) if value is not None else None)
        ]
    assert wrong == []


def test_amounts_are_the_doubles_nearest_to_the_published_digits(built: Path) -> None:
    """A direct cast of the decimals would be off by one in the last digit for four of these values."""
    printed = {
        (line["Year"], line["Economy"]): float(line["US$ at current prices in millions"])
        for line in unctad_lines("US_TradeServCatTotal")
        if line["Flow"] == "02"
    }
    reporters = reporter_of_economy(built)
    found = {
        (row["period_label"], row["reporter"]): row["exports_million"]
        for row in records(built, "select * from marts.mart_trade_scale where source = 'unctad_services'")
    }
    assert len(printed) == 3988
    off = [cell for cell, value in printed.items() if found[cell[0], reporters[cell[1]]] != value]
    assert off == []


@pytest.mark.parametrize(("reporter", "year"), [("MHL", "2024"), ("TUN", "2023")])
def test_cell_with_a_single_flow_has_no_total(built: Path, reporter: str, year: str) -> None:
    """The file has a single line for 584 in 2024, and for 788 in 2023."""
    row = scale(built, "unctad_services", reporter, year)
    assert (row["exports_million"] is None) != (row["imports_million"] is None)
    for measure in (
        "total_million",
        "balance_million",
        "export_share_pct",
        "world_total_share_pct",
        "world_rank",
    ):
        assert row[measure] is None, measure


def test_world_has_shares_of_100_and_no_rank(built: Path) -> None:
    rows = records(
        built, "select * from marts.mart_trade_scale where source = 'unctad_services' and reporter = 'WLD'"
    )
    assert len(rows) == 20  # 2005 to 2024
    for row in rows:
        assert (
            row["world_export_share_pct"]
            == row["world_import_share_pct"]
            == row["world_total_share_pct"]
            == 100
        )
        assert row["world_export_rank"] is row["world_import_rank"] is row["world_rank"] is None
        assert row["economies_ranked"] is row["world_coverage_pct"] is None


# --- World Bank -----------------------------------------------------------------------------------


def test_openness_equals_the_ratio_published_by_the_world_bank(built: Path) -> None:
    """BG.GSR.NFSV.GD.ZS is trade in services as a share of GDP, published to 15 digits."""
    published = {year: value for year, value in world_bank("BG.GSR.NFSV.GD.ZS", "night-2").items() if value}
    assert len(published) == 41  # 1982 to 2022
    found = {
        row["period_label"]: row["openness_pct"]
        for row in records(built, "select * from marts.mart_trade_scale where source = 'worldbank_wdi'")
    }
    for year, value in published.items():
        assert found[year] == pytest.approx(float(value), rel=1e-13), year


def test_world_bank_rows_have_no_world_share_or_rank(built: Path) -> None:
    row = scale(built, "worldbank_wdi", "CHN", "2021")
    assert row["exports_million"] == 339393.21019559  # 339393210195.59 USD
    assert row["vintage"] == "2024-07-12"
    for measure in (
        "world_export_share_pct",
        "world_import_share_pct",
        "world_total_share_pct",
        "world_export_rank",
        "world_import_rank",
        "world_rank",
    ):
        assert row[measure] is None, measure


def test_revisions_are_the_differences_of_the_two_files(built: Path) -> None:
    indicators = sorted(
        path.stem for path in (SAMPLE / "night-1").rglob("*.json") if path.name != "index.json"
    )
    assert len(indicators) == 22
    expected: dict[tuple[str, str], tuple[str, Fraction | None, Fraction | None]] = {}
    for indicator in indicators:
        scaled = Fraction(1, 1_000_000) if re.search(r"\.CD(\.WT)?$", indicator) else Fraction(1)
        first, second = (world_bank(indicator, night) for night in ("night-1", "night-2"))
        for year in first.keys() | second.keys():
            old, new = first.get(year), second.get(year)
            if old != new:
                kind = "new" if old is None else "withdrawn" if new is None else "changed"
                expected[indicator, year] = (
                    kind,
                    None if old is None else old * scaled,
                    None if new is None else new * scaled,
                )
    found = {
        (row["indicator"], row["period_label"]): row
        for row in records(built, "select * from marts.mart_revision where source = 'worldbank_wdi'")
    }
    assert found.keys() == expected.keys()
    withdrawn = [cell for cell, (kind, _, _) in expected.items() if kind == "withdrawn"]
    assert len(withdrawn) == 24  # twelve years each of BX.GSR.ROYL.CD and BM.GSR.ROYL.CD
    for cell, (kind, old, new) in expected.items():
        row = found[cell]
        assert row["kind"] == kind, cell
        assert (row["previous_vintage"], row["vintage"]) == ("2022-09-16", "2024-07-12")
        assert close(row["previous_value"], old), cell
        assert close(row["value"], new), cell
        assert close(row["change"], None if old is None or new is None else new - old), cell
        assert close(row["change_pct"], growth(new, old)), cell


def test_revision_of_services_exports_by_hand(built: Path) -> None:
    """338440775474.07 USD became 339393210195.59 USD: up by 952434721.52, which is 0.2814 percent."""
    row = record(
        built,
        "select * from marts.mart_revision where series = ? and period_label = '2021'",
        "worldbank_wdi / CHN / BX.GSR.NFSV.CD / A",
    )
    assert row["previous_value"] == 338440.77547407
    assert row["value"] == 339393.21019559
    assert row["change"] == 952.43472152
    assert round(row["change_pct"], 4) == 0.2814
    assert (row["service"], row["flow"], row["partner"], row["kind"]) == ("S", "exports", "WLD", "changed")


# --- SAFE -----------------------------------------------------------------------------------------

# Sheet 年度BOP（美元）, column BU (2021), rows 16 to 53, in 100 million USD:
# 贷方 and 借方 of 1.A.b and of its twelve items.
SAFE_USD_2021 = {
    "S": ("3393.9321019559002", "-4406.0486361754001"),
    "SA": ("141.87873043179999", "-7.1242439490000002"),
    "SB": ("78.741511325900007", "-38.220202759300001"),
    "SC": ("1286.0666635103", "-1466.5168709750001"),
    "SD": ("113.2993933881", "-1093.8866292421999"),
    "SE": ("154.14779820909999", "-97.369195148000003"),
    "SF": ("50.035126431999998", "-193.4626875747"),
    "SG": ("45.7912609121", "-44.241232631800003"),
    "SH": ("117.5576458429", "-468.9469750069"),
    "SI": ("507.1790056108", "-400.07492226260001"),
    "SJ": ("869.30559071410005", "-530.27995762850003"),
    "SK": ("14.396645469799999", "-32.824964766500003"),
    "SL": ("15.532730108999999", "-33.100754230900002"),
}


def test_structure_of_safe_equals_the_workbook(built: Path) -> None:
    rows = records(
        built,
        "select * from marts.mart_trade_structure"
        " where source = 'safe_bop' and reporter = 'CHN' and period_label = '2021' and currency = 'USD'"
        " and is_published",
    )
    found = {(row["service"], row["flow"]): row for row in rows}
    assert len(rows) == len(found) == 26
    for service, (credit, debit) in SAFE_USD_2021.items():
        for flow, printed, total in (
            ("exports", Fraction(credit), Fraction(SAFE_USD_2021["S"][0])),
            ("imports", -Fraction(debit), -Fraction(SAFE_USD_2021["S"][1])),
        ):
            row = found[service, flow]
            assert close(row["value_million"], 100 * printed), (service, flow)
            assert close(row["share_pct"], 100 * printed / total), (service, flow)
    # by hand: transport is 1286.0666635103 of 3393.9321019559, travel 1093.8866292422 of 4406.0486361754
    assert round(found["SC", "exports"]["share_pct"], 4) == 37.8931
    assert round(found["SD", "imports"]["share_pct"], 4) == 24.8269
    for flow in ("exports", "imports"):
        shares = [row["share_pct"] for (service, of), row in found.items() if of == flow and service != "S"]
        assert sum(shares) == pytest.approx(100, rel=1e-13)


def test_growth_of_safe_is_computed_within_each_frequency(built: Path) -> None:
    """Expected rates, computed by hand from 1.A.b 贷方 of 2020, 2021, 2020Q1 and 2021Q1."""
    year = scale(built, "safe_bop", "CHN", "2021")
    assert round(year["exports_growth_pct"], 6) == 48.282166  # 3393.9321019559 / 2288.8336467679
    assert round(year["imports_growth_pct"], 6) == 15.518877  # 4406.0486361754 / 3814.13736078785
    assert round(year["balance_million"], 4) == -101211.6534  # as printed: -1012.1165342195
    quarter = scale(built, "safe_bop", "CHN", "2021-Q1")
    assert round(quarter["exports_growth_pct"], 6) == 38.352647  # 721.4948809708 / 521.4897551026
    # goods of the same workbook, 2021: 32158.3826784458 and 26531.3232166328
    # 7799.9807381313 / (7799.9807381313 + 58689.7058950786) = 0.11731114
    assert round(year["services_share_of_trade_pct"], 6) == 11.731114
    assert quarter["openness_pct"] is None
    assert scale(built, "safe_bop", "CHN", "2021", "CNY")["openness_pct"] is None


def test_missing_gdp_is_one_that_is_not_loaded(built: Path) -> None:
    """The World Bank states Brazil's GDP; the recorded answers are of China."""
    row = scale(built, "unctad_services", "BRA", "2021")
    assert row["openness_pct"] is None
    assert row["openness_reason"] == "no GDP of the World Bank is loaded for the economy and year"


def test_growth_is_null_from_zero_or_negative_values(built: Path) -> None:
    """1.A.b.1 贷方: -0.4674 (1985), -1.6530, -3.5609, 2.4097 (1988), 15.9928; 0 until 1981."""
    rows = {
        row["period_label"]: row["growth_pct"]
        for row in records(
            built,
            "select * from marts.mart_trade_structure where source = 'safe_bop' and frequency = 'A'"
            " and currency = 'USD' and service = 'SA' and flow = 'exports'",
        )
    }
    assert rows["1986"] is rows["1987"] is rows["1988"] is None
    assert round(rows["1989"], 2) == 563.68  # 15.9928349 / 2.4097133
    shares = records(
        built,
        "select * from marts.mart_trade_structure where not isfinite(share_pct) or not isfinite(growth_pct)",
    )
    assert shares == []


# --- preferred rows and freshness -----------------------------------------------------------------


def test_each_cell_has_one_preferred_row(built: Path) -> None:
    """SAFE, whose items add up to its total, ends with 2023 in the workbook; UNCTAD's file has 2024."""
    preferred = {
        row["period_label"]: (row["source"], row["currency"])
        for row in records(
            built, "select * from marts.mart_trade_scale where reporter = 'CHN' and is_preferred"
        )
    }
    cells = record(
        built,
        "select count(distinct period_label) as cells from marts.mart_trade_scale where reporter = 'CHN'",
    )
    assert len(preferred) == cells["cells"]
    assert preferred["2024"] == ("unctad_services", "USD")
    assert preferred["2005"] == preferred["1950"] == preferred["2021-Q1"] == ("safe_bop", "USD")


def test_preferred_items_of_china_add_up_to_the_preferred_total(built: Path) -> None:
    """Year 2020 of the sheet of dollars, 1.A.b 贷方: 2288.8336467679; UNCTAD has 280628.773 million."""
    rows = records(
        built,
        "select source, currency, service, value_million from marts.mart_trade_structure"
        " where reporter = 'CHN' and period_label = '2020' and flow = 'exports' and is_preferred"
        " and (service = 'S' or service between 'SA' and 'SL')",
    )
    assert {(row["source"], row["currency"]) for row in rows} == {("safe_bop", "USD")}
    amounts = {row["service"]: row["value_million"] for row in rows}
    assert len(rows) == len(amounts) == 13
    assert amounts.pop("S") == 228883.36467679
    assert sum(amounts.values()) == pytest.approx(228883.36467679, rel=1e-12)


def test_total_of_another_publisher_is_not_preferred_beside_the_items(built: Path) -> None:
    row = record(
        built,
        "select * from marts.mart_trade_scale where source = 'unctad_services' and reporter = 'CHN'"
        " and period_label = '2020'",
    )
    assert (row["exports_million"], row["is_preferred"]) == (280628.773, False)


@pytest.mark.parametrize("mart", ["mart_trade_scale", "mart_trade_structure"])
def test_one_source_is_preferred_of_a_reporter_and_period(built: Path, mart: str) -> None:
    found = record(
        built,
        "select count(*) as cells, count(*) filter (where series = 1) as of_one from ("
        " select count(distinct (source, currency, value_type)) filter (where is_preferred) as series"
        f" from marts.{mart} group by reporter, frequency, period_start, period_end)",
    )
    assert found["cells"] == found["of_one"] > 4000


def test_items_of_economies_are_found_by_their_columns(built: Path) -> None:
    # The workbook's sheet of annual dollars, rows 16 and 17, column BU: 3393.93 and 4406.05 hundred million.
    found = records(
        built,
        "select flow, sum(value_million) as total, count(*) as items from marts.mart_trade_structure "
        "where source = 'safe_bop' and period_label = '2021' and currency = 'USD' and is_main_item "
        "and service_level = 2 and reporter_type = 'economy' and flow in ('exports', 'imports') "
        "group by flow order by flow",
    )
    assert [(row["flow"], row["items"]) for row in found] == [("exports", 12), ("imports", 12)]
    assert [row["total"] for row in found] == pytest.approx([339393.21019559, 440604.86361754])
    assert record(
        built,
        "select count(distinct partner) as groups from marts.mart_trade_partner "
        "where partner_type = 'group' and source = 'ons_services'",
    )["groups"]


def test_rounded_figures_are_marked_in_the_scale(built: Path) -> None:
    # national_releases.csv, records 107 to 111: 5.98, 2.85 and 3.13 trillion yuan of 2022, "rounded".
    row = record(
        built,
        "select total_status, exports_status, imports_status, exports_million from marts.mart_trade_scale "
        "where source = 'curated' and reporter = 'CHN' and period_label = '2022' and currency = 'CNY'",
    )
    assert row.pop("exports_million") == 2850000
    assert set(row.values()) == {"stated, rounded"}


FACTS = {
    "fct_services_trade": "value_million",
    "fct_bilateral_services_trade": "value_million",
    "fct_regional_services_trade": "value_million",
    "fct_goods_trade": "value_million",
    "fct_indicator": "value",
}


@pytest.mark.parametrize(("table", "column"), FACTS.items())
def test_double_beside_each_decimal_is_the_nearest(built: Path, table: str, column: str) -> None:
    rows = records(built, f"select {column} as exact, {column}_double as double from core.{table}")
    assert len(rows) > 25
    assert [row for row in rows if row["exact"] is None and row["double"] is not None] == []
    assert [
        row for row in rows if row["exact"] is not None and float(str(row["exact"])) != row["double"]
    ] == []
    squares = f"select sum({column}{{}} * {column}{{}}) as total from core.{table}"
    assert record(built, squares.format("_double", "_double"))["total"] > 0
    with pytest.raises(duckdb.OutOfRangeException):  # why there is a double
        record(built, squares.format("", ""))


def test_comment_of_the_fact_names_the_seed_of_corrections(built: Path) -> None:
    comment = record(built, "select comment from duckdb_tables() where table_name = 'fct_services_trade'")[
        "comment"
    ]
    assert "`safe_correction`" in comment
    corrected = records(
        built,
        "select period_label, value_million from core.fct_services_trade where status like 'corrected%' "
        "order by 1",
    )
    assert [(row["period_label"], str(row["value_million"]).rstrip("0")) for row in corrected] == [
        ("1980", "5.29"),  # a debit of -0.0529 hundred million
        ("1981", "5.71"),
    ]


def test_freshness_has_the_count_of_cells_of_the_files(built: Path) -> None:
    rows = {
        (row["source"], row["series"]): row for row in records(built, "select * from marts.mart_freshness")
    }
    for source, table in (
        ("unctad_services", "US_TradeServCatTotal"),
        ("unctad_goods", "US_TradeMerchTotal"),
    ):
        lines = unctad_lines(table)
        series = {(line["Economy"], line["Flow"]) for line in lines}
        years = {line["Year"] for line in lines}
        row = rows[source, "A / USD"]
        assert row["publisher_table"] == table.replace("_", ".")
        assert row["expected_cells"] == len(series) * len(years)
        assert row["present_cells"] == sum(1 for line in lines if line["US$ at current prices in millions"])
        assert row["missing_cells"] == row["expected_cells"] - row["present_cells"] > 0
        assert row["latest_period"] == max(years)
    royalties = next(row for (_, series), row in rows.items() if series == "BX.GSR.ROYL.CD")
    published = [value for value in world_bank("BX.GSR.ROYL.CD", "night-2").values() if value is not None]
    assert royalties["present_cells"] == len(published)
    assert royalties["expected_cells"] == len(world_bank("BX.GSR.ROYL.CD", "night-2"))
    # the workbook of 2024-03-29 ends with 2023-Q4
    safe = [row for (source, _), row in rows.items() if source == "safe_bop"]
    assert len(safe) == 6
    assert {row["publication_lag_days"] for row in safe} == {(date(2024, 3, 29) - date(2023, 12, 31)).days}
    assert {row["source"] for row in rows.values() if row["status"] == "not configured"} == set(
        WITHOUT_RECORDING
    )
    assert {row["status"] for row in rows.values()} <= {"ok", "late", "not configured"}


def test_freshness_status_equals_the_status_of_the_alerts(warehouse: Warehouse, built: Path) -> None:
    as_of = date.fromisoformat(json.loads((warehouse.release / "MANIFEST.json").read_text("utf-8"))["as_of"])
    rows = records(built, "select distinct source, latest_vintage, status from marts.mart_freshness")
    expected = {}
    for row in rows:
        due = last_overdue(CALENDAR, row["source"], as_of)
        newest = row["latest_vintage"] and date.fromisoformat(row["latest_vintage"][:10])
        is_late = due is not None and newest is not None and newest < due.counts_from
        expected[row["source"]] = "not configured" if newest is None else "late" if is_late else "ok"
    assert {row["source"]: row["status"] for row in rows} == expected
    assert set(expected.values()) == {"not configured", "late", "ok"}
