"""As-of values in SQL: the current release with later revisions undone equals a build of that day."""

from __future__ import annotations

import random
import shutil
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse

FUNCTIONS = {
    "fct_services_trade": "services_trade_as_of",
    "fct_bilateral_services_trade": "bilateral_services_trade_as_of",
    "fct_regional_services_trade": "regional_services_trade_as_of",
    "fct_goods_trade": "goods_trade_as_of",
    "fct_indicator": "indicator_as_of",
}
KEYS = (
    "source, reporter, partner, service, flow, frequency, period_start, period_end, period_label, currency, "
    "value_type"
)
SERIES = (
    "'toy', 'CHN', 'WLD', 'S', 'exports', 'A', date '2019-01-01', date '2019-12-31', '2019', 'USD', 'final'"
)
DAYS = ("2021-12-31", "2022-09-15", "2022-09-16", "2024-07-11", "2024-07-12", "2031-01-01")


def fetch_rows(database: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(database), read_only=True) as db:
        return db.execute(sql).fetchall()


@pytest.mark.parametrize("table", FUNCTIONS)
def test_every_cell_equals_an_as_of_build(table: str, earlier_warehouse: Warehouse, built: Path) -> None:
    with duckdb.connect() as db:
        db.execute(f"attach '{earlier_warehouse.database}' as earlier (read_only)")
        db.execute(f"attach '{built}' as built (read_only)")
        db.execute("use built")
        function = f"core.{FUNCTIONS[table]}(date '2024-07-11')"
        columns = [name for name, *_ in db.execute(f"from {function} limit 0").description or ()]
        assert {"source", "vintage", "reporter", "period_start", "period_label"} < set(columns)
        listed = ", ".join(columns)
        counted = db.execute(f"select count(*) from earlier.core.{table}").fetchone()
        assert db.execute(f"select count(*) from {function}").fetchone() == counted
        if table not in {"fct_regional_services_trade", "fct_goods_trade"}:
            assert counted is not None and counted[0] > 100, "the comparison has too few rows"
        for left, right in ((function, f"earlier.core.{table}"), (f"earlier.core.{table}", function)):
            assert (
                db.execute(f"select {listed} from {left} except all select {listed} from {right}").fetchall()
                == []
            )


def test_chinas_exports_by_day(built: Path) -> None:
    # Copied from the World Bank's files of 2022-09-16 (338440775474.07) and 2024-07-12 (339393210195.59).
    cell = "where source = 'worldbank_wdi' and indicator = 'BX.GSR.NFSV.CD' and period_label = '2021'"
    found = {
        day: fetch_rows(
            built, f"select vintage, value_million from core.services_trade_as_of(date '{day}') {cell}"
        )
        for day in DAYS
    }
    first, second = Decimal("338440.77547407"), Decimal("339393.21019559")
    assert found == {
        "2021-12-31": [],
        "2022-09-15": [],
        "2022-09-16": [("2022-09-16", first)],
        "2024-07-11": [("2022-09-16", first)],
        "2024-07-12": [("2024-07-12", second)],
        "2031-01-01": [("2024-07-12", second)],
    }


@pytest.mark.parametrize("table", FUNCTIONS)
def test_latest_day_equals_the_table(table: str, built: Path) -> None:
    amount = "value" if table == "fct_indicator" else "value_million"
    counted = f"select source, vintage, count(*), sum({amount}) from core.{{}} group by all order by all"
    now = fetch_rows(built, counted.format(table))
    assert now
    assert fetch_rows(built, counted.format(f"{FUNCTIONS[table]}('9999-12-31')")) == now


def test_functions_are_kept_in_copied_release_with_comments(built: Path, tmp_path: Path) -> None:
    copied = tmp_path / "renamed copy.duckdb"
    shutil.copyfile(built, copied)
    found = fetch_rows(
        copied,
        "select function_name, comment from duckdb_functions() "
        "where schema_name = 'core' and function_type = 'table_macro'",
    )
    # The sample has no figures by mode of supply: tests/test_mode_of_supply.py has a release with some.
    assert {str(name) for name, _ in found} == {*FUNCTIONS.values(), "mode_of_supply_as_of"}
    assert all("on a day" in str(comment) for _, comment in found)
    assert fetch_rows(copied, "select count(*) > 0 from core.services_trade_as_of(date '2023-01-01')") == [
        (True,)
    ]


@pytest.mark.parametrize("seed", range(4))
def test_random_histories_are_reconstructed_for_any_day(seed: int, built: Path, tmp_path: Path) -> None:
    """Draw a random history of vintages, two of them of the same day; compare the values of each day."""
    rng = random.Random(seed)
    vintages = ["2020-01-05", "2020-02-01", "2020-02-01.02", "2020-03-01", "2020-04-01", "2020-05-01.11"]
    cells = [f"C{number}" for number in range(40)]
    states: list[dict[str, int]] = []
    for _ in vintages:
        before = states[-1] if states else {}
        after = {}
        for cell in cells:
            value = before.get(cell) if rng.random() < 0.6 else rng.choice([None, 0, -1, 1, 2, 3])
            if value is not None:
                after[cell] = value
        states.append(after)
    database = tmp_path / "history.duckdb"
    shutil.copyfile(built, database)
    with duckdb.connect(str(database)) as db:
        for table in ("fct_services_trade", "fct_revision", "dim_vintage"):
            db.execute(f"delete from core.{table}")
        for number, vintage in enumerate(vintages):
            db.execute("insert into core.dim_vintage (source, vintage) values ('toy', ?)", [vintage])
            before = states[number - 1] if number else states[0]
            db.executemany(
                f"insert into core.fct_revision ({KEYS}, indicator, vintage, previous_value, value) "
                f"values ({SERIES}, ?, ?, ?, ?)",
                [[cell, vintage, before.get(cell), states[number].get(cell)] for cell in cells],
            )
        db.execute("delete from core.fct_revision where value is not distinct from previous_value")
        db.executemany(
            f"insert into core.fct_services_trade ({KEYS}, indicator, vintage, value_million) "
            f"values ({SERIES}, ?, ?, ?)",
            [[cell, vintages[-1], value] for cell, value in states[-1].items()],
        )
    assert any(state != next_state for state, next_state in pairwise(states))
    for day in (
        "2020-01-04",
        "2020-01-05",
        "2020-02-01",
        "2020-02-29",
        "2020-03-31",
        "2020-04-01",
        "2020-05-01",
    ):
        in_force = [number for number, vintage in enumerate(vintages) if vintage[:10] <= day]
        found = fetch_rows(
            database,
            f"select indicator, vintage, value_million from core.services_trade_as_of(date '{day}')",
        )
        expected = (
            {(cell, vintages[in_force[-1]], value) for cell, value in states[in_force[-1]].items()}
            if in_force
            else set()
        )
        assert set(found) == expected
        assert len(found) == len(expected)
