"""Cleaning Airflow's own records: rows of ended runs in its metadata, and the log files of tasks.

Airflow keeps both for ever. What the warehouse records itself (history, polls, decisions) is not touched.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

# In a task, Airflow replaces the address of its metadata by one with this scheme. `airflow db clean` is a
# process of its own, which reads the address from the configuration, as the scheduler does.
BLOCKED = "airflow-db-not-allowed:"


def clean_command(before: datetime) -> list[str]:
    """Return the command that deletes the rows of runs that ended before a time."""
    return [
        *(sys.executable, "-m", "airflow", "db", "clean"),
        *("--clean-before-timestamp", before.isoformat()),
        *("--skip-archive", "--error-on-cleanup-failure", "--yes"),
    ]


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the addresses by which Airflow blocks a task from its metadata."""
    return {name: value for name, value in environment.items() if not value.startswith(BLOCKED)}


def clean_metadata(days: int) -> str:
    """Delete what Airflow's metadata has of runs older than `days`; return the time before which.

    The last run of each DAG is kept. Raises RuntimeError with the end of the output when that fails.
    """
    before = datetime.now(UTC) - timedelta(days=days)
    ended = subprocess.run(
        clean_command(before), env=clean_environment(os.environ), capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        raise RuntimeError(f"airflow db clean failed: {(ended.stdout + ended.stderr)[-2000:]}")
    return before.isoformat()


def clean_logs(folder: Path, days: int) -> int:
    """Remove the log files that were last written to more than `days` ago; return their number.

    Directories that are as old, or that this leaves empty, are removed too. A file that another process moves
    or removes meanwhile is left to it.
    """
    limit = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    removed = 0
    for parent, _directories, _names in os.walk(folder, topdown=False):
        directory = Path(parent)
        is_old = directory.stat().st_mtime < limit
        old = [path for path in directory.iterdir() if (at := written_at(path)) is not None and at < limit]
        for path in old:
            path.unlink(missing_ok=True)
        removed += len(old)
        if directory != folder and (old or is_old) and not any(directory.iterdir()):
            directory.rmdir()
    return removed


def written_at(path: Path) -> float | None:
    """Return when a file was last written to; None for anything else, and for a file that is gone."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return status.st_mtime if stat.S_ISREG(status.st_mode) else None
