"""What differs between two releases, table by table, down to the cell.

Rows are matched by the key that dbt tested to be unique, read from the releases' own dbt manifest; a table
without one is matched by all columns that are not measures. Rows with equal keys are matched in the order of
their columns. Columns that only one side has are named and not compared. Provenance columns (`vintage`,
`vintage_…`, `_file`, `_row`) are not compared, nor part of a key that was not tested: each new load would
change every row.

Decimals, integers, texts and dates differ by any difference. Doubles differ by more than `TOLERANCE` of the
largest of the two and of 1: the last digits of a computed double depend on the order in which its terms were
added, and a difference of two equal rates is rarely 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from warehouse.database import connect, identifier, literal
from warehouse.errors import WarehouseError, reporting
from warehouse.releases.keys import DBT_MANIFEST, Keys, table_keys
from warehouse.releases.manifest import (
    RELEASE_REMEDY,
    ChangedSources,
    TableEntry,
    VintageEntry,
    read_manifest,
)
from warehouse.releases.store import DATABASE, damaged, find_release

TOLERANCE = "1e-12"  # of doubles, which have 15 to 17 digits
# The columns of a table; all but the others are measures.
Columns = dict[str, Literal["double", "decimal", "integer", "other"]]
# By name: the condition by which a cell differs, and the type in SQL of its values.
Measures = Mapping[str, tuple[str, str]]
Table = tuple[str, str]
# The rows of a table that are paired and not equal, as `b` and `a`.
PAIRS = (
    "from (select * from pair where is_other) as pair "
    "inner join side_before.{relation} as b on b.rowid = pair.b "
    "inner join side_after.{relation} as a on a.rowid = pair.a"
)


def describe_equal(tables: Sized) -> str:
    """Return how many tables are equal: `1 table is equal`, `2 tables are equal`."""
    return "1 table is equal" if len(tables) == 1 else f"{len(tables)} tables are equal"


@dataclass(frozen=True)
class BigMove:
    """One cell of a measure before and after, with the key of its row. A rank or a count is an integer."""

    measure: str
    key: dict[str, Any]
    before: float | int
    after: float | int
    difference: float | int


@dataclass(frozen=True)
class TableDiff:
    """How one table differs; `rows_before` or `rows_after` is None where a side has no such table.

    `cells` counts by column the cells of matched rows whose value differs, a null on one side included.
    """

    table: str
    key: tuple[str, ...]
    rows_before: int | None
    rows_after: int | None
    rows_added: int
    rows_gone: int
    rows_changed: int
    cells: dict[str, int]
    columns_added: tuple[str, ...]
    columns_gone: tuple[str, ...]
    moves: tuple[BigMove, ...]

    @property
    def cells_changed(self) -> int:
        """Return how many cells of matched rows differ."""
        return sum(self.cells.values())

    @property
    def is_different(self) -> bool:
        """Return whether anything differs."""
        rows = self.rows_added or self.rows_gone or self.rows_changed
        columns = self.columns_added or self.columns_gone
        return bool(rows or columns) or None in (self.rows_before, self.rows_after)


@dataclass(frozen=True)
class VintagesDiff:
    """The vintages of a source that only one of two releases contains."""

    source: str
    added: tuple[str, ...]
    gone: tuple[str, ...]


@dataclass(frozen=True)
class DiffReport:
    """How two releases differ: `tables` are those that differ, `tables_equal` the names of the others."""

    before: str
    after: str
    vintages: tuple[VintagesDiff, ...]
    tables: tuple[TableDiff, ...]
    tables_equal: tuple[str, ...]


@reporting("diff")
def diff(published: Path, before: str, after: str, moves: int = 3) -> DiffReport:
    """Compare two releases (an id, `latest` or `previous`).

    `moves` is the number of biggest moves to return for each measure. Raises WarehouseError when there is no
    such release or a file of one is missing or damaged.
    """
    old, new = find_release(published, before), find_release(published, after)
    known, manifest = read_manifest(old), read_manifest(new)
    unchanged = known.unchanged(manifest.contents(), manifest)
    changed = known.changed_sources(manifest.contents(), manifest)
    return report_of(old, new, new / DBT_MANIFEST, manifest.vintages, moves, unchanged, changed)


def report_of(
    release: Path,
    build: Path,
    dbt_manifest: Path,
    vintages: Iterable[VintageEntry],
    moves: int = 3,
    unchanged: Mapping[str, TableEntry] | None = None,
    changed: Mapping[str, ChangedSources] | None = None,
) -> DiffReport:
    """Compare a release with the directory of a release or build, its dbt manifest and its vintages.

    Tables `unchanged`, by name, are known to have the same rows on both sides, and are not read. Of tables
    `changed`, the sources are known whose rows differ: those of others are not read.
    """
    keys = table_keys(release / DBT_MANIFEST) | table_keys(dbt_manifest)
    old = {(entry.source, entry.vintage) for entry in read_manifest(release).vintages}
    new = {(entry.source, entry.vintage) for entry in vintages}
    tables = compare(release / DATABASE, build / DATABASE, keys, moves, unchanged, changed)
    return DiffReport(
        before=release.name,
        after=build.name,
        vintages=tuple(
            VintagesDiff(
                source,
                added=tuple(sorted(vintage for name, vintage in new - old if name == source)),
                gone=tuple(sorted(vintage for name, vintage in old - new if name == source)),
            )
            for source in sorted({source for source, _ in old ^ new})
        ),
        tables=tuple(table for table in tables if table.is_different),
        tables_equal=tuple(table.table for table in tables if not table.is_different),
    )


def compare(
    before: Path,
    after: Path,
    keys: Keys,
    moves: int = 3,
    unchanged: Mapping[str, TableEntry] | None = None,
    changed: Mapping[str, ChangedSources] | None = None,
) -> tuple[TableDiff, ...]:
    """Compare two database files, table by table; `keys` maps a table to its unique columns.

    Tables `unchanged`, by name, are equal without a look at their rows, and so are the rows of tables
    `changed` but those of the named sources. Raises WarehouseError when a file is missing, damaged or has no
    table.
    """
    with connect() as db:
        for side, path in (("side_before", before), ("side_after", after)):
            try:
                db.execute(f"attach {literal(path)} as {side} (read_only)")
            except duckdb.Error as error:
                raise damaged(path, error) from error
        try:
            old, new = _tables(db, "side_before", before), _tables(db, "side_after", after)
            same, parts = unchanged or {}, changed or {}
            return tuple(
                equal_table(table, keys, same[table[1]].rows)
                if table[1] in same
                else _compare_table(
                    db, table, old.get(table, {}), new.get(table, {}), keys, moves, parts.get(table[1])
                )
                for table in sorted({*old, *new})
            )
        except duckdb.IOException as error:
            raise WarehouseError(
                f"{before} or {after}: cannot be read ({error}). Find out which with: warehouse maintain"
            ) from error


def equal_table(table: Table, keys: Keys, rows: int) -> TableDiff:
    """Return the difference of a table with the same rows on both sides."""
    return TableDiff(
        table=".".join(table),
        key=keys.get(table[1], ()),
        rows_before=rows,
        rows_after=rows,
        rows_added=0,
        rows_gone=0,
        rows_changed=0,
        cells={},
        columns_added=(),
        columns_gone=(),
        moves=(),
    )


def _tables(db: duckdb.DuckDBPyConnection, side: str, path: Path) -> dict[Table, Columns]:
    """Return the columns of each table of an attached database; only numbers have a precision."""
    tables: dict[Table, Columns] = {}
    for schema, table, column, kind in db.execute(
        "select c.schema_name, c.table_name, c.column_name, case when c.data_type in ('DOUBLE', 'FLOAT') "
        "then 'double' when c.numeric_scale = 0 then 'integer' when c.numeric_scale > 0 then 'decimal' "
        "else 'other' end "
        "from duckdb_columns() as c join duckdb_tables() using (database_name, schema_name, table_name) "
        "where c.database_name = ? order by c.schema_name, c.table_name, c.column_index",
        [side],
    ).fetchall():
        tables.setdefault((schema, table), {})[column] = kind
    if not tables:
        raise WarehouseError(f"{path}: has no table to compare. {RELEASE_REMEDY}")
    return tables


def _compare_table(
    db: duckdb.DuckDBPyConnection,
    table: Table,
    old: Columns,
    new: Columns,
    keys: Keys,
    moves: int,
    part: ChangedSources | None = None,
) -> TableDiff:
    """Compare one table; `old` or `new` is empty when that side has no such table.

    With a `part`, rows of other sources are equal. They are not read if rows are matched within a source.
    """
    relation, tested = _names(table, separator="."), keys.get(table[1], ())
    shared = {column: kind for column, kind in (new or old).items() if column in (old or new)}
    own = [column for column in shared if column != "vintage" and not column.startswith(("vintage_", "_"))]
    is_tested = bool(tested) and set(tested) <= shared.keys()
    key = list(tested) if is_tested else [column for column in own if shared[column] == "other"]
    cells = [column for column in own if column not in key]
    where, equal = "", 0
    if part and old and new and "source" in key:
        where = f" where source in ({', '.join(map(literal, sorted(part.sources))) or 'null'})"
        equal = part.rows_unchanged
    before = _count(db, f"side_before.{relation}{where}") if old else None
    after = _count(db, f"side_after.{relation}{where}") if new else None
    matched, changed = 0, 0
    counts: dict[str, int] = {}
    biggest: dict[str, list[dict[str, Any]]] = {}
    if before and after:
        matched = _pair_rows(db, relation, where, key, cells, f"order by {_names(shared)}")
        differs = {column: _differs(column, old[column], new[column]) for column in cells}
        pairs = PAIRS.format(relation=relation)
        changed, counts = _counts(db, pairs, differs)
        moved = [column for column in counts if "other" not in (old[column], new[column])]
        integers = {one for one in moved if old[one] == new[one] == "integer"}
        measures = {one: (differs[one], "hugeint" if one in integers else "double") for one in moved}
        biggest = _biggest(db, pairs, key, measures, moves)
    return TableDiff(
        table=".".join(table),
        key=tuple(key),
        rows_before=None if before is None else equal + before,
        rows_after=None if after is None else equal + after,
        rows_added=(after or 0) - matched,
        rows_gone=(before or 0) - matched,
        rows_changed=changed,
        cells=counts,
        columns_added=tuple(column for column in new if old and column not in old),
        columns_gone=tuple(column for column in old if new and column not in new),
        moves=tuple(
            BigMove(measure, **move | {"key": move["key"] or {}})
            for measure, found in biggest.items()
            for move in found
        ),
    )


def _count(db: duckdb.DuckDBPyConnection, relation: str) -> int:
    [(count,)] = db.execute(f"select count(*) from {relation}").fetchall()
    return int(count)


def _pair_rows(
    db: duckdb.DuckDBPyConnection,
    relation: str,
    where: str,
    key: Sequence[str],
    cells: Sequence[str],
    order: str,
) -> int:
    """Pair the rows of both sides that meet `where` and have the same key; return how many pairs there are.

    The table `pair` has the positions of the rows, and whether the hashes of their cells differ: only those
    that do are read again. Where a key has several rows, they are numbered by `order`.
    """
    sides = {"b": f"side_before.{relation}{where}", "a": f"side_after.{relation}{where}"}
    repeated = f"group by {f'hash({_names(key)})' if key else '()'} having count(*) > 1 limit 1"
    is_unique = not any(db.execute(f"select 1 from {one} {repeated}").fetchall() for one in sides.values())
    number = f"row_number() over ({f'partition by {_names(key)}' if key else ''} {order})"
    columns = ", ".join(
        [
            *map(identifier, key),
            "rowid as _position",
            f"{f'hash({_names(cells)})' if cells else '0'} as _digest",
            f"{'1' if is_unique else number} as _number",
        ]
    )
    same = [f"b.{name} is not distinct from a.{name}" for name in map(identifier, key)]
    b, a = (f"(select {columns} from {relation}) as {name}" for name, relation in sides.items())
    db.execute(
        "create or replace temp table pair as select b._position as b, a._position as a, "
        f"b._digest <> a._digest as is_other from {b} inner join {a} on "
        + " and ".join(["b._number = a._number", *same])
    )
    return _count(db, "pair")


def _differs(column: str, before: str, after: str) -> str:
    """Return the condition by which a cell of two rows differs."""
    old, new = (f"{side}.{identifier(column)}" for side in ("b", "a"))
    differs = f"{old} is distinct from {new}"
    if "other" in (before, after) or "double" not in (before, after):
        return f"({differs})"
    difference = f"cast({new} as double) - cast({old} as double)"
    # null for a null, and not finite for an infinity or a NaN, on one side
    is_beyond = f"abs({difference}) > {TOLERANCE} * greatest(1, abs({old}), abs({new}))"
    return f"({differs} and coalesce({is_beyond} or not isfinite({difference}), true))"


def _counts(
    db: duckdb.DuckDBPyConnection, pairs: str, differs: Mapping[str, str]
) -> tuple[int, dict[str, int]]:
    """Return how many pairs of rows differ, and by column how many of their cells do."""
    counts = ", ".join(f"count(*) filter (where {one})" for one in differs.values())
    changed = f"count(*) filter (where {' or '.join(differs.values()) or 'false'})"
    [(rows, cells)] = db.execute(f"select {changed}, [{counts}] {pairs}").fetchall()
    return rows, {name: count for name, count in zip(differs, cells, strict=True) if count}


def _biggest(
    db: duckdb.DuckDBPyConnection, pairs: str, key: Sequence[str], measures: Measures, moves: int
) -> dict[str, list[dict[str, Any]]]:
    """Return the biggest moves by measure, with its values in its type."""
    if not measures or not moves:
        return {}
    row = ", ".join(f"{name}: a.{name}" for name in map(identifier, key))
    biggest = [
        f"max_by({{'key': {f'{{{row}}}' if row else 'null'}, 'before': {old}, 'after': {new}, 'difference': "
        f"{new} - {old}}}, abs({new} - {old}), {moves}) filter (where {one} and {old} <> {new})"
        for name, (one, kind) in measures.items()
        for old, new in [[f"cast({side}.{identifier(name)} as {kind})" for side in ("b", "a")]]
    ]
    [found] = db.execute(f"select {', '.join(biggest)} {pairs}").fetchall()
    return {name: one or [] for name, one in zip(measures, found, strict=True)}


def _names(columns: Iterable[str], separator: str = ", ") -> str:
    return separator.join(map(identifier, columns))
