"""Two nights at once, and a night by a clock that went back: one right release, told in the right order."""

from __future__ import annotations

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

NAME = "worldbank_wdi"


def test_two_nights_started_at_once_end_in_one_right_release(tmp_path: Path) -> None:
    mirror = nights.mirror_of("night-2", tmp_path / "night-2")
    alone, both = tmp_path / "alone", tmp_path / "both"
    nights.run(alone, "run", mirror=mirror)
    at_once = [
        subprocess.Popen(
            [sys.executable, "-m", "warehouse", "run"],
            cwd=PROJECT_ROOT,
            env=nights.environment_of(both, mirror),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    said = [night.communicate(timeout=300)[0] for night in at_once]
    assert not any("Traceback" in one for one in said), said
    nights.require_complete(both)
    for name in nights.FEW:
        assert len(store.vintages(both / "landing", name)) <= 1, f"{name} landed twice"
    nights.run(both, "run", mirror=mirror)
    for name in nights.FEW:
        assert len(store.vintages(both / "landing", name)) == 1
    assert nights.tables_of(nights.current_release(both)) == nights.tables_of(nights.current_release(alone))
    assert any("another build is running" in one or "is writing this source now" in one for one in said), (
        f"neither night met the other: {said}"
    )


def test_a_clock_that_goes_back_loses_and_reorders_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first, second = (nights.mirror_of(night, tmp_path / night) for night in ("night-1", "night-2"))
    nights.run(home, "run", mirror=first)
    before, earlier = nights.immutable_files(home), nights.current_release(home).name
    settings = settings_of(home, second)
    with time_machine.travel(datetime.now(UTC) - timedelta(days=400), tick=True):
        assert time.time() < (home / "published" / earlier).stat().st_mtime - 390 * 86400
        assert ingest(settings, NAME) is not None
        later = steps.publish(settings, build_of(settings))
        assert nights.current_release(home).name == later
        assert [one.name for one in release_dirs(settings.published)] == [earlier, later]
        assert earlier < later, "a release's name sorts after the one before it, whatever the clock says"
        assert steps.load(settings) is None, "nothing is new"
        remove_expired(settings)
        known = store.vintages(home / "landing", NAME)
        assert [one.id for one in known] == sorted(one.id for one in known) and len(known) == 2
        assert rollback(settings.published, "previous", "a test", "tests").release == earlier
        assert rollback(settings.published, "previous", "and back", "tests").release == later
        assert audit(settings.landing, settings.published).findings == ()
    assert ingest(settings, NAME) is None, "the right clock again, and nothing new"
    assert steps.load(settings) is None
    after = nights.immutable_files(home)
    assert before == {name: after.get(name) for name in before}
