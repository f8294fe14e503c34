"""Lineage events: sent to a configured backend with the warehouse's data sets; none without a backend.

Each run is a separate process, since Airflow reads the provider's settings once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from airflow_local import copy_metadata
from pytest_httpserver import HTTPServer

from warehouse.config import PROJECT_ROOT, SAMPLE_DIR

SOURCE = "data360_digital"
RUN = """
import sys
sys.path.append("dags")
import local_airflow
import nightly
from io import StringIO
from pathlib import Path
from rich.console import Console
home = Path(sys.argv[1])
local_airflow.use_local_airflow(home)
local_airflow.migrate(home)
dags = nightly.load_dags(nightly.Progress(Console(file=StringIO())))
from warehouse.build import steps
for step in ("load", "transform", "validate", "publish"):  # the work of a build is not tested here
    setattr(steps, step, lambda *_: "build")
from warehouse.releases import news
news.news_of = lambda *_: {}
for dag_id in sys.argv[2:]:
    assert dags[dag_id].test().state == "success", dag_id
"""


def run_dags(home: Path, *dag_ids: str, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(home / "airflow"), *dag_ids],
        cwd=PROJECT_ROOT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "PYTHONPATH": str(PROJECT_ROOT),
            "WAREHOUSE_HOME": str(home / "warehouse"),
            "WAREHOUSE_MIRROR": str(SAMPLE_DIR / "night-2"),
            "GX_ANALYTICS_ENABLED": "false",
            **environ,
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


def names(events: list[dict[str, Any]], job: str, kind: str, side: str) -> set[tuple[str, str]]:
    found = [item for item in events if item["job"]["name"] == job and item["eventType"] == kind]
    assert found, sorted((item["job"]["name"], item["eventType"]) for item in events)
    return {(item["namespace"], item["name"]) for event in found for item in event[side]}


def test_run_sends_events_with_our_data_sets_to_a_configured_backend(
    tmp_path: Path, httpserver: HTTPServer, metadata: Path
) -> None:
    httpserver.expect_request("/api/v1/lineage", method="POST").respond_with_data("", status=201)
    url = httpserver.url_for("").rstrip("/")
    transport = {"type": "http", "url": url, "endpoint": "api/v1/lineage"}
    copy_metadata(metadata, tmp_path / "airflow")
    output = run_dags(
        tmp_path,
        f"ingest_{SOURCE}",
        "publish",
        AIRFLOW__OPENLINEAGE__NAMESPACE="services-trade",
        AIRFLOW__OPENLINEAGE__TRANSPORT=json.dumps(transport),
    )
    assert "failed to emit" not in output.lower()
    events = [request.get_json() for request, _ in httpserver.log]
    kinds = {(item["job"]["name"], item["eventType"]) for item in events}
    for job in (f"ingest_{SOURCE}.ingest", "publish.load", "publish.publish"):
        assert {(job, "START"), (job, "COMPLETE")} <= kinds
    landed = ("warehouse", f"landing/{SOURCE}")
    assert landed in names(events, f"ingest_{SOURCE}.ingest", "COMPLETE", "outputs")
    assert landed in names(events, "publish.load", "COMPLETE", "inputs")
    assert ("warehouse", "published/latest") in names(events, "publish.publish", "COMPLETE", "outputs")
    assert {item["job"]["namespace"] for item in events} == {"services-trade"}


def test_no_event_is_sent_without_backend(tmp_path: Path, httpserver: HTTPServer, metadata: Path) -> None:
    httpserver.expect_request("/api/v1/lineage").respond_with_data("", status=201)
    copy_metadata(metadata, tmp_path / "airflow")
    output = run_dags(tmp_path, "publish", AIRFLOW__OPENLINEAGE__TRANSPORT="", OPENLINEAGE_URL="")
    assert httpserver.log == []
    assert '"eventType"' not in output  # nor to the console
