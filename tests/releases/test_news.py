"""What a release brought: its new vintages and revisions, and the tables that changed."""

from __future__ import annotations

from pathlib import Path

from small_releases import make_release

from warehouse.releases.news import news_of

EXTRA = "create table core.extra as select 1 as id"


def test_only_changed_added_and_removed_tables_are_listed(tmp_path: Path) -> None:
    published = tmp_path / "published"
    make_release(tmp_path, "20240601T000000000000Z", sql=EXTRA)
    make_release(tmp_path, "20240602T000000000000Z", sql=f"{EXTRA}; insert into core.extra values (2)")
    make_release(tmp_path, "20240603T000000000000Z", sql="create table core.other as select 1 as id")
    first, second, third = (news_of(published, f"2024060{day}T000000000000Z") for day in (1, 2, 3))
    assert first["against"] is None and {"extra", "mart"} <= set(first["changed_tables"])
    assert second["against"] == first["release"] and second["changed_tables"] == ["extra"]
    assert third["changed_tables"] == ["extra", "other"]
