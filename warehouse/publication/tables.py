"""The tables of a release that are published: their columns, comments, keys, checksums and rows as CSV."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import duckdb

from warehouse.database import identifier

# All of `bi` and `marts`; of `core` the dimensions.
PUBLISHED = "schema_name in ('bi', 'marts') or (schema_name = 'core' and starts_with(table_name, 'dim_'))"
# Texts that stand for null and for the end of a value in the text of a row; no figure or label has them.
NULL, SEPARATOR = "chr(30)", "chr(31)"
DRAIN_BYTES = 1 << 20


@dataclass(frozen=True)
class Column:
    """A column with its type in DuckDB, such as `DECIMAL(38,18)`."""

    name: str
    kind: str
    comment: str | None


@dataclass(frozen=True)
class Table:
    """A table to publish; `key` are the columns that dbt tested to be unique, empty when it tested none.

    `is_key_filled` says whether no row has a null in them.
    """

    schema: str
    name: str
    comment: str | None
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    is_key_filled: bool

    @property
    def full_name(self) -> str:
        """Return the name with its schema, for messages."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Digest:
    """The number of rows of a table, and a checksum of all their cells that ignores the order of rows."""

    rows: int
    checksum: int


def relation(schema: str, name: str) -> str:
    """Return the name of a table in SQL."""
    return f"{identifier(schema)}.{identifier(name)}"


def read_tables(db: duckdb.DuckDBPyConnection, keys: Mapping[str, tuple[str, ...]]) -> tuple[Table, ...]:
    """Return the tables of a release that are published, in the order of their names.

    `keys` maps the name of a table to its unique columns.
    """
    comments: dict[tuple[str, str], str | None] = {
        (schema, name): comment
        for schema, name, comment in db.execute(
            "select schema_name, table_name, comment from duckdb_tables() "
            f"where not internal and ({PUBLISHED}) order by schema_name, table_name"
        ).fetchall()
    }
    columns: dict[tuple[str, str], list[Column]] = {}
    for schema, name, column, kind, comment in db.execute(
        "select schema_name, table_name, column_name, data_type, comment from duckdb_columns() "
        f"where not internal and ({PUBLISHED}) order by schema_name, table_name, column_index"
    ).fetchall():
        columns.setdefault((schema, name), []).append(Column(column, kind, comment))
    tables = []
    for (schema, name), comment in comments.items():
        own = tuple(columns[schema, name])
        key = keys.get(name, ())
        key = key if set(key) <= {column.name for column in own} else ()
        has_null = " or ".join(f"{identifier(column)} is null" for column in key) or "false"
        found = db.execute(f"select 1 from {relation(schema, name)} where {has_null} limit 1").fetchone()
        tables.append(Table(schema, name, comment, own, key, is_key_filled=found is None))
    return tuple(tables)


def digest(db: duckdb.DuckDBPyConnection, table: Table) -> Digest:
    """Compute the digest of a table in DuckDB; `ddl.digest_sql` is the same in PostgreSQL."""
    row = f" || {SEPARATOR} || ".join(f"coalesce({_text(column)}, {NULL})" for column in table.columns)
    sql = (
        f"select count(*), coalesce(sum(cast('0x' || left(md5({row}), 15) as bigint)), 0) "
        f"from {relation(table.schema, table.name)}"
    )
    [(rows, checksum)] = db.execute(sql).fetchall()
    return Digest(rows, int(checksum))


def _text(column: Column) -> str:
    """Return the SQL of a cell as a text that PostgreSQL computes alike; a double by its 64 bits."""
    name = identifier(column.name)
    if column.kind in ("DOUBLE", "FLOAT"):
        return f"lower(hex(cast(cast({name} as bit) as blob)))"
    if column.kind.startswith("TIMESTAMP"):
        return f"cast(epoch_us({name}) as varchar)"
    return f"cast({name} as varchar)"


@contextmanager
def csv_of(db: duckdb.DuckDBPyConnection, table: Table) -> Iterator[BinaryIO]:
    r"""Return a stream of the rows as CSV: no header, null is `\N`, doubles to their last digit.

    DuckDB writes it in a thread, through a pipe, so that no file is needed. Raises duckdb.Error at the end of
    the block when not all rows could be written.
    """
    read_end, write_end = os.pipe()
    failures: list[Exception] = []

    def write() -> None:
        names = ", ".join(identifier(column.name) for column in table.columns)
        try:
            db.cursor().execute(
                f"copy (select {names} from {relation(table.schema, table.name)}) "
                rf"to '/dev/fd/{write_end}' (format csv, header false, nullstr '\N')"
            )
        except duckdb.Error as error:
            failures.append(error)
        finally:
            os.close(write_end)

    thread = threading.Thread(target=write, daemon=True)
    with os.fdopen(read_end, "rb") as stream:
        thread.start()
        try:
            yield stream
        finally:  # a writer whose reader failed would wait for one
            while stream.read(DRAIN_BYTES):
                continue
            thread.join()
    if failures:
        raise failures[0]
