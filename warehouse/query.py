"""One question in SQL to the release that stands, and nothing else.

Keeps: a single `select` (or `with`, `from`, `values`, `show`, `describe`, `summarize`, `explain`), asked of a
database that is opened read-only, in a session that can reach no file, no network and no extension, and whose
settings are locked before the question is read. Rows come in the order in which the question gives them; how
many are fetched at most is the caller's to say, and that there were more is told.

Refuses (`WarehouseError`): several statements at once, a statement of any other kind by its name (`attach`,
`copy`, `create`, `set`, `call`, `load` …), whatever DuckDB refuses in such a session, and two columns of one
name, which no record could tell apart.

What is written as CSV is harmless in a spreadsheet: a text that one would take for a formula, because it
begins with `=`, `+`, `-`, `@`, a tab or a carriage return and is no plain number, gets an apostrophe before.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import duckdb

from warehouse.errors import WarehouseError

# Settings that are right before the first statement; the last one is set when all others stand.
SESSION: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}
# Without the first, a name in a question could be that of a Python variable.
LOCKS = ("set python_enable_replacements = false", "set lock_configuration = true")
ASKING = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
FORMULA = re.compile(r"[=+\-@\t\r]")
PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Answer:
    """What a question found: the columns' names, the rows that were fetched, and whether there are more."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    has_more: bool


def ask(database: Path, sql: str, most: int | None) -> Answer:
    """Ask a DuckDB file a question and fetch at most so many rows, all if None; raise WarehouseError."""
    if most is not None and most < 1:
        raise WarehouseError(f"{most} rows can't be shown; ask for at least one")
    with duckdb.connect(str(database), read_only=True, config=SESSION) as db:
        for lock in LOCKS:
            db.execute(lock)
        try:
            asked = db.execute(_question(db, sql))
            found = asked.fetchall() if most is None else asked.fetchmany(most + 1)
        except duckdb.Error as error:
            raise WarehouseError(f"the query failed: {error}") from error
        columns = tuple(name for name, *_ in asked.description or ())
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        raise WarehouseError(f"two columns are named {', '.join(twice)}: tell them apart with `as`")
    return Answer(columns, tuple(found[:most]), most is not None and len(found) > most)


def _question(db: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    statements = db.extract_statements(sql)
    if not statements:
        raise WarehouseError("the query asks nothing")
    if len(statements) > 1:
        raise WarehouseError(
            f"the query failed: {len(statements)} statements where one is allowed. Ask them one by one; "
            "a `pivot` needs its values named with `in (…)`"
        )
    (statement,) = statements
    if statement.type not in ASKING:
        raise WarehouseError(
            f"the query failed: a release is only read, and {_kind(sql)} is no question. Begin with select, "
            "with, from, values, show, describe, summarize or explain"
        )
    return statement


def _kind(sql: str) -> str:
    bare = re.sub(r"--[^\n]*|/\*.*?\*/", " ", sql, flags=re.DOTALL).split()
    return f"`{bare[0].lower()}`" if bare else "this"


def write_csv(answer: Answer, out: IO[str]) -> None:
    """Write an answer as CSV, its header first; null is an empty value, and no text is a formula."""
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow([harmless(name) for name in answer.columns])
    lines.writerows([harmless(value) for value in row] for row in answer.rows)


def harmless(value: object) -> object:
    """Return a value that no spreadsheet calculates: a text like a formula behind an apostrophe."""
    if isinstance(value, str) and FORMULA.match(value) and not PLAIN_NUMBER.fullmatch(value):
        return f"'{value}"
    return value
