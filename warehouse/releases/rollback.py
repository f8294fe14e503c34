"""Rolling back to an earlier release, with the vintages that only the newer release has.

These vintages are withdrawn: the nightly run would otherwise put them in force again with the next news of
any source. A rollback to a release that has them lets them in again; so does `warehouse vintages restore`.
"""

from __future__ import annotations

from typing import NamedTuple

from warehouse.config import Settings
from warehouse.errors import WarehouseError
from warehouse.landing import store, withdraw
from warehouse.releases.history import HistoryEntry
from warehouse.releases.manifest import VintageRef, read_manifest
from warehouse.releases.publish import rollback
from warehouse.releases.store import find_release, latest_name
from warehouse.sources import SOURCES

SUBJECT = "rollback"


class Rollback(NamedTuple):
    """A rollback: its record in the history, the vintages withdrawn and those let in again.

    `is_unchanged` is set when an earlier run has made the release current and withdrawn the vintages.
    """

    entry: HistoryEntry
    withdrawn: tuple[VintageRef, ...]
    restored: tuple[VintageRef, ...]
    is_unchanged: bool = False


def roll_back(settings: Settings, release: str, reason: str) -> Rollback:
    """Make an earlier release the current one, and withdraw the vintages that it does not have.

    Run again after a kill it completes. Raises WarehouseError as `publish.rollback` does.
    """
    current = latest_name(settings.published)
    entry = rollback(settings.published, release, reason, settings.operator)
    kept = {one.ref for one in read_manifest(settings.published / entry.release).vintages}
    subject = f"{SUBJECT} from release {entry.before} to {entry.release}"
    withdrawn = tuple(ref for ref in _vintages_of(settings, entry.before) if ref not in kept)
    in_force = {
        VintageRef(source=ref.source, vintage=one.id)
        for ref in withdrawn
        for one in store.list_vintages(settings.landing, ref.source).records
    }
    for ref in withdrawn:
        withdraw.withdraw(
            settings.landing,
            ref.source,
            ref.vintage,
            reason,
            settings.operator,
            subject=subject,
            seconds=settings.lock_seconds,
        )
    restored = []
    for source in SOURCES:
        for one in store.list_all(settings.landing, source).records:
            ref = VintageRef(source=source, vintage=one.id)
            is_by_rollback = one.withdrawn is not None and one.withdrawn.subject.startswith(SUBJECT)
            if ref in kept and is_by_rollback:
                withdraw.restore(
                    settings.landing, source, one.id, reason, settings.operator, settings.lock_seconds
                )
                restored.append(ref)
    is_unchanged = current == entry.release and not restored and in_force.isdisjoint(withdrawn)
    return Rollback(entry, withdrawn, tuple(restored), is_unchanged)


def _vintages_of(settings: Settings, release: str | None) -> list[VintageRef]:
    """Return the landed vintages of a release; none if it is gone or damaged."""
    if release is None:
        return []
    try:
        manifest = read_manifest(find_release(settings.published, release))
    except WarehouseError:
        return []
    landed = {
        (source, one.id) for source in SOURCES for one in store.list_all(settings.landing, source).records
    }
    return [one.ref for one in manifest.vintages if (one.source, one.vintage) in landed]
