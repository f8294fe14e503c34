"""Observations that a release holds out of its facts, because a code of theirs is unknown."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from warehouse.releases.store import DATABASE, reading

HELD = "held_row"


class HeldRow(BaseModel, frozen=True):
    """A row of `core.held_row`: a code of a source's newest vintage, and how many observations have it."""

    source: str
    vintage: str
    code_kind: str
    code: str
    observation_count: int
    remedy: str


def held_rows_of(release: Path) -> dict[str, list[HeldRow]]:
    """Return the held rows of the newest vintage of each source; none for a release without the table."""
    with reading(release / DATABASE) as db:
        tables = {name for (name,) in db.execute("select table_name from duckdb_tables()").fetchall()}
        if HELD not in tables:
            return {}
        result = db.execute(
            f"""
            select held.* from core.{HELD} as held
            inner join (
                select source, max(vintage) as vintage from core.dim_vintage group by source
            ) as newest on held.source = newest.source and held.vintage = newest.vintage
            order by held.source, held.code
            """
        )
        names = [column[0] for column in result.description or ()]
        rows = [HeldRow.model_validate(dict(zip(names, row, strict=True))) for row in result.fetchall()]
    found: dict[str, list[HeldRow]] = {}
    for row in rows:
        found.setdefault(row.source, []).append(row)
    return found
