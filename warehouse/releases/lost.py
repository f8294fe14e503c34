"""Vintages of a release that the landing has lost: neither landed there, nor withdrawn on record.

A loss is no decision: until it is repaired or recorded, its source is not fetched and no release is built.
"""

from __future__ import annotations

from pathlib import Path

from warehouse.errors import WarehouseError
from warehouse.files import is_there, read_each
from warehouse.landing import store
from warehouse.releases.manifest import ReleaseManifest, VintageRef, read_manifest
from warehouse.releases.store import current
from warehouse.sources import SOURCES


def lost_vintages(landing: Path, manifest: ReleaseManifest) -> tuple[VintageRef, ...]:
    """Return the vintages of a release that the landing has lost.

    One whose manifest is there and cannot be read is damaged, and not lost.
    """
    return tuple(one.ref for one in manifest.vintages if is_gone(landing / one.source / one.vintage))


def is_gone(directory: Path) -> bool:
    """Tell whether a vintage has no record in the landing; false where that cannot be seen."""
    found = read_each(
        [directory / name for name in store.RECORDS], lambda path: is_there(path, store.LANDING_REMEDY)
    )
    return not found.problems and not any(found.records)


def lost_now(landing: Path, published: Path) -> dict[VintageRef, str]:
    """Return the vintages of the current release that the landing has lost, with what to do about each.

    Nothing is known to be lost without a release, or when its manifest cannot be read: a problem of its own.
    Sources that are no longer among the sources do not count.
    """
    releases = [one for one in read_each([published], current).records if one]
    return {
        ref: _describe(landing, ref, manifest.release)
        for manifest in read_each(releases, read_manifest).records
        for ref in lost_vintages(landing, manifest)
        if ref.source in SOURCES
    }


def require_none_lost(landing: Path, published: Path, source: str | None = None) -> None:
    """Raise WarehouseError when a vintage of the current release is lost, one of a source if it is given."""
    found = {ref: text for ref, text in lost_now(landing, published).items() if source in (None, ref.source)}
    if found:
        first, *others = found.values()
        more = f". Further ones: {len(others)}; see `warehouse status`" if others else ""
        raise WarehouseError(f"{first}{more}")


def _describe(landing: Path, ref: VintageRef, release: str) -> str:
    return (
        f"{landing / ref.source / ref.vintage}: vintage {ref.vintage} of {ref.source} is lost. Release "
        f"{release} has it, and the landing has neither its {store.MANIFEST} nor a record of its withdrawal. "
        f"{store.LANDING_REMEDY}. If there is none, record the loss: "
        f"warehouse vintages withdraw {ref.source} {ref.vintage} --why '…'"
    )
