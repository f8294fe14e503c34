"""Refresh: a copy of the current release in which only the freshness of its sources is newer."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse, ingest, settings_of
from recordings import recording

from warehouse.build import builds, sites, steps
from warehouse.config import SAMPLE_DIR
from warehouse.errors import WarehouseError
from warehouse.releases.audit import audit
from warehouse.releases.history import last_switch, read_history
from warehouse.releases.manifest import read_manifest
from warehouse.releases.publish import rollback
from warehouse.releases.store import DATABASE, current, find_release, release_dirs

DAY = date(2026, 5, 31)  # the newest day that the recorded answers know of


def statuses(release: Path) -> dict[str, str]:
    with duckdb.connect(str(release / DATABASE), read_only=True) as db:
        in_database, *others = (
            sorted(db.execute(f"select distinct source, status from {table}").fetchall())
            for table in (
                "marts.mart_freshness",
                "bi.freshness",
                f"'{release / 'parquet' / 'mart_freshness.parquet'}'",
                f"'{release / 'parquet' / 'freshness.parquet'}'",
            )
        )
    assert others == [in_database] * 3
    return dict(in_database)


@pytest.fixture
def home(warehouse: Warehouse, tmp_path: Path) -> Path:
    shutil.copytree(warehouse.home, tmp_path / "home", symlinks=True)
    return tmp_path / "home"


@pytest.mark.slow
def test_failed_poll_and_a_later_day_reach_the_mart_without_a_build(home: Path, tmp_path: Path) -> None:
    settings = settings_of(home)
    base = current(settings.published)
    assert base is not None
    assert steps.refresh(settings, DAY) is None, "nothing has changed on the day of the build"
    before = statuses(base)
    assert before["safe_bop"] == "late" and before["unctad_goods"] == "ok"

    silent = tmp_path / "silent"
    silent.mkdir()
    (silent / "index.json").write_text('{"name": "silent", "answers": []}')
    with pytest.raises(WarehouseError):
        ingest(settings_of(home, silent), "unctad_goods")
    name = steps.refresh(settings, DAY)
    release = current(settings.published)
    assert release is not None and release.name == name != base.name
    assert statuses(release) == before | {"unctad_goods": "failing"}
    assert statuses(base) == before, "a release is never changed"

    # Grace of 31 days after 31 July: the source is late from 1 September on.
    assert statuses(release)["unctad_services"] == "ok"
    assert steps.refresh(settings, date(2026, 8, 31)) is None
    later = steps.refresh(settings, date(2026, 9, 1))
    newest = current(settings.published)
    assert newest is not None and newest.name == later
    assert statuses(newest)["unctad_services"] == "late"

    old, new = read_manifest(base), read_manifest(newest)
    changed = {table for table in old.tables if old.tables[table] != new.tables[table]}
    assert changed == {"mart_freshness", "freshness"}
    assert (new.refreshes, new.fingerprint, new.news) == (base.name, old.fingerprint, old.news)
    assert new.published_at == old.published_at and new.refreshed_at is not None
    assert audit(settings.landing, settings.published).findings == ()
    assert steps.load(settings) is None, "a refreshed release counts as built"


@pytest.mark.slow
def test_refresh_is_not_the_previous_release_and_replaces_earlier_refreshes(home: Path) -> None:
    settings = settings_of(home)
    base = current(settings.published)
    assert base is not None
    names = [steps.refresh(settings, date(year, 9, 1)) for year in (2026, 2030, 2034)]
    assert len({name for name in names if name}) >= 1
    for status in ("late", "ok", "late"):  # force three refreshes, independently of the calendar
        state = {
            source: (status, datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None))
            for source in statuses(base)
        }
        latest = current(settings.published)
        assert latest is not None
        release_id = builds.new_build_id(settings, datetime.now(UTC))
        steps.publishing.refresh(settings.published, latest, release_id, state, "tests", sites.refresh_site)
    kept_releases = [path.name for path in release_dirs(settings.published)]
    latest = current(settings.published)
    assert latest is not None
    switch = last_switch(read_history(settings.published).require())
    assert switch is not None and switch.before is not None
    assert kept_releases == [base.name, switch.before, latest.name]
    with pytest.raises(WarehouseError, match="no previous release"):
        find_release(settings.published, "previous")
    assert rollback(settings.published, base.name, "a test", "tests").after == base.name


@pytest.mark.slow
def test_release_is_not_refreshed_while_a_vintage_waits_for_a_build(home: Path, tmp_path: Path) -> None:
    changed = (b"339393210195.59", b"339400000000.5")
    mirror = recording(tmp_path / "later", "2026-06-01T00:00:00Z", *changed, SAMPLE_DIR / "night-2")
    assert ingest(settings_of(home, mirror), "worldbank_wdi") == "2026-06-01"
    assert steps.refresh(settings_of(home), date(2026, 9, 1)) is None
