"""A build takes known revisions from the current release, and gives the same tables as a full build."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse, copy_home, ingest, settings_of
from recordings import recording

from warehouse.build import builds, contents, steps
from warehouse.config import SAMPLE_DIR
from warehouse.releases.manifest import read_manifest
from warehouse.releases.store import DATABASE, current

NAME = "worldbank_wdi"
# Digits copied from night 2's BX.GSR.NFSV.CD: China's services exports of 2021 in dollars.
FIRST, LATER = b"339393210195.59", b"339393210195.99"


def checksums(release: Path) -> dict[str, str]:
    tables = read_manifest(release).tables
    assert len(tables) > 12
    return {name: table.sha256 for name, table in tables.items()}


def raw(build: Path) -> dict[str, list[str]]:
    """Return the vintages with rows in a build, and the vintages of its known revisions."""
    with duckdb.connect(str(build / builds.LOADED), read_only=True) as db:
        rows = db.execute(f"select distinct vintage from raw.{NAME} order by 1").fetchall()
        known_vintages = db.execute("select distinct vintage from raw.known_revision order by 1").fetchall()
    return {"rows": [vintage for (vintage,) in rows], "known": [vintage for (vintage,) in known_vintages]}


@pytest.fixture(scope="module")
def home(bank: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home in which two vintages of the World Bank are published, and a third is landed."""
    home_dir = copy_home(bank.home, tmp_path_factory.mktemp("three") / "home")
    mirror = recording(
        home_dir.with_name("night-3"), "2024-09-09T00:00:00Z", FIRST, LATER, SAMPLE_DIR / "night-2"
    )
    assert ingest(settings_of(home_dir, mirror), NAME) is not None
    return home_dir


def test_incremental_build_equals_a_full_build(home: Path, tmp_path: Path) -> None:
    releases = []
    for force in (False, True):
        copy = tmp_path / str(force)
        shutil.copytree(home, copy, symlinks=True)
        settings = settings_of(copy)
        release = current(settings.published)
        assert release is not None
        build_id = steps.load(settings, force=force)
        assert build_id is not None
        build = builds.build_dir(settings, build_id)
        if force:
            assert raw(build) == {"rows": ["2022-09-16", "2024-07-12", "2024-09-09"], "known": []}
            assert builds.read_build(build).revisions_from is None
        else:
            assert raw(build) == {"rows": ["2024-07-12", "2024-09-09"], "known": ["2024-07-12"]}
            assert builds.read_build(build).revisions_from == release.name
        validated = steps.validate(settings, steps.transform(settings, build_id))
        releases.append(settings.published / steps.publish(settings, validated))
    of_new, of_all = releases
    assert checksums(of_new) == checksums(of_all)
    with duckdb.connect(str(of_new / DATABASE), read_only=True) as db:
        found = db.execute(
            "select previous_vintage, vintage from core.fct_revision where "
            "indicator = 'BX.GSR.NFSV.CD' and period_label = '2021' order by vintage"
        ).fetchall()
        counted = db.execute(
            "select count(distinct vintage) from marts.mart_claim where source = ?", [NAME]
        ).fetchone()
    assert found == [("2022-09-16", "2024-07-12"), ("2024-07-12", "2024-09-09")]
    assert counted == (3,), "claims are compared with every vintage, loaded or not"


@pytest.mark.parametrize("change", ["code", "file", "digest", "as_of"])
def test_revisions_are_recomputed_when_they_may_differ(
    home: Path, tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(tmp_path / "home")
    shutil.copytree(home, settings.home, symlinks=True)
    release = current(settings.published)
    assert release is not None
    if change == "code":
        monkeypatch.setattr(contents, "code_digest", lambda: "newer")
    elif change == "file":
        file = release / "parquet" / "fct_revision.parquet"
        file.chmod(0o644)
        file.write_bytes(file.read_bytes()[:-1])
    else:
        manifest = release / "MANIFEST.json"
        text = manifest.read_text()
        manifest.chmod(0o644)
        old, new = {
            "digest": ('"rows_digest": "', '"rows_digest": "0'),
            "as_of": ('"is_of_the_past": false', '"is_of_the_past": true'),
        }[change]
        assert old in text
        manifest.write_text(text.replace(old, new))
    build = steps.load(settings)
    assert build is not None
    rows = ["2022-09-16", "2024-07-12", "2024-09-09"]
    assert raw(builds.build_dir(settings, build)) == {"rows": rows, "known": []}
