"""Pipeline steps. Each function is one Airflow task or CLI command, idempotent, JSON in and out.

Ingest, per source: `fetch`, `accept`. Publish: `load`, `transform`, `validate`, `publish`. A step that was
killed is run again. A failed step leaves the last vintages and the current release in force.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from warehouse import fetch as fetching
from warehouse.build import dbt
from warehouse.build import load as loading
from warehouse.build.disk import require_disk_space
from warehouse.build.fingerprint import code_digest, fingerprint, git_revision
from warehouse.config import DBT_PROJECT_DIR, EXPECTATIONS_DIR, Settings
from warehouse.errors import Rejected, WarehouseError, reporting
from warehouse.files import locked, read_record, sha256_of, write_record
from warehouse.landing import ingest, parse, store
from warehouse.landing.freshness import assess, freshness_of
from warehouse.model import Check, Source, Vintage
from warehouse.quality import Verdict, validate_release
from warehouse.releases import history
from warehouse.releases import publish as publishing
from warehouse.releases.manifest import BuildRecord, entry_of, read_manifest
from warehouse.releases.store import DATABASE, current
from warehouse.sources import SOURCES

BUILD_ID = re.compile(r"\d{8}T\d{12}Z")
BUILD_ID_FORMAT = "%Y%m%dT%H%M%S%fZ"
BUILD_RECORD = "build.json"
LOADED = "loaded.duckdb"
VERDICT = "validation.json"


def source_named(name: str) -> Source:
    """Return the source of a name; raise WarehouseError with the known names if there is none."""
    if name not in SOURCES:
        raise WarehouseError(f"no source is named {name!r}. Known: {', '.join(SOURCES)}")
    return SOURCES[name]


# --- ingest ---


def fetch(settings: Settings, name: str, progress: fetching.Progress | None = None) -> str:
    """Download all answers of a source; return the incoming directory, which `accept` takes."""
    return str(ingest.fetch_source(settings, source_named(name), progress))


def accept(settings: Settings, name: str, incoming: str) -> str | None:
    """Evaluate and land a fetched load; return its vintage, or None when there is nothing to publish.

    An unchanged load returns the vintage in force as long as no release contains it: the run that landed it
    may have been killed before it could start a build.
    """
    vintage = ingest.ingest_pull(settings, source_named(name), Path(incoming))
    return None if is_published(settings, vintage) else vintage.id


def is_published(settings: Settings, vintage: Vintage) -> bool:
    """Tell whether the current release contains a vintage, or a release that was rolled back did."""
    entries = history.read_history(settings.published).require()
    if any(
        (entry.newest or {}).get(vintage.source) == vintage.id
        for entry in history.withdrawn(entries).values()
    ):
        return True
    release = current(settings.published)
    return release is not None and any(
        (one.source, one.vintage) == (vintage.source, vintage.id) for one in read_manifest(release).vintages
    )


# --- builds ---


def build_lock(settings: Settings) -> AbstractContextManager[None]:
    """Lock the building of releases; raises WarehouseError when another process holds the lock."""
    return locked(settings.build / ".lock", "another build is running now", settings.lock_seconds)


def build_dir(settings: Settings, build_id: str) -> Path:
    """Return the directory of a build; raise WarehouseError for anything but the id of a build."""
    if not BUILD_ID.fullmatch(build_id):
        raise WarehouseError(
            f"{build_id!r} is not the id of a build, such as {datetime.now(UTC):{BUILD_ID_FORMAT}}. Make "
            "one with: "
            "warehouse build"
        )
    return settings.build / build_id


def new_build_id(settings: Settings, now: datetime) -> str:
    """Return the id of a new build: its start time, but greater than all ids if the clock went back."""
    existing = [
        path.name
        for parent in (settings.build, settings.published)
        for path in parent.glob("2*Z")
        if BUILD_ID.fullmatch(path.name)
    ]
    newest = max(existing, default="")
    if f"{now:{BUILD_ID_FORMAT}}" > newest:
        return f"{now:{BUILD_ID_FORMAT}}"
    return f"{datetime.strptime(newest, BUILD_ID_FORMAT) + timedelta(microseconds=1):{BUILD_ID_FORMAT}}"


def read_build(build: Path) -> BuildRecord:
    """Return what a build was made from."""
    if not (build / BUILD_RECORD).exists():
        raise WarehouseError(f"{build}: there is no complete build. Make one with: warehouse build")
    return read_record(build / BUILD_RECORD, BuildRecord, "Make a new build: warehouse build --force")


def read_verdict(build: Path) -> Verdict | None:
    """Return the verdict on a build; None when it was not validated yet."""
    path = build / VERDICT
    remedy = "Validate again by making a new build: warehouse build --force"
    return read_record(path, Verdict, remedy) if path.exists() else None


@reporting("load")
def load(settings: Settings, as_of: str | None = None, force: bool = False) -> str | None:
    """Create a build from the landing; return its id, or None when nothing has changed.

    `as_of` is an ISO date: only vintages known by that day are used. Nothing has changed when the current
    release, or one that was rolled back, has the same fingerprint. Revisions that the current release holds
    are taken from it, unless `force`. Raises WarehouseError when there is not enough disk space.
    """
    day = date.fromisoformat(as_of) if as_of else None
    with build_lock(settings):
        landed = {name: store.vintages(settings.landing, name) for name in SOURCES}
        used = {name: known_by(vintages, day) for name, vintages in landed.items()}
        vintages = [vintage for of_source in used.values() for vintage in of_source]
        if not vintages:
            raise WarehouseError(
                f"{settings.landing}: no vintage {f'on or before {day} ' if day else ''}to build from. "
                "Fetch one with: warehouse fetch"
            )
        mark = fingerprint(vintages, day)
        release = current(settings.published)
        if not force and is_built(settings, mark):
            return None
        remove_abandoned_builds(settings)
        require_disk_space(settings)
        checks = {name: known_checks(settings, name, day) for name in SOURCES}
        now = datetime.now(UTC)
        build_id = new_build_id(settings, now)
        build = settings.build / build_id
        revisions = None if force else known_revisions(release, used)
        rows = [(one, parse.rows_of(SOURCES[one.source], one, settings.reparsed)) for one in vintages]
        known_until = day or newest_day(vintages, checks)
        freshness = [assess(name, used[name], checks[name], known_until) for name in SOURCES]
        loading.load(build / LOADED, SOURCES, rows, checks, freshness, revisions)
        record = BuildRecord(
            revisions_from=release.name if release and revisions else None,
            as_of=known_until,
            is_of_the_past=used != landed,
            is_as_of=day is not None,
            fingerprint=mark,
            git_revision=git_revision(settings.revision),
            code_sha256=code_digest(),
            started_at=now,
            versions={name: version(name) for name in ("duckdb", "dbt-core", "great-expectations")},
            vintages=tuple(entry_of(vintage) for vintage in vintages),
        )
        write_record(build / BUILD_RECORD, record)
    return build_id


def known_by(vintages: tuple[Vintage, ...], day: date | None) -> tuple[Vintage, ...]:
    """Return the vintages known on or before a day; all if it is None."""
    return tuple(one for one in vintages if day is None or one.day <= day)


def known_checks(settings: Settings, name: str, day: date | None) -> tuple[Check, ...]:
    """Return the polls of a source on or before a day; all if it is None. Unreadable lines are left out."""
    checks = store.list_checks(settings.landing, name).records
    return tuple(one for one in checks if day is None or one.checked_at.date() <= day)


def newest_day(vintages: list[Vintage], checks: Mapping[str, tuple[Check, ...]]) -> date:
    """Return the newest day that the landing knows of. A failed poll received nothing and does not count."""
    polled = [one.checked_at.date() for polls in checks.values() for one in polls if one.outcome != "failed"]
    return max([one.day for one in vintages] + polled)


def is_built(settings: Settings, mark: str) -> bool:
    """Tell whether the current release, or one that was rolled back, has a fingerprint."""
    release = current(settings.published)
    if release is not None and read_manifest(release).fingerprint == mark:
        return True
    entries = history.read_history(settings.published).require()
    return mark in {entry.fingerprint for entry in history.withdrawn(entries).values()}


def known_revisions(
    release: Path | None, used: Mapping[str, tuple[Vintage, ...]]
) -> loading.KnownRevisions | None:
    """Return the revisions that a build can take from the current release, or None.

    They depend on vintages and code alone. So they hold for a source whose vintages in the release are,
    digest for digest, the first ones of the build, when the code is the same and the file has its checksum.
    """
    manifest = read_manifest(release) if release else None
    if (
        release is None
        or manifest is None
        or manifest.is_of_the_past
        or manifest.code_sha256 != code_digest()
    ):
        return None
    file = release / "parquet" / "fct_revision.parquet"
    if not file.exists() or sha256_of(file) != manifest.tables["fct_revision"].sha256:
        return None
    until = {}
    for name, vintages in used.items():
        released = [(one.vintage, one.rows_digest) for one in manifest.vintages if one.source == name]
        if released and released == [(one.id, one.rows_digest) for one in vintages[: len(released)]]:
            until[name] = released[-1][0]
    return loading.KnownRevisions(file, until) if until else None


def remove_abandoned_builds(settings: Settings) -> None:
    """Remove builds without a verdict that are over a day old; younger ones may be between two tasks."""
    for build in settings.build.glob("2*"):
        age = time.time() - build.stat().st_mtime
        if not (build / VERDICT).exists() and age > store.ABANDONED_AFTER_SECONDS:
            shutil.rmtree(build)


@reporting("transform")
def transform(settings: Settings, build_id: str) -> str:
    """Run dbt on a build and seal it; return the id. Raises Rejected when a model or a test fails."""
    build = build_dir(settings, build_id)
    with build_lock(settings):
        as_of = read_build(build).as_of
        try:
            dbt.transform(build / LOADED, build / DATABASE, DBT_PROJECT_DIR, build / "dbt", as_of)
        except Rejected as error:
            write_record(build / VERDICT, Verdict(success=False, findings=(), error=str(error)))
            raise
    return build_id


@reporting("validate")
def validate(settings: Settings, build_id: str) -> str:
    """Validate a build at the release gate, next to the current release; return the id.

    A build of the past leaves out landed vintages, so it is not compared. Raises Rejected with the reasons.
    """
    build = build_dir(settings, build_id)
    with build_lock(settings):
        release = None if read_build(build).is_of_the_past else current(settings.published)
        work = build / "validation"
        for leftover in (build / "data_docs", work):  # of a validation that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        verdict = validate_release(
            build / DATABASE,
            release / DATABASE if release else None,
            EXPECTATIONS_DIR,
            build / "data_docs",
            work,
        )
        shutil.rmtree(work, ignore_errors=True)
        write_record(build / VERDICT, verdict)
    if not verdict.success:
        raise Rejected(
            f"build {build_id} failed validation: {'; '.join(verdict.reasons())}. "
            f"{f'Release {release.name} stays current' if release else 'There is no release yet'}. Report: "
            f"{build / 'data_docs' / 'index.html'}"
        )
    return build_id


@reporting("publish")
def publish(settings: Settings, build_id: str) -> str:
    """Publish a validated build as the newest release; return the release's name.

    A build of the past becomes a release beside the others, and so does every as-of build while a release is
    rolled back; `latest` then moves only if there is none.
    """
    build = build_dir(settings, build_id)
    with build_lock(settings):
        if not (build / DATABASE).exists() and (settings.published / build_id).exists():
            shutil.rmtree(build, ignore_errors=True)
            return build_id  # published by a try that was killed while it removed the build
        record, verdict = read_build(build), read_verdict(build)
        if verdict is None or not verdict.success:
            raise Rejected(
                f"build {build_id} has not passed validation. Make and validate one with: warehouse build"
            )
        entries = history.read_history(settings.published).require()
        # An as-of build that covers the whole landing would bring a release that was rolled back.
        is_beside = record.is_of_the_past or (record.is_as_of and bool(history.withdrawn(entries)))
        is_latest = current(settings.published) is None or not is_beside
        release = publishing.publish(
            settings.published,
            build_id,
            build / DATABASE,
            {
                "data_docs": build / "data_docs",
                "dbt_docs/index.html": build / "dbt" / "static_index.html",
                "dbt_docs/manifest.json": build / "dbt" / "manifest.json",
            },
            record,
            verdict.model_dump(mode="json"),
            is_latest=is_latest,
            actor=settings.operator,
        )
        shutil.rmtree(build)
    return release.name


@reporting("refresh")
def refresh(settings: Settings, today: date | None = None) -> str | None:
    """Bring `mart_freshness` of the current release up to today, without a build; return the new release.

    Returns None when nothing has changed, there is no release, or a landed vintage waits for a build.
    """
    day = today or datetime.now(UTC).date()
    with build_lock(settings):
        release = current(settings.published)
        if release is None or read_manifest(release).is_of_the_past:
            return None
        newest = [vintages[-1] for name in SOURCES if (vintages := store.vintages(settings.landing, name))]
        if not all(is_published(settings, vintage) for vintage in newest):
            return None
        state = publishing.state_of(freshness_of(settings, name, day) for name in SOURCES)
        if state == publishing.released_freshness(release):
            return None
        release_id = new_build_id(settings, datetime.now(UTC))
        return publishing.refresh(settings.published, release, release_id, state, settings.operator).name


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


def newest_failed_build(settings: Settings) -> tuple[str, Verdict] | None:
    """Return id and verdict of the newest build that failed its tests or its validation, if there is one."""
    for build in sorted(settings.build.glob("2*"), reverse=True):
        verdict = read_verdict(build)
        if verdict is not None and not verdict.success:
            return build.name, verdict
    return None


def build_summary(settings: Settings, build_id: str) -> dict[str, Any]:
    """Return the id of a build and the path of its database."""
    return {"build": build_id, "database": str(build_dir(settings, build_id) / DATABASE)}
