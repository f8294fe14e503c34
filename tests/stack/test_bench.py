"""The parts of `make bench-peers` and `make bench-bi` that need PostgreSQL or the peers' environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Warehouse

from warehouse.config import PROJECT_ROOT

pytestmark = pytest.mark.stack


def make(target: str, size: str, options: str, home: Path) -> str:
    made = subprocess.run(
        [shutil.which("make") or "make", target, f"SIZE={size}", f"BENCH={options}"],
        cwd=PROJECT_ROOT,
        env={**os.environ, "WAREHOUSE_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return made.stdout


def test_dlt_and_postgres_make_the_mart_of_the_others(tmp_path: Path) -> None:
    file = tmp_path / "peers.json"
    shown = make("bench-peers", "20000", f"--json {file} --tools pandas dlt postgres", tmp_path)
    [outcomes] = json.loads(file.read_text())["sizes"].values()
    assert [one["tool"] for one in outcomes] == ["duckdb", "pandas", "dlt", "postgres"]
    assert not any(one["unfinished"] for one in outcomes), shown


def test_postgres_answers_as_the_release_does(warehouse: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "bi.json"
    make("bench-bi", "sample", f"--json {file} --clients 1 8 --seconds 0.2", warehouse.home)
    loads = [(one["store"], one["clients"]) for one in json.loads(file.read_text())["loads"]]
    assert loads == [(store, count) for store in ("duckdb", "parquet", "postgres") for count in (1, 8)]
