"""Rolling back to an earlier release, with the vintages that only the newer release has.

These vintages are withdrawn: the nightly run would otherwise put them in force again with the next news of
any source. A rollback to a release that has them lets them in again; so does `warehouse vintages restore`.

The switch of `latest` is the last step. Before it, all sources whose vintages change are locked: while one of
them is being written, nothing is changed. The same command completes a rollback that was killed; after the
switch it changes nothing, also with `previous`. The way back is the id of the newer release.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from warehouse.config import Settings
from warehouse.errors import WarehouseError
from warehouse.landing import store, withdraw
from warehouse.model import Decision
from warehouse.releases.history import HistoryEntry
from warehouse.releases.manifest import VintageRef, read_manifest
from warehouse.releases.publish import rollback
from warehouse.releases.store import RollbackTarget, find_release, latest_name, rollback_target, switching
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


class Changes(NamedTuple):
    """The vintages withdrawn after a rollback, those of them that it withdraws, and those that it lets in."""

    withdrawn: tuple[VintageRef, ...]
    to_withdraw: tuple[VintageRef, ...]
    restored: tuple[VintageRef, ...]

    @property
    def sources(self) -> list[str]:
        """Return the sources that the rollback writes, in the order in which they are locked."""
        return sorted({ref.source for ref in self.to_withdraw + self.restored})


def roll_back(settings: Settings, release: str, reason: str) -> Rollback:
    """Make an earlier release the current one, and withdraw the vintages that it does not have.

    `release` is an id or `previous`. Run again after a kill it completes; run again afterwards it changes
    nothing. Raises WarehouseError as `publish.rollback` does, and with nothing changed when a source is being
    written, or when another process changes releases or vintages meanwhile.
    """
    with switching(settings.published):
        current, target = latest_name(settings.published), rollback_target(settings.published, release)
    changes, name = changes_of(settings, target), target.directory.name
    with sources_locked(settings, changes.sources, name):
        prepare = partial(change_vintages, settings, (target, changes), reason)
        entry = rollback(settings.published, name, reason, settings.operator, prepare)
    is_unchanged = current == name and not changes.sources
    return Rollback(entry, changes.withdrawn, changes.restored, is_unchanged)


def changes_of(settings: Settings, target: RollbackTarget) -> Changes:
    """Return the vintages that a rollback changes: those that only one of the two releases has."""
    kept = {one.ref for one in read_manifest(target.directory).vintages}
    landed = {
        VintageRef(source=source, vintage=one.id): one.withdrawn
        for source in SOURCES
        for one in store.list_all(settings.landing, source).records
    }
    left = [ref for ref in _vintages_of(settings, target.before) if ref in landed and ref not in kept]
    by_rollback = [ref for ref, out in landed.items() if out is not None and out.subject.startswith(SUBJECT)]
    return Changes(
        withdrawn=tuple(left),
        to_withdraw=tuple(ref for ref in left if landed[ref] is None),
        restored=tuple(ref for ref in by_rollback if ref in kept),
    )


@contextmanager
def sources_locked(settings: Settings, sources: list[str], release: str) -> Iterator[None]:
    """Lock the sources that a rollback to `release` writes; raise WarehouseError if one is being written."""
    with ExitStack() as held:
        for source in sources:
            try:
                held.enter_context(store.source_lock(settings.landing, source, settings.lock_seconds))
            except WarehouseError as error:
                raise WarehouseError(f"{error}. {_unchanged(settings, release)}") from error
        yield


def change_vintages(
    settings: Settings, planned: tuple[RollbackTarget, Changes], reason: str, target: RollbackTarget
) -> None:
    """Withdraw and let in vintages, as planned before their sources and `latest` were locked.

    Raises WarehouseError when that would be another rollback now.
    """
    changes, name = changes_of(settings, target), target.directory.name
    if (target, changes) != planned:
        raise WarehouseError(
            "another process has changed the releases or the vintages meanwhile; see: warehouse releases. "
            f"{_unchanged(settings, name)}"
        )
    decision = Decision(actor=settings.operator, at=datetime.now(UTC), reason=reason.strip(), subject="")
    subject = f"{SUBJECT} from release {target.before} to {name}"
    for ref in changes.to_withdraw:
        directory = settings.landing / ref.source / ref.vintage
        withdraw.take_out(directory, decision.model_copy(update={"subject": subject}))
    for ref in changes.restored:
        directory, subject = settings.landing / ref.source / ref.vintage, f"{ref.source} {ref.vintage}"
        withdraw.let_in(directory, decision.model_copy(update={"subject": subject}))


def _unchanged(settings: Settings, release: str) -> str:
    """Return that a rollback to `release` has changed nothing, and the command that does it later."""
    latest = latest_name(settings.published)
    again = f"warehouse rollback {release} --why '…'"
    return f"The rollback to {release} has changed nothing, and `latest` is {latest}; run it then: {again}"


def _vintages_of(settings: Settings, release: str | None) -> list[VintageRef]:
    """Return the vintages of a release; none if it is gone or damaged."""
    if release is None:
        return []
    try:
        manifest = read_manifest(find_release(settings.published, release))
    except WarehouseError:
        return []
    return [one.ref for one in manifest.vintages]
