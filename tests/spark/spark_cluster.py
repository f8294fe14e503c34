"""A cluster of Apache Spark on loopback, from the pyspark package: a master and two workers as processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from warehouse.config import PROJECT_ROOT

PYTHON = PROJECT_ROOT / ".venv-spark" / "bin" / "python"
WORKERS = 2
START_SECONDS = 120
DEPLOY = "org.apache.spark.deploy"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(name: str, arguments: list[str], directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a class of Spark; end it, and every process that it started, when the context ends."""
    spark_home = next((PYTHON.parent.parent / "lib").glob("python3.*")) / "site-packages" / "pyspark"
    environment = os.environ | {
        "SPARK_HOME": str(spark_home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
        "PYSPARK_PYTHON": str(PYTHON),
    }
    with (directory / f"{name}.log").open("wb") as log:
        started = subprocess.Popen(
            [str(spark_home / "bin" / "spark-class"), *arguments],
            stdout=log, stderr=log, env=environment, start_new_session=True,
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
    """Run a master and its workers, of one core and 1.5 GB each; return the URL of the master."""
    port, web_port = free_port(), free_port()
    master = f"spark://127.0.0.1:{port}"
    with ExitStack() as stack:
        arguments = ["--host", "127.0.0.1", "--port", str(port), "--webui-port", str(web_port)]
        stack.enter_context(process("master", [f"{DEPLOY}.master.Master", *arguments], directory))
        for number in range(WORKERS):
            arguments = [
                *("--host", "127.0.0.1", "--cores", "1", "--memory", "1500m"),
                *("--webui-port", str(free_port()), "--work-dir", str(directory / f"work-{number}")),
            ]
            worker = [f"{DEPLOY}.worker.Worker", *arguments, master]
            stack.enter_context(process(f"worker-{number}", worker, directory))
        wait_for_workers(f"http://127.0.0.1:{web_port}/json/", directory)
        yield master


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
