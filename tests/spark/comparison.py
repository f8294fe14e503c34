"""Compare the tables of two releases row by row: keys and texts equal, numbers to a relative difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from warehouse.database import connect, literal

TOLERANCE = 1e-12
# Effects are sums of terms that cancel, so a difference is measured by the largest amount, or percentage, of
# the row: DuckDB's cast of a decimal to a double may be one unit in the last place off, unlike Spark's.
CANCELLING = ("marts.mart_market_share_change",)
NUMBERS = ("DOUBLE", "DECIMAL", "INTEGER", "BIGINT", "HUGEINT")


class Compared(NamedTuple):
    """A table: rows of each side, rows without a match, cells that differ, largest relative difference."""

    table: str
    rows: int
    other_rows: int
    unmatched: int
    cells: Mapping[str, int]
    largest: float
    types: Sequence[str]

    @property
    def is_equal(self) -> bool:
        return not (self.unmatched or self.cells or self.types) and self.rows == self.other_rows

    def __str__(self) -> str:
        counts = f"{self.rows:>8} {self.unmatched:>9} {sum(self.cells.values()):>11}   {self.largest:.1e}"
        return f"{self.table:<40} {counts} {dict(self.cells) or ''} {'; '.join(self.types)}".rstrip()


def compare(expected: Path, actual: Path, keys: Mapping[str, Sequence[str]]) -> list[Compared]:
    """Compare every table of two DuckDB files; `keys` are the unique columns of a table."""
    with connect() as db:
        db.execute(f"attach {literal(expected)} as a (read_only); attach {literal(actual)} as b (read_only)")
        columns: dict[str, dict[str, dict[str, str]]] = {"a": {}, "b": {}}
        for side, schema, table, column, kind in db.execute(
            "select database_name, schema_name, table_name, column_name, data_type from duckdb_columns() "
            "where database_name in ('a', 'b') and not internal order by all"
        ).fetchall():
            columns[side].setdefault(f"{schema}.{table}", {})[column] = kind
        assert columns["a"].keys() == columns["b"].keys()
        return [
            _compare(db, table, kinds, columns["b"][table], keys.get(table.partition(".")[2], ()))
            for table, kinds in sorted(columns["a"].items())
        ]


def _compare(db, table, kinds, others, key) -> Compared:  # type: ignore[no-untyped-def]
    types = [
        f"{c}: {kinds.get(c)}, {others.get(c)}" for c in {**kinds, **others} if kinds.get(c) != others.get(c)
    ]
    shared = [c for c in kinds if c in others]
    key = list(key) or [c for c in shared if not kinds[c].startswith(NUMBERS)]
    numbered = (
        f"select *, row_number() over (partition by {names(key)} order by {names(shared)}) as _n, 1 as _side"
    )
    join = " and ".join(f'x."{c}" is not distinct from y."{c}"' for c in ["_n", *key])
    cells = [c for c in shared if c not in key]
    differences = []
    for c in cells:
        unit = c.rpartition("_")[2]
        peers = [o for o in cells if o.endswith(f"_{unit}")] if table in CANCELLING else [c]
        differences.append(relative(c, peers) if kinds[c].startswith(NUMBERS) else unequal(c))
    wide = [f"count(*) filter (where {d} > {TOLERANCE})" for d in differences]
    most = [f"coalesce(max({d}), 0)" for d in differences]
    [(rows, other_rows, matched, counts, largest)] = db.execute(
        f"select count(x._side), count(y._side), count(*) filter (where x._side + y._side = 2), "
        f"[{', '.join(wide)}], [{', '.join(most)}] "
        f"from ({numbered} from a.{table}) as x full join ({numbered} from b.{table}) as y on {join}"
    ).fetchall()
    found = {c: n for c, n in zip(cells, counts, strict=True) if n}
    return Compared(
        table, rows, other_rows, rows + other_rows - 2 * matched, found, max(largest, default=0), types
    )


def names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{c}"' for c in columns)


def unequal(c: str) -> str:
    return f'case when x._side + y._side = 2 and x."{c}" is distinct from y."{c}" then 1.0 else 0.0 end'


def relative(c: str, peers: Sequence[str]) -> str:
    """Return the difference of two numbers relative to the largest of the peers; 1 where one is missing."""
    x, y = f'cast(x."{c}" as double)', f'cast(y."{c}" as double)'
    sizes = ", ".join(f'abs(cast({side}."{peer}" as double))' for peer in peers for side in "xy")
    return (
        f'case when x._side + y._side is distinct from 2 or x."{c}" is not distinct from y."{c}" then 0.0 '
        f"when {x} is null or {y} is null then 1.0 else abs({x} - {y}) / greatest({sizes}) end"
    )
