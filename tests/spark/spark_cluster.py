"""A cluster of Apache Spark on loopback: the services of docker-compose.yml as processes.

A master and two workers, without a container engine: `cluster` lists what differs from the containers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import compose_file
from stack_ports import free_ports
from stack_processes import substitute

from warehouse.config import PROJECT_ROOT

PYTHON = PROJECT_ROOT / ".venv-spark" / "bin" / "python"
WORKERS = 2
START_SECONDS = 120
REQUIRED = ("WAREHOUSE_SECRETS", "WAREHOUSE_DATA", "WAREHOUSE_BACKUPS", "WAREHOUSE_ADMIN_USER")
REQUIRED += ("WAREHOUSE_ADMIN_EMAIL",)
# A build of small tables is some thousand short queries, and most of its time is that of Java's compiler: the
# quick one alone, and the collector with the least work of its own, take 40 % less.
JAVA = {"JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}


@contextmanager
def process(
    name: str, service: Mapping[str, Any], table: dict[str, str], directory: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command of a service; end it, and every process that it started, when the context ends."""
    environment = {key: substitute(value, table) for key, value in service["environment"].items()}
    arguments = [substitute(part, table) for part in [*service["entrypoint"], *service["command"]]]
    with (directory / f"{name}.log").open("wb") as log:
        started = subprocess.Popen(
            arguments,
            env=os.environ | environment | JAVA | {"SPARK_LOCAL_IP": "127.0.0.1"},
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            yield started
        finally:
            # The group of this process: an executor is a child of its worker.
            os.killpg(started.pid, signal.SIGTERM)
            try:
                started.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(started.pid, signal.SIGKILL)
                started.wait()


@contextmanager
def cluster(directory: Path) -> Iterator[str]:
    """Run a master and its workers, of one core and 1 GB each; return the URL of the master."""
    services = compose_file.read(dict.fromkeys(REQUIRED, "unused"))["services"]
    port, web_port, *worker_ports = free_ports(2 + WORKERS)
    table = {
        "/opt/venv-spark": str(PYTHON.parent.parent),
        "spark-master": "127.0.0.1",
        "spark-master:7077": f"127.0.0.1:{port}",
        "7077": str(port),
        "8090": str(web_port),
        "/srv/spark": str(directory / "spark"),
    }
    (directory / "spark").mkdir()
    with ExitStack() as stack:
        stack.enter_context(process("master", services["spark-master"], table, directory))
        for number, worker_port in enumerate(worker_ports):
            own = table | {"8091": str(worker_port)}
            stack.enter_context(process(f"worker-{number}", services["spark-worker"], own, directory))
        wait_for_workers(f"http://127.0.0.1:{web_port}/json/", directory)
        yield f"spark://127.0.0.1:{port}"


def wait_for_workers(address: str, directory: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 (loopback)
                if json.load(answer)["aliveworkers"] == WORKERS:
                    return
        except (OSError, ValueError):
            pass
        time.sleep(0.5)
    logs = "\n".join(path.read_text(errors="replace")[-2000:] for path in directory.glob("*.log"))
    raise AssertionError(f"the cluster did not start within {START_SECONDS} s:\n{logs}")
