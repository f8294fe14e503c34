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
from airflow_local import DAGS, Doubles
from rich.console import Console


@pytest.fixture(scope="module", autouse=True)
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Create a separate Airflow metadata database for this module, and restore the environment at the end."""
    home = tmp_path_factory.mktemp("airflow")
    before, path_before = dict(os.environ), list(sys.path)
    sys.path.append(str(DAGS))
    import nightly

    nightly.use_local_airflow(home)
    nightly.migrate(home)
    yield home
    os.environ.clear()
    os.environ.update(before)
    sys.path[:] = path_before


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
