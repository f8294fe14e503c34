"""One Spark application: create views, and run dbt on them.

Runs in Spark's own environment (`requirements-spark.lock`): `python -m warehouse.build.spark_job JOB.json`.
The catalogue is in memory and ends with the process, so builds share nothing but the files that they read.
The tables stay as Parquet files in the session's `spark.sql.warehouse.dir`.

The job is a JSON object:

    conf        settings of the session: master, memory, directories
    statements  SQL to run first, which creates the relations that dbt reads
    commands    commands of dbt with their arguments, run one after another; the first that fails ends the job
    results     the file of dbt's results
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROWS_SHOWN = 3
FIXED = {
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def create_session(conf: Mapping[str, str]) -> Any:
    """Start the session that dbt's adapter then finds."""
    from pyspark.sql import SparkSession

    # dbt reports the errors of statements: without the stack of each, the log can be read.
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
    builder = SparkSession.builder.appName("services-trade-warehouse")
    for key, value in {**conf, **FIXED}.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def run_dbt(commands: Sequence[Sequence[str]]) -> bool:
    """Run commands of dbt, and parse the project once; say whether all succeeded."""
    from dbt.cli.main import dbtRunner

    manifest: Any = None
    for command in commands:
        result = dbtRunner(manifest=manifest and manifest.deepcopy()).invoke(list(command))
        manifest = manifest or (result.result if command[0] == "parse" else None)
        if not result.success:
            if result.exception:
                print(f"dbt {command[0]}: {result.exception}")
            return False
    return True


def record_rows(session: Any, results: Path) -> None:
    """Add rows that failed tests found to their messages in dbt's results: they name the source at fault."""
    if not results.exists():
        return
    content = json.loads(results.read_text(encoding="utf-8"))
    for result in content["results"]:
        if result["status"] == "fail" and result.get("compiled_code"):
            rows = session.sql(f"select * from (\n{result['compiled_code']}\n) limit {ROWS_SHOWN}").collect()
            texts = [
                ", ".join(f"{name} {value}" for name, value in row.asDict().items() if value is not None)
                for row in rows
            ]
            result["message"] = f"{result['message']} ({'; '.join(texts)})"
    results.write_text(json.dumps(content), encoding="utf-8")


def main(path: Path) -> int:
    """Run the job of a file; return 1 when dbt failed."""
    job = json.loads(path.read_text(encoding="utf-8"))
    session = create_session(job["conf"])
    try:
        for statement in job["statements"]:
            session.sql(statement)
        if run_dbt(job["commands"]):
            return 0
        record_rows(session, Path(job["results"]))
        return 1
    finally:
        session.stop()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
