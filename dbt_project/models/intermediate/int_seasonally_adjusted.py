"""Seasonally adjusted quarters: STL of the logarithm, for series of `int_short_term_figures` that allow it.

STL (Cleveland, Cleveland, McRae and Terpenning 1990, Journal of Official Statistics 6(1)) as implemented in
statsmodels. A dbt Python model, since the method is no SQL: dbt runs it in its own process, like every model.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa

METHOD = "STL"
PERIOD = 4  # quarters
LEAST_QUARTERS = 20
# Lengths of the smoothers. SEASONAL: 13 years, the first and last of them with little weight, about as much
# smoothing as the 3x5 average of X-11. TREND and LOW_PASS follow from the other two by Cleveland's rules.
SEASONAL = 13
TREND = 7
LOW_PASS = 5
DIGITS = 9  # significant digits of the result, so that rebuilds are equal on machines whose logarithms differ

TOO_FEW = f"fewer than {LEAST_QUARTERS} quarters"
GAP = "a quarter is missing"
NOT_POSITIVE = "a quarter is zero or negative"

KEY = ("source", "vintage", "reporter", "currency", "value_type", "service", "flow", "frequency")
COLUMNS = pa.schema(
    [
        *((name, pa.string()) for name in KEY),
        ("period_start", pa.date32()),
        ("seasonally_adjusted_million", pa.float64()),
        ("adjustment", pa.string()),
        ("adjustment_reason", pa.string()),
    ]
)


def rounded(value: float) -> float:
    """Return the value with `DIGITS` significant digits."""
    return float(f"{value:.{DIGITS - 1}e}")


def adjust(quarters: Sequence[int], values: Sequence[float]) -> tuple[list[float], None] | tuple[None, str]:
    """Adjust one series seasonally.

    Args:
        quarters: number of each quarter, 4 x year + quarter, ascending.
        values: its amounts, in any unit.

    Returns:
        The adjusted amounts in the same unit, or else the reason why there are none.
    """
    if len(values) < LEAST_QUARTERS:
        return None, TOO_FEW
    if quarters[-1] - quarters[0] != len(quarters) - 1:
        return None, GAP
    if min(values) <= 0:
        return None, NOT_POSITIVE
    from statsmodels.tsa.seasonal import STL  # 2 s, which a build without such a series does not take

    logarithms = np.log(np.array(values, dtype=float))
    stl = STL(logarithms, period=PERIOD, seasonal=SEASONAL, trend=TREND, low_pass=LOW_PASS, robust=True)
    adjusted = np.exp(logarithms - stl.fit().seasonal)
    return [rounded(float(amount)) for amount in adjusted], None


def read_rows(relation: Any) -> list[tuple[Any, ...]]:
    """Return the key, first day and amount of the quarterly figures, in order, of either engine."""
    figures = relation.filter("frequency = 'Q' and flow <> 'balance' and value_million is not null")
    order = [*KEY, "period_start"]
    columns = [*order, "cast(cast(value_million as string) as double) as amount"]
    if hasattr(figures, "selectExpr"):  # Spark
        return [tuple(row) for row in figures.selectExpr(*columns).orderBy(*order).collect()]
    rows: list[tuple[Any, ...]] = figures.project(", ".join(columns)).order(", ".join(order)).fetchall()
    return rows


def model(dbt: Any, session: Any) -> Any:
    """Return one row for each quarterly figure of exports, imports or a total: adjusted amount, or reason.

    The result is a table of Arrow, or a data frame of Spark.

    Args:
        dbt: dbt's interface to the project.
        session: the connection of DuckDB, or the session of Spark.
    """
    dbt.config(materialized="table", file_format="parquet")  # the format is Spark's, where it is a setting
    rows = read_rows(dbt.ref("int_short_term_figures"))
    result: list[dict[str, Any]] = []
    for key, series in groupby(rows, key=lambda row: row[: len(KEY)]):
        starts, values = zip(*(row[len(KEY) :] for row in series), strict=True)
        adjusted, reason = adjust([4 * start.year + (start.month - 1) // 3 for start in starts], values)
        for number, start in enumerate(starts):
            row = dict(zip(KEY, key, strict=True), period_start=start, adjustment_reason=reason)
            if adjusted is not None:
                row |= {"seasonally_adjusted_million": adjusted[number], "adjustment": METHOD}
            result.append(row)
    table = pa.Table.from_pylist(result, schema=COLUMNS)
    return session.createDataFrame(table) if hasattr(session, "createDataFrame") else table
