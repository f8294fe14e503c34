"""Fixtures of the tests of the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from small_homes import make_home

from warehouse.config import SAMPLE_DIR
from warehouse.files import sha256_of


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
    """Return a mirror whose answer for data360_digital has an economy that does not exist."""
    folder = tmp_path_factory.mktemp("spoiled")
    index = json.loads((SAMPLE_DIR / "night-2" / "index.json").read_text())
    (answer,) = (entry for entry in index["answers"] if entry["address"].endswith("UNCTAD_DE.csv"))
    content = (SAMPLE_DIR / "night-2" / answer["file"]).read_bytes()
    assert content.count(b"CHN") > 10
    (folder / "answer.csv").write_bytes(content.replace(b"CHN", b"Q{<"))
    answer |= {"file": "answer.csv", "retrieved_at": "2026-06-01T00:00:00Z"}
    answer["sha256"] = sha256_of(folder / "answer.csv")
    (folder / "index.json").write_text(json.dumps({"name": "spoiled", "answers": [answer]}))
    return folder
