"""Each step of a night is a task that may be tried again after it was killed: it ends as it would have."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from conftest import Warehouse, environment, replay

from warehouse import landing, pipeline, publish
from warehouse.config import SAMPLE_DIR
from warehouse.errors import WarehouseError

NIGHT = SAMPLE_DIR / "night-2"


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours may catch it."""


def killed(*_: object, **__: object) -> None:
    raise Killed


def test_an_accept_that_was_killed_after_landing_finds_its_vintage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with environment(WAREHOUSE_HOME=str(tmp_path), WAREHOUSE_MIRROR=str(NIGHT)):
        incoming = pipeline.fetch("unctad_goods")
        with monkeypatch.context() as patched, pytest.raises(Killed):
            patched.setattr(pipeline, "record", killed)
            pipeline.accept("unctad_goods", incoming)
        assert pipeline.accept("unctad_goods", incoming) == "2026-03-19"
        with pytest.raises(WarehouseError, match="is gone"):
            pipeline.accept("unctad_goods", incoming + "0")


def test_a_vintage_that_is_in_no_release_yet_is_news_still(tmp_path: Path) -> None:
    with environment(WAREHOUSE_HOME=str(tmp_path), WAREHOUSE_MIRROR=str(NIGHT)):
        assert pipeline.accept("unctad_goods", pipeline.fetch("unctad_goods")) == "2026-03-19"
        assert pipeline.accept("unctad_goods", pipeline.fetch("unctad_goods")) == "2026-03-19"
        assert [one.id for one in landing.vintages(tmp_path / "landing", "unctad_goods")] == ["2026-03-19"]
        assert [one.outcome for one in landing.checks(tmp_path / "landing", "unctad_goods")] == [
            "accepted",
            "unchanged",
        ]


@pytest.fixture
def home(warehouse: Warehouse, tmp_path: Path) -> Path:
    """Copy the warehouse of both nights, so that a test may publish in it."""
    home = tmp_path / "home"
    shutil.copytree(warehouse.home, home, symlinks=True)
    return home


def test_every_step_of_a_publish_can_be_run_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = publish.standing(home / "published")
    assert before is not None
    expected = publish.read_manifest(before)["tables"]
    with environment(WAREHOUSE_HOME=str(home)):
        build = pipeline.load(force=True)
        assert build is not None
        for step in (pipeline.transform, pipeline.validate):
            assert step(build) == build
            assert step(build) == build  # tried again after a kill at its very end
        with monkeypatch.context() as patched, pytest.raises(Killed):
            patched.setattr(publish, "point_latest", killed)
            pipeline.publish(build)
        assert publish.standing(home / "published") == before
        with monkeypatch.context() as patched, pytest.raises(Killed):
            patched.setattr(pipeline.shutil, "rmtree", killed)
            pipeline.publish(build)
        release = pipeline.publish(build)
    stands = publish.standing(home / "published")
    assert stands is not None and stands.name == release != before.name
    tables = publish.read_manifest(stands)["tables"]
    assert {name: told["sha256"] for name, told in tables.items()} == {
        name: told["sha256"] for name, told in expected.items()
    }
    assert not Path(build).exists()


def test_only_old_unjudged_builds_are_swept(tmp_path: Path) -> None:
    builds = tmp_path / "build"
    for name, age_days, verdict in (("2a", 2, None), ("2b", 0, None), ("2c", 2, True), ("2d", 2, False)):
        (builds / name).mkdir(parents=True)
        if verdict is not None:
            pipeline.keep_verdict(builds / name, {"success": verdict})
        then = time.time() - age_days * 86400
        os.utime(builds / name, (then, then))
    with environment(WAREHOUSE_HOME=str(tmp_path)):
        pipeline.sweep(pipeline.config.from_environment())
    assert sorted(path.name for path in builds.iterdir()) == ["2b", "2c", "2d"]


def test_a_day_later_than_the_landing_is_no_build_of_the_past(home: Path) -> None:
    with environment(WAREHOUSE_HOME=str(home)):
        later, earlier = pipeline.load("2062-01-01"), pipeline.load("2024-07-11")
        assert later is not None and earlier is not None
        assert pipeline.note_of(Path(later))["is_of_the_past"] is False
        assert pipeline.note_of(Path(earlier))["is_of_the_past"] is True


def test_a_failed_look_is_the_last_look_whatever_the_clocks_say(tmp_path: Path) -> None:
    with (
        environment(WAREHOUSE_HOME=str(tmp_path), WAREHOUSE_MIRROR=str(SAMPLE_DIR / "night-1")),
        pytest.raises(WarehouseError, match="holds no answer"),
    ):
        pipeline.fetch("unctad_goods")
    replay(tmp_path, NIGHT)
    with environment(WAREHOUSE_HOME=str(tmp_path)):
        build = pipeline.load()
        assert build is not None
        assert pipeline.note_of(Path(build))["as_of"] == "2026-03-19"
    looks = landing.checks(tmp_path / "landing", "unctad_goods")
    assert [one.outcome for one in looks] == ["failed", "accepted"]
    assert looks[0].checked_at > looks[1].checked_at  # by the clocks alone, the failure would be the last
