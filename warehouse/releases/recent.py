"""The big revisions that recent releases brought, for alerts: one release may follow another in a morning."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from warehouse.files import read_each
from warehouse.releases.history import built_release, read_history
from warehouse.releases.manifest import read_manifest
from warehouse.releases.news import BigRevision, big_revisions, big_revisions_of
from warehouse.releases.store import DATABASE


def recent_big_revisions(
    published: Path, release: Path, since: datetime
) -> tuple[tuple[datetime, BigRevision], ...]:
    """Return the big revisions that `release` and earlier releases brought, with the time of publication.

    `release` is the current one. Earlier ones count if they became the current release after `since`, and
    those of their vintages that `release` has: a rollback or a withdrawal takes the revision back. Each
    revision is returned once. A release that is gone or damaged is left out. Raises WarehouseError as
    `big_revisions_of` does for `release`.
    """
    entries, manifest = read_history(published).records, read_manifest(release)
    made_at = {one.release: one.at for one in entries if one.action == "publish" and one.is_switch}
    own = built_release(entries, release.name)
    own_at = made_at.get(own, manifest.published_at)
    found = [(own_at, one) for one in big_revisions_of(release)]
    left = {one.ref for one in manifest.vintages} - set(manifest.news.vintages if manifest.news else ())
    earlier = [published / name for name, at in made_at.items() if at > since and name != own]
    for one in reversed(read_each(earlier, read_manifest).records):
        brought = left.intersection(one.news.vintages if one.news else ())
        left -= brought
        revisions = big_revisions(
            release / DATABASE, sorted(brought, key=lambda ref: (ref.source, ref.vintage))
        )
        found += [(made_at[one.release], revision) for revision in revisions]
    return tuple(found)


def describe_revisions(revisions: Sequence[BigRevision], most: int) -> str:
    """Return the largest revisions of a vintage in one line, at most `most` of them."""
    largest = sorted(revisions, key=lambda one: -abs(one.change_pct or 0))[:most]
    shown = "; ".join(
        f"{one.series} {one.period_label}: {one.previous_value} -> {one.value} "
        f"({'from zero' if one.change_pct is None else format(one.change_pct, '+.1f') + ' %'}, "
        f"threshold {one.threshold_pct} %)"
        for one in largest
    )
    return shown + ("; …" if len(revisions) > len(largest) else "")
