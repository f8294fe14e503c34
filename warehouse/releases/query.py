"""One read-only SQL query on a release, and its result as CSV.

The session can reach no file, no network and no extension, and its settings are locked before the query runs.
Only `select` (or `with`, `from`, `values`, `show`, `describe`, `summarize`, `explain`) is accepted.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import duckdb

from warehouse.errors import WarehouseError
from warehouse.releases.store import damaged, reading

# Settings that hold before the first statement; `lock_configuration` comes after all others.
SESSION: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}
# Without the first, a table name in a query could be the name of a Python variable.
LOCKS = ("set python_enable_replacements = false", "set lock_configuration = true")
READ_ONLY = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
FORMULA = re.compile(r"[=+\-@\t\r]")
PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Answer:
    """The result of a query: column names, the fetched rows, and whether there are more."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    has_more: bool


def query(database: Path, sql: str, limit: int | None) -> Answer:
    """Run one query and fetch at most `limit` rows, in the order of the result; all if `limit` is None.

    Raises WarehouseError when the query is not one read-only statement, fails, or names two columns alike,
    when `limit` is below 1, and when the database is missing or damaged.
    """
    if limit is not None and limit < 1:
        raise WarehouseError(f"the number of rows must be at least 1, not {limit}")
    with reading(database, SESSION) as db:
        for lock in LOCKS:
            db.execute(lock)
        try:
            result = db.execute(_statement(db, sql))
            rows = result.fetchall() if limit is None else result.fetchmany(limit + 1)
        except duckdb.IOException as error:
            raise damaged(database, error) from error
        except duckdb.Error as error:
            raise WarehouseError(f"the query failed: {error}") from error
        columns = tuple(name for name, *_ in result.description or ())
    if repeated := sorted({name for name in columns if columns.count(name) > 1}):
        raise WarehouseError(f"two columns are named {', '.join(repeated)}. Rename one of them with `as`")
    return Answer(columns, tuple(rows[:limit]), limit is not None and len(rows) > limit)


def _statement(db: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """Return the one statement of a query; raise WarehouseError unless it only reads."""
    statements = db.extract_statements(sql)
    if not statements:
        raise WarehouseError("the query is empty")
    if len(statements) > 1:
        raise WarehouseError(
            f"the query failed: it has {len(statements)} statements, and only one is allowed. Run them "
            "separately; a `pivot` needs its values named with `in (…)`"
        )
    if statements[0].type not in READ_ONLY:
        words = re.sub(r"--[^\n]*|/\*.*?\*/", " ", sql, flags=re.DOTALL).split()
        what = f"`{words[0].lower()}`" if words else "this statement"
        raise WarehouseError(
            f"the query failed: {what} is not allowed, because a release is read-only. Begin "
            "with select, with, from, values, show, describe, summarize or explain"
        )
    return statements[0]


def write_csv(answer: Answer, out: IO[str]) -> None:
    """Write a result as CSV with a header; null is an empty field, and no text is a spreadsheet formula."""
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow([escape_formula(name) for name in answer.columns])
    lines.writerows([escape_formula(value) for value in row] for row in answer.rows)


def escape_formula(value: object) -> object:
    """Return a value that no spreadsheet evaluates: a text that begins like a formula gets an apostrophe.

    Formulas begin with `=`, `+`, `-`, `@`, a tab or a carriage return; plain numbers are left as they are.
    """
    if isinstance(value, str) and FORMULA.match(value) and not PLAIN_NUMBER.fullmatch(value):
        return f"'{value}"
    return value
