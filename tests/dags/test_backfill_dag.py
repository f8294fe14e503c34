"""The two DAGs of a managed backfill: typed parameters, thin tasks, nothing scheduled."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console

import warehouse
from warehouse.errors import Rejected
from warehouse.sources import SOURCES

DAGS = Path(__file__).resolve().parent.parent / "dags"
ASKED = {"source": "safe_bop", "from": "2024-01-01", "to": "2024-03-31"}
DECIDED = {"backfill": "20240401T000000-safe_bop", "decision": "approve", "why": "seen by the desk"}


@pytest.fixture(scope="module", autouse=True)
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give Airflow a metadata database of this module's own, and the environment back at the end."""
    home = tmp_path_factory.mktemp("airflow")
    before, path_before = dict(os.environ), list(sys.path)
    sys.path.append(str(DAGS))
    import nightly

    nightly.use_local_airflow(home)
    nightly.migrate(home)
    yield home
    os.environ.clear()
    os.environ.update(before)
    sys.path[:] = path_before


@pytest.fixture
def dags() -> dict[str, Any]:
    """Return the DAGs as `make run` loads them: parsed anew, without pauses between tries."""
    import nightly

    return nightly.load_dags(nightly.Screen(Console(file=StringIO(), width=200)))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Stand in for `warehouse.pipeline`: record every call, and answer from `answers`."""
    double = ModuleType("warehouse.pipeline")
    found: list[tuple[Any, ...]] = []
    answers = {
        "backfill_begin": "made",
        "backfill_build": "made",
        "backfill_compare": {"id": "made", "state": "waiting"},
        "approve_backfill": "release",
        "discard_backfill": None,
    }

    def answering(name: str) -> Any:
        def answer(*args: Any) -> Any:
            found.append((name, *args))
            told = double.answers[name]  # type: ignore[attr-defined]
            if isinstance(told, Exception):
                raise told
            return told

        return answer

    for name in answers:
        setattr(double, name, answering(name))
    double.answers = answers  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "warehouse.pipeline", double)
    monkeypatch.setattr(warehouse, "pipeline", double, raising=False)
    return found


def states(run: Any) -> dict[str, str]:
    return {instance.task_id: str(instance.state) for instance in run.get_task_instances()}


def test_nothing_schedules_a_backfill_and_both_dags_say_what_stands(dags: dict[str, Any]) -> None:
    for dag_id, tasks in (("backfill", ["begin", "build", "compare"]), ("backfill_decide", ["decide"])):
        dag = dags[dag_id]
        assert type(dag.timetable).__name__ == "NullTimetable"
        assert [task.task_id for task in dag.topological_sort()] == tasks
        assert dag.max_active_runs == 1 and dag.dagrun_timeout == timedelta(hours=6)
        assert all(task.owner == "services-trade" and task.on_failure_callback for task in dag.tasks)
        assert all(task.outlets == [] for task in dag.tasks)
        for heading in ("What stands on failure", "What to run next"):
            assert heading in dag.doc_md


def test_a_backfill_goes_from_step_to_step_and_waits(
    calls: list[tuple[Any, ...]], dags: dict[str, Any]
) -> None:
    run = dags["backfill"].test(run_conf=ASKED | {"mirror": "recordings"})
    assert set(states(run).values()) == {"success"}
    assert calls == [
        ("backfill_begin", "safe_bop", "2024-01-01", "2024-03-31", ("recordings",), False),
        ("backfill_build", "made"),
        ("backfill_compare", "made"),
    ]


def test_without_a_mirror_the_publisher_or_the_landing_is_read(
    calls: list[tuple[Any, ...]], dags: dict[str, Any]
) -> None:
    dags["backfill"].test(run_conf=ASKED | {"mirror": "", "reread": True})
    assert calls[0] == ("backfill_begin", "safe_bop", "2024-01-01", "2024-03-31", (None,), True)


def test_nothing_new_skips_the_build(calls: list[tuple[Any, ...]], dags: dict[str, Any]) -> None:
    sys.modules["warehouse.pipeline"].answers["backfill_begin"] = None  # type: ignore[attr-defined]
    run = dags["backfill"].test(run_conf=ASKED)
    assert states(run) == {"begin": "success", "build": "skipped", "compare": "skipped"}
    assert len(calls) == 1


def test_a_refusal_is_final_and_leaves_nothing_to_approve(
    calls: list[tuple[Any, ...]], dags: dict[str, Any]
) -> None:
    sys.modules["warehouse.pipeline"].answers["backfill_build"] = Rejected("the gate")  # type: ignore[attr-defined]
    run = dags["backfill"].test(run_conf=ASKED)
    assert states(run) == {"begin": "success", "build": "failed", "compare": "upstream_failed"}
    assert [name for name, *_ in calls] == ["backfill_begin", "backfill_build"]


@pytest.mark.parametrize(
    ("dag_id", "conf"),
    [
        ("backfill", ASKED | {"source": "nobody"}),
        ("backfill", ASKED | {"from": "last spring"}),
        ("backfill", ASKED | {"reread": "perhaps"}),
        ("backfill", {"source": "safe_bop"}),
        ("backfill_decide", DECIDED | {"decision": "postpone"}),
        ("backfill_decide", DECIDED | {"why": ""}),
        ("backfill_decide", {"decision": "approve", "why": "no id"}),
    ],
)
def test_a_parameter_that_is_none_starts_nothing(
    calls: list[tuple[Any, ...]], dags: dict[str, Any], dag_id: str, conf: dict[str, Any]
) -> None:
    from airflow.sdk.exceptions import AirflowException, ParamValidationError

    with pytest.raises((ParamValidationError, AirflowException, ValueError)):
        dags[dag_id].test(run_conf=conf)
    assert calls == []


def test_a_decision_is_passed_on_with_its_reason(calls: list[tuple[Any, ...]], dags: dict[str, Any]) -> None:
    assert states(dags["backfill_decide"].test(run_conf=DECIDED)) == {"decide": "success"}
    assert states(dags["backfill_decide"].test(run_conf=DECIDED | {"decision": "discard"})) == {
        "decide": "success"
    }
    assert calls == [
        ("approve_backfill", DECIDED["backfill"], "seen by the desk"),
        ("discard_backfill", DECIDED["backfill"], "seen by the desk"),
    ]


def test_the_form_offers_every_source(dags: dict[str, Any]) -> None:
    param = dags["backfill"].params.get_param("source")
    assert list(SOURCES) == param.schema["enum"]
    for day in ("from", "to"):
        assert dags["backfill"].params.get_param(day).schema["format"] == "date"
