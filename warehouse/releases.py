"""What differs between two releases, table by table, down to the cell.

Keeps: for each table the rows on both sides, those added and gone, the cells changed by column, and the
biggest moves of each measure; and the vintages that differ. Rows are matched by the key that dbt tested to
be unique, read from the releases' own documentation; a table without one is matched by all columns that are
not measures. Everything is worked out by DuckDB over the two databases, read-only, one pass a table.

Refuses: to guess which of two rows with one key became which: they are matched in the order of their columns;
to compare columns that only one side has (they are named); to count provenance (`vintage`, `vintage_…`,
`_file`, `_row`) as cells, or as a part of a key that was not tested with it: each fresh pull would change
every row and hide the figures that moved.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from warehouse.errors import WarehouseError

MEASURE_TYPES = ("DOUBLE", "FLOAT", "DECIMAL", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
Keys = Mapping[str, tuple[str, ...]]
Columns = dict[str, str]


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
        """Tell whether anything at all differs."""
        return bool(
            self.rows_added
            or self.rows_gone
            or self.rows_changed
            or self.columns_added
            or self.columns_gone
            or None in (self.rows_before, self.rows_after)
        )


def compare(before: Path, after: Path, keys: Keys, moves: int = 3) -> tuple[TableDiff, ...]:
    """Compare two database files, table by table; `moves` is the number of biggest moves for each measure.

    Raises WarehouseError when a file can't be opened.
    """
    with tempfile.TemporaryDirectory() as spill, duckdb.connect() as db:
        db.execute(f"set temp_directory = {literal(spill)}")
        try:
            db.execute(f"attach {literal(str(before))} as side_before (read_only)")
            db.execute(f"attach {literal(str(after))} as side_after (read_only)")
        except duckdb.Error as error:
            raise WarehouseError(
                f"{before} and {after} can't be compared: {error}. Look into it with: warehouse maintain"
            ) from error
        old, new = tables(db, "side_before"), tables(db, "side_after")
        return tuple(
            compare_table(db, table, old.get(table), new.get(table), keys, moves)
            for table in sorted({*old, *new})
        )


def compare_table(
    db: duckdb.DuckDBPyConnection,
    table: tuple[str, str],
    old: Columns | None,
    new: Columns | None,
    keys: Keys,
    moves: int,
) -> TableDiff:
    """Compare one table of two attached sides; `old` and `new` are its columns, None where it is not."""
    name = ".".join(table)
    if old is None or new is None:
        rows_before = count(db, "side_before", table) if old is not None else None
        rows_after = count(db, "side_after", table) if new is not None else None
        return TableDiff(
            name, (), rows_before, rows_after, rows_after or 0, rows_before or 0, 0, {}, (), (), ()
        )
    shared = [column for column in new if column in old]
    key, is_unique = key_of(db, table, shared, new, keys.get(table[1], ()))
    others = [column for column in shared if column not in key and not is_provenance(column)]
    measures = [column for column in others if is_measure(new[column]) and is_measure(old[column])]
    names = [*key, *([] if is_unique else ["_ordinal"])]
    matched = " and ".join(f"b.{quoted(one)} is not distinct from a.{quoted(one)}" for one in names) or "true"
    both = "b._side and a._side"
    differs = {one: f"{both} and b.{quoted(one)} is distinct from a.{quoted(one)}" for one in others}
    selected = [
        "count(*) filter (where b._side)",
        "count(*) filter (where a._side)",
        "count(*) filter (where b._side is null)",
        "count(*) filter (where a._side is null)",
        f"count(*) filter (where {' or '.join(f'({one})' for one in differs.values()) or 'false'})",
        *(f"count(*) filter (where {condition})" for condition in differs.values()),
        *(big_moves(one, key, moves) for one in measures if moves),
    ]
    found = db.execute(
        f"select {', '.join(selected)} from ({side('side_before', table, shared, names, is_unique)}) as b "
        f"full outer join ({side('side_after', table, shared, names, is_unique)}) as a on {matched}"
    ).fetchone()
    if found is None:
        raise WarehouseError(f"{name}: the comparison gave no answer")
    counts, tops = found[: 5 + len(others)], found[5 + len(others) :]
    return TableDiff(
        name,
        tuple(key),
        counts[0],
        counts[1],
        counts[2],
        counts[3],
        counts[4],
        {one: n for one, n in zip(others, counts[5:], strict=True) if n},
        tuple(one for one in new if one not in old),
        tuple(one for one in old if one not in new),
        tuple(
            BigMove(measure, one["key"] or {}, one["before"], one["after"], one["difference"])
            for measure, top in zip(measures if moves else [], tops, strict=True)
            for one in top or ()
        ),
    )


def key_of(
    db: duckdb.DuckDBPyConnection,
    table: tuple[str, str],
    shared: list[str],
    types: Columns,
    told: tuple[str, ...],
) -> tuple[list[str], bool]:
    """Return the columns that rows are matched by, and whether they are unique on both sides."""
    untold = [one for one in shared if not is_measure(types[one]) and not is_provenance(one)]
    key = list(told) if told and set(told) <= set(shared) else untold
    listed = ", ".join(quoted(one) for one in key)
    for database in ("side_before", "side_after"):
        grouped = f"select count(*) as n from {relation(database, table)}" + (
            f" group by {listed}" if key else ""
        )
        found = db.execute(f"select coalesce(max(n), 0) from ({grouped})").fetchone()
        if found is None or found[0] > 1:
            return key, False
    return key, True


def side(database: str, table: tuple[str, str], shared: list[str], names: list[str], is_unique: bool) -> str:
    """Spell one side of the comparison: the shared columns, and a number for rows of one key."""
    key = ", ".join(quoted(one) for one in names if one != "_ordinal")
    columns = ", ".join(quoted(one) for one in shared)
    ordinal = (
        ""
        if is_unique
        else f", row_number() over ({f'partition by {key} ' if key else ''}order by {columns}) as _ordinal"
    )
    return f"select {columns}{ordinal}, true as _side from {relation(database, table)}"


def big_moves(measure: str, key: list[str], moves: int) -> str:
    """Spell the biggest moves of a measure, as a list of structs."""
    before, after = (f"cast({one}.{quoted(measure)} as double)" for one in ("b", "a"))
    row = ", ".join(f"{literal(one)}: a.{quoted(one)}" for one in key)
    return (
        f"max_by({{'key': {f'{{{row}}}' if key else 'null'}, 'before': {before}, 'after': {after}, "
        f"'difference': {after} - {before}}}, abs({after} - {before}), {int(moves)}) "
        f"filter (where b._side and a._side and {before} <> {after})"
    )


def keys_told(documentation: Path) -> dict[str, tuple[str, ...]]:
    """Return, for each model of a dbt manifest, the longest key that it was tested to be unique by.

    A release without documentation tells of none.
    """
    if not documentation.exists():
        return {}
    try:
        nodes = json.loads(documentation.read_text(encoding="utf-8"))["nodes"].values()
        found: dict[str, tuple[str, ...]] = {}
        for node in nodes:
            test = node.get("test_metadata") or {}
            kwargs = test.get("kwargs") or {}
            # Releases before the tests had the names of dbt_utils call the test `unique_combination`.
            argument = {
                "unique_combination_of_columns": "combination_of_columns",
                "unique_combination": "columns",
            }.get(test.get("name") or "")
            if argument and node.get("attached_node"):
                model = node["attached_node"].rsplit(".", 1)[-1]
                key = tuple(kwargs[argument])
                found[model] = max(found.get(model, ()), key, key=len)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WarehouseError(
            f"{documentation}: not a manifest that dbt wrote ({error!r}). Restore it from the backup"
        ) from error
    return found


def vintages_that_differ(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Tell by source which vintages only one of two manifests names."""
    sides = [{(one["source"], one["vintage"]) for one in told["vintages"]} for told in (before, after)]
    sources = sorted({source for source, _ in sides[0] ^ sides[1]})
    return [
        {
            "source": source,
            "added": sorted(vintage for name, vintage in sides[1] - sides[0] if name == source),
            "gone": sorted(vintage for name, vintage in sides[0] - sides[1] if name == source),
        }
        for source in sources
    ]


def tables(db: duckdb.DuckDBPyConnection, database: str) -> dict[tuple[str, str], Columns]:
    """Map each table of an attached database, as schema and name, to its columns and their types."""
    found: dict[tuple[str, str], Columns] = {}
    for schema, table, column, kind in db.execute(
        "select c.schema_name, c.table_name, c.column_name, c.data_type from duckdb_columns() as c "
        "join duckdb_tables() as t using (database_name, schema_name, table_name) "
        "where c.database_name = ? order by c.schema_name, c.table_name, c.column_index",
        [database],
    ).fetchall():
        found.setdefault((schema, table), {})[column] = kind
    if not found:
        raise WarehouseError(f"{database.removeprefix('side_')}: a release without a table can't be compared")
    return found


def count(db: duckdb.DuckDBPyConnection, database: str, table: tuple[str, str]) -> int:
    """Count the rows of a table."""
    found = db.execute(f"select count(*) from {relation(database, table)}").fetchone()
    return int(found[0]) if found else 0


def is_provenance(column: str) -> bool:
    """Tell whether a column says where a row came from and not what it states."""
    return column == "vintage" or column.startswith(("vintage_", "_"))


def is_measure(kind: str) -> bool:
    """Tell whether a column of a type can move by an amount."""
    return kind.startswith(MEASURE_TYPES)


def relation(database: str, table: tuple[str, str]) -> str:
    """Spell a table's full name."""
    return ".".join(quoted(one) for one in (database, *table))


def quoted(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"
