"""Run Airflow's scheduler with the modules of the tasks already imported.

    scheduler.py [OPTION...]

With LocalExecutor each task is a fork of this process: it then imports nothing that takes seconds, such as
Great Expectations. The options are those of `airflow scheduler`.
"""

from __future__ import annotations

import importlib
import sys

# What the tasks import inside their functions, and what these modules import late.
PRELOADED = (
    "great_expectations.expectations.core.unexpected_rows_expectation",
    "pandas",
    "py7zr",
    "warehouse.build.steps",
    "warehouse.metrics",
    "warehouse.releases.news",
)


def main() -> None:
    """Import the modules and run the scheduler."""
    from airflow.__main__ import main as airflow

    for name in PRELOADED:
        importlib.import_module(name)
    sys.argv = ["airflow", "scheduler", *sys.argv[1:]]
    airflow()


if __name__ == "__main__":
    main()
