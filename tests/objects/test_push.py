"""A push: what the bucket has afterwards, what a repeated push sends, and which home may switch `latest`."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import settings_of
from moto_server import content, keys, remove, write
from small_homes import EARLIER_RELEASE, RELEASE, ROWS, SOURCE, VINTAGE, make_home
from small_releases import flip_bit, make_release, make_vintage, overwrite

from warehouse.errors import WarehouseError
from warehouse.files import sha256_of
from warehouse.landing import withdraw
from warehouse.objects.lineage import LINEAGE
from warehouse.objects.push import SNAPSHOT, prune, push

pytest_plugins = ("buckets",)
NEW_RELEASE = "20240601T000000000000Z"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with records of each kind and a staged file; read only."""
    home = make_home(tmp_path_factory.mktemp("push") / "home")
    staged = home / "staged" / SOURCE / f"{VINTAGE}.0123456789abcdef.parquet"
    staged.parent.mkdir(parents=True)
    staged.write_bytes(b"staged here")
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "home", symlinks=True))


def pointer(s3: Any, bucket: str) -> dict[str, Any]:
    return json.loads(content(s3, bucket, "published/latest"))


def test_bucket_has_every_file_of_the_home_under_its_checksum(home: Path, bucket: str, s3: Any) -> None:
    push(settings_of(home, operator="mei.chen"), bucket)
    latest = pointer(s3, bucket)
    manifest = home / "published" / RELEASE / "MANIFEST.json"
    assert (latest["release"], latest["previous"], latest["operator"]) == (RELEASE, None, "mei.chen")
    assert latest["manifest_sha256"] == sha256_of(manifest)
    state = content(s3, bucket, f"states/{latest['state']}.json")
    assert hashlib.sha256(state).hexdigest() == latest["state"]
    files = json.loads(state)["files"]
    in_home = {
        path.relative_to(home).as_posix()
        for folder in ("landing", "staged", "published", "rejected", "backfill")
        for path in (home / folder).rglob("*")
        if path.is_file() and not path.is_symlink() and path.name != ".lock"
    }
    assert set(files) == in_home and len(in_home) > 25
    for path, file in files.items():
        changes = path.endswith(".jsonl") or path.startswith(("rejected/", "backfill/"))
        name = f"records/{file['sha256']}" if changes else path
        assert content(s3, bucket, name) == (home / path).read_bytes(), path
    assert not (home / SNAPSHOT).exists()


def test_repeated_push_sends_nothing_and_a_new_release_only_what_is_new(
    home: Path, bucket: str, s3: Any
) -> None:
    settings = settings_of(home)
    assert push(settings, bucket).uploaded > 20
    before = keys(s3, bucket)
    again = push(settings, bucket)
    assert (again.uploaded, again.is_switched) == (0, False)
    assert keys(s3, bucket) == before
    make_vintage(settings.landing, SOURCE, "2024-05-31", ROWS)
    make_release(home, NEW_RELEASE)
    assert push(settings, bucket).is_switched
    after = keys(s3, bucket)
    new = {name.rpartition("/")[0] for name in set(after) - set(before)}
    assert f"published/{NEW_RELEASE}" in new and f"landing/{SOURCE}/2024-05-31" in new
    assert {name.split("/")[1] for name in new if name.startswith("published")} == {NEW_RELEASE}
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {"published/latest"}
    latest = pointer(s3, bucket)
    assert (latest["release"], latest["previous"]) == (NEW_RELEASE, RELEASE)


def test_vintage_that_is_withdrawn_changes_the_state_and_no_object(home: Path, bucket: str, s3: Any) -> None:
    settings = settings_of(home)
    push(settings, bucket)
    before, state = keys(s3, bucket), pointer(s3, bucket)["state"]
    withdraw.withdraw(settings.landing, SOURCE, VINTAGE, "a misprint", "tests", subject="2021")
    push(settings, bucket)
    assert {name for name, etag in before.items() if keys(s3, bucket)[name] != etag} == {"published/latest"}
    latest = pointer(s3, bucket)
    files = json.loads(content(s3, bucket, f"states/{latest['state']}.json"))["files"]
    assert latest["state"] != state and f"landing/{SOURCE}/{VINTAGE}/withdrawn.json" in files
    assert latest["release"] == RELEASE and latest["previous"] is None


def test_objects_that_were_removed_are_uploaded_again(home: Path, bucket: str, s3: Any) -> None:
    settings = settings_of(home)
    push(settings, bucket)
    names = (f"published/{EARLIER_RELEASE}/MANIFEST.json", f"landing/{SOURCE}/{VINTAGE}/rows.parquet")
    for name in names:
        remove(s3, bucket, name)
    assert push(settings, bucket).uploaded == 2
    assert set(names) <= set(keys(s3, bucket))


def test_push_without_its_last_state_compares_every_object(home: Path, bucket: str, s3: Any) -> None:
    settings = settings_of(home)
    push(settings, bucket)
    remove(s3, bucket, f"states/{pointer(s3, bucket)['state']}.json")
    again = push(settings, bucket)
    assert (again.uploaded, again.is_switched) == (0, True)
    assert f"states/{pointer(s3, bucket)['state']}.json" in keys(s3, bucket)


def test_other_content_under_the_name_of_a_vintage_is_never_overwritten(
    home: Path, bucket: str, s3: Any
) -> None:
    name = f"landing/{SOURCE}/{VINTAGE}/rows.parquet"
    write(s3, bucket, name, b"of another home")
    with pytest.raises(WarehouseError, match=r"other content than .*warehouse objects prune --days 0"):
        push(settings_of(home), bucket)
    assert content(s3, bucket, name) == b"of another home"
    assert "published/latest" not in keys(s3, bucket)


def test_staged_file_with_other_bytes_is_taken_from_the_bucket(home: Path, bucket: str, s3: Any) -> None:
    push(settings_of(home), bucket)
    remove(s3, bucket, "published/latest")
    (staged,) = (home / "staged" / SOURCE).iterdir()
    staged.write_bytes(b"staged anew, by another machine")
    push(settings_of(home), bucket)
    state = json.loads(content(s3, bucket, f"states/{pointer(s3, bucket)['state']}.json"))
    file = state["files"][staged.relative_to(home).as_posix()]
    assert file["sha256"] == hashlib.sha256(b"staged here").hexdigest()
    assert file["size_bytes"] == len(b"staged here")


def test_damaged_file_is_not_pushed(home: Path, bucket: str, s3: Any) -> None:
    flip_bit(home / "published" / RELEASE / "parquet" / "mart.parquet")
    with pytest.raises(
        WarehouseError, match=rf"differ from their manifests: published/{RELEASE}/parquet/mart"
    ):
        push(settings_of(home), bucket)
    assert keys(s3, bucket) == {}


@pytest.mark.parametrize(
    "name", [f"landing/{SOURCE}/{VINTAGE}/manifest.json", f"published/{RELEASE}/MANIFEST.json"]
)
@pytest.mark.parametrize("content", [None, '{"source": '])
def test_home_without_a_manifest_is_not_pushed(
    name: str, content: str | None, home: Path, bucket: str, s3: Any
) -> None:
    overwrite(home / name, content) if content else (home / name).unlink()
    with pytest.raises(WarehouseError, match=f"missing or differ from their manifests: {name}"):
        push(settings_of(home), bucket)
    assert keys(s3, bucket) == {}


def test_home_without_a_release_is_not_pushed(tmp_path: Path, bucket: str) -> None:
    make_vintage(tmp_path / "landing", SOURCE, VINTAGE, ROWS)
    with pytest.raises(WarehouseError, match="no release to push"):
        push(settings_of(tmp_path), bucket)


# --- two homes ---


def test_second_home_is_rejected_until_it_names_the_release_that_it_replaces(
    home: Path, bucket: str, s3: Any, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(home, tmp_path / "other", symlinks=True))
    push(settings_of(home, operator="first"), bucket)
    make_release(other, NEW_RELEASE)
    with pytest.raises(WarehouseError, match=rf"release {RELEASE}, pushed by first .*--over {RELEASE}"):
        push(settings_of(other), bucket)
    with pytest.raises(WarehouseError, match=f"--over {RELEASE}"):
        push(settings_of(other), bucket, over=EARLIER_RELEASE)
    assert pointer(s3, bucket)["release"] == RELEASE
    push(settings_of(other), bucket, over=RELEASE)
    assert pointer(s3, bucket)["release"] == NEW_RELEASE
    with pytest.raises(WarehouseError, match=f"--over {NEW_RELEASE}"):
        push(settings_of(home), bucket)


def test_home_that_was_killed_after_the_switch_pushes_again(home: Path, bucket: str, s3: Any) -> None:
    settings = settings_of(home)
    push(settings, bucket)
    lineage = json.loads((home / LINEAGE).read_text())
    make_release(home, NEW_RELEASE)
    push(settings, bucket)
    # What the home has when the process is killed between the switch and the record of its end.
    killed = {**lineage, "states": [*lineage["states"], pointer(s3, bucket)["state"]]}
    (home / LINEAGE).write_text(json.dumps(killed))
    assert push(settings, bucket).uploaded == 0


# --- prune ---


def test_prune_removes_what_the_state_does_not_name_and_keeps_the_young(
    home: Path, bucket: str, s3: Any
) -> None:
    settings, now = settings_of(home), datetime.now(UTC)
    push(settings, bucket)
    before = keys(s3, bucket)
    shutil.rmtree(home / "published" / EARLIER_RELEASE)
    push(settings, bucket)
    current = pointer(s3, bucket)["state"]
    assert prune(settings, bucket, 1, now) == []
    removed = prune(settings, bucket, 1, now + timedelta(days=2))
    assert f"published/{EARLIER_RELEASE}/warehouse.duckdb" in removed
    after = keys(s3, bucket)
    assert not [name for name in after if EARLIER_RELEASE in name]
    assert [name for name in after if name.startswith("states/")] == [f"states/{current}.json"]
    kept = {name for name in before if name.startswith(("landing/", f"published/{RELEASE}/", "staged/"))}
    assert kept <= set(after) and "published/latest" in after
    assert push(settings, bucket).uploaded == 0


def test_objects_of_another_home_are_pruned_and_then_pushed(home: Path, bucket: str, s3: Any) -> None:
    settings, name = settings_of(home), f"landing/{SOURCE}/2024-05-31/rows.parquet"
    push(settings, bucket)
    write(s3, bucket, name, b"of a push that was killed")
    make_vintage(settings.landing, SOURCE, "2024-05-31", ROWS)
    with pytest.raises(WarehouseError, match="prune --days 0"):
        push(settings, bucket)
    assert name in prune(settings, bucket, 0, datetime.now(UTC) + timedelta(minutes=1))
    push(settings, bucket)
    assert content(s3, bucket, name) == (home / name).read_bytes()
