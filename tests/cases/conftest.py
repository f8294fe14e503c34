"""Fixtures of the cases: a home with a release, in front of which they are replayed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import copy_home, once, release_of

FIRST_CONTACT = "wto_digital"  # two of its cases are the first contact with the source


@pytest.fixture(scope="session")
def base(replayed: Path, shared: Path) -> Path:
    """Return a home with a release of the recorded nights, without one source; read only."""
    home = shared / "cases-base"

    def make() -> Path:
        copy_home(replayed, home)
        shutil.rmtree(home / "published", ignore_errors=True)  # another set of tests may have made a release
        shutil.rmtree(home / "landing" / FIRST_CONTACT)
        return release_of(home)

    once(shared, "cases-base", make)
    return home
