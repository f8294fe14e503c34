"""The seasonal adjustment of the dbt Python model int_seasonally_adjusted: properties and tables."""

from __future__ import annotations

import importlib.util
import math
from datetime import date
from types import ModuleType
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.config import DBT_PROJECT_DIR

PATH = DBT_PROJECT_DIR / "models" / "intermediate" / "int_seasonally_adjusted.py"


def load_model() -> ModuleType:
    spec = importlib.util.spec_from_file_location("int_seasonally_adjusted", PATH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODEL = load_model()
# Logarithms of the factors of the first three quarters; the fourth makes their product 1.
SEASONS = st.tuples(*[st.floats(-0.4, 0.4) for _ in range(3)])
FIRST_QUARTER = 4 * 1998 + 1


def quarters_of(values: list[float], first: int = FIRST_QUARTER) -> list[int]:
    return list(range(first, first + len(values)))


def seasonal(trend: list[float], seasons: tuple[float, float, float]) -> list[float]:
    logarithms = (*seasons, -sum(seasons))
    return [value * math.exp(logarithms[number % 4]) for number, value in enumerate(trend)]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(SEASONS, st.floats(0.97, 1.05), st.integers(20, 104), st.floats(0.01, 1e6), st.integers(0, 3))
def test_trend_comes_back_from_a_trend_with_a_fixed_season(
    seasons: tuple[float, float, float], growth: float, length: int, level: float, offset: int
) -> None:
    """Within 0.1 % in the middle and 10 % at most: without noise, rounding decides on the robust weights."""
    trend = [level * growth**number for number in range(length)]
    values = seasonal(trend, seasons)
    adjusted, reason = MODEL.adjust(quarters_of(values, FIRST_QUARTER + offset), values)
    assert reason is None
    errors = sorted(abs(value / level - 1) for value, level in zip(adjusted, trend, strict=True))
    assert errors[len(errors) // 2] < 0.001
    assert errors[-1] < 0.1


@settings(max_examples=40, deadline=None, derandomize=True)
@given(SEASONS, st.lists(st.floats(-0.05, 0.05), min_size=20, max_size=60))
def test_sum_of_a_year_moves_by_two_percent_at_most(
    seasons: tuple[float, float, float], noise: list[float]
) -> None:
    """Growth of 2 % a quarter, seasons of 5 % (15 % in the fourth quarter) and noise of 5 %."""
    level = [100 * 1.02**number * math.exp(error) for number, error in enumerate(noise)]
    small = tuple(season / 8 for season in seasons)
    values = seasonal(level, (small[0], small[1], small[2]))
    adjusted, reason = MODEL.adjust(quarters_of(values), values)
    assert reason is None
    for start in range(0, len(values) - 3, 4):
        assert sum(adjusted[start : start + 4]) == pytest.approx(sum(values[start : start + 4]), rel=0.02)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.lists(st.floats(1, 1000), min_size=20, max_size=40), st.sampled_from([0.001, 7.0, 1e6]))
def test_adjustment_does_not_depend_on_the_unit(values: list[float], factor: float) -> None:
    adjusted, _ = MODEL.adjust(quarters_of(values), values)
    scaled, _ = MODEL.adjust(quarters_of(values), [factor * value for value in values])
    assert scaled == pytest.approx([factor * value for value in adjusted], rel=1e-6)
    assert min(adjusted) > 0


def test_result_has_nine_significant_digits() -> None:
    values = [123.456789012345 + 17 * math.sin(number) for number in range(40)]
    adjusted, _ = MODEL.adjust(quarters_of(values), values)
    assert adjusted == [float(f"{value:.9g}") for value in adjusted]
    assert adjusted == MODEL.adjust(quarters_of(values), values)[0]
    assert MODEL.rounded(1234567.894999) == 1234567.89
    assert MODEL.rounded(-0.00012345678951) == -0.00012345679


def test_outlier_does_not_move_the_season() -> None:
    """A quarter that is ten times too large: robust weights leave the other quarters at their trend."""
    trend = [100 * 1.01**number for number in range(60)]
    values = seasonal(trend, (0.2, -0.1, 0.05))
    values[30] *= 10
    adjusted, _ = MODEL.adjust(quarters_of(values), values)
    others = [
        value / level
        for number, (value, level) in enumerate(zip(adjusted, trend, strict=True))
        if number != 30
    ]
    assert max(abs(ratio - 1) for ratio in others) < 0.01
    assert adjusted[30] == pytest.approx(10 * trend[30], rel=0.01)


@pytest.mark.parametrize(
    ("quarters", "values", "reason"),
    [
        (list(range(19)), [1.0] * 19, "fewer than 20 quarters"),
        ([*range(10), *range(11, 22)], [1.0] * 21, "a quarter is missing"),
        (list(range(24)), [1.0] * 23 + [0.0], "a quarter is zero or negative"),
        (list(range(24)), [-1.0] + [1.0] * 23, "a quarter is zero or negative"),
        (list(range(20)), [1.0] * 20, None),
    ],
)
def test_series_that_cannot_be_adjusted_has_a_reason(
    quarters: list[int], values: list[float], reason: str | None
) -> None:
    adjusted, found = MODEL.adjust(quarters, values)
    assert found == reason
    assert (adjusted is None) == (reason is not None)


class Dbt:
    """dbt's interface, as far as the model uses it."""

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self.db = db
        self.configured: dict[str, Any] = {}

    def config(self, **options: Any) -> None:
        self.configured |= options

    def ref(self, name: str) -> duckdb.DuckDBPyRelation:
        return self.db.table(name)


def rows_of_model(statement: str) -> list[dict[str, Any]]:
    with duckdb.connect() as db:
        db.execute(
            "create table int_short_term_figures (source text, vintage text, reporter text, currency text, "
            "value_type text, service text, flow text, frequency text, period_start date, "
            "value_million decimal(38, 18))"
        )
        if statement:
            db.execute(f"insert into int_short_term_figures {statement}")
        dbt = Dbt(db)
        table = MODEL.model(dbt, db)
        assert dbt.configured == {"materialized": "table", "file_format": "parquet"}
        found: list[dict[str, Any]] = table.to_pylist()
        return found


def test_each_series_is_adjusted_by_itself() -> None:
    """Two currencies in one table, ten quarters of one; months, balances and missing figures take no part."""
    found = rows_of_model(
        "select 'a', 'v', 'AAA', currency, 'reported', 'S', flow, frequency, "
        "date '2000-01-01' + interval (3 * number) month, amount * (1 + number % 4) "
        "from range(40) as t(number), "
        "(values ('USD', 'exports', 'Q', 1), ('CNY', 'exports', 'Q', 7), ('CNY', 'imports', 'Q', 1), "
        "('USD', 'balance', 'Q', 1), ('USD', 'total', 'M', 1), ('XDR', 'exports', 'Q', null)) "
        "as s(currency, flow, frequency, amount) "
        "where currency <> 'CNY' or flow <> 'imports' or number < 10"
    )
    series = {(row["currency"], row["flow"]) for row in found}
    assert series == {("USD", "exports"), ("CNY", "exports"), ("CNY", "imports")}
    mean = (1 * 2 * 3 * 4) ** 0.25  # the geometric mean of the four quarters, which is the trend
    for row in found:
        if row["flow"] == "imports":
            assert (row["seasonally_adjusted_million"], row["adjustment"]) == (None, None)
            assert row["adjustment_reason"] == "fewer than 20 quarters"
        else:
            expected = mean * {"USD": 1, "CNY": 7}[row["currency"]]
            assert row["seasonally_adjusted_million"] == pytest.approx(expected, rel=1e-6)
            assert (row["adjustment"], row["adjustment_reason"]) == ("STL", None)
    assert len(found) == 40 + 40 + 10
    assert found[0]["period_start"] == date(2000, 1, 1)


def test_no_quarters_give_an_empty_table() -> None:
    assert rows_of_model("") == []
