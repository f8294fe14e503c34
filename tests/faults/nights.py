"""A small warehouse for fault tests: three sources of the recorded nights.

All steps run, but a case takes seconds and writes a few megabytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
from conftest import environment

from warehouse.config import PROJECT_ROOT, SAMPLE_DIR
from warehouse.files import sha256_of
from warehouse.landing import parse, store
from warehouse.model import first_request
from warehouse.releases.manifest import read_manifest
from warehouse.releases.store import current, release_dirs
from warehouse.sources import SOURCES

SOURCE_NAMES = ("curated", "mofcom_totals", "worldbank_wdi")  # in the order of the nightly run


def mirror_of(night: str, into: Path) -> Path:
    """Copy the answers of a recorded night for SOURCE_NAMES, with all files of their hosts."""
    origin = SAMPLE_DIR / night
    index = json.loads((origin / "index.json").read_text())
    folders = {
        answer["file"].split("/")[0]
        for answer in index["answers"]
        if answer["address"] in {first_request(SOURCES[name].plan()).address for name in SOURCE_NAMES}
    }
    assert folders
    kept_answers = [answer for answer in index["answers"] if answer["file"].split("/")[0] in folders]
    for folder in folders:
        shutil.copytree(origin / folder, into / folder)
    (into / "index.json").write_text(json.dumps(index | {"answers": kept_answers}))
    return into


def run(
    home: Path, *arguments: str, mirror: Path | None = None, **also: str
) -> subprocess.CompletedProcess[str]:
    """Run a command of the command line and wait for its end."""
    return subprocess.run(
        [sys.executable, "-m", "warehouse", *arguments],
        cwd=PROJECT_ROOT,
        env=environment_of(home, mirror) | also,
        capture_output=True,
        text=True,
        timeout=900,  # a night takes minutes beside other tests
        check=False,
    )


def environment_of(home: Path, mirror: Path | None) -> dict[str, str]:
    """Return the environment of a process that works in a home."""
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_MIRROR=str(mirror or "")):
        return dict(os.environ)


def answered_by(mirror: Path) -> tuple[str, ...]:
    """Return the names of the sources that a mirror has answers for."""
    recorded = {answer["address"] for answer in json.loads((mirror / "index.json").read_text())["answers"]}
    return tuple(name for name, source in SOURCES.items() if first_request(source.plan()).address in recorded)


def tables_of(release: Path) -> dict[str, str]:
    """Map each table of a release to the checksum of its Parquet file, to compare two releases."""
    tables = read_manifest(release).tables
    assert len(tables) >= 12
    return {name: table.sha256 for name, table in tables.items()}


def current_release(home: Path) -> Path:
    """Return the current release."""
    release = current(home / "published")
    assert release is not None
    return release


def immutable_files(home: Path) -> dict[str, str]:
    """Digest every file of the accepted vintages and of the whole releases."""
    directories = [path.parent for path in (home / "landing").glob("*/[!.]*/manifest.json")]
    directories += release_dirs(home / "published")
    digests = {
        str(path.relative_to(home)): sha256_of(path)
        for directory in directories
        for path in directory.rglob("*")
        if path.is_file()
    }
    assert digests
    return digests


def files_outside_builds(home: Path) -> dict[str, str]:
    """Digest everything on disk that a new build reads: landing, staged observations, releases and history.

    A new build reads nothing of an earlier one. Locks are left out; staged observations have no order.
    """
    return {
        str(path.relative_to(home)): digest_of(path)
        for folder in ("landing", "staged", "published")
        for path in (home / folder).rglob("*")
        if path.is_symlink() or (path.is_file() and not path.name.endswith(".lock"))
    }


def digest_of(path: Path) -> str:
    """Return the target of a symlink, the digest of a file, or that of the rows of staged observations."""
    if path.is_symlink():
        return str(path.readlink())
    if path.parent.parent.name != "staged":
        return sha256_of(path)
    with duckdb.connect() as db:
        rows = db.read_parquet(str(path)).query("staged", "select hash(staged) from staged order by 1")
        return hashlib.sha256(repr(rows.fetchall()).encode()).hexdigest()


def require_complete(home: Path) -> None:
    """Assert that every vintage and every release has the content of its manifest."""
    for name, source in SOURCES.items():
        for vintage in store.vintages(home / "landing", name):
            assert parse.digest_rows(vintage.rows_path, source.columns) == vintage.rows_digest
            for file in vintage.files:
                assert sha256_of(vintage.directory / "files" / file.name) == file.sha256
    for release in release_dirs(home / "published"):
        manifest = read_manifest(release)
        assert sha256_of(release / manifest.database.file) == manifest.database.sha256
        for name, table in manifest.tables.items():
            assert sha256_of(release / "parquet" / f"{name}.parquet") == table.sha256
