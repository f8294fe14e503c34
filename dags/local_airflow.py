"""Airflow in one process: its settings, its metadata database, and its API for tasks.

`make run`, `make ui` and the tests of the DAGs use it. The services of the stack do not.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

DAGS = Path(__file__).resolve().parent


def use_local_airflow(home: Path) -> None:
    """Point Airflow at this DAG folder and at SQLite metadata in `home`. Call before importing Airflow."""
    (home / "logs").mkdir(parents=True, exist_ok=True)
    os.environ["AIRFLOW_HOME"] = str(home)
    os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(DAGS)
    os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(DAGS / "plugins")
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION"] = "False"
    # The audit log masks values by their name: the address of a mirror may have a password.
    os.environ["AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES"] = "mirror"
    # It logs hundreds of lines about functions that it does not register.
    os.environ["AIRFLOW__LOGGING__NAMESPACE_LEVELS"] = "great_expectations=WARNING"
    if str(DAGS) not in sys.path:
        sys.path.append(str(DAGS))


def migrate(home: Path) -> None:
    """Create the pools, after the metadata database if this version of Airflow has not created it yet."""
    from airflow import __version__
    from pools import create_pools

    stamp = home / "migrated"
    if not ((home / "airflow.db").exists() and stamp.exists() and stamp.read_text() == __version__):
        from airflow.utils.db import initdb

        initdb()
        stamp.write_text(__version__)
    create_pools()


def offer_newest_api() -> None:
    """Let the API between tasks and metadata offer its newest version, and not the eight before it.

    `dag.test()` serves it in this process, where task and server are of one release. To derive the older
    versions takes Airflow 3.3.2 longer (2.4 s) than to run all tasks of a night without news.
    """
    from airflow.api_fastapi.execution_api import versions
    from cadwyn import HeadVersion, Version, VersionBundle, VersionChange, endpoint

    class HoldMovedRoute(VersionChange):
        description = "A route that only older versions have: Cadwyn requires that one of them is offered."
        instructions_to_migrate_to_previous_version = (
            endpoint("/dag-runs/{dag_id}/previous", ["GET"]).existed,
        )

    newest, *_, oldest = versions.bundle.versions
    versions.bundle = VersionBundle(
        HeadVersion(), Version(newest.value, HoldMovedRoute), Version(oldest.value)
    )
