"""A query returns rows of a release or fails with one line; rejected statements are in test_security.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_releases import flip_bit, make_release

from warehouse.errors import WarehouseError
from warehouse.releases.query import Answer, query


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return make_release(tmp_path, "one", sql="create table core.n as select i from range(10) as r (i)") / (
        "warehouse.duckdb"
    )


def test_query_returns_columns_and_rows(database: Path) -> None:
    found = query(database, "select i, i * 2 as doubled from core.n order by i desc", 2)
    assert found == Answer(("i", "doubled"), ((9, 18), (8, 16)), has_more=True)
    assert len(query(database, "from core.n", None).rows) == 10
    assert query(database, "from core.n", 10).has_more is False


@pytest.mark.parametrize("limit", [0, -1])
def test_limit_below_one_is_rejected(database: Path, limit: int) -> None:
    with pytest.raises(WarehouseError, match=f"the number of rows must be at least 1, not {limit}"):
        query(database, "from core.n", limit)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "the query is empty"),
        ("select 1; select 2", "it has 2 statements, and only one is allowed"),
        ("/* x */ drop table core.n", "`drop` is not allowed"),
        ("select nothing from core.n", "the query failed: Binder Error"),
        ("select 1 as a, 2 as a", "two columns are named a"),
    ],
)
def test_failed_query_is_reported_with_reason(database: Path, sql: str, message: str) -> None:
    with pytest.raises(WarehouseError, match=message):
        query(database, sql, None)


def test_missing_or_damaged_database_is_reported_with_remedy(database: Path) -> None:
    flip_bit(database, 10)
    for reason in ("not a valid DuckDB database file", "the file is missing"):
        with pytest.raises(WarehouseError, match=reason) as caught:
            query(database, "from core.n", None)
        message = str(caught.value)
        assert message.startswith(f"{database}: cannot be read") and "\n" not in message
        assert "`warehouse releases`" in message and "`warehouse rollback RELEASE --why …`" in message
        database.unlink(missing_ok=True)
