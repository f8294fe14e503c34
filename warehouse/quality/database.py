"""The gate database: a small DuckDB file whose views show the validated tables and what to compare them with.

| schema | load gate | release gate |
|---|---|---|
| `raw` | `raw.<source>`: the candidate vintage's rows | |
| `previous` | `previous.<source>`: the rows of the last accepted vintage, or none | |
| `seeds` | `seeds.<name>`: a seed file that a query names, all columns as text | |
| `core`, `marts` | | the tables of the finished build |
| `current` | | `current.<table>`: the same tables of the current release, or none |

In the release gate `current.decided_source` (one column, `source`) lists the sources that an operator has
decided on. Their rows are left out of `current`, and expectations on their values skip them. A table that has
the same rows in the current release has none in `current`, so that it is not compared with itself.

Macros: `is_number(text)`; `number(text)`, a double for comparisons, null where the text is not a number; and
the aggregate `row_refs(_file, _row)`, a text such as "(3 rows, first in file X row 12)".

Data files are attached read-only, so that other readers of the current release are never locked out.
All connections have the limits of the process. To open a file takes DuckDB 30 ms and more, unless the process
has a connection to it: a gate holds one until its suites have run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb

from warehouse.database import connect as open_database
from warehouse.database import literal
from warehouse.errors import WarehouseError
from warehouse.quality.suites import SCHEMAS

SEED_NAME = re.compile(r"\bseeds\.(\w+)")
# A text that is not a number fails the expectation about numbers; all other expectations skip it.
MACROS = (
    "create macro is_number(digits) as "
    "regexp_full_match(digits, '-?([0-9]+([.][0-9]+)?|[.][0-9]+)([eE][-+]?[0-9]+)?')",
    "create macro number(digits) as case when is_number(digits) then cast(digits as double) end",
    "create macro row_refs(file, row_number) as '(' || count(*) || case when count(*) = 1 then ' row' "
    "else ' rows' end || ', first in file ' || arg_min(file, (file, row_number)) || ' row ' || "
    "arg_min(row_number, (file, row_number)) || ')'",
)


@contextmanager
def created(
    work: Path, attached: Mapping[str, Path] | None = None
) -> Iterator[tuple[Path, duckdb.DuckDBPyConnection]]:
    """Create a gate database with schemas and macros in the scratch folder `work`, and hold it open.

    Yields its path and a connection, with other databases (name to file) attached read-only.
    """
    work.mkdir(parents=True, exist_ok=True)
    file = work / "gate.duckdb"
    file.unlink(missing_ok=True)
    with closing(connect(file, attached or {})) as connection:
        schemas = (f"create schema {name}" for name in (*SCHEMAS, "previous", "current", "seeds"))
        connection.execute("; ".join(("begin", *schemas, *MACROS, "commit")))
        yield file, connection


def connect(file: Path, attached: Mapping[str, Path]) -> duckdb.DuckDBPyConnection:
    """Open the gate database, with other databases (name to file) attached read-only."""
    connection = open_database(file)
    for statement in attach_statements(attached):
        connection.execute(statement)
    return connection


def attach_statements(attached: Mapping[str, Path]) -> list[str]:
    """Return the SQL that attaches databases (name to file) read-only."""
    return [f"attach if not exists {literal(file)} as {name} (read_only)" for name, file in attached.items()]


def columns_of(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Return the columns of a relation, name to type, in order."""
    return {row[0]: row[1] for row in connection.execute(f"describe from {relation}").fetchall()}


def tables_of(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, dict[str, str]]:
    """Return the core and marts tables of an attached database: name with schema to columns and types."""
    tables: dict[str, dict[str, str]] = {}
    for schema, table, column, kind in connection.execute(
        """
        select schema_name, table_name, column_name, data_type
        from duckdb_columns()
        where database_name = ? and schema_name in ('core', 'marts')
        order by schema_name, table_name, column_index
        """,
        [database],
    ).fetchall():
        tables.setdefault(f"{schema}.{table}", {})[column] = kind
    return tables


def select_as(relation: str, columns: Mapping[str, str], present: Iterable[str], condition: str = "") -> str:
    """Return a query of exactly `columns` (name to type) from an older relation.

    A column that is not in `present`, the relation's own columns, is null.
    """
    known = set(present)
    listed = ", ".join(
        f'"{name}"' if name in known else f'cast(null as {kind}) as "{name}"'
        for name, kind in columns.items()
    )
    return f"select {listed} from {relation} {condition}".strip()


def add_seeds(connection: duckdb.DuckDBPyConnection, seeds: Path, queries: Iterable[str]) -> None:
    """Load the seed files that queries name as tables of text: codes such as 076 and NA stay as written.

    Raises WarehouseError if the folder has no file of a seed that is named.
    """
    for name in sorted({name for query in queries for name in SEED_NAME.findall(query)}):
        file = seeds / f"{name}.csv"
        if not file.is_file():
            raise WarehouseError(f"{file}: no such seed file. The load gate needs it to check codes")
        options = """header = true, all_varchar = true, delim = ',', quote = '"', escape = '"'"""
        rows = f"read_csv({literal(file)}, {options})"
        connection.execute(f'create table seeds."{name}" as select * from {rows}')
