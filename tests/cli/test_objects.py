"""The commands `objects`: what they print, as text and JSON, and their exit codes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command_line import invoke
from moto_server import SECRET
from small_homes import EARLIER_RELEASE, RELEASE, make_home

pytest_plugins = ("buckets",)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


def test_home_is_pushed_listed_and_pulled(home: Path, bucket: str, tmp_path: Path) -> None:
    shown = invoke(home, "objects", "push", WAREHOUSE_OBJECTS=bucket).stdout
    assert f"pushed release {RELEASE} to {bucket}: " in shown and "`latest` is switched" in shown
    again = invoke(home, "objects", "push", bucket, "--json").json
    assert (again["release"], again["uploaded"], again["is_switched"]) == (RELEASE, 0, False)
    latest = invoke(home, "objects", "latest", bucket).stdout
    assert f"{bucket}/published/{RELEASE}" in latest
    found = invoke(home, "objects", "latest", bucket, "--json").json
    assert found["release"] == RELEASE and found["address"] == f"{bucket}/published/{RELEASE}"
    releases = invoke(home, "objects", "list", bucket, "--json").json
    assert [(one["release"], one["is_latest"], one["is_complete"]) for one in releases] == [
        (EARLIER_RELEASE, False, True),
        (RELEASE, True, True),
    ]
    files = [path for path in (home / "published" / RELEASE).rglob("*") if path.is_file()]
    assert releases[1]["files"] == len(files)
    assert releases[1]["size_bytes"] == sum(path.stat().st_size for path in files)
    assert RELEASE in invoke(home, "objects", "list", bucket).stdout
    assert invoke(home, "objects", "list", bucket, "--csv").stdout.startswith("release,is_latest,is_complete")
    pulled = invoke(tmp_path / "other", "objects", "pull", WAREHOUSE_OBJECTS=bucket).stdout
    assert "every checksum is right" in pulled and f"current release: {RELEASE}" in pulled
    assert (tmp_path / "other" / "published" / "latest" / "MANIFEST.json").is_file()
    third = invoke(tmp_path / "third", "objects", "pull", bucket, "--json").json
    assert third["latest"] == RELEASE and third["present"] == 0


def test_prune_removes_the_releases_that_the_home_has_not(home: Path, bucket: str) -> None:
    invoke(home, "objects", "push", bucket)
    shutil.rmtree(home / "published" / EARLIER_RELEASE)
    invoke(home, "objects", "push", bucket)
    assert invoke(home, "objects", "prune", bucket).stdout == "removed 0 objects\n"
    removed = invoke(home, "objects", "prune", bucket, "--days", "0", "--json").json["removed"]
    assert f"published/{EARLIER_RELEASE}/MANIFEST.json" in removed
    assert [one["release"] for one in invoke(home, "objects", "list", bucket, "--json").json] == [RELEASE]


def test_other_home_is_rejected_with_the_command_that_replaces_it(
    home: Path, bucket: str, tmp_path: Path
) -> None:
    other = make_home(tmp_path / "other")
    invoke(home, "objects", "push", bucket)
    ended = invoke(other, "objects", "push", bucket, exit_code=1)
    assert f"warehouse objects push --over {RELEASE}" in ended.stderr


def test_address_is_required_by_argument_or_setting(home: Path) -> None:
    assert "WAREHOUSE_OBJECTS" in invoke(home, "objects", "push", exit_code=2).stderr


@pytest.mark.parametrize("command", ["push", "pull", "latest", "list", "prune"])
def test_failed_request_shows_no_secret(command: str, home: Path, bucket: str, tmp_path: Path) -> None:
    target = tmp_path / "other" if command == "pull" else home
    ended = invoke(target, "objects", command, "s3://no-such-bucket", exit_code=1)
    assert "NoSuchBucket" in ended.stderr and SECRET not in ended.stderr + ended.stdout
