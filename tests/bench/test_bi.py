"""`make bench-bi` on the sample's release: DuckDB and Parquet; tests/stack/test_bench.py has PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from bench.bi import Load, Store, percentile, questions, require_equal, run_load
from conftest import Warehouse

from warehouse.config import PROJECT_ROOT


@pytest.mark.parametrize(
    ("count", "percent", "expected"), [(1, 95, 1), (20, 95, 19), (21, 95, 20), (100, 95, 95), (100, 50, 50)]
)
def test_percentile_is_the_nearest_rank(count: int, percent: int, expected: int) -> None:
    assert percentile([float(one) for one in range(1, count + 1)], percent) == expected


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([("CHN", 1.0)], "parquet gives 1 rows, duckdb 2"),
        ([("CHN", 1.0), ("USA", 2.0)], "row 1: parquet gives"),
        ([("CHN", 1.0 + 1e-11), ("DEU", 2.0)], "row 0: parquet gives"),
        ([("CHN", 1.0), ("DEU", None)], "row 1: parquet gives"),
        ([("CHN", 1.0), ("DEU", 2.0, 3)], "row 1: parquet gives"),
    ],
)
def test_different_answers_are_an_error(found: list[tuple[object, ...]], message: str) -> None:
    expected = [("CHN", 1.0), ("DEU", 2.0)]
    require_equal("question", expected, [("CHN", Decimal(1)), ("DEU", 2.0 + 1e-15)], "parquet")
    with pytest.raises(AssertionError, match=f"question.*{message}"):
        require_equal("question", expected, found, "parquet")


class Counter:
    """A connection whose cursors count what they are asked; the query `fail` raises."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_open = True

    def cursor(self) -> Counter:
        return self

    def execute(self, sql: str) -> None:
        assert self.is_open
        if sql == "fail":
            raise ValueError(sql)
        self.asked.append(sql)

    def fetchall(self) -> list[tuple[object, ...]]:
        return []

    def close(self) -> None:
        self.is_open = False


@pytest.mark.parametrize(("is_shared", "connections"), [(True, 1), (False, 3)])
def test_each_client_asks_every_question_equally_often(is_shared: bool, connections: int) -> None:
    opened: list[Counter] = []

    def open_new() -> Counter:
        opened.append(Counter())
        return opened[-1]

    load = run_load(Store("one", open_new, is_shared), 3, 0.05, {"a": "A", "b": "B"})
    assert len(opened) == connections
    assert not any(one.is_open for one in opened)
    asked = [sql for one in opened for sql in one.asked]
    assert load.figures()["queries"] == len(asked) == len(load.all_ms) > 6
    assert asked.count("A") == asked.count("B") == len(load.times_ms["a"])
    assert load.figures()["queries_per_second"] == pytest.approx(len(asked) / load.seconds)


def test_query_that_fails_ends_the_load() -> None:
    with pytest.raises(ValueError, match="fail"):
        run_load(Store("one", Counter, is_shared=True), 2, 5, {"a": "fail"})


def test_figures_are_of_all_answers() -> None:
    load = Load("one", 2, 4.0, {"a": [3.0, 1.0], "b": [2.0, 10.0]})
    assert load.figures() == {
        "store": "one",
        "clients": 2,
        "queries": 4,
        "queries_per_second": 1.0,
        "p50_ms": 2.0,
        "p95_ms": 10.0,
        "p95_ms_by_question": {"a": 3.0, "b": 10.0},
    }


@pytest.mark.slow
def test_questions_have_equal_answers_from_database_and_parquet(warehouse: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "bi.json"
    command = [sys.executable, "-m", "bench.bi", "sample", "--stores", "duckdb", "parquet", "--json", file]
    made = subprocess.run(
        [*command, "--clients", "1", "4", "--seconds", "1"],
        cwd=PROJECT_ROOT,
        env={"PYTHONPATH": "tests", "PATH": "/usr/bin:/bin", "WAREHOUSE_HOME": str(warehouse.home)},
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    figures = json.loads(file.read_text())
    loads = [(one["store"], one["clients"]) for one in figures["loads"]]
    assert loads == [("duckdb", 1), ("duckdb", 4), ("parquet", 1), ("parquet", 4)]
    for one in figures["loads"]:
        assert one["p95_ms_by_question"].keys() == questions().keys()
        assert one["queries"] >= one["clients"] * len(questions())
    assert figures["first_ms"].keys() == {"duckdb", "parquet"}
    assert "\n  parquet " in made.stdout
