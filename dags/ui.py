"""Airflow's web page on this DAG folder: the script behind `make ui`.

It is `airflow standalone` (scheduler, dag-processor, triggerer, api-server; SQLite; LocalExecutor) with the
metadata of `make run`, so that its runs are on the page. There is no login: everyone who reaches the page is
an admin, and therefore every part listens on loopback only. The log is `var/airflow/logs/ui.log`.

`WAREHOUSE_MIRROR` answers for the publishers; of a directory of nights, the newest. `UI_PORT` is the port.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from local_airflow import migrate, use_local_airflow
from nightly import WIDTH, nights
from rich.console import Console

from warehouse.config import load_settings

SERVE = "serve"
# They would serve their log files on every interface. The page reads the files from disk.
SERVE_LOGS = ("scheduler", "triggerer")


def use_loopback(port: int) -> None:
    """Make every part of Airflow listen and call on 127.0.0.1:`port`, without a login."""
    address = f"http://127.0.0.1:{port}"
    os.environ["AIRFLOW__API__HOST"] = "127.0.0.1"
    os.environ["AIRFLOW__API__PORT"] = str(port)
    os.environ["AIRFLOW__API__BASE_URL"] = address
    os.environ["AIRFLOW__API__WORKERS"] = "1"
    os.environ["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] = f"{address}/execution/"
    os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"] = "True"
    os.environ["AIRFLOW__CORE__PARALLELISM"] = "5"
    os.environ["AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL"] = "60"


def require_free(port: int) -> None:
    """Exit with a message if another process listens on the port."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise SystemExit(f"Port {port} is in use. Choose another: make ui UI_PORT=8090")


def serve(console: Console, port: int) -> None:
    """Run `airflow standalone` until it is interrupted."""
    from airflow.cli.commands import standalone_command
    from airflow.configuration import write_default_airflow_configuration_if_needed

    class Part(standalone_command.SubCommand):
        def __init__(self, parent: object, name: str, command: list[str], env: dict[str, str]) -> None:
            options = ["--skip-serve-logs"] if name in SERVE_LOGS else []
            super().__init__(parent, name, [*command, *options], env)

    class Standalone(standalone_command.StandaloneCommand):
        def is_ready(self) -> bool:
            return super().is_ready() and self.port_open(port)  # Airflow checks all parts but the page

        def print_ready(self) -> None:
            super().print_ready()
            console.print(f"[bold green]Ready:[/] http://127.0.0.1:{port}  (Ctrl-C ends it)", highlight=False)

    # Now, and once: at a first start each of the four parts would write one, with different secrets.
    write_default_airflow_configuration_if_needed()
    standalone_command.SubCommand = Part
    Standalone().run()


def serve_in_new_session() -> int:
    """Run the parts in a session of their own, and pass Ctrl-C on as one SIGTERM.

    The terminal would send an interrupt to every process. `standalone` then interrupts its parts once more,
    and a scheduler or dag-processor that is interrupted while it ends never does.
    """
    parts = subprocess.Popen([sys.executable, __file__, SERVE], start_new_session=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: parts.terminate())
    return parts.wait()


def main() -> int:
    """Start Airflow and print the address of its page."""
    home = load_settings().home / "airflow"
    port = int(os.environ.get("UI_PORT") or 8080)
    require_free(port)
    use_local_airflow(home)
    use_loopback(port)
    # `standalone` starts `airflow` by name: the one of this environment must come first.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    from warehouse.sources import SOURCES

    night = nights(os.environ.get("WAREHOUSE_MIRROR", ""), dict(SOURCES))[-1]
    os.environ["WAREHOUSE_MIRROR"] = night.mirror
    log_file = home / "logs" / "ui.log"
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDTH)
    console.print(f"Starting Airflow (half a minute). Answers: {night.title}", highlight=False)
    console.print(f"Log: {log_file}", highlight=False, soft_wrap=True)
    with log_file.open("a", encoding="utf-8") as log, redirect_stdout(log), redirect_stderr(log):
        migrate(home)
        serve(console, port)
    console.print("Airflow has ended.", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main() if sys.argv[1:] == [SERVE] else serve_in_new_session())
