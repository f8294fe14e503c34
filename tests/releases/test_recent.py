"""The big revisions of recent releases: those that the current release has, each once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from small_releases import make_refresh, make_release, vintage_entry

from warehouse.releases.publish import rollback
from warehouse.releases.recent import recent_big_revisions
from warehouse.releases.store import current

FIRST, BIG = vintage_entry("safe_bop", "2024-03-29"), vintage_entry("safe_bop", "2024-06-28")
OTHER = vintage_entry("unctad_goods", "2024-06-29")
REVISION = """
    insert into marts.mart_revision_alert values
        ('safe_bop', '2024-06-28', '2024-03-29', 'CHN exports', '2021', 100, 180, 80, 20)"""
TWO = f"""{REVISION}, ('unctad_goods', '2024-06-29', '2023-06-29', 'CHN goods', '2021', 10, 20, 100, 20)"""
DAY = timedelta(hours=24)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with an old release, and one that revised a figure seven hours ago."""
    make_release(tmp_path, "old", vintages=[FIRST], age_days=9)
    make_release(tmp_path, "revised", vintages=[FIRST, BIG], sql=REVISION, age_days=0.3)
    return tmp_path


def found(home: Path, ago: timedelta = DAY) -> list[tuple[str, float]]:
    """Return series and age in days of the big revisions of the releases of the time before now."""
    release, now = current(home / "published"), datetime.now(UTC)
    assert release is not None
    revisions = recent_big_revisions(home / "published", release, now - ago)
    return sorted((one.series, round((now - at) / timedelta(days=1), 1)) for at, one in revisions)


def test_revision_is_found_after_another_release_without_revisions(home: Path) -> None:
    expected = [("CHN exports", 0.3)]
    assert found(home) == expected
    make_release(home, "later", vintages=[FIRST, BIG, vintage_entry("other", "2024-07-01")], sql=REVISION)
    assert found(home) == expected
    make_refresh(home, "later", "refreshed")
    assert found(home) == expected


def test_revisions_of_two_releases_are_found_each_once(home: Path) -> None:
    make_release(home, "later", vintages=[FIRST, BIG, OTHER], sql=TWO, age_days=0.1)
    make_release(home, "again", vintages=[FIRST, BIG, OTHER], sql=TWO)
    assert found(home) == [("CHN exports", 0.3), ("CHN goods", 0.1)]


def test_revision_of_an_older_release_is_not_found(home: Path) -> None:
    make_release(home, "later", vintages=[FIRST, BIG, OTHER], sql=TWO)
    assert found(home, timedelta(hours=5)) == [("CHN goods", 0.0)]


def test_revision_of_a_release_that_was_rolled_back_is_not_found(home: Path) -> None:
    rollback(home / "published", "old", "a misprint", "tests")
    assert found(home) == []
    make_release(home, "later", vintages=[FIRST, OTHER], sql=TWO)
    assert found(home) == [("CHN goods", 0.0)]


def test_revision_of_a_release_beside_the_others_is_not_found(home: Path) -> None:
    make_release(home, "beside", vintages=[FIRST, OTHER], sql=TWO, is_latest=False)
    make_release(home, "later", vintages=[FIRST, BIG], sql=REVISION)
    assert found(home) == [("CHN exports", 0.3)]


def test_damaged_release_hides_no_revision_of_another(home: Path) -> None:
    make_release(home, "damaged", vintages=[FIRST, BIG], sql=REVISION, age_days=0.1)
    manifest = home / "published" / "damaged" / "MANIFEST.json"
    make_release(home, "later", vintages=[FIRST, BIG], sql=REVISION)
    manifest.chmod(0o644)
    manifest.write_text("{")
    assert found(home) == [("CHN exports", 0.3)]
