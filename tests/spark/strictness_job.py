"""Run the staging models on Spark over spoiled rows, one at a time; write what each gave.

Runs in Spark's environment: python strictness_job.py JOB.json. Beside the entries of `spark_job`, the job has
`probes` (name, source and view, the SQL of the view of one row) and `answers`, the file to write.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from warehouse.build.spark_job import create_session, run_dbt


def main(path: Path) -> int:
    job = json.loads(path.read_text())
    session = create_session(job["conf"])
    for statement in job["statements"]:
        session.sql(statement)
    if not run_dbt(job["commands"]):
        return 1
    models = {file.stem: file.read_text() for file in Path(job["compiled"]).rglob("stg_*.sql")}
    answers = {}
    for probe in job["probes"]:
        session.sql(probe["view"])
        try:
            rows = session.sql(models[f"stg_{probe['source']}"]).collect()
            answers[probe["name"]] = [None if row["value"] is None else str(row["value"]) for row in rows]
        except Exception as error:  # noqa: BLE001 (any error is an answer)
            answers[probe["name"]] = f"rejected: {str(error).strip().splitlines()[0]}"
    Path(job["answers"]).write_text(json.dumps(answers, ensure_ascii=False))
    session.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
