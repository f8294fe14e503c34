"""The commands on releases print what the packages return, and fail with one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import invoke
from small_releases import LATER, flip_bit, make_release, make_vintage

from warehouse.config import PROJECT_ROOT
from warehouse.landing import store


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with a landed vintage and two releases; the second is the current release."""
    make_vintage(
        tmp_path / "landing", "worldbank_wdi", "2024-07-12", [{"value": "1", "_file": "data.csv", "_row": 2}]
    )
    make_release(tmp_path, "one")
    make_release(tmp_path, "two", LATER)
    return tmp_path


def test_rollback_is_printed_and_listed(home: Path) -> None:
    make_release(home, "earlier by its clock", age_days=400)
    why = "the clock went back"
    ended = invoke(home, "rollback", "two", "--why", why, "--json", WAREHOUSE_OPERATOR="ada@desk")
    assert (ended.json["from"], ended.json["to"]) == ("earlier by its clock", "two")
    rows = invoke(home, "releases", "--json").json
    assert [row["release"] for row in rows] == ["one", "two", "earlier by its clock"]
    assert [row["is_latest"] for row in rows] == [False, True, False]
    assert [row["rolled_back"] and row["rolled_back"]["reason"] for row in rows] == [None, None, why]
    shown = invoke(home, "releases").stdout
    assert f"ada@desk: {why}" in shown and "←" in shown


def test_comparison_is_printed(home: Path) -> None:
    (table,) = invoke(home, "diff", "previous", "latest", "--json", "--moves", "1").json["tables"]
    china = {"reporter": "CHN", "period": "2021-01-01", "is_preferred": True}
    assert table["cells_changed"] == 4
    assert table["moves"][0] == {
        "measure": "exports_million",
        "key": china,
        "before": 110.0,
        "after": 150.0,
        "difference": 40.0,
    }
    shown = invoke(home, "diff").stdout
    assert "marts.mart" in shown and "150" in shown


def test_failure_is_one_line_on_stderr(home: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "warehouse", "rollback", "nothing", "--why", "x"],
        cwd=PROJECT_ROOT,
        env=os.environ | {"WAREHOUSE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1 and ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1 and "one, two" in ended.stderr


def test_maintain_exits_with_1_and_removes_nothing_when_a_byte_has_changed(home: Path) -> None:
    path = flip_bit(home / "published" / "one" / "warehouse.duckdb")
    found = invoke(home, "maintain", "--json", exit_code=1).json
    assert {finding["path"] for finding in found["audit"]["findings"]} == {str(path)}
    assert found["retention"] is None
    shown = invoke(home, "maintain", exit_code=1).stdout
    assert str(path) in shown and "damaged" in shown


def test_maintain_exits_with_1_without_disk_space(home: Path) -> None:
    assert "NOT ENOUGH" in invoke(home, "maintain", exit_code=1, WAREHOUSE_DISK_FACTOR="1e15").stdout


def test_maintain_in_another_process_leaves_a_source_that_is_being_written(home: Path) -> None:
    for number in range(12):
        load = home / "rejected" / "worldbank_wdi" / f"pull{number:02}"
        load.mkdir(parents=True)
        os.utime(load, (0, 0))
    with store.source_lock(home / "landing", "worldbank_wdi"):
        ended = subprocess.run(
            [sys.executable, "-m", "warehouse", "maintain", "--json"],
            cwd=PROJECT_ROOT,
            env=os.environ | {"WAREHOUSE_HOME": str(home)},
            capture_output=True,
            check=False,
            timeout=60,
        )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["retention"]["removed"]["rejected"] == []
    assert len(invoke(home, "maintain", "--json").json["retention"]["removed"]["rejected"]) == 2
