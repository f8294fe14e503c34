"""The daily checks: one task for each kind of problem, which fails when there is one.

A failed check is the alert: it notifies the operators like every other failed task. No check is retried, and
each is independent of the others. A problem that lasts fails its check again on the next day.

`refresh` runs after `revisions`, whatever that found: the release that it makes has no revisions of its own.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, task
from airflow.sdk.exceptions import AirflowFailException
from defaults import dag_arguments, task_settings, triggered_by
from pools import BUILDS

LOG = logging.getLogger(__name__)
SCHEDULE = "0 7 * * *"  # UTC: after the night, and before the office opens
# The kinds of alerts (warehouse.alerts.KINDS) that each check reports.
CHECKS = {
    "sources": ("fetch_failed", "load_rejected", "part_failed", "drift", "source_late"),
    "builds": ("build_failed", "source_set_aside", "rows_held"),
    "revisions": ("big_revision",),
    "database": ("database_behind",),
    "objects": ("objects_behind",),
    "disk": ("disk_low",),
    "records": ("unreadable",),
}

DOC = """\
### Checks, daily at 07:00 UTC

Each task **fails when something is wrong now**. The failure notifies the operators, with the command to run
next.

| task | fails when |
|---|---|
| `sources` | a fetch failed or was rejected, in part too; an answer has drift; a release has not come |
| `builds` | the newest build failed, or left out a source, or figures with unknown codes |
| `revisions` | a release of the last 24 hours, not rolled back, revised a figure beyond its threshold |
| `database` | the database `WAREHOUSE_PUBLISH_TO` does not hold the current release |
| `objects` | the bucket `WAREHOUSE_OBJECTS` does not have the current release |
| `disk` | there is not enough space for the next build |
| `records` | a record of the warehouse cannot be read |
| `refresh` | `mart_freshness` of the current release cannot be brought up to today |

**What happens on failure:** nothing else. The checks only read, and a failed `refresh` changes nothing.

**What to run next:** the command in the message. OPERATIONS.md has a section for each kind, and
`warehouse alerts` shows the same at any time. When the problem is fixed, clear the failed task to check
again.
"""


def check(name: str, now: datetime) -> None:
    """Fail with every alert of one check; `now` is the time of the run."""
    from warehouse.alerts import REVISIONS_FOR, find_alerts, format_alerts
    from warehouse.releases.served import in_force

    settings, since = task_settings(), now - REVISIONS_FOR
    alerts = [alert for alert in find_alerts(settings, since=since) if alert.kind in CHECKS[name]]
    # A big revision stays a fact about its release, so it is reported once: by the first run after that.
    due = [alert for alert in alerts if alert.published_at is None or since < alert.published_at <= now]
    if others := [alert for alert in alerts if alert not in due]:
        LOG.info("Reported by another run: %s", format_alerts(others, in_force(settings)))
    if due:
        raise AirflowFailException(format_alerts(due, in_force(settings)))


@task(retries=0)
def run_check(name: str, **context: Any) -> None:
    """Fail with every alert of this check."""
    check(name, context["dag_run"].run_after)


@task(pool=BUILDS, trigger_rule="all_done")
def refresh(dag_run: Any = None) -> str | None:
    """Bring `mart_freshness` of the current release up to today, without a build."""
    from warehouse import metrics
    from warehouse.build import steps

    settings = task_settings(**triggered_by(dag_run))
    release = steps.refresh(settings)
    metrics.update(settings)
    return release


with DAG(
    dag_id="checks",
    description="Fails when a source, a build, the disk or a record needs a person",
    schedule=CronTriggerTimetable(SCHEDULE, timezone="UTC"),
    tags=["checks"],
    doc_md=DOC,
    **dag_arguments(),
):
    checked = {name: run_check.override(task_id=name)(name) for name in CHECKS}
    checked["revisions"] >> refresh()
