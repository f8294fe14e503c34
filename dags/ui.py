"""Airflow's own web page on this DAG folder: the script behind `make ui`.

It is `airflow standalone` (scheduler, dag-processor, triggerer, api-server; SQLite; LocalExecutor) with the
same metadata as `make run`, so that its runs are on the page. No login: whoever reaches the page is admin,
therefore everything listens on loopback only. The log of the parts goes to `var/airflow/logs/ui.log`.

Refuses: to listen anywhere else. Scheduler and triggerer would serve their log files on every interface;
the page reads those from disk here.

`WAREHOUSE_MIRROR` answers for the publishers, the newest night when it is a folder of nights; `UI_PORT` is
the port (8080).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from nightly import migrate, nights, quietly, use_local_airflow
from rich.console import Console

from warehouse import config

SERVE = "serve"
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
    os.environ["AIRFLOW__CORE__PARALLELISM"] = "4"
    os.environ["AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL"] = "60"


def refuse_taken(port: int) -> None:
    """End with a message when something else listens on the port."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise SystemExit(f"Port {port} is taken. Choose another: make ui UI_PORT=8090")


def serve(console: Console, port: int) -> None:
    """Run `airflow standalone` until it is interrupted."""
    from airflow.cli.commands import standalone_command
    from airflow.configuration import write_default_airflow_configuration_if_needed

    class OnLoopback(standalone_command.SubCommand):
        def __init__(self, parent: object, name: str, command: list[str], env: dict[str, str]) -> None:
            super().__init__(
                parent, name, [*command, "--skip-serve-logs"] if name in SERVE_LOGS else command, env
            )

    class Page(standalone_command.StandaloneCommand):
        def is_ready(self) -> bool:
            return super().is_ready() and self.port_open(port)  # it asks for all parts but the page itself

        def print_ready(self) -> None:
            super().print_ready()
            console.print(f"[bold green]Ready:[/] http://127.0.0.1:{port}  (Ctrl-C ends it)", highlight=False)

    # Once, here: the four parts would each write one at a first start, and disagree on the secret in it.
    write_default_airflow_configuration_if_needed()
    standalone_command.SubCommand = OnLoopback
    Page().run()


def in_a_session_of_its_own() -> int:
    """Run the parts out of reach of the terminal's Ctrl-C, and pass it on as one orderly request to end.

    The terminal sends an interrupt to every process at once; the scheduler and the dag-processor, told to
    end a second time by standalone while they are ending, never do.
    """
    parts = subprocess.Popen([sys.executable, __file__, SERVE], start_new_session=True)
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, lambda *_: parts.terminate())
    return parts.wait()


def main() -> int:
    """Start Airflow and say where its page is."""
    place = config.from_environment()
    home = place.home / "airflow"
    port = int(os.environ.get("UI_PORT") or 8080)
    refuse_taken(port)
    use_local_airflow(home)
    use_loopback(port)
    # standalone starts `airflow` by name: the one of this environment, whatever the shell knows
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    from warehouse.sources import SOURCES

    night = nights(os.environ.get("WAREHOUSE_MIRROR", ""), dict(SOURCES))[-1]
    os.environ["WAREHOUSE_MIRROR"] = night.mirror
    log_file = home / "logs" / "ui.log"
    with quietly(log_file) as console:
        console.print(f"Starting Airflow (half a minute). Answers: {night.title}", highlight=False)
        console.print(f"Log: {log_file}", highlight=False, soft_wrap=True)
        migrate(home)
        serve(console, port)
        console.print("Airflow has ended.", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main() if sys.argv[1:] == [SERVE] else in_a_session_of_its_own())
