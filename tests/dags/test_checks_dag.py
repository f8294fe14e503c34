"""The daily checks: each fails with the alerts of its kinds, and a failed check is the alert."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow_local import states
from alert_cases import NIGHT, RELEASE, SOURCE, release_with_a_big_revision, silent_mirror, spoiled_mirror
from conftest import ingest, settings_of
from small_releases import make_release, vintage_entry

from warehouse import alerts
from warehouse.errors import Rejected, WarehouseError

NOW = datetime(2026, 6, 2, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Land a source."""
    home = tmp_path_factory.mktemp("landed")
    assert ingest(settings_of(home, NIGHT), SOURCE)
    return home


@pytest.fixture
def home(landed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy the landed source to a separate warehouse for the test."""
    copy = tmp_path / "warehouse"
    shutil.copytree(landed, copy)
    monkeypatch.setenv("WAREHOUSE_HOME", str(copy))
    return copy


@pytest.fixture(autouse=True)
def on_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make no source late, so that each test has a single problem."""
    monkeypatch.setattr("warehouse.landing.freshness.last_overdue", lambda *_: None)
    yield


def failed_check(name: str, now: datetime = NOW) -> str:
    """Return the message with which a check fails."""
    import checks
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException) as failure:
        checks.check(name, now)
    return str(failure.value)


def passing_checks(now: datetime = NOW) -> set[str]:
    """Return the checks that pass."""
    import checks
    from airflow.sdk.exceptions import AirflowFailException

    passed = set()
    for name in checks.CHECKS:
        try:
            checks.check(name, now)
        except AirflowFailException:
            continue
        passed.add(name)
    return passed


def test_every_kind_of_alert_is_in_exactly_one_check() -> None:
    import checks

    assert sorted(kind for kinds in checks.CHECKS.values() for kind in kinds) == sorted(alerts.KINDS)


def test_checks_run_every_morning_and_wait_for_no_other(parsed: Any) -> None:
    import checks
    from airflow.sdk import CronTriggerTimetable

    dag = parsed.dags["checks"]
    assert dag.timetable == CronTriggerTimetable("0 7 * * *", timezone="UTC")
    assert set(dag.task_dict) == {*checks.CHECKS, "refresh"}
    for name in checks.CHECKS:
        task = dag.task_dict[name]
        assert task.retries == 0  # a problem is reported at once, and does not go away in five minutes
        assert task.upstream_task_ids == set()
    # A refreshed release has no new revisions: they are checked before the refresh, and do not stop it.
    assert dag.task_dict["refresh"].upstream_task_ids == {"revisions"}
    assert dag.task_dict["refresh"].trigger_rule == "all_done"


def test_every_check_passes_in_healthy_warehouse(home: Path) -> None:
    import checks

    assert passing_checks() == set(checks.CHECKS)


def test_run_fails_the_checks_that_find_something_and_notifies_of_each(
    home: Path, dags: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import notify

    sent: list[dict[str, str]] = []
    monkeypatch.setattr(notify, "send", sent.append)
    monkeypatch.setenv("WAREHOUSE_DISK_FACTOR", "1e12")
    free = SimpleNamespace(total=10**12, used=0, free=10**9)  # the reason states it, and other tests write
    monkeypatch.setattr("shutil.disk_usage", lambda path: free)
    with pytest.raises(WarehouseError):
        ingest(settings_of(home, silent_mirror(home.parent / "silent")), SOURCE)
    run = dags["checks"].test()
    assert states(run)["refresh"] == "success"
    failed = {"sources", "disk"}
    assert {task: state for task, state in states(run).items() if state != "success"} == dict.fromkeys(
        failed, "failed"
    )
    assert {message["task_id"]: message["reason"] for message in sent} == {
        name: failed_check(name) for name in failed
    }


def test_failed_fetch_is_reported_until_a_fetch_succeeds(home: Path) -> None:
    with pytest.raises(WarehouseError):
        ingest(settings_of(home, silent_mirror(home.parent / "silent")), SOURCE)
    message = failed_check("sources")
    assert f"fetch_failed: {SOURCE}" in message
    assert f"What to run next: warehouse fetch {SOURCE}" in message
    assert f"In force: no release yet; vintages: {SOURCE} 2026-03-19" in message
    ingest(settings_of(home, NIGHT), SOURCE)
    assert "sources" in passing_checks()


def test_rejected_load_is_reported_with_command_to_show_it(home: Path) -> None:
    with pytest.raises(Rejected):
        ingest(settings_of(home, spoiled_mirror(home.parent / "spoiled")), SOURCE)
    message = failed_check("sources")
    assert f"load_rejected: {SOURCE}" in message and "Q{<" in message
    assert "What to run next: warehouse rejected show " in message


def test_late_source_is_reported(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("WAREHOUSE_HOME", str(home))
    message = failed_check("sources")
    assert "source_late: safe_bop" in message and "a release was expected on" in message
    assert "What to run next: warehouse fetch safe_bop" in message
    assert f"source_late: {SOURCE}" not in message


def test_big_revision_is_reported_on_the_day_of_its_release_only(home: Path) -> None:
    release_with_a_big_revision(home, published_at=NOW - timedelta(hours=3))
    message = failed_check("revisions")
    assert f"big_revision: {SOURCE}" in message
    assert "+80.0 %" in message and "threshold 20.0 %" in message
    assert f"In force: release {RELEASE}" in message and "What to run next: warehouse query " in message
    assert "revisions" in passing_checks(NOW + timedelta(days=1))
    # the check of each day covers the 24 hours before it: no release is between two of them
    edge = NOW + timedelta(hours=21)
    assert "revisions" in passing_checks(edge)
    assert "big_revision" in failed_check("revisions", edge - timedelta(microseconds=1))


def test_failed_build_is_reported(home: Path) -> None:
    build = home / "build" / RELEASE
    build.mkdir(parents=True)
    (build / "validation.json").write_text('{"success": false, "error": "model.mart_x: no column y"}')
    message = failed_check("builds")
    assert f"build_failed: {RELEASE}" in message and "model.mart_x: no column y" in message


def test_unreadable_record_is_reported_and_does_not_hide_others(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "landing" / SOURCE / "2026-03-19" / "manifest.json").write_text("{")
    monkeypatch.setenv("WAREHOUSE_DISK_FACTOR", "1e12")
    assert "unreadable" in failed_check("records")
    assert "disk_low" in failed_check("disk")


def test_big_revision_is_reported_when_another_release_follows(home: Path) -> None:
    sources = [vintage_entry("safe_bop", day) for day in ("2024-03-29", "2024-06-28")]
    revision = (
        "insert into marts.mart_revision_alert values ('safe_bop', '2024-06-28', '2024-03-29', "
        "'CHN exports', '2021', 100, 180, 80, 20)"
    )
    now = datetime.now(UTC)
    make_release(home, "old", vintages=sources[:1], age_days=9)
    make_release(home, "revised", vintages=sources, sql=revision, age_days=0.25)
    make_release(home, "later", vintages=[*sources, vintage_entry("other", "2024-07-01")], sql=revision)
    message = failed_check("revisions", now + timedelta(hours=1))
    assert message.count("big_revision: safe_bop") == 1 and "+80.0 %" in message
    assert "In force: release later" in message
    assert "revisions" in passing_checks(now + timedelta(hours=19)), "it is reported on one day"
    assert "revisions" in passing_checks(now - timedelta(hours=7)), "not yet published"
