"""Copying a release to PostgreSQL. This is the only module that imports psycopg2.

All rows are replaced in one transaction (delete, copy, verify), so that a reader sees one release and
is never blocked, also one whose transaction is older than the publication. What changes an existing table (a
new column) needs an exclusive lock: it is done before, table by table, each with a short `lock_timeout`,
because all readers queue behind a lock that waits. Views of users stay: no table or column is ever dropped.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from warehouse.database import identifier
from warehouse.errors import WarehouseError
from warehouse.publication import ddl
from warehouse.publication.address import mask_text, masked
from warehouse.publication.ddl import ExistingColumn, ExistingTable, literal
from warehouse.publication.tables import Digest, Table, csv_of, digest, relation

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

LOG = logging.getLogger(__name__)
SCHEMAS = ("bi", "core", "marts")
ADVISORY_LOCK = 7_245_113_946  # any number; it is the same for every publication of this project
LOCK_SECONDS = 2
LOCK_ATTEMPTS = 5
PAUSE_SECONDS = 1.0
OLDEST_SERVER = 120_000  # version 12: `vacuum (skip_locked)`
TableName = tuple[str, str]

EXISTING = """
    select n.nspname, c.relname, obj_description(c.oid, 'pg_class'), a.attname,
        format_type(a.atttypid, a.atttypmod), a.attnotnull, col_description(c.oid, a.attnum)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname = any(%s) and c.relkind in ('r', 'p', 'v', 'm', 'f')
    order by 1, 2, a.attnum"""
KEYS = """
    select n.nspname, c.relname, k.conname, k.contype,
        (select array_agg(a.attname::text order by p.place)
         from unnest(k.conkey) with ordinality p(number, place)
         join pg_attribute a on a.attrelid = c.oid and a.attnum = p.number)
    from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any(%s) and k.contype in ('p', 'u')"""
INDEXES = "select schemaname, indexname from pg_indexes where schemaname = any(%s)"
BLOCKERS = """
    select string_agg(distinct format('process %%s of %%s (%%s), since %%s', a.pid, a.usename,
        coalesce(nullif(a.application_name, ''), 'no application name'),
        date_trunc('second', a.xact_start)), '; ')
    from pg_locks l join pg_stat_activity a using (pid)
    where l.relation = to_regclass(%s) and l.granted and a.pid <> pg_backend_pid()"""


@dataclass(frozen=True)
class ReleaseFacts:
    """What `bi.release` says of the release: id, as-of date, time of publication, revision of the code."""

    release: str
    as_of: str
    published_at: str
    git_revision: str


@dataclass(frozen=True)
class Copied:
    """What was copied: rows by table, and what was created, added, kept or could not be done."""

    rows: dict[str, int]
    tables_created: tuple[str, ...]
    columns_added: tuple[str, ...]
    columns_kept: tuple[str, ...]
    tables_emptied: tuple[str, ...]
    warnings: tuple[str, ...]


def copy_release(
    address: str,
    db: duckdb.DuckDBPyConnection,
    tables: Sequence[Table],
    facts: ReleaseFacts,
    reader: str | None,
) -> Copied:
    """Replace the tables in the database at `address` by those of a release, and verify every cell.

    `db` is the open database of the release; `reader` names the role that may select, which is created when
    it is missing, or is None. Raises WarehouseError, without the password, when anything fails; readers then
    still see what they saw before.
    """
    for table in tables:
        ddl.require_names(table)
        for column in table.columns:
            ddl.postgres_type(table, column)
    with connected(address) as server:
        existing = _existing(server)
        ours = _published_tables(server, existing)
        _require_ours(tables, existing, ours)
        added, kept = _change_tables(server, tables, existing)
        existing = _existing(server)
        with server:
            _run(server, f"set local lock_timeout = '{LOCK_SECONDS * LOCK_ATTEMPTS}s'")
            _run(server, *_missing_schemas(server), *ddl.RECORDS)
            created = _create(server, tables, existing)
            gone = _empty(server, tables, existing, ours, facts.release)
            digests = {table: _replace_rows(server, db, table) for table in tables}
            indexes = set(_rows(server, INDEXES, (list(SCHEMAS),)))
            for table in tables:
                now = existing.get((table.schema, table.name), ExistingTable())
                if not ddl.has_key(table, now):
                    _run(server, ddl.add_key(table))
                if (index := ddl.index_name(table)) and (table.schema, index) not in indexes:
                    _run(server, ddl.add_index(table, index))
                _run(server, *ddl.comments_of(table, now, facts.release))
            _write_records(server, digests, gone, facts)
            warnings = _grant(server, tables, reader) if reader else []
        warnings += _vacuum(server, tables, address)
    return Copied(
        rows={table.full_name: found.rows for table, found in digests.items()},
        tables_created=tuple(created),
        columns_added=tuple(added),
        columns_kept=tuple(kept),
        tables_emptied=tuple(f"{schema}.{name}" for schema, name in gone),
        warnings=tuple(warnings),
    )


@contextmanager
def connected(address: str) -> Iterator[Connection]:
    """Connect, and hold the lock of publications; errors of the server become WarehouseErrors."""
    import psycopg2

    where = masked(address)
    try:
        server = psycopg2.connect(address, application_name="warehouse publish-to", connect_timeout=30)
    except psycopg2.Error as error:
        # `from None`: libpq repeats parts of the address in its messages.
        raise WarehouseError(
            f"{where}: no connection: {_line(error, address)}. Check the address, the server, and the "
            "password in ~/.pgpass or PGPASSWORD"
        ) from None
    try:
        with closing(server):
            _prepare(server, where)
            yield server
    except psycopg2.Error as error:
        raise WarehouseError(
            f"{where}: the publication failed, and readers see what they saw before: "
            f"{_line(error, address)}. Fix the cause and run it again"
        ) from None


def _line(error: Exception, address: str) -> str:
    return mask_text(" ".join(str(error).split()), address)


def _prepare(server: Connection, where: str) -> None:
    """Check the version, take the lock of publications for this session, and set how values are written."""
    if server.server_version < OLDEST_SERVER:
        raise WarehouseError(
            f"{where}: is PostgreSQL {server.server_version // 10_000}; 12 is the oldest in use"
        )
    with server:
        _run(server, "set datestyle = 'ISO, YMD'", "set standard_conforming_strings = on")
        [(is_free,)] = _rows(server, "select pg_try_advisory_lock(%s)", (ADVISORY_LOCK,))
    if not is_free:
        raise WarehouseError(f"{where}: another publication is running. Run it again when that has ended")


def _run(server: Connection, *statements: str) -> None:
    with server.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _rows(server: Connection, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    with server.cursor() as cursor:
        cursor.execute(sql, values or None)
        return list(cursor.fetchall())


def _existing(server: Connection) -> dict[TableName, ExistingTable]:
    """Return the tables and views of the schemas in the database."""
    columns: dict[TableName, dict[str, ExistingColumn]] = {}
    comments: dict[TableName, str | None] = {}
    keys: dict[TableName, dict[str, tuple[str, tuple[str, ...]]]] = {}
    with server:
        for schema, name, comment, column, kind, is_not_null, text in _rows(
            server, EXISTING, (list(SCHEMAS),)
        ):
            comments[schema, name] = comment
            own = columns.setdefault((schema, name), {})
            if column is not None:
                own[column] = ExistingColumn(kind, is_not_null, text)
        for schema, name, constraint, kind, parts in _rows(server, KEYS, (list(SCHEMAS),)):
            keys.setdefault((schema, name), {})[constraint] = (kind, tuple(parts))
    return {name: ExistingTable(comments[name], columns[name], keys.get(name, {})) for name in comments}


def _published_tables(server: Connection, existing: Mapping[TableName, ExistingTable]) -> set[TableName]:
    """Return the tables that publications made, by their record in the database."""
    if ("bi", "published_table") not in existing:
        return set()
    with server:
        rows = _rows(server, "select schema_name, table_name from bi.published_table")
    return {(schema, name) for schema, name in rows}


def _require_ours(
    tables: Sequence[Table], existing: Mapping[TableName, ExistingTable], ours: set[TableName]
) -> None:
    """Raise WarehouseError before the rows of a table that no publication made are deleted."""
    wanted = [] if ours else list(ddl.RECORD_TABLES)
    wanted += [(table.schema, table.name) for table in tables]
    if foreign := sorted({name for name in wanted if name in existing} - ours):
        names = ", ".join(".".join(name) for name in foreign)
        raise WarehouseError(
            f"the database has {names}, which no publication made (bi.published_table does not list it). "
            "Rename it, or publish to another database"
        )


def _change_tables(
    server: Connection, tables: Sequence[Table], existing: Mapping[TableName, ExistingTable]
) -> tuple[list[str], list[str]]:
    """Change each table that exists to what the release needs; return columns added, and columns kept."""
    added, kept = [], []
    for table in tables:
        if (table.schema, table.name) not in existing:
            continue
        changes = ddl.changes_of(table, existing[table.schema, table.name])
        if changes.statements:
            _with_lock(server, table, changes.statements)
        added += [f"{table.full_name}.{column}" for column in changes.added]
        kept += [f"{table.full_name}.{column}" for column in changes.kept]
    return added, kept


def _with_lock(server: Connection, table: Table, statements: Sequence[str]) -> None:
    """Run statements that lock a table exclusively in one transaction; try again while readers hold it.

    Raises WarehouseError that names the sessions in the way.
    """
    from psycopg2.errors import LockNotAvailable

    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            with server:
                _run(server, f"set local lock_timeout = '{LOCK_SECONDS}s'", *statements)
            return
        except LockNotAvailable:
            LOG.info("%s is in use; attempt %d of %d", table.full_name, attempt, LOCK_ATTEMPTS)
            time.sleep(PAUSE_SECONDS)
    with server:
        [(blockers,)] = _rows(server, BLOCKERS, (relation(table.schema, table.name),))
    raise WarehouseError(
        f"{table.full_name}: has to be changed ({'; '.join(statements)}), and is in use by "
        f"{blockers or 'a session that has ended since'}. Nothing was published. Run it again when that has "
        "ended"
    )


def _missing_schemas(server: Connection) -> list[str]:
    """Return the statements for schemas that are missing: `if not exists` would need a right either way."""
    found = {name for (name,) in _rows(server, "select nspname from pg_namespace")}
    return [f"create schema {identifier(schema)}" for schema in SCHEMAS if schema not in found]


def _create(
    server: Connection, tables: Sequence[Table], existing: Mapping[TableName, ExistingTable]
) -> list[str]:
    """Create the tables that are missing; they are seen with their rows, when the transaction ends."""
    missing = [table for table in tables if (table.schema, table.name) not in existing]
    _run(server, *map(ddl.create_table, missing))
    return [table.full_name for table in missing]


def _empty(
    server: Connection,
    tables: Sequence[Table],
    existing: Mapping[TableName, ExistingTable],
    ours: set[TableName],
    release: str,
) -> list[TableName]:
    """Empty the tables of earlier releases that this release does not have, and say so in their comments."""
    gone = sorted((ours & set(existing)) - {(table.schema, table.name) for table in tables})
    for schema, name in gone:
        _run(server, f"delete from {relation(schema, name)}")
        if not (existing[schema, name].comment or "").startswith(ddl.NOT_IN_RELEASE):
            text = literal(f"{ddl.NOT_IN_RELEASE} {release}; empty")
            _run(server, f"comment on table {relation(schema, name)} is {text}")
    return gone


def _replace_rows(server: Connection, db: duckdb.DuckDBPyConnection, table: Table) -> Digest:
    """Replace the rows of a table, and compare count and checksum with those of the release."""
    _run(server, f"delete from {relation(table.schema, table.name)}")
    with server.cursor() as cursor, csv_of(db, table) as stream:
        cursor.copy_expert(ddl.copy_sql(table), stream)
    expected = digest(db, table)
    [(rows, checksum)] = _rows(server, ddl.digest_sql(table))
    found = Digest(rows, int(checksum))
    LOG.info("%s: %d rows", table.full_name, found.rows)
    if found.rows != expected.rows:
        raise WarehouseError(
            f"{table.full_name}: the database has {found.rows} rows after the copy, the release "
            f"{expected.rows}. Nothing was published. Look for triggers and rules on that table"
        )
    if found != expected:
        raise WarehouseError(
            f"{table.full_name}: cells differ from those of the release after the copy. Nothing was "
            "published. Look for triggers on that table, and check that the database is encoded in UTF8"
        )
    return found


def _write_records(
    server: Connection, digests: Mapping[Table, Digest], gone: Sequence[TableName], facts: ReleaseFacts
) -> None:
    """Record the release and the tables of this publication in the database."""
    records = [(table.schema, table.name, found.rows, found.checksum) for table, found in digests.items()]
    records += [(schema, name, 0, 0) for schema, name in gone]
    with server.cursor() as cursor:
        cursor.execute("delete from bi.release")
        cursor.execute(
            "insert into bi.release (release, as_of, published_at, git_revision) values (%s, %s, %s, %s)",
            (facts.release, facts.as_of, facts.published_at, facts.git_revision),
        )
        cursor.execute("delete from bi.published_table")
        cursor.executemany("insert into bi.published_table values (%s, %s, %s, %s)", records)


def _grant(server: Connection, tables: Sequence[Table], reader: str) -> list[str]:
    """Let the role `reader` select; return a warning when it is missing and may not be created."""
    role = identifier(reader)
    if not _rows(server, "select 1 from pg_roles where rolname = %s", (reader,)):
        [(may_create,)] = _rows(
            server, "select rolcreaterole or rolsuper from pg_roles where rolname = current_user"
        )
        if not may_create:
            return [
                f"role {reader} does not exist, and this user may not create it: no other user can read the "
                f"tables. Let an administrator run: create role {role} nologin; then publish again"
            ]
        _run(server, f"create role {role} nologin", f"comment on role {role} is 'Reads the published tables'")
    names = [relation(table.schema, table.name) for table in tables]
    names += [relation(schema, name) for schema, name in ddl.RECORD_TABLES]
    for schema in SCHEMAS:
        _run(server, f"grant usage on schema {identifier(schema)} to {role}")
    for name in names:
        [(may_read,)] = _rows(server, "select has_table_privilege(%s, %s, 'select')", (reader, name))
        if not may_read:
            _run(server, f"grant select on {name} to {role}")
    return []


def _vacuum(server: Connection, tables: Sequence[Table], address: str) -> list[str]:
    """Free the space of the deleted rows and update the statistics; a table that is locked is left out.

    The rows are committed by then, so that an error of the server is returned as a warning.
    """
    import psycopg2

    try:
        server.autocommit = True
        for table in tables:
            name = relation(table.schema, table.name)
            _run(server, f"vacuum (analyze, skip_locked, truncate false) {name}")
    except psycopg2.Error as error:
        return [
            f"{masked(address)}: the copy is complete, and readers see it, but the space of the old rows is "
            f"not free and the statistics are old: {_line(error, address)}. Run there: vacuum (analyze)"
        ]
    return []
