"""A nightly run, killed with SIGKILL at any stage and repeated, ends like an undisturbed run.

Each case begins with a release. It starts the command line on a recorded night in a separate process group,
waits until the files on disk show that a stage is reached, kills the whole group, checks the remaining files,
and runs again. Kills within landing, rollback and retention are tested with their modules.
`make test-faults` runs this; it takes minutes.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nights
import pytest

from warehouse.config import PROJECT_ROOT
from warehouse.landing import store
from warehouse.sources import SOURCES

pytestmark = pytest.mark.faults
pytest_plugins = ("homes",)

# Stages by the paths that appear on disk: while sources are pulled, and while a release is built.
PULLING = {
    "a load begins": "landing/curated/.incoming/*/files",
    "an answer is written": "landing/*/.incoming/*/files/*",
    "rows are being parsed": "landing/*/.incoming/*/rows.p*",
    "a load is being validated": "landing/*/.incoming/*/validation",
    "the first vintage has landed": "landing/mofcom_totals/*/manifest.json",
    "the last source begins": "landing/worldbank_wdi/.incoming/*/files/*",
    "the last load is being validated": "landing/worldbank_wdi/.incoming/*/validation",
    "the last vintage has landed": "landing/worldbank_wdi/2024*/manifest.json",
}
BUILDING = {
    "raw relations are being loaded": "build/2*",
    "raw relations are loaded": "build/2*/warehouse.duckdb",
    "dbt is running": "build/2*/dbt/dbt.log",
    "dbt has ended its models": "build/2*/dbt/run_results.json",
    "documentation is written": "build/2*/dbt/static_index.html",
    "the file is being sealed": "build/2*/sealed-warehouse.duckdb",
    "the build is being validated": "build/2*/validation",
    "the verdict is written": "build/2*/validation.json",
    "the release is being made": "published/.partial-*",
    "Parquet is written": "published/.partial-*/parquet/mart_trade_scale.parquet",
    "the release is complete": "published/2*/MANIFEST.json",
}


@pytest.fixture(scope="module")
def landed(released: Path, second_night: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the released home with the second night landed and not yet built."""
    home = copy_of(released, tmp_path_factory.mktemp("landed") / "home")
    assert nights.run(home, "fetch", *nights.answered_by(second_night), mirror=second_night).returncode == 0
    return home


@pytest.fixture(scope="module")
def undisturbed(landed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the tables of an undisturbed run on the second night."""
    home = copy_of(landed, tmp_path_factory.mktemp("undisturbed") / "home")
    assert nights.run(home, "publish").returncode == 0
    assert len(list((home / "published").glob("2*"))) == 2
    return nights.tables_of(nights.current_release(home))


def copy_of(home: Path, into: Path) -> Path:
    shutil.copytree(home, into, symlinks=True)
    return into


def kill_at(home: Path, pattern: str, arguments: list[str], mirror: Path | None) -> None:
    """Start a command, and kill its process group when a pattern matches a new path."""
    before = set(home.glob(pattern))
    with subprocess.Popen(
        [sys.executable, "-m", "warehouse", *arguments],
        cwd=PROJECT_ROOT,
        env=nights.environment_of(home, mirror),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        deadline, seen = time.monotonic() + 300, False
        while not seen and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.0005)
            seen = bool(set(home.glob(pattern)) - before)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert seen, f"{pattern} never appeared on disk"


@pytest.mark.parametrize("stage", [*PULLING, *BUILDING])
def test_run_killed_at_stage_and_repeated_ends_like_undisturbed_run(
    stage: str, tmp_path: Path, released: Path, landed: Path, second_night: Path, undisturbed: dict[str, str]
) -> None:
    is_pulling = stage in PULLING
    home = copy_of(released if is_pulling else landed, tmp_path / "home")
    arguments, answers = (["run"], second_night) if is_pulling else (["publish"], None)
    before, release = nights.immutable_files(home), nights.current_release(home).name
    kill_at(home, (PULLING | BUILDING)[stage], arguments, answers)
    nights.require_complete(home)
    assert is_pulling is False or nights.current_release(home).name == release
    second_run = nights.run(home, *arguments, mirror=answers)
    if is_pulling:
        assert second_run.returncode == 1, "a source without a recording fails, and the others go on"
        outcomes = {name: store.list_checks(home / "landing", name).require()[-1].outcome for name in SOURCES}
        assert {name for name, outcome in outcomes.items() if outcome == "failed"} == set(SOURCES) - {
            *nights.SOURCE_NAMES
        }
    else:
        assert second_run.returncode == 0, second_run.stderr
    nights.require_complete(home)
    assert nights.tables_of(nights.current_release(home)) == undisturbed
    after = nights.immutable_files(home)
    assert before == {name: after.get(name) for name in before}, (
        "an accepted vintage or a release has changed"
    )
    assert not list((home / "published").glob(".partial-*"))
