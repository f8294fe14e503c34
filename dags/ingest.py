"""One DAG for each source: fetch its answers, and accept them as a vintage when they bring something new.

Generated from `warehouse.sources.SOURCES`: a new source needs no edit here. The cron timetable is explicit,
because the meaning of a bare cron string depends on `create_cron_data_intervals`. No task uses a data
interval, and there is no catch-up: a publisher only shows its present figures.

A task that is skipped updates no asset, so that nothing is rebuilt when nothing is new.
"""

from __future__ import annotations

from airflow.sdk import DAG, CronTriggerTimetable, task
from airflow.sdk.exceptions import AirflowSkipException
from defaults import dag_arguments, data_set, landing_asset, no_retry_on_rejected, schedule_of, task_settings
from pools import host_pool

from warehouse.model import Source
from warehouse.sources import SOURCES

DOC = """\
### {source.title}

Fetches `{source.table}` from {source.publisher} ([home page]({source.homepage})), keeps every answer as it
was sent, and accepts it as a new **vintage** when its parsed rows differ from those of the last vintage.

| task | what it does | what happens on failure |
|---|---|---|
| `fetch` | downloads all answers | tried again after 5 and 10 minutes |
| `accept` | parses, compares, validates, lands | a rejected load goes to `rejected/`, without a retry |

A **skipped** `accept` means that the publisher shows the figures of the last vintage. Nothing is rebuilt.

**What happens on failure:** the last vintage of `{source.name}` stays in force. Other sources are not
affected, and no DAG waits for this one.

**What to run next:** `warehouse alerts` for the reason. After a failed fetch, trigger this DAG again or run
`warehouse fetch {source.name}`. After a rejected load, see `warehouse rejected list`.

Licence of the data: {source.licence}
"""


@task
def fetch(name: str) -> str:
    """Download all answers of a source; return their directory."""
    from warehouse.build import steps

    # Also an answer of the wrong kind is retried: publishers answer with error pages for some minutes.
    return steps.fetch(task_settings(), name)


@task
def accept(name: str, incoming: str) -> str:
    """Land what was fetched as a vintage; return its id. Skipped when nothing is new."""
    from warehouse.build import steps

    with no_retry_on_rejected():
        vintage = steps.accept(task_settings(), name, incoming)
    if vintage is None:
        raise AirflowSkipException(f"{name}: nothing new. The last vintage stays in force.")
    return vintage


def ingest(source: Source) -> DAG:
    """Return the DAG of one source."""
    with DAG(
        dag_id=f"ingest_{source.name}",
        description=source.title,
        schedule=CronTriggerTimetable(schedule_of(source), timezone="UTC"),
        tags=["ingest", source.name],
        doc_md=DOC.format(source=source),
        **dag_arguments(),
    ) as dag:
        fetched = fetch.override(pool=host_pool(source))(source.name)
        outlets = [landing_asset(source.name), data_set(f"landing/{source.name}")]
        accept.override(outlets=outlets)(source.name, fetched)
    return dag


for _source in SOURCES.values():
    ingest(_source)
