"""The generic test valid_rows: each rule finds a row that breaks it, and names the sources of the row.

The query is the one that dbt compiled for core.fct_goods_trade of the release, run on a changed copy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse

from warehouse.build.load import literal

TABLES = ("core.fct_goods_trade", "core.dim_source", "core.dim_economy")
# The tested row: China's exports of goods in the newest year that the recording has.
ROW = "source = 'unctad_goods' and reporter = 'CHN' and flow = 'exports' and period_label = '2024'"
KEY = "source, reporter, partner, indicator, flow, frequency, period_start, period_end, currency, value_type"
KEY_OF_ROW = "unctad_goods, CHN, WLD, null, exports, A, 2024-01-01, 2024-12-31, USD, reported"


@pytest.fixture(scope="module")
def query(warehouse: Warehouse) -> str:
    """Return the compiled query."""
    results = json.loads((warehouse.release / "build_records" / "run_results.json").read_text())["results"]
    (found,) = [one for one in results if ".fct_goods_trade_valid_rows." in one["unique_id"]]
    return str(found["compiled_code"])


@pytest.fixture
def db(warehouse: Warehouse, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a connection to a copy of the tables, in a file of the name that dbt compiled."""
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute(f"attach {literal(str(warehouse.database))} as release (read_only)")
        connection.execute("create schema core")
        for table in TABLES:
            connection.execute(f"create table {table} as from release.{table}")
        yield connection


@pytest.mark.slow
def test_rows_of_the_release_break_no_rule(db: duckdb.DuckDBPyConnection, query: str) -> None:
    assert db.execute(f"select count(*) from core.fct_goods_trade where {ROW}").fetchall() == [(1,)]
    assert db.execute(query).fetchall() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (
            f"update core.fct_goods_trade set vintage = null, period_label = null where {ROW}",
            ("null", "vintage, period_label", None, "unctad_goods", 1),
        ),
        (
            f"update core.fct_goods_trade set value_type = 'guessed' where {ROW}",
            ("not accepted", "value_type", "guessed", "unctad_goods", 1),
        ),
        (
            f"update core.fct_goods_trade set reporter = 'XYZ' where {ROW}",
            ("not in dim_economy", "reporter", "XYZ", "unctad_goods", 1),
        ),
        (
            f"insert into core.fct_goods_trade from core.fct_goods_trade where {ROW}",
            ("same key", KEY, KEY_OF_ROW, "unctad_goods", 2),
        ),
    ],
)
def test_row_that_breaks_a_rule_is_found(
    db: duckdb.DuckDBPyConnection, query: str, change: str, broken: tuple[object, ...]
) -> None:
    db.execute(change)
    assert db.execute(query).fetchall() == [broken]
