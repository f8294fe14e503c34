"""One DAG for each source: fetch its answers, and land them as a vintage when they bring something new.

Generated from `warehouse.sources.SOURCES`: a new source needs no edit here. The cron timetable is explicit,
because the meaning of a bare cron string depends on `create_cron_data_intervals`. No task uses a data
interval, and there is no catch-up: a publisher only shows its present figures.

A source is one task, since the start of a task costs as much as most of its work. A retry fetches again.
A task that is skipped updates no asset, so that nothing is rebuilt when nothing is new.
"""

from __future__ import annotations

from airflow.sdk import DAG, CronTriggerTimetable, get_parsing_context, task
from airflow.sdk.exceptions import AirflowSkipException
from defaults import (
    TASK_TIMEOUT,
    dag_arguments,
    data_set,
    landing_asset,
    no_retry_on_rejected,
    schedule_of,
    task_settings,
)
from pools import host_pool

from warehouse.model import Source
from warehouse.sources import SOURCES

INGEST_TIMEOUT = 2 * TASK_TIMEOUT  # fetch and accept in one task

DOC = """\
### {source.title}

Fetches `{source.table}` from {source.publisher} ([home page]({source.homepage})), keeps every answer as it
was sent, and accepts it as a new **vintage** when its parsed rows differ from those of the last vintage.

| task | what it does | what happens on failure |
|---|---|---|
| `ingest` | downloads all answers; parses, compares, validates and lands them | see below |

A failed download is tried again after 5 and 10 minutes. A rejected load goes to `rejected/`, without a retry.
A **skipped** `ingest` means that the publisher shows the figures of the last vintage, or that the source is
not configured (no recording in the mirror, no key). Nothing is rebuilt.

**What happens on failure:** the last vintage of `{source.name}` stays in force. Other sources are not
affected, and no DAG waits for this one.

**What to run next:** `warehouse alerts` for the reason. After a failed download, trigger this DAG again or
run `warehouse fetch {source.name}`. After a rejected load, see `warehouse rejected list`.

Licence of the data: {source.licence}
"""


@task(execution_timeout=INGEST_TIMEOUT)
def ingest(name: str) -> str:
    """Fetch a source and land what is new as a vintage; return its id. Skipped when nothing is new."""
    from warehouse.build import steps
    from warehouse.errors import NotConfigured

    settings = task_settings()
    # Also an answer of the wrong kind is retried: publishers answer with error pages for some minutes.
    try:
        incoming = steps.fetch(settings, name)
    except NotConfigured as reason:
        raise AirflowSkipException(str(reason)) from reason
    with no_retry_on_rejected():
        vintage = steps.accept(settings, name, incoming)
    if vintage is None:
        raise AirflowSkipException(f"{name}: nothing new. The last vintage stays in force.")
    return vintage


def dag_id_of(source: Source) -> str:
    """Return the id of the DAG of one source."""
    return f"ingest_{source.name}"


def ingest_dag(source: Source) -> DAG:
    """Return the DAG of one source."""
    with DAG(
        dag_id=dag_id_of(source),
        description=source.title,
        schedule=CronTriggerTimetable(schedule_of(source), timezone="UTC"),
        tags=["ingest", source.name],
        doc_md=DOC.format(source=source),
        **dag_arguments(),
    ) as dag:
        outlets = [landing_asset(source.name), data_set(f"landing/{source.name}")]
        ingest.override(pool=host_pool(source), outlets=outlets)(source.name)
    return dag


# A task reads this file for its own DAG. Without an id, as in the DAG processor, there are all.
_asked = get_parsing_context().dag_id
for _source in SOURCES.values():
    if _asked in (None, dag_id_of(_source)):
        ingest_dag(_source)
