"""A pull: the new home answers as the old one did, goes on from there, and has nothing that is damaged."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import Warehouse, copy_home, ingest, release_of, settings_of
from home_questions import answers
from moto_server import content, keys, remove, write
from small_homes import EARLIER_RELEASE, LOADS, RELEASE, SOURCE, VINTAGE, make_home
from small_releases import make_release

from warehouse.config import RESTORING, SAMPLE_DIR, load_settings, read_settings
from warehouse.errors import WarehouseError
from warehouse.files import sha256_of
from warehouse.landing import withdraw
from warehouse.maintenance import require_clean_audit
from warehouse.objects.behind import objects_state
from warehouse.objects.pull import pull
from warehouse.objects.push import push
from warehouse.releases.manifest import read_manifest
from warehouse.releases.publish import refresh, rollback

pytest_plugins = ("buckets",)
NEW_RELEASE = "20240601T000000000000Z"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with records of each kind, and an old rejected load; read only."""
    home = make_home(tmp_path_factory.mktemp("pull") / "home")
    withdraw.withdraw(home / "landing", SOURCE, VINTAGE, "a misprint", "tests", subject="2021")
    old = datetime(2024, 5, 3, tzinfo=UTC).timestamp()
    os.utime(home / "rejected" / SOURCE / LOADS[0] / "report.json", (old, old))
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "home", symlinks=True))


def checksums(home: Path) -> dict[str, str]:
    return {
        path.relative_to(home).as_posix(): sha256_of(path)
        for folder in ("landing", "published", "rejected", "backfill")
        for path in (home / folder).rglob("*")
        if path.is_file() and not path.is_symlink() and path.name != ".lock"
    }


def test_pulled_home_gives_the_same_answers(home: Path, bucket: str, tmp_path: Path) -> None:
    before, other = answers(home), tmp_path / "an other" / "home"
    push(settings_of(home), bucket)
    done = pull(settings_of(other), bucket)
    assert (done.release, done.present) == (RELEASE, 0) and done.downloaded > 25
    assert answers(other) == before
    assert checksums(other) == checksums(home)
    assert require_clean_audit(settings_of(other)).vintages == 2
    load = other / "rejected" / SOURCE / LOADS[0]
    assert datetime.fromtimestamp(load.stat().st_mtime, UTC).date() == datetime(2024, 5, 3).date()
    database = other / "published" / RELEASE / "warehouse.duckdb"
    assert stat.S_IMODE(database.stat().st_mode) == 0o444
    assert stat.S_IMODE((other / "published" / "history.jsonl").stat().st_mode) == 0o644


def test_pulled_home_goes_on_and_pushes(home: Path, bucket: str, s3: Any, tmp_path: Path) -> None:
    push(settings_of(home), bucket)
    other = settings_of(tmp_path / "other", objects=bucket)
    pull(other, bucket)
    state = objects_state(other)
    assert state is not None and not state.is_behind
    rollback(other.published, "previous", "wrong figures", "tests")
    state = objects_state(other)
    assert state is not None and state.is_behind and state.latest == EARLIER_RELEASE
    make_release(other.home, NEW_RELEASE)
    push(other, bucket)
    assert json.loads(content(s3, bucket, "published/latest"))["release"] == NEW_RELEASE
    pull(settings_of(tmp_path / "third"), bucket)
    assert checksums(tmp_path / "third") == checksums(other.home)


def shared_files(home: Path) -> dict[int, list[Path]]:
    """Return the paths of each file of the releases that has several, by its inode."""
    paths: dict[int, list[Path]] = {}
    for path in sorted((home / "published").rglob("*")):
        if path.is_file() and not path.is_symlink():
            paths.setdefault(path.stat().st_ino, []).append(path.relative_to(home))
    return {inode: found for inode, found in paths.items() if len(found) > 1}


def test_files_that_releases_share_are_pulled_once_and_linked(
    home: Path, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = home / "published" / RELEASE
    refresh(home / "published", release, NEW_RELEASE, {}, "tests", lambda *_: None)
    push(settings_of(home), bucket)
    shared, other = shared_files(home), tmp_path / "other"
    assert len(shared) > 3
    usage, free = shutil.disk_usage(tmp_path), size_of_files(home)
    monkeypatch.setattr("warehouse.backup.shutil.disk_usage", lambda path: usage._replace(free=free))
    done = pull(settings_of(other), bucket)
    assert checksums(other) == checksums(home)
    for paths in shared.values():
        assert len({(other / path).stat().st_ino for path in paths}) == 1, paths
    assert size_of_files(other) <= free
    assert done.linked >= sum(len(paths) - 1 for paths in shared.values())
    assert done.downloaded + done.linked == len(checksums(home)) and done.present == 0
    vintage = other / "landing" / SOURCE / VINTAGE / "rows.parquet"
    assert vintage.stat().st_nlink == 1, "only files of releases are linked"
    require_clean_audit(settings_of(other))


def size_of_files(home: Path) -> int:
    """Return the bytes of the files that a pull brings: those of one inode once."""
    found = [(home / name).stat() for name in checksums(home)]
    return sum({one.st_ino: one.st_size for one in found}.values())


def test_shared_file_whose_first_object_is_missing_is_pulled_from_another(
    home: Path, bucket: str, s3: Any, tmp_path: Path
) -> None:
    refresh(home / "published", home / "published" / RELEASE, NEW_RELEASE, {}, "tests", lambda *_: None)
    push(settings_of(home), bucket)
    first, second = (f"published/{name}/dbt_docs/manifest.json" for name in (EARLIER_RELEASE, NEW_RELEASE))
    assert sha256_of(home / first) == sha256_of(home / second)
    remove(s3, bucket, first)
    other = tmp_path / "other"
    with pytest.raises(WarehouseError, match=rf"1 of \d+ files .*{first}\. All"):
        pull(settings_of(other), bucket)
    assert sha256_of(other / second) == sha256_of(home / second)


def test_file_system_without_links_is_pulled_to(
    home: Path, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(home / "published", home / "published" / RELEASE, NEW_RELEASE, {}, "tests", lambda *_: None)
    push(settings_of(home), bucket)

    def reject(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted", str(self))

    monkeypatch.setattr(Path, "hardlink_to", reject)
    done = pull(settings_of(tmp_path / "other"), bucket)
    assert checksums(tmp_path / "other") == checksums(home)
    assert done.linked == 0 and done.downloaded == len(checksums(home))


@pytest.mark.slow
def test_next_night_runs_on_the_machine_that_pulled(bank: Warehouse, bucket: str, tmp_path: Path) -> None:
    origin = copy_home(bank.home, tmp_path / "origin")
    push(settings_of(origin), bucket)
    shutil.rmtree(origin)
    home = tmp_path / "home"
    pull(settings_of(home), bucket)
    assert ingest(settings_of(home, SAMPLE_DIR / "night-2"), "worldbank_wdi") is None  # no news
    staged = {path: path.stat().st_mtime_ns for path in (home / "staged").rglob("*.parquet")}
    release = release_of(home, force=True)
    assert staged and {path: path.stat().st_mtime_ns for path in staged} == staged  # not staged again
    old = {name: one.sha256 for name, one in read_manifest(bank.release).tables.items()}
    new = {name: one.sha256 for name, one in read_manifest(release).tables.items()}
    assert len(old) > 20 and new == old
    assert push(settings_of(home), bucket).is_switched


# --- damaged objects, interrupted pulls, homes in use ---


def test_damaged_and_missing_objects_are_named_and_latest_is_not_set(
    home: Path, bucket: str, s3: Any, tmp_path: Path
) -> None:
    push(settings_of(home), bucket)
    damaged, missing = f"published/{RELEASE}/warehouse.duckdb", f"landing/{SOURCE}/{VINTAGE}/rows.parquet"
    original = content(s3, bucket, damaged)
    write(s3, bucket, damaged, original[:-1] + b"?")
    remove(s3, bucket, missing)
    other = tmp_path / "other"
    with pytest.raises(WarehouseError, match=rf"2 of \d+ files .*{missing}, {damaged}"):
        pull(settings_of(other), bucket)
    assert not (other / "published" / "latest").is_symlink() and not (other / damaged).exists()
    with pytest.raises(WarehouseError, match=r"half restored .*Complete it with: warehouse objects pull"):
        load_settings(home=other)
    write(s3, bucket, damaged, original)
    push(settings_of(home), bucket)
    done = pull(read_settings(home=other), bucket)
    assert (done.downloaded, done.release) == (2, RELEASE)
    assert checksums(other) == checksums(home)


def test_interrupted_pull_is_completed_with_the_state_that_it_began(
    home: Path, bucket: str, s3: Any, tmp_path: Path
) -> None:
    push(settings_of(home), bucket)
    before, other = checksums(home), tmp_path / "other"
    missing = f"published/{RELEASE}/MANIFEST.json"
    manifest = content(s3, bucket, missing)
    remove(s3, bucket, missing)
    with pytest.raises(WarehouseError, match=missing):
        pull(settings_of(other), bucket)
    make_release(home, NEW_RELEASE)
    push(settings_of(home), bucket)
    assert content(s3, bucket, missing) == manifest
    assert pull(read_settings(home=other), bucket).release == RELEASE
    assert checksums(other) == before
    assert not (other / RESTORING).exists()


def test_pull_needs_an_empty_home_and_a_bucket_with_a_release(
    home: Path, bucket: str, tmp_path: Path
) -> None:
    with pytest.raises(WarehouseError, match=r"has no published/latest.*warehouse objects push"):
        pull(settings_of(tmp_path / "other"), bucket)
    push(settings_of(home), bucket)
    with pytest.raises(WarehouseError, match="is not empty"):
        pull(settings_of(home), bucket)


def test_state_that_names_a_path_outside_of_a_home_is_rejected(
    home: Path, bucket: str, s3: Any, tmp_path: Path
) -> None:
    push(settings_of(home), bucket)
    latest = json.loads(content(s3, bucket, "published/latest"))
    state = json.loads(content(s3, bucket, f"states/{latest['state']}.json"))
    state["files"]["landing/../../stolen"] = next(iter(state["files"].values()))
    changed = json.dumps(state).encode()
    name = hashlib.sha256(changed).hexdigest()
    write(s3, bucket, f"states/{name}.json", changed)
    write(s3, bucket, "published/latest", json.dumps(latest | {"state": name}).encode())
    with pytest.raises(WarehouseError, match=r"landing/../../stolen, which is not a path of a home"):
        pull(settings_of(tmp_path / "other"), bucket)
    write(s3, bucket, f"states/{name}.json", changed + b" ")
    with pytest.raises(WarehouseError, match="does not have its checksum"):
        pull(settings_of(tmp_path / "other"), bucket)
    assert not (tmp_path / "other" / "landing").exists()
    assert keys(s3, bucket)
