"""A night compares what is new: what the standing release knows is taken from it, and is the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from conftest import environment, release_of, replay
from test_backfill import recording

from warehouse import pipeline, publish
from warehouse.config import SAMPLE_DIR

NAME = "worldbank_wdi"
BANK = "api.worldbank.org"
# Digits typed off night 2's BX.GSR.NFSV.CD: China's services exports of 2021 in dollars.
THEN, LATER = b"339393210195.59", b"339393210195.99"


def checksums(release: Path) -> dict[str, str]:
    tables = publish.read_manifest(release)["tables"]
    assert len(tables) > 12
    return {name: told["sha256"] for name, told in tables.items()}


def raw(build: str) -> dict[str, list[str]]:
    """Tell which vintages' rows a build holds, and to which vintages its known revisions belong."""
    with duckdb.connect(str(Path(build) / pipeline.LOADED), read_only=True) as db:
        rows = db.execute(f"select distinct vintage from raw.{NAME} order by 1").fetchall()
        known = db.execute("select distinct vintage from raw.known_revision order by 1").fetchall()
    return {"rows": [one for (one,) in rows], "known": [one for (one,) in known]}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish the World Bank's two recorded vintages, and land a third."""
    place = tmp_path_factory.mktemp("three") / "home"
    night = the_bank_of(SAMPLE_DIR / "night-2", place.with_name("night-2"))
    replay(place, SAMPLE_DIR / "night-1")
    replay_one(place, night)
    release_of(place)
    replay_one(place, recording(place.with_name("night-3"), "2024-09-09T00:00:00Z", THEN, LATER, night))
    return place


def the_bank_of(night: Path, into: Path) -> Path:
    """Copy what the World Bank answered in a recorded night."""
    shutil.copytree(night / BANK, into / BANK)
    index = json.loads((night / "index.json").read_text())
    kept = [one for one in index["answers"] if one["file"].startswith(BANK)]
    assert kept
    (into / "index.json").write_text(json.dumps(index | {"answers": kept}))
    return into


def replay_one(place: Path, night: Path) -> None:
    with environment(WAREHOUSE_HOME=str(place), WAREHOUSE_MIRROR=str(night)):
        assert pipeline.accept(NAME, pipeline.fetch(NAME)) is not None


def test_a_release_made_of_what_is_new_is_the_one_made_of_everything(home: Path, tmp_path: Path) -> None:
    ends = []
    for force in (False, True):
        place = tmp_path / str(force)
        shutil.copytree(home, place, symlinks=True)
        with environment(WAREHOUSE_HOME=str(place)):
            stands = publish.standing(place / "published")
            assert stands is not None
            build = pipeline.load(force=force)
            assert build is not None
            if force:
                assert raw(build) == {"rows": ["2022-09-16", "2024-07-12", "2024-09-09"], "known": []}
                assert pipeline.note_of(Path(build))["revisions_from"] is None
            else:
                assert raw(build) == {"rows": ["2024-07-12", "2024-09-09"], "known": ["2024-07-12"]}
                assert pipeline.note_of(Path(build))["revisions_from"] == stands.name
            ends.append(place / "published" / pipeline.publish(pipeline.validate(pipeline.transform(build))))
    of_new, of_all = ends
    assert checksums(of_new) == checksums(of_all)
    with duckdb.connect(str(of_new / pipeline.DATABASE), read_only=True) as db:
        found = db.execute(
            "select previous_vintage, vintage from core.fct_revision where "
            "indicator = 'BX.GSR.NFSV.CD' and period_label = '2021' order by vintage"
        ).fetchall()
        counted = db.execute(
            "select count(distinct vintage) from marts.mart_claim where source = ?", [NAME]
        ).fetchone()
    assert found == [("2022-09-16", "2024-07-12"), ("2024-07-12", "2024-09-09")]
    assert counted == (3,), "claims are judged against every vintage, loaded or not"


@pytest.mark.parametrize("harm", ["code", "file", "digest", "past"])
def test_what_is_not_surely_the_same_is_made_anew(
    home: Path, tmp_path: Path, harm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "home"
    shutil.copytree(home, place, symlinks=True)
    stands = publish.standing(place / "published")
    assert stands is not None
    if harm == "code":
        monkeypatch.setattr(pipeline, "code_digest", lambda: "newer")
    elif harm == "file":
        file = stands / "parquet" / "fct_revision.parquet"
        file.chmod(0o644)
        file.write_bytes(file.read_bytes()[:-1])
    else:
        manifest = stands / "MANIFEST.json"
        text = manifest.read_text()
        manifest.chmod(0o644)
        old, new = {
            "digest": ('"rows_digest": "', '"rows_digest": "0'),
            "past": ('"is_of_the_past": false', '"is_of_the_past": true'),
        }[harm]
        assert old in text
        manifest.write_text(text.replace(old, new))
    with environment(WAREHOUSE_HOME=str(place)):
        build = pipeline.load()
    assert build is not None
    assert raw(build) == {"rows": ["2022-09-16", "2024-07-12", "2024-09-09"], "known": []}
