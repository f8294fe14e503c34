"""What all DAGs of this folder share: their arguments, time limits, settings, and assets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.lineage.entities import File
from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowFailException
from notify import on_run_failure, on_task_failure

from warehouse import UMASK
from warehouse.errors import Rejected
from warehouse.model import Source

if TYPE_CHECKING:
    from warehouse.config import Settings

DAGRUN_TIMEOUT = timedelta(hours=9)  # more than the timeouts of the tasks of every DAG that has no other
TASK_TIMEOUT = timedelta(hours=1)
# More than dbt gets (warehouse.build.dbt.TIMEOUT): a transform also waits for the lock, copies and seals.
TRANSFORM_TIMEOUT = timedelta(hours=4)
DAG_TEST = "dag_test"  # what Airflow records as the user of `dag.test()`
# How long a task waits for a lock that a command line process holds.
LOCK_WAIT = timedelta(minutes=15)


def task_settings(**overrides: Any) -> Settings:
    """Return the settings of a task, from the environment; `overrides` win."""
    from warehouse.config import load_settings

    os.umask(UMASK)  # a task writes files that other users read
    return load_settings(lock_seconds=LOCK_WAIT.total_seconds(), **overrides)


def triggered_by(dag_run: Any) -> dict[str, str]:
    """Return the user who triggered a run as the `operator` of `task_settings`; of other runs nothing."""
    name = dag_run.triggering_user_name
    return {"operator": name} if name and name != DAG_TEST else {}


def landing_asset(source: str) -> Asset:
    """Return the asset that an accepted vintage of `source` updates."""
    return Asset(name=source, uri=f"warehouse://landing/{source}", group="landing")


def data_set(path: str) -> File:
    """Return what lineage events call a part of the warehouse, such as `landing/safe_bop`.

    The OpenLineage provider does not know the scheme of our assets and leaves them out of its events.
    """
    return File(url=f"warehouse://{path}")


def schedule_of(source: Source) -> str:
    """Return the cron expression (UTC) of a source: `WAREHOUSE_SCHEDULE`, or the source's own."""
    return os.environ.get("WAREHOUSE_SCHEDULE") or source.schedule


@contextmanager
def no_retry_on_rejected() -> Iterator[None]:
    """Fail the task without a retry on Rejected: the same data would be rejected again.

    Every other failure (a connection, a disk, a lock) may be over in five minutes, and is retried.
    """
    try:
        yield
    except Rejected as error:
        raise AirflowFailException(str(error)) from error


def dag_arguments(dagrun_timeout: timedelta = DAGRUN_TIMEOUT, max_active_runs: int = 1) -> dict[str, Any]:
    """Return the arguments that every DAG takes.

    A task is tried three times, with a pause of 5 and then 10 minutes. It notifies once, after its last try;
    the DAG notifies only of a run that `dagrun_timeout` stopped, which no task can report.
    """
    return {
        "catchup": False,
        "max_active_runs": max_active_runs,
        "dagrun_timeout": dagrun_timeout,
        "on_failure_callback": [on_run_failure],
        "default_args": {
            "owner": "services-trade",
            "retries": 2,
            "retry_delay": timedelta(minutes=5),
            "retry_exponential_backoff": 2,
            "max_retry_delay": timedelta(hours=1),
            "execution_timeout": TASK_TIMEOUT,
            "on_failure_callback": [on_task_failure],
        },
    }
