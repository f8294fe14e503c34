"""Fixtures of the tests of the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import alert_cases
import pytest
from small_homes import make_home


@pytest.fixture(scope="session")
def small_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small home; read only."""
    return make_home(tmp_path_factory.mktemp("small") / "home")


@pytest.fixture
def small(small_template: Path, tmp_path: Path) -> Path:
    """Return a small home to change."""
    return Path(shutil.copytree(small_template, tmp_path / "home", symlinks=True))


@pytest.fixture(scope="session")
def spoiled_mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a mirror whose answer for data360_digital has many economies that do not exist."""
    return alert_cases.spoiled_mirror(tmp_path_factory.mktemp("spoiled") / "mirror")
