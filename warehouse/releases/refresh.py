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

from warehouse.files import link_tree
from warehouse.landing.freshness import Freshness
from warehouse.releases.history import append_entry
from warehouse.releases.manifest import read_manifest
from warehouse.releases.publish import database_entry, export_table, finish, new_partial
from warehouse.releases.retention import hide_on_record, remove_hidden
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
    partial = new_partial(published, release_id)
    shutil.copyfile(release / DATABASE, partial / DATABASE)
    for folder in ("parquet", "data_docs", "dbt_docs"):
        link_tree(release / folder, partial / folder)
    parquet = partial / "parquet" / f"{TABLE}.parquet"
    parquet.unlink()
    with duckdb.connect(str(partial / DATABASE)) as db:
        db.executemany(
            f"update marts.{TABLE} set status = ?, last_success_at = ? where source = ?",
            [(status, last_success_at, source) for source, (status, last_success_at) in state.items()],
        )
        db.execute("checkpoint")
        table = export_table(db, "marts", TABLE, parquet)
    manifest = read_manifest(release)
    base = manifest.refreshes or release.name
    update = {
        "release": release_id,
        "refreshes": base,
        "refreshed_at": datetime.now(UTC),
        "database": database_entry(partial),
        "tables": manifest.tables | {TABLE: table},
    }
    refreshed = finish(partial, manifest.model_copy(update=update))
    with switching(published):
        reason = "no new vintage; the freshness of the sources has changed"
        append_entry(published, "refresh", release_id, (latest_name(published), release_id), actor, reason)
        point_latest(published, release_id)
        others = [path for path in release_dirs(published) if path.name not in (release.name, release_id)]
        older = [path for path in others if read_manifest(path).refreshes == base]
        hide_on_record(published, older, actor, f"a newer refresh of release {base} replaces it")
        remove_hidden(published)
    return refreshed
