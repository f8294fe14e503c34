"""Reuse the tables of the last build with the same code.

The last successful build's file is kept, with everything in it: seeds, staging, intermediate relations, facts
and marts. The next build starts as a copy of it, with the schemas `raw` and `staging` of its own. Table
`raw.built_node` has a line for each node of the build: `inputs`, a digest of the content of all relations
that the node reads, and `content`, a digest of its own rows. dbt runs a node only when no line of the file
before, `raw.reusable_node`, has the same inputs (`dbt_project/macros/reuse.sql`). So a fact that comes out
as it was ends the work there: no mart that reads it is made again, and no test on it is run again.

A file is of use to any build with the same code and the same DuckDB, whatever its vintages are: lines are
compared by content, not by vintage or date.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import duckdb

from warehouse.database import connect, literal
from warehouse.files import fsync, sha256_of
from warehouse.model import Vintage

LOG = logging.getLogger(__name__)
NODE_TABLES = """
create table raw.built_node (unique_id varchar, inputs varchar, content varchar);
create table raw.reusable_node (unique_id varchar, inputs varchar, content varchar);
"""


def record_inputs(
    db: duckdb.DuckDBPyConnection,
    tables: Iterable[str],
    sources: Mapping[str, Sequence[Vintage]],
    staged: Mapping[str, Sequence[Path]],
) -> None:
    """Create the node tables in schema `raw` of `db`, and write what schema `raw` has.

    `tables` are names of tables of schema `raw`. `sources` has the loaded vintages of each source and
    `staged` its staged files, whose names digest what they were made from.
    """
    db.execute(NODE_TABLES)
    for table in tables:
        db.execute(
            f"insert into raw.built_node select ?, 'landing', concat_ws(' ', count(*), "
            f"sum(hash(*columns(*)))) from raw.{table}",
            [f"source.services_trade.raw.{table}"],
        )
    lines = [
        (f"source.services_trade.raw.{name}", [f"{one.id} {one.rows_sha256}" for one in vintages])
        for name, vintages in sources.items()
    ]
    for name, files in staged.items():
        lines.append((f"model.services_trade.stg_{name}", [path.name for path in files]))
    for unique_id, parts in lines:
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        db.execute("insert into raw.built_node values (?, 'landing', ?)", [unique_id, digest])


def begin(kept: Path, loaded: Path, build_file: Path) -> None:
    """Create `build_file` as a copy of `loaded`, on top of the tables of `kept` if there is that file."""
    for leftover in (build_file, build_file.with_name(build_file.name + ".wal")):
        leftover.unlink(missing_ok=True)
    if not is_intact(kept):
        shutil.copyfile(loaded, build_file)
        return
    shutil.copyfile(kept, build_file)
    with connect(build_file) as db:
        db.execute(f"attach {literal(loaded)} as loaded (read_only)")
        reusable = db.execute("select * from raw.built_node").to_arrow_table()
        for schema in ("raw", "staging"):
            db.execute(f"drop schema if exists {schema} cascade; create schema {schema}")
        tables = db.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'loaded'"
        ).fetchall()
        for schema, table in tables:
            db.execute(f'create table "{schema}"."{table}" as from loaded."{schema}"."{table}"')
        views = db.execute("select sql from duckdb_views() where database_name = 'loaded' and not internal")
        for (definition,) in views.fetchall():
            db.execute(definition)
        db.register("reusable", reusable)
        db.execute("insert into raw.reusable_node select * from reusable")
        db.execute("detach loaded; checkpoint")


def keep(build_file: Path, kept: Path) -> None:
    """Copy a build's file to `kept`, for the next build, with its checksum; remove the file before."""
    shutil.rmtree(kept.parent, ignore_errors=True)
    kept.parent.mkdir(parents=True)
    partial = kept.with_suffix(".partial")
    shutil.copyfile(build_file, partial)
    fsync(partial)
    checksum_of(kept).write_text(sha256_of(partial), encoding="utf-8")
    partial.replace(kept)


def is_intact(kept: Path) -> bool:
    """Tell whether there is a kept file that has its checksum; a damaged one is reported and not used."""
    if not kept.exists() or not checksum_of(kept).exists():
        return False
    if sha256_of(kept) == checksum_of(kept).read_text(encoding="utf-8"):
        return True
    LOG.warning("%s differs from its checksum and is not used: every table is made again", kept)
    return False


def checksum_of(kept: Path) -> Path:
    """Return the file that has the SHA-256 of a kept file."""
    return kept.with_suffix(".sha256")
