"""Repairing `latest`: which release it is pointed at, what is recorded, and when nothing is changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from small_releases import flip_bit, latest, make_refresh, make_release, overwrite

from warehouse.errors import WarehouseError
from warehouse.releases.history import read_history
from warehouse.releases.publish import rollback
from warehouse.releases.repair import repair_latest
from warehouse.releases.store import find_release


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with the releases one, two and three; three is the current release."""
    for number, name in enumerate(("one", "two", "three")):
        make_release(tmp_path, name, age_days=3 - number)
    return tmp_path


def lose(home: Path) -> Path:
    (home / "published" / "latest").unlink()
    return home / "published"


def test_lost_link_is_set_to_the_newest_release_on_record(home: Path) -> None:
    published = lose(home)
    repair = repair_latest(published, "ada")
    assert latest(home) == "three"
    entry = read_history(published).records[-1]
    assert repair.entry == entry and repair.skipped == ()
    assert (entry.action, entry.release, entry.before, entry.after) == ("repair", "three", None, "three")
    assert entry.actor == "ada" and "is missing" in entry.reason


def test_release_that_is_gone_is_replaced_by_the_one_before(home: Path) -> None:
    shutil.rmtree(home / "published" / "three")
    repair_latest(home / "published", "ada")
    assert latest(home) == "two"
    assert find_release(home / "published", "previous").name == "one"


@pytest.mark.parametrize("file", ["warehouse.duckdb", "parquet/mart.parquet"])
def test_damaged_releases_are_passed_over(file: str, home: Path) -> None:
    flip_bit(home / "published" / "three" / file)
    overwrite(home / "published" / "two" / "MANIFEST.json", "{")
    skipped = repair_latest(home / "published", "ada").skipped
    assert latest(home) == "one"
    assert [text.split(":")[0] for text in skipped] == ["three", "two"]
    assert f"{file} does not have the sha256" in skipped[0]


def test_release_that_was_rolled_back_is_not_chosen(home: Path) -> None:
    rollback(home / "published", "one", "three is wrong", "ada")
    repair_latest(lose(home), "ada")
    assert latest(home) == "one"


def test_release_beside_the_current_one_is_not_chosen(home: Path) -> None:
    make_release(home, "past", is_latest=False)
    repair_latest(lose(home), "ada")
    assert latest(home) == "three"


def test_release_of_the_past_without_a_history_is_not_chosen(home: Path) -> None:
    make_release(home, "zz", is_latest=False, is_as_of=True)
    (home / "published" / "history.jsonl").unlink()
    repair_latest(lose(home), "ada")
    assert latest(home) == "two"  # the order of releases without a history is by name


def test_intact_latest_is_left_alone(home: Path) -> None:
    before = read_history(home / "published").records
    with pytest.raises(WarehouseError, match="points at three, which is intact; nothing was changed"):
        repair_latest(home / "published", "ada")
    assert read_history(home / "published").records == before and latest(home) == "three"


def test_without_an_intact_release_nothing_is_changed(home: Path) -> None:
    published = lose(home)
    for name in ("one", "two", "three"):
        flip_bit(published / name / "warehouse.duckdb")
    before = read_history(published).records
    with pytest.raises(WarehouseError, match=r"no intact release can be chosen \(three: .*Restore a release"):
        repair_latest(published, "ada")
    assert latest(home) is None and read_history(published).records == before


def test_home_without_releases_is_named(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="check WAREHOUSE_HOME"):
        repair_latest(tmp_path / "published", "ada")
    assert not (tmp_path / "published").exists()


def test_rolled_back_release_is_passed_over_when_its_successor_is_damaged(home: Path) -> None:
    rollback(home / "published", "two", "three is wrong", "ada")
    make_release(home, "four")
    flip_bit(home / "published" / "four" / "warehouse.duckdb")
    repair_latest(home / "published", "ada")
    assert latest(home) == "two"


def test_release_beside_is_passed_over_when_its_successor_is_damaged(home: Path) -> None:
    make_release(home, "past", is_latest=False)
    make_release(home, "four")
    flip_bit(home / "published" / "four" / "warehouse.duckdb")
    repair_latest(home / "published", "ada")
    assert latest(home) == "three"


def test_release_whose_refresh_was_rolled_back_is_passed_over(home: Path) -> None:
    make_refresh(home, "three", "three again")
    rollback(home / "published", "two", "three is wrong", "ada")
    make_release(home, "four")
    flip_bit(home / "published" / "four" / "warehouse.duckdb")
    repair_latest(home / "published", "ada")
    assert latest(home) == "two"
