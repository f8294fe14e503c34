"""Shared fixtures: a warehouse of the recorded sample, built once per test run and shared by all workers."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from warehouse.build import steps
from warehouse.config import SAMPLE_DIR, Settings, load_settings
from warehouse.model import first_request
from warehouse.releases.store import DATABASE
from warehouse.sources import SOURCES

# Fixtures that need a build of the sample or Airflow's metadata database: their tests are marked `slow`.
SLOW_FIXTURES = {"replayed", "warehouse", "own_warehouse", "built", "airflow_home"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that `make test-fast` leaves out."""
    for item in items:
        if SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


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


def settings_of(home: Path, mirror: Path | str | None = None, **overrides: object) -> Settings:
    """Return the settings of a warehouse in a home, with a mirror instead of the publishers."""
    return load_settings(home=home, mirror=str(mirror) if mirror else None, **overrides)


@dataclass(frozen=True)
class Warehouse:
    """A warehouse on disk: its home, and its current release."""

    home: Path
    release: Path

    @property
    def database(self) -> Path:
        return self.release / DATABASE


def ingest(settings: Settings, name: str) -> str | None:
    """Fetch and accept a source; return its vintage if it is not published yet."""
    return steps.accept(settings, name, steps.fetch(settings, name))


def sources_of(night: Path) -> list[str]:
    """Return the sources with answers in a recorded night."""
    addresses = {answer["address"] for answer in json.loads((night / "index.json").read_text())["answers"]}
    return [name for name, source in SOURCES.items() if first_request(source.plan()).address in addresses]


def replay(home: Path, night: Path) -> dict[str, str | None]:
    """Ingest every source with answers in a recorded night; return their vintages."""
    settings = settings_of(home, night)
    return {name: ingest(settings, name) for name in sources_of(night)}


def build_of(settings: Settings, as_of: str | None = None, force: bool = False) -> str:
    """Load, transform and validate a build; return its id."""
    build = steps.load(settings, as_of, force)
    assert build is not None
    return steps.validate(settings, steps.transform(settings, build))


def release_of(home: Path, as_of: str | None = None, force: bool = False) -> Path:
    """Build, validate and publish what is landed; return the release."""
    settings = settings_of(home)
    return settings.published / steps.publish(settings, build_of(settings, as_of, force))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return a directory that all workers of this test run share."""
    base = tmp_path_factory.getbasetemp()
    directory = (base if worker_id == "master" else base.parent) / "shared"
    directory.mkdir(exist_ok=True)
    return directory


@pytest.fixture(scope="session")
def replayed(shared: Path) -> Path:
    """Return a home in which both recorded nights are landed; read only, shared by all workers."""
    home = shared / "replayed"
    with FileLock(shared / "replayed.lock"):
        if not (shared / "replayed.done").exists():
            nights = sorted(SAMPLE_DIR.glob("night-*"))
            assert len(nights) == 2
            for night in nights:
                landed = replay(home, night)
                assert landed and None not in landed.values()
            (shared / "replayed.done").touch()
    return home


@pytest.fixture(scope="session")
def warehouse(replayed: Path, shared: Path) -> Warehouse:
    """Return the warehouse of both recorded nights with its release; read only, shared by all workers."""
    with FileLock(shared / "release.lock"):
        done = shared / "release.done"
        if not done.exists():
            done.write_text(str(release_of(replayed)))
    return Warehouse(home=replayed, release=Path(done.read_text()))


@pytest.fixture(scope="module")
def own_warehouse(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return a copy of that warehouse, in which the tests of a module may publish."""
    home = tmp_path_factory.mktemp("own") / "home"
    shutil.copytree(warehouse.home, home, symlinks=True)
    return Warehouse(home=home, release=home / "published" / warehouse.release.name)


@pytest.fixture(scope="session")
def built(warehouse: Warehouse) -> Path:
    """Return the database of that release: schemas core and marts."""
    return warehouse.database
