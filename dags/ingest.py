"""One DAG for each source: fetch tonight's answer, and accept it when it brings news.

Generated from `warehouse.sources.SOURCES`: a new source needs no edit here. The cron timetable is spelled
out, because a bare cron string would mean what the installation's `create_cron_data_intervals` says; with
`CronTriggerTimetable` a run has a moment and no interval, and nothing here reads one. No catch-up: a
publisher only ever answers with what it shows now.

A wire that fails is retried; a payload that is refused is not. Nothing new is a skip, and a skipped task
updates no asset, so that nothing is rebuilt.
"""

from __future__ import annotations

from airflow.sdk import DAG, CronTriggerTimetable, task
from airflow.sdk.exceptions import AirflowSkipException
from defaults import dag_arguments, data_set, judgements_are_final, landing_asset, schedule_of

from warehouse.model import Source
from warehouse.sources import SOURCES

DOC = """\
### {source.title}

Asks {source.publisher} for `{source.table}` ([home page]({source.homepage})), keeps every answer as it was
sent, and accepts it as a **vintage** when its parsed rows differ from the last one.

| task | what it does | when it fails |
|---|---|---|
| `fetch` | downloads every answer | the wire, the publisher or its page: tried again twice |
| `accept` | parses, compares, validates, files | a refusal is final: bytes and report lie in `rejected/` |

`accept` **skipped** means: the publisher shows what we already have. Nothing is rebuilt then.

**What stands on failure:** the last accepted vintage of `{source.name}`, and every other source.
No other DAG waits.

**What to run next:** `warehouse status` for what is in force; `warehouse fetch {source.name}` to try it
by hand; trigger this DAG when the cause is mended. The licence of the data: {source.licence}.
"""


@task
def fetch(name: str) -> str:
    """Download one source; return the folder of its answers."""
    from warehouse import pipeline

    # Every failure is retried here: an answer of the wrong kind is often a publisher's bad quarter of an hour
    return pipeline.fetch(name)


@task
def accept(name: str, incoming: str) -> str:
    """Accept what was fetched as a vintage; return its id, or skip when nothing is new."""
    from warehouse import pipeline

    with judgements_are_final():
        vintage = pipeline.accept(name, incoming)
    if vintage is None:
        raise AirflowSkipException(f"{name}: nothing new; the last vintage stays in force.")
    return vintage


def ingest(source: Source) -> DAG:
    """Return the DAG of one source."""
    with DAG(
        dag_id=f"ingest_{source.name}",
        description=source.title,
        schedule=CronTriggerTimetable(schedule_of(source), timezone="UTC"),
        tags=["ingest", source.name],
        doc_md=DOC.format(source=source),
        **dag_arguments(
            stands=f"the last accepted vintage of {source.name} stays in force; other sources and the "
            "published release are untouched."
        ),
    ) as dag:
        outlets = [landing_asset(source.name), data_set(f"landing/{source.name}")]
        accept.override(outlets=outlets)(source.name, fetch(source.name))
    return dag


for _source in SOURCES.values():
    ingest(_source)
