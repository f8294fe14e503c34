"""Fixtures of fault tests: homes with a release, and the answers for the next nightly run.

Each is made once per test run, by the first worker that needs it, and is read only: a test copies a home.
A test file loads them with `pytest_plugins = ("homes",)`.
"""

from __future__ import annotations

from pathlib import Path

import nights
import pytest
from conftest import once

from warehouse.landing import store


@pytest.fixture(scope="session")
def first_night(shared: Path) -> Path:
    """Return the first night's answers for SOURCE_NAMES."""
    return Path(once(shared, "night-1", lambda: nights.mirror_of("night-1", shared / "night-1")))


@pytest.fixture(scope="session")
def second_night(shared: Path) -> Path:
    """Return the second night's answers for SOURCE_NAMES."""
    return Path(once(shared, "night-2", lambda: nights.mirror_of("night-2", shared / "night-2")))


@pytest.fixture(scope="session")
def released(first_night: Path, shared: Path) -> Path:
    """Return a home with the first night's release."""

    def make() -> Path:
        home = shared / "released"
        nights.run(home, "run", mirror=first_night)
        assert store.vintages(home / "landing", "worldbank_wdi")
        nights.current_release(home)
        return home

    return Path(once(shared, "released", make))


@pytest.fixture(scope="session")
def second_alone(second_night: Path, shared: Path) -> Path:
    """Return a home with the second night's release, which is its first one."""

    def make() -> Path:
        home = shared / "second-alone"
        nights.run(home, "run", mirror=second_night)
        nights.current_release(home)
        return home

    return Path(once(shared, "second-alone", make))
