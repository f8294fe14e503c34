"""A nightly run, killed with SIGKILL at any stage and repeated, ends like an undisturbed run.

Each case begins with a release. It starts the command line on a recorded night in a separate process group,
waits until the files on disk show that a stage is reached, kills the whole group, checks the remaining files,
and runs again. Kills within landing, rollback and retention are tested with their modules.

A repeated run builds from what is landed, staged and published, and of an abandoned build it uses at most the
tables that it kept. So a stage of each step is followed by a whole run. At the other stages the repeated run
ends before dbt: then the home must have exactly what the undisturbed run has built from.
`make test-faults` runs this, in minutes.
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
from conftest import once, settings_of

from warehouse.build import steps
from warehouse.build.fingerprint import fingerprint
from warehouse.config import PROJECT_ROOT
from warehouse.landing import store
from warehouse.releases.manifest import read_manifest
from warehouse.sources import SOURCES

pytestmark = pytest.mark.faults
pytest_plugins = ("homes",)

# Stages by the paths that appear on disk: while sources are pulled, a release is built, and it is published.
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
    "raw relations are loaded": "build/2*/working.duckdb",
    "dbt is running": "build/2*/dbt/dbt.log",
    "dbt has ended its models": "build/2*/dbt/run_results.json",
    "documentation is written": "build/2*/dbt/static_index.html",
    "the files are being kept": "kept/*.partial",
    "the build is being validated": "build/2*/validation",
    "the verdict is written": "build/2*/validation.json",
}
PUBLISHING = {
    "the release is being made": "published/.partial-*",
    "Parquet is written": "published/.partial-*/parquet/mart_trade_scale.parquet",
    "the release is complete": "published/2*/MANIFEST.json",
}
# What follows a kill while publishing: the step again, as Airflow repeats it, or a new run from its start.
REPETITIONS = (
    ("the release is being made", "step"),
    ("Parquet is written", "run"),
    ("the release is complete", "step"),
    ("the release is complete", "run"),
)
# After these, the repeated run is made whole.
REPEATED = {
    *("the first vintage has landed", "the last vintage has landed"),
    *("raw relations are being loaded", "dbt is running", "the verdict is written"),
}


@pytest.fixture(scope="session")
def landed(released: Path, second_night: Path, shared: Path) -> Path:
    """Return a copy of the released home with the second night landed and not yet built."""

    def make() -> Path:
        home = copy_of(released, shared / "landed")
        fetched = nights.run(home, "fetch", *nights.answered_by(second_night), mirror=second_night)
        assert fetched.returncode == 0, fetched.stderr
        return home

    return Path(once(shared, "landed", make))


@pytest.fixture(scope="session")
def validated(landed: Path, shared: Path) -> tuple[Path, str]:
    """Return a copy of that home with a validated build, and the build's id."""
    home = shared / "validated"

    def make() -> str:
        copy_of(landed, home)
        built = nights.run(home, "build")
        assert built.returncode == 0, built.stderr
        [build] = (home / "build").glob("2*")
        return build.name

    return home, once(shared, "validated", make)


@pytest.fixture(scope="session")
def undisturbed(validated: tuple[Path, str], shared: Path) -> Path:
    """Return the release of an undisturbed run on the second night."""

    def make() -> Path:
        origin, build = validated
        home = copy_of(origin, shared / "undisturbed")
        published = nights.run(home, "publish", build)
        assert published.returncode == 0, published.stderr
        assert len(list((home / "published").glob("2*"))) == 2
        return nights.current_release(home)

    return Path(once(shared, "undisturbed", make))


def copy_of(home: Path, into: Path) -> Path:
    shutil.copytree(home, into, symlinks=True)
    return into


def matching(home: Path, pattern: str) -> set[Path]:
    """Return the paths that match a pattern in a home, in which a command adds and removes directories."""
    while True:
        try:
            return set(home.glob(pattern))
        except FileNotFoundError:  # a directory was removed while it was searched
            continue


def kill_at(home: Path, pattern: str, arguments: list[str], mirror: Path | None) -> None:
    """Start a command, and kill its process group when a pattern matches a new path."""
    before = matching(home, pattern)
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
            seen = bool(matching(home, pattern) - before)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert seen, f"{pattern} never appeared on disk"


def require_like(home: Path, undisturbed: Path, before: dict[str, str]) -> None:
    """Assert that a home has a release like the undisturbed one, and everything it had before."""
    nights.require_complete(home)
    assert nights.tables_of(nights.current_release(home)) == nights.tables_of(undisturbed)
    require_unchanged(home, before)
    assert not list((home / "published").glob(".partial-*"))


def require_unchanged(home: Path, before: dict[str, str]) -> None:
    """Assert that a home still has the vintages and releases that it had before."""
    after = nights.immutable_files(home)
    assert before == {name: after.get(name) for name in before}, (
        "an accepted vintage or a release has changed"
    )


def contents_of(home: Path) -> dict[str, list[tuple[str, str, list[str]]]]:
    """Return the vintages of each source in a landing: id, digest of the rows, and digests of the files."""
    return {
        name: [
            (one.id, one.rows_sha256, [file.sha256 for file in one.files])
            for one in store.vintages(home / "landing", name)
        ]
        for name in SOURCES
    }


@pytest.mark.parametrize("stage", PULLING)
def test_run_killed_while_pulling_and_repeated_ends_like_undisturbed_run(
    stage: str, tmp_path: Path, released: Path, landed: Path, second_night: Path, undisturbed: Path
) -> None:
    home = copy_of(released, tmp_path / "home")
    before, release = nights.immutable_files(home), nights.current_release(home).name
    kill_at(home, PULLING[stage], ["run"], second_night)
    nights.require_complete(home)
    assert nights.current_release(home).name == release
    second_run = nights.run(home, "run" if stage in REPEATED else "fetch", mirror=second_night)
    assert second_run.returncode == 0, second_run.stderr
    outcomes = {name: store.list_checks(home / "landing", name).require()[-1].outcome for name in SOURCES}
    assert "failed" not in outcomes.values()
    not_recorded = {name for name, outcome in outcomes.items() if outcome == "not configured"}
    assert not_recorded == set(SOURCES) - {*nights.SOURCE_NAMES}
    assert contents_of(home) == contents_of(landed)
    # `run` goes on to build what has this fingerprint.
    vintages = [one for name in SOURCES for one in store.vintages(home / "landing", name)]
    assert fingerprint(vintages, None) == read_manifest(undisturbed).fingerprint
    if stage in REPEATED:
        require_like(home, undisturbed, before)
    else:
        assert nights.current_release(home).name == release
        nights.require_complete(home)
        require_unchanged(home, before)


@pytest.mark.parametrize("stage", BUILDING)
def test_run_killed_while_building_and_repeated_ends_like_undisturbed_run(
    stage: str, tmp_path: Path, landed: Path, validated: tuple[Path, str], undisturbed: Path
) -> None:
    home = copy_of(landed, tmp_path / "home")
    before = nights.immutable_files(home)
    kill_at(home, BUILDING[stage], ["publish"], None)
    nights.require_complete(home)
    if stage in REPEATED:
        second_run = nights.run(home, "publish")
        assert second_run.returncode == 0, second_run.stderr
        require_like(home, undisturbed, before)
    else:
        [killed] = (home / "build").glob("2*")
        assert nights.files_outside_builds(home) == nights.files_outside_builds(validated[0])
        build = steps.load(settings_of(home))
        assert build is not None and build > killed.name, "the repeated run builds anew"
        record, expected = steps.read_build(home / "build" / build), read_manifest(undisturbed)
        assert (record.fingerprint, record.vintages) == (expected.fingerprint, expected.vintages)
        assert (record.revisions_from, record.set_aside) == (expected.revisions_from, expected.set_aside)
        require_unchanged(home, before)


@pytest.mark.parametrize(("stage", "repeated"), REPETITIONS)
def test_publish_killed_and_repeated_ends_like_undisturbed_run(
    stage: str, repeated: str, tmp_path: Path, validated: tuple[Path, str], undisturbed: Path
) -> None:
    origin, build = validated
    home = copy_of(origin, tmp_path / "home")
    before = nights.immutable_files(home)
    kill_at(home, PUBLISHING[stage], ["publish", build], None)
    nights.require_complete(home)
    second_run = nights.run(home, "publish", *([build] if repeated == "step" else []))
    assert second_run.returncode == 0, second_run.stderr
    require_like(home, undisturbed, before)
