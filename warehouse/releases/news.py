"""What a release brought: its new vintages, their revisions, and those beyond their threshold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from warehouse.database import literal
from warehouse.errors import WarehouseError
from warehouse.releases.manifest import MANIFEST, BuildRecord, News, VintageRef, read_manifest
from warehouse.releases.store import DATABASE, current, reading


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


def news_against(published: Path, database: Path, record: BuildRecord) -> News:
    """Return what a build contains that the current release does not."""
    release = current(published)
    known = {entry.ref for entry in read_manifest(release).vintages} if release else set()
    fresh = tuple(entry.ref for entry in record.vintages if entry.ref not in known)
    return News(
        against=release.name if release else None,
        vintages=fresh,
        revisions=revisions_by_kind(database, fresh),
        big_revisions=len(big_revisions(database, fresh)),
    )


def revisions_by_kind(database: Path, refs: Sequence[VintageRef]) -> dict[str, int]:
    """Count the revisions that vintages brought, by kind: new, changed, withdrawn."""
    counted = _brought_by(refs, database, "select kind, count(*) from core.fct_revision", "group by kind")
    return {"new": 0, "changed": 0, "withdrawn": 0} | dict(counted)


def big_revisions(database: Path, refs: Sequence[VintageRef]) -> tuple[BigRevision, ...]:
    """Return the revisions beyond their threshold that vintages brought, the biggest first.

    Changes from zero, which have no percentage, come before all others.
    """
    columns = tuple(BigRevision.model_fields)
    select = f"select {', '.join(columns)} from marts.mart_revision_alert"
    order = "order by abs(change_pct) desc nulls first, source, series, period_label, vintage"
    rows = _brought_by(refs, database, select, order)
    return tuple(BigRevision.model_validate(dict(zip(columns, row, strict=True))) for row in rows)


def _brought_by(refs: Sequence[VintageRef], database: Path, select: str, order: str) -> list[Any]:
    """Return the rows that a query finds for vintages; none without vintages."""
    if not refs:
        return []
    # No parameters: DuckDB imports pandas to look at their types, which takes half a second.
    vintages = ", ".join(literal(f"{ref.source}/{ref.vintage}") for ref in refs)
    with reading(database) as db:
        return db.execute(f"{select} where source || '/' || vintage in ({vintages}) {order}").fetchall()


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


def news_of(published: Path, release: str) -> dict[str, Any]:
    """Return the release, what it is compared with, its new vintages and revisions, and its changed tables.

    The values are JSON. `changed_tables` are those whose rows differ from the release before, by checksums
    of the two manifests, and those that only one of the two has. For the first release they are all tables.
    """
    manifest = read_manifest(published / release)
    news = manifest.news
    against = news.against if news else None
    before = read_manifest(published / against).tables if against and (published / against).exists() else {}
    after = manifest.tables
    changed = [
        name
        for name in sorted(before.keys() | after.keys())
        if name not in before or name not in after or before[name].sha256 != after[name].sha256
    ]
    return {
        "release": release,
        "as_of": manifest.as_of.isoformat(),
        "against": against,
        "vintages": [f"{one.source}/{one.vintage}" for one in news.vintages] if news else [],
        "revisions": dict(news.revisions) if news else {},
        "big_revisions": news.big_revisions if news else 0,
        "changed_tables": changed,
    }
