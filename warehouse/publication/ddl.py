"""The SQL of published tables in PostgreSQL. Pure functions: the state of the database comes in as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from warehouse.database import identifier
from warehouse.database import literal as text_literal
from warehouse.errors import WarehouseError
from warehouse.publication.tables import NULL, SEPARATOR, Column, Table, relation

# Types as `format_type` of PostgreSQL spells them, so that they compare with those of an existing table.
TYPES = {
    "BIGINT": "bigint",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "double precision",
    "FLOAT": "real",
    "HUGEINT": "numeric(38,0)",
    "INTEGER": "integer",
    "SMALLINT": "smallint",
    "TIMESTAMP": "timestamp without time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "TINYINT": "smallint",
    "VARCHAR": "text",
}
LONGEST_NAME = 63  # bytes; PostgreSQL cuts longer names
# Keys begin with the source and the reporter. A question that compares economies names a service, a flow and
# a period; without this index it reads the whole table. Bilateral tables are large, and asked by reporter.
ACROSS_ECONOMIES = ("source", "service", "flow", "period_start")
NOT_IN_RELEASE = "Not in the releases since"

# What there is in the database: the record of the release, and of the tables that publications made.
RECORDS = (
    "create table if not exists bi.release (release text not null, as_of date not null, "
    "published_at timestamp with time zone not null, git_revision text not null, "
    "copied_at timestamp with time zone not null default now())",
    "comment on table bi.release is 'The release of the Services Trade Warehouse that all tables hold'",
    "create table if not exists bi.published_table (schema_name text, table_name text, "
    "row_count bigint not null, checksum numeric not null, primary key (schema_name, table_name))",
    "comment on table bi.published_table is 'The tables that `warehouse publish-to` writes'",
)
RECORD_TABLES = (("bi", "release"), ("bi", "published_table"))


@dataclass(frozen=True)
class ExistingColumn:
    """A column of a table in the database, with its type as `format_type` spells it."""

    kind: str
    is_not_null: bool
    comment: str | None


@dataclass(frozen=True)
class ExistingTable:
    """A table in the database; `keys` maps primary key and unique constraints to type (`p`, `u`), columns."""

    comment: str | None = None
    columns: Mapping[str, ExistingColumn] = field(default_factory=dict)
    keys: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Changes:
    """What a release changes in a table that exists: the statements, and columns in words for the report."""

    statements: tuple[str, ...]
    added: tuple[str, ...]
    kept: tuple[str, ...]


def literal(text: str | None) -> str:
    """Return a text as an SQL literal; None as null."""
    return "null" if text is None else text_literal(text)


def postgres_type(table: Table, column: Column) -> str:
    """Return the type of a column in PostgreSQL; raise WarehouseError for a type that is not in use."""
    if match := re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", column.kind):
        return f"numeric({match[1]},{match[2]})"
    if column.kind not in TYPES:
        raise WarehouseError(
            f"{table.full_name}: column {column.name} has the type {column.kind}, which is not published to "
            "PostgreSQL. Add it to TYPES in warehouse/publication/ddl.py, or change the model"
        )
    return TYPES[column.kind]


def require_names(table: Table) -> None:
    """Raise WarehouseError for a name that PostgreSQL would cut."""
    for name in (table.name, *(column.name for column in table.columns)):
        if len(name.encode()) > LONGEST_NAME:
            raise WarehouseError(
                f"{table.full_name}: the name {name} is longer than {LONGEST_NAME} bytes, which PostgreSQL "
                "would cut. Rename it in the model"
            )


def create_table(table: Table) -> str:
    """Return the statement that creates a table, without its key."""
    columns = ", ".join(
        f"{identifier(column.name)} {postgres_type(table, column)}" for column in table.columns
    )
    return f"create table {relation(table.schema, table.name)} ({columns})"


def key_name(table: Table) -> str:
    """Return the name of the key constraint."""
    return f"{table.name[: LONGEST_NAME - 4]}_key"


def has_key(table: Table, existing: ExistingTable) -> bool:
    """Return whether the table in the database has the key of the release, of its kind."""
    wanted = ("p" if table.is_key_filled else "u", table.key)
    return not table.key or existing.keys.get(key_name(table)) == wanted


def add_key(table: Table) -> str:
    """Return the statement that adds the key: a primary key, or a unique constraint where it has nulls."""
    columns = ", ".join(map(identifier, table.key))
    kind = "primary key" if table.is_key_filled else "unique"
    return (
        f"alter table {relation(table.schema, table.name)} "
        f"add constraint {identifier(key_name(table))} {kind} ({columns})"
    )


def index_name(table: Table) -> str | None:
    """Return the name of the index on ACROSS_ECONOMIES; None for a table that has none."""
    names = {column.name for column in table.columns}
    if not names.issuperset((*ACROSS_ECONOMIES, "reporter")) or "partner" in names:
        return None
    return f"{table.name[: LONGEST_NAME - 17]}_across_economies"


def add_index(table: Table, name: str) -> str:
    """Return the statement that adds the index on ACROSS_ECONOMIES."""
    columns = ", ".join(map(identifier, ACROSS_ECONOMIES))
    return f"create index {identifier(name)} on {relation(table.schema, table.name)} ({columns})"


def changes_of(table: Table, existing: ExistingTable) -> Changes:
    """Return what must change in a table that exists before it can take the rows of the release.

    Columns are added and never dropped: a view of a user may read them. A column that the release does not
    have is null from then on.
    """
    name = relation(table.schema, table.name)
    wanted = {column.name: postgres_type(table, column) for column in table.columns}
    statements = []
    replaced = key_name(table) in existing.keys and not (table.key and has_key(table, existing))
    if replaced:
        statements.append(f"alter table {name} drop constraint {identifier(key_name(table))}")
    filled = {
        column
        for constraint, (kind, columns) in existing.keys.items()
        if kind == "p" and not (replaced and constraint == key_name(table))
        for column in columns
    }
    for column, now in existing.columns.items():
        if now.is_not_null and column not in filled:
            statements.append(f"alter table {name} alter column {identifier(column)} drop not null")
    for column, kind in wanted.items():
        if column in existing.columns and existing.columns[column].kind != kind:
            one = identifier(column)
            statements.append(
                f"alter table {name} alter column {one} type {kind} using cast({one} as {kind})"
            )
    added = tuple(column for column in wanted if column not in existing.columns)
    statements += [f"alter table {name} add column {identifier(column)} {wanted[column]}" for column in added]
    kept = tuple(column for column in existing.columns if column not in wanted)
    return Changes(tuple(statements), added, kept)


def comments_of(table: Table, existing: ExistingTable, release: str) -> list[str]:
    """Return the statements for the comments that differ from those in the database."""
    name = relation(table.schema, table.name)
    statements = []
    if table.comment != existing.comment:
        statements.append(f"comment on table {name} is {literal(table.comment)}")
    wanted = {column.name: column.comment for column in table.columns}
    for column, now in existing.columns.items():
        if column not in wanted and not (now.comment or "").startswith(NOT_IN_RELEASE):
            wanted[column] = f"{NOT_IN_RELEASE} {release}; null in every row"
    for column, comment in wanted.items():
        before = existing.columns[column].comment if column in existing.columns else None
        if comment != before:
            statements.append(f"comment on column {name}.{identifier(column)} is {literal(comment)}")
    return statements


def copy_sql(table: Table) -> str:
    r"""Return the statement that reads the CSV of `tables.csv_of`."""
    names = ", ".join(identifier(column.name) for column in table.columns)
    return rf"copy {relation(table.schema, table.name)} ({names}) from stdin (format csv, null '\N')"


def digest_sql(table: Table) -> str:
    """Return the query of the digest that `tables.digest` computes in DuckDB."""
    row = f" || {SEPARATOR} || ".join(f"coalesce({_text(column)}, {NULL})" for column in table.columns)
    return (
        f"select count(*), coalesce(sum(cast(cast('x' || left(md5({row}), 15) as bit(60)) as bigint)), 0) "
        f"from {relation(table.schema, table.name)}"
    )


def _text(column: Column) -> str:
    name = identifier(column.name)
    if column.kind == "DOUBLE":
        return f"encode(float8send({name}), 'hex')"
    if column.kind == "FLOAT":
        return f"encode(float4send({name}), 'hex')"
    if column.kind.startswith("TIMESTAMP"):
        return f"cast(cast(extract(epoch from {name}) * 1000000 as bigint) as text)"
    return f"cast({name} as text)"
