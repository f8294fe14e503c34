"""A build stores no value of its environment, although dbt and Great Expectations run in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import environment, settings_of
from test_security import CONNECTIONS, SECRET, files_with

from warehouse.build import builds, steps
from warehouse.errors import WarehouseError

pytestmark = pytest.mark.faults


def test_build_stores_no_value_of_the_environment(replayed: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(replayed / "landing" / "mofcom_totals", home / "landing" / "mofcom_totals")
    settings = settings_of(home)
    with environment(**CONNECTIONS):
        build = steps.load(settings)
        assert build is not None
        try:
            steps.validate(settings, steps.transform(settings, build))
        except WarehouseError as error:  # a single source fails the release gate
            assert SECRET not in str(error)
    assert list(builds.build_dir(settings, build).rglob("dbt.log")), "dbt has written its log"
    assert files_with(home, "mofcom_totals")
    assert files_with(home, SECRET) == []
