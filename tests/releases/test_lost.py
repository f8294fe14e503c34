"""A vintage of the current release that is gone is lost, until its withdrawal is recorded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import settings_of
from small_releases import build_record, make_release, make_vintage, overwrite, vintage_entry

from warehouse.backfill.records import stage_landing
from warehouse.build import builds, gate, steps
from warehouse.errors import WarehouseError
from warehouse.files import write_record
from warehouse.landing import withdraw
from warehouse.releases.lost import lost_now, require_none_lost
from warehouse.releases.manifest import VintageRef, entry_of
from warehouse.releases.store import current
from warehouse.verdict import Verdict

SOURCE, OTHER, VINTAGE = "worldbank_wdi", "unctad_goods", "2024-07-12"
LOST = VintageRef(source=SOURCE, vintage=VINTAGE)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with a release of two sources."""
    rows = [{"value": "1", "_file": "data.csv", "_row": 2}]
    made = [make_vintage(tmp_path / "landing", name, VINTAGE, rows) for name in (SOURCE, OTHER)]
    make_release(tmp_path, "r1", vintages=[entry_of(one) for one in made])
    return tmp_path


def lost(home: Path) -> dict[VintageRef, str]:
    return lost_now(home / "landing", home / "published")


def record_loss(home: Path) -> None:
    withdraw.withdraw(home / "landing", SOURCE, VINTAGE, "the disk was lost", "ada", subject="a test")


def test_vintage_without_its_manifest_is_lost_until_that_is_recorded(home: Path) -> None:
    assert lost(home) == {}
    directory = home / "landing" / SOURCE / VINTAGE
    (directory / "manifest.json").unlink()
    (text,) = lost(home).values()
    assert set(lost(home)) == {LOST} and text.startswith(
        f"{directory}: vintage {VINTAGE} of {SOURCE} is lost"
    )
    assert f"warehouse vintages withdraw {SOURCE} {VINTAGE} --why" in text and "backup" in text
    shutil.rmtree(directory)
    assert set(lost(home)) == {LOST}
    record_loss(home)
    assert lost(home) == {}


def test_vintage_in_no_release_and_a_landing_that_was_killed_are_not_lost(home: Path) -> None:
    (home / "landing" / SOURCE / "2024-07-13" / "files").mkdir(parents=True)
    (home / "landing" / SOURCE / ".incoming" / "20240713T000000").mkdir(parents=True)
    assert lost(home) == {}


def test_damaged_manifest_and_source_without_a_module_are_not_lost(home: Path) -> None:
    (home / "landing" / SOURCE / VINTAGE / "manifest.json").write_text("{")
    make_release(home, "r2", vintages=[vintage_entry("no_such_source", VINTAGE)])
    assert lost(home) == {}


def test_nothing_is_known_to_be_lost_without_a_release_that_can_be_read(home: Path) -> None:
    shutil.rmtree(home / "landing" / SOURCE)
    overwrite(home / "published" / "r1" / "MANIFEST.json", "{")
    assert lost(home) == {}
    shutil.rmtree(home / "published")
    assert lost(home) == {}


def test_nothing_is_built_published_or_fetched_while_a_vintage_is_lost(home: Path) -> None:
    settings, build = settings_of(home), "20260601T000000000000Z"
    (settings.build / build).mkdir(parents=True)
    write_record(settings.build / build / builds.BUILD_RECORD, build_record())
    write_record(settings.build / build / builds.VERDICT, Verdict(success=True, findings=()))
    (home / "landing" / SOURCE / VINTAGE / "manifest.json").unlink()
    path = str(home / "landing" / SOURCE / VINTAGE)
    for step in (
        lambda: steps.load(settings),
        lambda: steps.load(settings, force=True),
        lambda: steps.load(settings, as_of="2024-08-01"),
        lambda: steps.publish(settings, build),
        lambda: steps.refresh(settings),
        lambda: steps.fetch(settings, SOURCE),
        lambda: steps.accept(settings, SOURCE, str(home / "none")),
    ):
        with pytest.raises(WarehouseError, match="is lost") as raised:
            step()
        assert path in str(raised.value)
    require_none_lost(settings.landing, settings.published, OTHER)
    assert (home / "landing" / SOURCE / VINTAGE / "files" / "data.csv").exists()


def test_error_counts_the_other_lost_vintages(home: Path) -> None:
    for name in (SOURCE, OTHER):
        shutil.rmtree(home / "landing" / name / VINTAGE)
    with pytest.raises(WarehouseError, match="Further ones: 1; see `warehouse status`"):
        require_none_lost(home / "landing", home / "published")


def test_loss_is_decided_when_it_is_recorded_only(home: Path) -> None:
    settings, record = settings_of(home), build_record()
    release = current(settings.published)
    (home / "landing" / SOURCE / VINTAGE / "manifest.json").unlink()
    assert gate.decided_sources(settings, record, release) == ()
    record_loss(home)
    assert gate.decided_sources(settings, record, release) == (SOURCE,)


def test_staged_landing_of_a_backfill_knows_recorded_losses(home: Path, tmp_path: Path) -> None:
    shutil.rmtree(home / "landing" / SOURCE / VINTAGE)
    record_loss(home)
    stage_landing(home / "landing", tmp_path / "staged")
    assert lost_now(tmp_path / "staged", home / "published") == {}
