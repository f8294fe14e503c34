"""Pipeline steps, for Airflow tasks and CLI commands: idempotent, JSON in and out.

Ingest, per source: `fetch`, `accept`, in one task. Publish, a task for each: `load`, `transform`, `validate`,
`publish`. A step that was killed is run again. A failed step leaves the last vintages and the current release
in force.
"""

from __future__ import annotations

import logging
import shutil
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from warehouse import fetch as fetching
from warehouse.build import dbt, on_spark, sites
from warehouse.build.builds import (
    LOADED,
    VERDICT,
    build_dir,
    build_lock,
    lacks_files,
    new_build_id,
    newest_failed_build,
    read_build,
    read_contents,
    read_verdict,
    remove_abandoned_builds,
)
from warehouse.build.contents import (
    fill,
    kept_build,
    known_by,
    known_checks,
    newest_day,
    parsed_project,
    require_known_day,
    require_not_overtaken,
    run_without_failing_sources,
)
from warehouse.build.disk import require_disk_space
from warehouse.build.fingerprint import code_digest, fingerprint, git_revision
from warehouse.build.gate import decided_sources, known_findings
from warehouse.config import DBT_PROJECT_DIR, EXPECTATIONS_DIR, Settings
from warehouse.errors import Rejected, UnknownName, WarehouseError, reporting
from warehouse.files import write_record
from warehouse.landing import ingest, store
from warehouse.landing.freshness import freshness_of
from warehouse.logs import Timer, read_timings, timed
from warehouse.model import Source, Vintage
from warehouse.quality import validate_release
from warehouse.releases import history
from warehouse.releases import publish as publishing
from warehouse.releases.lost import require_none_lost
from warehouse.releases.manifest import BuildRecord, VintageRef, read_manifest
from warehouse.releases.news import news_against
from warehouse.releases.store import DATABASE, current
from warehouse.sources import SOURCES
from warehouse.verdict import Verdict

LOG = logging.getLogger(__name__)
# Where one of them is another, nothing is taken from the release before.
VERSIONED = ("duckdb", "dbt-core", "great-expectations", "xlsxwriter")

__all__ = [
    "build_dir",
    "newest_failed_build",
    "read_build",
    "read_verdict",
]  # part of this module's interface


def source_named(name: str) -> Source:
    """Return the source of a name; raise UnknownName with the known names if there is none."""
    if name not in SOURCES:
        raise UnknownName(f"no source is named {name!r}. Known: {', '.join(SOURCES)}")
    return SOURCES[name]


# --- ingest ---


def fetch(settings: Settings, name: str, progress: fetching.Progress | None = None) -> str:
    """Download all answers of a source; return the incoming directory, which `accept` takes.

    Raises WarehouseError when a vintage of the source is lost: its directory is left as it is.
    """
    require_none_lost(settings.landing, settings.published, source_named(name).name)
    return str(ingest.fetch_source(settings, source_named(name), progress))


def record_not_configured(settings: Settings, name: str, reason: str) -> None:
    """Record that a source without a vintage cannot be asked; `reason` says what it has not."""
    ingest.record_not_configured(settings, source_named(name).name, reason)


def accept(settings: Settings, name: str, incoming: str) -> str | None:
    """Evaluate and land a fetched load; return its vintage, or None when there is nothing to publish.

    An unchanged load returns the vintage in force as long as no release contains it: the run that landed it
    may have been killed before it could start a build.
    """
    require_none_lost(settings.landing, settings.published, name)
    vintage = ingest.ingest_pull(settings, source_named(name), Path(incoming))
    return None if vintage.withdrawn or is_published(settings, vintage) else vintage.id


def is_published(settings: Settings, vintage: Vintage) -> bool:
    """Tell whether the current release contains a vintage or set it aside, or a rolled back release did."""
    entries = history.read_history(settings.published).require()
    if any(
        (entry.newest or {}).get(vintage.source) == vintage.id
        for entry in history.withdrawn(entries).values()
    ):
        return True
    release = current(settings.published)
    if release is None:
        return False
    manifest = read_manifest(release)
    known = {one.ref for one in manifest.vintages}
    known |= {VintageRef(source=one.source, vintage=one.vintage) for one in manifest.set_aside}
    return VintageRef(source=vintage.source, vintage=vintage.id) in known


# --- builds ---


@reporting("load")
def load(settings: Settings, as_of: str | None = None, force: bool = False) -> str | None:
    """Create a build from the landing; return its id, or None when nothing has changed.

    `as_of` is an ISO date: only vintages known by that day are used. Nothing has changed when the current
    release, or one that was rolled back, has the same fingerprint. Vintages that are not staged yet are
    staged; a source whose newest vintage cannot be staged is set aside. Revisions that the current release
    holds are taken from it, and what did not change since the last build from that, unless `force`. Raises
    WarehouseError when there is not enough disk space, or a vintage of the current release is lost.
    """
    day = date.fromisoformat(as_of) if as_of else None
    with build_lock(settings):
        landed = {name: store.vintages(settings.landing, name) for name in SOURCES}
        require_none_lost(settings.landing, settings.published)
        used = {name: known_by(vintages, day) for name, vintages in landed.items()}
        vintages = [vintage for of_source in used.values() for vintage in of_source]
        if not vintages:
            raise WarehouseError(
                f"{settings.landing}: no vintage {f'on or before {day} ' if day else ''}to build from. "
                "Fetch one with: warehouse fetch"
            )
        require_known_day(day, vintages)
        mark = fingerprint(vintages, day)
        if not force and is_built(settings, mark):
            LOG.info("load skipped: the current release, or a rolled back one, has fingerprint %s", mark[:16])
            return None
        remove_abandoned_builds(settings)
        if force:
            shutil.rmtree(settings.kept, ignore_errors=True)
        require_disk_space(settings)
        checks = {name: known_checks(settings, name, day) for name in SOURCES}
        now = datetime.now(UTC)
        build_id = new_build_id(settings, now)
        record = BuildRecord(
            as_of=day or newest_day(vintages, checks),
            is_of_the_past=used != landed,
            is_as_of=day is not None,
            fingerprint=mark,
            git_revision=git_revision(settings.revision),
            code_sha256=code_digest(),
            started_at=now,
            versions={name: version(name) for name in VERSIONED},
            vintages=(),
        )
        (settings.build / build_id).mkdir(parents=True, exist_ok=True)
        with timed("load", settings.build / build_id) as timer:
            filled = fill(settings, settings.build / build_id, record, used, reuse=not force)
            timer.rows = sum(one.row_count for one in filled.vintages)
        LOG.info(
            "loaded build %s: %d vintages, %d rows, %d set aside in %.1f s",
            build_id,
            len(filled.vintages),
            timer.rows,
            len(filled.set_aside),
            timer.seconds,
            extra={"build": build_id},
        )
    return build_id


def is_built(settings: Settings, mark: str) -> bool:
    """Tell whether the current release, or one that was rolled back, has a fingerprint."""
    release = current(settings.published)
    if release is not None and read_manifest(release).fingerprint == mark:
        return True
    entries = history.read_history(settings.published).require()
    return mark in {entry.fingerprint for entry in history.withdrawn(entries).values()}


@reporting("transform")
def transform(settings: Settings, build_id: str) -> str:
    """Run dbt on a build and seal it; return the id.

    A source for whose new vintage a model or a test fails is set aside. Raises Rejected when that does not
    help.
    """
    build = build_dir(settings, build_id)
    with build_lock(settings), timed("transform", build) as timer:
        try:
            run_without_failing_sources(settings, build, lambda _: _transform(settings, build))
        except Rejected as error:
            write_record(build / VERDICT, Verdict(success=False, findings=(), error=str(error)))
            raise
    LOG.info("transformed build %s in %.1f s", build_id, timer.seconds, extra={"build": build_id})
    return build_id


def _transform(settings: Settings, build: Path) -> None:
    staged = [f"stg_{name}" for name in SOURCES]
    if settings.engine == "spark":
        on_spark.transform_build(settings, build, staged, parsed_project(settings))
        return
    cache = dbt.Cache(parsed_project(settings), kept_build(settings), not read_build(build).is_of_the_past)
    dbt.transform(build / LOADED, build, DBT_PROJECT_DIR, build / "dbt", staged, cache)


@reporting("validate")
def validate(settings: Settings, build_id: str) -> str:
    """Validate a build at the release gate, next to the current release; return the id.

    A source for whose new vintage the gate fails is set aside, and the build is transformed again. A build of
    the past leaves out landed vintages, so it is not compared. Raises Rejected with the reasons.
    """
    build = build_dir(settings, build_id)
    with build_lock(settings), timed("validate", build) as timer:
        run_without_failing_sources(settings, build, lambda changed: _validate(settings, build, changed))
    LOG.info("release gate passed for build %s in %.1f s", build_id, timer.seconds, extra={"build": build_id})
    return build_id


def _validate(settings: Settings, build: Path, has_changed: bool) -> None:
    """Validate a build, after transforming it again if its contents have changed."""
    if has_changed:
        _transform(settings, build)
    record = read_build(build)
    release = None if record.is_of_the_past else current(settings.published)
    work = build / "validation"
    for leftover in (build / "data_docs", work):  # of a validation that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    verdict = validate_release(
        build / DATABASE,
        release / DATABASE if release else None,
        EXPECTATIONS_DIR,
        build / "data_docs",
        work,
        accepted=decided_sources(settings, record, release),
        known=known_findings(build, record, release) if release else None,
    )
    shutil.rmtree(work, ignore_errors=True)
    write_record(build / VERDICT, verdict)
    LOG.info("validated build %s: %s", build.name, verdict.counts(), extra={"build": build.name})
    if not verdict.success:
        raise Rejected(
            f"build {build.name} failed validation: {'; '.join(verdict.reasons())}. "
            f"{f'Release {release.name} stays current' if release else 'There is no release yet'}. Report: "
            f"{build / 'data_docs' / 'index.html'}"
        )


@reporting("publish")
def publish(settings: Settings, build_id: str) -> str:
    """Publish a validated build as the newest release; return the release's name.

    An as-of build becomes a release beside the others, and so does a build of the past: `latest` then moves
    only if there is none.
    """
    build, timer = build_dir(settings, build_id), Timer()
    with build_lock(settings):
        if lacks_files(build) and (settings.published / build_id).exists():
            shutil.rmtree(build, ignore_errors=True)
            return build_id  # published by a try that was killed while it removed the build
        record, verdict = read_build(build), read_verdict(build)
        if verdict is None or not verdict.success:
            raise Rejected(
                f"build {build_id} has not passed validation. Make and validate one with: warehouse build"
            )
        require_none_lost(settings.landing, settings.published)
        require_not_overtaken(settings, record)
        is_beside = record.is_of_the_past or record.is_as_of
        is_latest = current(settings.published) is None or not is_beside
        site, news = {}, news_against(settings.published, build / DATABASE, record)
        if settings.site and not (settings.published / build_id).exists():
            with timed("site", build):
                site = {sites.SITE: sites.make_site(settings.published, build, record, verdict, news)}
        release = publishing.publish(
            settings.published,
            build_id,
            build / DATABASE,
            {
                "data_docs": build / "data_docs",
                "dbt_docs/index.html": build / "dbt" / "static_index.html",
                "dbt_docs/manifest.json": build / "dbt" / "manifest.json",
                **kept_records(build),
                **site,
            },
            record,
            verdict.model_dump(mode="json"),
            news=news,
            is_latest=is_latest,
            actor=settings.operator,
            timings=read_timings(build).records,
            contents=read_contents(build),
        )
        shutil.rmtree(build)
    tables = read_manifest(release).tables
    LOG.info(
        "published %s: %d tables, %d rows in %.1f s%s",
        release.name,
        len(tables),
        sum(one.rows for one in tables.values()),
        timer.seconds,
        "" if is_latest else "; `latest` is unchanged",
        extra={"build": build_id},
    )
    return release.name


def kept_records(build: Path) -> dict[str, Path]:
    """Return the records of dbt that a release keeps, by path in the release; those that exist."""
    found = {f"{publishing.RECORDS}/{name}": build / "dbt" / name for name in ("run_results.json", "dbt.log")}
    return {name: path for name, path in found.items() if path.exists()}


@reporting("refresh")
def refresh(settings: Settings, today: date | None = None) -> str | None:
    """Bring `mart_freshness` of the current release up to today, without a build; return the new release.

    Returns None when nothing has changed, there is no release, or a landed vintage waits for a build.
    """
    day = today or datetime.now(UTC).date()
    with build_lock(settings):
        release = current(settings.published)
        if release is None or read_manifest(release).is_of_the_past:
            LOG.info("refresh skipped: %s", "a build of the past is current" if release else "no release yet")
            return None
        require_none_lost(settings.landing, settings.published)
        newest = [vintages[-1] for name in SOURCES if (vintages := store.vintages(settings.landing, name))]
        if not all(is_published(settings, vintage) for vintage in newest):
            LOG.info("refresh skipped: a landed vintage waits for a build")
            return None
        state = publishing.state_of(freshness_of(settings, name, day) for name in SOURCES)
        if state == publishing.released_freshness(release):
            LOG.info("refresh skipped: the freshness of the sources has not changed")
            return None
        release_id, timer = new_build_id(settings, datetime.now(UTC)), Timer()
        args = settings.published, release, release_id, state, settings.operator, sites.refresh_site
        if (made := publishing.refresh(*args)) is None:
            LOG.info("refresh skipped: another release became current meanwhile")
            return None
        LOG.info("refreshed %d sources as release %s in %.1f s", len(state), made.name, timer.seconds)
        return made.name


def nothing_new_reason(settings: Settings) -> str:
    """Say why `load` made no build: nothing has changed, or the release with these inputs was rolled back."""
    entries = history.read_history(settings.published).require()
    rolled_back = "".join(
        f". Release {name} was rolled back by {entry.actor} ({entry.reason}): the nightly run will not "
        "republish "
        "it; new data, seeds or code will, and so will --force"
        for name, entry in history.withdrawn(entries).items()
    )
    return f"nothing has changed since the current release{rolled_back}"


def build_summary(settings: Settings, build_id: str) -> dict[str, Any]:
    """Return the id of a build and the path of its database."""
    return {"build": build_id, "database": str(build_dir(settings, build_id) / DATABASE)}
