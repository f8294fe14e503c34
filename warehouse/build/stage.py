"""Stage vintages: turn the rows of each vintage into typed observations once, and keep them as Parquet.

`staged/<source>/<vintage>.<key>.parquet` holds the observations of a vintage. The key digests its rows and
what the staging model reads: the model, the macros, the generic tests and the seeds that it refers to. A file
with the current key is used as it is, so a build does not parse a vintage that was staged before.

All vintages that are not staged yet are staged in one run of dbt, with the tests of their models. When a
model or test of a source fails, the vintages of the source are staged one by one, and those that fail are
reported; the other sources are not concerned.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.build import dbt, reuse
from warehouse.build import load as loading
from warehouse.config import DBT_PROJECT_DIR
from warehouse.database import connect, literal
from warehouse.errors import Rejected
from warehouse.files import fsync, sha256_of
from warehouse.logs import Timer
from warehouse.model import Source, Vintage

LOG = logging.getLogger(__name__)
Rows = tuple[Vintage, Path]
_REFERENCE = re.compile(r"ref\('(\w+)'\)")


@dataclass(frozen=True)
class Staged:
    """The staged files by source and vintage, and the reason of each vintage that could not be staged."""

    files: Mapping[tuple[str, str], Path]
    failures: Mapping[tuple[str, str], str]


def stage(
    directory: Path, work: Path, sources: Mapping[str, Source], rows: Sequence[Rows], parsed: Path
) -> Staged:
    """Return the staged files of vintages; stage those that are missing.

    `directory` is the store of staged files, `work` a scratch directory, `rows` pairs each vintage with the
    Parquet file of its rows, `parsed` is the file that keeps what dbt parsed. Raises WarehouseError when dbt
    itself fails, and Rejected when what fails is no model or test of a source (a seed).
    """
    codes = {name: code_digest(name) for name in sources}
    paths = {(one.source, one.id): staged_path(directory, one, codes[one.source]) for one, _ in rows}
    missing = [(one, path) for one, path in rows if not paths[one.source, one.id].exists()]
    failures: dict[tuple[str, str], str] = {}
    if missing:
        failures = _stage_missing(work, sources, missing, paths, parsed)
    files = {key: path for key, path in paths.items() if key not in failures}
    return Staged(files=files, failures=failures)


def staged_path(directory: Path, vintage: Vintage, code: str) -> Path:
    """Return the staged file of a vintage; `code` is the digest of what its source's model reads."""
    return directory / vintage.source / f"{vintage.id}.{key_of(vintage, code)}.parquet"


def key_of(vintage: Vintage, code: str) -> str:
    """Return the key of a staged file: 16 hexadecimal digits."""
    parts = f"{vintage.rows_sha256}/{vintage.reader_version}/{code}"
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def code_digest(source: str, project: Path = DBT_PROJECT_DIR) -> str:
    """Return the digest of everything that the observations of a source depend on besides its rows."""
    model = project / "models" / "staging" / f"stg_{source}.sql"
    seeds = [
        path
        for name in _REFERENCE.findall(model.read_text(encoding="utf-8"))
        if (path := project / "seeds" / f"{name}.csv").exists()
    ]
    macros = [*(project / "macros").glob("*.sql"), *(project / "tests" / "generic").glob("*.sql")]
    described = (project / "models" / "staging").glob("*.yml")
    files = sorted({model, *seeds, *macros, *described, *(project / "seeds").glob("*.yml")})
    lines = [f"{path.relative_to(project)} {sha256_of(path)}" for path in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _stage_missing(
    work: Path,
    sources: Mapping[str, Source],
    missing: Sequence[Rows],
    paths: Mapping[tuple[str, str], Path],
    parsed: Path,
) -> dict[tuple[str, str], str]:
    """Stage some vintages in one run; return the reasons of those that fail."""
    shutil.rmtree(work, ignore_errors=True)
    names = sorted({one.source for one, _ in missing})
    timer = Timer()
    LOG.info("staging %d vintages of %s", len(missing), ", ".join(names))
    file = work / reuse.WORKING
    loading.load(file, sources, missing, {}, [])
    failed: dict[str, str] = {}
    try:
        selected = ("--select", *(f"+stg_{name}" for name in names))
        others = ("--full-refresh", "--indirect-selection", "cautious", *dbt.NO_UNIT_TESTS)
        dbt.run_dbt([("build", *selected, *others)], file, DBT_PROJECT_DIR, work / "dbt", parsed)
    except Rejected as error:
        failed = dbt.failures_by_source(work / "dbt", file, names)
        if not failed:
            raise Rejected(f"staging failed for a reason that is of no source: {error}") from error
    with connect(file, read_only=True) as db:
        for one, _ in missing:
            if one.source not in failed:
                _write(db, one, paths[one.source, one.id])
    written = sum(one.source not in failed for one, _ in missing)
    LOG.info("staged %d of %d vintages in %.1f s", written, len(missing), timer.seconds)
    reasons: dict[tuple[str, str], str] = {}
    for name, reason in failed.items():
        of_source = [pair for pair in missing if pair[0].source == name]
        if len(of_source) == 1:
            reasons[name, of_source[0][0].id] = reason
            LOG.error("%s %s cannot be staged: %s", name, of_source[0][0].id, reason)
        else:
            for pair in of_source:
                reasons |= _stage_missing(work, sources, [pair], paths, parsed)
    shutil.rmtree(work, ignore_errors=True)
    return reasons


def _write(db: duckdb.DuckDBPyConnection, vintage: Vintage, path: Path) -> None:
    """Write the observations of one vintage, and remove its files with other keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    db.execute(
        f"copy (select * from staging.stg_{vintage.source} where vintage = {literal(vintage.id)}) "
        f"to {literal(partial)} (format parquet, compression zstd)"
    )
    fsync(partial)
    partial.replace(path)
    for other in path.parent.glob(f"{vintage.id}.*.parquet"):
        if other != path and other.name.removeprefix(f"{vintage.id}.").count(".") == 1:
            other.unlink()
