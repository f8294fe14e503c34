"""What is wrong now, read from the landing, the builds, the current release and the disk.

Nothing is stored: `warehouse alerts` lists the alerts at any time, and the tasks of the Airflow DAG `checks`
fail with them every morning, which notifies the operators. OPERATIONS.md has a section for each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, get_args

import duckdb
from pydantic import BaseModel

from warehouse.backfill import records as backfills
from warehouse.build import builds
from warehouse.build.disk import disk_space
from warehouse.config import Settings
from warehouse.errors import WarehouseError
from warehouse.files import Listing
from warehouse.landing import quarantine, store
from warehouse.landing.freshness import freshness_of
from warehouse.model import Check, FailedPart
from warehouse.releases.held import held_rows_of
from warehouse.releases.manifest import read_manifest
from warehouse.releases.publish import BigRevision, big_revisions_of
from warehouse.releases.store import current, list_releases
from warehouse.sources import SOURCES

REVISIONS_SHOWN = 5
TEXT_LIMIT = 2000

Kind = Literal[
    "fetch_failed",
    "build_failed",
    "unreadable",
    "disk_low",
    "load_rejected",
    "source_set_aside",
    "part_failed",
    "rows_held",
    "drift",
    "big_revision",
    "source_late",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
DRIFT_ALERT_HOURS = 36  # drift is reported once, the night that it comes with


class Alert(BaseModel, frozen=True):
    """One thing that is wrong: what happened, and the command to run next."""

    kind: Kind
    subject: str
    happened: str
    command: str


def find_alerts(settings: Settings, today: date | None = None) -> list[Alert]:
    """Return everything that is wrong now, the most urgent kinds first.

    A part that cannot be read is an alert of its own and hides no other.
    """
    if not settings.landing.is_dir():  # nothing was ever fetched
        return []
    day = today or datetime.now(UTC).date()
    parts: tuple[tuple[str, Callable[[], Iterable[Alert]]], ...] = (
        ("sources", lambda: source_alerts(settings, day)),
        ("records", lambda: record_alerts(settings)),
        ("builds", lambda: build_alerts(settings)),
        ("current release", lambda: release_alerts(settings)),
        ("revisions", lambda: revision_alerts(settings)),
        ("disk", lambda: disk_alerts(settings)),
    )
    alerts: list[Alert] = []
    for part, find in parts:
        try:
            alerts += find()
        except (WarehouseError, OSError, duckdb.Error) as error:
            alerts.append(unreadable(part, str(error)))
    return sorted(alerts, key=lambda alert: KINDS.index(alert.kind))


def in_force(settings: Settings) -> str:
    """Return the current release and the newest vintage of each source, in one line."""
    newest = [
        f"{name} {vintages[-1].id}"
        for name in SOURCES
        if (vintages := store.list_vintages(settings.landing, name).records)
    ]
    try:
        release = current(settings.published)
        as_of = f", as of {read_manifest(release).as_of}" if release else ""
        name = f"release {release.name}{as_of}" if release else "no release yet"
    except (WarehouseError, OSError) as error:
        name = f"release unknown ({error})"
    return f"{name}; vintages: {', '.join(newest) or 'none'}"


def source_alerts(settings: Settings, today: date) -> Iterable[Alert]:
    """Yield an alert for each failed or rejected poll and each late source."""
    for name in SOURCES:
        freshness = freshness_of(settings, name, today)
        last = freshness.last_check
        command = f"warehouse fetch {name}"
        if last is not None and last.outcome == "failed":
            yield Alert(
                kind="fetch_failed",
                subject=name,
                happened=f"{name}: the last poll failed. {last.detail[:TEXT_LIMIT]}",
                command=command,
            )
        if last is not None and last.outcome == "rejected":
            yield rejection_alert(settings, name, last.detail)
        if last is not None and last.failed_parts:
            yield parts_alert(name, last.failed_parts)
        if last is not None and last.drift and is_recent(settings, name, last):
            notes = "; ".join(f"{one.file}: {one.detail}" for one in last.drift)
            yield Alert(
                kind="drift",
                subject=name,
                happened=f"{name} differs from its contract; no figure is concerned. {notes[:TEXT_LIMIT]}",
                command=f"warehouse vintages list {name}",
            )
        if expected := freshness.overdue:
            newest = freshness.newest_vintage
            yield Alert(
                kind="source_late",
                subject=name,
                happened=f"{name} is late: a release was expected on {expected.due_on}, with "
                f"{expected.grace_days} days of grace; "
                f"{f'the newest vintage is {newest}' if newest else 'there is no vintage'}. "
                f"{expected.reason} ({expected.source_url})",
                command=command,
            )


def parts_alert(source: str, failed: Sequence[FailedPart]) -> Alert:
    """Return the alert of the parts of a source that failed in the last poll."""
    parts = "; ".join(
        f"{one.part}: {one.reason} ({f'figures of {one.carried_from}' if one.carried_from else 'no figures'})"
        for one in failed
    )
    return Alert(
        kind="part_failed",
        subject=source,
        happened=f"{source}: {len(failed)} of its parts failed, the others landed. {parts[:TEXT_LIMIT]}",
        command=f"warehouse fetch {source}",
    )


def is_recent(settings: Settings, source: str, check: Check) -> bool:
    """Tell whether the drift of a poll is new: not that of a poll before the last day and a half."""
    if datetime.now(UTC) - check.polled_at > timedelta(hours=DRIFT_ALERT_HOURS):
        return False
    earlier = store.list_checks(settings.landing, source).records[:-1]
    since = datetime.now(UTC) - timedelta(hours=DRIFT_ALERT_HOURS)
    return not any(one.drift == check.drift and one.polled_at < since for one in earlier)


def release_alerts(settings: Settings) -> Iterable[Alert]:
    """Yield an alert for each vintage that the current release left out, and each code that it holds out."""
    release = current(settings.published)
    if release is None:
        return
    for aside in read_manifest(release).set_aside:
        newest = store.vintages(settings.landing, aside.source)[-1:]
        if newest and newest[0].id == aside.vintage:
            used = f"vintage {aside.used_instead} is used" if aside.used_instead else "it has no figures"
            yield Alert(
                kind="source_set_aside",
                subject=aside.source,
                happened=f"{aside.source}: vintage {aside.vintage} is left out of the release, {used}. "
                f"{aside.reason[:TEXT_LIMIT]}",
                command=f"warehouse vintages list {aside.source}",
            )
    for source, held in held_rows_of(release).items():
        yield Alert(
            kind="rows_held",
            subject=source,
            happened=f"{source}: {sum(one.observation_count for one in held)} observations are held out of "
            f"the release. {'; '.join(one.remedy for one in held)[:TEXT_LIMIT]}",
            command=f"warehouse query \"select * from core.held_row where source = '{source}'\"",
        )


def record_alerts(settings: Settings) -> Iterable[Alert]:
    """Yield an alert for each record of the warehouse that cannot be read."""
    listings: list[tuple[str, Listing[Any]]] = [
        ("releases", list_releases(settings.published)),
        ("quarantine", quarantine.list_rejected(settings.rejected)),
        ("backfills", backfills.list_backfills(settings.backfill)),
        ("backfills", backfills.list_events(settings.backfill)),
    ]
    for name in SOURCES:
        listings.append((name, store.list_vintages(settings.landing, name)))
        listings.append((name, store.list_checks(settings.landing, name)))
    for subject, listing in listings:
        yield from (unreadable(subject, problem) for problem in listing.problems)


def rejection_alert(settings: Settings, source: str, detail: str) -> Alert:
    """Return the alert of a rejected load, with the command that shows its report."""
    entries = [
        entry.id
        for entry in quarantine.list_rejected(settings.rejected).records
        if entry.source == source and entry.override is None
    ]
    return Alert(
        kind="load_rejected",
        subject=source,
        happened=f"{source}: the last load was rejected. {detail[:TEXT_LIMIT]}",
        command=f"warehouse rejected show {entries[-1]}" if entries else f"warehouse fetch {source}",
    )


def build_alerts(settings: Settings) -> list[Alert]:
    """Return the newest build if it failed after the current release was made."""
    release, failed = current(settings.published), builds.newest_failed_build(settings)
    if failed is None or (release is not None and failed[0] < release.name):
        return []
    build_id, verdict = failed
    reasons = verdict.error or "; ".join(verdict.reasons())
    happened = (
        f"build {build_id} failed: {reasons[:TEXT_LIMIT]}. Its files are in {settings.build / build_id}"
    )
    return [Alert(kind="build_failed", subject=build_id, happened=happened, command="warehouse publish")]


def revision_alerts(settings: Settings) -> list[Alert]:
    """Return an alert for each vintage of the current release that revised figures beyond their threshold."""
    release = current(settings.published)
    by_vintage: dict[tuple[str, str], list[BigRevision]] = {}
    for revision in big_revisions_of(release) if release else ():
        by_vintage.setdefault((revision.source, revision.vintage), []).append(revision)
    return [
        Alert(
            kind="big_revision",
            subject=source,
            happened=describe_revisions(source, vintage, revisions),
            command='warehouse query "select * from marts.mart_revision_alert where source = '
            f"'{source}' and vintage = '{vintage}' order by abs(change_pct) desc nulls last\"",
        )
        for (source, vintage), revisions in sorted(by_vintage.items())
    ]


def describe_revisions(source: str, vintage: str, revisions: Sequence[BigRevision]) -> str:
    """Return how many figures a vintage revised beyond the threshold, and the largest revisions."""
    largest = sorted(revisions, key=lambda one: -abs(one.change_pct or 0))[:REVISIONS_SHOWN]
    shown = "; ".join(
        f"{one.series} {one.period_label}: {one.previous_value} -> {one.value} "
        f"({'from zero' if one.change_pct is None else format(one.change_pct, '+.1f') + ' %'}, "
        f"threshold {one.threshold_pct} %)"
        for one in largest
    )
    more = "; …" if len(revisions) > len(largest) else ""
    return (
        f"{source}: vintage {vintage} revised {len(revisions)} figures of vintage "
        f"{revisions[0].previous_vintage} beyond the threshold: {shown}{more}"
    )


def disk_alerts(settings: Settings) -> list[Alert]:
    """Return an alert when the disk has no space for another build."""
    space = disk_space(settings)
    if space.is_enough:
        return []
    happened = (
        f"{settings.home}: {space.free_bytes / 2**30:.1f} GiB are free and a build needs "
        f"{space.needed_bytes / 2**30:.1f} GiB ({space.basis})"
    )
    return [Alert(kind="disk_low", subject="disk", happened=happened, command="warehouse maintain")]


def unreadable(subject: str, problem: str) -> Alert:
    """Return the alert of a record that cannot be read."""
    return Alert(kind="unreadable", subject=subject, happened=problem, command="warehouse maintain")


def format_alerts(alerts: Sequence[Alert], in_force_line: str) -> str:
    """Return the text of one message about some alerts."""
    blocks = [
        f"{alert.kind}: {alert.subject}\nWhat happened: {alert.happened}\nWhat to run next: {alert.command}\n"
        f"Runbook: OPERATIONS.md, section {alert.kind}"
        for alert in alerts
    ]
    return "\n\n".join([*blocks, f"In force: {in_force_line}"])
