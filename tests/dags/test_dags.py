"""Declarations of every DAG, and runs of ingest and publish with doubles of the steps.

Runs are real (`dag.test()`, SQLite metadata in a temporary AIRFLOW_HOME); the doubles of the steps need no
network, dbt or warehouse.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow_local import DAGS, Doubles, states
from conftest import Warehouse
from small_homes import make_home
from small_releases import make_release

from warehouse.build import builds, dbt, steps
from warehouse.errors import NotConfigured, Rejected, WarehouseError
from warehouse.objects.latest import require_latest
from warehouse.objects.store import open_store
from warehouse.publication import publish_to as publication
from warehouse.releases.news import news_of
from warehouse.sources import SOURCES

DAG_FILES = ("backfill.py", "checks.py", "ingest.py", "maintenance.py", "publish.py")
pytest_plugins = ("buckets",)
PUBLISH_TASKS = ("wait", "load", "transform", "validate", "publish", "publish_to", "push_objects")
COPIES = {"publish_to": "skipped", "push_objects": "skipped"}
DAG_IDS = (*(f"ingest_{name}" for name in SOURCES), "backfill", "checks", "maintenance", "publish")


@pytest.fixture
def pipeline(doubles: Callable[..., Doubles], monkeypatch: pytest.MonkeyPatch) -> Doubles:
    """Replace the steps by doubles that return a new vintage and a passing build."""
    monkeypatch.setattr("warehouse.releases.news.news_of", lambda _, release: {"release": release})
    monkeypatch.setattr("warehouse.metrics.update", lambda settings: None)
    answers = {
        "fetch": "incoming",
        "accept": "2024-07-12",
        "load": "build",
        "transform": "build",
        "validate": "build",
        "publish": "release",
    }
    return doubles(steps, answers)


def asset_events() -> list[str]:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session

    with create_session() as session:
        return [event.asset.name for event in session.query(AssetEvent).order_by(AssetEvent.id)]


# --- what the files declare -----------------------------------------------------------------------


def test_every_source_has_an_ingest_dag(parsed: Any) -> None:
    assert len(SOURCES) > 0
    assert parsed.import_errors == {}
    assert sorted(parsed.dags) == sorted(DAG_IDS)


def test_task_reads_the_dag_of_its_source_alone(airflow_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow sets this variable in a worker's process: `get_parsing_context`."""
    from airflow.dag_processing.dagbag import BundleDagBag

    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "ingest_batis")
    bag = BundleDagBag(dag_folder=str(DAGS), bundle_path=DAGS, bundle_name="dags-folder")
    assert not bag.import_errors
    assert set(bag.dags) == {"ingest_batis", "backfill", "checks", "maintenance", "publish"}


def test_only_the_dag_files_are_parsed(parsed: Any) -> None:
    assert sorted(Path(file).name for file in parsed.file_last_changed) == list(DAG_FILES)


@pytest.mark.parametrize("name", SOURCES)
def test_ingest_dag_is_one_task_on_its_sources_schedule(parsed: Any, name: str) -> None:
    from airflow.sdk import CronTriggerTimetable

    dag = parsed.dags[f"ingest_{name}"]
    assert dag.timetable == CronTriggerTimetable(SOURCES[name].schedule, timezone="UTC")
    (ingest,) = dag.tasks
    assert ingest.task_id == "ingest"
    asset, data_set = ingest.outlets
    assert data_set.url == asset.uri  # what lineage events call it
    assert (asset.name, asset.uri) == (name, f"warehouse://landing/{name}")
    assert name in dag.tags
    assert SOURCES[name].licence in dag.doc_md


def test_publish_runs_when_any_source_lands_something(parsed: Any) -> None:
    from airflow.sdk import AssetAny

    dag = parsed.dags["publish"]
    condition = dag.timetable.asset_condition
    assert isinstance(condition, AssetAny)
    outlets = [parsed.dags[f"ingest_{name}"].task_dict["ingest"].outlets[0] for name in SOURCES]
    assert [(asset.name, asset.uri) for asset in condition.objects] == [
        (asset.name, asset.uri) for asset in outlets
    ]
    names = [task.task_id for task in dag.topological_sort()]
    assert names == list(PUBLISH_TASKS)
    assert dag.params["as_of"] is None


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_every_dag_has_limits_an_owner_documentation_and_notifiers(parsed: Any, dag_id: str) -> None:
    import notify

    dag = parsed.dags[dag_id]
    assert dag.max_active_runs == (4 if dag_id == "backfill" else 1)
    assert dag.catchup is False
    assert dag.tags
    assert dag.description
    for heading in ("What happens on failure", "What to run next"):
        assert heading in dag.doc_md
    assert list(dag.on_failure_callback) == [notify.on_run_failure]
    assert len(dag.tasks) > 0
    for task in dag.tasks:
        assert task.doc_md
        assert task.owner == "services-trade"
        once = task.task_id == "approval" or (dag_id == "checks" and task.task_id != "refresh")
        assert task.retries == (0 if once else 2)
        assert task.retry_delay == timedelta(minutes=5)
        assert task.retry_exponential_backoff == 2
        assert timedelta(0) < task.execution_timeout < dag.dagrun_timeout
        assert list(task.on_failure_callback) == [notify.on_task_failure]


# --- time limits --------------------------------------------------------------------------------------


def test_transform_is_given_more_time_than_dbt(parsed: Any) -> None:
    import defaults

    limit = parsed.dags["publish"].task_dict["transform"].execution_timeout
    assert limit >= dbt.TIMEOUT + timedelta(minutes=30) + defaults.LOCK_WAIT
    whole = parsed.dags["backfill"].task_dict["build"].execution_timeout
    others = [parsed.dags["publish"].task_dict[name].execution_timeout for name in ("load", "validate")]
    assert whole >= limit + sum(others, timedelta(0))


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_run_is_given_more_time_than_its_tasks_in_sequence(parsed: Any, dag_id: str) -> None:
    dag = parsed.dags[dag_id]
    limits = [task.execution_timeout for task in dag.tasks if task.task_id != "approval"]
    if dag_id == "backfill":
        limits.append(dag.task_dict["approval"].response_timeout)
    if dag_id == "publish":
        limits.append(max(limits))  # a second attempt
    assert sum(limits, timedelta(0)) < dag.dagrun_timeout


def test_wait_for_locks_is_shorter_than_the_task_timeout(parsed: Any, pipeline: Doubles, dags: Any) -> None:
    import defaults

    dags[f"ingest_{next(iter(SOURCES))}"].test()
    dags["publish"].test()
    assert {settings.lock_seconds for settings in pipeline.settings} == {defaults.LOCK_WAIT.total_seconds()}
    assert len(pipeline.settings) == 6
    most_locks = 3  # the approval of a backfill waits for them in sequence
    for dag in parsed.dags.values():
        for task in dag.tasks:
            assert most_locks * defaults.LOCK_WAIT < task.execution_timeout, task


def test_lock_of_another_process_is_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import defaults

    monkeypatch.setenv("WAREHOUSE_HOME", str(tmp_path))
    monkeypatch.setattr(defaults, "LOCK_WAIT", timedelta(seconds=20))
    code = (
        "import sys, time; from warehouse.build import builds; from warehouse.config import load_settings\n"
        "with builds.build_lock(load_settings()): print('locked', flush=True); time.sleep(1.5)"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=DAGS.parent, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"locked\n"
        with pytest.raises(WarehouseError, match="another build"), builds.build_lock(steps.Settings()):
            pass
        with builds.build_lock(defaults.task_settings()):
            assert other.wait(timeout=20) == 0


def test_no_file_reads_an_interval_that_manual_and_asset_runs_do_not_have() -> None:
    files = sorted(DAGS.glob("*.py"))
    assert {file.name for file in files} >= set(DAG_FILES)
    for file in files:
        found = re.findall(r"\bdata_interval\w*|\blogical_date\b|\bds\b", file.read_text("utf-8"))
        assert found == [], f"{file.name}: {found}"


PARSE = """
import json, os, sys, time
from airflow.dag_processing.dagbag import BundleDagBag
import airflow.sdk
from airflow.sdk import DAG, Asset, AssetAny, CronTriggerTimetable, DeadlineAlert, Param, task
import airflow.providers.standard.operators.hitl
folder, *files = sys.argv[1:]
for file in files:
    if os.fork() == 0:  # the imports above once, the modules of each file apart
        begun = time.process_time()
        bag = BundleDagBag(dag_folder=f"{folder}/{file}", bundle_path=folder, bundle_name="dags-folder")
        seconds = time.process_time() - begun
        print(json.dumps([file, len(bag.dags), seconds, sorted(sys.modules)]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def parsing() -> dict[str, list[Any]]:
    """Return of each file the number of DAGs, the CPU seconds of its parsing and the modules after it.

    Each is parsed in a separate process, after the imports of Airflow's dag-processor.
    """
    done = subprocess.run(
        [sys.executable, "-c", PARSE, str(DAGS), *DAG_FILES], capture_output=True, text=True, cwd=DAGS.parent
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    return {file: facts for file, *facts in lines}


@pytest.mark.parametrize("file", DAG_FILES)
def test_dag_file_parses_fast_and_without_the_heavy_packages(
    file: str, parsing: dict[str, list[Any]]
) -> None:
    count, seconds, modules = parsing[file]
    assert count > 0
    assert seconds < 1
    heavy = {"dbt", "great_expectations", "slack_sdk", "warehouse.build", "warehouse.landing"}
    assert heavy.isdisjoint({module.split(".")[0] for module in modules} | set(modules))


# --- what a run does ------------------------------------------------------------------------------


def test_new_vintage_updates_the_sources_asset(pipeline: Doubles, dags: dict[str, Any]) -> None:
    name = next(iter(SOURCES))
    before = asset_events()
    run = dags[f"ingest_{name}"].test()
    assert states(run) == {"ingest": "success"}
    assert pipeline.calls == [("fetch", name), ("accept", name, "incoming")]
    assert asset_events() == [*before, name]


def test_source_that_is_not_configured_is_skipped(pipeline: Doubles, dags: dict[str, Any]) -> None:
    name = next(iter(SOURCES))
    pipeline.answers["fetch"] = NotConfigured(name, "the mirror has no recording of it")
    run = dags[f"ingest_{name}"].test()
    assert states(run) == {"ingest": "skipped"} and str(run.state) == "success"
    assert pipeline.calls == [("fetch", name)]


def test_ingest_without_new_rows_is_skipped_and_updates_no_asset(
    pipeline: Doubles, dags: dict[str, Any]
) -> None:
    name = next(iter(SOURCES))
    before = asset_events()
    pipeline.answers["accept"] = None
    run = dags[f"ingest_{name}"].test()
    assert states(run) == {"ingest": "skipped"}
    assert str(run.state) == "success"
    assert asset_events() == before


def test_failed_fetch_is_retried_and_rejected_load_is_not(pipeline: Doubles, dags: dict[str, Any]) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    name = next(iter(SOURCES))
    ingest = dags[f"ingest_{name}"].task_dict["ingest"].python_callable
    pipeline.answers["accept"] = Rejected("a column is missing")
    with pytest.raises(AirflowFailException, match="a column is missing"):
        ingest(name)
    pipeline.answers["fetch"] = WarehouseError("an error page")
    with pytest.raises(WarehouseError, match="an error page"):
        ingest(name)
    assert pipeline.calls == [("fetch", name), ("accept", name, "incoming"), ("fetch", name)]


def test_publish_hands_the_build_from_step_to_step(pipeline: Doubles, dags: dict[str, Any]) -> None:
    run = dags["publish"].test()
    assert states(run) == dict.fromkeys(PUBLISH_TASKS, "success") | COPIES
    assert str(run.state) == "success"
    assert pipeline.calls == [
        ("load", None),
        ("transform", "build"),
        ("validate", "build"),
        ("publish", "build"),
    ]


class Runs:
    """What a task instance knows of other DAGs: states of runs, paused DAGs, DAGs with a task at work."""

    def __init__(self, paused: tuple[str, ...] = (), at_work: tuple[str, ...] = (), **active: str) -> None:
        self.active, self.paused, self.at_work = active, paused, at_work

    def get_dr_count(self, dag_id: str, states: list[str]) -> int:
        return int(self.active.get(dag_id.removeprefix("ingest_")) in states)

    def get_ti_count(self, dag_id: str, states: list[str]) -> int:
        assert states == ["queued", "running"]
        return int(dag_id.removeprefix("ingest_") in self.at_work)

    def get_dag(self, dag_id: str) -> SimpleNamespace:
        return SimpleNamespace(is_paused=dag_id.removeprefix("ingest_") in self.paused)


@pytest.mark.parametrize(
    ("runs", "minutes", "as_of", "expected"),
    [
        (Runs(), 0, None, (True, [])),
        (Runs(batis="success"), 0, None, (True, [])),
        (Runs(batis="running"), 119, None, (False, None)),
        (Runs(batis="queued"), 0, None, (False, None)),
        (Runs(paused=("batis",), batis="queued"), 0, None, (True, [])),
        # A run that was begun before its DAG was paused stays `running`, and no task of it starts.
        (Runs(paused=("batis",), batis="running"), 0, None, (True, [])),
        (Runs(paused=("batis",), at_work=("batis",), batis="running"), 0, None, (False, None)),
        (Runs(batis="running", safe_bop="queued"), 121, None, (True, ["batis", "safe_bop"])),
        (Runs(batis="running"), 0, "2023-01-31", (True, [])),
    ],
)
def test_publish_waits_for_active_ingest_runs_for_two_hours(
    dags: dict[str, Any], runs: Runs, minutes: int, as_of: str | None, expected: tuple[bool, Any]
) -> None:
    started = datetime.now(UTC) - timedelta(minutes=minutes)
    wait = dags["publish"].task_dict["wait"].python_callable
    answer = wait({"as_of": as_of}, ti=runs, dag_run=SimpleNamespace(start_date=started, run_after=started))
    assert (answer.is_done, answer.xcom_value) == expected


def test_wait_keeps_its_process_and_takes_no_slot_of_a_build(parsed: Any) -> None:
    import publish

    wait = parsed.dags["publish"].task_dict["wait"]
    assert (wait.mode, wait.pool) == ("poke", "default_pool")
    assert wait.poke_interval <= 5
    assert publish.LONGEST_WAIT < timedelta(seconds=wait.timeout) <= wait.execution_timeout


def test_event_of_published_release_tells_what_it_brought(
    pipeline: Doubles, dags: dict[str, Any], warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session

    monkeypatch.setattr("warehouse.releases.news.news_of", news_of)
    monkeypatch.setenv("WAREHOUSE_HOME", str(warehouse.home))
    pipeline.answers["publish"] = warehouse.release.name
    assert states(dags["publish"].test())["publish"] == "success"
    with create_session() as session:
        events = [one for one in session.query(AssetEvent) if one.asset.name == "published/latest"]
    extra = events[-1].extra
    assert extra["release"] == warehouse.release.name and extra["against"] is None
    assert "safe_bop/2024-03-29" in extra["vintages"]
    assert {"mart_trade_scale", "fct_revision"} <= set(extra["changed_tables"])
    assert extra["revisions"]["changed"] > 0


@pytest.mark.parametrize(
    ("user", "operator"), [("mei.chen", "mei.chen"), (None, "desk"), ("dag_test", "desk")]
)
def test_release_is_recorded_with_the_user_who_triggered_the_run(
    user: str | None, operator: str, pipeline: Doubles, dags: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_OPERATOR", "desk")
    (published,) = [
        one
        for one in dags["publish"].task_dict["publish"].outlets
        if getattr(one, "name", "") == "published/latest"
    ]
    publish = dags["publish"].task_dict["publish"].python_callable
    dag_run = SimpleNamespace(triggering_user_name=user)
    publish("build", outlet_events={published: SimpleNamespace()}, dag_run=dag_run)
    assert pipeline.settings[-1].operator == operator


def test_release_is_copied_to_the_database_that_is_configured(
    pipeline: Doubles, dags: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "postgresql://writer:secret@127.0.0.1:1/figures"  # no server listens on this port
    monkeypatch.setenv("WAREHOUSE_PUBLISH_TO", address)
    called = []

    def copy(settings: Any, address: str) -> Any:
        called.append(address)
        return SimpleNamespace(release="release", copied=SimpleNamespace(warnings=["no role"]))

    with monkeypatch.context() as doubled:
        doubled.setattr(publication, "publish_to", copy)
        expected = dict.fromkeys(PUBLISH_TASKS, "success") | {"push_objects": "skipped"}
        assert states(dags["publish"].test()) == expected
    assert called == [address]


def test_failed_copy_to_the_database_leaves_the_release(
    pipeline: Doubles, dags: dict[str, Any], monkeypatch: pytest.MonkeyPatch, progress: Any, tmp_path: Path
) -> None:
    make_release(tmp_path, "20240501T000000000000Z")
    monkeypatch.setenv("WAREHOUSE_HOME", str(tmp_path))
    monkeypatch.setenv("WAREHOUSE_PUBLISH_TO", "postgresql://writer:secret@127.0.0.1:1/figures")
    run = dags["publish"].test()
    assert states(run) == dict.fromkeys(PUBLISH_TASKS, "success") | COPIES | {"publish_to": "failed"}
    shown = progress.console.file.getvalue()
    assert "postgresql://writer@127.0.0.1:1/figures: no connection" in shown
    assert "secret" not in shown


def test_release_is_pushed_to_the_bucket_that_is_configured(
    pipeline: Doubles, dags: dict[str, Any], monkeypatch: pytest.MonkeyPatch, bucket: str, tmp_path: Path
) -> None:
    home = make_home(tmp_path / "home")
    monkeypatch.setenv("WAREHOUSE_HOME", str(home))
    monkeypatch.setenv("WAREHOUSE_OBJECTS", bucket)
    run = dags["publish"].test()
    assert states(run) == dict.fromkeys(PUBLISH_TASKS, "success") | {"publish_to": "skipped"}
    latest = require_latest(open_store(bucket)).pointer
    assert latest.release == (home / "published" / "latest").readlink().name


def test_failed_push_to_the_bucket_leaves_the_release(
    pipeline: Doubles, dags: dict[str, Any], monkeypatch: pytest.MonkeyPatch, bucket: str, tmp_path: Path
) -> None:
    home = make_home(tmp_path / "home")
    monkeypatch.setenv("WAREHOUSE_HOME", str(home))
    monkeypatch.setenv("WAREHOUSE_OBJECTS", "s3://no-such-bucket")
    run = dags["publish"].test()
    expected = dict.fromkeys(PUBLISH_TASKS, "success") | COPIES | {"push_objects": "failed"}
    assert states(run) == expected
    assert (home / "published" / "latest").exists()


def test_publish_takes_a_day_to_build_as_of(pipeline: Doubles, dags: dict[str, Any]) -> None:
    dags["publish"].test(run_conf={"as_of": "2023-01-31"})
    assert pipeline.calls[0] == ("load", "2023-01-31")


def test_publish_without_new_data_is_skipped(pipeline: Doubles, dags: dict[str, Any]) -> None:
    pipeline.answers["load"] = None
    run = dags["publish"].test()
    assert states(run) == {
        "wait": "success",
        "load": "success",
        "transform": "skipped",
        "validate": "skipped",
        "publish": "skipped",
        **COPIES,
    }
    assert pipeline.calls == [("load", None)]
    assert str(run.state) == "success"


def test_rejected_build_is_not_published(pipeline: Doubles, dags: dict[str, Any]) -> None:
    pipeline.answers["validate"] = Rejected("the build did not pass")
    run = dags["publish"].test()
    assert states(run)["validate"] == "failed"
    assert states(run)["publish"] == "upstream_failed"
    assert ("publish", "build") not in pipeline.calls


def test_rejection_is_final_and_any_other_failure_is_retried() -> None:
    from airflow.sdk.exceptions import AirflowFailException
    from defaults import no_retry_on_rejected

    with pytest.raises(AirflowFailException, match="a column more"), no_retry_on_rejected():
        raise Rejected("safe_bop: rejected. a column more")
    with pytest.raises(WarehouseError, match="disk"), no_retry_on_rejected():
        raise WarehouseError("the disk is full")


def test_burst_of_sources_makes_two_runs_of_publish(pipeline: Doubles, dags: dict[str, Any]) -> None:
    """Run Airflow's scheduler: a run for the first event, and a single run for all later events."""
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
            # Nothing is due by the clock: in the hours after the nightly slot the ingest DAGs are, and the
            # task publish.wait of later tests would wait for their runs.
            session.query(DagModel).update({"next_dagrun_create_after": None})
            session.commit()
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
    assert len(schedule()) == 2  # no file is left
