"""Build, validate and publish a release when any source has landed a new vintage.

A night makes one build. The first asset event starts a run, whose `wait` ends when no ingest run is active.
With `max_active_runs=1` Airflow queues the events that arrive meanwhile, and starts one more run for all of
them when the first has ended. The `load` of that run builds nothing if the first run already used everything.

A source that failed is not waited for: its last vintage is part of the build. Of a source whose DAG is paused
only the tasks at work are waited for: Airflow starts no other task of its runs, whatever their state.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import (
    DAG,
    Asset,
    AssetAny,
    DeadlineAlert,
    DeadlineReference,
    Param,
    PokeReturnValue,
    SyncCallback,
    task,
)
from airflow.sdk.exceptions import AirflowSkipException
from defaults import (
    TRANSFORM_TIMEOUT,
    dag_arguments,
    data_set,
    landing_asset,
    no_retry_on_rejected,
    task_settings,
    triggered_by,
)
from notify import on_deadline
from pools import BUILDS

from warehouse.sources import SOURCES

LOG = logging.getLogger(__name__)
PUBLISHED = Asset(name="published/latest", uri="warehouse://published/latest", group="published")
DEADLINE = timedelta(hours=6)
# Then the build begins with what has landed.
LONGEST_WAIT = timedelta(hours=2)
WAIT_TIMEOUT = LONGEST_WAIT + timedelta(minutes=30)
POKE_INTERVAL = timedelta(seconds=2)
# More than the longest wait, the timeouts of all tasks and a second try of `transform`.
DAGRUN_TIMEOUT = timedelta(hours=16)

DOC = """\
### Publish a release

Runs when any source has landed a new vintage, and waits for the ingest runs of the night: one build a night.

| task | what it does | what happens on failure |
|---|---|---|
| `wait` | ends when no ingest run is active or queued, after 2 hours at the latest | the run fails |
| `load` | starts a build of the vintages in force; nothing new: the rest is **skipped** | no build is left |
| `transform` | one `dbt build` with all tests; the log names each failed node | the build is kept |
| `validate` | checks the expectations, also against the current release | the build is kept with its report |
| `publish` | makes the release directory and switches `latest` to it | `latest` is not switched |
| `publish_to` | copies it to the database `WAREHOUSE_PUBLISH_TO`; unset: **skipped** | the release stays |
| `push_objects` | pushes the home to the bucket `WAREHOUSE_OBJECTS`; unset: **skipped** | the release stays |

**What happens on failure:** the current release stays, byte for byte. Failed builds are kept in `build/`.
A run that takes 6 hours longer than the last ones notifies the operators, and goes on.

**What to run next:** `warehouse alerts` for the reason. When it is fixed, trigger this DAG or run
`warehouse publish`.

**Asset.** `publish` updates `published/latest`; its event has the release, its revisions and the tables that
changed. Schedule on it what reads a release, such as the refresh of a dashboard.

**Parameter** `as_of` (manual runs): build from the vintages that were known on that day.
"""


# In mode `reschedule` a slow scheduler takes the end of a poke for that of the next one, and the task waits
# minutes for a retry. This one keeps its process, which sleeps.
@task.sensor(
    mode="poke",
    poke_interval=POKE_INTERVAL.total_seconds(),
    timeout=WAIT_TIMEOUT.total_seconds(),
    execution_timeout=WAIT_TIMEOUT,
)
def wait(params: dict[str, str | None], ti: Any = None, dag_run: Any = None) -> PokeReturnValue:
    """Wait until no ingest run is active or queued; return the sources that are still active at the end."""
    if params["as_of"]:  # a build of the past uses no vintage of today
        return PokeReturnValue(is_done=True, xcom_value=[])
    active = [name for name in SOURCES if is_active(ti, f"ingest_{name}")]
    waited = datetime.now(UTC) - (dag_run.start_date or dag_run.run_after)
    if active and waited < LONGEST_WAIT:
        LOG.info("Waiting for %s, so that the night makes one release.", ", ".join(active))
        return PokeReturnValue(is_done=False)
    if active:
        LOG.warning(
            "Building after %s without the new vintages of %s: their runs have not ended. See their tasks "
            "in Airflow, and stop those that hang.",
            LONGEST_WAIT,
            ", ".join(active),
        )
    return PokeReturnValue(is_done=True, xcom_value=active)


def is_active(instance: Any, dag_id: str) -> bool:
    """Tell whether a DAG has a run that will end: a paused DAG has none, unless a task of it is at work."""
    active = ["queued", "running"]
    if not instance.get_dr_count(dag_id, states=active):
        return False
    return not instance.get_dag(dag_id).is_paused or bool(instance.get_ti_count(dag_id, states=active))


@task.short_circuit(pool=BUILDS)
def load(params: dict[str, str | None]) -> str | None:
    """Load the vintages in force into a new build. The other tasks are skipped when nothing is new."""
    from warehouse.build import steps

    with no_retry_on_rejected():
        return steps.load(task_settings(), params["as_of"])


@task(pool=BUILDS, execution_timeout=TRANSFORM_TIMEOUT)
def transform(build: str) -> str:
    """Run dbt on the build: seeds, models and tests."""
    from warehouse.build import steps

    with no_retry_on_rejected():
        return steps.transform(task_settings(), build)


@task(pool=BUILDS)
def validate(build: str) -> str:
    """Validate the build against the expectations and the current release."""
    from warehouse.build import steps

    with no_retry_on_rejected():
        return steps.validate(task_settings(), build)


@task(pool=BUILDS)
def publish(build: str, outlet_events: Any = None, dag_run: Any = None) -> str:
    """Publish the build as the current release, by the user who triggered the run; return its name."""
    from warehouse import metrics
    from warehouse.build import steps
    from warehouse.releases.news import news_of

    settings = task_settings(**triggered_by(dag_run))
    with no_retry_on_rejected():
        release = steps.publish(settings, build)
    outlet_events[PUBLISHED].extra = news_of(settings.published, release)
    metrics.update(settings)
    return release


@task
def publish_to(release: str, dag_run: Any = None) -> str:
    """Copy the current release to the database of WAREHOUSE_PUBLISH_TO; skip when it is not set."""
    from warehouse.publication import publish_to as publication

    settings = task_settings(**triggered_by(dag_run))
    if settings.publish_to is None:
        raise AirflowSkipException("WAREHOUSE_PUBLISH_TO is not set")
    done = publication.publish_to(settings, settings.publish_to.get_secret_value())
    for warning in done.copied.warnings:
        LOG.warning(warning)
    return done.release


@task
def push_objects(release: str, dag_run: Any = None) -> str:
    """Push the home to the bucket of WAREHOUSE_OBJECTS; skip when it is not set.

    The first push, of all releases, may take longer than the task: what it has uploaded stays for the retry.
    """
    from warehouse.objects import push

    settings = task_settings(**triggered_by(dag_run))
    if settings.objects is None:
        raise AirflowSkipException("WAREHOUSE_OBJECTS is not set")
    return push.push(settings, settings.objects.get_secret_value()).pointer.release


with DAG(
    dag_id="publish",
    description="From the vintages in force to a validated release",
    schedule=AssetAny(*(landing_asset(name) for name in SOURCES)),
    params={
        "as_of": Param(
            None,
            type=["null", "string"],
            format="date",
            title="As of",
            description="Build from the vintages that were known on this day. Empty means today.",
        )
    },
    tags=["publish"],
    doc_md=DOC,
    deadline=DeadlineAlert(
        # Not DAGRUN_QUEUED_AT: in Airflow 3.3 no task of a failed run with such a deadline can be cleared
        # (https://github.com/apache/airflow/issues/70368).
        reference=DeadlineReference.AVERAGE_RUNTIME(max_runs=10, min_runs=1),
        interval=DEADLINE,
        callback=SyncCallback(on_deadline),
        name="At most six hours longer than usual",
    ),
    **dag_arguments(dagrun_timeout=DAGRUN_TIMEOUT),
):
    landed = load.override(inlets=[data_set(f"landing/{name}") for name in SOURCES])()
    wait() >> landed
    released = publish.override(outlets=[PUBLISHED, data_set("published/latest")])(
        validate(transform(landed))
    )
    publish_to(released)
    push_objects(released)
