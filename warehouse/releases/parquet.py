"""Write the tables of a release as Parquet files that describe themselves.

The key-value metadata of a file has:

    description   what the table is
    columns       a JSON object: the name of each column and its meaning, with the unit
    sorted_by     the columns by which the rows are sorted: the key that dbt tested; all columns without one
    ARROW:schema  the description and, as the metadata `comment` of each field, its meaning

They are the comments of the database. Equal tables give equal bytes: nothing here names a release or a time.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb

from warehouse.arrow import pa, pq
from warehouse.database import literal
from warehouse.errors import WarehouseError
from warehouse.files import sha256_of
from warehouse.releases.manifest import TableEntry
from warehouse.releases.store import reading

ROW_GROUP_ROWS = 122_880
Keys = Mapping[str, Sequence[str]]


class Unchanged(NamedTuple):
    """The tables that another release has with the same rows, and the folder of their Parquet files."""

    folder: Path
    tables: Mapping[str, TableEntry]

    def link(self, table: str, path: Path) -> TableEntry | None:
        """Link the file of a table to `path` and return its entry; None without a whole file of it."""
        entry, file = self.tables.get(table), self.folder / path.name
        if entry is None or not file.is_file() or sha256_of(file) != entry.sha256:
            return None
        path.hardlink_to(file)
        return entry


def export_parquet(
    database: Path, folder: Path, keys: Keys, unchanged: Unchanged | None = None
) -> dict[str, TableEntry]:
    """Write each table to `<table>.parquet`; return the entries of the manifest.

    `keys` maps a table to its unique columns, by which the rows are sorted; a table without them is sorted by
    all columns. Equal rows give equal bytes, whatever the order of the rows in the database. So the file of
    an unchanged table is linked, if it still has its checksum.
    """
    entries: dict[str, TableEntry] = {}
    with reading(database) as db:
        tables = db.execute(
            "select schema_name, table_name from duckdb_tables() where not internal order by all"
        ).fetchall()
        if not tables:
            raise WarehouseError(f"{database}: has no table to publish. Build again with: warehouse publish")
        for schema, table in tables:
            if table in entries:
                what = f"two tables are named {table}, so their Parquet files would collide"
                raise WarehouseError(f"{database}: {what}. Rename one of the models")
            path = folder / f"{table}.parquet"
            entries[table] = (unchanged and unchanged.link(table, path)) or export_table(
                db, schema, table, path, keys.get(table, ())
            )
    return entries


def export_table(
    db: duckdb.DuckDBPyConnection, schema: str, table: str, path: Path, key: Sequence[str]
) -> TableEntry:
    """Write one table to a Parquet file, its rows sorted by its unique columns `key`; return its entry."""
    [(description,)] = db.execute(
        "select comment from duckdb_tables() where schema_name = ? and table_name = ?", [schema, table]
    ).fetchall()
    meanings: dict[str, str] = {
        name: comment or ""
        for name, comment in db.execute(
            "select column_name, comment from duckdb_columns() where schema_name = ? and table_name = ? "
            "order by column_index",
            [schema, table],
        ).fetchall()
    }
    is_key_held = bool(key) and all(name in meanings for name in key)
    sorted_by = list(key) if is_key_held else list(meanings)
    metadata = {
        "description": description or "",
        "columns": json.dumps(meanings, ensure_ascii=False),
        "sorted_by": ", ".join(sorted_by),
    }
    metadata["ARROW:schema"] = _arrow_schema(db, schema, table, meanings, metadata["description"])
    values = ", ".join(f"{literal(name)}: {literal(value)}" for name, value in metadata.items())
    order = ", ".join(f'"{name}"' for name in sorted_by)
    db.execute(
        f'copy (select * from "{schema}"."{table}" order by {order}) to {literal(path)} '
        f"(format parquet, compression zstd, row_group_size {ROW_GROUP_ROWS}, kv_metadata {{{values}}})"
    )
    count, size = pq.read_metadata(path).num_rows, path.stat().st_size
    return TableEntry(schema=schema, rows=count, size_bytes=size, sha256=sha256_of(path))


def _arrow_schema(
    db: duckdb.DuckDBPyConnection,
    schema: str,
    table: str,
    meanings: Mapping[str, str],
    description: str,
) -> str:
    """Return the schema of a table as Arrow stores it in a Parquet file.

    DuckDB writes no Arrow schema of its own, and has no other place for the meaning of a column.
    """
    fields = db.sql(f'select * from "{schema}"."{table}" limit 0').to_arrow_table().schema
    described = pa.schema(
        [field.with_metadata({"comment": meanings[field.name]}) for field in fields],
        metadata={"description": description},
    )
    return base64.b64encode(described.serialize().to_pybytes()).decode()
