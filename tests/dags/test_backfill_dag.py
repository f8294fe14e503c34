"""The DAG of a managed backfill: typed parameters, a person's answer, and who is on record for it.

A person's answer is written to Airflow's metadata as the REST API does it; tests/stack answers by the API.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow_local import Doubles, states

from warehouse.backfill import decide, records, stage
from warehouse.backfill.records import Baseline, Pull, Report
from warehouse.config import PROJECT_ROOT, Settings, load_settings
from warehouse.errors import Rejected
from warehouse.releases.diff import TableDiff
from warehouse.sources import SOURCES

RESPONSE_SECONDS = 300  # until the run waits for its answer; a run takes seconds
SETTLED_SECONDS = 2  # after an answer, until it is known not to be lost
REQUEST = {"source": "safe_bop", "from": "2024-01-01", "to": "2024-03-31"}
TASKS = ("begin", "build", "compare", "approval", "approved", "approve", "discard")
TABLE = TableDiff(
    table="marts.mart_trade_scale",
    key=("source",),
    rows_before=10,
    rows_after=12,
    rows_added=2,
    rows_gone=0,
    rows_changed=1234,
    cells={},
    columns_added=(),
    columns_gone=(),
    moves=(),
)
REPORT = Report(
    pulls=(
        Pull(
            subject="recordings",
            retrieved_at=datetime(2024, 3, 1, tzinfo=UTC),
            outcome="accepted",
            vintage="2024-03-01",
            detail="the newest vintage",
        ),
    ),
    build="20260601T000000000000Z",
    before="20260501T000000000000Z",
    after="20260601T000000000000Z",
    as_of=date(2026, 6, 1),
    tables=(TABLE,),
    tables_equal=("core.dim_service",),
)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("WAREHOUSE_HOME", str(tmp_path))
    return load_settings()


@pytest.fixture
def backfill(settings: Settings) -> str:
    """Record a backfill that waits for a decision; return its id."""
    baseline = Baseline(vintages={}, release="20260501T000000000000Z", code="")
    days = (date(2024, 1, 1), date(2024, 3, 31))
    request = records.create(settings, "safe_bop", "fetch", days, ("recordings",), baseline)
    records.log_event(settings, request.id, "waiting", "1 tables would change")
    return request.id


@pytest.fixture
def staged(backfill: str, doubles: Callable[..., Doubles]) -> Doubles:
    answers = {"begin": backfill, "is_empty": False, "build": backfill, "compare": REPORT}
    return doubles(stage, answers)


@pytest.fixture
def decided(doubles: Callable[..., Doubles]) -> Doubles:
    return doubles(decide, {"approve": "release", "discard": None})


def respond(option: str, reason: str | None) -> None:
    """Answer the approval that waits, as `PATCH …/hitlDetails` of Airflow's API does.

    The task's process lets it wait, and then `DAG.test` again: an answer between the two is lost, and is
    given again. Fails the tasks that wait when it cannot answer: without one `DAG.test` never ends.
    """
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy.exc import OperationalError

    until, answered_at = time.monotonic() + RESPONSE_SECONDS, None
    try:
        while answered_at is None or time.monotonic() < answered_at + SETTLED_SECONDS:
            with suppress(OperationalError):  # while the run holds the lock of SQLite
                answered_at = time.monotonic() if answer(option, reason) else answered_at
            if answered_at is None and time.monotonic() > until:
                break
            time.sleep(0.1)
    finally:
        if answered_at is None:
            with create_session() as session:
                for task in session.query(TaskInstance).filter(TaskInstance.state == "awaiting_input"):
                    task.state = "failed"


def answer(option: str, reason: str | None) -> bool:
    """Answer the approval that waits now; return whether there was one."""
    from airflow.models.hitl import HITLDetail
    from airflow.models.trigger import handle_event_submit
    from airflow.triggers.base import TriggerEvent
    from airflow.utils.session import create_session

    with create_session() as session:
        for detail in session.query(HITLDetail):
            if str(detail.task_instance.state) == "awaiting_input":
                detail.responded_by = {"id": "7", "name": "mei.chen"}
                detail.responded_at = datetime.now(UTC)
                detail.chosen_options = [option]
                detail.params_input = {} if reason is None else {"reason": reason}
                handle_event_submit(
                    TriggerEvent(detail.as_resume_event_payload()),
                    task_instance=detail.task_instance,
                    session=session,
                )
                return True
    return False


@pytest.fixture
def answering() -> Iterator[Callable[[str, str | None], None]]:
    threads: list[threading.Thread] = []

    def start(option: str, reason: str | None = "checked with the desk") -> None:
        threads.append(threading.Thread(target=respond, args=(option, reason), daemon=True))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join(timeout=60)


def hitl_details() -> list[Any]:
    from airflow.models.hitl import HITLDetail
    from airflow.utils.session import create_session

    with create_session() as session:
        return [
            (detail.subject, detail.body)
            for detail in session.query(HITLDetail).order_by(HITLDetail.created_at)
        ]


def test_backfill_dag_has_no_schedule_and_waits_for_a_person(parsed: Any) -> None:
    import defaults

    dag = parsed.dags["backfill"]
    assert type(dag.timetable).__name__ == "NullTimetable"
    assert [task.task_id for task in dag.topological_sort()] == list(TASKS)
    assert all(task.outlets == [] for task in dag.tasks)
    approval = dag.task_dict["approval"]
    assert "ApprovalOperator" in [kind.__name__ for kind in type(approval).__mro__]
    assert approval.defaults is None  # no decision without an answer
    assert defaults.TASK_TIMEOUT < approval.response_timeout < dag.dagrun_timeout
    assert {task.task_id for task in dag.leaves} == {
        "approve",
        "discard",
    }


def test_backfill_is_approved_in_the_name_of_the_person(
    backfill: str, staged: Doubles, decided: Doubles, dags: dict[str, Any], answering: Any
) -> None:
    answering("Approve")
    run = dags["backfill"].test(run_conf=REQUEST | {"mirror": "recordings"})
    assert states(run) == dict.fromkeys(TASKS, "success") | {"discard": "skipped"}
    assert staged.calls == [
        ("begin", "safe_bop", "2024-01-01", "2024-03-31", ("recordings",), False),
        ("is_empty", backfill),
        ("build", backfill),
        ("compare", backfill),
    ]
    assert decided.calls == [("approve", backfill, "checked with the desk")]
    assert decided.settings[0].operator == "mei.chen"
    subject, body = hitl_details()[-1]
    assert subject == "Approve the backfill of safe_bop, 2024-01-01 to 2024-03-31?"
    assert "| marts.mart_trade_scale | 2 | 0 | 1,234 |" in body
    assert "recordings: accepted" in body and "1 table is equal." in body
    for command in ("approve", "discard"):
        assert f'warehouse backfill {command} {backfill} --why "' in body


def test_rejected_backfill_is_discarded_in_the_name_of_the_person(
    backfill: str, staged: Doubles, decided: Doubles, dags: dict[str, Any], answering: Any
) -> None:
    answering("Reject", "wrong mirror")
    run = dags["backfill"].test(run_conf=REQUEST)
    assert states(run) == dict.fromkeys(TASKS, "success") | {"approved": "skipped", "approve": "skipped"}
    assert str(run.state) == "success"
    assert decided.calls == [("discard", backfill, "wrong mirror")]
    assert decided.settings[0].operator == "mei.chen"


@pytest.mark.parametrize(("option", "task"), [("Approve", "approve"), ("Reject", "discard")])
def test_decision_on_the_command_line_is_kept_and_ends_the_run(
    settings: Settings,
    backfill: str,
    staged: Doubles,
    decided: Doubles,
    dags: dict[str, Any],
    answering: Any,
    option: str,
    task: str,
) -> None:
    def compare(*_: Any) -> Report:
        records.log_event(settings, backfill, "discarded", "by the command line")
        return REPORT

    staged.answers["compare"] = compare
    answering(option)
    run = dags["backfill"].test(run_conf=REQUEST)
    assert states(run)[task] == "skipped"
    assert str(run.state) == "success"
    assert decided.calls == []


def test_answer_without_reason_is_rejected(
    staged: Doubles, decided: Doubles, dags: dict[str, Any], answering: Any, progress: Any
) -> None:
    answering("Approve", None)
    run = dags["backfill"].test(run_conf=REQUEST)
    assert states(run)["approval"] == "failed" and str(run.state) == "failed"
    assert decided.calls == []
    assert "The answer has no reason" in progress.console.file.getvalue()


def test_without_a_mirror_the_publisher_or_the_landing_is_read(
    staged: Doubles, decided: Doubles, dags: dict[str, Any]
) -> None:
    staged.answers["is_empty"] = True
    dags["backfill"].test(run_conf=REQUEST | {"mirror": "", "reread": True})
    assert staged.calls[0] == ("begin", "safe_bop", "2024-01-01", "2024-03-31", (None,), True)


def test_nothing_new_skips_the_remaining_tasks_and_the_approval(
    staged: Doubles, decided: Doubles, dags: dict[str, Any]
) -> None:
    staged.answers["is_empty"] = True
    before = hitl_details()
    run = dags["backfill"].test(run_conf=REQUEST)
    assert states(run) == dict.fromkeys(TASKS, "skipped") | {"begin": "success"}
    assert [name for name, *_ in staged.calls] == ["begin", "is_empty"]
    assert decided.calls == [] and hitl_details() == before


def test_rejected_build_cannot_be_approved(staged: Doubles, decided: Doubles, dags: dict[str, Any]) -> None:
    staged.answers["build"] = Rejected("the release gate")
    before = hitl_details()
    run = dags["backfill"].test(run_conf=REQUEST)
    assert states(run) == dict.fromkeys(TASKS, "upstream_failed") | {
        "begin": "success",
        "build": "failed",
        "discard": "skipped",
    }
    assert str(run.state) == "failed"
    assert decided.calls == [] and hitl_details() == before


@pytest.mark.parametrize(
    "conf",
    [
        REQUEST | {"source": "unknown"},
        REQUEST | {"from": "last spring"},
        REQUEST | {"reread": "perhaps"},
        {"source": "safe_bop"},
    ],
)
def test_invalid_parameter_starts_no_run(staged: Doubles, dags: dict[str, Any], conf: dict[str, Any]) -> None:
    from airflow.sdk.exceptions import AirflowException, ParamValidationError

    with pytest.raises((ParamValidationError, AirflowException, ValueError)):
        dags["backfill"].test(run_conf=conf)
    assert staged.calls == []


def stored_confs() -> str:
    """Return what Airflow keeps of the parameters of all runs."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    with create_session() as session:
        return repr([run.conf for run in session.query(DagRun)])


@pytest.mark.parametrize("mirror", ["https://ada:hush@mirror.example/a", "http://hush@mirror.example"])
def test_mirror_with_a_password_starts_no_run(
    staged: Doubles, decided: Doubles, dags: dict[str, Any], mirror: str
) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    before = stored_confs()  # of other tests
    with pytest.raises(ParamValidationError) as refused:
        dags["backfill"].test(run_conf=REQUEST | {"mirror": mirror})
    message = re.sub(r"'\s+'", "", str(refused.value))  # jsonschema wraps its lines
    assert "put the address into WAREHOUSE_MIRROR and run: warehouse backfill start" in message
    assert staged.calls == [] and stored_confs() == before


def test_mirror_with_a_secret_parameter_is_refused_with_what_to_do(
    staged: Doubles, decided: Doubles, dags: dict[str, Any], progress: Any
) -> None:
    staged.answers["is_empty"] = True
    run = dags["backfill"].test(run_conf=REQUEST | {"mirror": "https://mirror.example/a?token=hush"})
    assert states(run)["begin"] == "failed" and staged.calls == []
    shown = progress.console.file.getvalue()
    assert "https://mirror.example/a?token=***: has a password, and Airflow keeps" in shown
    assert "put the address into WAREHOUSE_MIRROR and run: warehouse backfill start" in shown
    assert "hush" not in shown


@pytest.mark.parametrize("mirror", ["/srv/mirrors/a@b", "https://mirror.example/a@b?page=2", "", None])
def test_mirror_without_a_password_is_taken(
    staged: Doubles, decided: Doubles, dags: dict[str, Any], mirror: str | None
) -> None:
    staged.answers["is_empty"] = True
    dags["backfill"].test(run_conf=REQUEST | {"mirror": mirror})
    assert staged.calls[0][4] == (mirror or None,)


def test_audit_log_of_airflow_masks_the_mirror() -> None:
    compose = yaml.safe_load((PROJECT_ROOT / "docker-compose.yml").read_text())
    found = {
        str(service["environment"].get("AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES"))
        for service in compose["services"].values()
        if "AIRFLOW__CORE__DAGS_FOLDER" in (service.get("environment") or {})
    }
    assert found == {"mirror"}
    assert os.environ["AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES"] == "mirror"  # as of `make run` and `make ui`


def test_form_offers_every_source(dags: dict[str, Any]) -> None:
    param = dags["backfill"].params.get_param("source")
    assert list(SOURCES) == param.schema["enum"]
    for day in ("from", "to"):
        assert dags["backfill"].params.get_param(day).schema["format"] == "date"
