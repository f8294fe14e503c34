"""Build, validate and publish a release when any source has landed a new vintage.

Several sources in one night make at most two builds. The first asset event starts a run. With
`max_active_runs=1` Airflow queues the events that arrive meanwhile, and starts one more run for all of them
when the first has ended. The `load` of that run builds nothing if the first run already used everything.

A source that failed is not waited for: its last vintage is part of the build.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, AssetAny, DeadlineAlert, DeadlineReference, Param, SyncCallback, task
from defaults import (
    TRANSFORM_TIMEOUT,
    dag_arguments,
    data_set,
    landing_asset,
    no_retry_on_rejected,
    task_settings,
)
from notify import on_deadline
from pools import BUILDS

from warehouse.sources import SOURCES

DEADLINE = timedelta(hours=4)
# More than the timeouts of all four tasks and a second try of `transform`.
DAGRUN_TIMEOUT = timedelta(hours=12)

DOC = """\
### Publish a release

Runs when any source has landed a new vintage. Several sources in one night make at most two builds.

| task | what it does | what happens on failure |
|---|---|---|
| `load` | starts a build of the vintages in force; nothing new: the rest is **skipped** | no build is left |
| `transform` | one `dbt build` with all tests; the log names each failed node | the build is kept |
| `validate` | checks the expectations, also against the current release | the build is kept with its report |
| `publish` | makes the release directory and switches `latest` to it | `latest` is not switched |

**What happens on failure:** the current release stays, byte for byte. Failed builds are kept in `build/`.
A run that has not ended 4 hours after it was queued notifies the operators, and goes on.

**What to run next:** `warehouse alerts` for the reason. When it is fixed, trigger this DAG or run
`warehouse publish`.

**Parameter** `as_of` (manual runs): build from the vintages that were known on that day.
"""


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
def publish(build: str) -> str:
    """Publish the build as the current release; return its name."""
    from warehouse.build import steps

    with no_retry_on_rejected():
        return steps.publish(task_settings(), build)


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
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=DEADLINE,
        callback=SyncCallback(on_deadline),
        name="Published within four hours",
    ),
    **dag_arguments(dagrun_timeout=DAGRUN_TIMEOUT),
):
    landed = load.override(inlets=[data_set(f"landing/{name}") for name in SOURCES])()
    publish.override(outlets=[data_set("published/latest")])(validate(transform(landed)))
