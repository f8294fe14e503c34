"""What every DAG of this folder shares: limits, retries, owner, assets and alerts.

Keeps: the asset of a source; the arguments of every DAG and task; which failures are worth a retry; who is
told of a failure (`alerts.py`); and the hour of the night: `WAREHOUSE_SCHEDULE`, a cron line in UTC, replaces
every source's own.

Refuses: to hide a failure: whatever a callback does, the task stays failed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from airflow.providers.common.compat.lineage.entities import File
from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowFailException
from alerts import run_timed_out, step_failed, step_succeeded

from warehouse.errors import Rejected
from warehouse.model import Source

OWNER = "services-trade"
DAGRUN_TIMEOUT = timedelta(hours=6)  # a night that starts at 03:00 is over before the office opens


def landing_asset(source: str) -> Asset:
    """Return the asset that an accepted vintage of `source` updates."""
    return Asset(name=source, uri=f"warehouse://landing/{source}", group="landing")


def data_set(path: str) -> File:
    """Return what lineage events call a place of the warehouse, e.g. `landing/safe_bop`.

    An asset of ours has a scheme that the OpenLineage provider does not know, and it would leave it out.
    """
    return File(url=f"warehouse://{path}")


def schedule_of(source: Source) -> str:
    """Return the cron line (UTC) of a source: the operator's, or its own."""
    return os.environ.get("WAREHOUSE_SCHEDULE") or source.schedule


@contextmanager
def judgements_are_final() -> Iterator[None]:
    """Fail without a retry on `Rejected`: the same rows would be judged the same way again.

    Every other failure (a wire, a disk, another build at work) may be over in five minutes, and is retried.
    """
    try:
        yield
    except Rejected as error:
        raise AirflowFailException(str(error)) from error


def dag_arguments(stands: str) -> dict[str, Any]:
    """Return the arguments that every DAG takes; `stands` says what a failure leaves in force.

    Retries double their pause: 5, then 10 minutes. A failed task alerts once, after its last try; the DAG's
    own callback adds only what no task can report: a run stopped by its timeout.
    """
    return {
        "catchup": False,
        "max_active_runs": 1,
        "dagrun_timeout": DAGRUN_TIMEOUT,
        "on_failure_callback": [partial(run_timed_out, stands=stands)],
        "default_args": {
            "owner": OWNER,
            "retries": 2,
            "retry_delay": timedelta(minutes=5),
            "retry_exponential_backoff": 2,
            "max_retry_delay": timedelta(hours=1),
            "execution_timeout": timedelta(hours=1),
            "on_failure_callback": [partial(step_failed, stands=stands)],
            "on_success_callback": [step_succeeded],
            "on_skipped_callback": [step_succeeded],
        },
    }
