"""A dbt model or test that fails is named by the task: in its exception, its log and its notification."""

from __future__ import annotations

import logging
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from airflow_local import states

from warehouse.build import builds, steps
from warehouse.config import DBT_PROJECT_DIR
from warehouse.files import write_record
from warehouse.releases.manifest import BuildRecord

BUILD = "20260601T000000000000Z"
PROJECT = """
name: broken
profile: services_trade
config-version: 2
"""
TESTED = """
models:
  - name: mart_tested
    columns:
      - name: figure
        data_tests: [not_null]
"""


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a loaded build, and a dbt project with a broken model and a test that fails."""
    monkeypatch.setenv("WAREHOUSE_HOME", str(tmp_path / "home"))
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    shutil.copy(DBT_PROJECT_DIR / "profiles.yml", project)
    (project / "dbt_project.yml").write_text(PROJECT)
    (project / "models" / "mart_broken.sql").write_text("select no_such_column from raw.nothing")
    (project / "models" / "mart_tested.sql").write_text("select null::int as figure")
    (project / "models" / "mart_tested.yml").write_text(TESTED)
    monkeypatch.setattr(steps, "DBT_PROJECT_DIR", project)
    directory = tmp_path / "home" / "build" / BUILD
    directory.mkdir(parents=True)
    duckdb.connect(str(directory / builds.LOADED)).close()
    record = BuildRecord(
        as_of=date(2026, 6, 1),
        is_of_the_past=False,
        fingerprint="",
        git_revision="",
        started_at=datetime(2026, 6, 1, tzinfo=UTC),
        versions={},
        vintages=(),
    )
    write_record(directory / builds.BUILD_RECORD, record)
    monkeypatch.setattr(steps, "load", lambda *_: BUILD)
    return BUILD


def test_failed_nodes_are_reported_by_name(
    build: str,
    dags: dict[str, Any],
    progress: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    import notify

    sent: list[dict[str, str]] = []
    monkeypatch.setattr(notify, "send", sent.append)
    with caplog.at_level(logging.ERROR):
        run = dags["publish"].test()
    assert states(run)["transform"] == "failed" and states(run)["validate"] == "upstream_failed"
    (message,) = sent
    errors = [record.getMessage() for record in caplog.records if record.name == "warehouse.build.dbt"]
    log = caplog.text + "".join(capfd.readouterr())
    assert len(errors) == 2
    for node in ("model.broken.mart_broken", "test.broken.not_null_mart_tested_figure"):
        assert len([error for error in errors if node in error]) == 1
        assert node in message["reason"]
        assert node in log
        assert node in progress.console.file.getvalue()
    assert message["task_id"] == "transform"
