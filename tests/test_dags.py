"""The Airflow side: what each DAG declares, what a run does with the pipeline's answers, who is told.

Runs are real ones (`dag.test()`, SQLite metadata in a temporary AIRFLOW_HOME) around a pipeline double, so
that no network, dbt or disk of a warehouse is needed.
"""

from __future__ import annotations

import json
import logging
import os
import re
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from rich.console import Console

import warehouse
from warehouse.source import Rejected, Request, WarehouseError
from warehouse.sources import SOURCES

DAGS = Path(__file__).resolve().parent.parent / "dags"
DAG_FILES = ("ingest.py", "publish.py")
DAG_IDS = (*(f"ingest_{name}" for name in SOURCES), "publish")


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


def test_there_is_one_ingest_dag_for_each_source_and_one_publish_dag(parsed: Any) -> None:
    assert len(SOURCES) > 0
    assert parsed.import_errors == {}
    assert sorted(parsed.dags) == sorted(DAG_IDS)


def test_only_the_two_dag_files_are_parsed(parsed: Any) -> None:
    assert sorted(Path(file).name for file in parsed.file_last_changed) == list(DAG_FILES)


@pytest.mark.parametrize("name", SOURCES)
def test_an_ingest_dag_fetches_and_accepts_on_its_sources_schedule(parsed: Any, name: str) -> None:
    from airflow.sdk import CronTriggerTimetable

    dag = parsed.dags[f"ingest_{name}"]
    assert dag.timetable == CronTriggerTimetable(SOURCES[name].schedule, timezone="UTC")
    assert [task.task_id for task in dag.topological_sort()] == ["fetch", "accept"]
    assert dag.task_dict["fetch"].outlets == []
    (asset,) = dag.task_dict["accept"].outlets
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
    import defaults

    dag = parsed.dags[dag_id]
    assert dag.max_active_runs == 1
    assert dag.catchup is False
    assert dag.dagrun_timeout == timedelta(hours=6)
    assert dag.tags
    assert dag.description
    for heading in ("What stands on failure", "What to run next"):
        assert heading in dag.doc_md
    assert [callback.func for callback in dag.on_failure_callback] == [defaults.alert_timeout]
    assert len(dag.tasks) > 1
    for task in dag.tasks:
        assert task.owner == "services-trade"
        assert task.retries == 2
        assert task.retry_delay == timedelta(minutes=5)
        assert task.retry_exponential_backoff == 2
        assert timedelta(0) < task.execution_timeout < dag.dagrun_timeout
        assert [callback.func for callback in task.on_failure_callback] == [
            defaults.alert_by_email,
            defaults.alert_by_webhook,
        ]


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


# --- who is told ----------------------------------------------------------------------------------


class PostOffice(socketserver.ThreadingTCPServer):
    """A loopback SMTP double: says yes to everything and keeps what it was given."""

    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Clerk)
        self.letters: list[str] = []


class Clerk(socketserver.StreamRequestHandler):
    server: PostOffice

    def handle(self) -> None:
        self.say("220 post office")
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "DATA":
                self.say("354 go on")
                body = []
                while (row := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                    body.append(row)
                self.server.letters.append("\n".join(body))
            self.say("221 bye" if word == "QUIT" else "250 ok")
            if word == "QUIT":
                return

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def post_office() -> Iterator[PostOffice]:
    with PostOffice() as office:
        thread = threading.Thread(target=office.serve_forever, daemon=True)
        thread.start()
        yield office
        office.shutdown()
        thread.join()


def text_of(letter: str) -> str:
    """Return the subject and the decoded body of a letter."""
    from email import message_from_string
    from email.header import decode_header, make_header

    mail = message_from_string(letter)
    (part,) = [part for part in mail.walk() if part.get_content_type() == "text/html"]
    return f"{make_header(decode_header(mail['Subject']))}\n{part.get_payload(decode=True).decode()}"


def test_a_failed_task_alerts_by_mail_when_an_address_is_set(
    pipeline: Any, dags: dict[str, Any], post_office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = next(iter(SOURCES))
    connection = {
        "conn_type": "smtp",
        "host": "127.0.0.1",
        "port": post_office.server_address[1],
        "extra": {"disable_ssl": True, "disable_tls": True, "from_email": "warehouse@example.org"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
    monkeypatch.setenv("WAREHOUSE_ALERT_EMAIL", "on-call@example.org, desk@example.org")
    # a payload's own text: neither a template nor markup
    pipeline.answers["accept"] = Rejected(f"{name}: rejected. unknown code '{{{{ 7 * 7 }}}}<b>'")
    run = dags[f"ingest_{name}"].test()
    assert states(run)["accept"] == "failed"
    (letter,) = post_office.letters
    assert "on-call@example.org" in letter
    assert "desk@example.org" in letter
    text = text_of(letter)
    assert f"ingest_{name}: task accept failed" in text.splitlines()[0]
    assert "unknown code &#x27;{{ 7 * 7 }}&lt;b&gt;&#x27;" in text
    assert f"What stands: the last accepted vintage of {name}" in text
    assert f"airflow dags trigger ingest_{name}" in text


def test_a_failed_task_alerts_by_webhook_when_a_connection_is_set(
    pipeline: Any, dags: dict[str, Any], httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/hook", method="POST").respond_with_data("ok")
    connection = {"conn_type": "slackwebhook", "password": httpserver.url_for("/hook")}
    monkeypatch.setenv("AIRFLOW_CONN_CHAT", json.dumps(connection))
    monkeypatch.setenv("WAREHOUSE_ALERT_SLACK_CONN", "chat")
    pipeline.answers["transform"] = Rejected("dbt: 1 test failed: {{ 7 * 7 }}")
    run = dags["publish"].test()
    assert states(run)["transform"] == "failed"
    ((request, _),) = httpserver.log
    text = request.get_json()["text"]
    assert "publish: task transform failed" in text
    assert "{{ 7 * 7 }}" in text
    assert "What stands: the published release stands" in text


def test_an_alert_that_cannot_be_sent_silences_no_other(
    pipeline: Any, dags: dict[str, Any], httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/hook").respond_with_data("ok")
    monkeypatch.setenv("WAREHOUSE_ALERT_EMAIL", "on-call@example.org")
    monkeypatch.setenv("WAREHOUSE_ALERT_SMTP_CONN", "nobody_made_it")
    connection = {"conn_type": "slackwebhook", "password": httpserver.url_for("/hook")}
    monkeypatch.setenv("AIRFLOW_CONN_CHAT", json.dumps(connection))
    monkeypatch.setenv("WAREHOUSE_ALERT_SLACK_CONN", "chat")
    pipeline.answers["load"] = Rejected("no")
    assert states(dags["publish"].test())["load"] == "failed"
    assert len(httpserver.log) == 1


def alert_context(**more: Any) -> dict[str, Any]:
    instance = SimpleNamespace(task_id="load", log_url="http://127.0.0.1/log")
    return {
        "dag": SimpleNamespace(dag_id="publish"),
        "run_id": "manual__1",
        "task_instance": instance,
        "exception": OSError("No space left on device"),
        **more,
    }


def test_with_nothing_configured_nobody_is_told_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    import defaults

    with caplog.at_level(logging.INFO, logger="defaults"):
        defaults.alert_by_email(alert_context(), stands="all")
        defaults.alert_by_webhook(alert_context(), stands="all")
    assert "WAREHOUSE_ALERT_EMAIL is not set" in caplog.text
    assert "WAREHOUSE_ALERT_SLACK_CONN is not set" in caplog.text


def test_the_dags_own_callback_tells_only_of_a_timeout(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import defaults

    httpserver.expect_request("/hook").respond_with_data("ok")
    connection = {"conn_type": "slackwebhook", "password": httpserver.url_for("/hook")}
    monkeypatch.setenv("AIRFLOW_CONN_CHAT", json.dumps(connection))
    monkeypatch.setenv("WAREHOUSE_ALERT_SLACK_CONN", "chat")
    defaults.alert_timeout(alert_context(reason="task_failure"), stands="all")
    assert httpserver.log == []
    defaults.alert_timeout(alert_context(reason="timed_out"), stands="all")
    ((request, _),) = httpserver.log
    assert "the run was stopped after 6:00:00" in request.get_json()["text"]


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
