"""Maintenance: audit all checksums, remove what the retention policy allows, check the disk."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel

from warehouse.backfill import records as backfills
from warehouse.build import builds
from warehouse.build.disk import DiskSpace, disk_space
from warehouse.config import Settings
from warehouse.errors import Rejected, WarehouseError, reporting
from warehouse.landing import store
from warehouse.logs import Timer, format_bytes
from warehouse.releases import audit as auditing
from warehouse.releases.audit import AuditReport
from warehouse.releases.retention import (
    REMOVING_PREFIX,
    expired,
    hide,
    remove_hidden,
    remove_releases,
    size_of_releases,
)

LOG = logging.getLogger(__name__)


class Removed(BaseModel, frozen=True):
    """What the retention policy removed, by kind, and the bytes that this freed."""

    releases: tuple[str, ...]
    builds: tuple[str, ...]
    rejected: tuple[str, ...]
    backfills: tuple[str, ...]
    freed_bytes: int


class Maintenance(BaseModel, frozen=True):
    """The result of one maintenance run; `removed` is None when the audit found something.

    `releases_bytes` is the size of the releases that are left, `releases_limit_bytes` what the policy allows.
    """

    audit: AuditReport
    removed: Removed | None
    disk: DiskSpace
    releases_bytes: int
    releases_limit_bytes: int


def maintain(settings: Settings) -> Maintenance:
    """Audit, remove what is old, and check the disk. Nothing is removed when the audit finds something."""
    audited = audit_and_log(settings)
    removed = None if audited.findings else remove_expired(settings)
    return Maintenance(
        audit=audited,
        removed=removed,
        disk=disk_space(settings),
        releases_bytes=size_of_releases(settings.published),
        releases_limit_bytes=int(settings.keep.releases_gib * 2**30),
    )


def audit_and_log(settings: Settings) -> AuditReport:
    """Recompute every checksum, and log the counts."""
    timer = Timer()
    audited = auditing.audit(settings.landing, settings.published)
    LOG.info(
        "audited %d vintages and %d releases: %d files, %s, %d findings in %.1f s",
        audited.vintages,
        audited.releases,
        audited.files,
        format_bytes(audited.size_bytes),
        len(audited.findings),
        timer.seconds,
    )
    return audited


def require_clean_audit(settings: Settings) -> AuditReport:
    """Recompute every checksum; raise Rejected with the findings if there are any."""
    audited = audit_and_log(settings)
    if audited.findings:
        findings = "; ".join(f"{one.path}: {one.what}. {one.remedy}" for one in audited.findings)
        raise Rejected(f"the audit has {len(audited.findings)} findings: {findings}")
    return audited


@reporting("maintain")
def remove_expired(settings: Settings) -> Removed:
    """Remove old releases, builds and rejected loads by the policy, and leftovers of decided backfills.

    Accepted vintages are never removed. A source that is being written keeps its rejected loads this time.
    """
    now, policy, timer = datetime.now(UTC), settings.keep, Timer()
    with builds.build_lock(settings):
        validated = [path for path in sorted(settings.build.glob("2*")) if (path / builds.VERDICT).exists()]
        old = expired(
            [(path, modified_at(path)) for path in validated],
            keep=policy.builds,
            days=policy.builds_days,
            now=now,
        )
        removed = [hide(path).name.removeprefix(REMOVING_PREFIX) for path in old]
    # Hidden directories are out of use: removing them takes long and needs no lock.
    freed = remove_hidden(settings.build)
    rejected: list[str] = []
    for folder in sorted(settings.rejected.glob("[!.]*/")):
        rejected += hide_rejected(settings, folder, now)
        freed += remove_hidden(folder)
    leftovers = backfills.leftovers(settings.backfill, now - timedelta(seconds=store.ABANDONED_AFTER_SECONDS))
    for backfill in leftovers:
        hide(backfill.home)
    for folder in sorted(settings.backfill.glob("*/")):
        freed += remove_hidden(folder)
    # Releases last: each removal is recorded first, and on a full disk the others have made space for that.
    releases: list[str] = []
    if settings.published.is_dir():
        releases = remove_releases(settings.published, policy, now, settings.operator)
        freed += remove_hidden(settings.published)
    LOG.info(
        "removed %d releases, %d builds, %d rejected loads and %d backfills, %s in %.1f s",
        len(releases),
        len(removed),
        len(rejected),
        len(leftovers),
        format_bytes(freed),
        timer.seconds,
    )
    return Removed(
        releases=tuple(releases),
        builds=tuple(removed),
        rejected=tuple(rejected),
        backfills=tuple(one.id for one in leftovers),
        freed_bytes=freed,
    )


def hide_rejected(settings: Settings, folder: Path, now: datetime) -> list[str]:
    """Hide the expired rejected loads of a source, unless it is being written now; return their names."""
    aged = [(path, modified_at(path)) for path in sorted(folder.glob("[!.]*/"))]
    old = expired(aged, keep=settings.keep.rejected, days=settings.keep.rejected_days, now=now)
    try:
        with store.source_lock(settings.landing, folder.name):
            for path in old:
                hide(path)
    except WarehouseError:  # another process holds the lock; the next run removes them
        return []
    return [f"{folder.name}/{path.name}" for path in old]


def modified_at(path: Path) -> datetime:
    """Return when a build or a rejected load was last written to."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
