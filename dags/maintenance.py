"""The weekly maintenance: audit every checksum, remove what is old, see that there is room for a build.

Two lines: `audit`, then `retention`, so that nothing is removed while something is broken and the old may be
the only good copy; and `disk`, which is told whatever the audit finds.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, task
from defaults import dag_arguments, judgements_are_final

SCHEDULE = "0 12 * * 6"  # Saturdays at noon UTC, clear of the nights and of the publishers' working days
AUDIT_TIMEOUT = timedelta(hours=4)  # every byte that ever landed is read

DOC = """\
### Maintenance, weekly

| task | what it does | when it fails |
|---|---|---|
| `audit` | recomputes every checksum of landing and releases | a file is broken: the log names each |
| `retention` | removes old releases, builds, rejected vintages | a lock is held, or the audit failed |
| `disk` | compares the free bytes with what a build needs | there are too few: no build would begin |

**What stands on failure:** the landing and the published releases. The audit only reads, and while it finds
something nothing is removed.

**What to run next:** `warehouse maintain` tells the same at the terminal. A broken file: restore it from the
backup; if readers see it, `warehouse rollback previous --why …` first. Too little disk: make room, or lower
`WAREHOUSE_KEEP_RELEASES` and its like.
"""


@task(execution_timeout=AUDIT_TIMEOUT)
def audit() -> dict[str, Any]:
    """Recompute every checksum; fail with each file that is not as it was."""
    from warehouse import pipeline

    with judgements_are_final():
        return pipeline.audit()


@task
def retention() -> dict[str, Any]:
    """Remove what the policy lets go."""
    from warehouse import pipeline

    with judgements_are_final():
        return pipeline.retain()


@task
def disk() -> dict[str, Any]:
    """Fail when there is no room for the next build."""
    from warehouse import pipeline

    with judgements_are_final():
        return pipeline.disk()


with DAG(
    dag_id="maintenance",
    description="Every checksum audited, old releases removed, free disk told",
    schedule=CronTriggerTimetable(SCHEDULE, timezone="UTC"),
    tags=["maintenance"],
    doc_md=DOC,
    **dag_arguments(
        stands="the landing and the published releases; nothing is removed after a failed audit."
    ),
):
    audit() >> retention()
    disk()
