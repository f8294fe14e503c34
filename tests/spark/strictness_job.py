"""Run the staging models on Spark, and then over spoiled rows, one at a time; write what each of those gave.

Runs in Spark's environment: python strictness_job.py JOB.json. Beside the entries of `spark_job`, the job has
`probes` (name, source and view, the SQL of the view of one row) and `answers`, the file to write.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

from warehouse.build.spark_job import create_session, run_dbt

THREADS = 2


def answers_of(session: Any, models: dict[str, str], probes: Sequence[dict[str, str]]) -> dict[str, Any]:
    """Return what the staging model of a source gives for each of its probes: values, or the error."""
    answers: dict[str, Any] = {}
    for probe in probes:
        session.sql(probe["view"])
        try:
            rows = session.sql(models[f"stg_{probe['source']}"]).collect()
            answers[probe["name"]] = [None if row["value"] is None else str(row["value"]) for row in rows]
        except Exception as error:  # noqa: BLE001 (any error is an answer)
            answers[probe["name"]] = f"rejected: {str(error).strip().splitlines()[0]}"
    return answers


def main(path: Path) -> int:
    job = json.loads(path.read_text())
    session = create_session(job["conf"])
    for statement in job["statements"]:
        session.sql(statement)
    if not run_dbt(job["commands"]):
        return 1
    models = {file.stem: file.read_text() for file in Path(job["compiled"]).rglob("stg_*.sql")}
    by_source = [list(probes) for _, probes in groupby(job["probes"], key=lambda probe: probe["source"])]
    with ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(lambda probes: answers_of(session, models, probes), by_source)
        answers = {name: answer for of_source in found for name, answer in of_source.items()}
    Path(job["answers"]).write_text(json.dumps(answers, ensure_ascii=False))
    session.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
