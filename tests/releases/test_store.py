"""Releases are found and listed; missing or damaged releases are reported with a remedy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from small_releases import LATER, flip_bit, make_release, make_vintage, overwrite

from warehouse.errors import WarehouseError
from warehouse.files import record_json
from warehouse.landing.store import read_vintage
from warehouse.model import Decision
from warehouse.releases.history import HISTORY
from warehouse.releases.manifest import RELEASE_REMEDY, entry_of, read_manifest
from warehouse.releases.publish import rollback
from warehouse.releases.store import (
    current,
    find_release,
    list_releases,
    reading,
    release_dirs,
    require_current,
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with two releases; the second is the current release."""
    make_release(tmp_path, "one")
    make_release(tmp_path, "two", LATER)
    return tmp_path


def test_releases_are_listed_in_the_order_of_the_history(home: Path) -> None:
    make_release(home, "earlier by its clock", age_days=400)
    rollback(home / "published", "two", "the clock went back", "ada@desk")
    rows = list_releases(home / "published").require()
    assert [row.release for row in rows] == ["one", "two", "earlier by its clock"]
    assert [row.is_latest for row in rows] == [False, True, False]
    assert [row.rows for row in rows] == [4, 5, 4]
    assert all(row.size_bytes > 10_000 for row in rows)
    assert [row.rolled_back and (row.rolled_back.actor, row.rolled_back.reason) for row in rows] == [
        None,
        None,
        ("ada@desk", "the clock went back"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read (No such file or directory)"),
        ("", "invalid record (Invalid JSON"),
        ('{"release": "one", "tab', "invalid record (Invalid JSON"),
        ("[]", "invalid record (Input should be an object"),
        ('{"release": "one"}', "invalid record (as_of: Field required)"),
    ],
)
def test_release_with_damaged_manifest_does_not_hide_others(
    home: Path, content: str | None, message: str
) -> None:
    path = home / "published" / "one" / "MANIFEST.json"
    if content is None:
        path.unlink()
    else:
        overwrite(path, content)
    listing = list_releases(home / "published")
    assert [row.release for row in listing.records] == ["two"]
    (problem,) = listing.problems
    assert problem.startswith(f"{path}: {message}") and problem.endswith(RELEASE_REMEDY)
    assert "\n" not in problem
    assert find_release(home / "published", "previous").name == "one"
    with pytest.raises(WarehouseError, match=r"one/MANIFEST\.json: "):
        read_manifest(find_release(home / "published", "one"))


def test_damaged_line_of_the_history_does_not_hide_releases(home: Path) -> None:
    path = home / "published" / HISTORY
    path.write_bytes(path.read_bytes() + b'{"at": 1}\n')
    listing = list_releases(home / "published")
    assert [row.release for row in listing.records] == ["one", "two"]
    assert len(listing.problems) == 1 and listing.problems[0].startswith(f"{path}, line 3: ")


def test_invalid_field_of_manifest_is_reported_by_name(home: Path) -> None:
    path = home / "published" / "one" / "MANIFEST.json"
    content = json.loads(path.read_text())
    content["tables"]["mart"]["rows"] = "many"
    overwrite(path, json.dumps(content))
    with pytest.raises(WarehouseError, match=r"MANIFEST\.json: invalid record \(tables\.mart\.rows: "):
        read_manifest(path.parent)


def test_manifest_of_earlier_versions_is_read(home: Path) -> None:
    path = home / "published" / "one" / "MANIFEST.json"
    content = json.loads(path.read_text())
    for later in ("news", "code_sha256", "revisions_from"):
        del content[later]
    content["vintages"] = [
        {
            "source": "safe_bop",
            "vintage": "2024-03-29",
            "retrieved_at": "2024-03-29T00:00:00+00:00",
            "row_count": 1,
            "rows_digest": "digest",
            "overruled": {"by": "ada", "at": "2024-03-29T00:00:00+00:00", "why": "right", "about": "pull"},
            "files": [],
        }
    ]
    overwrite(path, json.dumps(content))
    manifest = read_manifest(path.parent)
    assert (manifest.news, manifest.code_sha256, manifest.revisions_from) == (None, "", None)
    (entry,) = manifest.vintages
    assert entry.overruled is not None and (entry.overruled.actor, entry.overruled.reason) == ("ada", "right")
    written = json.loads(record_json(manifest))
    assert list(written["vintages"][0])[-2:] == ["overruled", "files"], "an empty field was written"
    assert set(written) == set(content) | {"news", "code_sha256", "revisions_from"}


def test_entry_of_manifest_describes_a_vintage(tmp_path: Path) -> None:
    vintage = make_vintage(
        tmp_path, "safe_bop", "2024-03-29", [{"value": "1", "_file": "data.csv", "_row": 2}]
    )
    decision = Decision(actor="ada", at=vintage.landed_at, reason="right", subject="the backfill")
    read = read_vintage(vintage.directory).model_copy(update={"backfilled": decision})
    entry = entry_of(read)
    assert (entry.source, entry.vintage, entry.backfilled) == ("safe_bop", "2024-03-29", "the backfill")
    assert (entry.overruled, entry.files) == (None, vintage.files)
    assert "overruled" not in entry.model_dump(mode="json")


def test_dangling_latest_is_reported(home: Path) -> None:
    published = home / "published"
    assert require_current(published).name == "two"
    shutil.rmtree(published / "two")
    with pytest.raises(WarehouseError, match=r"latest: points at release two, which does not exist"):
        current(published)
    with pytest.raises(WarehouseError, match=r"two, which does not exist\. .*warehouse repair latest"):
        find_release(published, "latest")
    assert [row.is_latest for row in list_releases(published).records] == [False]


def test_no_release_before_the_first(tmp_path: Path) -> None:
    assert current(tmp_path) is None
    assert list_releases(tmp_path).require() == ()
    with pytest.raises(WarehouseError, match=r"there is no release yet\. Make one with: warehouse run"):
        require_current(tmp_path)
    for name in ("latest", "previous", "2024"):
        with pytest.raises(WarehouseError, match="Existing releases: none"):
            find_release(tmp_path, name)


def test_hidden_directories_are_no_releases(home: Path) -> None:
    for name in (".partial-three", ".removing-zero"):
        shutil.copytree(home / "published" / "one", home / "published" / name)
    assert [path.name for path in release_dirs(home / "published")] == ["one", "two"]


@pytest.mark.parametrize("harm", ["missing", "empty", "text", "half", "header", "block"])
def test_damaged_database_is_reported_with_remedy(home: Path, harm: str) -> None:
    make_release(
        home,
        "big",
        sql="create table core.big as select i, md5(cast(i as varchar)) as t from range(200000) r(i)",
    )
    path = home / "published" / "big" / "warehouse.duckdb"
    content = path.read_bytes()
    if harm == "missing":
        path.unlink()
    elif harm in ("header", "block"):
        flip_bit(path, 10 if harm == "header" else len(content) // 2)
    else:
        overwrite(
            path, {"empty": b"", "text": b"no database" * 100, "half": content[: len(content) // 2]}[harm]
        )
    with pytest.raises(WarehouseError) as caught, reading(path) as db:
        db.execute("select max(t), sum(i) from core.big").fetchall()
    message = str(caught.value)
    assert message.startswith(f"{path}: cannot be read (") and message.endswith(RELEASE_REMEDY)
    assert "\n" not in message
    assert ("the file is missing" in message) == (harm == "missing")
