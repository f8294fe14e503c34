"""Reuse the tables of the last build with the same code.

A build has two files: the working file, with seeds, staging and intermediate relations, and the file that
becomes the release, with facts and marts. Those of the last successful build are kept. The next build starts
as a copy of them, with the schemas `raw` and `staging` of its own. Table `raw.built_node` has a line for each
node of the build: `inputs`, a digest of the content of all relations that the node reads, and `content`, a
digest of its own rows. dbt runs a node only when no line of the build before, `raw.reusable_node`, has the
same inputs (`dbt_project/macros/reuse.sql`). So when a fact has the same rows as before,
no mart that reads it is made again, and no test on it is run again. `raw.built_part` and
`raw.reusable_part` have the same for the rows of each source, so that of a model that declares `by_source`
only the rows of sources that changed are made again. Seeds are code: they are in the kept files, and dbt is
not asked for them.

The files are of use to any build with the same code and the same DuckDB, whatever its vintages are: lines are
compared by content, not by vintage or date.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from warehouse.database import connect, literal
from warehouse.files import fsync, sha256_of
from warehouse.model import Vintage
from warehouse.releases.manifest import Contents
from warehouse.releases.store import DATABASE

LOG = logging.getLogger(__name__)
WORKING = "working.duckdb"  # the working file, as dbt's profile names it
FILES = (WORKING, DATABASE)
DOCUMENTATION = "static_index.html"  # dbt's name of its documentation
CHECKSUMS = "SHA256SUMS"
NODE_TABLES = """
create table raw.built_node (unique_id varchar, inputs varchar, content varchar);
create table raw.reusable_node (unique_id varchar, inputs varchar, content varchar);
create table raw.built_part (unique_id varchar, source varchar, inputs varchar, content varchar);
create table raw.reusable_part (unique_id varchar, source varchar, inputs varchar, content varchar);
"""
NO_ROWS = "-"  # the content of a source of which a node has no rows


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
    digest_of_rows = "concat_ws(' ', count(*), sum(hash(*columns(*))))"
    for table in tables:
        unique_id = f"source.services_trade.raw.{table}"
        db.execute(
            f"insert into raw.built_node select ?, 'landing', {digest_of_rows} from raw.{table}", [unique_id]
        )
        if "source" in (column[0] for column in db.execute(f"describe raw.{table}").fetchall()):
            db.execute(
                f"insert into raw.built_part select ?, source, 'landing', {digest_of_rows} from raw.{table} "
                "group by source",
                [unique_id],
            )
    for name, vintages in sources.items():
        parts = [f"{one.id} {one.rows_sha256}" for one in vintages]
        _record_landing(db, f"source.services_trade.raw.{name}", parts)
    for name, files in staged.items():
        unique_id = f"model.services_trade.stg_{name}"
        digest = _record_landing(db, unique_id, [path.name for path in files])
        db.execute("insert into raw.built_part values (?, ?, 'landing', ?)", [unique_id, name, digest])


def _record_landing(db: duckdb.DuckDBPyConnection, unique_id: str, parts: Iterable[str]) -> str:
    """Write the line of a relation of the landing, whose content is the digest of `parts`; return it."""
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    db.execute("insert into raw.built_node values (?, 'landing', ?)", [unique_id, digest])
    return digest


def begin(kept: Path, loaded: Path, build: Path) -> bool:
    """Create the two files of a build: copies of those of `kept`, if it has them, with `loaded` in place.

    The working file has the schemas `raw` and `staging` of `loaded`, and the lines of seeds. Without kept
    files it is a copy of `loaded`, and dbt creates the release's file. Returns whether there were kept files.
    """
    working = build / WORKING
    for name in FILES:
        for leftover in (build / name, build / f"{name}.wal"):
            leftover.unlink(missing_ok=True)
    if not is_intact(kept):
        shutil.copyfile(loaded, working)
        return False
    for name in FILES:
        shutil.copyfile(kept / name, build / name)
    with connect(working) as db:
        db.execute(f"attach {literal(loaded)} as loaded (read_only)")
        reusable = {
            name: db.execute(f"select * from raw.built_{name}").to_arrow_table() for name in ("node", "part")
        }
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
        for name, lines in reusable.items():
            db.register("lines", lines)
            db.execute(f"insert into raw.reusable_{name} select * from lines")
        db.execute("insert into raw.built_node select * from raw.reusable_node where unique_id like 'seed.%'")
        db.execute("detach loaded; checkpoint")
    return True


def record_nodes(working: Path, artifacts: Path) -> None:
    """Write the lines of the nodes that dbt ran: what it found in a table is there, and the rest is added.

    While it runs, dbt writes the contents of tables alone, since a statement costs it milliseconds.
    `artifacts` has dbt's manifest and its results, in which each node follows those that it reads.
    """
    results = json.loads((artifacts / "run_results.json").read_text(encoding="utf-8"))["results"]
    nodes = json.loads((artifacts / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    with connect(working) as db:
        contents = dict(db.execute("select unique_id, content from raw.built_node").fetchall())
        parts: dict[str, dict[str, str]] = defaultdict(dict)
        for name, source, content in db.execute(
            "select unique_id, source, content from raw.built_part"
        ).fetchall():
            parts[name][source] = content
        lines: list[tuple[str, str, str]] = []
        lines_of_parts: list[tuple[str, str, str, str]] = []
        for result in results:
            name = result["unique_id"]
            if name not in nodes or result["status"] not in ("success", "pass"):
                continue  # a hook, or a test that warned
            node = nodes[name]
            parents = sorted(set(node["depends_on"].get("nodes", ())))
            read = [contents.get(parent, "") for parent in parents]
            if "" in read:
                continue  # it reads a relation that is always made again
            inputs, is_view = _digest(read), node["config"]["materialized"] == "view"
            if node["resource_type"] == "seed":
                contents[name] = node["checksum"]["checksum"]
            elif node["resource_type"] == "test":
                contents[name] = "passed"
            elif is_view:
                contents[name] = inputs
            lines.append((name, inputs, contents[name]))
            for source, of_source in _inputs_by_source(node, parents, contents, parts).items():
                content = of_source if is_view else parts[name].get(source, NO_ROWS)
                parts[name][source] = content
                lines_of_parts.append((name, source, of_source, content))
        _write_lines(db, "raw.built_node", lines)
        _write_lines(db, "raw.built_part", lines_of_parts)


def _digest(contents: Iterable[str]) -> str:
    """Return the digest of the contents of relations, which are in the order of their names."""
    return hashlib.md5(" ".join(contents).encode(), usedforsecurity=False).hexdigest()


def _inputs_by_source(
    node: Mapping[str, Any],
    parents: Sequence[str],
    contents: Mapping[str, str],
    parts: Mapping[str, Mapping[str, str]],
) -> dict[str, str]:
    """Return the digest of what a node reads for each source; empty if it is not made by source.

    `contents` are those of whole relations, `parts` those of the rows of a source.
    """
    declared = node["config"].get("by_source", [])
    by_source = [
        one for one in parents if parts.get(one) and (declared is True or one.split(".")[-1] in declared)
    ]
    names = {source for one in by_source for source in parts[one]}
    return {
        source: _digest(
            parts[one].get(source, NO_ROWS) if one in by_source else contents[one] for one in parents
        )
        for source in sorted(names)
    }


def _write_lines(db: duckdb.DuckDBPyConnection, table: str, lines: Sequence[tuple[str, ...]]) -> None:
    """Write the lines of nodes to a table, in place of those that these nodes have."""
    if lines:
        columns = [list(column) for column in zip(*lines, strict=True)]
        db.execute(f"delete from {table} where unique_id in (select unnest(?))", columns[:1])
        db.execute(f"insert into {table} select {', '.join(['unnest(?)'] * len(columns))}", columns)


def contents_of(working: Path) -> Contents:
    """Return the digests of the rows of the tables of a build, those of the release and others.

    A table in which rows have no source is not known by source.
    """
    with connect(working, read_only=True) as db:
        found = db.execute(
            "select split_part(unique_id, '.', 3), content from raw.built_node where unique_id like 'model.%'"
        ).fetchall()
        of_sources = db.execute(
            "select split_part(unique_id, '.', 3), source, content from raw.built_part "
            "where unique_id like 'model.%' and unique_id not in "
            "(select unique_id from raw.built_part where source is null) order by all"
        ).fetchall()
    parts: dict[str, dict[str, str]] = defaultdict(dict)
    for name, source, content in of_sources:
        parts[name] |= {source: content} if content != NO_ROWS else {}
    return Contents(tables=dict(found), parts=parts)


def keep(build: Path, documentation: Path, kept: Path) -> None:
    """Keep the files of a build and its documentation for the next one, with checksums; remove those before.

    The working file is moved, since nothing else needs it. The release's file is linked: a release is never
    changed, so that it takes no space of its own.
    """
    partial = kept.with_name(f"{kept.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    (build / WORKING).rename(partial / WORKING)
    (partial / DATABASE).hardlink_to(build / DATABASE)
    shutil.copyfile(documentation, partial / DOCUMENTATION)
    lines = []
    for name in (*FILES, DOCUMENTATION):
        fsync(partial / name)
        lines.append(f"{sha256_of(partial / name)}  {name}\n")
    (partial / CHECKSUMS).write_text("".join(lines), encoding="utf-8")
    for other in kept.parent.iterdir():
        if other != partial:
            shutil.rmtree(other)
    partial.rename(kept)


def is_intact(kept: Path) -> bool:
    """Tell whether there are kept files with their checksums; damaged ones are reported and not used."""
    if not kept.is_dir():
        return False
    checksums = kept / CHECKSUMS
    recorded = checksums.read_bytes().splitlines() if checksums.exists() else []
    for file in (kept / name for name in (*FILES, DOCUMENTATION)):
        if not file.exists() or f"{sha256_of(file)}  {file.name}".encode() not in recorded:
            LOG.warning("%s differs from its checksum: every table is made again", file)
            return False
    return True
