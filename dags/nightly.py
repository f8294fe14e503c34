"""Run the nightly load through Airflow in one process: the script behind `make run`.

Keeps: real DAG runs of `ingest_<source>` and `publish` (`dag.test()`, SQLite metadata in
`var/airflow`), one night after the other; a source that fails is shown and stops no other; the exit code is
1 when any task failed.

`WAREHOUSE_MIRROR` says what a night is: a folder of recorded nights (`night-*`) is replayed in their order,
each source in the nights that hold an answer for it; a mirror of its own (a directory with `index.json`, or
an HTTP address) is one night; empty is one night at the publishers.

Refuses: retries by pause (the fetch step has its own, and here a person waits), and Airflow's log on the
screen: it goes to `var/airflow/logs/nightly.log`.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.table import Table

from warehouse import config
from warehouse.model import Source

DAGS = Path(__file__).resolve().parent
LATEST_YEARS = 3
PIPE_COLUMNS = 120  # where there is no terminal to ask


@dataclass(frozen=True)
class Night:
    """One night to run: what answers for the publishers, and the sources to ask."""

    title: str
    mirror: str
    sources: tuple[str, ...]


@dataclass
class Screen:
    """What the person sees: a line for each task that ended, and what failed."""

    console: Console
    failures: list[str] = field(default_factory=list)
    releases: int = 0
    doing: str = "starting Airflow"
    started: float = field(default_factory=time.monotonic)
    spinner: Spinner = field(default_factory=lambda: Spinner("dots"))

    def moving(self) -> Spinner:
        """Return what moves on a terminal: the task at work and how long it has been."""
        self.spinner.update(text=f"{self.doing} … {time.monotonic() - self.started:.0f} s")
        return self.spinner

    def begin(self, context: Any) -> None:
        """Show the task that starts now."""
        self.started = time.monotonic()
        self.doing = task_name(context)

    def line(self, context: Any, mark: str, note: str) -> None:
        """Print the line of a task that ended."""
        seconds = time.monotonic() - self.started
        text = f"  {mark} {task_name(context):<32} {seconds:6.1f} s  {note}"
        self.console.print(text, highlight=False, soft_wrap=True)

    def succeeded(self, context: Any) -> None:
        """Print a success, with what the task made when a person wants to know it."""
        instance = context["task_instance"]
        made = instance.xcom_pull(task_ids=instance.task_id)
        if made is None:
            self.skipped(context)
            return
        self.releases += instance.task_id == "publish"
        noun = {"accept": "vintage", "publish": "release"}.get(instance.task_id)
        self.line(context, "[green]✓[/]", f"{noun} {escape(str(made))}" if noun else "")

    def skipped(self, context: Any) -> None:
        """Print a skip: nothing was new."""
        self.line(context, "[dim]-[/]", "[dim]nothing new[/]")

    def failed(self, context: Any) -> None:
        """Print a failure with its reason, and remember it for the exit code."""
        self.failures.append(task_name(context))
        self.line(context, "[red]✗[/]", f"[red]{escape(str(context.get('exception')))}[/]")


def task_name(context: Any) -> str:
    """Return what a person calls the task: `safe_bop: fetch`."""
    instance = context["task_instance"]
    return f"{instance.dag_id.removeprefix('ingest_')}: {instance.task_id}"


# --- Airflow on one machine ----------------------------------------------------------------------------


def use_local_airflow(home: Path) -> None:
    """Point Airflow at this DAG folder and at SQLite metadata under `home`; call before importing it."""
    (home / "logs").mkdir(parents=True, exist_ok=True)
    os.environ["AIRFLOW_HOME"] = str(home)
    os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(DAGS)
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION"] = "False"
    # it tells at level info, hundreds of times, which functions it does not register
    os.environ["AIRFLOW__LOGGING__NAMESPACE_LEVELS"] = "great_expectations=WARNING"
    if str(DAGS) not in sys.path:
        sys.path.append(str(DAGS))


def migrate(home: Path) -> None:
    """Create or upgrade the metadata database, unless this very Airflow already did."""
    from airflow import __version__

    stamp = home / "migrated"
    if (home / "airflow.db").exists() and stamp.exists() and stamp.read_text() == __version__:
        return
    from airflow.utils.db import initdb

    initdb()
    stamp.write_text(__version__)


@contextmanager
def quietly(log_file: Path) -> Iterator[Console]:
    """Send everything that is written to stdout and stderr to a file; yield a console on the terminal."""
    sys.stdout.flush()
    sys.stderr.flush()
    out, err = os.dup(1), os.dup(2)
    with log_file.open("a", encoding="utf-8") as log, os.fdopen(os.dup(1), "w", encoding="utf-8") as terminal:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield Console(file=terminal, width=None if terminal.isatty() else PIPE_COLUMNS)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(out, 1)
            os.dup2(err, 2)
            os.close(out)
            os.close(err)


# --- nights --------------------------------------------------------------------------------------------


def nights(mirror: str, sources: dict[str, Source]) -> list[Night]:
    """Return the nights that `mirror` stands for, oldest first."""
    every = tuple(sources)
    if not mirror:
        return [Night("at the publishers", "", every)]
    if mirror.startswith(("http://", "https://")):
        shown = re.sub(r"//[^/]*@", "//***@", mirror)  # its password goes to fetch, and not to the screen
        return [Night(shown, mirror, every)]
    root = Path(mirror).resolve()
    folders = sorted(path for path in root.glob("night-*") if path.is_dir())
    if not folders:
        if not (root / "index.json").exists():
            raise SystemExit(f"{root}: neither a mirror (no index.json) nor a folder of nights (no night-*).")
        return [Night(root.name, str(root), every)]
    return [recorded_night(folder, sources) for folder in folders]


def recorded_night(folder: Path, sources: dict[str, Source]) -> Night:
    """Return one recorded night, with the sources whose first request it can answer."""
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    addresses = {answer["address"] for answer in index["answers"]}
    held = tuple(name for name, source in sources.items() if next(source.plan()).address in addresses)
    if not held:
        raise SystemExit(f"{folder}: its index.json holds an answer for none of {', '.join(sources)}.")
    return Night(f"{folder.name}: {index.get('description') or index['name']}", str(folder), held)


def run_night(night: Night, dags: dict[str, Any], screen: Screen) -> None:
    """Run the ingest DAG of each source of the night, then the publish DAG."""
    os.environ["WAREHOUSE_MIRROR"] = night.mirror
    screen.console.print(f"[bold]{escape(night.title)}[/]", highlight=False)
    for dag_id in (*(f"ingest_{name}" for name in night.sources), "publish"):
        before = len(screen.failures)
        run = dags[dag_id].test()
        if run.state != "success" and len(screen.failures) == before:  # no task could say so itself
            screen.failures.append(dag_id)
            screen.console.print(f"  [red]✗ {dag_id}: the run ended as {run.state}[/]", highlight=False)


def load_dags(screen: Screen) -> dict[str, Any]:
    """Parse the DAG folder; watch every task, without pauses between tries."""
    from airflow.dag_processing.dagbag import BundleDagBag

    bag = BundleDagBag(dag_folder=str(DAGS), bundle_path=DAGS, bundle_name="dags-folder")
    if bag.import_errors:
        raise SystemExit("\n".join(f"{file}: {error}" for file, error in bag.import_errors.items()))
    for dag in bag.dags.values():
        for task in dag.tasks:
            task.retries = 0
            watch(task, "on_execute_callback", screen.begin)
            watch(task, "on_success_callback", screen.succeeded)
            watch(task, "on_skipped_callback", screen.skipped)
            watch(task, "on_failure_callback", screen.failed)
    return dict(bag.dags)


def watch(task: Any, moment: str, callback: Callable[[Any], None]) -> None:
    """Put a callback before those that a task has for a moment."""
    setattr(task, moment, [callback, *getattr(task, moment)])


# --- at the end ----------------------------------------------------------------------------------------


def china_table(release: Path) -> Table:
    """Return China's services trade of the latest years, each source on its own, read from a release."""
    import duckdb

    with duckdb.connect(str(release / "warehouse.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            """
            select period_label, source, vintage, currency, exports_million, imports_million, balance_million,
                   world_export_share_pct, world_import_share_pct, world_rank
            from marts.mart_trade_scale
            where reporter = 'CHN' and frequency = 'A' and currency = 'USD'
            qualify dense_rank() over (partition by source order by period_label desc) <= ?
            order by source, period_label
            """,
            [LATEST_YEARS],
        ).fetchall()
    table = Table(
        title="China: trade in services (million US dollars)", title_justify="left", header_style="bold"
    )
    for heading in ("source", "vintage", "year"):
        table.add_column(heading, no_wrap=True)
    for heading in ("exports", "imports", "balance", "world exports %", "world imports %", "rank"):
        table.add_column(heading, justify="right")
    previous = None
    for label, source, vintage, _, exports, imports, balance, export_share, import_share, rank in rows:
        if previous not in (None, source):
            table.add_section()
        table.add_row(
            "" if source == previous else source,
            "" if source == previous else str(vintage),
            label,
            *(figure(value, 0) for value in (exports, imports, balance)),
            *(figure(value, 2) for value in (export_share, import_share)),
            figure(rank, 0),
        )
        previous = source
    return table


def figure(value: float | None, digits: int) -> str:
    """Return a figure for reading; a missing one stays a dot, never a zero."""
    return "·" if value is None else f"{value:,.{digits}f}".replace(",", " ")


def show_release(console: Console, published: Path) -> None:
    """Print the table and the paths of the release that stands."""
    latest = published / "latest"
    if not latest.exists():
        console.print(f"No release stands in {published}.", highlight=False)
        return
    release = latest.resolve()
    console.print()
    console.print(china_table(release))
    for noun, path in (
        ("Release", release),
        ("Database", release / "warehouse.duckdb"),
        ("Parquet", release / "parquet"),
        ("Data Docs", release / "data_docs" / "index.html"),
        ("dbt docs", release / "dbt_docs" / "index.html"),
    ):
        console.print(f"{noun:<10} {path}", highlight=False, soft_wrap=True)


def main() -> int:
    """Run every night; return the exit code."""
    began = time.monotonic()
    place = config.from_environment()
    home = place.home / "airflow"
    log_file = home / "logs" / "nightly.log"
    use_local_airflow(home)
    with quietly(log_file) as console:
        screen = Screen(console)
        # Not redirected: Live would send Airflow's log to the terminal.
        with Live(
            get_renderable=screen.moving,
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ):
            from warehouse.sources import SOURCES

            plan = nights(os.environ.get("WAREHOUSE_MIRROR", ""), dict(SOURCES))
            migrate(home)
            dags = load_dags(screen)
            console.print(f"Airflow is up ({time.monotonic() - began:.1f} s)", highlight=False)
            for night in plan:
                run_night(night, dags, screen)
        show_release(console, place.published)
        if screen.failures:
            console.print(
                f"[red]Failed: {', '.join(screen.failures)}.[/] What stood before still stands.",
                highlight=False,
                soft_wrap=True,
            )
        elif not screen.releases:
            console.print("Nothing new: the release that stands is up to date.", highlight=False)
        seconds = time.monotonic() - began
        console.print(f"Done in {seconds:.0f} s. Log: {log_file}", highlight=False, soft_wrap=True)
    return 1 if screen.failures else 0


if __name__ == "__main__":
    sys.exit(main())
