"""The services of docker-compose.yml as processes on loopback, on Debian's PostgreSQL, and Airflow's API.

No container engine is needed. `substitutions` lists what differs from the containers; `initialise` does what
the official PostgreSQL image does before its command.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import compose_file
import psutil
import requests
from airflow_api import ADMIN, api, ended
from bench.cluster import debian_bin, debian_user
from stack_ports import free_ports

from warehouse.config import CURATED_DIR, PROJECT_ROOT
from warehouse.files import sha256_of
from warehouse.releases.manifest import read_manifest
from warehouse.releases.store import current

AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer")
BOUND = 300  # seconds; a step takes about ten on an idle machine
BUILD_BOUND = 900  # seconds; a build takes about sixty on an idle machine
WEBHOOK_TOKEN = "B000-a-token-for-tests"  # noqa: S105
# Shorter pauses than by default, and no file of DAGs is parsed twice by a process: none changes under it.
PAUSES = {
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
}


@dataclass(frozen=True)
class Stack:
    """The services of the compose file, the substitutions, the folders, and the running processes."""

    services: dict[str, Any]
    table: dict[str, str]
    home: Path
    postgres: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def page(self) -> str:
        return f"http://{self.table['localhost:8080']}"

    @property
    def warehouse(self) -> Path:
        return Path(self.table["/srv/warehouse"])

    @property
    def secrets(self) -> Path:
        return Path(self.table["/run/secrets"])


# --- from the compose file to processes ----------------------------------------------------------------


def substitutions(home: Path, code: Path) -> dict[str, str]:
    """Return what differs from the containers: paths, and host names and ports of the stack's network."""
    database, page, health = free_ports(3)
    return {
        "/run/secrets": str(home / "secrets"),
        "/srv/airflow": str(home / "airflow"),
        "/srv/warehouse": str(home / "warehouse"),
        "/srv/curated": str(CURATED_DIR),
        "/opt/warehouse": str(code),
        "/opt/venv": sys.prefix,
        "0.0.0.0": "127.0.0.1",  # noqa: S104
        "@postgres:5432": f"@127.0.0.1:{database}",
        "//api-server:8080": f"//127.0.0.1:{page}",
        "localhost:8080": f"127.0.0.1:{page}",
        "localhost:8974": f"127.0.0.1:{health}",
        "--port=5432": f"--port={database}",
        "--host=localhost": "--host=127.0.0.1",
        "8080": str(page),
        "8974": str(health),
    }


def substitute(text: str, table: dict[str, str]) -> str:
    """Replace the keys of the table by its values, in a single pass."""
    keys = sorted(table, key=len, reverse=True)
    return re.sub("|".join(rf"{re.escape(key)}(?!\w)" for key in keys), lambda m: table[m.group()], text)


def environment(stack: Stack, name: str) -> dict[str, str]:
    """Return the variables of the image and of the service, and no others but PAUSES."""
    variables = {**compose_file.image_environment(), **stack.services[name]["environment"], **PAUSES}
    return {
        "HOME": str(stack.home),
        **{key: substitute(str(value), stack.table) for key, value in variables.items()},
    }


def arguments(stack: Stack, name: str) -> list[str]:
    service = stack.services[name]
    return [substitute(part, stack.table) for part in [*service["entrypoint"], *service["command"]]]


def start(stack: Stack, name: str) -> subprocess.Popen[bytes]:
    with (stack.home / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            arguments(stack, name),
            env=environment(stack, name),
            cwd=stack.table["/srv/airflow"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    stack.running[name] = process
    return process


def compile_code(code: Path) -> None:
    """Compile what the image has compiled: a process with the image's variables writes no bytecode."""
    folders = [code / name for name in ("docker", "warehouse", "dags")]
    subprocess.run([sys.executable, "-m", "compileall", "-q", *folders], check=True)


def run_init(stack: Stack) -> None:
    if start(stack, "init").wait(timeout=180) != 0:
        raise AssertionError((stack.home / "init.log").read_text()[-3000:])


def health(stack: Stack, name: str) -> subprocess.CompletedProcess[str]:
    """Run the health check of the compose file in the service's environment."""
    kind, *command = stack.services[name]["healthcheck"]["test"]
    assert kind == "CMD"
    return subprocess.run(
        [substitute(part, stack.table) for part in command],
        env=environment(stack, name),
        cwd=stack.table["/srv/airflow"],
        capture_output=True,
        text=True,
        timeout=90,
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all its children by id, as the end of a container does."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        children = []
    process.kill()
    for child in children:
        if child.is_running():
            child.kill()
    process.wait(timeout=30)
    psutil.wait_procs(children, timeout=30)


def until(what: str, condition: Callable[[], Any], stack: Stack, seconds: float = BOUND) -> Any:
    """Wait for a condition; fail when the time is over or when a service has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        for name in AIRFLOW:
            process = stack.running.get(name)
            if process is not None and process.poll() is not None:
                raise AssertionError(f"{name} ended: {(stack.home / f'{name}.log').read_text()[-3000:]}")
        time.sleep(0.5)
    log = stack.home / "scheduler.log"
    log_text = log.read_text()[-3000:] if log.exists() else ""
    raise AssertionError(f"not within {seconds} s: {what}\n{log_text}")


# --- PostgreSQL ----------------------------------------------------------------------------------------


def initialise(stack: Stack) -> None:
    """Do what the official image does at its first start: a cluster, a user with the secret's password."""
    variables = {
        key: substitute(value, stack.table)
        for key, value in stack.services["postgres"]["environment"].items()
    }
    password = stack.postgres / "password"
    password.write_text(Path(variables["POSTGRES_PASSWORD_FILE"]).read_text())
    if os.geteuid() == 0:
        for path in (stack.postgres, password):
            shutil.chown(path, "postgres", "postgres")
    subprocess.run(
        [
            debian_bin() / "initdb",
            f"--pgdata={stack.postgres / 'data'}",
            f"--username={variables['POSTGRES_USER']}",
            f"--pwfile={password}",
            "--encoding=UTF8",
            "--no-sync",
            *variables["POSTGRES_INITDB_ARGS"].split(),
        ],
        check=True,
        capture_output=True,
        cwd=stack.postgres,
        **debian_user(),
    )
    password.unlink()


def start_postgres(stack: Stack) -> None:
    port = stack.table["--port=5432"].partition("=")[2]
    command, *options = stack.services["postgres"]["command"]
    with (stack.home / "postgres.log").open("ab") as log:
        stack.running["postgres"] = subprocess.Popen(
            [
                debian_bin() / command,
                *options,
                *("-D", stack.postgres / "data", "-p", port),
                *("-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={stack.postgres}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=stack.postgres,
            start_new_session=True,
            **debian_user(),
        )
    check = [substitute(part, stack.table) for part in stack.services["postgres"]["healthcheck"]["test"][1:]]
    until(
        "PostgreSQL is healthy", lambda: subprocess.run(check, capture_output=True).returncode == 0, stack, 60
    )
    query(stack, f"create database {stack.services['postgres']['environment']['POSTGRES_DB']}", "postgres")


def query(stack: Stack, sql: str, database: str = "airflow") -> list[tuple[Any, ...]]:
    import psycopg2

    connection = psycopg2.connect(
        host="127.0.0.1",
        port=stack.table["--port=5432"].partition("=")[2],
        user="airflow",
        password=(stack.secrets / "postgres_password").read_text(),
        dbname=database,
    )
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []
    finally:
        connection.close()


# --- the running stack ---------------------------------------------------------------------------------


@contextmanager
def running_stack(
    home: Path, webhook_port: int, code: Path = PROJECT_ROOT, **variables: str
) -> Iterator[Stack]:
    """Run PostgreSQL and Airflow's services with the code of a directory; end them all at the end.

    `variables` are those of `.env`; alerts go to a webhook on `webhook_port`.
    """
    table = substitutions(home, code)
    for folder in ("/srv/airflow", "/srv/warehouse"):
        Path(table[folder]).mkdir()
    secrets_made = subprocess.run(
        [sys.executable, code / "docker" / "secret.py", "make", table["/run/secrets"]], timeout=30
    )
    assert secrets_made.returncode == 0
    # A password with the special characters of addresses, alembic and shells.
    awkward = home / "secrets" / "postgres_password"
    awkward.unlink()
    awkward.write_text("p@ss/w:rd%41 #?&$HOME'")
    webhook = {"conn_type": "slackwebhook", "password": f"http://127.0.0.1:{webhook_port}/{WEBHOOK_TOKEN}"}
    connections = home / "secrets" / "connections.json"
    connections.unlink()
    connections.write_text(json.dumps({"chat": webhook}))
    services = compose_file.read(
        {
            "WAREHOUSE_SECRETS": table["/run/secrets"],
            "WAREHOUSE_DATA": table["/srv/warehouse"],
            "WAREHOUSE_BACKUPS": str(home / "backups"),
            "WAREHOUSE_ADMIN_USER": ADMIN,
            "WAREHOUSE_ADMIN_EMAIL": "analyst@example.org",
            "WAREHOUSE_ALERT_SLACK_CONN": "chat",
            **variables,
        }
    )["services"]
    # Short, for the path of a Unix socket, and readable by the user of PostgreSQL.
    with tempfile.TemporaryDirectory() as postgres:
        stack = Stack(services, table, home, Path(postgres))
        # A cancelled job ends the stack too: pytest runs the clean-up after an interrupt
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            compile_code(code)
            initialise(stack)
            start_postgres(stack)
            start_airflow(stack)
            yield stack
        finally:
            for process in reversed(stack.running.values()):
                kill(process)
            signal.signal(signal.SIGTERM, before)


def start_airflow(stack: Stack) -> None:
    """Run `init`, start the services of Airflow, and wait until all are healthy."""
    run_init(stack)
    for name in AIRFLOW:
        start(stack, name)
    until("the API server listens", lambda: listens(stack), stack)
    until("the API server is healthy", lambda: health(stack, "api-server").returncode == 0, stack)
    until("all services send heartbeats", lambda: beating(stack), stack)


def listens(stack: Stack) -> bool:
    """Tell whether the API server's port is taken: the start of a health check costs a third of a second."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(stack.table["8080"]))) == 0


def beating(stack: Stack) -> bool:
    health_report = requests.get(f"{stack.page}/api/v2/monitor/health", timeout=30).json()
    parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
    return all(health_report[part]["status"] == "healthy" for part in parts)


def land(stack: Stack, token: str, *sources: str) -> None:
    """Let the schedule run these sources: unpause, wait for a run, pause, wait until no task is active."""
    dags = {f"ingest_{name}": stack.warehouse / "landing" / name for name in sources}
    for dag in dags:
        api(stack, token, f"dags/{dag}", {"is_paused": False})
    for dag, landing in dags.items():
        (first, *_) = until(f"{dag} has run", lambda dag=dag: ended(stack, token, dag), stack)
        api(stack, token, f"dags/{dag}", {"is_paused": True})
        assert (first["run_type"], first["state"]) == ("scheduled", "success"), first
        assert list(landing.glob("*/manifest.json"))
    # The next minute's run may have begun; until a release has the vintage, that run reports it too.
    moving = "dagRuns/~/taskInstances?state=queued&state=running"
    for dag in dags:
        until(
            f"{dag} has no active task",
            lambda dag=dag: not api(stack, token, f"dags/{dag}/{moving}")["task_instances"],
            stack,
        )


def whole(release: Path) -> dict[str, str]:
    """Compare a release's files with its manifest; return the checksums of its tables."""
    manifest = read_manifest(release)
    assert sha256_of(release / manifest.database.file) == manifest.database.sha256
    for table, entry in manifest.tables.items():
        assert sha256_of(release / "parquet" / f"{table}.parquet") == entry.sha256
    return {table: entry.sha256 for table, entry in manifest.tables.items()}


def current_release(stack: Stack) -> Path:
    release = current(stack.warehouse / "published")
    assert release is not None
    return release
