"""Refresh of the current release: the same tables, with `marts.mart_freshness` brought up to date.

A night without a new vintage builds nothing, but sources become late or fail. A refresh copies the database,
updates the status of each source, and links every other file: readers of `latest` see the present state.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from warehouse.files import fsync, link_tree, record_json, sha256_of
from warehouse.landing.freshness import Freshness
from warehouse.releases.history import HistoryEntry, read_history, record
from warehouse.releases.manifest import MANIFEST, DatabaseEntry, read_manifest
from warehouse.releases.publish import PARTIAL_PREFIX, export_table
from warehouse.releases.retention import hide, remove_hidden
from warehouse.releases.store import DATABASE, latest_name, point_latest, reading, release_dirs, switching

TABLE = "mart_freshness"
State = dict[str, tuple[str, datetime | None]]


def released_freshness(release: Path) -> State:
    """Return status and last success (UTC, without time zone) of each source in a release."""
    with reading(release / DATABASE) as db:
        rows = db.execute(f"select distinct source, status, last_success_at from marts.{TABLE}").fetchall()
    return {source: (status, last_success_at) for source, status, last_success_at in rows}


def state_of(freshness: Iterable[Freshness]) -> State:
    """Return status and last success (UTC, without time zone) of each source."""
    return {
        one.source: (one.status, one.last_success_at and one.last_success_at.replace(tzinfo=None))
        for one in freshness
    }


def refresh(published: Path, release: Path, release_id: str, state: State, actor: str) -> Path:
    """Publish the current release again as `release_id`, with the state of its sources; return its directory.

    The refresh before the last one of the same release is removed: readers may still open the last one.
    """
    partial = published / f"{PARTIAL_PREFIX}{release_id}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    shutil.copyfile(release / DATABASE, partial / DATABASE)
    with duckdb.connect(str(partial / DATABASE)) as db:
        db.executemany(
            f"update marts.{TABLE} set status = ?, last_success_at = ? where source = ?",
            [(status, last_success_at, source) for source, (status, last_success_at) in state.items()],
        )
        db.execute("checkpoint")
    for folder in ("parquet", "data_docs", "dbt_docs"):
        link_tree(release / folder, partial / folder)
    (partial / "parquet" / f"{TABLE}.parquet").unlink()
    manifest = read_manifest(release)
    with reading(partial / DATABASE) as db:
        table = export_table(db, "marts", TABLE, partial / "parquet" / f"{TABLE}.parquet")
    database = partial / DATABASE
    refreshed = manifest.model_copy(
        update={
            "release": release_id,
            "refreshes": manifest.refreshes or release.name,
            "refreshed_at": datetime.now(UTC),
            "database": DatabaseEntry(
                file=DATABASE, sha256=sha256_of(database), size_bytes=database.stat().st_size
            ),
            "tables": manifest.tables | {TABLE: table},
        }
    )
    (partial / MANIFEST).write_text(record_json(refreshed), encoding="utf-8")
    for path in sorted(partial.rglob("*")):
        if path.is_file():
            path.chmod(0o444)
        fsync(path)
    partial.rename(published / release_id)
    fsync(published)
    with switching(published):
        entry = HistoryEntry(
            at=datetime.now(UTC),
            action="refresh",
            release=release_id,
            before=latest_name(published),
            after=release_id,
            actor=actor,
            reason="no new vintage; the freshness of the sources has changed",
        )
        record(published, entry)
        point_latest(published, release_id)
        _remove_older(published, str(refreshed.refreshes), keep=(release_id, release.name), actor=actor)
    return published / release_id


def _remove_older(published: Path, base: str, keep: tuple[str, ...], actor: str) -> None:
    removed = {entry.release for entry in read_history(published).records if entry.action == "remove"}
    for path in release_dirs(published):
        if path.name in keep or read_manifest(path).refreshes != base:
            continue
        if path.name not in removed:
            latest = latest_name(published)
            entry = HistoryEntry(
                at=datetime.now(UTC),
                action="remove",
                release=path.name,
                before=latest,
                after=latest,
                actor=actor,
                reason=f"a newer refresh of release {base} replaces it",
            )
            record(published, entry)
        hide(path)
    remove_hidden(published)
