"""A night killed with SIGKILL anywhere, then run again plainly, ends as an undisturbed one.

Each case starts the real command line on the recorded night in a process group of its own, waits until the
state on disk says that a stage is reached, kills the whole group, looks at what is left, and runs again.
`make test-faults` runs this; it takes minutes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import environment, release_of, replay

from warehouse import landing, publish
from warehouse.durable import sha256_of
from warehouse.settings import PROJECT_ROOT, SAMPLE_DIR
from warehouse.sources import SOURCES

NIGHT = SAMPLE_DIR / "night-2"
pytestmark = pytest.mark.faults


def anything(home: Path, pattern: str) -> Callable[[], bool]:
    return lambda: any(home.glob(pattern))


# The stage that is reached, as the disk shows it.
STAGES = {
    "a pull begins": "landing/*/.incoming/*/files",
    "an answer is written": "landing/*/.incoming/*/files/*",
    "rows are being parsed": "landing/*/.incoming/*/rows.p*",
    "a vintage is being judged": "landing/*/.incoming/*/judge",
    "the first vintage stands": "landing/*/*/manifest.json",
    "the last source begins": "landing/worldbank_wdi/.incoming/*/files/*",
    "the last vintage stands": "landing/worldbank_wdi/*/manifest.json",
    "raw relations are loaded": "build/2*/warehouse.duckdb",
    "dbt is at work": "build/2*/dbt/dbt.log",
    "dbt has ended its models": "build/2*/dbt/run_results.json",
    "documentation is written": "build/2*/dbt/static_index.html",
    "the release is being judged": "build/2*/judge",
    "the verdict is in": "build/2*/validation.json",
    "the release is being made": "published/.partial-*",
    "Parquet is written": "published/.partial-*/parquet/mart_trade_scale.parquet",
    "the release is whole": "published/2*/MANIFEST.json",
}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return table name to Parquet checksum of a night that nobody disturbed."""
    home = tmp_path_factory.mktemp("undisturbed")
    replay(home, NIGHT)
    tables = publish.read_manifest(release_of(home))["tables"]
    assert len(tables) >= 12
    return {name: told["sha256"] for name, told in tables.items()}


def begin(home: Path) -> subprocess.Popen[bytes]:
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_MIRROR=str(NIGHT)):
        return subprocess.Popen(
            [sys.executable, "-m", "warehouse", "run", "--json"],
            cwd=PROJECT_ROOT,
            env=dict(os.environ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def unrecorded() -> set[str]:
    """Name the sources that the recorded night has no answer for."""
    recorded = {one["address"] for one in json.loads((NIGHT / "index.json").read_text())["answers"]}
    return {name for name, source in SOURCES.items() if next(source.plan()).address not in recorded}


def failed_sources(home: Path) -> set[str]:
    looks = {name: landing.checks(home / "landing", name) for name in SOURCES}
    assert all(looks.values())
    return {name for name, checks in looks.items() if checks[-1].outcome == "failed"}


def nothing_is_half(home: Path) -> None:
    for name, source in SOURCES.items():
        for vintage in landing.vintages(home / "landing", name):
            assert landing.digest_rows(vintage.rows_path, source.columns) == vintage.rows_digest
            for file in vintage.files:
                assert sha256_of(vintage.directory / "files" / file.name) == file.sha256
    for place in (home / "published").glob("2*"):
        told = publish.read_manifest(place)
        assert sha256_of(place / told["database"]["file"]) == told["database"]["sha256"]
        for table, facts in told["tables"].items():
            assert sha256_of(place / "parquet" / f"{table}.parquet") == facts["sha256"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_night_killed_and_run_again_ends_as_an_undisturbed_one(
    stage: str, tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    reached = anything(tmp_path, STAGES[stage])
    night = begin(tmp_path)
    deadline = time.monotonic() + 300
    while not reached() and night.poll() is None and time.monotonic() < deadline:
        time.sleep(0.0005)
    seen = reached()
    os.killpg(night.pid, signal.SIGKILL)
    night.wait()
    assert seen, f"the stage {stage!r} was never seen on disk"
    nothing_is_half(tmp_path)
    again = begin(tmp_path)
    assert again.wait(timeout=300) == 1, "a source that nobody recorded fails, and stops no other"
    assert failed_sources(tmp_path) == unrecorded()
    nothing_is_half(tmp_path)
    stands = publish.standing(tmp_path / "published")
    assert stands is not None
    tables = publish.read_manifest(stands)["tables"]
    assert {name: told["sha256"] for name, told in tables.items()} == undisturbed
    assert not list((tmp_path / "published").glob(".partial-*"))
