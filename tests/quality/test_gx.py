"""Great Expectations in quality/gx.py: only complete suites, a late import, no analytics."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from toys import FINE, HAS_ROWS, query, suite

from warehouse.config import PROJECT_ROOT
from warehouse.errors import WarehouseError
from warehouse.quality import gx, read_suite


def test_expectation_without_a_result_is_an_error(tmp_path: Path) -> None:
    """Great Expectations logs an expectation that it cannot load, and goes on without it."""
    read = read_suite(suite(tmp_path, "raw.toy", HAS_ROWS, FINE))
    results = [SimpleNamespace(expectation_config=SimpleNamespace(meta={"name": "fine"}), success=True)]
    with pytest.raises(WarehouseError, match="expectations without a result: there are rows"):
        gx._findings(read, results)


def test_importing_the_package_is_cheap_and_analytics_stay_off() -> None:
    printed = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, sys, warehouse.quality; print('great_expectations' in sys.modules); "
            "from warehouse.quality import gx; gx.import_great_expectations(); "
            "print(os.environ['GX_ANALYTICS_ENABLED'], 'posthog' in sys.modules)",
        ],
        check=True,
        capture_output=True,
        text=True,
        cwd=PROJECT_ROOT,
    ).stdout.split()
    assert printed == ["False", "false", "False"]


def test_gate_without_a_suite_to_build_runs_in_a_new_process(tmp_path: Path) -> None:
    """With no suite nothing is imported; with one whose table is missing, Great Expectations is set up."""
    read = suite(tmp_path / "suites", "marts.mart_toy", HAS_ROWS)
    code = (
        "import sys; from pathlib import Path; from warehouse.quality import database, gx, read_suite\n"
        f"with database.created(Path({str(tmp_path / 'work')!r})) as (file, _):\n"
        "    print(gx.run_suites(file, {}, [], set()), 'great_expectations' in sys.modules)\n"
        f"    [found] = gx.run_suites(file, {{}}, [read_suite(Path({str(read)!r}))], set())\n"
        "print(found.success, found.expectation == gx.TABLE_EXISTS)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=PROJECT_ROOT
    ).stdout.split()
    assert printed == ["[]", "False", "False", "True"]


def test_failing_queries_are_run_separately(tmp_path: Path) -> None:
    """Great Expectations repeats all queries of a run for each error."""
    broken = query("broken", "select nowhere as finding from {batch}")
    read = read_suite(suite(tmp_path, "raw.toy", broken, FINE, HAS_ROWS))
    with duckdb.connect() as connection:
        connection.execute("create schema raw; create table raw.toy (year varchar)")
        parts = gx._parts(connection, read)
    assert [[expectation.name for expectation in part.expectations] for part in parts] == [
        ["fine", "there are rows"],
        ["broken"],
    ]
