"""The weekly maintenance: audit every checksum, remove what is old, clean Airflow's records, check the disk.

`retention` runs after a clean `audit` only: while a file is damaged, an old release may be the only good
copy. `disk` runs whatever the audit finds.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, task
from defaults import dag_arguments, no_retry_on_rejected, task_settings
from pools import BUILDS

SCHEDULE = "0 12 * * 6"  # Saturdays at noon UTC, when no source is fetched
AUDIT_TIMEOUT = timedelta(hours=4)  # the audit reads every byte of the landing and of all releases

DOC = """\
### Maintenance, weekly

| task | what it does | what happens on failure |
|---|---|---|
| `audit` | recomputes the checksums of landing and releases | each damaged file is named in the log |
| `retention` | removes old releases, builds and rejected loads | the rest is removed by the next run |
| `airflow_records` | deletes old runs and logs of Airflow | the next run deletes them |
| `disk` | compares the free space with what a build needs | no build begins until there is space |

**What happens on failure:** the landing and the releases stay as they are. `retention` removes nothing after
a failed `audit`.

**What to run next:** `warehouse maintain` does the same on the command line. Restore a damaged file from the
backup; if readers see it, run `warehouse rollback previous --why …` first. If the disk is full, enlarge it or
lower `WAREHOUSE_KEEP_RELEASES_GIB`.
"""


@task(execution_timeout=AUDIT_TIMEOUT)
def audit() -> dict[str, Any]:
    """Recompute every checksum. Fails with each damaged file."""
    from warehouse.maintenance import require_clean_audit

    with no_retry_on_rejected():
        return asdict(require_clean_audit(task_settings()))


@task(pool=BUILDS)
def retention() -> dict[str, Any]:
    """Remove what the retention policy lets go."""
    from warehouse.maintenance import remove_expired

    return remove_expired(task_settings()).model_dump(mode="json")


@task
def airflow_records() -> dict[str, Any]:
    """Delete Airflow's runs and logs that are older than `WAREHOUSE_KEEP_RUNS_DAYS`."""
    from airflow.configuration import conf
    from cleaning import clean_logs, clean_metadata

    days = task_settings().keep.runs_days
    before = clean_metadata(days)
    logs = clean_logs(Path(conf.get("logging", "base_log_folder")), days)
    return {"runs_before": before, "logs_removed": logs}


@task
def disk() -> dict[str, Any]:
    """Fail when there is not enough space for the next build."""
    from warehouse import metrics
    from warehouse.build.disk import require_disk_space

    settings = task_settings()
    metrics.update(settings)
    return require_disk_space(settings).model_dump(mode="json")


with DAG(
    dag_id="maintenance",
    description="Audit every checksum, remove old releases, check the disk",
    schedule=CronTriggerTimetable(SCHEDULE, timezone="UTC"),
    tags=["maintenance"],
    doc_md=DOC,
    **dag_arguments(),
):
    audit() >> retention()
    airflow_records()
    disk()
