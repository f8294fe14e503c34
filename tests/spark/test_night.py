"""A night through Airflow on a cluster of Apache Spark publishes the tables that DuckDB makes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import time_machine
from comparison import compare
from conftest import release_of, settings_of
from spark_night import Night

from warehouse.releases.diff import DBT_MANIFEST, table_keys
from warehouse.releases.manifest import read_manifest
from warehouse.releases.store import DATABASE, require_current
from warehouse.sources import SOURCES

pytestmark = pytest.mark.spark

# Tables that may have no row: rows are held back only if a publisher sends strange ones.
EMPTY = {"core.held_row"}


def release_of_duckdb(night: Night) -> Path:
    """Build on DuckDB what the night built: the same landing after the same release, on the same day."""
    began = read_manifest(require_current(settings_of(night.home).published)).started_at
    shutil.rmtree(night.before / "landing")
    shutil.copytree(night.home / "landing", night.before / "landing")
    with time_machine.travel(began, tick=True):
        return release_of(night.before)


def passed(release: Path) -> set[str]:
    """Return the data tests of dbt that passed."""
    results = json.loads((release / "build_records" / "run_results.json").read_text())["results"]
    return {
        one["unique_id"]
        for one in results
        if one["unique_id"].startswith("test.") and one["status"] == "pass"
    }


def test_night_publishes_what_duckdb_publishes(night: Night, capsys: pytest.CaptureFixture[str]) -> None:
    assert night.code == 0, night.printed
    release = require_current(settings_of(night.home).published)
    assert release.name != require_current(settings_of(night.before).published).name
    expected = release_of_duckdb(night)
    vintages = [[one.ref for one in read_manifest(one).vintages] for one in (expected, release)]
    assert vintages[0] == vintages[1] and {one.source for one in vintages[1]} == set(SOURCES)
    compared = compare(expected / DATABASE, release / DATABASE, table_keys(expected / DBT_MANIFEST))
    with capsys.disabled():
        print(f"\n{night.printed}")
        print(f"{'table':<40} {'rows':>8} {'unmatched':>9} {'differences':>11}   largest relative difference")
        print("\n".join(map(str, compared)))
    assert len(compared) >= 54
    assert [str(one) for one in compared if not one.is_equal] == []
    assert {one.table for one in compared if not one.rows} <= EMPTY
    assert passed(release) == passed(expected) and len(passed(release)) >= 150
