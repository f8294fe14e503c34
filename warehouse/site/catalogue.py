"""What a release contains, from its own database and dbt manifest: tables, columns, lineage, sources."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

SCHEMAS = ("bi", "marts", "core")
READ_BY = re.compile(r"\b(?:from|join)\s+(\w+\.\w+)")


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, type, and its meaning with the unit."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class CatalogueTable:
    """A table of the release; `made_from` names the models and seeds that its model reads."""

    schema: str
    name: str
    description: str
    rows: int
    columns: tuple[Column, ...]
    made_from: tuple[str, ...]


def tables_of(db: duckdb.DuckDBPyConnection, dbt_manifest: Path) -> tuple[CatalogueTable, ...]:
    """Return the tables of the schemas that readers use, by schema and name."""
    lineage = _lineage(dbt_manifest)
    columns: dict[tuple[str, str], list[Column]] = {}
    for schema, table, name, kind, comment in db.execute(
        """
        select schema_name, table_name, column_name, data_type, comment
        from duckdb_columns() where not internal order by schema_name, table_name, column_index
        """
    ).fetchall():
        columns.setdefault((schema, table), []).append(Column(name, kind.lower(), comment or ""))
    found = db.execute(
        """
        select schema_name, table_name, comment, estimated_size
        from duckdb_tables() where not internal order by schema_name, table_name
        """
    ).fetchall()
    return tuple(
        CatalogueTable(
            schema, name, comment or "", rows, tuple(columns[schema, name]), lineage.get((schema, name), ())
        )
        for wanted in SCHEMAS
        for schema, name, comment, rows in found
        if schema == wanted
    )


def comments_of(tables: tuple[CatalogueTable, ...], query: str) -> dict[str, str]:
    """Return the meaning of each column name, of the tables that a query reads before all others.

    Where these differ, it is that of the first table that the query names.
    """
    read = list(dict.fromkeys(READ_BY.findall(query)))
    meanings: dict[str, str] = {}
    by_name = {f"{table.schema}.{table.name}": table for table in tables}
    for table in (*(by_name[name] for name in read if name in by_name), *tables):
        for column in table.columns:
            meanings.setdefault(column.name, column.meaning)
    return meanings


def _lineage(dbt_manifest: Path) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the names that each model depends on, by schema and name, from dbt's manifest."""
    nodes = json.loads(dbt_manifest.read_text(encoding="utf-8"))["nodes"]
    return {
        (node["schema"], node["alias"]): tuple(
            sorted({one.rsplit(".", 1)[-1] for one in node["depends_on"]["nodes"]})
        )
        for node in nodes.values()
        if node["resource_type"] == "model"
    }
