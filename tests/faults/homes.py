"""Fixtures of fault tests: a home with a release, and the answers for the next nightly run.

A test file loads them with `pytest_plugins = ("homes",)`.
"""

from __future__ import annotations

from pathlib import Path

import nights
import pytest

from warehouse.landing import store


@pytest.fixture(scope="module")
def second_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the second night's answers for SOURCE_NAMES; read-only."""
    return nights.mirror_of("night-2", tmp_path_factory.mktemp("mirror") / "night-2")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with the first night's release; read-only: copy it before use."""
    home = tmp_path_factory.mktemp("released") / "home"
    nights.run(home, "run", mirror=nights.mirror_of("night-1", home.with_name("night-1")))
    assert store.vintages(home / "landing", "worldbank_wdi")
    nights.current_release(home)
    return home
