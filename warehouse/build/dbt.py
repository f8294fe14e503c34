"""Run dbt on a build, and seal the file that becomes the release.

A build's seeds, models and tests and then its documentation are made in one process of dbt, which takes 2 s
to start (`dbt_process`). A build on kept files has their documentation, which depends on the code alone. Logs
and artifacts go to the build's directory. What dbt parsed is kept for the next run, under a name that changes
with the code: it takes dbt 5 s to parse the project again.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
import subprocess
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb

from warehouse.build import dbt_process, reuse
from warehouse.build.builds import CONTENTS
from warehouse.build.results import FAILED, log_nodes
from warehouse.database import connect, literal
from warehouse.errors import Rejected, WarehouseError
from warehouse.files import write_record
from warehouse.releases.store import DATABASE

LOG = logging.getLogger(__name__)
RELEASE_SCHEMAS = ("core", "marts", "bi")
ROWS_SHOWN = 3
NO_UNIT_TESTS = ("--exclude-resource-type", "unit_test")
MOST_FREE = 0.2  # of the blocks of a release's file
_STAGING = re.compile(r"model\.services_trade\.stg_(\w+)")
_QUOTED = re.compile(r"""[\"']([^\"']+)[\"']""")
# The Airflow task that calls `transform` must allow a little more than this.
TIMEOUT = timedelta(hours=3)


class Cache(NamedTuple):
    """What builds with the same code share: the file of what dbt parsed, and the last build's directory.

    `is_written` says whether the next build starts from the files of this one.
    """

    parsed: Path
    kept: Path
    is_written: bool


def transform(
    loaded: Path, build: Path, project: Path, artifacts: Path, staged: Sequence[str], cache: Cache
) -> Path:
    """Build every model, run every test, write the documentation; return its HTML file.

    `loaded` holds schema `raw`, and the models `staged` as relations; it is not changed: the files of `build`
    start as copies of it and of the last build's, so that a transform that was killed can be run again.
    Raises Rejected, naming the failed nodes, when a model or test fails.
    """
    page = artifacts / reuse.DOCUMENTATION
    types = (*NO_UNIT_TESTS, "--exclude-resource-type", "exposure")
    if reuse.begin(cache.kept, loaded, build):  # seeds are code, and have passed their tests
        commands = [("build", *types, "--exclude", *staged, "path:seeds")]
        artifacts.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(cache.kept / reuse.DOCUMENTATION, page)
    else:
        docs = ("docs", "generate", "--static", "--no-compile")
        commands = [("build", *types, "--exclude", *staged, "--full-refresh"), docs]
    run_dbt(commands, build / reuse.WORKING, project, artifacts, cache.parsed)
    reuse.record_nodes(build / reuse.WORKING, artifacts)
    write_record(build / CONTENTS, reuse.contents_of(build / reuse.WORKING))
    seal(build / DATABASE)
    if cache.is_written:
        reuse.keep(build, page, cache.kept)
    else:
        (build / reuse.WORKING).unlink()
    return page


def run_dbt(
    commands: Sequence[Sequence[str]], working: Path, project: Path, artifacts: Path, parsed: Path
) -> None:
    """Run dbt commands on a build, one after another; stop at the first that fails.

    A command is its name and its arguments. Their output goes to `<artifacts>/dbt-<name of the first>.log`.

    The profile names the working file, and the release's file beside it, relative to the directory in which
    dbt runs: all builds have the same configuration, without which dbt would parse everything again. `parsed`
    keeps what dbt parsed: dbt reads it if it can, and it is written after each run.
    """
    if working.name != reuse.WORKING:
        raise ValueError(f"{working}: dbt's profile names the working file {reuse.WORKING}")
    artifacts.mkdir(parents=True, exist_ok=True)
    name = commands[0][0]
    log = artifacts / f"dbt-{name}.log"
    try:
        code, output = dbt_process.run(
            commands, working.parent, project, artifacts, parsed, TIMEOUT.total_seconds()
        )
    except subprocess.TimeoutExpired as error:
        raise WarehouseError(
            f"dbt {name} was stopped after {TIMEOUT}. See what it was running in {artifacts / 'dbt.log'}"
        ) from error
    # Written here and not by dbt, so that a full disk is reported by this process.
    log.write_bytes(output)
    if name == "build":
        log_nodes(artifacts / "run_results.json")
    if code != 0:
        failed = failed_nodes(artifacts, working) if name == "build" else []
        for node in failed:
            LOG.error("dbt %s: %s", name, node)
        detail = "; ".join(failed) or output.decode("utf-8", "replace")[-1500:]
        message = f"dbt {name} failed: {detail}. Full log: {log}"
        raise Rejected(message) if failed else WarehouseError(message)
    dbt_process.keep_parsed(artifacts, parsed)


def failed_nodes(artifacts: Path, working: Path | None) -> list[str]:
    """Return the nodes of a dbt run that failed, each with its message and rows that a test found.

    Without a working file, which there is not on Spark, no rows are shown.
    """
    return [f"{node.name}: {node.message}" for node in read_failures(artifacts, working)]


class Failure(NamedTuple):
    """A node that failed: its name, its message, and the sources of the staging models that it depends on."""

    name: str
    message: str
    staged: tuple[str, ...]


def read_failures(artifacts: Path, working: Path | None) -> list[Failure]:
    """Return the failed nodes of a dbt run, from its results and its manifest."""
    results, manifest = artifacts / "run_results.json", artifacts / "manifest.json"
    if not results.exists() or not manifest.exists():
        return []
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"]
    failures = []
    for result in json.loads(results.read_text(encoding="utf-8"))["results"]:
        if result["status"] not in FAILED:
            continue
        name = result["unique_id"]
        message = (result["message"] or result["status"]).strip()
        if working and result["status"] == "fail" and result.get("compiled_code"):
            message += _rows_found(result["compiled_code"], working)
        models = [name, *nodes.get(name, {}).get("depends_on", {}).get("nodes", [])]
        staged = tuple(_STAGING.findall(" ".join(models)))
        failures.append(Failure(name, message, staged))
    return failures


def failures_by_source(artifacts: Path, working: Path, sources: Sequence[str]) -> dict[str, str]:
    """Return the messages of failed staging models and tests by source; empty if another node failed."""
    found: dict[str, str] = {}
    for failure in read_failures(artifacts, working):
        names = [name for name in dict.fromkeys(failure.staged) if name in sources]
        if not names:
            return {}
        for name in names:
            where = _row_with_value(failure.message, name, working)
            found[name] = "; ".join(
                filter(None, (found.get(name), f"{failure.name}: {failure.message}{where}"))
            )
    return found


def _rows_found(query: str, working: Path) -> str:
    """Return up to three rows that a test found, as text."""
    try:
        with connect(working, read_only=True) as db:
            db.execute(f"attach {literal(working.with_name(DATABASE))} as warehouse (read_only)")
            result = db.execute(f"select * from ({query}) limit {ROWS_SHOWN}")
            names = [column[0] for column in result.description or ()]
            rows = [
                ", ".join(
                    f"{name} {value}" for name, value in zip(names, row, strict=True) if value is not None
                )
                for row in result.fetchall()
            ]
    except duckdb.Error as error:
        return f" (its rows cannot be shown: {error})"
    return f" ({'; '.join(rows)})"


def _row_with_value(message: str, source: str, working: Path) -> str:
    """Return file and row of the first raw value that a message quotes, or an empty text."""
    for value in _QUOTED.findall(message):
        with connect(working, read_only=True) as db:
            found = db.execute(
                f'select _file, _row from raw."{source}" as r where contains(cast(r as varchar), $value) '
                "order by _file, _row limit 1",
                {"value": value},
            ).fetchone()
        if found:
            return f" (file {found[0]}, row {found[1]}, value {value!r})"
    return ""


def seal(file: Path) -> None:
    """Check that the file of a release has tables of its schemas only, and leave it complete and compact.

    Tables that were made again leave free blocks. When there are many, the tables are copied into a new file.
    """
    with connect(file) as db:
        schemas = db.execute(
            "select distinct schema_name from duckdb_schemas() "
            "where database_name = current_database() and not internal"
        ).fetchall()
        others = sorted(schema for (schema,) in schemas if schema not in (*RELEASE_SCHEMAS, "main"))
        views = db.execute("select schema_name, view_name from duckdb_views() where not internal").fetchall()
        if others or views:
            raise WarehouseError(
                f"{file}: a release holds tables of {', '.join(RELEASE_SCHEMAS)} only, and this has schemas "
                f"{others} and views {views}. Materialise them as tables of these schemas"
            )
        db.execute("checkpoint")
        [(free,)] = db.execute("select free_blocks / total_blocks from pragma_database_size()").fetchall()
    if free > MOST_FREE:
        _compact(file)
    log = file.with_name(f"{file.name}.wal")
    if log.exists():
        raise WarehouseError(f"{log}: a write-ahead log is left after the checkpoint. Run the build again")


def _compact(file: Path) -> None:
    """Copy the tables of a DuckDB file into a new one, which replaces it."""
    sealed = file.with_name(f"sealed-{file.name}")
    for leftover in (sealed, sealed.with_name(f"{sealed.name}.wal")):
        leftover.unlink(missing_ok=True)
    with connect() as db:
        db.execute(f"attach {literal(file)} as working (read_only)")
        db.execute(f"attach {literal(sealed)} as sealed")
        db.execute("copy from database working to sealed")
        db.execute("checkpoint sealed")
    sealed.replace(file)
