"""Runs dbt over a build file, once, in a process of its own.

Keeps: one `dbt build` (seeds, models, tests) and one `dbt docs generate` for each build, their
logs and artifacts in the build's directory, and a failure that names the nodes that failed. Afterwards
the build file is sealed: only what readers see is left in it, and no write-ahead log.

Refuses: to run dbt inside this process, where it would keep DuckDB's lock until Python exits; to fetch
packages; to leave a relation in the sealed file that leads out of it, as a view into the landing does.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb

from warehouse.errors import Rejected, WarehouseError

SCHEMAS_OF_A_RELEASE = ("core", "marts")
BUILD_TIMEOUT_SECONDS = 3 * 3600


def transform(loaded: Path, build_file: Path, project: Path, artifacts: Path, as_of: date) -> Path:
    """Build every model, run every test, write the documentation; return its one HTML file.

    `loaded` holds schema raw and is left as it is: `build_file` starts as its copy, so that a transform that
    was killed is simply run again. Raises Rejected when a model or test failed, naming those that did.
    """
    for left in (build_file, build_file.with_name(build_file.name + ".wal")):
        left.unlink(missing_ok=True)
    shutil.copyfile(loaded, build_file)
    run_dbt("build", build_file, project, artifacts, as_of, "--exclude-resource-type", "unit_test")
    run_dbt("docs", build_file, project, artifacts, as_of, "generate", "--static", "--no-compile")
    seal(build_file)
    return artifacts / "static_index.html"


def run_dbt(
    verb: str, build_file: Path, project: Path, artifacts: Path, as_of: date, *arguments: str
) -> None:
    """Run one dbt command on the build file; its output goes to `<artifacts>/dbt-<verb>.log`."""
    artifacts.mkdir(parents=True, exist_ok=True)
    log = artifacts / f"dbt-{verb}.log"
    environment = os.environ | {
        "WAREHOUSE_BUILD_FILE": str(build_file),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    command = [
        sys.executable,
        "-c",
        "from dbt.cli.main import cli; cli()",
        verb,
        *arguments,
        "--project-dir",
        str(project),
        "--profiles-dir",
        str(project),
        "--target-path",
        str(artifacts),
        "--log-path",
        str(artifacts),
        "--no-use-colors",
        "--vars",
        json.dumps({"as_of": as_of.isoformat()}),
    ]
    try:
        ended = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=project,
            timeout=BUILD_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise WarehouseError(
            f"dbt {verb} was still at work after {BUILD_TIMEOUT_SECONDS} s and was ended. "
            f"See what it was at in {artifacts / 'dbt.log'}"
        ) from error
    # Written here and not by dbt: where the disk is full, this is what says so.
    log.write_bytes(ended.stdout)
    if ended.returncode != 0:
        failed = failures(artifacts / "run_results.json") if verb == "build" else []
        told = "; ".join(failed) if failed else ended.stdout.decode("utf-8", "replace")[-1500:]
        message = f"dbt {verb} failed: {told}. The whole log: {log}"
        raise Rejected(message) if failed else WarehouseError(message)


def failures(run_results: Path) -> list[str]:
    """Name the nodes of a dbt run that failed, each with the first line of its message."""
    if not run_results.exists():
        return []
    results = json.loads(run_results.read_text(encoding="utf-8"))["results"]
    return [
        f"{one['unique_id']}: {(one['message'] or one['status']).strip()}"
        for one in results
        if one["status"] in ("error", "fail", "runtime error")
    ]


def seal(build_file: Path) -> None:
    """Drop what readers don't see, and write the rest into one fresh file with no room of what is gone."""
    with duckdb.connect(str(build_file)) as db:
        schemas = db.execute(
            "select distinct schema_name from duckdb_schemas() "
            "where database_name = current_database() and not internal"
        ).fetchall()
        for (schema,) in sorted(schemas):
            if schema not in (*SCHEMAS_OF_A_RELEASE, "main"):
                db.execute(f'drop schema "{schema}" cascade')
        views = db.execute("select schema_name, view_name from duckdb_views() where not internal").fetchall()
        if views:
            raise WarehouseError(f"{build_file}: views are left in a build that should hold tables: {views}")
        db.execute("checkpoint")
    sealed = build_file.with_name(f"sealed-{build_file.name}")
    for left in (sealed, sealed.with_name(sealed.name + ".wal")):
        left.unlink(missing_ok=True)
    with duckdb.connect() as db:
        db.execute(f"attach {literal(build_file)} as working (read_only)")
        db.execute(f"attach {literal(sealed)} as sealed")
        db.execute("copy from database working to sealed")
        db.execute("checkpoint sealed")
    if sealed.with_name(sealed.name + ".wal").exists():
        raise WarehouseError(f"{sealed}: a write-ahead log is left after the checkpoint")
    sealed.replace(build_file)


def literal(path: Path) -> str:
    """Quote a path as a SQL literal."""
    return "'" + str(path).replace("'", "''") + "'"
