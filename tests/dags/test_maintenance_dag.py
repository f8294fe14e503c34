"""The weekly DAG: what it declares, and that a finding stops the removal and not the telling of the disk."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console

import warehouse
from warehouse.errors import Rejected, WarehouseError

DAGS = Path(__file__).resolve().parent.parent / "dags"


@pytest.fixture(scope="module", autouse=True)
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give Airflow a metadata database of this module's own, and the environment back at the end."""
    home = tmp_path_factory.mktemp("airflow")
    before, path_before = dict(os.environ), list(sys.path)
    sys.path.append(str(DAGS))
    import nightly

    nightly.use_local_airflow(home)
    nightly.migrate(home)
    yield
    os.environ.clear()
    os.environ.update(before)
    sys.path[:] = path_before


@pytest.fixture
def dag() -> Any:
    import nightly

    return nightly.load_dags(nightly.Screen(Console(file=StringIO(), width=200)))["maintenance"]


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Stand in for `warehouse.pipeline`: record every call, answer with what a test says."""
    double = ModuleType("warehouse.pipeline")
    calls: list[str] = []
    answers: dict[str, Any] = {
        "audit": {"findings": []},
        "retain": {"removed": {}},
        "disk": {"free_bytes": 1},
    }

    def answer(step: str) -> Any:
        calls.append(step)
        if isinstance(answers[step], Exception):
            raise answers[step]
        return answers[step]

    for step in answers:
        setattr(double, step, partial(answer, step))
    double.calls, double.answers = calls, answers  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "warehouse.pipeline", double)
    monkeypatch.setattr(warehouse, "pipeline", double, raising=False)
    return double


def states(run: Any) -> dict[str, str]:
    return {instance.task_id: str(instance.state) for instance in run.get_task_instances()}


def test_the_dag_is_weekly_documented_limited_and_alerts(dag: Any) -> None:
    from airflow.sdk import CronTriggerTimetable

    assert dag.timetable == CronTriggerTimetable("0 12 * * 6", timezone="UTC")
    assert dag.max_active_runs == 1 and dag.catchup is False
    for heading in ("What stands on failure", "What to run next"):
        assert heading in dag.doc_md
    assert sorted(dag.task_ids) == ["audit", "disk", "retention"]
    for task in dag.tasks:
        assert task.owner == "services-trade" and task.retries == 0  # the fixture runs without pauses
        assert timedelta(0) < task.execution_timeout < dag.dagrun_timeout
        assert len(task.on_failure_callback) >= 2  # the screen's, and the house's
    assert dag.task_dict["retention"].upstream_task_ids == {"audit"}
    assert dag.task_dict["disk"].upstream_task_ids == set()


def test_a_week_in_order_does_all_three(pipeline: Any, dag: Any) -> None:
    run = dag.test()
    assert states(run) == {"audit": "success", "retention": "success", "disk": "success"}
    assert sorted(pipeline.calls) == ["audit", "disk", "retain"]
    assert pipeline.calls.index("audit") < pipeline.calls.index("retain")


def test_a_finding_fails_the_run_and_nothing_is_removed(pipeline: Any, dag: Any) -> None:
    pipeline.answers["audit"] = Rejected("rows.parquet: sha256 is not what is written down")
    run = dag.test()
    assert states(run) == {"audit": "failed", "retention": "upstream_failed", "disk": "success"}
    assert str(run.state) == "failed"
    assert sorted(pipeline.calls) == ["audit", "disk"]


def test_too_little_disk_fails_the_run(pipeline: Any, dag: Any) -> None:
    pipeline.answers["disk"] = WarehouseError("too little disk: 1 bytes are free")
    run = dag.test()
    assert states(run) == {"audit": "success", "retention": "success", "disk": "failed"}
    assert str(run.state) == "failed"
