"""Old runs are deleted from Airflow's metadata, and old log files from its folder."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from airflow_local import copy_metadata

DAY = 86_400


def written(path: Path, days: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("log")
    then = time.time() - days * DAY
    for each in (path, path.parent):
        os.utime(each, (then, then))
    return path


def test_old_logs_and_empty_directories_are_removed(tmp_path: Path) -> None:
    from cleaning import clean_logs

    old = written(tmp_path / "dag_id=publish" / "run_id=1" / "attempt=1.log", 100)
    new = written(tmp_path / "dag_id=publish" / "run_id=2" / "attempt=1.log", 80)
    mixed = [written(tmp_path / "dag_id=checks" / name, days) for name, days in (("a", 100), ("b", 1))]
    (tmp_path / "dag_processor").mkdir()
    (tmp_path / "dag_processor" / "latest").symlink_to("gone")  # of Airflow, to the folder of the day
    os.utime(tmp_path / "dag_processor" / "latest", (0, 0), follow_symlinks=False)
    just_made = tmp_path / "dag_id=backfill"
    just_made.mkdir()  # of a task that begins
    assert clean_logs(tmp_path, 90) == 2
    assert not old.parent.exists() and new.exists() and not mixed[0].exists() and mixed[1].exists()
    assert just_made.is_dir() and (tmp_path / "dag_processor" / "latest").is_symlink()
    assert clean_logs(tmp_path, 90) == 0


def test_log_that_another_process_removes_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleaning import clean_logs, written_at

    assert written_at(tmp_path / "gone") is None
    written(tmp_path / "run" / "attempt=1.log", 100)

    def removed(path: Path) -> float | None:
        at = written_at(path)
        path.unlink()
        return at

    monkeypatch.setattr("cleaning.written_at", removed)
    assert clean_logs(tmp_path, 90) == 1 and not (tmp_path / "run").exists()


def test_task_cleans_with_the_address_of_the_configuration() -> None:
    from cleaning import clean_environment

    blocked = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "airflow-db-not-allowed:///"}
    kept = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD": "python secret.py", "PATH": "/bin"}
    assert clean_environment(blocked | kept) == kept
    own = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////airflow.db"}
    assert clean_environment(own) == own


@pytest.mark.slow
def test_old_runs_are_deleted_from_the_metadata(
    metadata: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleaning import clean_metadata

    copy_metadata(metadata, tmp_path)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "airflow-db-not-allowed:///")
    insert = "insert into log (dttm, event, owner) values (?, 'test', 'tests')"
    times = [datetime.now(UTC) - timedelta(days=days) for days in (100, 91, 89, 0)]
    with closing(sqlite3.connect(tmp_path / "airflow.db")) as database:
        database.executemany(insert, [(f"{moment:%Y-%m-%d %H:%M:%S.%f}",) for moment in times])
        database.commit()
    assert clean_metadata(90) < datetime.now(UTC).isoformat()
    with closing(sqlite3.connect(tmp_path / "airflow.db")) as database:
        left = database.execute("select count(*) from log where owner = 'tests'").fetchone()
        tables = [name for (name,) in database.execute("select name from sqlite_master")]
    assert left == (2,)
    assert not [name for name in tables if "_airflow_deleted" in name]


def test_failed_cleaning_tells_the_end_of_its_output(monkeypatch: pytest.MonkeyPatch) -> None:
    import cleaning

    monkeypatch.setattr(cleaning, "clean_command", lambda _: ["sh", "-c", "echo no such table; exit 3"])
    with pytest.raises(RuntimeError, match="airflow db clean failed: no such table"):
        cleaning.clean_metadata(90)
