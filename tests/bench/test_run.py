"""`make bench` at its smallest size: the first night and the floor, to the table and the figures."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bench import measure
from bench.run import Bench

from warehouse.config import PROJECT_ROOT

STEPS = [
    "fetch and accept batis",
    "fetch and accept the others",
    "load",
    "transform",
    "validate",
    "publish",
]


@pytest.mark.slow
def test_make_bench_prints_its_table_and_writes_its_figures(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    arguments = ["SIZE=20000", f"BENCH=--nights 1 --work {tmp_path / 'work'} --json {file}"]
    command = [shutil.which("make") or "make", "bench", *arguments]
    made = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    for step in (*STEPS, "first night", "floor"):
        assert f"\n {step} " in made.stdout.replace("│", " ").replace("┃", " ").replace("\n  ", "\n "), step
    figures = json.loads(file.read_text())
    assert (figures["rows"], figures["machine"]["cores"]) == (20_000, os.cpu_count())
    [night] = figures["nights"]
    assert [step["step"] for step in night["steps"]] == STEPS
    assert night["seconds"] == pytest.approx(sum(step["seconds"] for step in night["steps"]))
    assert figures["night_to_floor"] == pytest.approx(night["seconds"] / figures["floor"]["seconds"])
    assert len(night["slowest_nodes"]) == 10
    [release] = (tmp_path / "work/home/published").glob("2*")
    manifest = json.loads((release / "MANIFEST.json").read_text())
    assert {one["source"]: one["row_count"] for one in manifest["vintages"]}["batis"] == 20_000


def test_measure_counts_descendants_and_the_directory(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    script = (
        "import pathlib, subprocess, sys, time; block = b'x' * (100 << 20); "
        f"pathlib.Path({str(home / 'file')!r}).write_bytes(block); "
        "busy = 'import time\\nwhile time.process_time() < 1: pass'; "
        "subprocess.run([sys.executable, '-c', busy])"
    )
    env = dict(os.environ)
    usage, out = measure.measure(
        "step", [sys.executable, "-c", script + "; print(7)"], env, home, tmp_path / "log"
    )
    assert out == "7"
    assert 1 < usage.cpu_seconds < 5, "the child's second of CPU counts"
    assert 100 << 20 < usage.peak_rss_bytes < 200 << 20
    assert usage.disk_bytes == usage.peak_disk_bytes == 100 << 20


def test_measure_reports_a_failed_command_with_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such thing')"]
    with pytest.raises(RuntimeError, match="exit code 1: no such thing"):
        measure.measure("step", command, dict(os.environ), tmp_path, tmp_path / "log")


def test_steps_have_the_limits_of_the_caller_and_no_other_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_MEMORY", "2GB")
    monkeypatch.setenv("WAREHOUSE_DISK_FACTOR", "9")
    env = Bench(work=tmp_path, address="http://127.0.0.1:1").env
    assert {name: value for name, value in env.items() if name.startswith("WAREHOUSE_")} == {
        "WAREHOUSE_HOME": str(tmp_path / "home"),
        "WAREHOUSE_MIRROR": "http://127.0.0.1:1",
        "WAREHOUSE_MEMORY": "2GB",
    }
