"""Fixtures for tests that run DAGs: Airflow on SQLite in a temporary directory, and the parsed DAGs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from airflow_local import DAGS, Doubles, copy_metadata
from filelock import FileLock
from rich.console import Console


@pytest.fixture(scope="session")
def airflow_home_of_worker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home of Airflow in this process, which reads its settings once."""
    return tmp_path_factory.mktemp("airflow")


@pytest.fixture(scope="module", autouse=True)
def airflow_home(airflow_home_of_worker: Path, shared: Path) -> Iterator[Path]:
    """Use Airflow on a metadata database of this process, and restore the environment after the module.

    The database is created once per test run, and copied.
    """
    home, template = airflow_home_of_worker, shared / "airflow"
    before, path_before = dict(os.environ), list(sys.path)
    sys.path.append(str(DAGS))
    import local_airflow

    local_airflow.use_local_airflow(home)
    with FileLock(shared / "airflow.lock"):
        if template.exists() and not (home / "airflow.db").exists():
            copy_metadata(template, home)
        local_airflow.migrate(home)
        if not template.exists():
            copy_metadata(home, template)
    local_airflow.offer_newest_api()
    yield home
    os.environ.clear()
    os.environ.update(before)
    sys.path[:] = path_before


@pytest.fixture
def metadata(airflow_home: Path, shared: Path) -> Path:
    """Return a directory with Airflow's metadata database as it was created; read only."""
    return shared / "airflow"


@pytest.fixture
def progress() -> Any:
    import nightly

    return nightly.Progress(Console(file=StringIO(), width=200))


@pytest.fixture
def dags(progress: Any) -> dict[str, Any]:
    """Return the DAGs as `make run` loads them: parsed again, reported to `progress`, without retries."""
    import nightly

    return nightly.load_dags(progress)


@pytest.fixture(scope="module")
def parsed() -> Any:
    """Return the DAG bag as Airflow parses it."""
    from airflow.dag_processing.dagbag import BundleDagBag

    return BundleDagBag(dag_folder=str(DAGS), bundle_path=DAGS, bundle_name="dags-folder")


@pytest.fixture
def doubles(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, dict[str, Any]], Doubles]:
    return partial(Doubles, monkeypatch)
