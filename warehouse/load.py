"""Vintages to schema `raw` of a fresh build file.

Keeps: a build file is made new for each build and never reused. Each source becomes one view
`raw.<source>` over the Parquet rows of its vintages, with the vintage's id as a column; a source that
has not landed becomes an empty one with the agreed columns, so that the models stand from the first
night. `raw.landing_vintage`, `raw.landing_file` and `raw.landing_check` tell what lies behind them.

A release knows the revisions between its vintages for good. What it knows is taken into
`raw.known_revision`, and the rows of the vintages before are left where they are: a night's work grows with
what is new, and not with all that was ever landed.

Refuses: to interpret a value. Everything a publisher sent stays text here; types are staging's matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from warehouse.errors import WarehouseError
from warehouse.model import Source, Vintage

CheckRow = tuple[str, int, datetime, str, str | None, str]

# What the models need of a revision that is known; the rest of core.fct_revision follows from it.
REVISION_COLUMNS = {
    **dict.fromkeys(("source", "reporter", "partner", "region", "service", "indicator", "flow"), "varchar"),
    "frequency": "varchar",
    **dict.fromkeys(("period_start", "period_end"), "date"),
    **dict.fromkeys(("currency", "unit", "value_type", "previous_vintage", "vintage"), "varchar"),
    **dict.fromkeys(("previous_value", "value"), "decimal(38, 18)"),
    "kind": "varchar",
    "_previous_file": "varchar",
    "_previous_row": "bigint",
    "_file": "varchar",
    "_row": "bigint",
}


@dataclass(frozen=True)
class Known:
    """The revisions that a release knows: its Parquet file, and for each source the vintage they reach to."""

    revisions: Path
    until: Mapping[str, str]


def load(
    build_file: Path,
    sources: Mapping[str, Source],
    rows: Sequence[tuple[Vintage, Path]],
    checks: Sequence[CheckRow],
    known: Known | None = None,
) -> None:
    """Make `build_file` with schema `raw`: a view for each source, and four tables beside them.

    `rows` pairs each vintage in force with the Parquet file of its rows; `checks` are numbered in their
    order. Of a source whose revisions are `known`, rows are taken from the last vintage that they reach to.
    """
    until = known.until if known else {}
    if build_file.exists():
        raise WarehouseError(f"{build_file}: a build starts from a fresh file, and this one exists")
    build_file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(build_file)) as db:
        db.execute("create schema raw")
        for source in sources.values():
            needed = [
                (v, path) for v, path in rows if v.source == source.name and v.id >= until.get(v.source, "")
            ]
            db.execute(view_of(source, needed))
        columns = ", ".join(f"{name} {kind}" for name, kind in REVISION_COLUMNS.items())
        db.execute(f"create table raw.known_revision ({columns})")
        if known:
            db.execute(
                f"insert into raw.known_revision select {', '.join(REVISION_COLUMNS)} from read_parquet(?) "
                "where source in (select unnest(?))",
                [str(known.revisions), list(until)],
            )
        db.execute(
            "create table raw.landing_vintage (source varchar, vintage varchar, retrieved_at timestamp, "
            "landed_at timestamp, row_count bigint, rows_digest varchar, reader_version integer, "
            "is_loaded boolean, is_compared boolean)"
        )
        db.execute(
            "create table raw.landing_file (source varchar, vintage varchar, file varchar, address varchar, "
            "sha256 varchar, size_bytes bigint, retrieved_at timestamp)"
        )
        db.execute(
            "create table raw.landing_check (source varchar, sequence integer, checked_at timestamp, "
            "outcome varchar, vintage varchar, detail varchar)"
        )
        for vintage, _ in rows:
            db.execute(
                "insert into raw.landing_vintage values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    vintage.source,
                    vintage.id,
                    vintage.retrieved_at.replace(tzinfo=None),
                    vintage.landed_at.replace(tzinfo=None),
                    vintage.row_count,
                    vintage.rows_digest,
                    vintage.reader_version,
                    vintage.id >= until.get(vintage.source, ""),
                    vintage.id > until.get(vintage.source, ""),
                ],
            )
            for file in vintage.files:
                db.execute(
                    "insert into raw.landing_file values (?, ?, ?, ?, ?, ?, ?)",
                    [
                        vintage.source,
                        vintage.id,
                        file.name,
                        file.address,
                        file.sha256,
                        file.size_bytes,
                        file.retrieved_at.replace(tzinfo=None),
                    ],
                )
        for source_name, sequence, checked_at, outcome, vintage_id, detail in checks:
            db.execute(
                "insert into raw.landing_check values (?, ?, ?, ?, ?, ?)",
                [source_name, sequence, checked_at.replace(tzinfo=None), outcome, vintage_id, detail],
            )
        db.execute("checkpoint")


def view_of(source: Source, rows: Sequence[tuple[Vintage, Path]]) -> str:
    """Spell the view of one source: a `union all` of its vintages, or no rows of the agreed columns."""
    columns = ", ".join(f'"{name}"' for name in source.columns)
    if rows:
        selects = [
            f"select {columns}, _file, _row, {literal(vintage.id)} as vintage "
            f"from read_parquet({literal(str(path))})"
            for vintage, path in rows
        ]
    else:
        nothing = ", ".join(f'cast(null as varchar) as "{name}"' for name in source.columns)
        selects = [
            f"select {nothing}, cast(null as varchar) as _file, cast(null as bigint) as _row, "
            "cast(null as varchar) as vintage where 1 = 0"
        ]
    return f'create view raw."{source.name}" as ' + " union all ".join(selects)


def literal(text: str) -> str:
    """Quote a text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"
