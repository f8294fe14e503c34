"""Great Expectations in quality/gx.py: only complete suites, a late import, no analytics."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from toys import FINE, HAS_ROWS, query, suite

from warehouse.config import PROJECT_ROOT
from warehouse.errors import WarehouseError
from warehouse.quality import build_suite, gx, read_suite


def test_suite_that_loads_in_part_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from great_expectations.core.expectation_suite import ExpectationSuite

    class Forgetful(ExpectationSuite):
        def __init__(self, name: str, expectations: list[dict[str, object]]) -> None:
            super().__init__(name=name, expectations=expectations[1:])

    monkeypatch.setattr("great_expectations.core.expectation_suite.ExpectationSuite", Forgetful)
    file = suite(tmp_path, "raw.toy", HAS_ROWS, FINE)
    with pytest.raises(WarehouseError, match="2 expectations written, 1 loaded; dropped: there are rows"):
        build_suite(read_suite(file))


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
