"""The morning look at everything that no task can fail of: late sources, low disk, big revisions.

A task that fails alerts by itself, at once. What was told already and is no news is not told again; a message
that could not be sent is sent again here.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, task
from alerts import tell
from defaults import dag_arguments

SCHEDULE = "0 7 * * *"  # UTC: after the night, and before the office

DOC = """\
### Watch, every morning

Tells what is wrong now and was not told yet: a step that failed, a rejected load, a late source, a big
revision, low disk. `warehouse alerts` shows the same at any time; OPERATIONS.md has a section for each kind.

**What stands on failure:** everything; this DAG only reads, and keeps its record in `alerts.jsonl`.

**What to run next:** `warehouse alerts`.
"""


@task
def watch(**context: Any) -> dict[str, int]:
    """Send each channel what it has not heard of; return how many alerts each was sent."""
    return tell(context)


with DAG(
    dag_id="watch",
    description="What is wrong now, told once",
    schedule=CronTriggerTimetable(SCHEDULE, timezone="UTC"),
    tags=["alerts"],
    doc_md=DOC,
    **dag_arguments(stands="everything; the watch only reads."),
):
    watch()
