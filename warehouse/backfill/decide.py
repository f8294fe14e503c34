"""Decide on a backfill: approve or discard it; and show what is known of one."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel

from warehouse.backfill import records
from warehouse.backfill.records import APPROVABLE, OPEN, Backfill, Event, Report, State
from warehouse.backfill.stage import drift, release_includes_backfill, staged_settings
from warehouse.build import builds, steps
from warehouse.config import Settings
from warehouse.errors import WarehouseError, reporting
from warehouse.fetch import Pulled
from warehouse.files import link_tree, sha256_of
from warehouse.landing import store
from warehouse.landing.parse import Parsed
from warehouse.model import Decision, Source, Vintage
from warehouse.releases.store import current


class BackfillStatus(BaseModel, frozen=True):
    """A backfill with its state, its events, its report and what blocks its approval."""

    request: Backfill
    state: State
    events: tuple[Event, ...]
    report: Report
    blockers: tuple[str, ...]


def show(settings: Settings, backfill_id: str) -> BackfillStatus:
    """Return all that is known of a backfill."""
    backfill = records.find(settings.backfill, backfill_id)
    state = records.state(settings.backfill, backfill.id)
    blockers = drift(settings, backfill) if state in APPROVABLE else ()
    return BackfillStatus(
        request=backfill,
        state=state,
        events=records.events(settings.backfill, backfill.id),
        report=records.read_report(backfill),
        blockers=blockers,
    )


@reporting("backfill approve")
def approve(settings: Settings, backfill_id: str, reason: str) -> str:
    """Land the vintages of a backfill and publish the build that was compared; return the release.

    Raises WarehouseError, with what has changed, when the live warehouse differs from the baseline. An
    approval that was killed is run again.
    """
    reason = require_reason(reason)
    backfill = records.find_in_state(settings, backfill_id, APPROVABLE)
    source, staged = steps.source_named(backfill.source), staged_settings(settings, backfill)
    build_id = str(records.read_report(backfill).build)
    with store.source_lock(settings.landing, source.name, settings.lock_seconds), builds.build_lock(settings):
        require_no_drift(settings, backfill)
        records.log_event(settings, backfill.id, "approving", reason)
        decision = Decision(actor=settings.operator, at=datetime.now(UTC), reason=reason, subject=backfill.id)
        for vintage in store.vintages(staged.landing, source.name):
            if vintage.backfilled and vintage.backfilled.subject == backfill.id:
                land_backfilled(settings, source, vintage, decision)
        copy_checks(settings, staged, source, backfill)
        if (staged.build / build_id).exists() and not (settings.build / build_id).exists():
            (staged.build / build_id).rename(settings.build / build_id)
    release = current(settings.published)
    is_published = release is not None and release_includes_backfill(settings, release, backfill)
    name = release.name if release and is_published else steps.publish(settings, build_id)
    records.log_event(settings, backfill.id, "approved", f"release {name}: {reason}")
    records.remove_staged(backfill)
    return name


def require_no_drift(settings: Settings, backfill: Backfill) -> None:
    """Raise WarehouseError when the live warehouse is not what the backfill was compared with."""
    if changed := drift(settings, backfill):
        options = "".join(f" --mirror {shlex.quote(mirror)}" for mirror in backfill.mirrors if mirror)
        options += " --reread" if backfill.mode == "reread" else ""
        raise WarehouseError(
            f"{backfill.id}: the live warehouse has changed since the comparison: {'; '.join(changed)}. "
            "Nothing was changed. Discard it and request it again: "
            f"warehouse backfill discard {backfill.id} --why '…'; "
            f"warehouse backfill start {backfill.source} --from {backfill.first} --to {backfill.last}"
            + options
        )


def land_backfilled(settings: Settings, source: Source, staged: Vintage, decision: Decision) -> None:
    """Land a staged vintage as it was compared, with the decision; do nothing if it is already there."""
    landing = settings.landing
    if store.vintage_of_pull(landing, source.name, staged.pull) is not None:
        return
    pull = landing / source.name / store.INCOMING / staged.pull
    store.discard(pull)  # of a try that was killed
    link_tree(staged.directory, pull)
    (pull / store.MANIFEST).unlink()
    files = {f"files/{file.name}": file.sha256 for file in staged.files}
    for name, sha256 in (files | {"rows.parquet": staged.rows_sha256}).items():
        if sha256_of(pull / name) != sha256:
            raise WarehouseError(
                f"{staged.directory}: {Path(name).name} changed since it was validated. Check the disk, "
                "discard the backfill and request it again"
            )
    parsed = Parsed(pull / "rows.parquet", staged.row_count, staged.rows_digest, staged.drift)
    pulled = Pulled(files=staged.files, failed_parts=staged.failed_parts)
    # `landed_at` stays: it is part of the release that was compared.
    store.add_vintage(
        landing, source, pull, pulled, parsed, staged.validation, staged.landed_at, backfilled=decision
    )


def copy_checks(settings: Settings, staged: Settings, source: Source, backfill: Backfill) -> None:
    """Copy the polls of a backfill to the live landing, once."""
    began = records.events(settings.backfill, backfill.id)[0].at
    known = store.list_checks(settings.landing, source.name).records
    for check in store.list_checks(staged.landing, source.name).records:
        if check.polled_at >= began and check not in known:
            store.record_check(settings.landing, check)


@reporting("backfill discard")
def discard(settings: Settings, backfill_id: str, reason: str) -> None:
    """Remove what a backfill staged; its request, report and log stay."""
    reason = require_reason(reason)
    backfill = records.find_in_state(settings, backfill_id, OPEN)
    records.log_event(settings, backfill.id, "discarded", reason)
    records.remove_staged(backfill)


def require_reason(reason: str) -> str:
    """Return a reason without blanks around it; raise WarehouseError if it is empty."""
    if not reason.strip():
        raise WarehouseError("a decision needs a reason, which is recorded. Give it with --why")
    return reason.strip()
