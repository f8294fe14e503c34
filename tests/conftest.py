"""What tests share: a warehouse built once for each test run, from the recorded nights, by the pipeline."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from warehouse import pipeline
from warehouse.config import SAMPLE_DIR
from warehouse.sources import SOURCES


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@dataclass(frozen=True)
class Warehouse:
    """A warehouse on disk: its home, and the release that stands in it."""

    home: Path
    release: Path

    @property
    def database(self) -> Path:
        return self.release / pipeline.DATABASE


def replay(home: Path, night: Path) -> dict[str, str | None]:
    """Ingest every source that a recorded night answers for; tell each one's vintage."""
    addresses = {one["address"] for one in json.loads((night / "index.json").read_text())["answers"]}
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_MIRROR=str(night)):
        return {
            name: pipeline.accept(name, pipeline.fetch(name))
            for name, source in SOURCES.items()
            if next(source.plan()).address in addresses
        }


def release_of(home: Path, as_of: str | None = None, force: bool = False) -> Path:
    """Build, validate and publish what is landed; return the release."""
    with environment(WAREHOUSE_HOME=str(home)):
        build = pipeline.load(as_of, force)
        assert build is not None
        return home / "published" / pipeline.publish(pipeline.validate(pipeline.transform(build)))


@pytest.fixture(scope="session")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Land both recorded nights in a fresh home; nothing is built here."""
    home = tmp_path_factory.mktemp("replayed")
    nights = sorted(SAMPLE_DIR.glob("night-*"))
    assert len(nights) == 2
    for night in nights:
        landed = replay(home, night)
        assert landed and None not in landed.values()
    return home


@pytest.fixture(scope="session")
def warehouse(replayed: Path) -> Warehouse:
    """Publish the release of both recorded nights."""
    return Warehouse(home=replayed, release=release_of(replayed))


@pytest.fixture(scope="session")
def built(warehouse: Warehouse) -> Path:
    """Return the database of that release: schemas core and marts."""
    return warehouse.database
