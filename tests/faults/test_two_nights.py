"""Concurrent nightly runs, and a run after the clock was set back: a correct release, in order."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nights
import pytest
import time_machine
from conftest import build_of, ingest, settings_of

from warehouse.build import steps
from warehouse.config import PROJECT_ROOT
from warehouse.landing import store
from warehouse.maintenance import remove_expired
from warehouse.releases.audit import audit
from warehouse.releases.publish import rollback
from warehouse.releases.store import release_dirs

pytestmark = pytest.mark.faults
pytest_plugins = ("homes",)

NAME = "worldbank_wdi"


def test_concurrent_nightly_runs_publish_one_correct_release(
    second_night: Path, second_alone: Path, tmp_path: Path
) -> None:
    undisturbed, concurrent = tmp_path / "undisturbed", tmp_path / "concurrent"
    shutil.copytree(second_alone, undisturbed, symlinks=True)
    nights.run(undisturbed, "run", mirror=second_night)  # finds nothing new and refreshes the release
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "warehouse", "run"],
            cwd=PROJECT_ROOT,
            env=nights.environment_of(concurrent, second_night),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    assert not any("Traceback" in output for output in outputs), outputs
    nights.require_complete(concurrent)
    for name in nights.SOURCE_NAMES:
        assert len(store.vintages(concurrent / "landing", name)) <= 1, f"{name} landed twice"
    for _ in range(2):
        nights.run(concurrent, "run", mirror=second_night)
    for name in nights.SOURCE_NAMES:
        assert len(store.vintages(concurrent / "landing", name)) == 1
    assert nights.tables_of(nights.current_release(concurrent)) == nights.tables_of(
        nights.current_release(undisturbed)
    )
    assert any(
        "another build is running" in output or "is writing this source now" in output for output in outputs
    ), f"the runs did not overlap: {outputs}"


def test_clock_set_back_loses_and_reorders_no_release(
    released: Path, second_night: Path, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(released, tmp_path / "home", symlinks=True))
    before, earlier = nights.immutable_files(home), nights.current_release(home).name
    settings = settings_of(home, second_night)
    with time_machine.travel(datetime.now(UTC) - timedelta(days=400), tick=True):
        assert time.time() < (home / "published" / earlier).stat().st_mtime - 390 * 86400
        assert ingest(settings, NAME) is not None
        later = steps.publish(settings, build_of(settings))
        assert nights.current_release(home).name == later
        assert [entry.name for entry in release_dirs(settings.published)] == [earlier, later]
        assert earlier < later, "a release's name sorts after its predecessor's, at any clock time"
        assert steps.load(settings) is None, "nothing is new"
        remove_expired(settings)
        vintages = store.vintages(home / "landing", NAME)
        assert [entry.id for entry in vintages] == sorted(entry.id for entry in vintages) and len(
            vintages
        ) == 2
        assert rollback(settings.published, "previous", "a test", "tests").release == earlier
        assert rollback(settings.published, later, "and back", "tests").release == later
        assert audit(settings.landing, settings.published).findings == ()
    assert ingest(settings, NAME) is None, "nothing is new with the correct clock"
    assert steps.load(settings) is None
    after = nights.immutable_files(home)
    assert before == {name: after.get(name) for name in before}
