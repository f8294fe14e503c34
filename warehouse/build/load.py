"""Load vintages into schema `raw` of a new build file.

Each source becomes one view `raw.<source>` over the Parquet rows of its vintages, with the vintage's id as a
column; a source without a vintage becomes an empty view with its columns. `raw.landing_vintage`,
`raw.landing_file`, `raw.landing_check` and `raw.landing_freshness` describe the landing. All values of
publishers stay text.

Revisions that the current release already holds are loaded into `raw.known_revision` instead of being
computed again, and the rows of the vintages before them are left out: the work of a build grows with what is
new. `raw.built_node` has a digest of each relation; dbt compares them to skip unchanged nodes (`reuse`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from warehouse.build import reuse
from warehouse.database import connect, literal
from warehouse.errors import WarehouseError
from warehouse.landing.freshness import NOT_CONFIGURED, Freshness
from warehouse.model import Check, Source, Vintage
from warehouse.releases.manifest import SetAside

# The columns of core.fct_revision that the models need of a known revision; the others follow from them.
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
# The columns of an observation: those that every staging model has, in order.
OBSERVATION_COLUMNS = {
    **dict.fromkeys(("source", "vintage", "reporter", "partner", "region", "service"), "varchar"),
    **dict.fromkeys(("indicator", "flow", "frequency"), "varchar"),
    **dict.fromkeys(("period_start", "period_end"), "date"),
    "value": "decimal(38, 18)",
    **dict.fromkeys(("currency", "unit", "value_type", "status", "_file"), "varchar"),
    "_row": "bigint",
}
# Tables are written faster in this format than in DuckDB's default. It is that of the working file alone: a
# release has the default format, which older versions of DuckDB read.
STORAGE = "v1.4.0"
RAW_TABLES = ("known_revision", "landing_vintage", "landing_file", "landing_check", "landing_freshness")
LANDING_TABLES = """
create table raw.landing_vintage (
    source varchar, vintage varchar, retrieved_at timestamp, landed_at timestamp, row_count bigint,
    rows_digest varchar, reader_version integer, is_loaded boolean, is_compared boolean
);
create table raw.landing_file (
    source varchar, vintage varchar, file varchar, address varchar, sha256 varchar, size_bytes bigint,
    retrieved_at timestamp
);
create table raw.landing_check (
    source varchar, sequence integer, checked_at timestamp, outcome varchar, vintage varchar, detail varchar
);
create table raw.landing_freshness (
    source varchar, status varchar, last_success_at timestamp, set_aside_vintage varchar,
    set_aside_reason varchar, drift_count bigint, failed_part_count bigint
);
"""


@dataclass(frozen=True)
class KnownRevisions:
    """The revisions of a release: their Parquet file, and for each source the last vintage they reach."""

    file: Path
    until: Mapping[str, str]


def load(
    build_file: Path,
    sources: Mapping[str, Source],
    rows: Sequence[tuple[Vintage, Path]],
    checks: Mapping[str, Sequence[Check]],
    freshness: Sequence[Freshness],
    known: KnownRevisions | None = None,
    staged: Mapping[tuple[str, str], Path] | None = None,
    set_aside: Sequence[SetAside] = (),
) -> None:
    """Create `build_file` with schema `raw`, and with schema `staging` if staged files are given.

    `rows` pairs each vintage with the Parquet file of its rows; `checks` are the polls of each source, oldest
    first; `freshness` is the state of each source; `staged` are the files of observations by source and
    vintage, each source of which becomes a view `staging.stg_<source>`; `set_aside` are the vintages that the
    build leaves out. Of a source whose revisions are
    known, rows are loaded from the last vintage that they reach.
    """
    until = known.until if known else {}
    if build_file.exists():
        raise WarehouseError(f"{build_file}: this build file exists. Start a new build: warehouse build")
    build_file.parent.mkdir(parents=True, exist_ok=True)
    with connect(build_file, config={"storage_compatibility_version": STORAGE}) as db:
        db.execute("create schema raw")
        loaded = {
            name: [(v, path) for v, path in rows if v.source == name and v.id >= until.get(name, "")]
            for name in sources
        }
        files = _create_views(db, sources, loaded, staged)
        _load_known_revisions(db, known)
        db.execute(LANDING_TABLES)
        _insert(db, "raw.landing_vintage", [_vintage_row(vintage, until) for vintage, _ in rows])
        _insert(
            db,
            "raw.landing_file",
            [
                (v.source, v.id, f.name, f.address, f.sha256, f.size_bytes, _naive(f.retrieved_at))
                for v, _ in rows
                for f in v.files
            ],
        )
        _insert(
            db,
            "raw.landing_check",
            [
                (name, number, _naive(check.checked_at), check.outcome, check.vintage, check.detail)
                for name, polls in checks.items()
                for number, check in enumerate(polls, start=1)
                if check.outcome
                != NOT_CONFIGURED  # its time is of our clock, and it says nothing of the table
            ],
        )
        _insert(
            db,
            "raw.landing_freshness",
            [_freshness_row(one, rows, set_aside) for one in freshness],
        )
        reuse.record_inputs(db, RAW_TABLES, {n: [v for v, _ in used] for n, used in loaded.items()}, files)
        db.execute("checkpoint")


def _create_views(
    db: duckdb.DuckDBPyConnection,
    sources: Mapping[str, Source],
    loaded: Mapping[str, Sequence[tuple[Vintage, Path]]],
    staged: Mapping[tuple[str, str], Path] | None,
) -> dict[str, list[Path]]:
    """Create the views of the sources, and of their staged files, if given; return these files by source."""
    files: dict[str, list[Path]] = {}
    for source in sources.values():
        db.execute(source_view(source, loaded[source.name]))
        if staged is not None:
            db.execute("create schema if not exists staging")
            files[source.name] = [staged[vintage.source, vintage.id] for vintage, _ in loaded[source.name]]
            db.execute(staged_view(source, files[source.name]))
    return files


def _load_known_revisions(db: duckdb.DuckDBPyConnection, known: KnownRevisions | None) -> None:
    columns = ", ".join(f"{name} {kind}" for name, kind in REVISION_COLUMNS.items())
    db.execute(f"create table raw.known_revision ({columns})")
    if known:
        db.execute(
            f"insert into raw.known_revision select {', '.join(REVISION_COLUMNS)} from read_parquet(?) "
            "where source in (select unnest(?))",
            [str(known.file), list(known.until)],
        )


def _vintage_row(vintage: Vintage, until: Mapping[str, str]) -> tuple[object, ...]:
    reached = until.get(vintage.source, "")
    return (
        vintage.source,
        vintage.id,
        _naive(vintage.retrieved_at),
        _naive(vintage.landed_at),
        vintage.row_count,
        vintage.rows_digest,
        vintage.reader_version,
        vintage.id >= reached,
        vintage.id > reached,
    )


def _freshness_row(
    freshness: Freshness, rows: Sequence[tuple[Vintage, Path]], set_aside: Sequence[SetAside]
) -> tuple[object, ...]:
    newest = [one for one, _ in rows if one.source == freshness.source][-1:]
    aside = [one for one in set_aside if one.source == freshness.source][-1:]
    return (
        freshness.source,
        freshness.status,
        freshness.last_success_at and _naive(freshness.last_success_at),
        aside[0].vintage if aside else None,
        aside[0].reason if aside else None,
        len(newest[0].drift) if newest else 0,
        len(newest[0].failed_parts) if newest else 0,
    )


def _insert(db: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        db.executemany(f"insert into {table} values ({', '.join('?' * len(rows[0]))})", rows)


def _naive(at: datetime) -> datetime:
    return at.replace(tzinfo=None)


def source_view(source: Source, rows: Sequence[tuple[Vintage, Path]]) -> str:
    """Return the SQL of the view of one source: a `union all` of its vintages, or an empty relation."""
    columns = ", ".join(f'"{name}"' for name in source.columns)
    if rows:
        selects = [
            f"select {columns}, _file, _row, {literal(vintage.id)} as vintage "
            f"from read_parquet({literal(path)})"
            for vintage, path in rows
        ]
    else:
        nulls = ", ".join(f'cast(null as varchar) as "{name}"' for name in source.columns)
        selects = [
            f"select {nulls}, cast(null as varchar) as _file, cast(null as bigint) as _row, "
            "cast(null as varchar) as vintage where 1 = 0"
        ]
    return f'create view raw."{source.name}" as ' + " union all ".join(selects)


def staged_view(source: Source, files: Sequence[Path]) -> str:
    """Return the SQL of the view of a source's staged observations; an empty relation without files."""
    if files:
        listed = ", ".join(literal(path) for path in files)
        select = f"select * from read_parquet([{listed}])"
    else:
        columns = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in OBSERVATION_COLUMNS.items())
        select = f"select {columns} where 1 = 0"
    return f"create view staging.stg_{source.name} as {select}"
