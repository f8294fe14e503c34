"""dbt's unit tests.

They test the SQL independently of the landed data, so they run with these tests and not in the nightly run.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from warehouse.build import dbt, load, reuse
from warehouse.config import DBT_PROJECT_DIR
from warehouse.sources import SOURCES


@pytest.mark.slow
@pytest.mark.each_source
def test_every_unit_test_of_the_models_passes(asked_sources: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / reuse.WORKING
    load.load(file, SOURCES, [], {}, [])
    are_all = asked_sources == tuple(SOURCES)
    models = () if are_all else ("--select", *(f"+stg_{name}" for name in asked_sources))
    unit_tests = ("build", "--exclude-resource-type", "test", *models)
    parsed = tmp_path / "parsed" / "code.msgpack"
    dbt.run_dbt([unit_tests], file, DBT_PROJECT_DIR, tmp_path / "dbt", parsed)
    results = json.loads((tmp_path / "dbt" / "run_results.json").read_text(encoding="utf-8"))["results"]
    of_units = [result for result in results if result["unique_id"].startswith("unit_test.")]
    assert len(of_units) >= (40 if are_all else 1)
    assert {result["status"] for result in of_units} == {"pass"}
