"""Build, validate and publish a release whenever any source landed something new.

At most two builds follow a burst of sources. The first event starts a run; with `max_active_runs=1` Airflow
keeps the events that arrive meanwhile queued, one row for each asset, and starts one more run for all of
them when the first has ended. That run's `load` compares the landing, the seeds and the code with what the
standing release was built from, and skips the rest when the first run had already seen everything.

A source that failed is not waited for: its last vintage is part of the build.
"""

from __future__ import annotations

from airflow.sdk import DAG, AssetAny, Param, task
from defaults import dag_arguments, data_set, judgements_are_final, landing_asset

from warehouse.sources import SOURCES

DOC = """\
### Publish a release

Runs when any source has landed a new vintage; several at once make at most two builds.

| task | what it does | when it fails |
|---|---|---|
| `load` | a fresh build with the vintages in force; no news: the rest is **skipped** | disk; no vintage yet |
| `transform` | one `dbt build` with its tests | a model or a test: the build is kept |
| `validate` | expectations over the marts, next to the standing release | the build is kept with its report |
| `publish` | a release directory, then one atomic flip of `latest` | nothing was flipped |

**What stands on failure:** the published release, byte for byte. Readers notice nothing.

**What to run next:** `warehouse status`; mend; trigger this DAG. A refused build stays in `build/`.

**Parameter** `as_of` (manual runs): build what was known on that day.
"""


@task.short_circuit
def load(params: dict[str, str | None]) -> str | None:
    """Load the vintages in force into a fresh build; None without news, and the rest is skipped."""
    from warehouse import pipeline

    with judgements_are_final():
        return pipeline.load(params["as_of"])


@task
def transform(build: str) -> str:
    """Run dbt on the build file."""
    from warehouse import pipeline

    with judgements_are_final():
        return pipeline.transform(build)


@task
def validate(build: str) -> str:
    """Judge the marts of the build file."""
    from warehouse import pipeline

    with judgements_are_final():
        return pipeline.validate(build)


@task
def publish(build: str) -> str:
    """Make the build a release and flip `latest`; return the release's id."""
    from warehouse import pipeline

    with judgements_are_final():
        return pipeline.publish(build)


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
            description="Build what was known on this day. Leave empty for today.",
        )
    },
    tags=["publish"],
    doc_md=DOC,
    **dag_arguments(stands="the published release stands, byte for byte; the build is kept for inspection."),
):
    landed = load.override(inlets=[data_set(f"landing/{name}") for name in SOURCES])()
    publish.override(outlets=[data_set("published/latest")])(validate(transform(landed)))
