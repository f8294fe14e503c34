"""The Airflow side: what each DAG declares, what a run does with the pipeline's answers, who is told.

Runs are real ones (`dag.test()`, SQLite metadata in a temporary AIRFLOW_HOME) around a pipeline double, so
that no network, dbt or disk of a warehouse is needed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

import warehouse
from warehouse.errors import Rejected, WarehouseError
from warehouse.model import Request
from warehouse.sources import SOURCES

DAGS = Path(__file__).resolve().parent.parent / "dags"
DAG_FILES = ("backfill.py", "ingest.py", "maintenance.py", "publish.py", "watch.py")
DAG_IDS = (
    *(f"ingest_{name}" for name in SOURCES),
    *("backfill", "backfill_decide", "maintenance", "publish", "watch"),
)


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
def screen() -> Any:
    import nightly

    return nightly.Screen(Console(file=StringIO(), width=200))


@pytest.fixture
def dags(screen: Any) -> dict[str, Any]:
    """Return the DAGs as `make run` loads them: parsed anew, watched, without pauses between tries."""
    import nightly

    return nightly.load_dags(screen)


@pytest.fixture(scope="module")
def parsed() -> Any:
    from airflow.dag_processing.dagbag import BundleDagBag

    return BundleDagBag(dag_folder=str(DAGS), bundle_path=DAGS, bundle_name="dags-folder")


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Stand in for `warehouse.pipeline`: record every call, answer with good news."""
    double = ModuleType("warehouse.pipeline")
    calls: list[tuple[Any, ...]] = []
    answers = {
        "fetch": "incoming",
        "accept": "2024-07-12",
        "load": "build",
        "transform": "build",
        "validate": "build",
        "publish": "release",
    }

    def answer(step: str, *args: Any) -> Any:
        calls.append((step, *args))
        told = answers[step]
        if isinstance(told, Exception):
            raise told
        return told(*args) if callable(told) else told

    for step in answers:
        setattr(double, step, partial(answer, step))
    # the callbacks' own words: test_alerts_dag.py has them for real
    double.step_ended_well = double.step_ended_badly = lambda *_: None  # type: ignore[attr-defined]
    double.untold = lambda *_: {}  # type: ignore[attr-defined]
    double.calls, double.answers = calls, answers  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "warehouse.pipeline", double)
    monkeypatch.setattr(warehouse, "pipeline", double, raising=False)
    return double


def states(run: Any) -> dict[str, str]:
    return {instance.task_id: str(instance.state) for instance in run.get_task_instances()}


def asset_events() -> list[str]:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session

    with create_session() as session:
        return [event.asset.name for event in session.query(AssetEvent).order_by(AssetEvent.id)]


# --- what the files declare -----------------------------------------------------------------------


def test_there_is_one_ingest_dag_for_each_source_and_one_of_each_other(parsed: Any) -> None:
    assert len(SOURCES) > 0
    assert parsed.import_errors == {}
    assert sorted(parsed.dags) == sorted(DAG_IDS)


def test_only_the_dag_files_are_parsed(parsed: Any) -> None:
    assert sorted(Path(file).name for file in parsed.file_last_changed) == list(DAG_FILES)


@pytest.mark.parametrize("name", SOURCES)
def test_an_ingest_dag_fetches_and_accepts_on_its_sources_schedule(parsed: Any, name: str) -> None:
    from airflow.sdk import CronTriggerTimetable

    dag = parsed.dags[f"ingest_{name}"]
    assert dag.timetable == CronTriggerTimetable(SOURCES[name].schedule, timezone="UTC")
    assert [task.task_id for task in dag.topological_sort()] == ["fetch", "accept"]
    assert dag.task_dict["fetch"].outlets == []
    asset, data_set = dag.task_dict["accept"].outlets
    assert data_set.url == asset.uri  # what lineage events call it
    assert (asset.name, asset.uri) == (name, f"warehouse://landing/{name}")
    assert name in dag.tags
    assert SOURCES[name].licence in dag.doc_md


def test_publish_runs_when_any_source_lands_something(parsed: Any) -> None:
    from airflow.sdk import AssetAny

    dag = parsed.dags["publish"]
    condition = dag.timetable.asset_condition
    assert isinstance(condition, AssetAny)
    outlets = [parsed.dags[f"ingest_{name}"].task_dict["accept"].outlets[0] for name in SOURCES]
    assert [(asset.name, asset.uri) for asset in condition.objects] == [
        (asset.name, asset.uri) for asset in outlets
    ]
    assert [task.task_id for task in dag.topological_sort()] == ["load", "transform", "validate", "publish"]
    assert dag.params["as_of"] is None


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_every_dag_has_limits_an_owner_documentation_and_alerts(parsed: Any, dag_id: str) -> None:
    import alerts

    dag = parsed.dags[dag_id]
    assert dag.max_active_runs == 1
    assert dag.catchup is False
    assert dag.dagrun_timeout == timedelta(hours=6)
    assert dag.tags
    assert dag.description
    for heading in ("What stands on failure", "What to run next"):
        assert heading in dag.doc_md
    assert [callback.func for callback in dag.on_failure_callback] == [alerts.run_timed_out]
    assert len(dag.tasks) > 0
    for task in dag.tasks:
        assert task.owner == "services-trade"
        assert task.retries == 2
        assert task.retry_delay == timedelta(minutes=5)
        assert task.retry_exponential_backoff == 2
        assert timedelta(0) < task.execution_timeout < dag.dagrun_timeout
        assert [callback.func for callback in task.on_failure_callback] == [alerts.step_failed]
        assert list(task.on_success_callback) == list(task.on_skipped_callback) == [alerts.step_succeeded]


def test_no_file_reads_an_interval_that_manual_and_asset_runs_do_not_have() -> None:
    files = sorted(DAGS.glob("*.py"))
    assert {file.name for file in files} >= set(DAG_FILES)
    for file in files:
        found = re.findall(
            r"\{\{[^}]*\}\}|\bdata_interval\w*|\blogical_date\b|\bds\b", file.read_text("utf-8")
        )
        assert found == [], f"{file.name}: {found}"


@pytest.mark.parametrize("file", DAG_FILES)
def test_a_dag_file_parses_fast_and_without_the_heavy_packages(file: str, airflow_home: Path) -> None:
    """In a process of its own, after what Airflow's dag-processor has imported anyway; CPU seconds."""
    code = f"""
import json, sys, time
from airflow.dag_processing.dagbag import BundleDagBag
import airflow.sdk
from airflow.sdk import DAG, Asset, AssetAny, CronTriggerTimetable, Param, task
begun = time.process_time()
bag = BundleDagBag(dag_folder={str(DAGS / file)!r}, bundle_path={str(DAGS)!r}, bundle_name="dags-folder")
seconds = time.process_time() - begun
print(json.dumps([len(bag.dags), seconds, sorted(sys.modules)]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=DAGS.parent)
    assert done.returncode == 0, done.stderr
    count, seconds, modules = json.loads(done.stdout.splitlines()[-1])
    assert count > 0
    assert seconds < 1
    heavy = {"duckdb", "dbt", "great_expectations", "warehouse.pipeline"}
    assert heavy.isdisjoint({module.split(".")[0] for module in modules} | set(modules))


# --- what a run does ------------------------------------------------------------------------------


def test_a_new_vintage_updates_the_sources_asset(pipeline: Any, dags: dict[str, Any]) -> None:
    name = next(iter(SOURCES))
    before = asset_events()
    run = dags[f"ingest_{name}"].test()
    assert states(run) == {"fetch": "success", "accept": "success"}
    assert pipeline.calls == [("fetch", name), ("accept", name, "incoming")]
    assert asset_events() == [*before, name]


def test_nothing_new_is_a_skip_and_updates_no_asset(pipeline: Any, dags: dict[str, Any]) -> None:
    name = next(iter(SOURCES))
    before = asset_events()
    pipeline.answers["accept"] = None
    run = dags[f"ingest_{name}"].test()
    assert states(run) == {"fetch": "success", "accept": "skipped"}
    assert str(run.state) == "success"
    assert asset_events() == before


def test_publish_hands_the_build_from_step_to_step(pipeline: Any, dags: dict[str, Any]) -> None:
    run = dags["publish"].test()
    assert set(states(run).values()) == {"success"}
    assert pipeline.calls == [
        ("load", None),
        ("transform", "build"),
        ("validate", "build"),
        ("publish", "build"),
    ]


def test_publish_takes_a_day_to_build_as_of(pipeline: Any, dags: dict[str, Any]) -> None:
    dags["publish"].test(run_conf={"as_of": "2023-01-31"})
    assert pipeline.calls[0] == ("load", "2023-01-31")


def test_without_news_publish_builds_nothing(pipeline: Any, dags: dict[str, Any]) -> None:
    pipeline.answers["load"] = None
    run = dags["publish"].test()
    assert states(run) == {
        "load": "success",
        "transform": "skipped",
        "validate": "skipped",
        "publish": "skipped",
    }
    assert pipeline.calls == [("load", None)]
    assert str(run.state) == "success"


def test_a_refused_build_is_not_published(pipeline: Any, dags: dict[str, Any]) -> None:
    pipeline.answers["validate"] = Rejected("the build did not pass")
    run = dags["publish"].test()
    assert states(run)["validate"] == "failed"
    assert states(run)["publish"] == "upstream_failed"
    assert ("publish", "build") not in pipeline.calls


def test_a_refusal_is_final_and_any_other_failure_is_retried() -> None:
    from airflow.sdk.exceptions import AirflowFailException
    from defaults import judgements_are_final

    with pytest.raises(AirflowFailException, match="a column more"), judgements_are_final():
        raise Rejected("safe_bop: rejected. a column more")
    with pytest.raises(WarehouseError, match="disk"), judgements_are_final():
        raise WarehouseError("the disk is full")


def test_a_burst_of_sources_makes_two_runs_of_publish(pipeline: Any, dags: dict[str, Any]) -> None:
    """Ask Airflow's own scheduler: one run for the first event, one more for all that came meanwhile."""
    from airflow.jobs.job import Job
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
    from airflow.models import DagRun
    from airflow.models.asset import AssetDagRunQueue
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState

    with create_session() as session:
        session.query(AssetDagRunQueue).delete()
    runner = SchedulerJobRunner(job=Job())

    def schedule() -> list[Any]:
        with create_session() as session:
            runner._create_dagruns_for_dags(session=session, guard=SimpleNamespace(commit=session.commit))
        with create_session() as session:
            return session.query(DagRun).filter_by(dag_id="publish", run_type="asset_triggered").all()

    def finish(run: Any) -> None:
        with create_session() as session:
            session.get(DagRun, run.id).set_state(DagRunState.SUCCESS)
            session.query(DagModel).filter_by(dag_id="publish").one().exceeds_max_non_backfill = False

    names = list(SOURCES)
    assert len(names) > 2
    assert schedule() == []
    dags[f"ingest_{names[0]}"].test()
    (first,) = schedule()
    for name in names[1:]:
        dags[f"ingest_{name}"].test()
    assert len(schedule()) == 1  # the first is at work
    finish(first)
    second = next(run for run in schedule() if run.id != first.id)
    assert len(schedule()) == 2
    finish(second)
    assert len(schedule()) == 2  # nothing is left over


# --- the runner of `make run` ---------------------------------------------------------------------


def first_address(name: str) -> str:
    request: Request = next(SOURCES[name].plan())
    return request.address


def record_night(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True)
    answers = [{"address": first_address(name)} for name in names]
    (folder / "index.json").write_text(json.dumps({"name": f"the {folder.name}", "answers": answers}))


def test_a_folder_of_nights_is_replayed_in_order_with_the_sources_it_holds(tmp_path: Path) -> None:
    import nightly

    names = list(SOURCES)
    record_night(tmp_path / "night-2", names)
    record_night(tmp_path / "night-1", names[-1:])
    plan = nightly.nights(str(tmp_path), dict(SOURCES))
    assert [(Path(night.mirror).name, night.sources) for night in plan] == [
        ("night-1", (names[-1],)),
        ("night-2", tuple(names)),
    ]


def test_a_mirror_an_address_and_nothing_are_one_night_each(tmp_path: Path) -> None:
    import nightly

    record_night(tmp_path / "own", list(SOURCES))
    for mirror in (str(tmp_path / "own"), "http://127.0.0.1:9/mirror", ""):
        (night,) = nightly.nights(mirror, dict(SOURCES))
        assert (night.mirror, night.sources) == (mirror, tuple(SOURCES))
    with pytest.raises(SystemExit, match="neither a mirror"):
        nightly.nights(str(tmp_path), dict(SOURCES))
    (tmp_path / "night-1").mkdir()
    (tmp_path / "night-1" / "index.json").write_text('{"name": "x", "answers": []}')
    with pytest.raises(SystemExit, match="holds an answer for none of"):
        nightly.nights(str(tmp_path), dict(SOURCES))


def test_a_source_that_fails_is_shown_and_stops_no_other(
    pipeline: Any, dags: dict[str, Any], screen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nightly

    monkeypatch.setenv("WAREHOUSE_MIRROR", "")
    failing, *others = SOURCES

    def fetch(name: str) -> str:
        if name == failing:
            raise WarehouseError(f"{name}: the wire [broke]")
        return "incoming"

    pipeline.answers["fetch"] = fetch
    nightly.run_night(nightly.Night("a night", "", tuple(SOURCES)), dags, screen)
    assert len(others) > 0
    assert [call[1] for call in pipeline.calls if call[0] == "accept"] == others
    assert pipeline.calls[-1] == ("publish", "build")
    assert screen.failures == [f"{failing}: fetch"]
    shown = screen.console.file.getvalue()
    assert f"✗ {failing}: fetch" in shown
    assert "the wire [broke]" in shown
    assert "release release" in shown


def test_a_night_without_news_says_so(
    pipeline: Any, dags: dict[str, Any], screen: Any, monkeypatch: Any
) -> None:
    import nightly

    monkeypatch.setenv("WAREHOUSE_MIRROR", "")
    pipeline.answers |= {"accept": None, "load": None}
    name = next(iter(SOURCES))
    nightly.run_night(nightly.Night("a night", "", (name,)), dags, screen)
    assert (screen.failures, screen.releases) == ([], 0)
    assert screen.console.file.getvalue().count("nothing new") == 2
