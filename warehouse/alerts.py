"""What is wrong now, read from the landing, the builds, the current release and the disk.

Nothing is stored: `warehouse alerts` lists the alerts at any time, and the tasks of the Airflow DAG `checks`
fail with them every morning, which notifies the operators. OPERATIONS.md has a section for each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, get_args

import duckdb
from pydantic import BaseModel, Field

from warehouse.backfill import records as backfills
from warehouse.build import builds
from warehouse.build.disk import disk_space
from warehouse.config import Settings
from warehouse.errors import WarehouseError
from warehouse.files import Listing
from warehouse.landing import quarantine, store, withdraw
from warehouse.landing.freshness import ExpectedRelease, Freshness, freshness_of, newest_withdrawn
from warehouse.landing.home import home_problem
from warehouse.model import Check, FailedPart
from warehouse.objects.behind import PUSH_COMMAND, ObjectsState, objects_state
from warehouse.publication.behind import COPY_COMMAND, DatabaseState, database_state
from warehouse.releases.held import held_rows_of
from warehouse.releases.history import read_history
from warehouse.releases.lost import lost_now
from warehouse.releases.manifest import VintageRef, read_manifest
from warehouse.releases.news import BigRevision
from warehouse.releases.recent import describe_revisions, recent_big_revisions
from warehouse.releases.served import served_lines
from warehouse.releases.store import current, latest_problem, list_releases
from warehouse.sources import SOURCES

REVISIONS_SHOWN = 5
REVISIONS_FOR = timedelta(hours=24)  # as often as the DAG `checks` runs
TEXT_LIMIT = 2000
REPAIR = "warehouse repair latest"
# What shows an unreadable record again, with all others: the audit reads the landing and the releases alone.
AUDIT, SHOW = "warehouse maintain", "warehouse status"
AUDITED_PARTS = ("current release", "revisions")

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
    "database_behind",
    "objects_behind",
    "source_late",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
DRIFT_ALERT_HOURS = 36  # drift is reported once, the night that it comes with


class Alert(BaseModel, frozen=True):
    """One thing that is wrong: what failed, why, what readers are served now, and the command to run next.

    `published_at` is when the release with a big revision was published; None for all other kinds.
    """

    kind: Kind
    subject: str
    happened: str
    reason: str
    served: str = ""
    command: str
    published_at: datetime | None = Field(default=None, exclude=True)


def find_alerts(settings: Settings, today: date | None = None, since: datetime | None = None) -> list[Alert]:
    """Return everything that is wrong now, the most urgent kinds first.

    Big revisions are those of the current release, and of releases published after `since`, by default within
    the last 24 hours. A part that cannot be read is an alert of its own and hides no other.
    """
    if problem := home_problem(settings):
        command = "warehouse releases" if settings.home.is_dir() else "warehouse run"
        return [unreadable("home", problem, command)]
    if not settings.landing.is_dir():  # a new warehouse
        return []
    day, begin = today or datetime.now(UTC).date(), since or datetime.now(UTC) - REVISIONS_FOR
    parts: tuple[tuple[str, Callable[[], Iterable[Alert]]], ...] = (
        ("sources", lambda: source_alerts(settings, day)),
        ("records", lambda: record_alerts(settings)),
        ("builds", lambda: build_alerts(settings)),
        ("current release", lambda: release_alerts(settings)),
        ("revisions", lambda: revision_alerts(settings, begin)),
        ("disk", lambda: disk_alerts(settings)),
        ("database", lambda: database_alerts(settings)),
        ("objects", lambda: objects_alerts(settings)),
    )
    alerts: list[Alert] = []
    for part, find in parts:
        try:
            alerts += find()
        except (WarehouseError, OSError, duckdb.Error) as error:
            alerts.append(unreadable(part, str(error), AUDIT if part in AUDITED_PARTS else SHOW))
    lines = served_lines(settings)
    alerts = [one.model_copy(update={"served": lines.get(one.subject, lines[""])}) for one in alerts]
    return sorted(alerts, key=lambda alert: KINDS.index(alert.kind))


def current_or_none(settings: Settings) -> Path | None:
    """Return the current release; None before the first, and when `latest` is lost: an alert of its own."""
    return None if latest_problem(settings.published) else current(settings.published)


def source_alerts(settings: Settings, today: date) -> Iterable[Alert]:
    """Yield an alert for each failed or rejected poll and each late source."""
    lost = {ref.source for ref in lost_now(settings.landing, settings.published)}
    for name in SOURCES:
        freshness = freshness_of(settings, name, today)
        last = freshness.last_check
        command = f"warehouse fetch {name}"
        if last is not None and last.outcome == "failed":
            yield Alert(
                kind="fetch_failed",
                subject=name,
                happened=f"the last poll of {name} failed",
                reason=last.detail[:TEXT_LIMIT],
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
                happened=f"{name} differs from its contract; no figure is concerned",
                reason=notes[:TEXT_LIMIT],
                command=f"warehouse vintages list {name}",
            )
        if expected := freshness.overdue:
            is_known = name not in lost and not store.list_vintages(settings.landing, name).problems
            yield late_alert(settings, freshness, expected, is_known)


def late_alert(settings: Settings, freshness: Freshness, expected: ExpectedRelease, is_known: bool) -> Alert:
    """Return the alert of a late source; a poll does not bring a vintage back that an operator withdrew.

    `is_known` is false if a vintage of the source is lost or unreadable: it cannot be fetched then.
    """
    name, newest = freshness.source, freshness.newest_vintage
    readable = "" if is_known else " that can be read"
    state = f"the newest vintage{readable} is {newest}" if newest else f"there is no vintage{readable}"
    remedy, command = "", f"warehouse {'fetch' if is_known else 'vintages list'} {name}"
    if (withdrawn := newest_withdrawn(settings.landing, name)) and (decision := withdrawn.withdrawn):
        state = f"its newest vintage {withdrawn.id} is withdrawn ({decision.reason}), " + (
            f"and {newest} is in force" if newest else "and none is in force"
        )
        remedy = f". If it is right, run: warehouse vintages restore {name} {withdrawn.id} --why '…'"
        command = f"warehouse vintages list {name}"
    return Alert(
        kind="source_late",
        subject=name,
        happened=f"{name} is late: {state}"[:TEXT_LIMIT],
        reason=f"a release was expected on {expected.due_on}, with {expected.grace_days} days of "
        f"grace. {expected.reason} ({expected.source_url}){remedy}",
        command=command,
    )


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def parts_alert(source: str, failed: Sequence[FailedPart]) -> Alert:
    """Return the alert of the parts of a source that failed in the last poll."""
    parts = "; ".join(
        f"{one.part}: {one.reason} ({f'figures of {one.carried_from}' if one.carried_from else 'no figures'})"
        for one in failed
    )
    return Alert(
        kind="part_failed",
        subject=source,
        happened=f"{counted(len(failed), 'part')} of {source} failed, the others landed",
        reason=parts[:TEXT_LIMIT],
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
    release = current_or_none(settings)
    if release is None:
        return
    for aside in read_manifest(release).set_aside:
        newest = store.vintages(settings.landing, aside.source)[-1:]
        if newest and newest[0].id == aside.vintage:
            used = f"vintage {aside.used_instead} is used" if aside.used_instead else "it has no figures"
            yield Alert(
                kind="source_set_aside",
                subject=aside.source,
                happened=f"{aside.source}: vintage {aside.vintage} is left out of the release, {used}",
                reason=aside.reason[:TEXT_LIMIT],
                command=f"warehouse vintages list {aside.source}",
            )
    for source, held in held_rows_of(release).items():
        count = sum(one.observation_count for one in held)
        yield Alert(
            kind="rows_held",
            subject=source,
            happened=f"{source}: {counted(count, 'observation')} {'is' if count == 1 else 'are'} held out of "
            "the release",
            reason="; ".join(one.remedy for one in held)[:TEXT_LIMIT],
            command=f"warehouse query \"select * from core.held_row where source = '{source}'\"",
        )


def record_alerts(settings: Settings) -> Iterable[Alert]:
    """Yield an alert for each record of the warehouse that cannot be read, and each vintage that is lost."""
    listings: list[tuple[str, Listing[Any], str]] = [
        ("releases", list_releases(settings.published), AUDIT),
        ("quarantine", quarantine.list_rejected(settings.rejected), SHOW),
        ("backfills", backfills.list_backfills(settings.backfill), SHOW),
        ("backfills", backfills.list_events(settings.backfill), SHOW),
    ]
    for name in SOURCES:
        listings.append((name, store.list_vintages(settings.landing, name), AUDIT))
        listings.append((name, store.list_checks(settings.landing, name), AUDIT))
        listings.append((name, withdraw.list_events(settings.landing, name), AUDIT))
    if problem := latest_problem(settings.published):
        yield unreadable("latest", problem, REPAIR)
    for ref, loss in lost_now(settings.landing, settings.published).items():
        yield unreadable(ref.source, loss, f"warehouse vintages list {ref.source}")
    for subject, listing, command in listings:
        yield from (unreadable(subject, problem, command) for problem in listing.problems)


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
        happened=f"the last load of {source} was rejected",
        reason=detail[:TEXT_LIMIT],
        command=f"warehouse rejected show {entries[-1]}" if entries else "warehouse rejected list",
    )


def build_alerts(settings: Settings) -> list[Alert]:
    """Return the newest build if it failed after the newest release was built."""
    release, failed = current_or_none(settings), builds.newest_failed_build(settings)
    entries = read_history(settings.published).records
    # Neither a refresh nor a rollback makes a build that failed a thing of the past.
    built = [entry.release for entry in entries if entry.action == "publish" and entry.is_switch]
    if failed is None or failed[0] < max(built, default=release.name if release else ""):
        return []
    build_id, verdict = failed
    reasons = verdict.error or "; ".join(verdict.reasons())
    new = new_vintages(settings.build / build_id, release)
    withdraw = [f"warehouse vintages withdraw {one.source} {one.vintage} --why '…'" for one in new]
    remedies = [f"if a vintage is wrong, run: {' or '.join(withdraw[:REVISIONS_SHOWN])}"] if new else []
    remedies.append("if a model, seed or expectation is wrong, correct it; then run: warehouse publish")
    return [
        Alert(
            kind="build_failed",
            subject=build_id,
            happened=f"build {build_id} failed; its files are in {settings.build / build_id}",
            reason=f"{reasons[:TEXT_LIMIT].rstrip('.')}. {'; '.join(remedies).capitalize()}",
            command=f"warehouse vintages list {new[0].source}" if new else "warehouse releases",
        )
    ]


def new_vintages(build: Path, release: Path | None) -> list[VintageRef]:
    """Return the vintages that a build has and the current release has not; none without its build.json."""
    if not (build / builds.BUILD_RECORD).exists():
        return []
    known = {one.ref for one in read_manifest(release).vintages} if release else set()
    return [one.ref for one in builds.read_build(build).vintages if one.ref not in known]


def revision_alerts(settings: Settings, since: datetime) -> list[Alert]:
    """Return an alert for each vintage of the current release that revised figures beyond their threshold.

    Its revisions were news of the current release, or of one that became current after `since`.
    """
    release = current_or_none(settings)
    recent = recent_big_revisions(settings.published, release, since) if release else ()
    by_vintage: dict[tuple[str, str, datetime], list[BigRevision]] = {}
    for published_at, revision in recent:
        by_vintage.setdefault((revision.source, revision.vintage, published_at), []).append(revision)
    return [
        Alert(
            kind="big_revision",
            subject=source,
            happened=f"{source}: vintage {vintage} revised {counted(len(revisions), 'figure')} of vintage "
            f"{revisions[0].previous_vintage} beyond the threshold",
            reason=describe_revisions(revisions, REVISIONS_SHOWN),
            command='warehouse query "select * from marts.mart_revision_alert where source = '
            f"'{source}' and vintage = '{vintage}' order by abs(change_pct) desc nulls last\"",
            published_at=published_at,
        )
        for (source, vintage, published_at), revisions in sorted(by_vintage.items())
    ]


def disk_alerts(settings: Settings) -> list[Alert]:
    """Return an alert when the disk has no space for another build."""
    space = disk_space(settings)
    if space.is_enough:
        return []
    reason = (
        f"{settings.home}: {space.free_bytes / 2**30:.1f} GiB are free and a build needs "
        f"{space.needed_bytes / 2**30:.1f} GiB ({space.basis})"
    )
    return [
        Alert(
            kind="disk_low",
            subject="disk",
            happened="the disk has no space for another build; none will begin",
            reason=reason,
            command="warehouse maintain",
        )
    ]


def database_alerts(settings: Settings) -> list[Alert]:
    """Return an alert when the database of WAREHOUSE_PUBLISH_TO does not hold the current release."""
    return behind_alerts("database_behind", database_state(settings), COPY_COMMAND)


def objects_alerts(settings: Settings) -> list[Alert]:
    """Return an alert when the bucket of WAREHOUSE_OBJECTS does not hold the current release."""
    return behind_alerts("objects_behind", objects_state(settings), PUSH_COMMAND)


def behind_alerts(kind: Kind, state: DatabaseState | ObjectsState | None, command: str) -> list[Alert]:
    """Return an alert when a copy does not hold the current release; the command brings it there."""
    if state is None or not state.is_behind:
        return []
    subject, happened = kind.removesuffix("_behind"), f"{state.address} does not hold the current release"
    return [Alert(kind=kind, subject=subject, happened=happened, reason=state.text, command=command)]


def unreadable(subject: str, problem: str, command: str) -> Alert:
    """Return the alert of a record that cannot be read."""
    what = f"{subject}: missing or unreadable"
    return Alert(kind="unreadable", subject=subject, happened=what, reason=problem, command=command)


def format_alerts(alerts: Sequence[Alert], in_force_line: str) -> str:
    """Return the text of one message about some alerts."""
    blocks = [
        f"{alert.kind}: {alert.subject}\nWhat failed: {alert.happened}\nWhy: {alert.reason}\n"
        f"Served now: {alert.served}\nWhat to run next: {alert.command}\n"
        f"Runbook: OPERATIONS.md, section {alert.kind}"
        for alert in alerts
    ]
    return "\n\n".join([*blocks, f"In force: {in_force_line}"])
