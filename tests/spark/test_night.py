"""A night through Airflow on a cluster of Apache Spark publishes the tables that DuckDB makes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import time_machine
from comparison import compare
from conftest import settings_of
from spark_night import Night

from warehouse.build import steps
from warehouse.build.builds import read_build
from warehouse.releases.keys import DBT_MANIFEST, table_keys
from warehouse.releases.manifest import read_manifest
from warehouse.releases.store import DATABASE, require_current
from warehouse.sources import SOURCES

pytestmark = pytest.mark.spark


def build_of_duckdb(night: Night) -> Path:
    """Build on DuckDB what the night built: the same landing after the same release, on the same day."""
    settings = settings_of(night.before)
    shutil.rmtree(settings.landing)
    shutil.copytree(night.home / "landing", settings.landing)
    shutil.rmtree(settings.kept)  # a build on kept files runs no seeds and none of their tests
    began = read_manifest(require_current(settings_of(night.home).published)).started_at
    with time_machine.travel(began, tick=True):
        build = steps.load(settings)
    assert build
    return settings.build / steps.transform(settings, build)


def passed(run_results: Path) -> set[str]:
    """Return the data tests of dbt that passed."""
    results = json.loads(run_results.read_text())["results"]
    return {
        one["unique_id"]
        for one in results
        if one["unique_id"].startswith("test.") and one["status"] == "pass"
    }


def test_night_publishes_what_duckdb_publishes(night: Night, capsys: pytest.CaptureFixture[str]) -> None:
    assert night.code == 0, night.printed
    release = require_current(settings_of(night.home).published)
    assert release.name != require_current(settings_of(night.before).published).name
    expected = build_of_duckdb(night)
    vintages = [one.ref for one in read_manifest(release).vintages]
    assert vintages == [one.ref for one in read_build(expected).vintages]
    assert {one.source for one in vintages} == set(SOURCES)
    compared = compare(expected / DATABASE, release / DATABASE, table_keys(release / DBT_MANIFEST))
    with capsys.disabled():
        print(f"\n{night.printed}")
        print(f"{'table':<40} {'rows':>8} {'unmatched':>9} {'differences':>11}   largest relative difference")
        print("\n".join(map(str, compared)))
    assert len(compared) >= 54
    assert [str(one) for one in compared if not one.is_equal] == []
    assert [one.table for one in compared if not one.rows] == []
    tests = passed(release / "build_records" / "run_results.json")
    assert tests == passed(expected / "dbt" / "run_results.json") and len(tests) >= 150
