"""The weekly DAG: what it declares, and that damage stops the removal and not the check of the disk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow_local import Doubles, states

from warehouse import maintenance
from warehouse.build import disk
from warehouse.errors import Rejected, WarehouseError
from warehouse.releases.audit import AuditReport

CLEANING = ("clean_metadata", "clean_logs")
CLEANED = {"airflow_records": "success"}


def record(**fields: Any) -> SimpleNamespace:
    return SimpleNamespace(model_dump=lambda mode: fields)


@pytest.fixture
def dag(dags: dict[str, Any]) -> Any:
    return dags["maintenance"]


@pytest.fixture
def calls(doubles: Callable[..., Doubles]) -> list[Doubles]:
    """Replace audit, removal, disk check and cleaning by doubles; return the calls."""
    import cleaning

    answers = {"require_clean_audit": AuditReport(1, 1, 9, 99, ()), "remove_expired": record(releases=[])}
    cleaned = {"clean_metadata": "2026-01-01", "clean_logs": 7}
    return [
        doubles(maintenance, answers),
        doubles(disk, {"require_disk_space": record(free_bytes=1)}),
        doubles(cleaning, cleaned),
    ]


def names(calls: list[Doubles]) -> list[str]:
    return sorted(name for double in calls for name, *_ in double.calls)


def test_dag_is_weekly_and_removes_nothing_before_the_audit(dag: Any) -> None:
    from airflow.sdk import CronTriggerTimetable

    assert dag.timetable == CronTriggerTimetable("0 12 * * 6", timezone="UTC")
    assert sorted(dag.task_ids) == ["airflow_records", "audit", "disk", "retention"]
    for task in dag.tasks:
        assert task.retries == 0  # the fixture runs without pauses
        assert timedelta(0) < task.execution_timeout < dag.dagrun_timeout
        assert len(task.on_failure_callback) == 2  # the progress, and the notification
    assert dag.task_dict["retention"].upstream_task_ids == {"audit"}
    assert dag.task_dict["disk"].upstream_task_ids == set()
    assert dag.task_dict["airflow_records"].upstream_task_ids == set()


def test_week_without_damage_does_all_four(calls: list[Doubles], dag: Any) -> None:
    run = dag.test()
    assert states(run) == CLEANED | {"audit": "success", "retention": "success", "disk": "success"}
    assert names(calls) == sorted(["remove_expired", "require_clean_audit", "require_disk_space", *CLEANING])
    (days, folder), (logs,) = calls[2].settings, [call[1:] for call in calls[2].calls if call[1:]]
    assert (days, logs) == (90, (90,)) and folder.name == "logs"  # the default of WAREHOUSE_KEEP_RUNS_DAYS
    assert [name for name, *_ in calls[0].calls] == ["require_clean_audit", "remove_expired"]


def test_run_fails_on_damage_before_removing_files(calls: list[Doubles], dag: Any) -> None:
    calls[0].answers["require_clean_audit"] = Rejected("rows.parquet: its sha256 is not that of the manifest")
    run = dag.test()
    assert states(run) == CLEANED | {"audit": "failed", "retention": "upstream_failed", "disk": "success"}
    assert str(run.state) == "failed"
    assert names(calls) == sorted(["require_clean_audit", "require_disk_space", *CLEANING])


def test_full_disk_fails_the_run(calls: list[Doubles], dag: Any) -> None:
    calls[1].answers["require_disk_space"] = WarehouseError("not enough disk space: 1 bytes are free")
    run = dag.test()
    assert states(run) == CLEANED | {"audit": "success", "retention": "success", "disk": "failed"}
    assert str(run.state) == "failed"
