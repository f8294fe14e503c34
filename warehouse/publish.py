"""Swaps a validated build in as the newest release.

Keeps: a release is a directory `published/<release>/` with `warehouse.duckdb`, `parquet/<table>.parquet`,
`data_docs/`, `dbt_docs/` and `MANIFEST.json`. It is made beside the others under a hidden name, renamed
when it is whole, and only then does the symlink `published/latest` move, by one rename. Readers have the
old release or the new one, never a mixture, and an open one stays as it was.

Refuses: to change a release that stands; to publish a build that another release already is; to write a
Parquet file whose rows' order depends on anything but the rows.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from warehouse.durable import sha256_of, sync
from warehouse.source import WarehouseError

PARTIAL_PREFIX = ".partial-"
ROW_GROUP_ROWS = 122_880


def publish(
    published: Path,
    release: str,
    build_file: Path,
    docs: Mapping[str, Path],
    facts: Mapping[str, Any],
    *,
    is_latest: bool = True,
) -> Path:
    """Make release `release` of a sealed and validated build file and, if it is the latest, say so.

    `docs` maps a name within the release to a directory or file to take in; `facts` go to MANIFEST.json.
    The build file is linked into the release and not moved, so that a publish that was killed is simply run
    again; both must lie on one file system.
    """
    published.mkdir(parents=True, exist_ok=True)
    place = published / release
    if place.exists():
        if read_manifest(place)["database"]["sha256"] != sha256_of(build_file):
            raise WarehouseError(f"{place}: this release exists already; a release is never changed")
        if is_latest:
            point_latest(published, release)
        return place
    for left in published.glob(f"{PARTIAL_PREFIX}*"):
        shutil.rmtree(left)
    partial = published / f"{PARTIAL_PREFIX}{release}"
    (partial / "parquet").mkdir(parents=True)
    tables = export_parquet(build_file, partial / "parquet")
    for name, origin in docs.items():
        if origin.is_dir():
            shutil.copytree(origin, partial / name)
        else:
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, partial / name)
    manifest = dict(facts) | {
        "release": release,
        "database": {
            "file": "warehouse.duckdb",
            "sha256": sha256_of(build_file),
            "size_bytes": build_file.stat().st_size,
        },
        "tables": tables,
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=2, default=str) + "\n"
    (partial / "MANIFEST.json").write_text(text, encoding="utf-8")
    (partial / "warehouse.duckdb").hardlink_to(build_file)
    for path in sorted(partial.rglob("*")):
        if path.is_file():
            path.chmod(0o444)
        sync(path)
    partial.rename(place)
    sync(published)
    if is_latest:
        point_latest(published, release)
    return place


def point_latest(published: Path, release: str) -> None:
    """Turn the symlink `latest` to a release by one rename, so that it is never missing."""
    fresh = published / ".latest.partial"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(release)
    fresh.replace(published / "latest")
    sync(published)


def standing(published: Path) -> Path | None:
    """Return the release that readers see now, or None before the first."""
    latest = published / "latest"
    return latest.resolve(strict=True) if latest.is_symlink() else None


def read_manifest(release: Path) -> dict[str, Any]:
    """Read a release's MANIFEST.json."""
    told: dict[str, Any] = json.loads((release / "MANIFEST.json").read_text(encoding="utf-8"))
    return told


def export_parquet(build_file: Path, into: Path) -> dict[str, dict[str, Any]]:
    """Write each table, its rows in the order of all columns, to `<table>.parquet`.

    Returns for each table its schema, row count, size, and the checksum of the file.
    """
    told: dict[str, dict[str, Any]] = {}
    with duckdb.connect(str(build_file), read_only=True) as db:
        tables = db.execute(
            "select schema_name, table_name from duckdb_tables() where not internal order by all"
        ).fetchall()
        if not tables:
            raise WarehouseError(f"{build_file}: no table to publish")
        for schema, table in tables:
            if table in told:
                raise WarehouseError(f"two tables named {table}: their Parquet files would collide")
            path = into / f"{table}.parquet"
            db.execute(
                f'copy (select * from "{schema}"."{table}" order by all) to '
                f"'{str(path).replace(chr(39), chr(39) * 2)}' "
                f"(format parquet, compression zstd, row_group_size {ROW_GROUP_ROWS})"
            )
            counted = db.execute(f'select count(*) from "{schema}"."{table}"').fetchone()
            told[table] = {
                "schema": schema,
                "rows": counted[0] if counted else 0,
                "size_bytes": path.stat().st_size,
                "sha256": sha256_of(path),
            }
    return told
