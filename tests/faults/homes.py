"""Fixtures of fault tests: a home in which a release stands, and the answers of the night that comes next.

A test file takes them with `pytest_plugins = ("homes",)`.
"""

from __future__ import annotations

from pathlib import Path

import nights
import pytest

from warehouse import landing


@pytest.fixture(scope="module")
def second_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the second night's answers for a few sources; never to be written to."""
    return nights.mirror_of("night-2", tmp_path_factory.mktemp("mirror") / "night-2")


@pytest.fixture(scope="module")
def stood(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with the first night's release; copy it to work in."""
    home = tmp_path_factory.mktemp("stood") / "home"
    nights.says(home, "run", mirror=nights.mirror_of("night-1", home.with_name("night-1")))
    assert landing.vintages(home / "landing", "worldbank_wdi")
    nights.standing(home)
    return home
