"""Fixtures of the tests on Apache Spark."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from spark_cluster import PYTHON
from spark_night import Night, run_night


@pytest.fixture(scope="session")
def home(request: pytest.FixtureRequest) -> Path:
    """Return WAREHOUSE_HOME, which has a release of the recorded sample; without it one is made."""
    assert PYTHON.exists(), "install Spark's environment with: make spark-test"
    given = os.environ.get("WAREHOUSE_HOME")
    if given:
        return Path(given).resolve()
    warehouse: Any = request.getfixturevalue("warehouse")
    return Path(warehouse.home)


@pytest.fixture(scope="session")
def night(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """Return a night on Spark that brought each source; it may have failed."""
    return run_night(home, tmp_path_factory.mktemp("night"))
