"""Airflow's own metrics reach a StatsD server, or an OpenTelemetry collector, when it is switched on."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

# As the scheduler does at its start.
SEND = """
from airflow.observability import stats
from airflow.observability.metrics import stats_utils
stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=True)
stats.incr("scheduler_heartbeat")
"""


@pytest.mark.slow
def test_metrics_of_airflow_reach_statsd(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(2)
        variables = {
            "AIRFLOW_HOME": str(tmp_path),
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(server.getsockname()[1]),
        }
        subprocess.run([sys.executable, "-c", SEND], env=os.environ | variables, check=True, timeout=60)
        received = [server.recv(1000)]
        while b"airflow.scheduler_heartbeat:1|c" not in received:  # ends by the socket's timeout
            received.append(server.recv(1000))


@pytest.mark.slow
def test_metrics_of_airflow_reach_an_opentelemetry_collector(tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/metrics", method="POST").respond_with_data(b"")
    variables = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__METRICS__OTEL_ON": "True",
        "OTEL_EXPORTER_OTLP_ENDPOINT": httpserver.url_for("").rstrip("/"),
    }
    subprocess.run([sys.executable, "-c", SEND], env=os.environ | variables, check=True, timeout=60)
    bodies = [request.get_data() for request, _ in httpserver.log]  # sent at the end of the process
    assert any(b"scheduler_heartbeat" in body for body in bodies)
