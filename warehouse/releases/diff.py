"""What differs between two releases, table by table, down to the cell.

Rows are matched by the key that dbt tested to be unique, read from the releases' own dbt manifest; a table
without one is matched by all columns that are not measures. Rows with equal keys are matched in the order of
their columns. Columns that only one side has are named and not compared. Provenance columns (`vintage`,
`vintage_…`, `_file`, `_row`) are not compared, nor part of a key that was not tested: each new load would
change every row.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from warehouse.errors import WarehouseError
from warehouse.releases.manifest import RELEASE_REMEDY, VintageEntry, read_manifest
from warehouse.releases.store import DATABASE, damaged, find_release

MEASURE_TYPES = ("DOUBLE", "FLOAT", "DECIMAL", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
DBT_MANIFEST = Path("dbt_docs") / "manifest.json"
# The present name of the generic test, and the one in releases before 0.2.
UNIQUE_TESTS = ("unique_combination_of_columns", "unique_combination")
Keys = Mapping[str, tuple[str, ...]]
Columns = dict[str, str]
Table = tuple[str, str]


@dataclass(frozen=True)
class BigMove:
    """One cell of a measure before and after, with the key of its row."""

    measure: str
    key: dict[str, Any]
    before: float
    after: float
    difference: float


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
        return bool(
            self.rows_added
            or self.rows_gone
            or self.rows_changed
            or self.columns_added
            or self.columns_gone
            or None in (self.rows_before, self.rows_after)
        )


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


def diff(published: Path, before: str, after: str, moves: int = 3) -> DiffReport:
    """Compare two releases (an id, `latest` or `previous`).

    `moves` is the number of biggest moves to return for each measure. Raises WarehouseError when there is no
    such release or a file of one is missing or damaged.
    """
    old, new = find_release(published, before), find_release(published, after)
    entries_before, entries_after = read_manifest(old).vintages, read_manifest(new).vintages
    keys = table_keys(old / DBT_MANIFEST) | table_keys(new / DBT_MANIFEST)
    tables = compare(old / DATABASE, new / DATABASE, keys, moves)
    return DiffReport(
        before=old.name,
        after=new.name,
        vintages=vintages_that_differ(entries_before, entries_after),
        tables=tuple(table for table in tables if table.is_different),
        tables_equal=tuple(table.table for table in tables if not table.is_different),
    )


def vintages_that_differ(
    before: Iterable[VintageEntry], after: Iterable[VintageEntry]
) -> tuple[VintagesDiff, ...]:
    """Return by source the vintages that only one side contains."""
    old, new = ({(entry.source, entry.vintage) for entry in entries} for entries in (before, after))
    return tuple(
        VintagesDiff(
            source,
            added=tuple(sorted(vintage for name, vintage in new - old if name == source)),
            gone=tuple(sorted(vintage for name, vintage in old - new if name == source)),
        )
        for source in sorted({source for source, _ in old ^ new})
    )


def table_keys(dbt_manifest: Path) -> dict[str, tuple[str, ...]]:
    """Return, for each model of a dbt manifest, the longest key that it was tested to be unique by.

    Without the file there are no keys. Raises WarehouseError when the file is invalid.
    """
    if not dbt_manifest.exists():
        return {}
    try:
        nodes = json.loads(dbt_manifest.read_text(encoding="utf-8"))["nodes"].values()
        keys: dict[str, tuple[str, ...]] = {}
        for node in nodes:
            test = node.get("test_metadata") or {}
            if test.get("name") in UNIQUE_TESTS and node.get("attached_node"):
                model = node["attached_node"].rsplit(".", 1)[-1]
                kwargs = test["kwargs"]
                key = tuple(kwargs["columns"] if "columns" in kwargs else kwargs["combination_of_columns"])
                keys[model] = max(keys.get(model, ()), key, key=len)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WarehouseError(
            f"{dbt_manifest}: not a manifest of dbt ({error!r}). {RELEASE_REMEDY}"
        ) from error
    return keys


def compare(before: Path, after: Path, keys: Keys, moves: int = 3) -> tuple[TableDiff, ...]:
    """Compare two database files, table by table; `keys` maps a table to its unique columns.

    Raises WarehouseError when a file is missing, damaged or has no table.
    """
    with tempfile.TemporaryDirectory() as spill, duckdb.connect() as db:
        db.execute(f"set temp_directory = {_literal(spill)}")
        sides = {"side_before": before, "side_after": after}
        for side, path in sides.items():
            try:
                db.execute(f"attach {_literal(str(path))} as {side} (read_only)")
            except duckdb.Error as error:
                raise damaged(path, error) from error
        try:
            old, new = (_tables(db, side, path) for side, path in sides.items())
            return tuple(
                _compare_table(db, table, old.get(table), new.get(table), keys, moves)
                for table in sorted({*old, *new})
            )
        except duckdb.IOException as error:
            raise WarehouseError(
                f"{before} or {after}: cannot be read ({error}). Find out which with: warehouse maintain"
            ) from error


def _compare_table(
    db: duckdb.DuckDBPyConnection,
    table: Table,
    old: Columns | None,
    new: Columns | None,
    keys: Keys,
    moves: int,
) -> TableDiff:
    """Compare one table of both sides; `old` and `new` map its columns to types, None where it is missing."""
    name = ".".join(table)
    if old is None or new is None:
        rows_before = _count(db, "side_before", table) if old is not None else None
        rows_after = _count(db, "side_after", table) if new is not None else None
        return TableDiff(
            name, (), rows_before, rows_after, rows_after or 0, rows_before or 0, 0, {}, (), (), ()
        )
    shared = [column for column in new if column in old]
    key, is_unique = _matching_key(db, table, shared, new, keys.get(table[1], ()))
    others = [column for column in shared if column not in key and not _is_provenance(column)]
    measures = [one for one in others if moves and _is_measure(new[one]) and _is_measure(old[one])]
    found = db.execute(_comparison(table, shared, key, is_unique, others, measures, moves)).fetchone()
    if found is None:
        raise WarehouseError(f"{name}: the comparison returned no row. Run it again")
    rows_before, rows_after, added, gone, changed, *rest = found
    return TableDiff(
        name,
        tuple(key),
        rows_before,
        rows_after,
        added,
        gone,
        changed,
        cells={one: n for one, n in zip(others, rest[: len(others)], strict=True) if n},
        columns_added=tuple(one for one in new if one not in old),
        columns_gone=tuple(one for one in old if one not in new),
        moves=tuple(
            BigMove(measure, move["key"] or {}, move["before"], move["after"], move["difference"])
            for measure, top in zip(measures, rest[len(others) :], strict=True)
            for move in top or ()
        ),
    )


def _comparison(
    table: Table,
    shared: list[str],
    key: list[str],
    is_unique: bool,
    others: list[str],
    measures: list[str],
    moves: int,
) -> str:
    """Return the query that compares a table in one pass: five counts of rows, then cells, then moves."""
    names = [*key, *([] if is_unique else ["_ordinal"])]
    matched = " and ".join(f"b.{_quoted(one)} is not distinct from a.{_quoted(one)}" for one in names)
    differs = [
        f"b._side and a._side and b.{_quoted(one)} is distinct from a.{_quoted(one)}" for one in others
    ]
    selected = [
        "count(*) filter (where b._side)",
        "count(*) filter (where a._side)",
        "count(*) filter (where b._side is null)",
        "count(*) filter (where a._side is null)",
        f"count(*) filter (where {' or '.join(f'({one})' for one in differs) or 'false'})",
        *(f"count(*) filter (where {condition})" for condition in differs),
        *(_biggest_moves(measure, key, moves) for measure in measures),
    ]
    return (
        f"select {', '.join(selected)} from ({_side('side_before', table, shared, key, is_unique)}) as b "
        f"full outer join ({_side('side_after', table, shared, key, is_unique)}) as a on {matched or 'true'}"
    )


def _side(database: str, table: Table, shared: Sequence[str], key: Sequence[str], is_unique: bool) -> str:
    """Return the query of one side: the shared columns, and a number for rows with equal keys."""
    columns = ", ".join(_quoted(one) for one in shared)
    partition = f"partition by {', '.join(_quoted(one) for one in key)} " if key else ""
    ordinal = "" if is_unique else f", row_number() over ({partition}order by {columns}) as _ordinal"
    return f"select {columns}{ordinal}, true as _side from {_relation(database, table)}"


def _biggest_moves(measure: str, key: Sequence[str], moves: int) -> str:
    """Return the expression for the biggest moves of a measure, as a list of structs."""
    before, after = (f"cast({side}.{_quoted(measure)} as double)" for side in ("b", "a"))
    row = ", ".join(f"{_literal(one)}: a.{_quoted(one)}" for one in key)
    return (
        f"max_by({{'key': {f'{{{row}}}' if key else 'null'}, 'before': {before}, 'after': {after}, "
        f"'difference': {after} - {before}}}, abs({after} - {before}), {int(moves)}) "
        f"filter (where b._side and a._side and {before} <> {after})"
    )


def _matching_key(
    db: duckdb.DuckDBPyConnection, table: Table, shared: list[str], types: Columns, tested: tuple[str, ...]
) -> tuple[list[str], bool]:
    """Return the columns that rows are matched by, and whether they are unique on both sides."""
    untested = [one for one in shared if not _is_measure(types[one]) and not _is_provenance(one)]
    key = list(tested) if tested and set(tested) <= set(shared) else untested
    grouping = f" group by {', '.join(_quoted(one) for one in key)}" if key else ""
    for database in ("side_before", "side_after"):
        counts = f"select count(*) as n from {_relation(database, table)}{grouping}"
        found = db.execute(f"select coalesce(max(n), 0) from ({counts})").fetchone()
        if found is None or found[0] > 1:
            return key, False
    return key, True


def _tables(db: duckdb.DuckDBPyConnection, side: str, path: Path) -> dict[Table, Columns]:
    """Map each table of an attached database to its columns and their types."""
    tables: dict[Table, Columns] = {}
    for schema, table, column, kind in db.execute(
        "select c.schema_name, c.table_name, c.column_name, c.data_type from duckdb_columns() as c "
        "join duckdb_tables() as t using (database_name, schema_name, table_name) "
        "where c.database_name = ? order by c.schema_name, c.table_name, c.column_index",
        [side],
    ).fetchall():
        tables.setdefault((schema, table), {})[column] = kind
    if not tables:
        raise WarehouseError(f"{path}: has no table to compare. {RELEASE_REMEDY}")
    return tables


def _count(db: duckdb.DuckDBPyConnection, database: str, table: Table) -> int:
    found = db.execute(f"select count(*) from {_relation(database, table)}").fetchone()
    return int(found[0]) if found else 0


def _is_provenance(column: str) -> bool:
    return column == "vintage" or column.startswith(("vintage_", "_"))


def _is_measure(kind: str) -> bool:
    return kind.startswith(MEASURE_TYPES)


def _relation(database: str, table: Table) -> str:
    return ".".join(_quoted(one) for one in (database, *table))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
