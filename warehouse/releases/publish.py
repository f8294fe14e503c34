"""Publishing a validated build as a release, refreshing the current one, and rolling back to an earlier one.

A night without a new vintage builds nothing, but sources become late or fail. A refresh copies the database,
updates the status of each source in `marts.mart_freshness` and `bi.freshness`, and links every other file:
readers of `latest` see the present state.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from warehouse.database import connect
from warehouse.errors import Rejected, WarehouseError
from warehouse.files import fsync, fsync_all, link_tree, read_record, record_json, sha256_of, write_record
from warehouse.landing.freshness import Freshness
from warehouse.logs import Timer, Timing
from warehouse.releases.history import HistoryEntry, append_entry, last_switch, read_history
from warehouse.releases.keys import DBT_MANIFEST, table_keys
from warehouse.releases.manifest import (
    MANIFEST,
    RELEASE_REMEDY,
    BuildRecord,
    Contents,
    DatabaseEntry,
    News,
    ReleaseManifest,
    TableEntry,
    contents_replaced,
    read_manifest,
)
from warehouse.releases.parquet import Unchanged, export_parquet, export_table
from warehouse.releases.retention import hide, hide_on_record, remove_hidden
from warehouse.releases.store import (
    DATABASE,
    RollbackTarget,
    current,
    latest_name,
    point_latest,
    reading,
    release_dirs,
    rollback_target,
    switching,
)

RECORDS = "build_records"  # run_results.json, dbt.log and timings.json, in the directory of a release
TIMINGS = "timings.json"
PARTIAL_PREFIX = ".partial-"
FRESHNESS = "mart_freshness"
# The tables with the status of each source, with their schemas; an older release has the first only.
REFRESHED = (("marts", FRESHNESS), ("bi", "freshness"))
State = dict[str, tuple[str, datetime | None]]  # status and last success of each source


class Timings(BaseModel, frozen=True):
    """The content of a release's timings.json: the steps of its build, in the order in which they ended."""

    steps: tuple[Timing, ...]


def publish(
    published: Path,
    release_id: str,
    database: Path,
    docs: Mapping[str, Path],
    record: BuildRecord,
    verdict: Mapping[str, Any],
    *,
    news: News,
    is_latest: bool,
    actor: str,
    timings: Sequence[Timing] = (),
    contents: Contents | None = None,
) -> Path:
    """Publish a sealed, validated build; return the directory of the release.

    `docs` maps paths within the release to files or directories to copy. `record` is the content of the
    build's build.json, `verdict` its validation report, `news` what `news.news_against` returns. With
    `is_latest`, the release becomes the current release. `timings` are those of the steps before, kept with
    that of publishing, which lasts until the manifest is written. `contents` are the digests of the tables:
    the Parquet files of those that the current release has with the same rows are linked. The database is
    hard-linked into the release, so a publish that was killed can be run again; build and release must be on
    one file system.

    Raises WarehouseError when a release with this id but another database exists.
    """
    published.mkdir(parents=True, exist_ok=True)
    release, timer = published / release_id, Timer()
    read_history(published).require()
    if not release.exists():
        partial = new_partial(published, release_id)
        _copy(docs, partial)
        tables = export_tables(published, partial, database, record, contents or Contents())
        (partial / DATABASE).hardlink_to(database)
        manifest = ReleaseManifest(
            **dict(record),
            published_at=datetime.now(UTC),
            validation=dict(verdict),
            news=news,
            release=release_id,
            database=database_entry(partial),
            tables=tables,
        )
        timer.rows = sum(table.rows for table in tables.values())
        (partial / RECORDS).mkdir(exist_ok=True)
        kept = Timings(steps=(*timings, timer.timing("publish")))
        write_record(partial / RECORDS / TIMINGS, kept)
        finish(partial, manifest)
    elif read_manifest(release).database.sha256 != sha256_of(database):
        raise WarehouseError(
            f"{release}: this release exists, with another database. A release is never changed: build "
            "again under a new id with: warehouse publish --force"
        )
    _register(published, release_id, actor, is_latest=is_latest, replaces=news.against)
    return release


def _copy(docs: Mapping[str, Path], partial: Path) -> None:
    """Copy files and directories into the directory of a release, by their paths in it."""
    for name, origin in docs.items():
        (partial / name).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if origin.is_dir() else shutil.copyfile)(origin, partial / name)


def export_tables(
    published: Path, partial: Path, database: Path, record: BuildRecord, contents: Contents
) -> dict[str, TableEntry]:
    """Write the Parquet files of a release, or link the current one's; return the entries of the manifest."""
    release, unchanged = current(published), None
    (partial / "parquet").mkdir()
    if release is not None:
        unchanged = Unchanged(release / "parquet", read_manifest(release).unchanged(contents, record))
    found = export_parquet(database, partial / "parquet", table_keys(partial / DBT_MANIFEST), unchanged)
    return {
        name: one.model_copy(update={"content": contents.tables.get(name), "parts": contents.parts.get(name)})
        for name, one in found.items()
    }


def read_release_timings(release: Path) -> tuple[Timing, ...]:
    """Return the timings that a release keeps; none of a release that an older version published."""
    path = release / RECORDS / TIMINGS
    return read_record(path, Timings, RELEASE_REMEDY).steps if path.exists() else ()


def new_partial(published: Path, release_id: str) -> Path:
    """Create the hidden directory of a new release, and remove those of publishes that were killed."""
    for abandoned in published.glob(f"{PARTIAL_PREFIX}*"):
        shutil.rmtree(abandoned)
    partial = published / f"{PARTIAL_PREFIX}{release_id}"
    partial.mkdir()
    return partial


def database_entry(release: Path) -> DatabaseEntry:
    """Return the entry of the database in the directory of a release."""
    path = release / DATABASE
    return DatabaseEntry(file=DATABASE, sha256=sha256_of(path), size_bytes=path.stat().st_size)


def finish(partial: Path, manifest: ReleaseManifest) -> Path:
    """Write the manifest of a complete release, make its files readable by all, and rename it into place.

    Modes do not depend on the umask: 444 for files, which no user may change, and 755 for directories. All
    are flushed to the disk before the rename.
    """
    (partial / MANIFEST).write_text(record_json(manifest), encoding="utf-8")
    paths = [*partial.rglob("*"), partial]
    for path in paths:
        path.chmod(0o444 if path.is_file() else 0o755)
    fsync_all(paths)
    release = partial.rename(partial.with_name(manifest.release))
    fsync(release.parent)
    return release


def _register(published: Path, release: str, actor: str, *, is_latest: bool, replaces: str | None) -> None:
    """Record a release in the history and, with `is_latest`, point `latest` at it in place of `replaces`.

    A retry completes what a killed process left, unless `latest` was switched to another release since. When
    a rollback switched it while the release was made, removes the release and raises Rejected.
    """
    with switching(published):
        entries, before = read_history(published).require(), latest_name(published)
        if not any(release in (entry.release, entry.before, entry.after) for entry in entries):
            if is_latest and before != replaces:
                remove_hidden(hide(published / release).parent)
                switched = f"`latest` was switched from {replaces} to {before} while {release} was published"
                raise Rejected(f"{switched}. See why with: warehouse releases; then run: warehouse publish")
            reason = "a new build passed" if is_latest else "a build of the past; `latest` is unchanged"
            switch = (before, release if is_latest else before)
            append_entry(published, "publish", release, switch, actor, reason)
        elif (last := last_switch(entries)) is not None and last.after != release:
            return
        if is_latest:
            point_latest(published, release)


# --- refresh ---


def released_freshness(release: Path) -> State:
    """Return status and last success (UTC, without time zone) of each source in a release."""
    with reading(release / DATABASE) as db:
        found = db.execute(f"select distinct source, status, last_success_at from marts.{FRESHNESS}")
        return {source: (status, last_success_at) for source, status, last_success_at in found.fetchall()}


def state_of(freshness: Iterable[Freshness]) -> State:
    """Return status and last success (UTC, without time zone) of each source."""
    return {
        one.source: (one.status, one.last_success_at and one.last_success_at.replace(tzinfo=None))
        for one in freshness
    }


def refresh(
    published: Path,
    release: Path,
    release_id: str,
    state: State,
    actor: str,
    refresh_site: Callable[[Path, Path, Path], None],
) -> Path | None:
    """Publish the current release again as `release_id`, with the state of its sources; return its directory.

    Returns None, and leaves nothing, when another release became current meanwhile. `refresh_site` is given
    the release, the new database and the directory for the new site. The refresh before the last one of the
    same release is removed: readers may still open the last one.
    """
    partial = new_partial(published, release_id)
    shutil.copyfile(release / DATABASE, partial / DATABASE)
    for folder in ("parquet", "data_docs", "dbt_docs", RECORDS):
        link_tree(release / folder, partial / folder)
    manifest = read_manifest(release)
    refreshed = [(schema, name) for schema, name in REFRESHED if name in manifest.tables]
    keys, tables = table_keys(partial / DBT_MANIFEST), {}
    new = [(status, last_success_at, source) for source, (status, last_success_at) in state.items()]
    with connect(partial / DATABASE) as db:
        for schema, name in refreshed:
            db.executemany(
                f"update {schema}.{name} set status = ?, last_success_at = ? where source = ?", new
            )
        db.execute("checkpoint")
        for schema, name in refreshed:
            parquet = partial / "parquet" / f"{name}.parquet"
            parquet.unlink()
            tables[name] = export_table(db, schema, name, parquet, keys.get(name, ()))
    refresh_site(release, partial / DATABASE, partial / "site")
    base = manifest.refreshes or release.name
    update = {
        "release": release_id,
        "refreshes": base,
        "refreshed_at": datetime.now(UTC),
        "database": database_entry(partial),
        "tables": manifest.tables | tables,
    }
    directory = finish(partial, manifest.model_copy(update=update))
    with switching(published):
        if latest_name(published) != release.name:  # by a rollback, which a refresh must not undo
            remove_hidden(hide(directory).parent)
            return None
        reason = "no new vintage; the freshness of the sources has changed"
        append_entry(published, "refresh", release_id, (latest_name(published), release_id), actor, reason)
        point_latest(published, release_id)
        others = [path for path in release_dirs(published) if path.name not in (release.name, release_id)]
        older = [path for path in others if read_manifest(path).refreshes == base]
        hide_on_record(published, older, actor, f"a newer refresh of release {base} replaces it")
        remove_hidden(published)
    return directory


# --- rollback ---


def rollback(
    published: Path,
    release: str,
    reason: str,
    actor: str,
    prepare: Callable[[RollbackTarget], None] = lambda target: None,
) -> HistoryEntry:
    """Make an earlier release (its id, or `previous`) the current release; return the record of it.

    `prepare` is called before the record and the switch. Run again after a kill, also with `previous`, it
    completes; run again afterwards it changes nothing. Raises WarehouseError without a reason, and when the
    release does not exist, is damaged, or is the current release already.
    """
    if not reason.strip():
        raise WarehouseError("a rollback needs a reason for the history: give it with --why")
    with switching(published):
        target = rollback_target(published, release)
        (directory, before, entry), name = target, target.directory.name
        _require_intact(directory)
        if entry is None and before == name:
            raise WarehouseError(f"{name} is the current release already; nothing was changed")
        prepare(target)
        if entry is None:
            contents = contents_replaced(published / before) if before else {}
            switch = (before, name)
            entry = append_entry(published, "rollback", name, switch, actor, reason.strip(), **contents)
        point_latest(published, name)
    return entry


def _require_intact(release: Path) -> None:
    """Raise WarehouseError unless the database of a release has the checksum of its manifest."""
    expected = read_manifest(release).database
    path = release / expected.file
    if not path.is_file() or sha256_of(path) != expected.sha256:
        raise WarehouseError(
            f"{path}: missing, or not the bytes that were published; `latest` is unchanged. {RELEASE_REMEDY}"
        )
