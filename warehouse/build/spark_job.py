"""One Spark application: create views, and run dbt on them.

Runs in Spark's own environment (`requirements-spark.lock`): `python -m warehouse.build.spark_job JOB.json`.
The catalogue is in memory and ends with the process, so builds share nothing but the files that they read.
The tables stay as Parquet files in the session's `spark.sql.warehouse.dir`.

The job is a JSON object:

    conf        settings of the session: master, memory, directories
    statements  SQL to run first, which creates the relations that dbt reads
    commands    commands of dbt with their arguments, run one after another; the first that fails ends the job
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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


def main(path: Path) -> int:
    """Run the job of a file; return 1 when dbt failed."""
    job = json.loads(path.read_text(encoding="utf-8"))
    session = create_session(job["conf"])
    try:
        for statement in job["statements"]:
            session.sql(statement)
        return 0 if run_dbt(job["commands"]) else 1
    finally:
        session.stop()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
