"""The daily checks: one task for each kind of problem, which fails when there is one.

A failed check is the alert: it notifies the operators like every other failed task. No check is retried, and
each is independent of the others. A problem that lasts fails its check again on the next day.

`refresh` runs after `revisions`, whatever that found: the release that it makes has no revisions of its own.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, CronTriggerTimetable, task
from airflow.sdk.exceptions import AirflowFailException
from defaults import dag_arguments, task_settings, triggered_by
from pools import BUILDS

if TYPE_CHECKING:
    from warehouse.config import Settings

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
# A big revision stays a fact about the current release, so it is reported once: on the day of the release.
REVISIONS_OF_THE_LAST = timedelta(hours=24)

DOC = """\
### Checks, daily at 07:00 UTC

Each task **fails when something is wrong now**. The failure notifies the operators, with the command to run
next.

| task | fails when |
|---|---|
| `sources` | a fetch failed or was rejected, in part too; an answer has drift; a release has not come |
| `builds` | the newest build failed, or left out a source, or figures with unknown codes |
| `revisions` | a release of the last 24 hours revised a figure by more than its threshold |
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
    """Fail with every alert of one check."""
    from warehouse.alerts import find_alerts, format_alerts, in_force

    settings = task_settings()
    alerts = [alert for alert in find_alerts(settings) if alert.kind in CHECKS[name]]
    if name == "revisions" and alerts and not is_recent(settings, now):
        LOG.info("Reported before: %s", format_alerts(alerts, in_force(settings)))
        return
    if alerts:
        raise AirflowFailException(format_alerts(alerts, in_force(settings)))


def is_recent(settings: Settings, now: datetime) -> bool:
    """Tell whether the current release was published within the last 24 hours before `now`."""
    from warehouse.releases.manifest import read_manifest
    from warehouse.releases.store import require_current

    return read_manifest(require_current(settings.published)).published_at > now - REVISIONS_OF_THE_LAST


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
