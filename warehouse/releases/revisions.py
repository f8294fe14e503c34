"""The revisions that the vintages of a release brought."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from warehouse.errors import WarehouseError
from warehouse.releases.manifest import MANIFEST, VintageRef, read_manifest
from warehouse.releases.store import DATABASE, reading


class BigRevision(BaseModel, frozen=True):
    """A revision beyond its threshold: a row of `marts.mart_revision_alert`.

    `previous_value` and `value` are in the unit of the series. `change_pct` is None for a change from zero.
    """

    source: str
    vintage: str
    previous_vintage: str
    series: str
    period_label: str
    previous_value: float | None
    value: float | None
    change_pct: float | None
    threshold_pct: float


def revisions_by_kind(database: Path, refs: Sequence[VintageRef]) -> dict[str, int]:
    """Count the revisions that vintages brought, by kind: new, changed, withdrawn."""
    counts = {"new": 0, "changed": 0, "withdrawn": 0}
    if refs:
        with reading(database) as db:
            counts |= dict(
                db.execute(
                    "select kind, count(*) from core.fct_revision "
                    "where list_contains(?, source || '/' || vintage) group by kind order by kind",
                    [[f"{ref.source}/{ref.vintage}" for ref in refs]],
                ).fetchall()
            )
    return counts


def big_revisions(database: Path, refs: Sequence[VintageRef]) -> tuple[BigRevision, ...]:
    """Return the revisions beyond their threshold that vintages brought, the biggest first.

    Changes from zero, which have no percentage, come before all others.
    """
    if not refs:
        return ()
    columns = tuple(BigRevision.model_fields)
    with reading(database) as db:
        rows = db.execute(
            f"select {', '.join(columns)} from marts.mart_revision_alert "
            "where list_contains(?, source || '/' || vintage) "
            "order by abs(change_pct) desc nulls first, source, series, period_label, vintage",
            [[f"{ref.source}/{ref.vintage}" for ref in refs]],
        ).fetchall()
    return tuple(BigRevision.model_validate(dict(zip(columns, row, strict=True))) for row in rows)


def big_revisions_of(release: Path) -> tuple[BigRevision, ...]:
    """Return the revisions beyond their threshold that are news in a release, the biggest first.

    Only vintages that the release before it did not have count, so that each revision is reported once.
    Raises WarehouseError when the manifest states no news, or another number of revisions than the database.
    """
    news = read_manifest(release).news
    if news is None:
        raise WarehouseError(
            f"{release / MANIFEST}: has no news, because an older version published it. "
            "Publish again with: warehouse publish --force"
        )
    found = big_revisions(release / DATABASE, news.vintages)
    if len(found) != news.big_revisions:
        raise WarehouseError(
            f"{release}: {len(found)} big revisions in the database, {news.big_revisions} in {MANIFEST}. "
            "One of the two files was changed after publication; find out which with: warehouse maintain"
        )
    return found
