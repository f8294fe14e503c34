"""A build begins only with enough disk space, estimated from the current release."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import settings_of
from small_releases import make_release, make_vintage

from warehouse.build import steps
from warehouse.build.disk import disk_space, require_disk_space
from warehouse.errors import WarehouseError
from warehouse.files import size_of
from warehouse.landing import store

SOURCE = "worldbank_wdi"


@pytest.fixture
def landed(tmp_path: Path) -> Path:
    rows = [{"value": "1", "_file": "data.csv", "_row": 2}]
    make_vintage(tmp_path / "landing", SOURCE, "2024-07-12", rows)
    return tmp_path


def test_build_without_space_does_not_begin(landed: Path) -> None:
    make_release(landed, "r4")
    before = {path for path in landed.rglob("*")}
    settings = settings_of(landed, disk_factor=1e15)
    with pytest.raises(
        WarehouseError, match=r"not enough disk space: .* free and a build needs .* release r4"
    ):
        steps.load(settings)
    with pytest.raises(WarehouseError, match="not enough disk space"):
        require_disk_space(settings)
    assert disk_space(settings).is_enough is False
    assert {path for path in landed.rglob("*")} - before <= {landed / "build" / ".lock"}


def test_space_is_estimated_from_the_current_release_or_the_landed_rows(landed: Path) -> None:
    (vintage,) = store.vintages(landed / "landing", SOURCE)
    space = disk_space(settings_of(landed))
    assert space.needed_bytes == 4 * vintage.rows_path.stat().st_size and "landed rows" in space.basis
    release = make_release(landed, "r4")
    space = require_disk_space(settings_of(landed, disk_factor=3))
    assert space.needed_bytes == 3 * size_of(release) > 0
    assert abs(space.free_bytes - shutil.disk_usage(landed).free) < 2**30
