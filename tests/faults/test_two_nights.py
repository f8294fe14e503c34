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
from conftest import environment

from warehouse import landing, pipeline, publish
from warehouse.config import PROJECT_ROOT

pytestmark = pytest.mark.faults

NAME = "worldbank_wdi"


def test_two_nights_started_at_once_end_in_one_right_release(tmp_path: Path) -> None:
    mirror = nights.mirror_of("night-2", tmp_path / "night-2")
    alone, both = tmp_path / "alone", tmp_path / "both"
    nights.says(alone, "run", mirror=mirror)
    at_once = [
        subprocess.Popen(
            [sys.executable, "-m", "warehouse", "run"],
            cwd=PROJECT_ROOT,
            env=nights.surroundings(both, mirror),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    said = [night.communicate(timeout=300)[0] for night in at_once]
    assert not any("Traceback" in one for one in said), said
    nights.nothing_is_half(both)
    for name in nights.FEW:
        assert len(landing.vintages(both / "landing", name)) <= 1, f"{name} landed twice"
    nights.says(both, "run", mirror=mirror)
    for name in nights.FEW:
        assert len(landing.vintages(both / "landing", name)) == 1
    assert nights.tables_of(nights.standing(both)) == nights.tables_of(nights.standing(alone))
    assert any("at work now" in one or "is writing this source now" in one for one in said), (
        f"neither night met the other: {said}"
    )


def test_a_clock_that_goes_back_loses_and_reorders_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first, second = (nights.mirror_of(night, tmp_path / night) for night in ("night-1", "night-2"))
    nights.says(home, "run", mirror=first)
    before, earlier = nights.never_to_change(home), nights.standing(home).name
    with (
        time_machine.travel(datetime.now(UTC) - timedelta(days=400), tick=True),
        environment(WAREHOUSE_HOME=str(home), WAREHOUSE_MIRROR=str(second)),
    ):
        assert time.time() < (home / "published" / earlier).stat().st_mtime - 390 * 86400
        assert pipeline.accept(NAME, pipeline.fetch(NAME)) is not None
        build = pipeline.load()
        assert build is not None
        later = pipeline.publish(pipeline.validate(pipeline.transform(build)))
        assert nights.standing(home).name == later
        assert [one.name for one in publish.releases(home / "published")] == [earlier, later]
        assert earlier < later, "a release's name sorts after the one before it, whatever the clock says"
        assert pipeline.load() is None, "nothing is new"
        pipeline.retain()
        known = landing.vintages(home / "landing", NAME)
        assert [one.id for one in known] == sorted(one.id for one in known) and len(known) == 2
        assert pipeline.rollback("previous", "a test")["release"] == earlier
        assert pipeline.rollback("previous", "and back")["release"] == later
        assert pipeline.audit()["findings"] == ()
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_MIRROR=str(second)):
        assert pipeline.accept(NAME, pipeline.fetch(NAME)) is None, "the right clock again, and no news"
        assert pipeline.load() is None
    after = nights.never_to_change(home)
    assert before == {name: after.get(name) for name in before}
