"""A build stores nothing of its environment, although dbt and Great Expectations run with all of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import environment
from test_security import CONNECTIONS, SECRET, holding

from warehouse import pipeline
from warehouse.errors import WarehouseError

pytestmark = pytest.mark.faults


def test_a_release_holds_nothing_of_the_environment(replayed: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(replayed / "landing" / "mofcom_totals", home / "landing" / "mofcom_totals")
    with environment(WAREHOUSE_HOME=str(home), **CONNECTIONS):
        build = pipeline.load()
        assert build is not None
        try:
            pipeline.validate(pipeline.transform(build))
        except WarehouseError as error:  # one source alone fails the release gate
            assert SECRET not in str(error)
    assert list(Path(build).rglob("dbt.log")), "dbt has written its log"
    assert holding(home, "mofcom_totals")
    assert holding(home, SECRET) == []
