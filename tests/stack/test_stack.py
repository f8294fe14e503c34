"""The stack of docker-compose.yml: its commands, in its environment, as local processes on loopback.

`make test-stack` runs this; it takes minutes and needs Debian's PostgreSQL.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from airflow_api import ADMIN, api, ended, login, parsed, runs, task_states, token_of, trigger
from bench.cluster import debian_bin
from conftest import settings_of
from stack_ports import free_ports
from stack_processes import (
    AIRFLOW,
    BUILD_BOUND,
    WEBHOOK_TOKEN,
    Stack,
    current_release,
    environment,
    health,
    kill,
    land,
    query,
    run_init,
    running_stack,
    start,
    until,
    whole,
)

from warehouse.backfill import records
from warehouse.build import contents
from warehouse.config import PROJECT_ROOT, SAMPLE_DIR
from warehouse.releases.history import read_history
from warehouse.releases.manifest import read_manifest
from warehouse.releases.store import current
from warehouse.sources import SOURCES

pytestmark = pytest.mark.stack

# The smallest set for a complete release: two sources to reconcile, and a source with partners.
NIGHT = ("safe_bop", "unctad_services", "ons_services")
LATER = "unctad_goods"  # new data for the run whose scheduler is killed
STEPS = ("wait", "load", "transform", "validate", "publish", "publish_to", "push_objects")
BACKFILL = {
    "source": "worldbank_wdi",
    "from": "2022-09-01",
    "to": "2022-09-30",
    "mirror": str(SAMPLE_DIR / "night-1"),
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, webhook_port: int, shared: Path) -> Iterator[Stack]:
    home = tmp_path_factory.mktemp("stack")
    contents.parse_project(settings_of(shared))  # by conftest.py, the same file for all homes
    mirror = {"WAREHOUSE_MIRROR": str(SAMPLE_DIR / "night-2"), "WAREHOUSE_SCHEDULE": "* * * * *"}
    with running_stack(home, webhook_port, **mirror) as stack:
        shutil.copytree(shared / "parsed", stack.warehouse / "parsed")
        yield stack


@pytest.fixture(scope="module")
def token(stack: Stack) -> str:
    return token_of(stack)


@pytest.fixture(scope="module")
def released(stack: Stack, token: str) -> Path:
    """Go from the schedule of three sources to a release, through the scheduler and LocalExecutor."""
    until("every DAG is parsed", lambda: len(parsed(stack, token)) > len(SOURCES), stack)
    api(stack, token, "dags/publish", {"is_paused": False})
    land(stack, token, *NIGHT)
    (run, *_) = until("publish has ended", lambda: ended(stack, token, "publish"), stack, BUILD_BOUND)
    assert (run["run_type"], run["state"]) == ("asset_triggered", "success"), run
    # The events that came while it waited start one more run, which finds nothing to build.
    until(
        "no run of publish is active",
        lambda: len(runs(stack, token, "publish")) == len(ended(stack, token, "publish")),
        stack,
    )
    return current_release(stack)


# --- tests ---------------------------------------------------------------------------------------------


def test_metadata_is_migrated_in_postgresql(stack: Stack) -> None:
    tables = {name for (name,) in query(stack, "select tablename from pg_tables where schemaname = 'public'")}
    assert {"dag_run", "task_instance", "serialized_dag", "ab_user", "ab_role"} <= tables
    for table in ("alembic_version", "alembic_version_fab"):
        assert len(query(stack, f"select version_num from {table}")) == 1
    assert query(stack, "select username, active from ab_user") == [(ADMIN, True)]


@pytest.mark.parametrize("name", AIRFLOW)
def test_health_check_passes_for_running_service(stack: Stack, name: str) -> None:
    until(f"{name} is healthy", lambda: health(stack, name).returncode == 0, stack, 60)


def test_health_check_fails_for_unreachable_service(stack: Stack) -> None:
    (unused_port,) = free_ports(1)
    without_scheduler = Stack(
        stack.services,
        {**stack.table, "localhost:8974": f"127.0.0.1:{unused_port}"},
        stack.home,
        stack.postgres,
    )
    assert health(without_scheduler, "scheduler").returncode == 1


@pytest.mark.parametrize("password", ["", "admin", "airflow", ADMIN, "a long but wrong password"])
def test_api_rejects_wrong_password(stack: Stack, password: str) -> None:
    answer = login(stack, password)
    assert answer.status_code in (400, 401), answer.text
    assert "access_token" not in answer.text


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer e30.e30.AAAA"}])
def test_api_rejects_request_without_valid_token(stack: Stack, headers: dict[str, str]) -> None:
    for path in ("dags", "connections", "config"):
        assert requests.get(f"{stack.page}/api/v2/{path}", headers=headers, timeout=30).status_code in (
            401,
            403,
        )


def test_dag_processor_parses_every_dag_and_leaves_it_paused(stack: Stack, token: str) -> None:
    expected = {"publish", *(f"ingest_{name}" for name in SOURCES)}
    dags = until("every DAG is parsed", lambda: (p := parsed(stack, token)).keys() >= expected and p, stack)
    assert api(stack, token, "importErrors")["import_errors"] == []
    assert {dags[name]["timetable_description"] for name in expected - {"publish"}} == {"Every minute"}
    untouched = expected - {"publish", *(f"ingest_{name}" for name in (*NIGHT, LATER))}
    assert untouched and all(dags[name]["is_paused"] for name in untouched)


def test_scheduled_run_publishes_release(stack: Stack, token: str, released: Path) -> None:
    tables = whole(released)
    assert {"mart_trade_scale", "mart_reconciliation"} <= set(tables)
    vintages = {vintage.source for vintage in read_manifest(released).vintages}
    for name in NIGHT:
        assert name in vintages
    # from the metadata database: no run was manual
    run_types = query(stack, "select distinct run_type from dag_run where state = 'success'")
    assert set(run_types) == {("scheduled",), ("asset_triggered",)}
    assert "LocalExecutor" in (stack.home / "scheduler.log").read_text()


def test_burst_of_sources_makes_one_release(stack: Stack, released: Path) -> None:
    entries = read_history(stack.warehouse / "published").require()
    assert [entry.release for entry in entries if entry.action == "publish"] == [released.name]
    extra = query(
        stack,
        "select e.extra from asset_event e join asset a on a.id = e.asset_id "
        "where a.name = 'published/latest'",
    )
    assert [event["release"] for (event,) in extra] == [released.name]


def test_run_publishes_correct_release_after_scheduler_is_killed_and_restarted(
    stack: Stack, token: str, released: Path, tmp_path: Path
) -> None:
    tables_before = whole(released)
    before = {path.name for path in (stack.warehouse / "build").glob("2*")}
    land(stack, token, LATER)

    def at_work() -> list[Path]:
        logs = (stack.warehouse / "build").glob("2*/dbt/dbt.log")
        return [path for path in logs if path.parents[1].name not in before]

    until("dbt is at work", at_work, stack)
    kill(stack.running["scheduler"])
    assert current_release(stack) == released
    (run,) = [each_run for each_run in runs(stack, token, "publish") if each_run["state"] == "running"]
    assert health(stack, "scheduler").returncode == 1

    # meanwhile, an undisturbed run on a copy of the landing gives the expected tables
    for folder in ("landing", "parsed"):  # what dbt has parsed depends on the code alone
        shutil.copytree(stack.warehouse / folder, tmp_path / folder)
    start(stack, "scheduler")
    undisturbed = subprocess.run(
        [sys.executable, "-m", "warehouse", "publish"],
        cwd=PROJECT_ROOT,
        env={**os.environ, "WAREHOUSE_HOME": str(tmp_path), "WAREHOUSE_MIRROR": ""},
        capture_output=True,
        timeout=BUILD_BOUND,
    )
    assert undisturbed.returncode == 0, undisturbed.stderr[-2000:]

    path = f"dags/publish/dagRuns/{run['dag_run_id']}"
    ended_run = until(
        "the run has ended",
        lambda: (run_state := api(stack, token, path))["state"] in ("success", "failed") and run_state,
        stack,
        BUILD_BOUND,
    )
    assert ended_run["state"] == "success"
    tries = {
        t["task_id"]: t["try_number"] for t in api(stack, token, f"{path}/taskInstances")["task_instances"]
    }
    assert tuple(sorted(tries)) == tuple(sorted(STEPS))
    assert tries["transform"] == 2  # the killed task; no other task ran twice
    assert [tries[step] for step in ("load", "validate", "publish")] == [1, 1, 1]

    release = current_release(stack)
    assert release != released
    expected_release = current(tmp_path / "published")
    assert expected_release is not None
    assert whole(release) == whole(expected_release)
    assert whole(released) == tables_before  # no byte of the earlier release has changed
    assert not list((stack.warehouse / "published").glob(".partial-*"))


# --- pools, approval, notifications ---


def has_parked(stack: Stack, run: str) -> bool:
    """Tell whether the scheduler has processed the end of the process that made `approval` wait."""
    run_id = run.rsplit("/", 1)[1]
    finished = f"task_id=approval, run_id={run_id}"
    return finished in (stack.home / "scheduler.log").read_text(errors="replace")


def test_every_pool_used_by_a_task_exists(stack: Stack, token: str, released: Path) -> None:
    existing = {name for (name,) in query(stack, "select pool from slot_pool")}
    used = {
        task["pool"]
        for dag in parsed(stack, token)
        for task in api(stack, token, f"dags/{dag}/tasks")["tasks"]
    }
    assert "builds" in used and len(used) > 5
    assert used <= existing


def test_backfill_is_approved_or_rejected_by_api(stack: Stack, token: str, released: Path) -> None:
    """Two backfills of one request wait at the same time; one is rejected, then the other is approved."""
    before = current_release(stack)
    api(stack, token, "dags/backfill", {"is_paused": False})
    rejected, approved = (trigger(stack, token, "backfill", BACKFILL) for _ in range(2))
    for run in (rejected, approved):
        until(
            "the approval waits",
            lambda run=run: task_states(stack, token, run).get("approval") == "awaiting_input",
            stack,
            2 * BUILD_BOUND,
        )
        # An answer within the second in which the task begins to wait is lost: the scheduler takes the end of
        # the waiting task's process for that of the resumed one, and fails it. A person takes longer.
        until("the scheduler knows that the task waits", lambda run=run: has_parked(stack, run), stack)
    assert query(stack, "select count(*) from task_instance where state = 'running'") == [(0,)]  # no slot
    assert current_release(stack) == before

    details = f"{rejected}/taskInstances/approval/-1/hitlDetails"
    detail = api(stack, token, details)
    assert "worldbank_wdi" in detail["subject"] and detail["options"] == ["Approve", "Reject"]
    assert "warehouse backfill approve" in detail["body"] and "| table |" in detail["body"]
    answer = {"chosen_options": ["Reject"], "params_input": {"reason": "a single backfill is needed"}}
    api(stack, token, details, answer)
    done = ("success", "failed")
    until("rejected", lambda: api(stack, token, rejected)["state"] in done, stack)
    assert task_states(stack, token, rejected) | {"approve": "skipped", "discard": "success"} == task_states(
        stack, token, rejected
    )

    answer = {"chosen_options": ["Approve"], "params_input": {"reason": "as the archive has it"}}
    api(stack, token, f"{approved}/taskInstances/approval/-1/hitlDetails", answer)
    until("approved", lambda: api(stack, token, approved)["state"] in done, stack)
    assert task_states(stack, token, approved) | {"approve": "success", "discard": "skipped"} == task_states(
        stack, token, approved
    )

    events = {event.state: event for event in records.list_events(stack.warehouse / "backfill").records}
    for state, reason in (
        ("discarded", "a single backfill is needed"),
        ("approved", "as the archive has it"),
    ):
        assert reason in events[state].reason
        assert ADMIN in events[state].actor
    assert events["discarded"].id != events["approved"].id
    release = current_release(stack)
    assert release != before and whole(release)
    (entry,) = [event for event in read_manifest(release).vintages if event.source == "worldbank_wdi"]
    assert (entry.vintage, entry.backfilled) == ("2022-09-16", events["approved"].id)


def test_failed_check_notifies_webhook(stack: Stack, token: str, posts: list[str]) -> None:
    api(stack, token, "dags/checks", {"is_paused": False})
    run = trigger(stack, token, "checks", {})
    until("the checks have ended", lambda: api(stack, token, run)["state"] in ("success", "failed"), stack)
    assert task_states(stack, token, run)["sources"] == "failed"
    # Airflow calls the notifier after it has recorded the state of the task. In the first hours after 07:00
    # there is a scheduled run as well, which fails for the same reason.
    name = run.rpartition("/")[2]
    (post,) = until(
        "the webhook was called",
        lambda: [text for text in posts if "checks.sources failed" in text and name in text],
        stack,
    )
    assert "source_late: " in post and "What to run next: warehouse fetch " in post
    assert f"Log: {stack.page}/dags/checks/runs/" in post


def test_missed_deadline_notifies_webhook(stack: Stack, token: str, posts: list[str]) -> None:
    """A run of a paused DAG stays queued; its deadline is set to an earlier time."""
    api(stack, token, "dags/publish", {"is_paused": True})
    run = trigger(stack, token, "publish", {})
    assert api(stack, token, run)["state"] == "queued"
    count = "select count(*) from deadline where not missed"
    assert query(stack, count) == [(1,)]  # the deadlines of ended runs are deleted
    query(stack, "update deadline set deadline_time = now() - interval '1 minute' where not missed")
    found = until("the webhook was called", lambda: [t for t in posts if "publish is late" in t], stack)
    assert len(found) == 1 and run.rpartition("/")[2] in found[0]
    assert api(stack, token, run)["state"] == "queued"
    # The scheduler of Airflow 3.3.2 ends if the run is deleted before the callback is recorded.
    pending = "select count(*) from callback where state not in ('success', 'failed')"
    until("the callback is recorded", lambda: query(stack, pending) == [(0,)], stack)
    answer = requests.delete(
        f"{stack.page}/api/v2/{run}", headers={"Authorization": f"Bearer {token}"}, timeout=30
    )
    assert answer.status_code == 204, answer.text


def test_second_init_changes_only_the_password_given_by_the_file(stack: Stack) -> None:
    file = stack.secrets / "admin_password"
    before = file.read_text()
    counts = "select (select count(*) from ab_user), (select count(*) from dag_run)"
    counted = query(stack, counts)
    file.unlink()
    file.write_text("another password of the admin")
    run_init(stack)
    assert login(stack, before).status_code == 401
    assert login(stack, "another password of the admin").status_code == 201
    assert query(stack, counts) == counted


def test_init_does_not_migrate_under_running_services(stack: Stack) -> None:
    ((version,),) = query(stack, "select version_num from alembic_version")
    query(stack, "update alembic_version set version_num = '000000000000'")
    try:
        code = start(stack, "init").wait(timeout=180)
    finally:
        query(stack, f"update alembic_version set version_num = '{version}'")
    assert code == 1
    message = (stack.home / "init.log").read_text()[-3000:]
    assert "these are running: DagProcessorJob, SchedulerJob, TriggererJob. Stop them: docker" in message
    assert query(stack, "select version_num from alembic_version") == [(version,)]


def test_maintenance_verifies_and_cleans_the_records_of_airflow(stack: Stack, token: str) -> None:
    """A task may not open the metadata; the process that cleans them does."""
    old = stack.home / "airflow" / "logs" / "dag_id=gone" / "attempt=1.log"
    old.parent.mkdir(parents=True)
    old.touch()
    os.utime(old, (0, 0))
    query(stack, "insert into log (dttm, event, owner) values (now() - interval '91 days', 'test', 'tests')")
    api(stack, token, "dags/maintenance", {"is_paused": False})
    run = trigger(stack, token, "maintenance", {})
    ended = {"success", "failed", "upstream_failed", "up_for_retry"}
    until("maintenance has ended", lambda: set(task_states(stack, token, run).values()) <= ended, stack)
    expected = dict.fromkeys(("airflow_records", "audit", "disk", "retention"), "success")
    logs = (stack.home / "airflow" / "logs" / "dag_id=maintenance").rglob("*.log")
    assert task_states(stack, token, run) == expected, [path.read_text()[-2000:] for path in logs]
    assert not old.parent.exists()
    assert query(stack, "select count(*) from log where owner = 'tests'") == [(0,)]


def test_backup_of_running_stack_is_restored_on_another_path(stack: Stack, tmp_path: Path) -> None:
    def warehouse(home: Path, *words: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "warehouse", *words],
            env=environment(stack, "scheduler") | {"WAREHOUSE_HOME": str(home)},
            cwd=stack.table["/srv/airflow"],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    directory, other = stack.home / "backups" / "monday", tmp_path / "other"
    warehouse(stack.warehouse, "backup", str(directory))
    warehouse(other, "restore", str(directory))
    shown, restored = (json.loads(warehouse(home, "status", "--json")) for home in (stack.warehouse, other))
    changing = ("home", "free_disk_gib")
    assert {**shown, **dict.fromkeys(changing)} == {**restored, **dict.fromkeys(changing)}
    release = current(other / "published")
    assert release is not None and whole(release) == whole(current_release(stack))
    sql = "select * from marts.mart_trade_scale order by all"
    assert warehouse(other, "query", sql, "--json") == warehouse(stack.warehouse, "query", sql, "--json")
    assert "0 findings" in warehouse(other, "maintain")


def test_metadata_is_restored_from_dump(stack: Stack) -> None:
    """The procedure of OPERATIONS.md, with the database's socket instead of `docker compose exec`."""
    port = stack.table["--port=5432"].partition("=")[2]
    inside = (f"--host={stack.postgres}", f"--port={port}", "--username", "airflow")
    dump = stack.home / "metadata.dump"
    with dump.open("wb") as file:
        command = [debian_bin() / "pg_dump", *inside, "--format", "custom", "airflow"]
        subprocess.run(command, stdout=file, check=True, timeout=60)
    query(stack, "create database restored")
    restore = [debian_bin() / "pg_restore", *inside, "--dbname", "restored", "--clean", "--if-exists", dump]
    subprocess.run(restore, check=True, timeout=60, capture_output=True)
    counts = "select (select count(*) from dag_run), (select count(*) from ab_user)"
    assert query(stack, counts, "restored") == query(stack, counts)
    assert query(stack, counts, "restored")[0][0] > 0


def test_no_secret_is_in_logs_releases_or_arguments(stack: Stack) -> None:
    values = {path.name: path.read_text() for path in stack.secrets.iterdir() if path.suffix != ".json"}
    values["webhook"] = WEBHOOK_TOKEN
    assert len(values) >= 6
    files = [
        path
        for folder in (stack.home, stack.home / "airflow", stack.warehouse / "published")
        for path in [
            *folder.glob("*.log"),
            *folder.rglob("*.json"),
            *folder.rglob("logs/**/*"),
            *folder.glob("*.cfg"),
        ]
        if path.is_file() and stack.secrets not in path.parents
    ]
    assert len(files) >= 10
    for path in files:
        text = path.read_text(encoding="utf-8", errors="replace")
        assert not [name for name, value in values.items() if value in text], path
    lines = {
        part
        for process in stack.running.values()
        if process.poll() is None
        for process_tree_member in [
            psutil.Process(process.pid),
            *psutil.Process(process.pid).children(recursive=True),
        ]
        for part in process_tree_member.cmdline()
    }
    assert lines
    assert not [name for name, value in values.items() if any(value in line for line in lines)]
