"""Old releases over the number to keep are removed and recorded; current and previous ones are kept."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from command_line import invoke
from small_releases import flip_bit, latest, make_refresh, make_release, make_vintage, overwrite

from warehouse.config import RetentionPolicy
from warehouse.errors import WarehouseError
from warehouse.files import size_of
from warehouse.releases.history import HISTORY, read_history
from warehouse.releases.publish import rollback
from warehouse.releases.retention import expired, hide, remove_hidden, remove_releases, size_of_releases
from warehouse.releases.store import find_release, release_dirs

NOW = datetime.now(UTC)


def removed(home: Path, keep: int = 2, days: int = 30, gib: float = 50) -> list[str]:
    policy = RetentionPolicy(releases=keep, releases_days=days, releases_gib=gib)
    return remove_releases(home / "published", policy, datetime.now(UTC), "tests")


def sizes_by_inode(published: Path, *releases: str) -> int:
    files = [path.stat() for name in releases for path in (published / name).rglob("*") if path.is_file()]
    return sum({file.st_ino: file.st_size for file in files}.values())


def names(home: Path) -> list[str]:
    return [path.name for path in release_dirs(home / "published")]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with five releases, r0 to r4, of which r3 and r4 are recent; read only."""
    home = tmp_path_factory.mktemp("retention") / "home"
    for number, age in enumerate((100, 90, 80, 2, 1)):
        make_release(home, f"r{number}", age_days=age)
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    """Return a home with five releases to change."""
    return Path(shutil.copytree(template, tmp_path / "home", symlinks=True))


def test_expired_releases_are_both_old_and_over_the_number_to_keep() -> None:
    aged = [(Path(str(days)), NOW - timedelta(days=days)) for days in (40, 31, 29, 20, 1)]
    found = {
        (keep, days): [path.name for path in expired(aged, keep=keep, days=days, now=NOW)]
        for keep, days in ((0, 30), (4, 30), (9, 0), (1, 0), (0, 99))
    }
    assert found == {
        (0, 30): ["40", "31"],
        (4, 30): ["40"],
        (9, 0): [],
        (1, 0): ["40", "31", "29", "20"],
        (0, 99): [],
    }
    assert [path.name for path in expired(aged, keep=0, days=30, now=NOW, never={"40"})] == ["31"]


def test_old_releases_are_removed_and_recorded(home: Path) -> None:
    assert removed(home) == ["r0", "r1", "r2"]
    assert names(home) == ["r3", "r4"]
    entries = read_history(home / "published").require()[-3:]
    assert [(entry.action, entry.release, entry.actor) for entry in entries] == [
        ("remove", "r0", "tests"),
        ("remove", "r1", "tests"),
        ("remove", "r2", "tests"),
    ]
    assert {(entry.before, entry.after) for entry in entries} == {("r4", "r4")}
    assert removed(home) == []
    assert len(list((home / "published").glob(".removing-*"))) == 3
    assert remove_hidden(home / "published") > 3 * 10_000
    assert not list((home / "published").glob(".removing-*"))


def test_oldest_releases_over_the_total_size_are_removed_and_recorded(home: Path) -> None:
    published = home / "published"
    sizes = [size_of(published / name) for name in names(home)]
    assert size_of_releases(published) == sum(sizes)
    assert removed(home, keep=9, gib=sum(sizes) / 2**30) == []
    assert removed(home, keep=9, gib=(sum(sizes[2:]) + 1) / 2**30) == ["r0", "r1"]
    entry = read_history(published).require()[-1]
    assert (entry.action, entry.release) == ("remove", "r1")
    assert entry.reason.startswith("all releases together are larger than ")
    assert removed(home, keep=9, gib=1e-9) == ["r2"]  # the current release and the one before are kept
    assert names(home) == ["r3", "r4"]


def test_size_counts_linked_files_once_and_unreadable_releases_too(home: Path) -> None:
    published = home / "published"
    total = size_of_releases(published)
    for name in ("r2", "r3"):
        (published / name / "linked.duckdb").hardlink_to(published / "r4" / "warehouse.duckdb")
    assert size_of_releases(published) == total
    limit = sizes_by_inode(published, "r2", "r3", "r4") / 2**30
    assert removed(home, keep=9, gib=limit) == ["r0", "r1"]
    overwrite(published / "r2" / "MANIFEST.json", "{")
    assert removed(home, keep=9, gib=1e-9) == []
    assert names(home) == ["r2", "r3", "r4"]


def test_maintain_shows_the_size_of_the_releases_and_its_limit(home: Path) -> None:
    rows = [{"value": "1", "_file": "data.csv", "_row": 2}]
    make_vintage(home / "landing", "worldbank_wdi", "2024-07-12", rows)
    ended = invoke(home, "maintain", WAREHOUSE_KEEP_RELEASES_GIB="1.5")
    assert "releases: 0.00 GiB, at most 1.50 (WAREHOUSE_KEEP_RELEASES_GIB)" in ended.stdout
    stated = invoke(home, "maintain", "--json").json["releases"]
    assert stated == {"bytes": size_of_releases(home / "published"), "limit_bytes": 50 * 2**30}


def test_current_and_previous_release_are_kept_at_any_age(home: Path) -> None:
    rollback(home / "published", "r0", "the newer ones are wrong", "ada")
    rollback(home / "published", "r1", "no, r1 it was", "ada")
    assert removed(home, days=0) == ["r2"], "r0 is the previous release"
    assert names(home) == ["r0", "r1", "r3", "r4"]
    assert latest(home) == "r1"
    rollback(home / "published", "r0", "r0 after all", "ada")
    rollback(home / "published", "r4", "the newest", "ada")
    assert removed(home, days=0) == ["r1"]
    assert names(home) == ["r0", "r3", "r4"]


def test_previous_release_is_kept_after_refreshes_of_the_current_one(home: Path) -> None:
    make_refresh(home, "r4", "r4 again")
    assert removed(home, keep=2, days=0) == ["r0", "r1", "r2"]
    assert find_release(home / "published", "previous").name == "r3"


def test_clock_far_ahead_leaves_the_newest(home: Path) -> None:
    for release in release_dirs(home / "published"):
        file = release / "MANIFEST.json"
        content = json.loads(file.read_text()) | {"published_at": "1999-01-01T00:00:00+00:00"}
        overwrite(file, json.dumps(content))
    assert removed(home) == ["r0", "r1", "r2"]


def test_nothing_is_removed_when_latest_is_dangling(home: Path) -> None:
    shutil.rmtree(home / "published" / "r4")
    with pytest.raises(
        WarehouseError, match=r"points at release r4, which does not exist; nothing was removed"
    ):
        removed(home)
    assert names(home) == ["r0", "r1", "r2", "r3"]
    (home / "published" / "latest").unlink()
    with pytest.raises(WarehouseError, match=r"latest: does not exist; nothing was removed"):
        removed(home)


def test_before_the_first_release_nothing_is_removed(tmp_path: Path) -> None:
    assert removed(tmp_path) == []
    (tmp_path / "published").mkdir()
    assert removed(tmp_path) == []


def test_release_with_unreadable_manifest_is_kept_and_does_not_hide_others(home: Path) -> None:
    overwrite(home / "published" / "r1" / "MANIFEST.json", "{")
    overwrite(home / "published" / "r3" / "MANIFEST.json", "{")
    assert removed(home) == ["r0"], "r2 and r4 are the newest two that can be read"
    assert names(home) == ["r1", "r2", "r3", "r4"]


def test_nothing_is_removed_while_a_line_of_the_history_is_unreadable(home: Path) -> None:
    path = home / "published" / HISTORY
    path.write_bytes(path.read_bytes() + b"{}\n")
    with pytest.raises(WarehouseError, match=r"history\.jsonl, line 6: "):
        removed(home)
    assert len(names(home)) == 5


def test_open_reader_of_a_removed_release_reads_on(home: Path) -> None:
    path = home / "published" / "r0" / "warehouse.duckdb"
    with duckdb.connect(str(path), read_only=True) as reader:
        assert removed(home) == ["r0", "r1", "r2"]
        remove_hidden(home / "published")
        assert not path.exists()
        found = reader.execute("select count(*), sum(exports_million) from marts.mart").fetchall()
    assert found == [(4, 417.0)]


def test_file_with_another_link_frees_no_space(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "own").write_bytes(b"7 bytes")
    (tmp_path / "kept").write_bytes(b"kept elsewhere")
    (tmp_path / "old" / "linked").hardlink_to(tmp_path / "kept")
    assert hide(tmp_path / "old").name == ".removing-old" and not (tmp_path / "old").exists()
    assert remove_hidden(tmp_path) == len(b"7 bytes")
    assert (tmp_path / "kept").read_bytes() == b"kept elsewhere"
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_name_can_be_hidden_again_after_a_removal_that_was_killed(tmp_path: Path) -> None:
    for content in ("first", "second"):
        (tmp_path / "old").mkdir()
        (tmp_path / "old" / content).touch()
        hidden = hide(tmp_path / "old")
    assert [path.name for path in hidden.iterdir()] == ["second"]


def test_damaged_database_does_not_matter_to_retention(home: Path) -> None:
    flip_bit(home / "published" / "r0" / "warehouse.duckdb")
    assert removed(home) == ["r0", "r1", "r2"]
