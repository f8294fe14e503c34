"""Publishing a validated build as a release, and rolling back to an earlier release."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from warehouse.errors import WarehouseError
from warehouse.files import fsync, record_json, sha256_of
from warehouse.releases.history import HistoryEntry, last_switch, read_history
from warehouse.releases.history import record as append_entry
from warehouse.releases.manifest import (
    MANIFEST,
    RELEASE_REMEDY,
    BuildRecord,
    DatabaseEntry,
    News,
    ReleaseManifest,
    TableEntry,
    read_manifest,
)
from warehouse.releases.revisions import big_revisions, revisions_by_kind
from warehouse.releases.store import (
    DATABASE,
    current,
    find_release,
    latest_name,
    point_latest,
    reading,
    switching,
)

PARTIAL_PREFIX = ".partial-"
ROW_GROUP_ROWS = 122_880


def publish(
    published: Path,
    release_id: str,
    database: Path,
    docs: Mapping[str, Path],
    record: BuildRecord,
    verdict: Mapping[str, Any],
    *,
    is_latest: bool,
    actor: str,
) -> Path:
    """Publish a sealed, validated build; return the directory of the release.

    `docs` maps paths within the release to files or directories to copy. `record` is the content of the
    build's build.json, `verdict` its validation report. With `is_latest`, the release becomes the current
    release. The database is hard-linked into the release, so a publish that was killed can be run again;
    build and release must be on one file system.

    Raises WarehouseError when a release with this id but another database exists.
    """
    published.mkdir(parents=True, exist_ok=True)
    release = published / release_id
    read_history(published).require()
    if release.exists():
        if read_manifest(release).database.sha256 != sha256_of(database):
            raise WarehouseError(
                f"{release}: this release exists, with another database. A release is never changed: build "
                "again under a new id with: warehouse publish --force"
            )
        _register(published, release_id, actor, is_latest=is_latest)
        return release
    news = _news(published, database, record)
    for abandoned in published.glob(f"{PARTIAL_PREFIX}*"):
        shutil.rmtree(abandoned)
    partial = published / f"{PARTIAL_PREFIX}{release_id}"
    (partial / "parquet").mkdir(parents=True)
    tables = export_parquet(database, partial / "parquet")
    for name, origin in docs.items():
        _copy(origin, partial / name)
    manifest = ReleaseManifest(
        **{name: getattr(record, name) for name in BuildRecord.model_fields},
        published_at=datetime.now(UTC),
        validation=dict(verdict),
        news=news,
        release=release_id,
        database=DatabaseEntry(file=DATABASE, sha256=sha256_of(database), size_bytes=database.stat().st_size),
        tables=tables,
    )
    (partial / MANIFEST).write_text(record_json(manifest), encoding="utf-8")
    (partial / DATABASE).hardlink_to(database)
    for path in sorted(partial.rglob("*")):
        if path.is_file():
            path.chmod(0o444)
        fsync(path)
    partial.rename(release)
    fsync(published)
    _register(published, release_id, actor, is_latest=is_latest)
    return release


def _copy(origin: Path, copy: Path) -> None:
    if origin.is_dir():
        shutil.copytree(origin, copy)
    else:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(origin, copy)


def _register(published: Path, release: str, actor: str, *, is_latest: bool) -> None:
    """Record a release in the history and, with `is_latest`, point `latest` at it.

    A retry completes what a killed process left, unless `latest` was switched to another release since.
    """
    with switching(published):
        entries, before = read_history(published).require(), latest_name(published)
        if not any(release in (entry.release, entry.before, entry.after) for entry in entries):
            entry = HistoryEntry(
                at=datetime.now(UTC),
                action="publish",
                release=release,
                before=before,
                after=release if is_latest else before,
                actor=actor,
                reason="a new build passed" if is_latest else "a build of the past; `latest` is unchanged",
            )
            append_entry(published, entry)
        elif (last := last_switch(entries)) is not None and last.after != release:
            return
        if is_latest:
            point_latest(published, release)


def _news(published: Path, database: Path, record: BuildRecord) -> News:
    """Return what a build contains that the current release does not."""
    release = current(published)
    known = {entry.ref for entry in read_manifest(release).vintages} if release else set()
    fresh = tuple(entry.ref for entry in record.vintages if entry.ref not in known)
    return News(
        against=release.name if release else None,
        vintages=fresh,
        revisions=revisions_by_kind(database, fresh),
        big_revisions=len(big_revisions(database, fresh)),
    )


def export_parquet(database: Path, folder: Path) -> dict[str, TableEntry]:
    """Write each table to `<table>.parquet`, its rows in the order of all columns; return the entries.

    Equal rows give equal bytes, whatever the order of the rows in the database.
    """
    entries: dict[str, TableEntry] = {}
    with reading(database) as db:
        tables = db.execute(
            "select schema_name, table_name from duckdb_tables() where not internal order by all"
        ).fetchall()
        if not tables:
            raise WarehouseError(f"{database}: has no table to publish. Build again with: warehouse publish")
        for schema, table in tables:
            if table in entries:
                raise WarehouseError(
                    f"{database}: two tables are named {table}, so their Parquet files would collide. Rename "
                    "one of the models"
                )
            entries[table] = export_table(db, schema, table, folder / f"{table}.parquet")
    return entries


def export_table(db: duckdb.DuckDBPyConnection, schema: str, table: str, path: Path) -> TableEntry:
    """Write one table to a Parquet file, its rows in the order of all columns; return its entry."""
    db.execute(
        f'copy (select * from "{schema}"."{table}" order by all) to '
        f"'{str(path).replace(chr(39), chr(39) * 2)}' "
        f"(format parquet, compression zstd, row_group_size {ROW_GROUP_ROWS})"
    )
    counted = db.execute(f'select count(*) from "{schema}"."{table}"').fetchone()
    return TableEntry(
        schema=schema,
        rows=counted[0] if counted else 0,
        size_bytes=path.stat().st_size,
        sha256=sha256_of(path),
    )


def rollback(published: Path, release: str, reason: str, actor: str) -> HistoryEntry:
    """Make an earlier release (its id, or `previous`) the current release; return the record of it.

    Run again after a kill it completes; run again afterwards it changes nothing. Raises WarehouseError
    without a reason, and when the release does not exist, is damaged, or is the current release already.
    """
    if not reason.strip():
        raise WarehouseError("a rollback needs a reason for the history: give it with --why")
    with switching(published):
        directory = find_release(published, release)
        _require_intact(directory)
        before = latest_name(published)
        last = last_switch(read_history(published).records)
        is_recorded = last is not None and last.action == "rollback" and last.after == directory.name
        if before == directory.name and not is_recorded:
            raise WarehouseError(f"{directory.name} is the current release already; nothing was changed")
        if last is not None and is_recorded:
            entry = last
        else:
            fingerprint, newest = _contents(published / before) if before else (None, None)
            entry = HistoryEntry(
                at=datetime.now(UTC),
                action="rollback",
                release=directory.name,
                before=before,
                after=directory.name,
                actor=actor,
                reason=reason.strip(),
                fingerprint=fingerprint,
                newest=newest,
            )
            append_entry(published, entry)
        point_latest(published, directory.name)
    return entry


def _require_intact(release: Path) -> None:
    """Raise WarehouseError unless the database of a release has the checksum of its manifest."""
    expected = read_manifest(release).database
    path = release / expected.file
    if not path.is_file() or sha256_of(path) != expected.sha256:
        raise WarehouseError(
            f"{path}: missing, or not the bytes that were published; `latest` is unchanged. {RELEASE_REMEDY}"
        )


def _contents(release: Path) -> tuple[str | None, dict[str, str] | None]:
    """Return fingerprint and newest vintages of a release; None for both if its manifest is unreadable.

    A release that is damaged or gone may well be built again, so nothing then keeps a build from it.
    """
    try:
        manifest = read_manifest(release)
    except WarehouseError:
        return None, None
    newest: dict[str, str] = {}
    for entry in manifest.vintages:
        newest[entry.source] = max(entry.vintage, newest.get(entry.source, ""))
    return manifest.fingerprint, newest
