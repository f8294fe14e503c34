"""Run dbt on a build file, and seal the result.

dbt runs once per build (seeds, models, tests), and once for the documentation, each in a process of its own:
inside this process it would keep DuckDB's lock. Logs and artifacts go to the build's directory.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import duckdb

from warehouse.build.load import literal
from warehouse.errors import Rejected, WarehouseError

LOG = logging.getLogger(__name__)
RELEASE_SCHEMAS = ("core", "marts")
# The Airflow task that calls `transform` must allow a little more than this.
TIMEOUT = timedelta(hours=3)


def transform(loaded: Path, build_file: Path, project: Path, artifacts: Path, as_of: date) -> Path:
    """Build every model, run every test, write the documentation; return its HTML file.

    `loaded` holds schema `raw` and is not changed: `build_file` starts as a copy of it, so that a transform
    that was killed can be run again. Raises Rejected, naming the failed nodes, when a model or test fails.
    """
    for leftover in (build_file, build_file.with_name(build_file.name + ".wal")):
        leftover.unlink(missing_ok=True)
    shutil.copyfile(loaded, build_file)
    run_dbt("build", build_file, project, artifacts, as_of, "--exclude-resource-type", "unit_test")
    run_dbt("docs", build_file, project, artifacts, as_of, "generate", "--static", "--no-compile")
    seal(build_file)
    return artifacts / "static_index.html"


def run_dbt(
    command: str, build_file: Path, project: Path, artifacts: Path, as_of: date, *arguments: str
) -> None:
    """Run one dbt command on the build file; its output goes to `<artifacts>/dbt-<command>.log`."""
    artifacts.mkdir(parents=True, exist_ok=True)
    log = artifacts / f"dbt-{command}.log"
    options = {
        "--project-dir": str(project),
        "--profiles-dir": str(project),
        "--target-path": str(artifacts),
        "--log-path": str(artifacts),
        "--vars": json.dumps({"as_of": as_of.isoformat()}),
    }
    try:
        result = subprocess.run(
            [
                *(sys.executable, "-c", "from dbt.cli.main import cli; cli()", command, *arguments),
                *(text for option in options.items() for text in option),
                "--no-use-colors",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ
            | {
                "WAREHOUSE_BUILD_FILE": str(build_file),
                "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
                "DO_NOT_TRACK": "1",
            },
            cwd=project,
            timeout=TIMEOUT.total_seconds(),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise WarehouseError(
            f"dbt {command} was stopped after {TIMEOUT}. See what it was running in {artifacts / 'dbt.log'}"
        ) from error
    # Written here and not by dbt, so that a full disk is reported by this process.
    log.write_bytes(result.stdout)
    if result.returncode != 0:
        failed = failed_nodes(artifacts / "run_results.json") if command == "build" else []
        for node in failed:
            LOG.error("dbt %s: %s", command, node)
        detail = "; ".join(failed) or result.stdout.decode("utf-8", "replace")[-1500:]
        message = f"dbt {command} failed: {detail}. Full log: {log}"
        raise Rejected(message) if failed else WarehouseError(message)


def failed_nodes(run_results: Path) -> list[str]:
    """Return the nodes of a dbt run that failed, each with its message."""
    if not run_results.exists():
        return []
    results = json.loads(run_results.read_text(encoding="utf-8"))["results"]
    return [
        f"{node['unique_id']}: {(node['message'] or node['status']).strip()}"
        for node in results
        if node["status"] in ("error", "fail", "runtime error")
    ]


def seal(build_file: Path) -> None:
    """Drop all schemas but those of a release, and write the rest into a new, compact file.

    `raw`, staging and intermediate relations read the landing: without them a release can be copied anywhere.
    """
    with duckdb.connect(str(build_file)) as db:
        schemas = db.execute(
            "select distinct schema_name from duckdb_schemas() "
            "where database_name = current_database() and not internal"
        ).fetchall()
        for (schema,) in sorted(schemas):
            if schema not in (*RELEASE_SCHEMAS, "main"):
                db.execute(f'drop schema "{schema}" cascade')
        views = db.execute("select schema_name, view_name from duckdb_views() where not internal").fetchall()
        if views:
            raise WarehouseError(
                f"{build_file}: a release holds tables only, and these are views: {views}. Materialise them "
                "as tables"
            )
        db.execute("checkpoint")
    sealed = build_file.with_name(f"sealed-{build_file.name}")
    log = sealed.with_name(sealed.name + ".wal")
    for leftover in (sealed, log):
        leftover.unlink(missing_ok=True)
    with duckdb.connect() as db:
        db.execute(f"attach {literal(str(build_file))} as working (read_only)")
        db.execute(f"attach {literal(str(sealed))} as sealed")
        db.execute("copy from database working to sealed")
        db.execute("checkpoint sealed")
    if log.exists():
        raise WarehouseError(f"{log}: a write-ahead log is left after the checkpoint. Run the build again")
    sealed.replace(build_file)
