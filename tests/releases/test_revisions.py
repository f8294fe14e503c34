"""The revisions that a release brought are those of its new vintages, and agree with its manifest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_releases import make_release, overwrite, vintage_entry

from warehouse.errors import WarehouseError
from warehouse.releases.manifest import VintageRef
from warehouse.releases.news import big_revisions, big_revisions_of, revisions_by_kind

OLD, NEW = vintage_entry("safe_bop", "2024-03-29"), vintage_entry("safe_bop", "2024-06-28")
SQL = """
    insert into core.fct_revision values
        ('safe_bop', '2024-03-29', 'withdrawn'), ('safe_bop', '2024-06-28', 'new'),
        ('other', '2024-06-28', 'new');
    insert into marts.mart_revision_alert values
        ('safe_bop', '2024-06-28', '2024-03-29', 'small', '2021', 100, 120, 20, 10),
        ('safe_bop', '2024-06-28', '2024-03-29', 'fall', '2021', 100, 40, -60, 10),
        ('safe_bop', '2024-06-28', '2024-03-29', 'from zero', '2021', 0, 4, null, 10),
        ('safe_bop', '2024-03-29', '2023-12-29', 'old', '2021', 1, 3, 200, 10)"""


@pytest.fixture
def release(tmp_path: Path) -> Path:
    make_release(tmp_path, "one", vintages=[OLD])
    return make_release(tmp_path, "two", vintages=[OLD, NEW], sql=SQL)


def test_revisions_are_counted_by_kind(release: Path) -> None:
    database = release / "warehouse.duckdb"
    assert revisions_by_kind(database, [NEW.ref]) == {"new": 1, "changed": 0, "withdrawn": 0}
    assert revisions_by_kind(database, [OLD.ref, NEW.ref]) == {"new": 1, "changed": 0, "withdrawn": 1}
    assert revisions_by_kind(database, []) == {"new": 0, "changed": 0, "withdrawn": 0}


def test_big_revisions_of_a_release_are_those_of_its_new_vintages_biggest_first(release: Path) -> None:
    found = big_revisions_of(release)
    assert [(revision.series, revision.change_pct) for revision in found] == [
        ("from zero", None),
        ("fall", -60),
        ("small", 20),
    ]
    assert (found[1].previous_value, found[1].value, found[1].threshold_pct) == (100, 40, 10)
    unknown = VintageRef(source="safe_bop", vintage="1999-01-01")
    assert big_revisions(release / "warehouse.duckdb", [unknown]) == ()


def test_manifest_that_disagrees_with_the_database_is_rejected(release: Path) -> None:
    path = release / "MANIFEST.json"
    content = json.loads(path.read_text())
    content["news"]["big_revisions"] = 2
    overwrite(path, json.dumps(content))
    with pytest.raises(WarehouseError, match=r"3 big revisions in the database, 2 in MANIFEST\.json"):
        big_revisions_of(release)
    del content["news"]
    overwrite(path, json.dumps(content))
    with pytest.raises(WarehouseError, match="has no news"):
        big_revisions_of(release)
