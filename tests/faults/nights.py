"""A small warehouse for fault tests: three of the recorded sources, cut out of the recorded nights.

Small, so that a case takes seconds: the steps are all there, and what they write is some megabytes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import environment

from warehouse import landing, publish
from warehouse.config import PROJECT_ROOT, SAMPLE_DIR
from warehouse.files import sha256_of
from warehouse.sources import SOURCES

FEW = ("curated", "mofcom_totals", "worldbank_wdi")  # in the order in which a night takes them


def mirror_of(night: str, into: Path) -> Path:
    """Copy what a recorded night answers for the few sources: all that their hosts sent."""
    origin = SAMPLE_DIR / night
    index = json.loads((origin / "index.json").read_text())
    folders = {
        one["file"].split("/")[0]
        for one in index["answers"]
        if one["address"] in {next(SOURCES[name].plan()).address for name in FEW}
    }
    assert folders
    kept = [one for one in index["answers"] if one["file"].split("/")[0] in folders]
    for folder in folders:
        shutil.copytree(origin / folder, into / folder)
    (into / "index.json").write_text(json.dumps(index | {"answers": kept}))
    return into


def says(
    home: Path, *words: str, mirror: Path | None = None, **also: str
) -> subprocess.CompletedProcess[str]:
    """Run a word of the command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "warehouse", *words],
        cwd=PROJECT_ROOT,
        env=surroundings(home, mirror) | also,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def surroundings(home: Path, mirror: Path | None) -> dict[str, str]:
    """Return the environment of a process that works in a home."""
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_MIRROR=str(mirror or "")):
        return dict(os.environ)


def answered(mirror: Path) -> tuple[str, ...]:
    """Name the sources that a mirror has an answer for."""
    recorded = {one["address"] for one in json.loads((mirror / "index.json").read_text())["answers"]}
    return tuple(name for name, source in SOURCES.items() if next(source.plan()).address in recorded)


def tables_of(release: Path) -> dict[str, str]:
    """Map each table of a release to the checksum of its Parquet file: what makes two releases equal."""
    tables = publish.read_manifest(release)["tables"]
    assert len(tables) >= 12
    return {name: told["sha256"] for name, told in tables.items()}


def standing(home: Path) -> Path:
    """Return the release that readers see."""
    stands = publish.standing(home / "published")
    assert stands is not None
    return stands


def never_to_change(home: Path) -> dict[str, str]:
    """Digest every file of the accepted vintages and of the whole releases."""
    places = [path.parent for path in (home / "landing").glob("*/[!.]*/manifest.json")]
    places += publish.releases(home / "published")
    told = {
        str(path.relative_to(home)): sha256_of(path)
        for one in places
        for path in one.rglob("*")
        if path.is_file()
    }
    assert told
    return told


def nothing_is_half(home: Path) -> None:
    """Assert that every vintage and every release there is holds what its manifest says."""
    for name, source in SOURCES.items():
        for vintage in landing.vintages(home / "landing", name):
            assert landing.digest_rows(vintage.rows_path, source.columns) == vintage.rows_digest
            for file in vintage.files:
                assert sha256_of(vintage.directory / "files" / file.name) == file.sha256
    for place in publish.releases(home / "published"):
        told = publish.read_manifest(place)
        assert sha256_of(place / told["database"]["file"]) == told["database"]["sha256"]
        for table, facts in told["tables"].items():
            assert sha256_of(place / "parquet" / f"{table}.parquet") == facts["sha256"]
