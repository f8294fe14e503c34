"""Maintenance removes old files of every kind except vintages, and none after an audit with findings."""

from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
import time_machine
from conftest import environment, settings_of
from killing import forks
from small_releases import checksums, flip_bit, latest, make_release, make_vintage

from warehouse.backfill import records as backfills
from warehouse.build import builds
from warehouse.config import RetentionPolicy, Settings, load_settings
from warehouse.errors import Rejected, WarehouseError
from warehouse.files import sha256_of, write_record
from warehouse.landing import store
from warehouse.landing.parse import digest_rows
from warehouse.maintenance import Removed, maintain, remove_expired, require_clean_audit
from warehouse.quality import Verdict
from warehouse.releases.history import read_history
from warehouse.releases.manifest import read_manifest

SOURCE = "worldbank_wdi"
FEW = {
    "WAREHOUSE_KEEP_RELEASES": "2",
    "WAREHOUSE_KEEP_RELEASES_DAYS": "30",
    "WAREHOUSE_KEEP_BUILDS": "1",
    "WAREHOUSE_KEEP_BUILDS_DAYS": "7",
    "WAREHOUSE_KEEP_REJECTED": "1",
    "WAREHOUSE_KEEP_REJECTED_DAYS": "7",
}


def set_age(path: Path, days: float) -> Path:
    then = time.time() - days * 86400
    os.utime(path, (then, then))
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.is_symlink())


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with a vintage, releases, (un)validated builds, and rejected loads; read only."""
    home = tmp_path_factory.mktemp("maintenance") / "home"
    rows = [{"value": str(number), "_file": "data.csv", "_row": number} for number in range(9)]
    make_vintage(home / "landing", SOURCE, "2024-07-12", rows)
    for number, age in enumerate((100, 90, 80, 2, 1)):
        make_release(home, f"r{number}", age_days=age)
    for number, age in enumerate((50, 40, 3, 2)):
        build = home / "build" / f"2{number}"
        build.mkdir()
        write_record(build / builds.VERDICT, Verdict(success=False))
        set_age(build, age)
    (home / "build" / "29").mkdir()  # in progress, between two tasks
    for number, age in enumerate((50, 40, 30)):
        load = home / "rejected" / SOURCE / f"pull{number}"
        load.mkdir(parents=True)
        (load / "report.json").write_text("{}")
        set_age(load, age)
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    """Return a copy of that home to change."""
    return Path(shutil.copytree(template, tmp_path / "home", symlinks=True))


def few(home: Path, **more: str) -> Settings:
    with environment(**(FEW | more)):
        return load_settings(home=home)


def removed(home: Path, **more: str) -> Removed:
    return remove_expired(few(home, **more))


# --- retention ----------------------------------------------------------------------------------------


def test_old_entries_over_the_number_to_keep_are_removed(home: Path) -> None:
    found = removed(home)
    assert found.freed_bytes > 3 * 10_000
    assert found == Removed(
        releases=("r0", "r1", "r2"),
        builds=("20", "21"),
        rejected=(f"{SOURCE}/pull0", f"{SOURCE}/pull1"),
        backfills=(),
        freed_bytes=found.freed_bytes,
    )
    assert names(home / "published") == ["r3", "r4"]
    assert names(home / "build") == ["22", "23", "29"]
    assert names(home / "rejected" / SOURCE) == ["pull2"]
    entries = read_history(home / "published").require()[-3:]
    assert [(entry.action, entry.release) for entry in entries] == [
        ("remove", "r0"),
        ("remove", "r1"),
        ("remove", "r2"),
    ]
    nothing = Removed(releases=(), builds=(), rejected=(), backfills=(), freed_bytes=0)
    assert removed(home) == nothing


def test_files_of_decided_backfills_are_removed_and_of_waiting_backfills_kept(home: Path) -> None:
    settings = few(home, WAREHOUSE_KEEP_BUILDS="9")
    baseline = backfills.Baseline(vintages={}, release="r4", code="code")
    days = (date(2024, 1, 1), date(2024, 1, 2))
    rows = next((home / "landing").glob("*/*/rows.parquet"))

    def request() -> backfills.Backfill:
        return backfills.create(settings, "safe_bop", "fetch", days, (None,), baseline)

    states = get_args(backfills.State)
    ids = {}
    with time_machine.travel(datetime.now(UTC) - timedelta(days=2)) as clock:
        for state in states:
            backfill = request()
            backfills.log_event(settings, backfill.id, state, "")
            backfill.home.mkdir()
            (backfill.home / "made").write_bytes(b"7 bytes")
            (backfill.home / "linked").hardlink_to(rows)
            ids[state] = backfill.id
            clock.shift(1)
    fresh = request()
    backfills.log_event(settings, fresh.id, "approved", "")
    fresh.home.mkdir()  # another process may be removing it just now
    removed_ids = [ids[state] for state in states if state in ("approved", "discarded", "empty")]
    kept_ids = [ids[state] for state in ("begun", "waiting", "failed", "approving")]
    assert len(removed_ids) + len(kept_ids) == len(ids)
    found = remove_expired(settings)
    assert sorted(found.backfills) == sorted(removed_ids) and not found.builds
    folder = home / "backfill"
    assert [names(folder / backfill_id) for backfill_id in removed_ids] == [[]] * 3
    assert [names(folder / backfill_id) for backfill_id in [*kept_ids, fresh.id]] == [["home"]] * 5
    listed = [backfill_id.id for backfill_id in backfills.list_backfills(folder).require()]
    assert listed == sorted([*ids.values(), fresh.id]), "they stay on record"
    assert digest_rows(rows, ("value",)), "a file with another hard link was removed"


def test_hard_linked_file_of_backfill_counts_no_freed_bytes(home: Path) -> None:
    first = removed(home)
    assert first.freed_bytes > 0
    settings = few(home)
    baseline = backfills.Baseline(vintages={}, release="r4", code="code")
    days = (date(2024, 1, 1), date(2024, 1, 2))
    with time_machine.travel(datetime.now(UTC) - timedelta(days=2)):
        backfill = backfills.create(settings, "safe_bop", "fetch", days, (None,), baseline)
        backfills.log_event(settings, backfill.id, "discarded", "")
    backfill.home.mkdir()
    (backfill.home / "made").write_bytes(b"7 bytes")
    (backfill.home / "linked").hardlink_to(next((home / "landing").glob("*/*/rows.parquet")))
    assert remove_expired(settings).freed_bytes == 7


def test_accepted_vintages_are_kept_under_any_policy(home: Path) -> None:
    vintage = next((home / "landing").glob("*/*/manifest.json")).parent
    for path in (vintage, vintage / "manifest.json"):
        set_age(path, 5000)
    before = {path: sha256_of(path) for path in (home / "landing").rglob("*") if path.is_file()}
    assert len(before) >= 3
    zero = {name: "0" for name in FEW if name != "WAREHOUSE_KEEP_RELEASES"}
    assert removed(home, **zero).rejected
    after = {path: sha256_of(path) for path in (home / "landing").rglob("*") if path.is_file()}
    assert {path: digest for path, digest in after.items() if path.name != ".lock"} == before


def test_rejected_loads_of_a_locked_source_are_kept(home: Path) -> None:
    with store.source_lock(home / "landing", SOURCE):
        found = removed(home)
    assert found.rejected == () and found.builds
    assert names(home / "rejected" / SOURCE) == ["pull0", "pull1", "pull2"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("WAREHOUSE_KEEP_RELEASES", "1", "greater than or equal to 2"),
        ("WAREHOUSE_KEEP_BUILDS", "many", "valid integer"),
        ("WAREHOUSE_KEEP_RELEASES_GIB", "0", "greater than 0"),
        ("WAREHOUSE_KEEP_BUILD", "3", "no such setting"),
        ("WAREHOUSE_DISK_FACTOR", "nan", "finite number"),
        ("WAREHOUSE_KEEP_REJECTED_DAYS", "-1", "greater than or equal to 0"),
    ],
)
def test_invalid_policy_removes_nothing(home: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(WarehouseError, match=f"{name}.*{message}"):
        removed(home, **{name: text})
    assert len(names(home / "published")) == 5


def test_defaults_are_those_of_the_settings_page() -> None:
    policy = RetentionPolicy()
    assert policy.model_dump() == {
        "releases": 30,
        "releases_days": 90,
        "releases_gib": 50,
        "builds": 3,
        "builds_days": 14,
        "rejected": 10,
        "rejected_days": 180,
        "runs_days": 90,
    }
    with environment(WAREHOUSE_KEEP_RELEASES="7", WAREHOUSE_KEEP_BUILDS=""):
        settings = load_settings()
    assert (settings.keep.releases, settings.keep.builds, settings.disk_factor) == (7, 3, 4)


KILLED = """
from warehouse import maintenance
from warehouse.config import load_settings
from warehouse.releases import retention
retention.append_entry = counted(retention.append_entry)
retention.fsync = counted(retention.fsync)
retention.shutil.rmtree = counted(retention.shutil.rmtree)
Path.rename = counted(Path.rename)
os.unlink = counted(os.unlink)
os.rmdir = counted(os.rmdir)
def run(home):
    maintenance.remove_expired(load_settings(home=Path(home)))
"""


@pytest.mark.slow
def test_retention_killed_at_any_operation_and_repeated_ends_like_undisturbed_run(
    home: Path, tmp_path: Path
) -> None:
    ends = []
    expected = {name: digest for name, digest in checksums(home).items() if name[:2] in ("r3", "r4")}
    with forks(KILLED, **FEW) as run:
        for point in (*range(0, 30), 36, 45, 55, 500):
            copy = tmp_path / str(point)
            shutil.copytree(home, copy, symlinks=True)
            ends.append(run(point, str(copy)))
            for visible in names(copy / "published"):  # complete, or hidden
                if not visible.startswith("."):
                    manifest = read_manifest(copy / "published" / visible)
                    file = copy / "published" / visible / "warehouse.duckdb"
                    assert manifest.database.sha256 == sha256_of(file)
            assert latest(copy) == "r4"
            removed(copy)
            assert names(copy / "published") == ["r3", "r4"], point
            assert names(copy / "build") == ["22", "23", "29"]
            assert names(copy / "rejected" / SOURCE) == ["pull2"]
            entries = read_history(copy / "published").require()
            assert [entry.release for entry in entries if entry.action == "remove"] == ["r0", "r1", "r2"]
            assert checksums(copy) == expected
            assert require_clean_audit(settings_of(copy)).findings == ()
            shutil.rmtree(copy)
    assert ends.count(-9) >= 30 and ends[-1] == 0


# --- audit --------------------------------------------------------------------------------------------


def test_nothing_is_removed_while_the_audit_has_findings(home: Path) -> None:
    path = flip_bit(home / "published" / "r0" / "warehouse.duckdb")
    result = maintain(few(home))
    assert {finding.path for finding in result.audit.findings} == {str(path)}
    assert result.removed is None and len(names(home / "published")) == 5
    with pytest.raises(Rejected, match=r"the audit has 1 findings: .*sha256 is") as caught:
        require_clean_audit(few(home))
    assert str(path) in str(caught.value) and "backup" in str(caught.value)


def test_old_files_are_removed_after_clean_audit(home: Path) -> None:
    result = maintain(few(home))
    assert result.audit.findings == () and result.disk.is_enough
    assert result.removed is not None and result.removed.releases == ("r0", "r1", "r2")
